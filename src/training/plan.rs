//! The training samples and their order.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::TrainConfig;
use crate::data::Dataset;
use crate::error::{Error, Result, Setting, message};
use crate::step::StepOptions;
use crate::step::dropout::Dropout;
use crate::step::optimizer::Optimizer;

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
    /// Holds samples out by the seed, and cuts down what `overfit_batches` or `dry_run` do without.
    ///
    /// # Errors
    /// [`Error::Usage`] if either side of the hold-out would be empty.
    pub fn new(config: &TrainConfig, dataset: &Dataset) -> Result<Self> {
        let total = dataset.train.len();
        let held_out = (config.validation_fraction * total as f64).round() as usize;
        let mut train: Vec<u32> = (0..total as u32).collect();
        let mut validation = Vec::new();
        if config.validation_fraction > 0.0 {
            if held_out == 0 || held_out == total {
                return Err(Error::usage(message![
                    Setting::ValidationFraction.set(config.validation_fraction),
                    format!(
                        " holds out {held_out} of {total} samples: training and validation need at least one each"
                    ),
                ]));
            }
            train.shuffle(&mut rng(config.seed, HOLD_OUT));
            validation = train.split_off(total - held_out);
            validation.sort_unstable();
            train.sort_unstable();
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
            dropout: Dropout { rate: self.dropout, seed: self.seed },
        })
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
