//! How far one of several runs has come.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::RunDir;
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::step::metrics::Score;
use crate::training::Outcome;

/// The file that says why a run ended for good.
const DIVERGED: &str = "diverged.txt";

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Not begun.
    Waiting,
    /// Begun, and not at its end: interrupted, or behind others.
    Unfinished,
    /// A loss or a weight is no longer a number.
    Diverged,
    /// At its end.
    Done,
}

impl Stand {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Unfinished => "not finished",
            Self::Diverged => "diverged",
            Self::Done => "done",
        }
    }

    /// Whether nothing is to be done any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Diverged)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// How far it has come.
    pub stand: Stand,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds spent on training.
    pub seconds: f64,
    /// Its score on the test part; none if it diverged.
    pub test: Option<Score>,
    /// The same on the validation part.
    pub validation: Option<Score>,
}

impl Standing {
    /// Of the run in a folder, which need not be there.
    ///
    /// # Errors
    /// What reading the run reports.
    pub fn of(run: &Path) -> Result<Self> {
        let Ok(dir) = RunDir::open(run) else {
            let (stand, test, validation) = (Stand::Waiting, None, None);
            return Ok(Self { stand, epochs: 0, seconds: 0.0, test, validation });
        };
        let history = dir.history()?;
        let ended = history.end.as_ref().is_some_and(|end| end.outcome != Outcome::Interrupted);
        let stand = match run.join(DIVERGED).is_file() {
            true => Stand::Diverged,
            false if ended => Stand::Done,
            false => Stand::Unfinished,
        };
        let (test, validation) = history.scores(dir.config()?.train.early_stopping.is_some());
        let measured = |score: Option<Score>| score.filter(|_| stand != Stand::Diverged);
        let (test, validation) = (measured(test), measured(validation));
        Ok(Self {
            stand,
            epochs: history.epochs.len(),
            seconds: history.training_seconds(),
            test,
            validation,
        })
    }
}

/// Notes that a run diverged: it would do so again.
///
/// # Errors
/// [`Error::Io`] if that cannot be written.
pub fn note_divergence(run: &Path, how: &Error) -> Result<()> {
    let path = run.join(DIVERGED);
    let mut file = AtomicFile::create(&path)?;
    writeln!(file, "{how}").map_err(Error::io("write", &path))?;
    file.finish()
}

/// Takes such a note away if there is one: the run goes on otherwise.
///
/// # Errors
/// [`Error::Io`] if that cannot be done.
pub fn forget_divergence(run: &Path) -> Result<()> {
    let path = run.join(DIVERGED);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
        _ => Ok(()),
    }
}
