//! The networks that answer together: the one of a run or of a model's file, or all members of an ensemble.

use std::path::Path;

use super::ensemble::EnsembleDir;
use super::stand::{Stand, Standing};
use super::{RunDir, load_model};
use crate::error::{Error, Result};
use crate::network::Parameters;
use crate::training::checkpoint::ModelInfo;
use crate::words::numerals::counted;

/// Networks of one shape, for the same inputs and outputs. Their answers are averaged.
#[derive(Debug, Clone)]
pub struct Networks {
    /// Weights and biases of each; one of a run that is no ensemble.
    pub members: Vec<Parameters>,
    /// Which members of an ensemble they are, from 1.
    pub numbers: Vec<usize>,
    /// What all of them are.
    pub info: ModelInfo,
    /// What there is to say of members that are left out, or not at their end.
    pub notes: Vec<String>,
}

impl Networks {
    /// Of one network.
    pub fn one(parameters: Parameters, info: ModelInfo) -> Self {
        Self { members: vec![parameters], numbers: vec![1], info, notes: Vec::new() }
    }

    /// From the folder of a run or of an ensemble, or from a model's file. Members that diverged, and those that have no model yet,
    /// are left out.
    ///
    /// # Errors
    /// As [`load_model`]; [`Error::File`] for an ensemble of which no member has a model, or whose members do not fit each other.
    pub fn load(path: &Path) -> Result<Self> {
        match EnsembleDir::open(path)? {
            Some(ensemble) => Self::of(&ensemble),
            None => load_model(path).map(|(parameters, info)| Self::one(parameters, info)),
        }
    }

    fn of(ensemble: &EnsembleDir) -> Result<Self> {
        let mut found: Option<Self> = None;
        let mut notes = Vec::new();
        for number in 1..=ensemble.dir.count {
            let path = ensemble.dir.run(number);
            let Standing { stand, epochs, .. } = Standing::of(&path)?;
            let has_model = RunDir::open(&path).is_ok_and(|run| run.model().is_file());
            match stand {
                Stand::Diverged => notes.push(format!("member {number} diverged and is left out")),
                _ if !has_model => notes.push(format!("member {number} has no model yet and is left out")),
                Stand::Done => {}
                _ => notes.push(format!(
                    "member {number} is not finished: it has had {}",
                    counted(epochs, "epoch")
                )),
            }
            if stand == Stand::Diverged || !has_model {
                continue;
            }
            let (parameters, info) = load_model(&path)?;
            match &mut found {
                None => found = Some(Self { numbers: vec![number], ..Self::one(parameters, info) }),
                Some(found) if found.info == info => {
                    found.members.push(parameters);
                    found.numbers.push(number);
                }
                Some(found) => {
                    let first = found.numbers[0];
                    let problem = format!("this network, or its inputs, differ from those of member {first}");
                    return Err(Error::file(
                        &path,
                        problem,
                        "restore the folder, or train the ensemble anew",
                    ));
                }
            }
        }
        let path = ensemble.dir.path();
        found.map(|found| Self { notes, ..found }).ok_or_else(|| {
            let hint = format!("train it: gpu-mlp train --resume {}", path.display());
            Error::file(path, "no member of this ensemble has a model", hint)
        })
    }

    /// Whether there are several.
    pub fn is_ensemble(&self) -> bool {
        self.members.len() > 1
    }
}
