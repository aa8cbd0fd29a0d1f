//! The targets of samples as they are read: one text each, or several numbers each.

use std::path::Path;

use super::Labels;
use super::labels::Occurrences;
use crate::data::Targets;
use crate::data::preparation::Outputs;
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;
use crate::words::numerals::counted;

/// The answers of a part.
#[derive(Debug, Clone)]
pub enum Answers {
    /// One for each row.
    One(Labels),
    /// Several numbers for each row.
    Many(Numbers),
}

/// Several numbers for each row.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// What each is called.
    pub names: Vec<String>,
    /// Row by row.
    pub values: Vec<f64>,
}

/// Whole numbers with more different ones may be a quantity.
const FEW: usize = 20;

/// Numbers of classes are about equally frequent; a quantity, such as an age, has a few that are this many times as frequent as others.
const UNEVEN: usize = 4;

const HINT: &str = "fill in or remove such rows";

impl Answers {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::One(labels) => labels.len(),
            Self::Many(numbers) => numbers.values.len() / numbers.names.len().max(1),
        }
    }

    /// The answers of these rows, in this order.
    pub fn part(&self, rows: &[usize]) -> Self {
        match self {
            Self::One(labels) => Self::One(labels.part(rows)),
            Self::Many(Numbers { names, values }) => {
                let width = names.len();
                let values = rows.iter().flat_map(|row| &values[row * width..(row + 1) * width]);
                Self::Many(Numbers { names: names.clone(), values: values.copied().collect() })
            }
        }
    }

    /// The labels, if there is one for each row.
    pub fn labels(&self) -> Option<&Labels> {
        match self {
            Self::One(labels) => Some(labels),
            Self::Many(_) => None,
        }
    }

    /// What these answers look like, and why; `pictured` if they are of images.
    pub fn task(&self, pictured: bool) -> (Task, &'static str) {
        match self {
            Self::Many(numbers) if numbers.values.iter().all(|&value| is_bit(value)) => {
                (Task::MultiLabel, "several columns of zeros and ones")
            }
            Self::Many(_) => (Task::Regression, "several columns of numbers"),
            Self::One(labels) => match labels.values() {
                None => (Task::Classification, "words"),
                Some(values) if values.iter().any(|value| value.fract() != 0.0 || !value.is_finite()) => {
                    (Task::Regression, "numbers with fractions")
                }
                Some(_) if !labels.can_be_classes() => {
                    (Task::Regression, "more different whole numbers than there can be classes")
                }
                Some(values) => {
                    let Occurrences { different, seldom, least, most } = labels.occurrences();
                    if different <= FEW {
                        (Task::Classification, "few whole numbers")
                    } else if 2 * seldom > different {
                        (Task::Regression, "many whole numbers, most of which occur only once or twice")
                    } else if !count_on(values, different) {
                        (Task::Regression, "many different whole numbers")
                    } else if pictured {
                        (Task::Classification, "whole numbers without a gap, from 0 or 1, of images")
                    } else if UNEVEN * least >= most {
                        (
                            Task::Classification,
                            "whole numbers without a gap, from 0 or 1, about equally frequent",
                        )
                    } else {
                        (
                            Task::Regression,
                            "many whole numbers, some of which are much more frequent than others",
                        )
                    }
                }
            },
        }
    }

    /// The numbers of a task other than classification, row by row, and what each is called.
    ///
    /// # Errors
    /// [`Error::File`] for what is no finite number, or of labels none of 0 and 1.
    pub fn numbers(&self, task: Task, name: &str, path: &Path) -> Result<Numbers> {
        let numbers = match self {
            Self::Many(numbers) => numbers.clone(),
            Self::One(labels) => {
                let Some(values) = labels.values() else {
                    let word = labels.first_word().unwrap_or_default();
                    let problem = message![
                        format!("the target `{word}` is not a number, and "),
                        Setting::Task.set(task.name()),
                        " needs numbers"
                    ];
                    let hint = message![Setting::Task.without(), " to take words as classes"];
                    return Err(Error::file(path, problem, hint));
                };
                Numbers { names: vec![name.to_owned()], values: values.to_vec() }
            }
        };
        let width = numbers.names.len();
        let wrong = |wrong: &dyn Fn(f64) -> bool| numbers.values.iter().position(|&value| wrong(value));
        if let Some(at) = wrong(&|value| !(value as f32).is_finite()) {
            let (row, name, value) = (at / width, &numbers.names[at % width], numbers.values[at]);
            let problem =
                format!("sample {row}, from 0: the target `{name}` is {value}, which is not a finite number");
            return Err(Error::file(path, problem, HINT));
        }
        if let Some(at) = wrong(&|value| task == Task::MultiLabel && !is_bit(value)) {
            let (row, name, value) = (at / width, &numbers.names[at % width], numbers.values[at]);
            let problem = message![
                format!("sample {row}, from 0: the label `{name}` is {value}, and "),
                Setting::Task.set(task.name()),
                " takes 0 for no and 1 for yes"
            ];
            let hint = message![
                Setting::Task.without(),
                ", or use ",
                Setting::Task.set(Task::Regression.name()),
                " for numbers"
            ];
            return Err(Error::file(path, problem, hint));
        }
        Ok(numbers)
    }

    /// Of columns of which each row has a 1 in one: that column as a class.
    ///
    /// # Errors
    /// [`Error::File`] for a row that has not.
    pub fn one_hot(&self, path: &Path) -> Result<Labels> {
        let Numbers { names, values } = match self {
            Self::One(labels) => return Ok(labels.clone()),
            Self::Many(numbers) => numbers,
        };
        let mut labels = Labels::default();
        for (row, values) in values.chunks(names.len().max(1)).enumerate() {
            let ones = values.iter().filter(|&&value| value == 1.0).count();
            let place = values.iter().position(|&value| value == 1.0).filter(|_| ones == 1);
            let Some(place) = place.filter(|_| values.iter().all(|&value| is_bit(value))) else {
                let problem = format!(
                    "sample {row}, from 0, has the targets {values:?}, which do not name exactly one class"
                );
                let hint = "give classes as one column, or as columns with exactly one 1 in each row and 0 elsewhere";
                return Err(Error::file(path, problem, hint));
            };
            labels.push_name(names[place].clone());
        }
        Ok(labels)
    }
}

