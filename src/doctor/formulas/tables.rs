//! Every table of wrong formulas; those of scales, steps and health are made where they are needed.

use super::catalogue::Bug;
use super::hypothesis::Hypothesis;

/// The tables in computing order, each with the tensor whose formulas it has.
pub const ALL: &[(&str, &[Hypothesis])] = &[
    ("z", super::preactivation::TABLE),
    ("a", super::preactivation::activation::TABLE),
    ("p", super::probabilities::TABLE),
    ("loss", super::loss::TABLE),
    ("loss of other designs", super::head::LOSSES),
    ("accuracy", super::accuracy::TABLE),
    ("last dz", super::delta::TABLE),
    ("last dz of other designs", super::head::DELTAS),
    ("da", super::hidden::through_weights::TABLE),
    ("dz", super::hidden::TABLE),
    ("dW", super::gradient::WEIGHTS),
    ("db", super::gradient::BIASES),
];

/// The formulas that are tested for a bug, as a person writes them, each once.
pub fn formulas(bug: Bug) -> Vec<&'static str> {
    let mut all = Vec::new();
    for row in ALL.iter().flat_map(|(_, table)| table.iter()).filter(|row| row.bug == bug) {
        if !all.contains(&row.formula) {
            all.push(row.formula);
        }
    }
    all
}
