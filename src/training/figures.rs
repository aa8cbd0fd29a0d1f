//! The measures of labels and numbers for each output: sums over samples, and the scores computed from them.
//!
//! With the predicted value y and the actual value t, both in the target's own unit, and n samples:
//!
//! ```text
//! MAE = 1/n Σ |y - t|      RMSE = √(1/n Σ (y - t)²)      R² = 1 - Σ (y - t)² / Σ (t - mean(t))²
//! F1 = 2 · both / (predicted + actual)        both: labels that are predicted and actual
//! ```
//!
//! With several targets the score has the mean over them. As in scikit-learn, R² of a target with only one value is 1 if
//! every prediction is correct, else 0, and F1 of a label that is neither predicted nor actual is 0.

use serde::Serialize;

use crate::data::Outputs;
use crate::network::Loss;
use crate::reference;
use crate::step::metrics::{Measure, Score};

/// What a network is worth for one target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TargetScore {
    /// Share of the variance that is explained.
    pub r2: f64,
    /// In the target's own unit.
    pub rmse: f64,
    /// In the target's own unit.
    pub mae: f64,
}

/// What a network is worth for one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelScore {
    /// Share of samples whose yes or no is right.
    pub accuracy: f64,
    /// Samples that have the label.
    pub samples: u64,
    /// Samples that are said to have it.
    pub answers: u64,
    /// Of these, the part that has it; 0 if there is none.
    pub precision: f64,
    /// Of the samples that have it, the part that is said to; 0 if there is none.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
}

/// Sums over the samples of one output.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    mean: f64,
    /// Of the targets about their mean, by Welford's update.
    spread: f64,
    absolute: f64,
    squares: f64,
    right: u64,
    there: u64,
    said: u64,
    both: u64,
}

/// The sums of all outputs.
#[derive(Debug, Clone)]
pub struct Figures {
    sums: Vec<Sums>,
    /// Of labels: the probability from which on each is said to be there, if that is not one half.
    thresholds: Option<Vec<f64>>,
    loss: f64,
    all_right: u64,
    samples: u64,
}

impl Figures {
    /// Of no samples yet.
    pub fn new(outputs: usize) -> Self {
        Self { sums: vec![Sums::default(); outputs], thresholds: None, loss: 0.0, all_right: 0, samples: 0 }
    }

    /// The same for labels that are said to be there from these probabilities on.
    #[must_use]
    pub fn with_thresholds(self, thresholds: &[f64]) -> Self {
        Self { thresholds: Some(thresholds.to_vec()), ..self }
    }

    /// Counts a sample with its loss: what the network puts out, and what it should.
    pub fn count(&mut self, outputs: &Outputs, loss: f64, z: &[f32], targets: &[f32]) {
        self.loss += loss;
        self.samples += 1;
        let mut all_right = true;
        for (column, ((&z, &t), sums)) in z.iter().zip(targets).zip(&mut self.sums).enumerate() {
            let [y, t] = [z, t].map(|value| outputs.unscaled(column, f64::from(value)));
            let said = match &self.thresholds {
                Some(thresholds) => reference::sigmoid(y) >= thresholds[column],
                None => y > 0.0,
            };
            let there = t > 0.5;
            sums.count += 1.0;
            let delta = t - sums.mean;
            sums.mean += delta / sums.count;
            sums.spread += delta * (t - sums.mean);
            sums.absolute += (y - t).abs();
            sums.squares += (y - t).powi(2);
            sums.right += u64::from(said == there);
            sums.there += u64::from(there);
            sums.said += u64::from(said);
            sums.both += u64::from(said && there);
            all_right &= said == there;
        }
        self.all_right += u64::from(all_right);
    }

    /// Each target's figures.
    pub fn targets(&self) -> Vec<TargetScore> {
        let of = |sums: &Sums| TargetScore {
            r2: match sums.spread > 0.0 {
                true => 1.0 - sums.squares / sums.spread,
                false => f64::from(u8::from(sums.squares == 0.0)),
            },
            rmse: (sums.squares / sums.count).sqrt(),
            mae: sums.absolute / sums.count,
        };
        self.sums.iter().map(of).collect()
    }

