//! `--threshold`: the probability from which on an answer is yes.

use std::path::Path;
use std::str::FromStr;

use super::choice::DataChoice;
use super::loading;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::network::Task;
use crate::training::Model;
use crate::training::checkpoint::ModelInfo;
use crate::training::evaluation::{self, Question};
use crate::training::ranking::Ranking;

/// How the threshold is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// This one.
    At(f64),
    /// The one with the highest F1 on the validation part.
    Best,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "best" {
            return Ok(Self::Best);
        }
        let number = text.parse().ok().filter(|number: &f64| (0.0..=1.0).contains(number));
        number.map(Self::At).ok_or_else(|| "expected a number from 0 to 1, or `best`".to_owned())
    }
}

const NO_VALIDATION: &str = "--threshold best is chosen on the validation part of a run's data, and";

impl Threshold {
    /// One for each label, or one for the second of two classes.
    ///
    /// # Errors
    /// [`Error::Usage`] for a model that has neither, and if there is no validation part to choose on; what reading the data or
    /// the model reports.
    pub async fn of(
        self,
        path: &Path,
        info: &ModelInfo,
        data: &DataChoice,
        model: &mut impl Model,
    ) -> Result<Vec<f64>> {
        let outputs = info.spec.classes();
        let count = match info.preparation.task() {
            Task::Classification if outputs == 2 => 1,
            Task::MultiLabel => outputs,
            task => {
                let model = match task {
                    Task::Regression => "this one predicts numbers".to_owned(),
                    _ => format!("this one has {outputs} classes"),
                };
                let problem = format!("--threshold is for models of two classes or of labels, and {model}");
                return Err(Error::usage(format!("{problem}: leave it out")));
            }
        };
        if let Self::At(threshold) = self {
            return Ok(vec![threshold; count]);
        }
        let validation = validation(path, info, data)?;
        let loss = info.spec.loss();
        let question = Question::default();
        let evaluation = evaluation::evaluate(model, loss, &validation, Split::Validation, &question).await?;
        let best: Option<Vec<f64>> = evaluation.rankings.iter().map(Ranking::best_threshold).collect();
        best.filter(|best| best.len() == count).ok_or_else(|| {
            Error::usage(format!(
                "{NO_VALIDATION} a class or label has no sample there: give a number, such as --threshold 0.5"
            ))
        })
    }
}

/// A run's own data, which have a validation part.
fn validation(path: &Path, info: &ModelInfo, data: &DataChoice) -> Result<Dataset> {
    let none = |why: &str| {
        let hint = "train with --validation-fraction 0.1, or give a number, such as --threshold 0.5";
        Error::usage(format!("{NO_VALIDATION} {why}")).hint(hint)
    };
    if !path.is_dir() {
        return Err(none("a model's file does not say what that was: name the folder of the run"));
    }
    let dataset = loading::load_own(path, info, data, true)?;
    match dataset.validation {
        Some(_) => Ok(dataset),
        None => Err(none("this run has none")),
    }
}
