//! The lines of `metrics.jsonl` and of `train --json`: written and read as the same types.
//!
//! Optional fields may be missing: other versions write fewer or more.

use serde::{Deserialize, Serialize};

use crate::data::Fingerprint;
use crate::engine::EngineInfo;
use crate::step::metrics::{EpochRecord, Recovery};
use crate::step::record::{TestScore, ValidationScore};
use crate::training::{Outcome, TrainConfig};

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The run begins.
    Start(Box<Start>),
    /// An epoch is finished.
    Epoch(Box<EpochRecord>),
    /// Something would have ended the run, and did not.
    Recovery(Recovery),
    /// The run has ended in order.
    End(Box<End>),
}

/// Whether a line says what a run began with, in the words of whatever version.
pub fn is_start(line: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(tag = "event", rename_all = "lowercase")]
    enum Any {
        Start {},
    }
    serde_json::from_str(line).is_ok_and(|Any::Start {}| true)
}

/// What a run begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The device that it began on.
    #[serde(flatten)]
    pub engine: EngineInfo,
    /// Units of each layer, inputs and classes included.
    pub layers: Vec<usize>,
    /// Weights and biases.
    pub parameters: usize,
    /// Seen in an epoch: what is held out, or left out, is not among them.
    pub train_samples: usize,
    /// Held out.
    pub validation_samples: usize,
    /// Tested on.
    pub test_samples: usize,
    /// Name of the data set.
    pub data: String,
    /// Where it came from.
    pub data_origin: String,
    /// What its samples were, which are to be the same for as long as the run is measured or goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// What is trained, and how.
    #[serde(flatten)]
    pub config: Option<TrainConfig>,
    /// From the program's start to the first step: reading data, opening the device, compiling kernels.
    pub setup_seconds: f64,
    /// The kernels' part of it; not on the CPU.
    #[serde(flatten)]
    pub compiling: Option<Compiling>,
    /// The folder of the run.
    #[serde(default)]
    pub run_dir: String,
}

/// What compiling kernels took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Compiling {
    /// Time spent on it.
    pub pipeline_seconds: f64,
    /// Whether an earlier run's pipelines were at hand.
    pub pipelines_cached: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Why.
    pub outcome: Outcome,
    /// Epochs done.
    #[serde(default)]
    pub epochs: usize,
    /// The epoch that the model and these scores are of: the newest, or with early stopping the best.
    pub model_epoch: Option<usize>,
    /// On the test split: `test_loss`, `test_accuracy` and what else there is; where the run has reached its end also precision,
    /// recall, F1 and the areas under the curves, as `eval` gives them.
    #[serde(flatten)]
    pub test: TestScore,
    /// The same on the validation split, if there is one.
    #[serde(flatten)]
    pub validation: ValidationScore,
    /// From the start of the program that ended it, which may have resumed the run.
    pub seconds: f64,
    /// The folder of the run.
    #[serde(default)]
    pub run_dir: String,
}
