//! The options of training steps.

use super::Sgd;
use super::dropout::Dropout;
use super::optimizer::{Algorithm, Optimizer, Step};
use super::schedule::Schedule;

/// How steps are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOptions {
    /// Samples in a batch; the last batch of an epoch may be shorter.
    pub batch_size: usize,
    /// From the gradient of the batch's mean loss to the step.
    pub optimizer: Optimizer,
    /// The learning rate of every step.
    pub schedule: Schedule,
    /// The norm that a longer gradient is shortened to.
    pub clip_norm: Option<f32>,
    /// How much of each label is spread evenly over all classes.
    pub label_smoothing: f32,
    /// Of the hidden layers, in training.
    pub dropout: Dropout,
}

impl Default for StepOptions {
    /// One sample at a time, for use without training.
    fn default() -> Self {
        Self::sgd(1, Sgd { lr: 0.0, momentum: 0.0, weight_decay: 0.0 })
    }
}

impl StepOptions {
    /// Gradient descent in its plain form.
    pub fn sgd(batch_size: usize, sgd: Sgd) -> Self {
        let Sgd { lr, momentum, weight_decay } = sgd;
        Self {
            batch_size,
            optimizer: Optimizer { momentum, weight_decay, ..Optimizer::default() },
            schedule: Schedule::constant(lr.into()),
            clip_norm: None,
            label_smoothing: 0.0,
            dropout: Dropout::default(),
        }
    }

    /// The numbers of a step, counted from 0.
    pub fn step(&self, number: u64) -> Step {
        self.optimizer.step(number, self.schedule.rate(number))
    }

    /// The step that the update product has fused in, where that is all there is to it.
    pub fn fused(&self, number: u64) -> Option<Sgd> {
        let Optimizer { algorithm, nesterov, weight_decay, .. } = self.optimizer;
        let step = self.step(number);
        let plain = algorithm == Algorithm::Sgd && !nesterov && self.clip_norm.is_none();
        plain.then_some(Sgd { lr: step.lr, momentum: step.beta1, weight_decay })
    }

    /// Moments that the optimiser keeps of every parameter.
    pub fn moments(&self) -> usize {
        match self.optimizer.algorithm {
            Algorithm::Sgd => usize::from(self.optimizer.momentum != 0.0 || self.schedule.moves_momentum()),
            Algorithm::Adam | Algorithm::AdamW => 2,
        }
    }
}
