//! Which array is which, where the names alone do not tell.
//!
//! `words` reads each name by the `vocabulary`; `relations` finds, whatever the names, which array is a function of
//! `a·W + b` of which others; `backbone` is the network and the batch for which most of both speaks; `tensors` gives the
//! other arrays their places in the step, by their numbers and by the `evidence` of name and shape. An array for which
//! neither its name nor its numbers speak is left out: a wrong place could hide a bug, or make one.

pub mod arrays;
mod backbone;
mod batch;
mod chains;
mod deltas;
mod evidence;
mod layers;
pub mod relations;
mod search;
mod strangers;
mod tensors;
mod vocabulary;
pub mod words;

use super::columns::is_with_ones;
use super::keys::{self, Key};
use super::npz::Entries;
use super::slot::Slot;
use arrays::Named;
use backbone::Backbone;
use std::collections::{BTreeMap, BTreeSet};
use strangers::Strangers;
use tensors::Tensors;
use words::{Kind, Words};

/// The arrays of a file under our names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Ours, by theirs.
    pub ours: BTreeMap<String, String>,
    /// What has no place, each with what it is the same as, if it is.
    pub left_out: Vec<(String, Option<String>)>,
    /// Those of them that have the shape of a tensor which the file lacks.
    pub strangers: Vec<String>,
    /// Whether the targets are the inputs.
    pub rebuilds: bool,
}

impl Reading {
    /// Arrays without a place that should have one, so that the reading cannot be right: parameters by their names; if
    /// all names are `known`, every one.
    pub fn idle(&self, known: bool) -> Vec<String> {
        let is_x = |name: &String| self.ours.get(name).is_some_and(|ours| ours == "X");
        let parameter = |name: &String| {
            let words = Words::of(name);
            // A word that nobody knows may say that it is another one: `W1_best`.
            words.known && (words.is_parameter(Kind::Weight) || words.is_parameter(Kind::Bias))
        };
        // Labels beside their one-hot form have the same place.
        let target = |name: &str| Words::of(name).kind == Some(Kind::Target);
        let idle = self.left_out.iter().filter(|(name, _)| !target(name)).filter(|(name, twin)| match twin {
            Some(twin) => known && !is_x(twin),
            None => known || parameter(name),
        });
        idle.map(|(name, _)| name.clone()).collect()
    }
}

/// Finds the places of a file's arrays.
///
/// # Errors
/// What is missing for a network and a batch, by our names.
pub fn infer(entries: &Entries) -> Result<Reading, Vec<String>> {
    let arrays = arrays::named(entries);
    let backbone = backbone::find(&arrays)?;
    let mut places: BTreeMap<usize, String> = BTreeMap::new();
    places.insert(backbone.y, "y".into());
    places.insert(backbone.x, "X".into());
    let tensors = Tensors::find(&arrays, &backbone);
    for (&slot, &array) in &tensors {
        places.insert(array, slot.to_string());
    }
    for (name, array) in numbers(&arrays, &backbone, &places) {
        places.insert(array, name);
    }
    let strangers = Strangers::new(&arrays, &backbone, &tensors);
    let mut reading = Reading { rebuilds: backbone.x == backbone.y, ..Reading::default() };
    for (i, array) in arrays.iter().enumerate() {
        match places.get(&i) {
            Some(ours) => {
                reading.ours.insert(array.name.to_owned(), ours.clone());
            }
            None => {
                let again = |&&other: &&usize| {
                    let own = arrays[other].array;
                    own == array.array || is_with_ones(own, array.array) || is_with_ones(array.array, own)
                };
                let twin = places.keys().find(again);
                if twin.is_none() && strangers.has(i) {
                    reading.strangers.push(array.name.to_owned());
                }
                reading
                    .left_out
                    .push((array.name.to_owned(), twin.map(|&twin| arrays[twin].name.to_owned())));
            }
        }
    }
    for (name, value) in entries {
        if let (super::npy::Value::Text(_), Some(key)) = (value, keys::parse(last_part(name))) {
            match key {
                Key::Act => reading.ours.insert(name.clone(), "act".into()),
                Key::Layout => reading.ours.insert(name.clone(), "layout".into()),
                _ => None,
            };
        }
    }
    Ok(reading)
}

/// Loss, accuracy and the settings, by name; one value each.
fn numbers(arrays: &[Named], backbone: &Backbone, places: &BTreeMap<usize, String>) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut taken = BTreeSet::new();
    for (i, array) in arrays.iter().enumerate().filter(|(i, _)| !places.contains_key(i)) {
        let single = array.array.data.len() == 1;
        let key = keys::parse(array.name).or_else(|| keys::parse(last_part(array.name)));
        let name = match (key, array.words.kind) {
            (Some(Key::Number(name)), _) if single && array.array.data[0].is_finite() => name.to_owned(),
            (Some(Key::Slot(Slot::Loss)), _) | (_, Some(Kind::Loss))
                if single || array.is_vector(backbone.n) =>
            {
                Slot::Loss.to_string()
            }
            (Some(Key::Slot(Slot::Accuracy)), _) | (_, Some(Kind::Accuracy)) if single => {
                Slot::Accuracy.to_string()
            }
            _ => continue,
        };
        if taken.insert(name.clone()) {
            found.push((name, i));
        }
    }
    found
}

/// The last word of a name that is a path: `lr` of `self.lr` or `options['lr']`.
fn last_part(name: &str) -> &str {
    let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
    name.rsplit(ends).find(|part| !part.is_empty()).unwrap_or(name)
}
