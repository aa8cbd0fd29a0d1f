//! What an import finds in a file.

use crate::data::Scaling;
use crate::error::Message;
use crate::network::{Activations, Parameters, Task};
use crate::training::checkpoint::ModelInfo;

/// What a file has of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Weights and biases.
    pub parameters: Parameters,
    /// Activation, scaling and class names, if the file was exported by this program.
    pub info: Option<ModelInfo>,
    /// What another program's file says of them.
    pub said: Said,
    /// What is to be said of how it was understood.
    pub notes: Vec<Message>,
}

/// What another program's file says of a network beside its weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The activations after the hidden layers.
    pub activation: Option<Activations>,
    /// What is done to inputs first.
    pub scaling: Option<Scaling>,
    /// What the outputs are for.
    pub task: Option<Task>,
    /// What the outputs are called.
    pub class_names: Option<Vec<String>>,
}
