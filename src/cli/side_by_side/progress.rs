//! One bar for all trainings.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::say;
use crate::cli::train::{Ending, Face, Opening};
use crate::error::Result;
use crate::step::metrics::EpochRecord;

/// How far all trainings together have come.
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    failed: Arc<AtomicBool>,
}

impl Progress {
    /// Of so many epochs, or what else is counted; nothing is drawn if `hidden` is true.
    pub fn new(count: usize, unit: &str, hidden: bool) -> Self {
        // indicatif draws on standard error, and nothing where that is no terminal.
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let template = format!("{{msg}} {{bar:32}} {{human_pos}}/{{human_len}} {unit}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_length(count as u64);
        Self { bar, failed: Arc::default() }
    }

    /// So many were done before.
    pub fn skip(&self, count: usize) {
        self.bar.set_position(count as u64);
        self.bar.reset_eta();
    }

    /// One more is done.
    pub fn tick(&self) {
        self.bar.inc(1);
    }

    /// A line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    /// The face of one training, which stops after an epoch; of so many that it was to have.
    pub fn face(&self, stop: usize, epochs: usize) -> Box<dyn Face> {
        let (bar, failed) = (self.bar.clone(), self.failed.clone());
        Box::new(OneOfMany { bar, failed, stop, epochs: epochs.min(stop), done: Cell::new(0) })
    }

    /// An error in one training ends all.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Counts the epochs of one training, and ends it where it is to stop.
struct OneOfMany {
    bar: ProgressBar,
    failed: Arc<AtomicBool>,
    stop: usize,
    epochs: usize,
    done: Cell<usize>,
}

impl Face for OneOfMany {
    fn start(&self, opening: &Opening<'_>) -> Result<()> {
        self.done.set(opening.history.len());
        Ok(())
    }

    fn epoch(&self, record: &EpochRecord) {
        self.done.set(record.epoch);
        self.bar.inc(1);
    }

    fn end(&self, _ending: &Ending<'_>) {
        // What it stopped short of is not to come.
        if self.done.get() < self.stop {
            self.bar.inc(self.epochs.saturating_sub(self.done.get()) as u64);
        }
    }

    fn stop_wanted(&self) -> bool {
        self.done.get() >= self.stop || self.failed.load(Ordering::Relaxed)
    }
}
