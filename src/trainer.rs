//! Training: epochs over an engine, validation, early stopping, checkpoints. Tells an [`Observer`] what happens and
//! prints nothing.

use std::time::Instant;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Progress, State};
use crate::data::{Dataset, Split};
use crate::engine::{Engine, StepOptions};
use crate::error::{Error, Result};
use crate::kernels::Sgd;
use crate::metrics::{EpochRecord, Score, Sums};
use crate::model::{MlpSpec, Parameters};

/// What to train, and how. Names as in `config.json` and on the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Sizes of the hidden layers; none is softmax regression.
    pub hidden: Vec<usize>,
    /// Samples in a batch; an epoch's last batch may be shorter.
    pub batch_size: usize,
    /// Times that every training sample is seen.
    pub epochs: usize,
    /// Learning rate.
    pub lr: f32,
    /// Momentum of gradient descent.
    pub momentum: f32,
    /// L2 penalty.
    pub weight_decay: f32,
    /// Of the initial weights, every epoch's shuffle and the choice of validation samples.
    pub seed: u64,
    /// Part of the training samples held out for validation.
    pub validation_fraction: f64,
    /// Stop after so many epochs without a better validation loss.
    pub early_stopping: Option<usize>,
    /// Train on so many batches only, the same in every epoch: a network that works can learn them by heart.
    pub overfit_batches: Option<usize>,
    /// One batch through everything, then stop.
    pub dry_run: bool,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            hidden: vec![300, 75],
            batch_size: 64,
            epochs: 10,
            lr: 0.1,
            momentum: 0.0,
            weight_decay: 0.0,
            seed: 1,
            validation_fraction: 0.0,
            early_stopping: None,
            overfit_batches: None,
            dry_run: false,
        }
    }
}

impl TrainConfig {
    /// Whether every value can be meant.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the option, what it was and what it may be.
    pub fn check(&self) -> Result<()> {
        let refuse = |option: &str, got: &dyn std::fmt::Display, wanted: &str| {
            Err(Error::Usage(format!("--{option} {got}: expected {wanted}")))
        };
        // NaN fails every one of these comparisons.
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return refuse("lr", &self.lr, "a number greater than 0");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("momentum", &self.momentum, "a number from 0 to less than 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return refuse("weight-decay", &self.weight_decay, "a number of 0 or more");
        }
        if !(0.0..1.0).contains(&self.validation_fraction) {
            return refuse(
                "validation-fraction",
                &self.validation_fraction,
                "a number from 0 to less than 1",
            );
        }
        if self.early_stopping.is_some() && self.validation_fraction == 0.0 {
            return Err(Error::Usage(
                "--early-stopping watches the validation loss, but nothing is held out\n  hint: add \
                 --validation-fraction 0.1"
                    .into(),
            ));
        }
        let counts = [
            ("batch-size", Some(self.batch_size)),
            ("epochs", Some(self.epochs)),
            ("early-stopping", self.early_stopping),
            ("overfit-batches", self.overfit_batches),
        ];
        match counts.into_iter().find(|(_, count)| *count == Some(0)) {
            Some((option, _)) => refuse(option, &0, "1 or more"),
            None => Ok(()),
        }
    }

    /// Epochs that the run has in the end.
    pub fn total_epochs(&self) -> usize {
        if self.dry_run { 1 } else { self.epochs }
    }

    /// The network for a data set.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size of 0, or sizes beyond any machine.
    pub fn spec(&self, dataset: &Dataset) -> Result<MlpSpec> {
        let ends = (dataset.train.features(), dataset.classes);
        MlpSpec::new([&[ends.0], &self.hidden[..], &[ends.1]].concat())
    }

    /// How an engine has to take steps.
    pub fn step_options(&self) -> StepOptions {
        let sgd = Sgd { lr: self.lr, momentum: self.momentum, weight_decay: self.weight_decay };
        StepOptions { batch_size: self.batch_size, sgd }
    }
}

/// Which samples are for what.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Of the training split: those to train on.
    pub train: Vec<u32>,
    /// Of the training split: those held out.
    pub validation: Vec<u32>,
    /// Of the test split: those to measure on.
    pub test: Vec<u32>,
}

