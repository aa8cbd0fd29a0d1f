//! A run: epochs over an engine, from the first or from a checkpoint to the last.

use web_time::Instant;

use serde::{Deserialize, Serialize};

use super::checkpoint::{Progress, State};
use super::config::TrainConfig;
use super::evaluation::{Question, evaluate_some};
use super::judge::Judge;
use super::plan::{Plan, ordered};
use crate::data::{Dataset, Samples, Split};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::network::{OptimizerState, Parameters, Task};
use crate::step::metrics::{EpochRecord, Score, Sums};
use crate::words::numerals::counted;

/// The most classes whose precision and recall are measured at the end of a run: their confusion matrix has 128 MiB.
const SCORED: usize = 1 << 12;

/// Hears what happens in a run, keeps what has to be kept, and may hold it up or end it.
#[allow(async_fn_in_trait)] // As in `Engine`: nobody needs the futures to be Send.
pub trait Observer {
    /// So many of an epoch's samples are trained on.
    fn progress(&mut self, epoch: usize, samples: usize, of: usize);

    /// An epoch is finished. `state` is what the next one starts from.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept; it ends the run.
    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()>;

    /// The run was asked to end in the middle of an epoch, or to save its state there and go on.
    ///
    /// # Errors
    /// As [`epoch`](Self::epoch).
    fn interrupted(&mut self, state: &State) -> Result<()>;

    /// How many of an epoch's samples that are left may be trained on before this is asked again: at least 1. The run waits for the
    /// answer, so that it can be paused, taken step by step, or made to share a thread. Fewer than a batch are a batch of their own.
    async fn allowance(&mut self, left: usize) -> usize {
        left
    }

    /// Whether the run should end at the next opportunity.
    fn should_stop(&self) -> bool;

    /// Whether the state should be kept at the next opportunity. The observer is asked again, and then has to return false.
    fn should_save(&self) -> bool {
        false
    }
}

/// Watches nothing and keeps nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&mut self, _epoch: usize, _samples: usize, _of: usize) {}

    fn epoch(&mut self, _record: &EpochRecord, _state: &State) -> Result<()> {
        Ok(())
    }

    fn interrupted(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }

    fn should_stop(&self) -> bool {
        false
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The validation loss got no better for as long as it was given.
    StoppedEarly,
    /// The observer asked for it.
    Interrupted,
}

impl Outcome {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::StoppedEarly => "stopped early",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What was trained in one sitting, and how long it took.
struct Speed {
    samples: usize,
    seconds: f64,
}

/// A run: an engine, the samples, and how far it has come.
pub struct Trainer<'a, E> {
    pub(super) engine: &'a mut E,
    pub(super) config: &'a TrainConfig,
    pub(super) plan: Plan,
    /// What is trained on, for its order.
    samples: Samples,
    pub(super) progress: Progress,
    pub(super) history: Vec<EpochRecord>,
    pub(super) judge: Judge,
    /// The parameters with the lowest validation loss, if that may stop the run.
    pub(super) best: Option<Parameters>,
}

/// What a new run starts from: weights initialised from the seed, and an optimiser that remembers nothing.
///
/// # Errors
/// As [`TrainConfig::spec`] and [`TrainConfig::step_options`].
pub fn initial_state(config: &TrainConfig, dataset: &Dataset) -> Result<State> {
    let spec = config.spec(dataset)?;
    let moments = config.step_options(dataset)?.moments();
    Ok(State {
        progress: Progress::default(),
        parameters: Parameters::initial(&spec, config.seed),
        optimizer: OptimizerState { steps: 0, moments: vec![Parameters::zeros(&spec); moments] },
        best: None,
    })
}

impl<'a, E: Engine> Trainer<'a, E> {
    /// A new run, whose weights are initialised from the seed. Gives the engine the samples.
    ///
    /// # Errors
    /// As [`Plan::new`], and what the engine reports.
    pub async fn start(engine: &'a mut E, config: &'a TrainConfig, dataset: &Dataset) -> Result<Self> {
        let parameters = Parameters::initial(&config.spec(dataset)?, config.seed);
        Self::start_with(engine, config, dataset, &parameters, None).await
    }

