//! The columns of the table that a model was trained on: other tables are read by their names.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Setting, message};

/// What the columns of a table are to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The inputs, in the network's order.
    pub inputs: Vec<String>,
    /// The labels or targets.
    pub targets: Vec<String>,
    /// What samples count in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
}

/// Where a table has the columns of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The inputs, in the network's order.
    pub inputs: Vec<usize>,
    /// The targets that it has.
    pub targets: Vec<String>,
    /// Columns that the schema does not have.
    left_out: Vec<String>,
}

/// As many columns as are named in a message.
const NAMED: usize = 8;

impl Schema {
    /// A schema, if each of the names is one column's alone.
    pub fn new(inputs: Vec<String>, targets: Vec<String>, weight: Option<String>) -> Option<Self> {
        let mut names: Vec<&String> = inputs.iter().chain(&targets).chain(&weight).collect();
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| pair[0] != pair[1]);
        unique.then_some(Self { inputs, targets, weight })
    }

    /// Finds the inputs in the table at `path`, which has these columns.
    ///
    /// # Errors
    /// [`Error::File`] with the columns that it lacks, or has twice.
    pub fn places(&self, names: &[String], path: &Path) -> Result<Places> {
        let refused = |problem| Error::file(path, problem, "give it the columns of the training data");
        let mut missing: Vec<String> = Vec::new();
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for wanted in &self.inputs {
            let mut found = (0..names.len()).filter(|&place| names[place] == *wanted);
            match (found.next(), found.next()) {
                (Some(place), None) => inputs.push(place),
                (Some(_), Some(_)) => return Err(refused(format!("it has two columns called `{wanted}`"))),
                (None, _) => missing.push(wanted.clone()),
            }
        }
        if !missing.is_empty() {
            let columns = if missing.len() == 1 { "column" } else { "columns" };
            return Err(refused(format!("it lacks the {columns} {}", listed(&missing))));
        }
        let is_target = |name: &&String| self.targets.contains(name);
        let own = self.inputs.iter().chain(&self.targets).chain(&self.weight);
        let is_known = |name: &&String| own.clone().any(|own| own == *name);
        let targets = names.iter().filter(is_target).cloned().collect();
        let left_out = names.iter().filter(|name| !is_known(name)).cloned().collect();
        Ok(Places { inputs, targets, left_out })
    }

    /// Finds the targets in the table at `path`, which has these columns.
    ///
    /// # Errors
    /// [`Error::File`] with one that it lacks.
    pub fn target_places(&self, names: &[String], path: &Path) -> Result<Vec<usize>> {
        let place = |target: &String| {
            names.iter().position(|name| name == target).ok_or_else(|| {
                let problem = format!("it lacks the column `{target}`, which the training data had as label");
                Error::file(
                    path,
                    problem,
                    message!["name the column that has it with ", Setting::LabelColumn],
                )
            })
        };
        self.targets.iter().map(place).collect()
    }
}

impl Places {
    /// What is to be said if the table has other columns, or another order.
    pub fn note(&self) -> Option<String> {
        let order =
            (!self.inputs.is_sorted()).then(|| "its columns are taken in the model's order".to_owned());
        let left_out = (!self.left_out.is_empty())
            .then(|| format!("left out, since the model does not have them: {}", listed(&self.left_out)));
        let said: Vec<String> = order.into_iter().chain(left_out).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Names for people; an empty one is a column of row numbers.
pub fn listed(names: &[String]) -> String {
    let shown = |name: &String| if name.is_empty() { "the row numbers".into() } else { format!("`{name}`") };
    let first: Vec<String> = names.iter().take(NAMED).map(shown).collect();
    match names.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
