//! Whether a run goes on, and if not, how it ended.

use serde::Serialize;

use super::history::History;
use super::{RunDir, lock};
use crate::error::Result;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A process trains in its folder now.
    Training,
    /// All epochs that were asked for are done.
    Finished,
    /// The validation loss got no better.
    StoppedEarly,
    /// It was asked to end, and saved.
    Interrupted,
    /// It ended without a word in its metrics: killed, or by an error.
    Unfinished,
}

impl Status {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training now",
            Self::Finished => "finished",
            Self::StoppedEarly => "stopped early",
            Self::Interrupted => "interrupted",
            Self::Unfinished => "unfinished",
        }
    }
}

impl RunDir {
    /// Where the run stands, and its history.
    ///
    /// # Errors
    /// As [`history`](Self::history).
    pub fn status(&self) -> Result<(Status, History)> {
        // In this order: of a run that ends meanwhile, the history may say so or not.
        let training = lock::is_held(self.path());
        let history = self.history()?;
        let status = match history.end.as_ref().map(|end| end.outcome.as_str()) {
            _ if training => Status::Training,
            Some("finished") => Status::Finished,
            Some("stopped_early") => Status::StoppedEarly,
            Some("interrupted") => Status::Interrupted,
            _ => Status::Unfinished,
        };
        Ok((status, history))
    }
}