/// Whether the `different` whole numbers go from 0 or 1 on without a gap, as the numbers of classes do.
fn count_on(values: &[f64], different: usize) -> bool {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (min == 0.0 || min == 1.0) && max - min + 1.0 == different as f64
}

fn is_bit(value: f64) -> bool {
    value == 0.0 || value == 1.0
}

impl Numbers {
    /// How the numbers of a training part are to be standardised: by the mean and the deviation of each target.
    ///
    /// # Errors
    /// [`Error::File`] if a target has but one value.
    pub fn standardised(&self, path: &Path) -> Result<Outputs> {
        let width = self.names.len();
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for (column, name) in self.names.iter().enumerate() {
            let values = || self.values.iter().skip(column).step_by(width);
            let count = values().count() as f64;
            let centre = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - centre).powi(2)).sum::<f64>() / count;
            let width = variance.sqrt() as f32;
            if !(width > 0.0 && width.is_finite()) || values().all(|value| Some(value) == values().next()) {
                let value = self.values.get(column).copied().unwrap_or_default();
                let problem = format!(
                    "all training samples have the same target `{name}`, {value}: there is nothing to learn"
                );
                let hint = message![
                    "add samples with other targets, or name another column with ",
                    Setting::LabelColumn
                ];
                return Err(Error::file(path, problem, hint));
            }
            mean.push(centre as f32);
            deviation.push(width);
        }
        Ok(Outputs::Numbers { mean, deviation })
    }

    /// As a network is to put them out.
    ///
    /// # Errors
    /// [`Error::File`] if they are not as many as the network's outputs.
    pub fn targets(&self, outputs: &Outputs, names: &[String], path: &Path) -> Result<Targets> {
        let width = self.names.len();
        if width != names.len() {
            let problem = format!("it has {} per sample, expected {}", counted(width, "target"), names.len());
            let hint = message!["name that many columns with ", Setting::LabelColumn];
            return Err(Error::file(path, problem, hint));
        }
        let scaled = |(at, &value): (usize, &f64)| match outputs {
            Outputs::Classes | Outputs::Labels => value as f32,
            Outputs::Numbers { mean, deviation } => {
                let column = at % width;
                ((value - f64::from(mean[column])) / f64::from(deviation[column])) as f32
            }
        };
        Targets::values(width, self.values.iter().enumerate().map(scaled).collect())
    }
}
