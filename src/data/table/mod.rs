//! Tables: rows of numbers with a label each, from a file that is told by its content.

pub(crate) mod csv;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::preparation::{Preparation, Scale, Scaling};
use super::{Dataset, Samples};
use crate::error::{Error, Result};

/// The most classes that labels may have.
const MOST_CLASSES: usize = 65_536;

/// How a table becomes a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableOptions {
    /// The column with the labels: its name, or its place from 0.
    pub label_column: Option<String>,
    /// A file with the samples to test on.
    pub test_data: Option<PathBuf>,
    /// Else this part of the rows, chosen at random, always the same.
    pub test_fraction: f64,
    /// How values are scaled.
    pub scale: Scale,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { label_column: None, test_data: None, test_fraction: 0.2, scale: Scale::Auto }
    }
}

/// Rows of numbers, and a label each.
struct Table {
    columns: usize,
    values: Vec<f32>,
    labels: Labels,
    /// For people: what the file was taken for.
    what: String,
}

/// A text for each row, kept once for all rows that have the same.
#[derive(Default)]
struct Labels {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    rows: Vec<u32>,
}

impl Labels {
    /// Adds the label of a row; a whole number is the same label however it is written.
    fn push(&mut self, text: &str) {
        let name = match text.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{}", number as i64),
            _ => text.to_owned(),
        };
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        self.rows.push(number);
    }

    /// Whether these can be classes at all.
    fn check(&self, path: &Path) -> Result<()> {
        let fraction =
            self.names.iter().find(|name| name.parse::<f64>().is_ok_and(|n| n.fract() != 0.0 || n.is_nan()));
        let hint = "name the column of the classes with --label-column; predicting a quantity (regression) is not \
                    what this program does";
        if let Some(name) = fraction {
            return Err(Error::file(
                path,
                format!("the label `{name}` is no class: classes are names or whole numbers"),
                hint,
            ));
        }
        let (classes, rows) = (self.names.len(), self.rows.len());
        if classes > MOST_CLASSES || (classes > 100 && classes > rows / 2) {
            let problem = format!("{rows} rows have {classes} different labels: these are no classes");
            return Err(Error::file(path, problem, hint));
        }
        Ok(())
    }

    /// All names in the order of the network's outputs: numbers by size, else by the alphabet.
    fn sorted(&self) -> Vec<String> {
        let mut names = self.names.clone();
        let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
        match numbers {
            Some(_) => names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default()),
            None => names.sort(),
        }
        names
    }

    /// The class of each row.
    fn classes(&self, names: &[String], path: &Path) -> Result<Vec<u32>> {
        let known: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let class = |name: &String| {
            known.get(name.as_str()).copied().ok_or_else(|| {
                let some = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
                let problem =
                    format!("the label `{name}` is none of the {} known classes ({some}, …)", names.len());
                Error::file(path, problem, "train on data that has every class")
            })
        };
        let classes: Vec<u32> = self.names.iter().map(class).collect::<Result<_>>()?;
        Ok(self.rows.iter().map(|&row| classes[row as usize]).collect())
    }
}

impl Table {
    fn read(path: &Path, label_column: Option<&str>, memory: u64) -> Result<Self> {
        let table = csv::read(path, label_column, memory)?;
        table.labels.check(path)?;
        Ok(table)
    }

    /// These rows.
    fn part(&self, rows: &[usize]) -> Self {
        let row = |&r: &usize| &self.values[r * self.columns..(r + 1) * self.columns];
        let mut labels = Labels::default();
        rows.iter().for_each(|&r| labels.push(&self.labels.names[self.labels.rows[r] as usize]));
        Self {
            values: rows.iter().flat_map(row).copied().collect(),
            labels,
            what: self.what.clone(),
            ..*self
        }
    }

    /// Scaled samples.
    fn samples(mut self, preparation: &Preparation, path: &Path) -> Result<Samples> {
        let Preparation { scaling, class_names } = preparation;
        let labels = self.labels.classes(class_names, path)?;
        scaling.apply(&mut self.values, self.columns)?;
        if *scaling == Scaling::Bytes {
            let bytes = self.values.iter().map(|&value| value as u8).collect();
            return Samples::new(self.columns, bytes, labels, class_names.len());
        }
        Samples::of_floats(self.columns, &self.values, labels, class_names.len())
    }
}

/// Loads the table in the file at `path` and calls it `name`; its samples take no more than `memory` bytes. What a model
/// was trained with comes as `fitted`; else it is fitted here. Also says what the file was taken for.
///
/// # Errors
/// [`Error::File`] for a file that is no such table, with the line and the column; [`Error::Usage`] for options that
/// cannot be meant.
pub fn load(
    path: &Path,
    name: &str,
    options: &TableOptions,
    fitted: Option<&Preparation>,
    memory: u64,
) -> Result<(Dataset, String)> {
    let label_column = options.label_column.as_deref();
    let whole = Table::read(path, label_column, memory)?;
    // A class is known even if chance leaves no sample of it to train on.
    let class_names = whole.labels.sorted();
    let (train, test, test_path) = match &options.test_data {
        None => {
            let (train, test) = split(&whole, options.test_fraction)?;
            (train, test, path)
        }
        Some(test_path) => {
            let left = memory.saturating_sub(4 * whole.values.len() as u64);
            (whole, Table::read(test_path, label_column, left)?, test_path.as_path())
        }
    };
    if train.columns != test.columns {
        let problem = format!(
            "it has {} columns of values, and {} has {}",
            test.columns,
            path.display(),
            train.columns
        );
        return Err(Error::file(test_path, problem, "use files of one kind"));
    }
    let preparation = fitted.cloned().unwrap_or_else(|| Preparation {
        scaling: Scaling::fit(options.scale, &train.values, train.columns),
        class_names,
    });
    let (features, what) = (train.columns, train.what.clone());
    let side = features.isqrt();
    let square = preparation.scaling == Scaling::Bytes && side * side == features;
    let dataset = Dataset {
        name: name.to_owned(),
        origin: path.display().to_string(),
        image_shape: if square { [side, side] } else { [1, features] },
        // A network needs two outputs, even if the data has but one class.
        classes: preparation.class_names.len().max(2),
        train: train.samples(&preparation, path)?,
        test: test.samples(&preparation, test_path)?,
        preparation: Some(preparation),
    };
    Ok((dataset, what))
}

/// A random part of the rows to test on, the same every time, and the others.
fn split(whole: &Table, fraction: f64) -> Result<(Table, Table)> {
    let rows = whole.labels.rows.len();
    let count = (fraction * rows as f64).round() as usize;
    if !(fraction > 0.0 && fraction < 1.0) || count == 0 || count == rows {
        return Err(Error::Usage(format!(
            "--test-fraction {fraction} takes {count} of {rows} rows to test on: both parts need one\n  hint: a fraction \
             between 0 and 1, or a file of its own with --test-data"
        )));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    let (test, train) = order.split_at_mut(count);
    train.sort_unstable();
    test.sort_unstable();
    Ok((whole.part(train), whole.part(test)))
}
