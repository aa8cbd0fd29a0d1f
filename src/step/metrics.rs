//! Loss and other measures: how they add up over batches, and the record of an epoch.

use serde::{Deserialize, Serialize};

/// Sums over samples, from which loss and hits follow.
///
/// An engine may keep several partial sums (one for each workgroup, say) and add them at the end, always in the same
/// order, so that the total repeats bit for bit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Partial sums of the loss.
    pub loss: Vec<f64>,
    /// Samples that are predicted correctly: the class, or every label. Regressions have none.
    pub hits: u64,
    /// Samples counted.
    pub samples: u64,
}

impl Sums {
    /// The mean loss alone.
    pub fn loss(&self) -> f64 {
        self.loss.iter().sum::<f64>() / self.samples as f64
    }

    /// Mean loss, and hits under the name that they have in this task: [`Measure::Accuracy`] of classes,
    /// [`Measure::AllRight`] of labels.
    pub fn score_of(&self, hits: Option<Measure>) -> Score {
        let score = Score::of_loss(self.loss());
        hits.map_or(score, |measure| score.with(measure, self.hits as f64 / self.samples as f64))
    }

    /// Mean loss and accuracy of a classifier.
    pub fn score(&self) -> Score {
        self.score_of(Some(Measure::Accuracy))
    }
}

/// What may be measured beside the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Of classes: the share of samples that are right.
    Accuracy,
    /// Of numbers: 1 - Σ(y - t)² / Σ(t - mean(t))², the mean over the targets.
    R2,
    /// Of numbers: the root of the mean squared error, in the targets' unit, the mean over the targets.
    Rmse,
    /// Of numbers: the mean absolute error, in the targets' unit.
    Mae,
    /// Of labels: the share of samples of which every label is right.
    AllRight,
    /// Of labels: the share of all labels that are right.
    LabelAccuracy,
    /// Of labels: F1 over all labels together.
    MicroF1,
    /// Of the second of two classes: the share of the samples that are said to be of it and are.
    Precision,
    /// Of the second of two classes: the share of its samples that are found.
    Recall,
    /// Of the second of two classes: the harmonic mean of both.
    F1,
    /// Of the second of two classes: the area under the ROC curve.
    RocAuc,
    /// Of the second of two classes: the area under the precision-recall curve.
    AveragePrecision,
    /// Of several classes or labels: the mean of their own precision, as those below.
    MacroPrecision,
    /// The mean of their own recall.
    MacroRecall,
    /// The mean of their own F1.
    MacroF1,
    /// The mean of the areas under their own ROC curves.
    MacroRocAuc,
    /// The mean of the areas under their own precision-recall curves.
    MacroAveragePrecision,
}

impl Measure {
    /// Every one; of those that a score has, the first is the one that is shown where there is room for one.
    pub const ALL: [Self; 17] = [
        Self::Accuracy,
        Self::R2,
        Self::AllRight,
        Self::Rmse,
        Self::Mae,
        Self::LabelAccuracy,
        Self::MicroF1,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::RocAuc,
        Self::AveragePrecision,
        Self::MacroPrecision,
        Self::MacroRecall,
        Self::MacroF1,
        Self::MacroRocAuc,
        Self::MacroAveragePrecision,
    ];

