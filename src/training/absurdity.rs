//! Whether what a training has come to is worth anything.

use super::headline;
use crate::network::{Loss, MlpSpec};
use crate::step::metrics::{EpochRecord, Measure};
use crate::words::numerals::short;

/// A loss so many times that of knowing nothing is no accident.
const TIMES: f64 = 3.0;

/// After so many epochs a loss that is still so near to that of knowing nothing will hardly fall.
const EPOCHS: usize = 3;
const NEAR: f64 = 0.995;

/// What is to be said of the newest epoch of a training that is worth nothing: its training loss is about that of a network that
/// always gives the same answer, or several times that, since it has diverged and stayed finite.
pub fn absurdity(record: &EpochRecord, spec: &MlpSpec) -> Option<String> {
    // Standardised targets have a mean square of 1.
    let (knowing_nothing, answer) = match spec.loss() {
        Loss::SoftmaxCrossEntropy => ((spec.classes() as f64).ln(), "every class as likely as another"),
        Loss::SigmoidCrossEntropy => (std::f64::consts::LN_2, "every label as likely as not"),
        Loss::SquaredError | Loss::Huber { .. } => (1.0, "always the mean"),
    };
    let loss = record.train.loss;
    let score = record.train.get(headline(spec.loss().task()));
    // A confident classifier may be right almost always, and pay dearly for the rest.
    let is_right = score.is_some_and(|score| headline(spec.loss().task()) != Measure::R2 && score > 0.9);
    if is_right {
        return None;
    }
    let why = if loss > TIMES * knowing_nothing {
        "since training diverged or the values are not scaled; try another learning rate"
    } else if record.epoch >= EPOCHS && loss >= NEAR * knowing_nothing {
        "or hardly anything; try another optimizer or learning rate, or other columns"
    } else {
        return None;
    };
    let loss = short(loss);
    Some(format!(
        "the training loss is {loss}, and {answer} would give {knowing_nothing:.4}: nothing was learnt, {why}"
    ))
}