impl Plan {
    /// Holds samples out by the seed, and cuts down what `--overfit-batches` or `--dry-run` do without.
    ///
    /// # Errors
    /// [`Error::Usage`] if a batch would be larger than the training set, or either side of the hold-out empty.
    pub fn new(config: &TrainConfig, dataset: &Dataset) -> Result<Self> {
        let total = dataset.train.len();
        let held_out = (config.validation_fraction * total as f64).round() as usize;
        let mut train: Vec<u32> = (0..total as u32).collect();
        let mut validation = Vec::new();
        if config.validation_fraction > 0.0 {
            if held_out == 0 || held_out == total {
                return Err(Error::Usage(format!(
                    "--validation-fraction {} holds {held_out} of {total} samples out: both parts need one",
                    config.validation_fraction
                )));
            }
            train.shuffle(&mut rng(config.seed, HOLD_OUT));
            validation = train.split_off(total - held_out);
            validation.sort_unstable();
            train.sort_unstable();
        }
        if config.batch_size > train.len() {
            return Err(Error::Usage(format!(
                "--batch-size {} is larger than the training set of {} samples",
                config.batch_size,
                train.len()
            )));
        }
        let mut test: Vec<u32> = (0..dataset.test.len() as u32).collect();
        let batches = if config.dry_run { Some(1) } else { config.overfit_batches };
        train.truncate(batches.map_or(train.len(), |n| n.saturating_mul(config.batch_size)));
        if config.dry_run {
            test.truncate(config.batch_size);
            validation.truncate(config.batch_size);
        }
        Ok(Self { train, validation, test })
    }
}

/// Streams of the generator: one for the hold-out, one for each epoch, so that an epoch's order depends on the seed
/// and its number alone, and a resumed run meets the same.
const HOLD_OUT: u64 = 0;

/// The samples in the order in which an epoch, counted from 0, takes them.
pub fn shuffled(samples: &[u32], seed: u64, epoch: usize) -> Vec<u32> {
    let mut order = samples.to_vec();
    order.shuffle(&mut rng(seed, HOLD_OUT + 1 + epoch as u64));
    order
}

fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 of the seed itself made the initial weights.
    rng.set_stream(stream + 1);
    rng
}

/// Hears what happens in a run, keeps what has to be kept, and may end it.
pub trait Observer {
    /// So many of an epoch's samples are trained on.
    fn progress(&mut self, epoch: usize, samples: usize, of: usize);

    /// An epoch is finished. `state` is what the next one starts from.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept; it ends the run.
    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()>;

    /// The run was asked to end, in the middle of an epoch.
    ///
    /// # Errors
    /// As [`epoch`](Self::epoch).
    fn interrupted(&mut self, state: &State) -> Result<()>;

    /// Whether the run should end at the next opportunity.
    fn should_stop(&self) -> bool;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The validation loss got no better for as long as it was given.
    StoppedEarly,
    /// The observer asked for it.
    Interrupted,
}

/// What was trained in one sitting, and how long it took.
struct Speed {
    samples: usize,
    seconds: f64,
}

/// A run: an engine, the samples, and how far it has come.
pub struct Trainer<'a, E> {
    engine: &'a mut E,
    config: &'a TrainConfig,
    plan: Plan,
    progress: Progress,
    history: Vec<EpochRecord>,
}

impl<'a, E: Engine> Trainer<'a, E> {
    /// A new run, whose weights are initialised from the seed.
    ///
    /// # Errors
    /// As [`Plan::new`], and what the engine reports.
    pub async fn start(engine: &'a mut E, config: &'a TrainConfig, dataset: &Dataset) -> Result<Self> {
        let plan = Plan::new(config, dataset)?;
        let parameters = Parameters::he_uniform(&config.spec(dataset)?, config.seed);
        engine.set_parameters(&parameters, None).await?;
        engine.set_sums(&Sums::default()).await?;
        Ok(Self { engine, config, plan, progress: Progress::default(), history: Vec::new() })
    }

