//! The columns of the table that a model was trained on: other tables are read by their names.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::{Cells, Input, fitted};
use super::listed::listed;
use super::table_options::TableOptions;
use crate::error::{Error, Result, Setting, message};
use crate::words::numerals::counted;

/// What the columns of a table are to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns that are inputs, in the network's order; a column of words is several inputs of the network.
    pub inputs: Vec<Input>,
    /// The labels or targets.
    pub targets: Vec<String>,
    /// What samples count in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Where the training table has its columns; absent in models of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Whether numbers have a comma where others have a point.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
    /// What else stands for a missing value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub na_values: Vec<String>,
}

/// Where a table has its columns, all counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Whether they have names; else they are called by their places.
    pub named: bool,
    /// How many columns there are.
    pub width: usize,
    /// The inputs.
    pub inputs: Vec<usize>,
    /// The targets.
    pub targets: Vec<usize>,
}

/// Where a table has the columns of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The inputs, in the schema's order.
    pub inputs: Vec<usize>,
    /// The targets, if it has them all.
    pub targets: Option<Vec<usize>>,
    /// What is to be said of it.
    pub notes: Vec<String>,
}

/// Said of the columns of a table for a model that knows no names.
pub fn in_their_order(names: &[String]) -> String {
    format!("the model knows no names of columns, so they are taken in their order: {}", listed(names))
}

const SAME_COLUMNS: &str = "give it the columns of the training data";

impl Schema {
    /// Finds the columns in the table at `path`, which is so wide and has these names if it has some.
    ///
    /// # Errors
    /// [`Error::File`] with the columns that it lacks, or has twice.
    pub fn find(&self, names: Option<&[String]>, width: usize, path: &Path) -> Result<Found> {
        match names.filter(|_| self.is_named()) {
            Some(names) => self.by_name(names, path),
            None => self.by_place(names, width, path),
        }
    }

    /// Whether its columns have names, and not only places.
    pub fn is_named(&self) -> bool {
        self.layout.as_ref().is_none_or(|layout| layout.named)
    }

    /// How many inputs of a network the columns are.
    pub fn width(&self) -> usize {
        self.inputs.iter().map(Input::width).sum()
    }

    /// What each input of the network is called.
    pub fn features(&self) -> Vec<String> {
        self.inputs.iter().flat_map(Input::features).collect()
    }

    /// The same with what the training rows say of each column.
    pub fn fitted(&self, columns: &[Cells], options: &TableOptions) -> Self {
        Self { inputs: fitted(&self.inputs, columns, options), ..self.clone() }
    }

    /// Whether a network of so many inputs can have it.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, inputs: usize) -> Result<(), String> {
        self.inputs.iter().try_for_each(Input::check)?;
        if let Some(layout) = &self.layout {
            let places: HashSet<usize> = layout.inputs.iter().chain(&layout.targets).copied().collect();
            let counts =
                (layout.inputs.len(), layout.targets.len()) == (self.inputs.len(), self.targets.len());
            let different = places.len() == layout.inputs.len() + layout.targets.len();
            if !(counts && different && places.iter().all(|&place| place < layout.width)) {
                return Err("the places of its columns are not those of a table".into());
            }
        }
        let own = self.width();
        match own == inputs {
            true => Ok(()),
            false => Err(format!("its columns are {}, and its network has {inputs}", counted(own, "input"))),
        }
    }

    fn by_name(&self, names: &[String], path: &Path) -> Result<Found> {
        let refused = |problem| Error::file(path, problem, SAME_COLUMNS);
        let unique = unique(names);
        let mut missing: Vec<String> = Vec::new();
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for Input { name, .. } in &self.inputs {
            let twice = names.iter().filter(|own| *own == name).count() > 1;
            if twice && !self.inputs.iter().any(|input| input.name == format!("{name}.1")) {
                return Err(refused(format!("it has two columns called `{name}`")));
            }
            match unique.iter().position(|own| own == name) {
                Some(place) => inputs.push(place),
                None => missing.push(name.clone()),
            }
        }
        if !missing.is_empty() {
            let columns = if missing.len() == 1 { "column" } else { "columns" };
            let alike = |own: &&String| missing.iter().any(|name| own.to_lowercase() == name.to_lowercase());
            let alike: Vec<String> = names.iter().filter(alike).cloned().collect();
            let other = match alike.is_empty() {
                true => String::new(),
                false => format!(", but has {}: capitals count", listed(&alike)),
            };
            return Err(refused(format!("it lacks the {columns} {}{other}", listed(&missing))));
        }
        let target = |target: &String| unique.iter().position(|name| name == target);
        let places: Vec<Option<usize>> = self.targets.iter().map(target).collect();
        let known = inputs.iter().chain(places.iter().flatten());
        let known: HashSet<usize> = known.copied().collect();
        let others = (0..names.len()).filter(|place| !known.contains(place));
        let others: Vec<String> = others
            .map(|place| unique[place].clone())
            .filter(|name| self.weight.as_ref() != Some(name))
            .collect();
        let order = (!inputs.is_sorted()).then(|| "its columns are taken in the model's order".to_owned());
        let left_out = (!others.is_empty())
            .then(|| format!("left out, since the model does not have them: {}", listed(&others)));
        let notes = order.into_iter().chain(left_out).collect();
        Ok(Found { inputs, targets: places.into_iter().collect(), notes })
    }

    fn by_place(&self, names: Option<&[String]>, width: usize, path: &Path) -> Result<Found> {
        let count = self.inputs.len();
        let layout = self.layout.as_ref().filter(|layout| layout.width == width);
        let without = self.layout.as_ref().filter(|layout| layout.width == width + layout.targets.len());
        let (inputs, targets) = match (layout, without) {
            (Some(layout), _) => (layout.inputs.clone(), Some(layout.targets.clone())),
            (None, Some(Layout { inputs, targets, .. })) => {
                let before = |place: &usize| targets.iter().filter(|target| *target < place).count();
                (inputs.iter().map(|place| place - before(place)).collect(), None)
            }
            (None, None) if width == count => ((0..count).collect(), None),
            (None, None) => {
                let own = self.layout.as_ref().map_or(count, |layout| layout.width);
                let problem =
                    format!("it has {}, but the training data have {own}", counted(width, "column"));
                return Err(Error::file(path, problem, SAME_COLUMNS));
            }
        };
        let note = match names {
            None if self.is_named() => {
                "it has no header, so its columns are taken in the order of the model's"
            }
            None => return Ok(Found { inputs, targets, notes: Vec::new() }),
            Some(_) => "the training data have no header, so its columns are taken in their order",
        };
        Ok(Found { inputs, targets, notes: vec![note.to_owned()] })
    }
}

impl Found {
    /// The targets in a table that has to have them.
    ///
    /// # Errors
    /// [`Error::File`] if it lacks one.
    pub fn wanted_targets(&self, schema: &Schema, path: &Path) -> Result<Vec<usize>> {
        self.targets.clone().ok_or_else(|| {
            let names = listed(&schema.targets);
            let problem = format!("it lacks the column {names}, which the training data had as label");
            Error::file(path, problem, message!["name the column that has it with ", Setting::LabelColumn])
        })
    }
}

/// Names of which no two are the same: the second `a` becomes `a.1`, as pandas calls it.
pub fn unique(names: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::with_capacity(names.len());
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        let mut own = name.clone();
        let mut number = 0_usize;
        while !taken.insert(own.clone()) {
            number += 1;
            own = format!("{name}.{number}");
        }
        unique.push(own);
    }
    unique
}
