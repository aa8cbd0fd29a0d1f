//! The events of a run that a face receives.

use std::path::Path;

use crate::data::Dataset;
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::network::MlpSpec;
use crate::step::metrics::EpochRecord;
use crate::training::run::RunConfig;
use crate::training::{Outcome, Plan};

/// Receives the events of a run and shows some of them. Notes are shown by `output::note` instead.
pub(in crate::cli) trait Face {
    /// Training begins, or continues after the loss of a device.
    ///
    /// # Errors
    /// If it cannot be shown at all.
    fn start(&self, _opening: &Opening<'_>) -> Result<()> {
        Ok(())
    }

    /// A line for programs, as in the metrics file.
    fn line(&self, _json: &str) {}

    /// The number of samples of the epoch that are done.
    fn progress(&self, _epoch: usize, _samples: usize, _of: usize) {}

    /// An epoch is finished and saved.
    fn epoch(&self, _record: &EpochRecord) {}

    /// The run has ended without an error.
    fn end(&self, _ending: &Ending<'_>) {}

    /// Progress bars stop: an error, or the search for one, follows.
    fn pause(&self) {}

    /// Whether the run is to stop here, and to be continued later.
    fn stop_wanted(&self) -> bool {
        false
    }

    /// Whether the user wants to save the state now. The question resets the request.
    fn save_wanted(&self) -> bool {
        false
    }
}

/// What is shown of a run at its start.
pub(in crate::cli) struct Opening<'a> {
    pub dataset: &'a Dataset,
    pub plan: &'a Plan,
    pub spec: &'a MlpSpec,
    pub engine: &'a EngineInfo,
    pub run: &'a Path,
    pub config: &'a RunConfig,
    /// Epochs that are done already.
    pub history: &'a [EpochRecord],
}

/// What is shown of a run at its end.
pub(in crate::cli) struct Ending<'a> {
    pub outcome: Outcome,
    pub epochs: usize,
    /// The epoch that the model comes from.
    pub best: Option<&'a EpochRecord>,
    pub seconds: f64,
    pub run: &'a Path,
    pub model: &'a Path,
    /// Epochs without a lower validation loss after which a run stops.
    pub patience: usize,
}
