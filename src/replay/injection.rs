//! The bugs that can be put into a training, and where they act.

use crate::doctor::formulas::catalogue;
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
    id: &'static str,
    evaluation_only: bool,
}

/// Bugs that are not a formula of one tensor, and what is done for them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("sign-flipped", "every dW and db times -1"),
    ("missing-batch-mean", "every dW and db times N"),
    ("double-batch-mean", "every dW and db divided by N"),
    ("scale-by-classes", "every dW and db times C"),
    ("scale-constant", "every dW and db times 2"),
    ("accumulator-not-reset", "every dW and db added to those of all batches before"),
    ("l2-on-bias", "db + λ·b"),
    ("l2-factor", "dW + N·λ·W"),
    ("bias-not-updated", "b stays as it is"),
    ("weight-not-updated", "W stays as it is"),
    ("momentum-formula", "W - lr·dW: the velocity is not used"),
    ("adam-bias-correction", "Adam without bias correction"),
    ("adam-formula", "Adam without the square root"),
    ("inputs-not-aligned", "every x has the label of the sample before it"),
    ("inputs-unscaled", "x times 255"),
    ("constant-init", "every W starts as 1/√in"),
    ("dead-relu", "every hidden b starts as -100"),
    ("learning-rate-too-high", "lr times 20"),
];

/// Bugs whose wrong tensor cannot be trained with.
const NOT_TRAINABLE: &[(&str, &str)] =
    &[("bias-not-summed", "its db has a row for every sample, which cannot be subtracted from b")];

/// Factors on every gradient; the accumulator's is real accumulation.
const SCALES: &[&str] =
    &["sign-flipped", "missing-batch-mean", "double-batch-mean", "scale-by-classes", "scale-constant"];

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
        if let Some((id, why)) = NOT_TRAINABLE.iter().find(|(id, _)| *id == name) {
            return Err(format!("{id} cannot be replayed: {why}"));
        }
        let id = all().map(|(id, _)| id).find(|&id| id == name).ok_or_else(|| {
            let near = did_you_mean(name, all().map(|(id, _)| id));
            format!("there is no bug called `{name}`{near}")
        })?;
        Ok(Self { id, evaluation_only })
    }

    /// The bug's id.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// As it is written: `ID` or `evaluation:ID`.
    pub fn text(&self) -> String {
        if self.evaluation_only { format!("evaluation:{}", self.id) } else { self.id.to_owned() }
    }

    pub(super) fn acts_in(&self, stage: Stage) -> bool {
        stage == Stage::Evaluation || !self.evaluation_only
    }

    /// Whether it is a factor on every gradient.
    pub(super) fn is_scale(&self) -> bool {
        SCALES.contains(&self.id) && !self.evaluation_only
    }
}

/// What is computed for a bug; nothing if it cannot be injected.
pub fn formula(id: &str) -> Option<&'static str> {
    if NOT_TRAINABLE.iter().any(|(other, _)| *other == id) {
        return None;
    }
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == id).map(|(_, formula)| *formula);
    elsewhere.or_else(|| catalogue::formulas(id).first().copied())
}

/// Every bug that can be injected, with what is computed for it.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    catalogue::BUGS.iter().filter_map(|bug| Some((bug.id, formula(bug.id)?)))
}
