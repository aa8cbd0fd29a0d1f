//! What a sweep shows while it trains: a line for each trial that is done, and one bar for all.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::plan::Plan;
use super::table;
use crate::cli::output::{json, say, thousands};
use crate::cli::train::{Ending, Face, Opening};
use crate::engine::Device;
use crate::error::Result;
use crate::step::metrics::EpochRecord;
use crate::training::run::sweep::{Stand, SweepDir, SweepScores, TrialScore};
use crate::training::sweep::Rung;
use crate::words::numerals::counted;

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    score: &'a TrialScore,
}

/// Everybody's view of the sweep.
pub(super) struct Board {
    json: bool,
    quiet: bool,
    bar: ProgressBar,
    failed: Arc<AtomicBool>,
    /// Trials of which a line was shown.
    told: Mutex<BTreeSet<usize>>,
}

impl Board {
    /// Shows what is swept, and on what.
    ///
    /// # Errors
    /// What counting the epochs reports.
    pub fn new(json: bool, quiet: bool, plan: &Plan, device: &Device) -> Result<Self> {
        // indicatif draws on standard error, and nothing where that is no terminal.
        let bar = if json || quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:32} {human_pos}/{human_len} epochs, {eta} left")
        {
            bar.set_style(style);
        }
        let board = Self { json, quiet, bar, failed: Arc::default(), told: Mutex::default() };
        board.bar.set_length(epochs(plan)?);
        board.heading(plan, device);
        Ok(board)
    }

    fn heading(&self, plan: &Plan, device: &Device) {
        if self.json || self.quiet {
            return;
        }
        let (dataset, sweep, info) = (&plan.dataset, &plan.sweep.sweep, device.info());
        let [train, validation, test] =
            [Some(&dataset.train), dataset.validation.as_ref(), Some(&dataset.test)]
                .map(|samples| thousands(samples.map_or(0, |samples| samples.len())));
        let options: Vec<String> =
            sweep.options.iter().map(|name| format!("--{}", name.replace('_', "-"))).collect();
        let parts = match sweep.folds {
            Some(folds) => format!("{folds} folds"),
            None => format!("{train} training, {validation} validation, {test} test samples"),
        };
        say(&format!("data     {} ({}): {parts}", dataset.name, dataset.origin));
        say(&format!("sweep    {} of {}", counted(sweep.trials.len(), "trial"), options.join(", ")));
        say(&format!("device   {}: {}", info.backend, info.adapter));
        say(&format!("folder   {}\n", plan.sweep.path().display()));
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    /// The face of one run, which stops after an epoch; of so many that it was to have.
    pub fn face(&self, stop: usize, epochs: usize) -> Box<dyn Face> {
        let (bar, failed) = (self.bar.clone(), self.failed.clone());
        Box::new(TrialFace { bar, failed, stop, epochs: epochs.min(stop), done: Cell::new(0) })
    }

    /// An error in one trial ends all.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Only the better trials go on.
    pub fn rung(&self, rung: Rung) {
        if !(self.json || self.quiet) {
            self.say(&format!("the best {} go on to epoch {}", rung.trials, rung.epochs));
        }
    }

    /// Shows a trial if it is done, once.
    ///
    /// # Errors
    /// What reading its runs reports.
    pub fn trial(&self, sweep: &SweepDir, trial: usize) -> Result<()> {
        if self.quiet && !self.json {
            return Ok(());
        }
        let score = sweep.score(trial)?;
        let done = matches!(score.stand, Stand::Done | Stand::Diverged);
        if !done || !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(trial) {
            return Ok(());
        }
        match self.json {
            true => say(&json(&Line { event: "trial", score: &score })?),
            false => self.say(&table::sentence(&score, sweep.sweep.trials.len())),
        }
        Ok(())
    }

    /// The job's own trials are done, and others are not.
    pub fn shard_is_done(&self, scores: &SweepScores) {
        if !(self.json || self.quiet) {
            say(&format!(
                "\n{} of {} trials are done; the last job makes the table, or gpu-mlp sweep --resume {}",
                scores.done, scores.trials, scores.run_dir
            ));
        }
    }

    pub fn pause(&self) {
        self.bar.finish_and_clear();
    }
}

/// The epochs of all runs together.
fn epochs(plan: &Plan) -> Result<u64> {
    let (sweep, folds) = (&plan.sweep, plan.sweep.folds()?.len());
    let mut sum = 0;
    if sweep.sweep.halving {
        let mut before = 0;
        for rung in plan.rungs() {
            sum += rung.trials * (rung.epochs - before);
            before = rung.epochs;
        }
    } else {
        for trial in 1..=sweep.sweep.trials.len() {
            sum += sweep.config(trial)?.train.total_epochs();
        }
    }
    Ok((sum * folds) as u64)
}

/// Counts the epochs of one run, and ends it where it is to stop.
struct TrialFace {
    bar: ProgressBar,
    failed: Arc<AtomicBool>,
    stop: usize,
    epochs: usize,
    done: Cell<usize>,
}

impl Face for TrialFace {
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
