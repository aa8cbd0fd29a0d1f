//! What a sweep shows while it trains: a line for each trial that is done, and one bar for all.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::plan::Plan;
use super::table;
use crate::cli::output::{json, say, thousands};
use crate::cli::side_by_side::Progress;
use crate::engine::Device;
use crate::error::Result;
use crate::training::run::sweep::{SweepDir, SweepScores, TrialScore};
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
    pub progress: Progress,
    /// Trials of which no line is to be shown: they were done before, or have had it.
    told: Mutex<BTreeSet<usize>>,
}

impl Board {
    /// Shows what is swept, and on what.
    ///
    /// # Errors
    /// What counting the epochs reports.
    pub fn new(json: bool, quiet: bool, plan: &Plan, device: &Device) -> Result<Self> {
        let (epochs, before) = (epochs(plan)?, plan.sweep.scores()?);
        let progress = Progress::new(epochs, "epochs", json || quiet);
        let done = before.scores.iter().filter(|score| score.stand.is_final());
        let told = done.map(|score| score.trial).collect();
        let board = Self { json, quiet, progress, told: Mutex::new(told) };
        board.heading(plan, device);
        if before.done > 0 && !(json || quiet) {
            say(&format!("{} of {} are done already", before.done, counted(before.trials, "trial")));
        }
        board.progress.skip(before.scores.iter().map(|score| score.epochs).sum());
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

    /// Only the better trials go on.
    pub fn rung(&self, rung: Rung) {
        if !(self.json || self.quiet) {
            self.progress.say(&format!("the best {} go on to epoch {}", rung.trials, rung.epochs));
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
        if !score.stand.is_final() || !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(trial)
        {
            return Ok(());
        }
        match self.json {
            true => say(&json(&Line { event: "trial", score: &score })?),
            false => self.progress.say(&table::sentence(&score, sweep.sweep.trials.len())),
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
}

/// The epochs of all runs together.
fn epochs(plan: &Plan) -> Result<usize> {
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
    Ok(sum * folds)
}
