//! The training of all trials: on the CPU side by side, each on threads of its own; on a GPU one after another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::args::SweepArgs;
use super::board::Board;
use super::plan::Plan;
use crate::cli::company::Dealer;
use crate::cli::interrupt;
use crate::cli::loading;
use crate::cli::output::note;
use crate::cli::train::{Session, TrainArgs, recovery};
use crate::data::{Dataset, Fold};
use crate::engine::Device;
use crate::error::{Error, Result};
use crate::training::Plan as Samples;
use crate::training::run::folds::FoldsDir;
use crate::training::run::sweep::{Stand, SweepDir};
use crate::training::run::{RunConfig, RunDir};

/// The trials of a sweep, and what trains them.
pub(super) struct Trials<'a> {
    pub args: &'a SweepArgs,
    pub plan: &'a Plan,
    pub device: &'a Device,
    pub board: &'a Board,
    /// Who says which trial is next, if other processes train some too.
    pub dealer: Option<&'a dyn Dealer>,
}

impl Trials<'_> {
    /// Trains all of them, until they are done or the user ends it.
    ///
    /// # Errors
    /// The first error that is no divergence.
    pub fn run(&self) -> Result<()> {
        let Plan { sweep, .. } = self.plan;
        let mut trials: Vec<usize> = (1..=sweep.sweep.trials.len()).collect();
        trials.retain(|&trial| self.args.shard.is_none_or(|shard| shard.has(trial)));
        for rung in self.plan.rungs() {
            if rung.trials < trials.len() {
                let scores = sweep.scores()?;
                let better = scores.ranked().into_iter().filter(|score| score.validation.0.is_some());
                trials = better.take(rung.trials).map(|score| score.trial).collect();
                self.board.rung(rung);
            }
            for (list, fold) in sweep.folds()?.into_iter().enumerate() {
                let dataset = self.plan.dataset(self.args, fold)?;
                self.side_by_side(list, &trials, |trial| self.train(trial, fold, &dataset, rung.epochs))?;
            }
            if interrupt::asked() {
                break;
            }
        }
        Ok(())
    }

    /// Calls `each` with every trial of a list, on as many threads as the device takes trials at once.
    fn side_by_side(
        &self,
        list: usize,
        trials: &[usize],
        each: impl Fn(usize) -> Result<()> + Sync,
    ) -> Result<()> {
        let own = AtomicUsize::new(0);
        let next = || match self.dealer {
            Some(dealer) => dealer.next(list),
            None => own.fetch_add(1, Ordering::Relaxed),
        };
        let work = || -> Result<()> {
            while let Some(&trial) = trials.get(next()) {
                if interrupt::asked() || self.board.has_failed() {
                    break;
                }
                each(trial).inspect_err(|_| self.board.fail())?;
            }
            Ok(())
        };
        if self.device.is_gpu() {
            return work();
        }
        // A trial waits for none of another's threads. It has as many as any other, whichever are left: its last digits depend on it.
        let (threads, all) = (rayon::current_num_threads(), self.plan.sweep.sweep.trials.len());
        let pool = || rayon::ThreadPoolBuilder::new().num_threads((threads / all).max(1)).build();
        let pools =
            (0..threads.min(trials.len())).map(|_| pool()).collect::<std::result::Result<Vec<_>, _>>();
        let pools = pools.map_err(|error| Error::Internal(error.to_string()))?;
        std::thread::scope(|scope| {
            let started: Vec<_> = pools.iter().map(|pool| scope.spawn(|| pool.install(work))).collect();
            let ended = |worker: std::thread::ScopedJoinHandle<'_, Result<()>>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            // All of them end before one of their errors is told.
            let results: Vec<Result<()>> = started.into_iter().map(ended).collect();
            results.into_iter().collect()
        })
    }

    /// Trains a trial up to an epoch, on a fold if there are some.
    fn train(&self, trial: usize, fold: Option<Fold>, dataset: &Dataset, epochs: usize) -> Result<()> {
        let sweep = &self.plan.sweep;
        let (stand, done) = sweep.stand_of(trial, fold)?;
        if matches!(stand, Stand::Done | Stand::Diverged) || done >= epochs {
            return self.board.trial(sweep, trial);
        }
        let path = sweep.trial(trial);
        if let (Some(fold), None) = (fold, FoldsDir::open(&path)?) {
            FoldsDir::create(&path, fold.of, self.plan.config(trial, None)?, false)?;
        }
        let run = sweep.run(trial, fold);
        let resumed = RunDir::open(&run).ok().map(RunDir::to_train).transpose()?;
        let args = TrainArgs { out: Some(run.clone()), ..self.args.of_run()? };
        let config = self.plan.config(trial, fold)?;
        match self.trained(&args, config, dataset, epochs, resumed) {
            Err(error) if diverged(&error) => SweepDir::note_divergence(&run, &error)?,
            ended => ended?,
        }
        self.board.trial(sweep, trial)
    }

    /// Trains one run up to an epoch.
    fn trained(
        &self,
        args: &TrainArgs,
        config: RunConfig,
        dataset: &Dataset,
        epochs: usize,
        resumed: Option<RunDir>,
    ) -> Result<()> {
        let session = Session {
            args,
            plan: Samples::new(&config.train, dataset)?,
            face: self.board.face(epochs, config.train.total_epochs()),
            config,
            dataset: dataset.clone(),
            init: None,
            begun: Instant::now(),
            teamwork: None,
        };
        let device = Some(self.device.clone());
        pollster::block_on(recovery::run(&session, self.plan.device.clone(), device, resumed)).map(|_| ())
    }

    /// Trains the best trial anew, on what it was compared by, too; whether there is such a run now.
    ///
    /// # Errors
    /// What reading the data and training report.
    pub fn refit(&self, trial: usize) -> Result<bool> {
        let sweep = &self.plan.sweep;
        let mut config = self.plan.config(trial, None)?;
        config.loading.validation_fraction = 0.0;
        if config.train.early_stopping.take().is_some() {
            // Without a validation part nothing else says when to stop.
            config.train.epochs = best_epoch(sweep, trial)?;
        }
        let read = |config: &RunConfig| {
            loading::load(Some(&config.data), &self.args.data, &config.loading, None, true)
        };
        let mut dataset = read(&config)?;
        let held_out = self.plan.dataset.train.len() + self.plan.dataset.test.len();
        if sweep.sweep.folds.is_some() && dataset.train.len() < held_out {
            // Without a test set of their own, all samples were in some fold.
            config.loading.test_fraction = 0.0;
            dataset = read(&config)?;
        }
        if dataset.validation.is_some() && !self.args.quiet {
            note("--refit: the validation part of the data is a set of its own, so it is not trained on");
        }
        let args = TrainArgs { out: Some(sweep.best()), overwrite: true, ..self.args.of_run()? };
        self.trained(&args, config, &dataset, usize::MAX, None)?;
        Ok(!interrupt::asked())
    }
}

/// The epoch with the best network of a trial; of folds the mean.
fn best_epoch(sweep: &SweepDir, trial: usize) -> Result<usize> {
    let mut best = Vec::new();
    for fold in sweep.folds()? {
        let history = RunDir::open(&sweep.run(trial, fold))?.history()?;
        best.extend(history.of_model(true).map(|record| record.epoch));
    }
    Ok((best.iter().sum::<usize>() as f64 / best.len().max(1) as f64).round().max(1.0) as usize)
}

/// Whether a training ended since a loss or a weight is no longer a number.
fn diverged(error: &Error) -> bool {
    match error {
        Error::Diverged { .. } => true,
        Error::Run { cause, .. } => diverged(cause),
        _ => false,
    }
}
