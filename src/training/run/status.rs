//! Whether a run is still in training, and if not, how it ended.

use serde::Serialize;

use super::history::History;
use super::{RunDir, lock};
use crate::error::Result;
use crate::training::Outcome;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A process trains in its folder now.
    Training,
    /// It ended without a word in its metrics: killed, or by an error.
    Unfinished,
    /// It ended in order.
    #[serde(untagged)]
    Ended(Outcome),
}

impl Status {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training now",
            Self::Unfinished => "unfinished",
            Self::Ended(outcome) => outcome.name(),
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
        let status = match &history.end {
            _ if training => Status::Training,
            Some(end) => Status::Ended(end.outcome),
            None => Status::Unfinished,
        };
        Ok((status, history))
    }
}
