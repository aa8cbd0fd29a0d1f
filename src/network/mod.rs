//! What a network is: its layers, what follows them, and its parameters. No device in here.

mod activation;
mod model;

pub use activation::{Activation, UnknownActivation};
pub use model::{Dense, MlpSpec, OptimizerState, Parameters};
