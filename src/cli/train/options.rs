//! What to train and how, as options.

use crate::cli::choice::{self, Hidden};
use crate::cli::number;
use crate::network::{Activations, Loss};
use crate::step::optimizer::Algorithm;
use crate::step::schedule::Curve;
use crate::training::TrainConfig;

/// Names as in [`TrainConfig`], which says what they mean.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    hidden: Hidden,
    /// What follows the hidden layers: relu, sigmoid, tanh, gelu, leaky-relu, elu, silu, softplus or identity for all, or one for
    /// each with commas between them
    #[arg(long, value_name = "NAMES", default_value_t = Activations::default(), value_parser = choice::activations)]
    activation: Activations,
    /// What is made small: softmax-cross-entropy of classes, sigmoid-cross-entropy of labels, squared-error or another of numbers
    /// (docs/training.md) [default: the first of the task's]
    #[arg(long, value_name = "NAME")]
    loss: Option<Loss>,
    /// Samples in a batch
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().batch_size)]
    #[arg(value_parser = number::whole::<usize>)]
    batch_size: usize,
    /// Times that every sample is seen
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().epochs)]
    #[arg(value_parser = number::whole::<usize>)]
    epochs: usize,
    /// How a gradient becomes a step
    #[arg(long, value_enum, default_value_t = Algorithm::Sgd)]
    optimizer: Algorithm,
    /// Learning rate; with a schedule the highest one [default: 0.1, of adam and adamw 0.001]
    #[arg(long, value_name = "RATE", value_parser = number::real::<f32>)]
    lr: Option<f32>,
    /// Momentum of sgd
    #[arg(long, value_name = "M", default_value_t = TrainConfig::default().momentum)]
    #[arg(value_parser = number::real::<f32>)]
    momentum: f32,
    /// Nesterov's form of the momentum
    #[arg(long)]
    nesterov: bool,
    /// L2 penalty on weights and biases; of adamw decay apart from the gradient [default: 0, of adamw 0.01]
    #[arg(long, value_name = "D", value_parser = number::real::<f32>)]
    weight_decay: Option<f32>,
    /// What becomes of the learning rate, from step to step
    #[arg(long, value_enum, default_value_t = Curve::Constant)]
    lr_schedule: Curve,
    /// Of the schedule step: epochs between two falls
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    lr_step_epochs: Option<usize>,
    /// Of the schedule step: what the rate is multiplied by
    #[arg(long, value_name = "G", default_value_t = TrainConfig::default().lr_gamma)]
    #[arg(value_parser = number::real::<f32>)]
    lr_gamma: f32,
    /// Of the schedule cosine: the rate that it ends at
    #[arg(long, value_name = "RATE", default_value_t = TrainConfig::default().lr_min)]
    #[arg(value_parser = number::real::<f32>)]
    lr_min: f32,
    /// Epochs, or part of one, in which the rate rises to its value
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().warmup_epochs)]
    #[arg(value_parser = number::real::<f32>)]
    warmup_epochs: f32,
    /// Probability that a hidden unit is left out of a step
    #[arg(long, value_name = "P", default_value_t = TrainConfig::default().dropout)]
    #[arg(value_parser = number::real::<f32>)]
    dropout: f32,
    /// How much of each label is spread evenly over all classes
    #[arg(long, value_name = "E", default_value_t = TrainConfig::default().label_smoothing)]
    #[arg(value_parser = number::real::<f32>)]
    label_smoothing: f32,
    /// Norm that a step's gradient is shortened to if it is longer
    #[arg(long, value_name = "NORM", value_parser = number::real::<f32>)]
    clip_norm: Option<f32>,
    /// Seed of the weights, the shuffles, dropout and the hold-out
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().seed)]
    #[arg(value_parser = number::whole::<u64>)]
    seed: u64,
    /// Part of the training samples held out for validation
    #[arg(long, value_name = "F", default_value_t = TrainConfig::default().validation_fraction)]
    #[arg(value_parser = number::real::<f64>)]
    validation_fraction: f64,
    /// Stop after so many epochs without a better validation loss, and keep the best network
    #[arg(long, value_name = "PATIENCE", value_parser = number::whole::<usize>)]
    early_stopping: Option<usize>,
    /// Train on so many batches only, the same in every epoch
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    overfit_batches: Option<usize>,
}

impl Options {
    pub(super) fn config(&self, dry_run: bool) -> TrainConfig {
        TrainConfig {
            hidden: self.hidden.0.clone(),
            activation: self.activation.clone(),
            loss: self.loss,
            batch_size: self.batch_size,
            epochs: self.epochs,
            optimizer: self.optimizer,
            lr: self.lr.unwrap_or(self.optimizer.default_lr()),
            momentum: self.momentum,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay.unwrap_or(self.optimizer.default_weight_decay()),
            lr_schedule: self.lr_schedule,
            lr_step_epochs: self.lr_step_epochs,
            lr_gamma: self.lr_gamma,
            lr_min: self.lr_min,
            warmup_epochs: self.warmup_epochs,
            dropout: self.dropout,
            label_smoothing: self.label_smoothing,
            clip_norm: self.clip_norm,
            seed: self.seed,
            validation_fraction: self.validation_fraction,
            early_stopping: self.early_stopping,
            overfit_batches: self.overfit_batches,
            dry_run,
        }
    }
}
