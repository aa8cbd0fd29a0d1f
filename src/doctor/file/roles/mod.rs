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
mod tensors;
mod vocabulary;
pub mod words;

use super::columns::is_with_ones;
use super::keys::{self, Key};
use super::npz::Entries;
use super::slot::{Param, Slot};
use arrays::Named;
use backbone::Backbone;
use evidence::Evidence;
use std::collections::{BTreeMap, BTreeSet};
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
                if twin.is_none() && is_stranger(&arrays, &backbone, &tensors, i) {
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

/// Whether an array has one value for each value of the targets, which are few: they are smoothed, or scaled.
fn is_of_targets(arrays: &[Named], backbone: &Backbone, array: usize) -> bool {
    let [own, y] = [array, backbone.y].map(|array| arrays[array].array);
    let mut values: BTreeMap<u64, f64> = BTreeMap::new();
    let alike = |(y, own): (&f64, &f64)| *values.entry(y.to_bits()).or_insert(*own) == *own;
    own.shape == y.shape && y.data.iter().zip(&own.data).all(alike) && values.len() * 2 < y.data.len()
}

/// Whether an array is the difference of the outputs and the targets.
fn is_error(arrays: &[Named], backbone: &Backbone, tensors: &BTreeMap<Slot, usize>, array: usize) -> bool {
    let Some(&p) = tensors.get(&Slot::P) else { return false };
    let [own, p, y] = [array, p, backbone.y].map(|array| arrays[array].array);
    let difference: Vec<f64> = p.data.iter().zip(&y.data).map(|(p, y)| p - y).collect();
    let tolerance = arrays::rounding(arrays[array].is_single());
    p.data.len() == y.data.len() && arrays::multiple(&own.data, &difference, tolerance).is_some()
}

/// Whether an array may be a tensor that the file lacks: it has the shape of one, or is of the batch's samples and as wide as no
/// layer.
fn is_stranger(arrays: &[Named], backbone: &Backbone, tensors: &BTreeMap<Slot, usize>, array: usize) -> bool {
    let (named, depth) = (&arrays[array], backbone.w.len());
    // Counts, classes, truth values; and the outputs' error, which stands beside what is made of it.
    let is_whole = named.array.kind == super::npy::Kind::Whole;
    let of_targets = is_of_targets(arrays, backbone, array) || is_error(arrays, backbone, tensors, array);
    if named.array.data.len() < 2 || is_whole || of_targets {
        return false;
    }
    let evidence = Evidence::new(arrays, backbone);
    let weights = (1..=depth).map(|l| Slot::Grad(Param::W(l)));
    // What is of samples is none of them, although a bias's gradient may come before its sum.
    let biases = (1..=depth).map(|l| Slot::Grad(Param::B(l))).filter(|_| named.array.is_flat());
    let hidden = (1..depth).flat_map(|l| [Slot::A(l), Slot::Dz(l), Slot::Da(l)]);
    let lacking = |slot: &Slot| !tensors.contains_key(slot) && evidence.has_shape(array, *slot);
    if hidden.chain([Slot::P, Slot::Dz(depth)]).chain(weights).chain(biases).any(|slot| lacking(&slot)) {
        return true;
    }
    let Some(sides) = named.sides() else { return false };
    let (n, sizes) = (backbone.n, &backbone.sizes);
    let of_batch = sides.iter().position(|&side| n > 1 && side == n).map(|at| sides[1 - at]);
    let strange = |&width: &usize| width > 1 && !sizes.contains(&width);
    of_batch.filter(strange).is_some()
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
