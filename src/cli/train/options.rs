//! The training options.

use crate::cli::choice::{self, Hidden};
use crate::cli::number;
use crate::network::{Activations, Loss};
use crate::step::optimizer::Algorithm;
use crate::step::schedule::Curve;
use crate::training::TrainConfig;

/// The names are those of [`TrainConfig`], which explains them.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct Options {
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    hidden: Hidden,
    /// Activation after the hidden layers: relu, sigmoid, tanh, gelu, leaky-relu, elu, silu, softplus or identity; one for all
    /// layers, or one for each, separated by commas
    #[arg(long, value_name = "NAMES", default_value_t = Activations::default(), value_parser = choice::activations)]
    activation: Activations,
    /// Loss to minimise: softmax-cross-entropy (classification), sigmoid-cross-entropy (multilabel), squared-error or huber
    /// (regression) [default: the first one for the task]
    #[arg(long, value_name = "NAME")]
    loss: Option<Loss>,
    /// Samples per batch; a set with fewer samples is one batch
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().batch_size)]
    #[arg(value_parser = number::whole::<usize>)]
    batch_size: usize,
    /// Passes over the training samples
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().epochs)]
    #[arg(value_parser = number::whole::<usize>)]
    epochs: usize,
    /// Optimiser, which turns a gradient into a step
    #[arg(long, value_enum, default_value_t = Algorithm::Sgd)]
    optimizer: Algorithm,
    /// Learning rate; with a schedule, the highest one [default: 0.1; for adam and adamw 0.001]
    #[arg(long, value_name = "RATE", value_parser = number::real::<f32>)]
    lr: Option<f32>,
    /// Momentum for sgd
    #[arg(long, value_name = "M", default_value_t = TrainConfig::default().momentum)]
    #[arg(value_parser = number::real::<f32>)]
    momentum: f32,
    /// Use Nesterov momentum
    #[arg(long)]
    nesterov: bool,
    /// L2 penalty on weights and biases; for adamw, decoupled weight decay [default: 0; for adamw 0.01]
    #[arg(long, value_name = "D", value_parser = number::real::<f32>)]
    weight_decay: Option<f32>,
    /// Schedule of the learning rate, which is updated in every step
    #[arg(long, value_enum, default_value_t = Curve::Constant)]
    lr_schedule: Curve,
    /// For the schedule step: epochs between two reductions of the learning rate
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    lr_step_epochs: Option<usize>,
    /// For the schedule step: the factor of each reduction
    #[arg(long, value_name = "G", default_value_t = TrainConfig::default().lr_gamma)]
    #[arg(value_parser = number::real::<f32>)]
    lr_gamma: f32,
    /// For the schedule cosine: the learning rate at the end
    #[arg(long, value_name = "RATE", default_value_t = TrainConfig::default().lr_min)]
    #[arg(value_parser = number::real::<f32>)]
    lr_min: f32,
    /// Epochs in which the learning rate rises from near 0 to --lr; fractions are allowed
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().warmup_epochs)]
    #[arg(value_parser = number::real::<f32>)]
    warmup_epochs: f32,
    /// Probability that a hidden unit is dropped in a training step
    #[arg(long, value_name = "P", default_value_t = TrainConfig::default().dropout)]
    #[arg(value_parser = number::real::<f32>)]
    dropout: f32,
    /// Fraction of each label that is spread evenly over all classes
    #[arg(long, value_name = "E", default_value_t = TrainConfig::default().label_smoothing)]
    #[arg(value_parser = number::real::<f32>)]
    label_smoothing: f32,
    /// Largest norm of a gradient; a longer one is scaled down to it
    #[arg(long, value_name = "NORM", value_parser = number::real::<f32>)]
    clip_norm: Option<f32>,
    /// Seed of the initial weights, the shuffles and dropout
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().seed)]
    #[arg(value_parser = number::whole::<u64>)]
    seed: u64,
    /// Stop after this many epochs without a lower validation loss; keep the network of the best epoch
    #[arg(long, value_name = "PATIENCE", value_parser = number::whole::<usize>)]
    early_stopping: Option<usize>,
    /// Train on this many batches only, the same ones in every epoch
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    overfit_batches: Option<usize>,
}

impl Options {
    pub(in crate::cli) fn config(&self, dry_run: bool) -> TrainConfig {
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
            early_stopping: self.early_stopping,
            overfit_batches: self.overfit_batches,
            dry_run,
        }
    }
}
