//! Loss and accuracy: how they add up over batches, and the record of an epoch.

use serde::{Deserialize, Serialize};

/// Sums over samples, from which loss and accuracy follow.
///
/// An engine may keep several partial sums (one for each workgroup, say) and add them at the end, always in the same
/// order, so that the total repeats bit for bit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Partial sums of the loss, in nats.
    pub loss: Vec<f64>,
    /// Samples whose largest logit is the right class's.
    pub hits: u64,
    /// Samples counted.
    pub samples: u64,
}

impl Sums {
    /// Mean loss and accuracy.
    pub fn score(&self) -> Score {
        let samples = self.samples as f64;
        Score { loss: self.loss.iter().sum::<f64>() / samples, accuracy: self.hits as f64 / samples }
    }
}

/// How well a network does on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean categorical cross-entropy, in nats.
    pub loss: f64,
    /// Part of the samples classified right, 0..1.
    pub accuracy: f64,
}

/// One line of `metrics.jsonl`: what an epoch of training gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean over the epoch's batches, each before its step.
    pub train_loss: f64,
    /// As `train_loss`.
    pub train_accuracy: f64,
    /// After the epoch.
    pub test_loss: f64,
    /// After the epoch.
    pub test_accuracy: f64,
    /// After the epoch; absent if nothing is held out.
    pub validation_loss: Option<f64>,
    /// After the epoch; absent if nothing is held out.
    pub validation_accuracy: Option<f64>,
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
