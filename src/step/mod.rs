//! Training steps and their measures: the optimiser's rule, the learning rate, dropout, loss and accuracy.

pub mod dropout;
pub mod metrics;
pub mod optimizer;
mod options;
pub mod record;
pub mod schedule;
mod sgd;
pub mod spread;

pub use options::StepOptions;
pub use sgd::Sgd;