    /// A new run that begins with these weights, and with what the optimiser remembers of steps before, if it does.
    ///
    /// # Errors
    /// As [`start`](Self::start), and [`Error::Shape`] if they are of another network or optimiser.
    pub async fn start_with(
        engine: &'a mut E,
        config: &'a TrainConfig,
        dataset: &Dataset,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<Self> {
        let plan = Plan::new(config, dataset)?;
        engine.load_dataset(dataset).await?;
        engine.set_parameters(parameters, optimizer).await?;
        engine.set_sums(&Sums::default()).await?;
        let (progress, judge) = (Progress::default(), Judge::new(config.spec(dataset)?.loss(), dataset));
        let samples = dataset.train.clone();
        Ok(Self { engine, config, plan, samples, progress, history: Vec::new(), judge, best: None })
    }

    /// Goes on with a run from a state, after the epochs of its history. Where the state says that the learning rate was
    /// halved, the configuration and the engine's have to be [`TrainConfig::with_lr_halved`].
    ///
    /// # Errors
    /// As [`Plan::new`], and what the engine reports.
    pub async fn resume(
        engine: &'a mut E,
        config: &'a TrainConfig,
        dataset: &Dataset,
        state: &State,
        history: Vec<EpochRecord>,
    ) -> Result<Self> {
        let plan = Plan::new(config, dataset)?;
        check_progress(state, plan.train.len())?;
        engine.load_dataset(dataset).await?;
        let (progress, best) = (state.progress.clone(), state.best.clone());
        let judge = Judge::new(config.spec(dataset)?.loss(), dataset);
        let samples = dataset.train.clone();
        let mut trainer = Self { engine, config, plan, samples, progress, history, judge, best };
        trainer.restore(state).await?;
        Ok(trainer)
    }

    /// Puts engine and progress back to a state.
    pub(super) async fn restore(&mut self, state: &State) -> Result<()> {
        self.engine.set_parameters(&state.parameters, Some(&state.optimizer)).await?;
        self.engine.set_sums(&state.progress.sums).await?;
        self.progress.clone_from(&state.progress);
        Ok(())
    }

    /// Trains until all epochs are done, or something ends the run before. With early stopping the engine then has the
    /// parameters of the [`best`](Self::best) epoch, unless the run was interrupted.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a loss or a weight is not finite after an epoch; what the engine or the observer report.
    pub async fn run(&mut self, observer: &mut impl Observer) -> Result<Outcome> {
        let mut outcome = Outcome::Finished;
        while self.progress.epochs < self.config.total_epochs() {
            if self.patience_is_over() {
                outcome = Outcome::StoppedEarly;
                break;
            }
            let Some((train, speed)) = self.train_epoch(observer).await? else {
                let state = self.state_midway().await?;
                observer.interrupted(&state)?;
                return Ok(Outcome::Interrupted);
            };
            let record = self.record(train, speed).await?;
            self.engine.set_sums(&Sums::default()).await?;
            let (epochs, lr_halvings) = (self.progress.epochs + 1, self.progress.lr_halvings);
            self.progress = Progress { epochs, lr_halvings, ..Progress::default() };
            self.history.push(record);
            let mut state = self.state().await?;
            // A ReLU can hide weights that are not finite from every loss.
            let lr = self.config.lr;
            state.check().map_err(|found| Error::Diverged { epoch: epochs, found, lr })?;
            if self.config.early_stopping.is_some() && self.best_epoch() + 1 == self.history.len() {
                self.best = Some(state.parameters.clone());
                state.best.clone_from(&self.best);
            }
            observer.epoch(&self.history[self.history.len() - 1], &state)?;
        }
        if let Some(best) = &self.best {
            self.engine.set_parameters(best, None).await?;
        }
        Ok(outcome)
    }

    /// The record that belongs to the network that the run ends with: with early stopping the one with the lowest
    /// validation loss, else the newest.
    pub fn best(&self) -> Option<&EpochRecord> {
        if self.best.is_some() { self.history.get(self.best_epoch()) } else { self.history.last() }
    }

    /// The record of every epoch so far.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// The record of the [`best`](Self::best) epoch with what `eval` measures beside its scores: precision, recall, F1, and the
    /// areas under the curves. Only after a run that was not interrupted: the engine then has this network. Numbers, and
    /// classes beyond `SCORED`, have no more than the record has.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn scored(&mut self, dataset: &Dataset) -> Result<Option<EpochRecord>> {
        let Some(mut record) = self.best().cloned() else { return Ok(None) };
        let loss = self.config.spec(dataset)?.loss();
        if loss.task() == Task::Regression || dataset.preparation.class_names.len() > SCORED {
            return Ok(Some(record));
        }
        let question = Question::default();
        let engine = &mut *self.engine;
        let test = (Split::Test, &self.plan.test[..]);
        record.test = evaluate_some(engine, loss, dataset, test, &question).await?.beside(record.test);
        if let Some(score) = record.validation {
            let part = (Split::Validation, &self.plan.validation[..]);
            let evaluation = evaluate_some(engine, loss, dataset, part, &question).await?;
            record.validation = Some(evaluation.beside(score));
        }
        Ok(Some(record))
    }

