//! Training: epochs over an engine, validation, early stopping, checkpoints. Reports to an [`Observer`] and
//! prints nothing.

mod absurdity;
mod aims;
mod answers;
pub mod binary_scores;
pub mod checkpoint;
mod config;
mod divergence;
pub mod ensemble;
pub mod evaluation;
pub mod figures;
mod judge;
mod memory;
mod model;
mod plan;
pub mod ranking;
pub mod rates;
pub mod run;
mod scoring;
pub mod sweep;
pub mod tensorboard;
mod trainer;

pub use absurdity::absurdity;
pub use aims::Aims;
pub use answers::answers;
pub use config::TrainConfig;
pub use divergence::{Divergence, Place};
pub use judge::Judge;
pub use model::Model;
pub use plan::{Plan, shuffled};
pub use scoring::headline;
pub use trainer::{Observer, Outcome, Trainer, Unobserved, initial_state};
