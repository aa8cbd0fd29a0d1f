//! What a face hears of a run.

use std::path::Path;

use crate::data::Dataset;
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::network::MlpSpec;
use crate::step::metrics::EpochRecord;
use crate::training::run::RunConfig;
use crate::training::{Outcome, Plan};

/// Hears what happens, and shows what it wants to of it. Notes reach the user another way: `output::note`.
pub(in crate::cli::train) trait Face {
    /// Training begins, or goes on after the loss of a device.
    ///
    /// # Errors
    /// If it cannot be shown at all.
    fn start(&self, _opening: &Opening<'_>) -> Result<()> {
        Ok(())
    }

    /// A line for programs: what the metrics keep, as it is kept.
    fn line(&self, _json: &str) {}

    /// So many of an epoch's samples are trained on.
    fn progress(&self, _epoch: usize, _samples: usize, _of: usize) {}

    /// An epoch is finished and kept.
    fn epoch(&self, _record: &EpochRecord) {}

    /// The run has ended in order.
    fn end(&self, _ending: &Ending<'_>) {}

    /// What is moving stops: an error, or a search for one, comes next.
    fn pause(&self) {}

    /// Whether the user wants the state kept now. Asking takes the wish back.
    fn save_wanted(&self) -> bool {
        false
    }
}

/// What there is to say of a run at its start.
pub(in crate::cli::train) struct Opening<'a> {
    pub dataset: &'a Dataset,
    pub plan: &'a Plan,
    pub spec: &'a MlpSpec,
    pub engine: &'a EngineInfo,
    pub run: &'a Path,
    pub config: &'a RunConfig,
    /// Epochs that are done already.
    pub history: &'a [EpochRecord],
}

/// What there is to say of a run at its end.
pub(in crate::cli::train) struct Ending<'a> {
    pub outcome: Outcome,
    pub epochs: usize,
    /// The epoch that the model is of.
    pub best: Option<&'a EpochRecord>,
    pub seconds: f64,
    pub run: &'a Path,
    pub model: &'a Path,
    /// Epochs without a better validation loss that end a run.
    pub patience: usize,
}
