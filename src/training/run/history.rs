//! Reads the `metrics.jsonl` of a run without changing it.

use std::path::Path;

use super::RunDir;
use super::event::{End, Event, Start};
use crate::data::Fingerprint;
use crate::error::{Error, Result};
use crate::files::regular_file;
use crate::step::metrics::{EpochRecord, Recovery, Score};

/// A run so far, which may still go on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// What it began with; absent if it was killed before it said so.
    pub start: Option<Start>,
    /// Its epochs, from the first.
    pub epochs: Vec<EpochRecord>,
    /// What would have ended it, and did not.
    pub recoveries: Vec<Recovery>,
    /// How it ended; absent while it goes on, or if it was killed.
    pub end: Option<End>,
}

impl RunDir {
    /// What the data were that the run began with; nothing of runs of earlier versions.
    ///
    /// # Errors
    /// [`Error::Io`] if there are metrics and they cannot be read.
    pub fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        let last = self.events()?.into_iter().rev().find_map(|event| match event {
            Event::Start(start) => Some(start),
            _ => None,
        });
        Ok(last.and_then(|start| start.fingerprint))
    }

    /// The lines of the metrics, if there are some; one that is not whole yet, or not known, is passed over.
    fn events(&self) -> Result<Vec<Event>> {
        let path = self.metrics();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = regular_file::read_text(&path)?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// What the run's metrics tell. A line that is not whole yet, or not known, is passed over.
    ///
    /// # Errors
    /// [`Error::Io`] if there are metrics and they cannot be read; [`Error::File`] if an epoch is missing among them.
    pub fn history(&self) -> Result<History> {
        let path = self.metrics();
        let mut history = History::default();
        for event in self.events()? {
            match event {
                Event::Start(start) => history.start = Some(*start),
                Event::Epoch(record) => history.add(*record, &path)?,
                Event::Recovery(recovery) => history.recoveries.push(recovery),
                Event::End(end) => history.end = Some(*end),
            }
        }
        Ok(history)
    }
}

impl History {
    /// The record of the epoch that the model is of: as the run's end says; before that the newest, or with early stopping
    /// the first of those with the lowest validation loss.
    pub fn of_model(&self, early_stopping: bool) -> Option<&EpochRecord> {
        if let Some(epoch) = self.end.as_ref().and_then(|end| end.model_epoch) {
            return self.epochs.get(epoch.checked_sub(1)?);
        }
        let loss = |record: &&EpochRecord| record.validation.map_or(f64::INFINITY, |score| score.loss);
        match early_stopping {
            true => self.epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))),
            false => self.epochs.last(),
        }
    }

    /// The scores of that epoch on the test and the validation part, with what was measured at the run's end.
    pub fn scores(&self, early_stopping: bool) -> (Option<Score>, Option<Score>) {
        let (record, end) = (self.of_model(early_stopping), self.end.as_ref());
        let test = end.and_then(|end| end.test.0).or(record.map(|record| record.test));
        (test, end.and_then(|end| end.validation.0).or(record.and_then(|record| record.validation)))
    }

    /// Seconds spent on training, evaluations not included, over however many programs.
    pub fn training_seconds(&self) -> f64 {
        self.epochs.iter().map(|record| record.seconds).sum()
    }

    /// The median over the epochs of the samples trained in a second.
    pub fn samples_per_second(&self) -> Option<f64> {
        let mut speeds: Vec<f64> = self.epochs.iter().map(|record| record.samples_per_second).collect();
        speeds.sort_by(f64::total_cmp);
        speeds.get(speeds.len() / 2).copied()
    }

    /// Adds the next epoch: then the run goes on, whatever has been said of an end.
    fn add(&mut self, record: EpochRecord, path: &Path) -> Result<()> {
        if record.epoch != self.epochs.len() + 1 {
            let problem = format!("epoch {} follows epoch {}", record.epoch, self.epochs.len());
            return Err(Error::file(path, problem, "restore the file, or start the run again"));
        }
        self.epochs.push(record);
        self.end = None;
        Ok(())
    }
}
