//! Whether what a training has come to is worth anything.

use super::headline;
use crate::network::{Loss, MlpSpec};
use crate::step::metrics::{EpochRecord, Measure};
use crate::words::numerals::short;

/// A loss so many times that of knowing nothing is no accident.
const TIMES: f64 = 3.0;

/// What is to be said of the newest epoch of a training that has diverged and stayed finite: its training loss is several
/// times that of a network that always gives the same answer.
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
    (loss > TIMES * knowing_nothing && !is_right).then(|| {
        let loss = short(loss);
        format!(
            "the training loss is {loss}, and {answer} would give {knowing_nothing:.4}: nothing was learnt, since training \
             diverged or the values are not scaled; try another learning rate"
        )
    })
}
