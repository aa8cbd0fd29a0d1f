//! The scores of answers of yes or no: whether a sample is of the second of two classes, or has a label.
//!
//! ```text
//! precision = right / said      recall = right / there      F1 = 2 · right / (said + there)
//! ```
//!
//! As in scikit-learn each is 0 where its denominator is. Means over classes count those that occur or are answered.

use serde::Serialize;

use super::evaluation::{ClassScore, Evaluation};
use super::figures::LabelScore;
use super::ranking::Ranking;
use crate::step::metrics::{Measure, Score};

/// The scores of a class or a label, or their means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BinaryScores {
    /// Of the samples that are said to be positive, the part that is.
    pub precision: f64,
    /// Of the positive samples, the part that is found.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// The area under the ROC curve; none without positive and negative samples, or if there is no room for all probabilities.
    pub roc_auc: Option<f64>,
    /// The area under the precision-recall curve; none as above.
    pub average_precision: Option<f64>,
}

impl BinaryScores {
    fn new([precision, recall, f1]: [f64; 3], ranking: Option<&Ranking>) -> Self {
        let roc_auc = ranking.and_then(Ranking::roc_auc);
        let average_precision = ranking.and_then(Ranking::average_precision);
        Self { precision, recall, f1, roc_auc, average_precision }
    }

    /// Under the names that they have of a class or a label, in JSON and for people.
    pub fn measures(&self) -> [(Measure, Option<f64>); 5] {
        use Measure::{AveragePrecision, F1, Precision, Recall, RocAuc};
        self.under([Precision, Recall, F1, RocAuc, AveragePrecision])
    }

    /// Under the names that they have as means.
    fn macro_measures(&self) -> [(Measure, Option<f64>); 5] {
        use Measure::{MacroAveragePrecision, MacroF1, MacroPrecision, MacroRecall, MacroRocAuc};
        self.under([MacroPrecision, MacroRecall, MacroF1, MacroRocAuc, MacroAveragePrecision])
    }

    fn under(
        &self,
        [precision, recall, f1, roc_auc, average_precision]: [Measure; 5],
    ) -> [(Measure, Option<f64>); 5] {
        [
            (precision, Some(self.precision)),
            (recall, Some(self.recall)),
            (f1, Some(self.f1)),
            (roc_auc, self.roc_auc),
            (average_precision, self.average_precision),
        ]
    }

    fn mean(all: &[Self]) -> Self {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let each = |of: fn(&Self) -> f64| mean(all.iter().map(of).collect());
        let known = |of: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = all.iter().filter_map(of).collect();
            (!known.is_empty()).then(|| mean(known))
        };
        Self {
            precision: each(|scores| scores.precision),
            recall: each(|scores| scores.recall),
            f1: each(|scores| scores.f1),
            roc_auc: known(|scores| scores.roc_auc),
            average_precision: known(|scores| scores.average_precision),
        }
    }
}

impl Evaluation {
    /// Of each class or label; of numbers nothing.
    pub fn binary_scores(&self) -> Vec<BinaryScores> {
        let classes = self.confusion.classes();
        let of_class =
            |score: &ClassScore| [score.precision, score.recall, score.f1].map(|part| part.unwrap_or(0.0));
        if let [first, second] = &classes[..] {
            // The first class has the same pairs, the other way round.
            let ranking = self.rankings.first();
            let reversed = ranking.map(Ranking::reversed);
            return vec![
                BinaryScores::new(of_class(first), reversed.as_ref()),
                BinaryScores::new(of_class(second), ranking),
            ];
        }
        // One of the two is empty.
        let of_label = |score: &LabelScore| [score.precision, score.recall, score.f1];
        let parts = classes.iter().map(of_class).chain(self.labels.iter().map(of_label));
        parts.enumerate().map(|(at, parts)| BinaryScores::new(parts, self.rankings.get(at))).collect()
    }

    /// Of the second of two classes, which is the positive one; else the mean over classes or labels. Of numbers nothing.
    pub fn summary(&self) -> Vec<(Measure, Option<f64>)> {
        let all = self.binary_scores();
        match self.confusion.rows().len() {
            0 if all.is_empty() => Vec::new(),
            0 => BinaryScores::mean(&all).macro_measures().to_vec(),
            2 => all[1].measures().to_vec(),
            _ => {
                let classes = self.confusion.classes();
                let own = all.into_iter().zip(&classes).filter(|(_, score)| score.f1.is_some());
                let own: Vec<BinaryScores> = own.map(|(scores, _)| scores).collect();
                BinaryScores::mean(&own).macro_measures().to_vec()
            }
        }
    }

    /// A score with that beside it, as far as it could be measured.
    pub fn beside(&self, score: Score) -> Score {
        let with = |score: Score, (measure, value): (Measure, Option<f64>)| match value {
            Some(value) => score.with(measure, value),
            None => score,
        };
        self.summary().into_iter().fold(score, with)
    }
}