    /// Its name in JSON, behind the name of the part: `test_accuracy`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::R2 => "r2",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::AllRight => "all_right",
            Self::LabelAccuracy => "label_accuracy",
            Self::MicroF1 => "micro_f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::RocAuc => "roc_auc",
            Self::AveragePrecision => "average_precision",
            Self::MacroPrecision => "macro_precision",
            Self::MacroRecall => "macro_recall",
            Self::MacroF1 => "macro_f1",
            Self::MacroRocAuc => "macro_roc_auc",
            Self::MacroAveragePrecision => "macro_average_precision",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::R2 => "R²",
            Self::Rmse => "RMSE",
            Self::Mae => "MAE",
            Self::AllRight => "exact match",
            Self::LabelAccuracy => "label accuracy",
            Self::MicroF1 => "micro F1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "average precision",
            Self::MacroPrecision => "macro precision",
            Self::MacroRecall => "macro recall",
            Self::MacroF1 => "macro F1",
            Self::MacroRocAuc => "macro ROC-AUC",
            Self::MacroAveragePrecision => "macro average precision",
        }
    }

    /// Whether it is a part of 1, which people read as percent.
    pub fn is_share(self) -> bool {
        matches!(self, Self::Accuracy | Self::AllRight | Self::LabelAccuracy)
    }

    /// Whether it judges answers of yes or no: to the second of two classes, or the mean over classes or labels.
    pub fn is_binary(self) -> bool {
        use Measure::{AveragePrecision, F1, Precision, Recall, RocAuc};
        use Measure::{MacroAveragePrecision, MacroF1, MacroPrecision, MacroRecall, MacroRocAuc};
        let of_means =
            matches!(self, MacroPrecision | MacroRecall | MacroF1 | MacroRocAuc | MacroAveragePrecision);
        of_means || matches!(self, Precision | Recall | F1 | RocAuc | AveragePrecision)
    }

    /// Whether more is better.
    pub fn rises(self) -> bool {
        !matches!(self, Self::Rmse | Self::Mae)
    }

    /// A value as people read it.
    pub fn shown(self, value: f64) -> String {
        if self.is_share() { format!("{:.2} %", 100.0 * value) } else { format!("{value:.4}") }
    }
}

/// How well a network does on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The mean of the network's loss.
    pub loss: f64,
    /// In the order of [`Measure::ALL`].
    measures: [Option<f64>; Measure::ALL.len()],
}

impl Score {
    /// A loss, and nothing beside it.
    pub fn of_loss(loss: f64) -> Self {
        Self { loss, measures: [None; Measure::ALL.len()] }
    }

    /// The same with a measure.
    #[must_use]
    pub fn with(mut self, measure: Measure, value: f64) -> Self {
        for (own, slot) in Measure::ALL.into_iter().zip(&mut self.measures) {
            if own == measure {
                *slot = Some(value);
            }
        }
        self
    }

    /// A measure, if it was taken.
    pub fn get(&self, measure: Measure) -> Option<f64> {
        self.all().find(|(own, _)| *own == measure).map(|(_, value)| value)
    }

    /// What was measured beside the loss, the most telling first.
    pub fn all(&self) -> impl Iterator<Item = (Measure, f64)> + '_ {
        let pairs = Measure::ALL.into_iter().zip(self.measures);
        pairs.filter_map(|(measure, value)| Some((measure, value?)))
    }

    /// The measure to be shown where there is room for one, if the loss is not all there is.
    pub fn headline(&self) -> Option<(Measure, f64)> {
        self.all().next()
    }

    /// [`Measure::Accuracy`] of a classifier; NaN of anything else.
    pub fn accuracy(&self) -> f64 {
        self.get(Measure::Accuracy).unwrap_or(f64::NAN)
    }
}

/// One line of `metrics.jsonl`: what an epoch of training gave. There each part's scores stand side by side, as
/// `train_loss`, `train_accuracy`, `test_loss` and so on.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean over the epoch's batches, each before its step.
    pub train: Score,
    /// After the epoch.
    pub test: Score,
    /// After the epoch; absent if nothing is held out.
    pub validation: Option<Score>,
    /// Spent on training the epoch, evaluation not included.
    pub seconds: f64,
    /// Trained per second.
    pub samples_per_second: f64,
}

/// A line of `metrics.jsonl`: something that would have ended the run, and what was done instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// In which it happened, counted from 1.
    pub epoch: usize,
    /// What happened.
    pub problem: String,
    /// What the run goes on with: a learning rate, or `retry` or `cpu`.
    pub action: String,
    /// The learning rate from here on, if the run had diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr: Option<f32>,
}
