//! The bugs that can be put into a training, and where they act.

use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::tables;
use crate::words::spelling::did_you_mean;

/// The part of a training that computes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A step on a batch.
    Training,
    /// Loss and accuracy of a whole set.
    Evaluation,
}

/// A bug to be put into a training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    bug: Bug,
    evaluation_only: bool,
}

/// Bugs that are not a formula of one tensor, and what is done for them.
const ELSEWHERE: &[(Bug, &str)] = &[
    (Bug::SignFlipped, "every dW and db times -1"),
    (Bug::MissingBatchMean, "every dW and db times N"),
    (Bug::DoubleBatchMean, "every dW and db divided by N"),
    (Bug::ScaleByClasses, "every dW and db times C"),
    (Bug::ScaleConstant, "every dW and db times 2"),
    (Bug::AccumulatorNotReset, "every dW and db added to those of all batches before"),
    (Bug::L2OnBias, "db + λ·b"),
    (Bug::L2Factor, "dW + N·λ·W"),
    (Bug::BiasNotUpdated, "b stays as it is"),
    (Bug::WeightNotUpdated, "W stays as it is"),
    (Bug::MomentumFormula, "W - lr·dW: the velocity is not used"),
    (Bug::AdamBiasCorrection, "Adam without bias correction"),
    (Bug::AdamFormula, "Adam without the square root"),
    (Bug::InputsNotAligned, "every x has the label of the sample before it"),
    (Bug::InputsUnscaled, "x times 255"),
    (Bug::ConstantInit, "every W starts as 1/√in"),
    (Bug::DeadRelu, "every hidden b starts as -100"),
    (Bug::LearningRateTooHigh, "lr times 20"),
];

/// Bugs whose wrong tensor cannot be trained with.
const NOT_TRAINABLE: &[(Bug, &str)] =
    &[(Bug::BiasNotSummed, "its db has a row for every sample, which cannot be subtracted from b")];

/// Factors on every gradient; the accumulator's is real accumulation.
const SCALES: &[Bug] =
    &[Bug::SignFlipped, Bug::MissingBatchMean, Bug::DoubleBatchMean, Bug::ScaleByClasses, Bug::ScaleConstant];

impl Injection {
    /// A bug by its id, or `evaluation:ID` for a bug of the evaluation alone.
    ///
    /// # Errors
    /// Says why this cannot be injected, and what could be meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (evaluation_only, name) = match text.split_once(':') {
            None => (false, text),
            Some(("evaluation", id)) => (true, id),
            Some((stage, _)) => {
                return Err(format!("`{stage}:` is unknown; the only prefix is `evaluation:`"));
            }
        };
        let bug = Bug::by_id(name).ok_or_else(|| {
            let near = did_you_mean(name, all().map(|(bug, _)| bug.id()));
            format!("there is no bug called `{name}`{near}")
        })?;
        if let Some((_, why)) = NOT_TRAINABLE.iter().find(|(other, _)| *other == bug) {
            return Err(format!("{bug} cannot be replayed: {why}"));
        }
        Ok(Self { bug, evaluation_only })
    }

    /// The bug.
    pub fn bug(&self) -> Bug {
        self.bug
    }

    /// As it is written: `ID` or `evaluation:ID`.
    pub fn text(&self) -> String {
        if self.evaluation_only { format!("evaluation:{}", self.bug) } else { self.bug.to_string() }
    }

    pub(super) fn acts_in(&self, stage: Stage) -> bool {
        stage == Stage::Evaluation || !self.evaluation_only
    }

    /// Whether it is a factor on every gradient.
    pub(super) fn is_scale(&self) -> bool {
        SCALES.contains(&self.bug) && !self.evaluation_only
    }
}

/// What is computed for a bug; nothing if it cannot be injected.
pub fn formula(bug: Bug) -> Option<&'static str> {
    if NOT_TRAINABLE.iter().any(|(other, _)| *other == bug) {
        return None;
    }
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == bug).map(|(_, formula)| *formula);
    elsewhere.or_else(|| tables::formulas(bug).first().copied())
}

/// Every bug that can be injected, with what is computed for it.
pub fn all() -> impl Iterator<Item = (Bug, &'static str)> {
    Bug::ALL.iter().filter_map(|&bug| Some((bug, formula(bug)?)))
}
