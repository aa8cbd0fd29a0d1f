//! The training samples and their order.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::TrainConfig;
use crate::data::parts::windowed;
use crate::data::{Dataset, Samples};
use crate::error::{Error, Result, Setting, message};
use crate::step::StepOptions;
use crate::step::dropout::Dropout;
use crate::step::optimizer::Optimizer;

/// Which samples are for what.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Of the training split: those to train on.
    pub train: Vec<u32>,
    /// Of the validation split: those to choose by.
    pub validation: Vec<u32>,
    /// Of the test split: those to measure on.
    pub test: Vec<u32>,
}

impl Plan {
    /// All samples, but for what `overfit_batches` or `dry_run` do without.
    ///
    /// # Errors
    /// [`Error::Usage`] if early stopping has no samples to go by.
    pub fn new(config: &TrainConfig, dataset: &Dataset) -> Result<Self> {
        let all = |samples: &Samples| (0..samples.len() as u32).collect::<Vec<u32>>();
        let (mut train, mut test) = (all(&dataset.train), all(&dataset.test));
        let mut validation = dataset.validation.as_ref().map_or_else(Vec::new, all);
        if config.early_stopping.is_some() && validation.is_empty() {
            let problem =
                message![Setting::EarlyStopping, " needs a validation loss, but no samples are held out"];
            return Err(Error::usage(problem).hint(message!["add ", Setting::ValidationFraction.set(0.1)]));
        }
        let batches = if config.dry_run { Some(1) } else { config.overfit_batches };
        train.truncate(batches.map_or(train.len(), |n| n.saturating_mul(config.batch_size)));
        if config.dry_run {
            test.truncate(config.batch_size);
            validation.truncate(config.batch_size);
        }
        Ok(Self { train, validation, test })
    }
}

impl TrainConfig {
    /// How an engine has to take steps on a data set: with fewer samples than a batch has, all of them are one batch.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn step_options(&self, dataset: &Dataset) -> Result<StepOptions> {
        let (momentum, nesterov, weight_decay) = (self.momentum, self.nesterov, self.weight_decay);
        let samples = Plan::new(self, dataset)?.train.len();
        let steps_per_epoch = samples.div_ceil(self.batch_size).max(1);
        Ok(StepOptions {
            batch_size: self.batch_size.min(samples),
            optimizer: Optimizer { algorithm: self.optimizer, momentum, nesterov, weight_decay },
            schedule: self.schedule(steps_per_epoch as u64),
            clip_norm: self.clip_norm,
            label_smoothing: self.label_smoothing,
            dropout: Dropout { rate: self.dropout, seed: self.seed, first_row: 0 },
        })
    }
}

/// The samples in the order in which an epoch, counted from 0, takes them: it depends on the seed and the epoch's number
/// alone, and a resumed run meets the same.
pub fn shuffled(samples: &[u32], seed: u64, epoch: usize) -> Vec<u32> {
    let mut order = samples.to_vec();
    order.shuffle(&mut of_epoch(seed, epoch));
    order
}

/// [`shuffled`]; samples in parts are taken part after part ([`windowed`]).
pub(super) fn ordered(all: &Samples, samples: &[u32], seed: u64, epoch: usize) -> Vec<u32> {
    match all.by_part(samples) {
        Some(parts) => windowed(parts, &mut of_epoch(seed, epoch)),
        None => shuffled(samples, seed, epoch),
    }
}

fn of_epoch(seed: u64, epoch: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 of the seed made the initial weights, stream 1 of version 0.1.0 the validation samples.
    rng.set_stream(2 + epoch as u64);
    rng
}
