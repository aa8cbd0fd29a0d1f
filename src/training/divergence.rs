//! Finds where a training diverged: it repeats the steps from a healthy state until something is no longer finite.
//!
//! A normal run checks its loss and its weights once per epoch. Only if they are no longer finite, the steps of the epoch
//! are repeated, which gives the same bits, and checked: first many at a time, then one by one.

use std::fmt;

use super::checkpoint::State;
use super::{Observer, Trainer};
use crate::data::Dataset;
use crate::engine::Engine;
use crate::error::Result;
use crate::reference::training::dropout_mask;

/// The step in which a training became unsound, and what it was that did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// Counted from 1.
    pub epoch: usize,
    /// Of the epoch, counted from 1.
    pub batch: usize,
    /// Of the run, counted from 1.
    pub step: usize,
    /// What is not finite.
    pub place: Place,
}

/// What became infinite, or no number; layers are counted from 0, as in a model's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// What a layer puts out, before its activation, from weights that are still finite.
    Outputs(usize),
    /// A layer's weights or biases after the step, or what the optimiser remembers of them.
    Weights(usize),
    /// The loss of outputs that are finite.
    Loss,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, step, place, .. } = self;
        match place {
            Place::Outputs(layer) => write!(f, "the outputs of layers.{layer}")?,
            Place::Weights(layer) => write!(f, "the weights of layers.{layer}")?,
            Place::Loss => write!(f, "the loss")?,
        }
        write!(f, " in step {step} of the run (batch {batch} of the epoch)")
    }
}

impl State {
    /// The layer whose weights, or what the optimiser remembers of them, are not finite.
    fn unsound_layer(&self) -> Option<usize> {
        let moments = self.optimizer.moments.iter();
        std::iter::once(&self.parameters).chain(moments).find_map(|all| all.last_unsound_layer())
    }

    /// Whether training can go on from it.
    ///
    /// # Errors
    /// What is not finite.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.unsound_layer() {
            Some(layer) => Err(format!("the weights of layers.{layer} are not finite")),
            None => Ok(()),
        }
    }

    fn is_sound(&self) -> bool {
        self.unsound_layer().is_none() && self.progress.sums.loss.iter().all(|loss| loss.is_finite())
    }
}

impl<E: Engine> Trainer<'_, E> {
    /// Repeats the epoch that a sound state begins, and names the first step after which something is not finite. None if
    /// there is no such step, or the observer ends the search.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn find_divergence(
        &mut self,
        dataset: &Dataset,
        observer: &mut impl Observer,
    ) -> Result<Option<Divergence>> {
        let order = self.order(self.progress.epochs);
        let mut before = self.state().await?;
        let mut most = usize::MAX;
        while before.progress.samples < order.len() && !observer.should_stop() {
            let at = before.progress.samples;
            let taken = self.engine.train(&order[at..at.saturating_add(most).min(order.len())]).await?;
            self.progress.samples += taken;
            self.progress.sums = self.engine.sums().await?;
            let after = self.state().await?;
            if after.is_sound() {
                before = after;
            } else if taken <= self.config.batch_size {
                let batch = &order[at..at + taken];
                return self.name_divergence(dataset, &before, &after, batch).map(Some);
            } else {
                most = self.config.batch_size;
                self.restore(&before).await?;
            }
        }
        Ok(None)
    }

    /// What is not finite after a step, where all was before it.
    fn name_divergence(
        &self,
        dataset: &Dataset,
        before: &State,
        after: &State,
        batch: &[u32],
    ) -> Result<Divergence> {
        let size = self.config.batch_size;
        let steps_per_epoch = self.plan.train.len().div_ceil(size);
        let (epoch, index) = (before.progress.epochs, before.progress.samples / size);
        let step = epoch * steps_per_epoch + index;
        let place = match (self.overflowing_layer(dataset, before, step, batch)?, after.unsound_layer()) {
            (Some(layer), _) => Place::Outputs(layer),
            (None, Some(layer)) => Place::Weights(layer),
            (None, None) => Place::Loss,
        };
        Ok(Divergence { epoch: epoch + 1, batch: index + 1, step: step + 1, place })
    }

    /// The first layer whose outputs for a batch are beyond an f32.
    fn overflowing_layer(
        &self,
        dataset: &Dataset,
        state: &State,
        step: usize,
        batch: &[u32],
    ) -> Result<Option<usize>> {
        let dropout = self.config.step_options(dataset)?.dropout;
        let mlp = state.parameters.in_f64(self.config.activation.clone());
        let hidden = &mlp.layers[..mlp.layers.len() - 1];
        let mask = |(l, layer): (usize, &crate::reference::Layer)| {
            dropout_mask(&dropout, step as u64, l, [batch.len(), layer.w.cols()])
        };
        let masks: Vec<_> = match dropout.is_on() {
            true => hidden.iter().enumerate().map(mask).collect(),
            false => Vec::new(),
        };
        let forward = mlp.forward_with(&dataset.train.inputs(batch)?, &masks);
        Ok(forward.z.iter().position(|z| z.data().iter().any(|&z| !(z as f32).is_finite())))
    }
}
