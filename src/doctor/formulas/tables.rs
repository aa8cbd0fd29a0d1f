//! Every table of wrong formulas; those of scales, steps and health are made where they are needed.

use super::catalogue::Bug;
use super::hypothesis::Hypothesis;

/// The tables, in computing order.
pub const ALL: &[&[Hypothesis]] = &[
    super::preactivation::TABLE,
    super::preactivation::activation::TABLE,
    super::probabilities::TABLE,
    super::loss::TABLE,
    super::accuracy::TABLE,
    super::delta::TABLE,
    super::head::DELTAS,
    super::head::LOSSES,
    super::hidden::through_weights::TABLE,
    super::hidden::TABLE,
    super::gradient::WEIGHTS,
    super::gradient::BIASES,
];

/// The formulas that are tested for a bug, as a person writes them.
pub fn formulas(bug: Bug) -> Vec<&'static str> {
    ALL.iter().copied().flatten().filter(|row| row.bug == bug).map(|row| row.formula).collect()
}