    /// The training samples in the order in which an epoch, counted from 0, takes them.
    pub(super) fn order(&self, epoch: usize) -> Vec<u32> {
        ordered(&self.samples, &self.plan.train, self.config.seed, epoch)
    }

    /// Trains what is left of an epoch; `None` if the observer ended it.
    async fn train_epoch(&mut self, observer: &mut impl Observer) -> Result<Option<(Sums, Speed)>> {
        let begun = Instant::now();
        let (epoch, already) = (self.progress.epochs, self.progress.samples);
        let order = self.order(epoch);
        while self.progress.samples < order.len() {
            // Before the run may have to wait.
            if observer.should_save() {
                let state = self.state_midway().await?;
                observer.interrupted(&state)?;
            }
            let allowed = observer.allowance(order.len() - self.progress.samples).await;
            if observer.should_stop() {
                return Ok(None);
            }
            let rest = &order[self.progress.samples..];
            self.samples.prefetch(rest);
            self.progress.samples += self.engine.train(&rest[..allowed.clamp(1, rest.len())]).await?;
            observer.progress(epoch + 1, self.progress.samples, order.len());
        }
        let sums = self.engine.sums().await?;
        // Of an epoch that was resumed, what is timed is the rest.
        let samples = order.len() - already;
        Ok(Some((sums, Speed { samples, seconds: begun.elapsed().as_secs_f64() })))
    }

    async fn record(&mut self, train: Sums, speed: Speed) -> Result<EpochRecord> {
        let epoch = self.progress.epochs + 1;
        let lr = self.config.lr;
        let finite = |score: Score, what: &str| match score.loss.is_finite() {
            true => Ok(score),
            false => Err(Error::Diverged { epoch, found: format!("the {what} loss is {}", score.loss), lr }),
        };
        let train_score = finite(self.judge.trained(&train), "training")?;
        let validation = match self.plan.validation.is_empty() {
            true => None,
            false => {
                let score = self.judge.score(self.engine, Split::Validation, &self.plan.validation).await?;
                Some(finite(score, "validation")?)
            }
        };
        let test = finite(self.judge.score(self.engine, Split::Test, &self.plan.test).await?, "test")?;
        Ok(EpochRecord {
            epoch,
            train: train_score,
            test,
            validation,
            seconds: speed.seconds,
            // A clock may stand still, and no line of JSON holds infinity.
            samples_per_second: speed.samples as f64 / speed.seconds.max(1e-9),
        })
    }

    /// The state in the middle of an epoch.
    async fn state_midway(&mut self) -> Result<State> {
        self.progress.sums = self.engine.sums().await?;
        self.state().await
    }

    pub(super) async fn state(&mut self) -> Result<State> {
        Ok(State {
            progress: self.progress.clone(),
            parameters: self.engine.parameters().await?,
            optimizer: self.engine.optimizer_state().await?,
            best: self.best.clone(),
        })
    }

    /// Whether the best validation loss is as many epochs ago as `early_stopping` allows.
    fn patience_is_over(&self) -> bool {
        let epochs = self.history.len();
        self.config.early_stopping.is_some_and(|patience| epochs > self.best_epoch() + patience)
    }

    /// The first epoch with the lowest validation loss, counted from 0.
    fn best_epoch(&self) -> usize {
        let loss = |epoch: usize| self.history[epoch].validation.map_or(f64::INFINITY, |score| score.loss);
        (0..self.history.len()).fold(0, |best, epoch| if loss(epoch) < loss(best) { epoch } else { best })
    }
}

/// Whether a state can be one of a run whose epochs have so many samples.
fn check_progress(state: &State, all: usize) -> Result<()> {
    let Progress { epochs, samples: done, sums, .. } = &state.progress;
    let (steps, summed) = (state.optimizer.steps, sums.samples);
    let most = (*epochs as u64).saturating_add(1).saturating_mul(all as u64);
    if *done < all && summed == *done as u64 && steps <= most && most < u64::MAX {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the checkpoint says: done are {} and {} of the next, in {steps} optimiser steps, with sums over {summed}; an epoch has {}",
        counted(*epochs, "epoch"),
        counted(*done, "sample"),
        counted(all, "sample")
    ))
    .hint("resume with the data that the run was started with, and with an undamaged checkpoint"))
}
