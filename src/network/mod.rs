//! A network: its layers, activations, loss and parameters. Independent of devices.

mod activation;
mod activations;
mod loss;
mod model;

pub use activation::{Activation, UnknownActivation};
pub use activations::Activations;
pub use loss::{Loss, Task, UnknownLoss};
pub use model::{Dense, MlpSpec, OptimizerState, Parameters};
