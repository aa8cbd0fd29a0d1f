//! The bugs that can be put into a training, and where they act.

use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::optimiser::RATELESS;
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
    /// One of its formulas; without, the first that each tensor has.
    form: Option<Form>,
    evaluation_only: bool,
}

/// One of the formulas of a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Its number on the bug's page, from 1.
    number: usize,
    formula: &'static str,
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
    (Bug::DecayWithoutLr, RATELESS),
    (Bug::InputsNotAligned, "every x has the label of the sample before it"),
    (Bug::InputsUnscaled, "x times 255"),
    (Bug::ConstantInit, "every W starts as 1/√in"),
    (Bug::DeadRelu, "every hidden b starts as -100"),
    (Bug::LearningRateTooHigh, "lr times 20"),
];

/// Bugs whose wrong tensor cannot be trained with.
const NOT_TRAINABLE: &[(Bug, &str)] = &[
    (Bug::BiasNotSummed, "its db has a row for every sample, which cannot be subtracted from b"),
    (Bug::RmspropFormula, "the replayed training has no RMSprop"),
];

/// What the replayed training does not keep, or never meets.
const KEPT: &str = "it starts from a tensor that a file may have and the replayed training does not keep";
const MET: &str = "it needs a batch as large as the layers are wide";
const SHAPE: &str = "it needs two layers whose weights have one shape";
const ACTIVATION: &str = "it belongs to another activation than that of the replayed training";
const DESIGN: &str = "it belongs to other outputs than those that the bug is replayed with";

/// Formulas that the replayed training cannot compute.
const NOT_KEPT: &[(&str, &str)] = &[
    ("dz·W_newᵀ: the weights above after their step", KEPT),
    ("z_k·W + b: z of the layer below in place of a_k", KEPT),
    ("da of the layer above times Wᵀ, without that layer's f'", KEPT),
    ("a_kᵀ·da: the gradient of a where that of z belongs", KEPT),
    ("Σ_i da_i: the gradient of a where that of z belongs", KEPT),
    ("a_kᵀ·dp: the gradient of p where that of z belongs", KEPT),
    ("Σ_i dp_i: the gradient of p where that of z belongs", KEPT),
    ("dz·W_lᵀ: the weights of the layer below in place of those above (both have one shape)", SHAPE),
    ("dz·W_mᵀ: the weights of another layer above (both have one shape)", SHAPE),
    ("da·a below 0: an ELU's derivative is a + α there", ACTIVATION),
    ("the mean over all pairs of samples of the loss of p_i and y_j: [N, 1] with [N] is [N, N]", DESIGN),
    ("the mean over all pairs of samples of (p_i - y_j)²: [N, 1] with [N] is [N, N]", DESIGN),
    ("(p - mean y)·h'(z): the gradient of all pairs of samples: [N, 1] with [N] is [N, N]", DESIGN),
    ("the loss times -1", DESIGN),
    ("|p - y|·h'(z): the error without its sign", DESIGN),
    ("(p - y)/(p·(1 - p)): the derivative of the binary cross-entropy by p, without h'(z)", DESIGN),
    ("da·f(z)/z: the derivative of a GELU or a SiLU without its second term", ACTIVATION),
    ("a ⊙ dz, element by element (N, inputs and units are equal)", MET),
    ("a·dz without the transpose (N, inputs and units are equal)", MET),
    ("each sample's sum over the units (axis 1; N equals the number of units)", MET),
];

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
        let (id, number) = name.split_once('/').map_or((name, None), |(id, number)| (id, Some(number)));
        let bug = Bug::by_id(id).ok_or_else(|| {
            let near = did_you_mean(id, all().map(|(bug, _)| bug.id()));
            format!("there is no bug called `{id}`{near}")
        })?;
        if let Some((_, why)) = NOT_TRAINABLE.iter().find(|(other, _)| *other == bug) {
            return Err(format!("{bug} cannot be replayed: {why}"));
        }
        let form = number.map(|number| Form::parse(bug, number)).transpose()?;
        Ok(Self { bug, form, evaluation_only })
    }

    /// The bug.
    pub fn bug(&self) -> Bug {
        self.bug
    }

    /// As it is written: `ID`, `ID/2` or `evaluation:ID`.
    pub fn text(&self) -> String {
        let stage = if self.evaluation_only { "evaluation:" } else { "" };
        let form = self.form.map_or(String::new(), |form| format!("/{}", form.number));
        format!("{stage}{}{form}", self.bug)
    }

    /// Whether a formula of a bug is what is to be computed.
    pub(super) fn takes(&self, bug: Bug, formula: &str) -> bool {
        self.bug == bug && self.form.is_none_or(|form| form.formula == formula)
    }

    pub(super) fn acts_in(&self, stage: Stage) -> bool {
        stage == Stage::Evaluation || !self.evaluation_only
    }

    /// Whether it is a factor on every gradient.
    pub(super) fn is_scale(&self) -> bool {
        SCALES.contains(&self.bug) && self.form.is_none() && !self.evaluation_only
    }
}

impl Form {
    /// By its number.
    fn parse(bug: Bug, text: &str) -> Result<Self, String> {
        let formulas = tables::formulas(bug);
        let number = text.parse().ok().filter(|number| (1..=formulas.len()).contains(number));
        let number = number.ok_or_else(|| match formulas.len() {
            0 | 1 => format!("{bug}/{text}: {bug} has one formula only"),
            all => format!("{bug}/{text}: expected a number from 1 to {all}, the formulas of {bug}"),
        })?;
        let formula = formulas[number - 1];
        match why_not(formula) {
            Some(why) => Err(format!("{bug}/{number} cannot be replayed: {why}")),
            None => Ok(Self { number, formula }),
        }
    }
}

/// Every further formula that can be injected, as it is asked for.
pub fn further() -> impl Iterator<Item = (String, &'static str)> {
    all().flat_map(|(bug, _)| {
        let rest = tables::formulas(bug).into_iter().enumerate().skip(1);
        let replayable = rest.filter(|&(_, formula)| why_not(formula).is_none());
        replayable.map(move |(k, formula)| (format!("{bug}/{}", k + 1), formula))
    })
}

/// Why a formula cannot be trained with, if it cannot.
fn why_not(formula: &str) -> Option<&'static str> {
    NOT_KEPT.iter().find(|(other, _)| *other == formula).map(|(_, why)| *why)
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
