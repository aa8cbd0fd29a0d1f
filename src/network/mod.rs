//! What a network is: its layers, what follows them, its loss, and its parameters. No device in here.

mod activation;
mod activations;
mod loss;
mod model;

pub use activation::{Activation, UnknownActivation};
pub use activations::Activations;
pub use loss::{Loss, Task, UnknownLoss};
pub use model::{Dense, MlpSpec, OptimizerState, Parameters};
