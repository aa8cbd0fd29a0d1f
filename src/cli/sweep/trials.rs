//! The training of all trials.

use super::args::SweepArgs;
use super::board::Board;
use super::plan::Plan;
use crate::cli::company::Dealer;
use crate::cli::interrupt;
use crate::cli::loading;
use crate::cli::output::note;
use crate::cli::side_by_side::{self, Training, Workers};
use crate::cli::train::TrainArgs;
use crate::data::{Dataset, Fold};
use crate::engine::Device;
use crate::error::Result;
use crate::training::run::folds::FoldsDir;
use crate::training::run::sweep::SweepDir;
use crate::training::run::{RunConfig, RunDir};

/// The trials of a sweep, and what trains them.
pub(super) struct Trials<'a> {
    pub args: &'a SweepArgs,
    pub plan: &'a Plan,
    pub device: &'a Device,
    pub board: &'a Board,
    /// Who says which trial is next, if other processes train some too.
    pub dealer: Option<&'a dyn Dealer>,
    /// How many processes train them.
    pub ranks: usize,
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
                let train = |trial, device: &_| self.train(trial, fold, (&dataset, device), rung.epochs);
                // As many for each trial as for any other, whichever are left.
                let threads = (rayon::current_num_threads() / sweep.sweep.trials.len()).max(1);
                let (own, dealer) = (side_by_side::in_turn(), self.dealer);
                // What a process takes at once, others do not get.
                let at_once = trials.len().div_ceil(self.ranks);
                let workers = Workers { threads, at_once };
                let next = || dealer.map_or_else(&own, |dealer| dealer.next(list));
                side_by_side::each(self.device, &self.board.progress, &trials, workers, next, train)?;
            }
            if interrupt::asked() {
                break;
            }
        }
        Ok(())
    }

    /// Trains a trial up to an epoch, on a fold if there are some.
    fn train(
        &self,
        trial: usize,
        fold: Option<Fold>,
        (dataset, device): (&Dataset, &Device),
        epochs: usize,
    ) -> Result<()> {
        let sweep = &self.plan.sweep;
        let (stand, done) = sweep.stand_of(trial, fold)?;
        if stand.is_final() || done >= epochs {
            return self.board.trial(sweep, trial);
        }
        let path = sweep.trial(trial);
        if let (Some(fold), None) = (fold, FoldsDir::open(&path)?) {
            FoldsDir::create(&path, fold.of, self.plan.config(trial, None)?, false)?;
        }
        let config = self.plan.config(trial, fold)?;
        self.training(config, (dataset, device), epochs)?.train_in(&sweep.run(trial, fold))?;
        self.board.trial(sweep, trial)
    }

    /// The training of one run up to an epoch.
    fn training<'b>(
        &self,
        config: RunConfig,
        (dataset, device): (&'b Dataset, &Device),
        epochs: usize,
    ) -> Result<Training<'b>> {
        Ok(Training {
            args: self.args.of_run()?,
            dataset,
            choice: self.plan.device.clone(),
            device: Some(device.clone()),
            face: self.board.progress.face(epochs, config.train.total_epochs()),
            config,
        })
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
        let mut training = self.training(config, (&dataset, self.device), usize::MAX)?;
        training.args = TrainArgs { out: Some(sweep.best()), overwrite: true, ..training.args };
        training.train(None)?;
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
