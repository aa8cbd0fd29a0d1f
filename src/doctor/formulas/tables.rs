//! Every table of wrong formulas, and in words those that are made where they are needed: of scales, penalties and health.

use super::catalogue::Bug;
use super::hypothesis::Hypothesis;
use super::steps;

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

/// What goes wrong where no row of a table says it: the factor, the term, or the state of the network.
const ELSEWHERE: &[(Bug, &str)] = &[
    (Bug::InputsNotAligned, "z1 (or a1, p) = the right rows in another order"),
    (Bug::AccumulatorNotReset, "dW = right + dW_prev"),
    (Bug::MissingBatchMean, "N· or N²· the right one, judged by the product of dz, dW and step"),
    (Bug::DoubleBatchMean, "1/N or 1/N² of the right one"),
    (Bug::ScaleByClasses, "C, 1/C, N·C, 1/(N·C), N/C or 2/C times the right one"),
    (
        Bug::ScaleConstant,
        "c times the right one: 2, 1/2, 2/N, n_l, 1/n_l, (N-1)/N, lr, 1/lr, or any fitted c",
    ),
    (Bug::SignFlipped, "-1 times the right one, judged by gradient and step together"),
    (Bug::L2OnBias, "db + c·b, c fitted (also in the step)"),
    (Bug::L2Factor, "dW + c·W, c fitted, with c not λ or λ/N (also in the step)"),
    (Bug::DecayWithoutLr, super::optimiser::RATELESS),
    (Bug::DropoutMaskMissing, "f(z_k)·W + b, without dropout's mask"),
    (Bug::BiasNotUpdated, "b_new = b although db is not 0"),
    (Bug::WeightNotUpdated, "W_new = W although dW is not 0"),
    (Bug::InputsUnscaled, "X·W1 + b1 with max |X| > 20"),
    (Bug::ConstantInit, "all units of a hidden layer have equal weights in and out"),
    (Bug::DeadRelu, "z <= 0 for all units of a layer and all samples"),
    (Bug::LearningRateTooHigh, "loss(W_new) > loss(W) with a right step"),
];

/// The formulas that are tested for a bug, as a person writes them, each once.
pub fn formulas(bug: Bug) -> Vec<&'static str> {
    let rows = ALL.iter().flat_map(|(_, table)| table.iter()).map(|row| (row.bug, row.formula));
    let steps = steps::ALL.iter().copied().flatten().map(|row| (row.bug, row.formula));
    let mut all = Vec::new();
    for (_, formula) in rows.chain(steps).filter(|(other, _)| *other == bug) {
        if !all.contains(&formula) {
            all.push(formula);
        }
    }
    all
}

/// What a bug computes, for its page: the formulas that are tested for it, and what is wrong elsewhere.
pub fn computed(bug: Bug) -> Vec<&'static str> {
    let elsewhere = ELSEWHERE.iter().filter(|(other, _)| *other == bug).map(|(_, text)| *text);
    formulas(bug).into_iter().chain(elsewhere).collect()
}
