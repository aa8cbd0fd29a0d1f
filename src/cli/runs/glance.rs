//! A run as read from its files, and what is shown of it.

use std::path::{Path, PathBuf};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::cli::output::duration;
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::step::metrics::{EpochRecord, Measure, Score};
use crate::training::run::history::History;
use crate::training::run::status::Status;
use crate::training::run::{RunConfig, RunDir};

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

    /// The record of the epoch that the model comes from.
    pub(super) fn model(&self) -> Option<&EpochRecord> {
        self.history.of_model(self.config.train.early_stopping.is_some())
    }

    pub(super) fn glance(&self) -> Glance<'_> {
        let (start, model) = (self.history.start.as_ref(), self.model());
        let (test, validation) = self.history.scores(self.config.train.early_stopping.is_some());
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
            scores: Scores { test, validation },
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
    #[serde(flatten)]
    pub(super) scores: Scores,
    pub(super) training_seconds: f64,
    pub(super) recoveries: usize,
}

/// Shown instead of a missing number.
pub(super) const NONE: &str = "-";

/// The scores of the epoch that the model comes from: `test_loss`, `test_accuracy`, `validation_loss` and so on.
pub(super) struct Scores {
    test: Option<Score>,
    validation: Option<Score>,
}

impl Scores {
    pub(super) fn test(&self) -> Option<&Score> {
        self.test.as_ref()
    }

    pub(super) fn validation(&self) -> Option<&Score> {
        self.validation.as_ref()
    }
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A run of which nothing is known yet is asked for what most runs have.
        let none = Score::of_loss(0.0).with(Measure::Accuracy, 0.0);
        let like = self.test().unwrap_or(&none);
        let mut map = serializer.serialize_map(None)?;
        Score::write(self.test(), like, "test", &mut map)?;
        Score::write(self.validation(), like, "validation", &mut map)?;
        map.end()
    }
}

/// The main measure, formatted for people.
pub(super) fn headline(score: Option<&Score>) -> String {
    score.and_then(Score::headline).map_or(NONE.into(), |(measure, value)| measure.shown(value))
}

pub(super) fn loss(score: Option<&Score>) -> String {
    score.map_or(NONE.into(), |score| format!("{:.4}", score.loss))
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
            headline(self.scores.test()),
            loss(self.scores.test()),
            self.status.name().into(),
            duration(self.training_seconds),
            self.device(),
        ]
    }
}
