//! A run as its files tell it, and what is shown of it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::output::duration;
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::step::metrics::EpochRecord;
use crate::training::run::history::History;
use crate::training::run::status::Status;
use crate::training::run::{RunConfig, RunDir};
use crate::words::numerals;

/// A run as its files tell it.
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) config: RunConfig,
    pub(super) history: History,
    pub(super) status: Status,
}

impl Run {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let run = RunDir::open(path)?;
        let config = run.config()?;
        let (status, history) = run.status()?;
        Ok(Self { path: path.to_owned(), config, history, status })
    }

    /// The record of the epoch that the model is of.
    pub(super) fn model(&self) -> Option<&EpochRecord> {
        self.history.of_model(self.config.train.early_stopping.is_some())
    }

    pub(super) fn glance(&self) -> Glance<'_> {
        let (start, model) = (self.history.start.as_ref(), self.model());
        Glance {
            event: "run",
            run_dir: &self.path,
            status: self.status,
            data: start.map_or(&self.config.data, |start| &start.data),
            layers: start.map(|start| start.layers.as_slice()),
            parameters: start.map(|start| start.parameters),
            engine: start.map(|start| &start.engine),
            epochs: self.history.epochs.len(),
            epochs_asked: self.config.train.total_epochs(),
            model_epoch: model.map(|record| record.epoch),
            test_accuracy: model.map(|record| record.test_accuracy),
            test_loss: model.map(|record| record.test_loss),
            validation_accuracy: model.and_then(|record| record.validation_accuracy),
            validation_loss: model.and_then(|record| record.validation_loss),
            training_seconds: self.history.training_seconds(),
            recoveries: self.history.recoveries.len(),
        }
    }
}

/// What is shown of a run.
#[derive(Serialize)]
pub(super) struct Glance<'a> {
    pub(super) event: &'static str,
    pub(super) run_dir: &'a Path,
    pub(super) status: Status,
    pub(super) data: &'a str,
    pub(super) layers: Option<&'a [usize]>,
    pub(super) parameters: Option<usize>,
    #[serde(flatten)]
    pub(super) engine: Option<&'a EngineInfo>,
    pub(super) epochs: usize,
    pub(super) epochs_asked: usize,
    pub(super) model_epoch: Option<usize>,
    pub(super) test_accuracy: Option<f64>,
    pub(super) test_loss: Option<f64>,
    pub(super) validation_accuracy: Option<f64>,
    pub(super) validation_loss: Option<f64>,
    pub(super) training_seconds: f64,
    pub(super) recoveries: usize,
}

/// What stands where there is no number.
pub(super) const NONE: &str = "-";

pub(super) fn percent(part: Option<f64>) -> String {
    part.map_or(NONE.into(), numerals::percent)
}

pub(super) fn loss(loss: Option<f64>) -> String {
    loss.map_or(NONE.into(), |loss| format!("{loss:.4}"))
}

impl Glance<'_> {
    pub(super) fn network(&self) -> String {
        let sizes: Option<Vec<String>> =
            self.layers.map(|layers| layers.iter().map(usize::to_string).collect());
        sizes.map_or(NONE.into(), |sizes| sizes.join("-"))
    }

    pub(super) fn device(&self) -> String {
        self.engine.map_or(NONE.into(), |engine| format!("{}: {}", engine.backend, engine.adapter))
    }

    pub(super) fn epochs(&self) -> String {
        format!("{}/{}", self.epochs, self.epochs_asked)
    }

    pub(super) fn row(&self) -> Vec<String> {
        vec![
            self.run_dir.display().to_string(),
            self.data.to_owned(),
            self.network(),
            self.epochs(),
            percent(self.test_accuracy),
            loss(self.test_loss),
            self.status.name().into(),
            duration(self.training_seconds),
            self.device(),
        ]
    }
}
