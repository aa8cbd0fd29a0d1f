//! Training: epochs over an engine, validation, early stopping, checkpoints. Tells an [`Observer`] what happens and
//! prints nothing.

pub mod checkpoint;
mod config;
mod divergence;
pub mod evaluation;
mod memory;
mod plan;
pub mod run;
pub mod tensorboard;
mod trainer;

pub use config::TrainConfig;
pub use divergence::{Divergence, Place};
pub use plan::{Plan, shuffled};
pub use trainer::{Observer, Outcome, Trainer, Unobserved, initial_state};