    /// Each label's figures.
    pub fn labels(&self) -> Vec<LabelScore> {
        let of = |sums: &Sums| LabelScore {
            accuracy: sums.right as f64 / sums.count,
            samples: sums.there,
            answers: sums.said,
            precision: share(sums.both, sums.said),
            recall: share(sums.both, sums.there),
            f1: f1(sums.both, sums.there, sums.said),
        };
        self.sums.iter().map(of).collect()
    }

    /// All of it together, as a loss is measured.
    pub fn score(&self, loss: Loss) -> Score {
        use crate::network::Task;
        let score = Score::of_loss(self.loss / self.samples as f64);
        match loss.task() {
            Task::Classification => score,
            Task::Regression => {
                let all = self.targets();
                score
                    .with(Measure::R2, mean(all.iter().map(|target| target.r2)))
                    .with(Measure::Rmse, mean(all.iter().map(|target| target.rmse)))
                    .with(Measure::Mae, mean(all.iter().map(|target| target.mae)))
            }
            Task::MultiLabel => {
                let all = self.labels();
                let sum = |of: fn(&Sums) -> u64| self.sums.iter().map(of).sum::<u64>();
                score
                    .with(Measure::AllRight, self.all_right as f64 / self.samples as f64)
                    .with(Measure::LabelAccuracy, mean(all.iter().map(|label| label.accuracy)))
                    .with(Measure::MicroF1, f1(sum(|s| s.both), sum(|s| s.there), sum(|s| s.said)))
                    .with(Measure::MacroF1, mean(all.iter().map(|label| label.f1)))
            }
        }
    }
}

fn f1(both: u64, there: u64, said: u64) -> f64 {
    share(2 * both, there + said)
}

fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use crate::data::Outputs;
    use crate::network::Loss;
    use crate::step::metrics::Measure;

    #[test]
    fn numbers_are_measured_in_their_own_unit() {
        // Checked by hand: t = 3, 5, 7, 9 and y = 3, 5, 7, 13.
        let outputs = Outputs::Numbers { mean: vec![5.0], deviation: vec![2.0] };
        let mut figures = Figures::new(1);
        for (z, t) in [(-1.0, -1.0), (0.0, 0.0), (1.0, 1.0), (4.0, 2.0)] {
            figures.count(&outputs, 1.0, &[z], &[t]);
        }
        let score = figures.score(Loss::SquaredError);
        let get = |measure| score.get(measure).unwrap_or(f64::NAN);
        assert_eq!((score.loss, get(Measure::Mae), get(Measure::Rmse)), (1.0, 1.0, 2.0));
        assert!((get(Measure::R2) - 0.2).abs() < 1e-12, "{score:?}");
        assert_eq!(score.get(Measure::Accuracy), None);
    }

    #[test]
    fn labels_are_counted_one_by_one_and_together() {
        let mut figures = Figures::new(2);
        for (z, t) in [([1.0, -1.0], [1.0, 0.0]), ([1.0, 1.0], [1.0, 0.0]), ([-1.0, -1.0], [1.0, 0.0])] {
            figures.count(&Outputs::Labels, 0.5, &z, &t);
        }
        let score = figures.score(Loss::SigmoidCrossEntropy);
        let get = |measure| score.get(measure).unwrap_or(f64::NAN);
        assert!((get(Measure::AllRight) - 1.0 / 3.0).abs() < 1e-12);
        assert!((get(Measure::LabelAccuracy) - 2.0 / 3.0).abs() < 1e-12);
        assert!((get(Measure::MicroF1) - 4.0 / 6.0).abs() < 1e-12, "2 of 3 there and 3 said");
        assert!((get(Measure::MacroF1) - 0.4).abs() < 1e-12, "0.8 and 0");
    }
}