    /// Goes on with a run from a state, after the epochs of its history.
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
        let (done, all) = (state.progress.samples, plan.train.len());
        if done >= all || state.progress.sums.samples != done as u64 {
            return Err(Error::Usage(format!(
                "the checkpoint says that {done} samples of the next epoch are done, with sums over {}; an epoch has {all} \
                 samples\n  hint: use the data that the run was started with, or a whole checkpoint",
                state.progress.sums.samples
            )));
        }
        engine.set_parameters(&state.parameters, state.velocities.as_ref()).await?;
        engine.set_sums(&state.progress.sums).await?;
        Ok(Self { engine, config, plan, progress: state.progress.clone(), history })
    }

    /// Trains until all epochs are done, or something ends the run before.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a loss is not finite; what the engine or the observer report.
    pub async fn run(&mut self, observer: &mut impl Observer) -> Result<Outcome> {
        while self.progress.epochs < self.config.total_epochs() {
            if self.patience_is_over() {
                return Ok(Outcome::StoppedEarly);
            }
            let Some((train, speed)) = self.train_epoch(observer).await? else {
                let state = self.state().await?;
                observer.interrupted(&state)?;
                return Ok(Outcome::Interrupted);
            };
            let record = self.record(train, speed).await?;
            self.engine.set_sums(&Sums::default()).await?;
            self.progress = Progress { epochs: self.progress.epochs + 1, samples: 0, sums: Sums::default() };
            let state = self.state().await?;
            observer.epoch(&record, &state)?;
            self.history.push(record);
        }
        Ok(Outcome::Finished)
    }

    /// The record of every epoch so far.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// The training samples in the order in which an epoch, counted from 0, takes them.
    fn order(&self, epoch: usize) -> Vec<u32> {
        shuffled(&self.plan.train, self.config.seed, epoch)
    }

    /// Trains what is left of an epoch; `None` if the observer ended it.
    async fn train_epoch(&mut self, observer: &mut impl Observer) -> Result<Option<(Sums, Speed)>> {
        let begun = Instant::now();
        let (epoch, already) = (self.progress.epochs, self.progress.samples);
        let order = self.order(epoch);
        while self.progress.samples < order.len() {
            if observer.should_stop() {
                self.progress.sums = self.engine.sums().await?;
                return Ok(None);
            }
            self.progress.samples += self.engine.train(&order[self.progress.samples..]).await?;
            observer.progress(epoch + 1, self.progress.samples, order.len());
        }
        let sums = self.engine.sums().await?;
        // Of an epoch that was resumed, what is timed is the rest.
        let samples = order.len() - already;
        Ok(Some((sums, Speed { samples, seconds: begun.elapsed().as_secs_f64() })))
    }

    async fn record(&mut self, train: Sums, speed: Speed) -> Result<EpochRecord> {
        let epoch = self.progress.epochs + 1;
        let finite = |score: Score| match score.loss.is_finite() {
            true => Ok(score),
            false => Err(Error::Diverged { epoch, loss: score.loss, lr: self.config.lr }),
        };
        let train_score = finite(train.score())?;
        let validation = match self.plan.validation.is_empty() {
            true => None,
            false => Some(finite(self.engine.evaluate(Split::Train, &self.plan.validation).await?.score())?),
        };
        let test = finite(self.engine.evaluate(Split::Test, &self.plan.test).await?.score())?;
        Ok(EpochRecord {
            epoch,
            train_loss: train_score.loss,
            train_accuracy: train_score.accuracy,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
            validation_loss: validation.map(|score| score.loss),
            validation_accuracy: validation.map(|score| score.accuracy),
            seconds: speed.seconds,
            samples_per_second: speed.samples as f64 / speed.seconds,
        })
    }

    async fn state(&mut self) -> Result<State> {
        Ok(State {
            progress: self.progress.clone(),
            parameters: self.engine.parameters().await?,
            velocities: self.engine.velocities().await?,
        })
    }

    /// Whether the best validation loss is as many epochs ago as `early_stopping` allows.
    fn patience_is_over(&self) -> bool {
        let losses: Vec<f64> = self.history.iter().filter_map(|record| record.validation_loss).collect();
        let best = (0..losses.len()).fold(0, |best, i| if losses[i] < losses[best] { i } else { best });
        self.config.early_stopping.is_some_and(|patience| losses.len() > best + patience)
    }
}
