//! Multi-layer perceptrons trained with WGSL compute shaders, and a doctor for hand-written backpropagation.

pub mod cli;
pub mod compare;
pub mod doctor;
pub mod error;
pub mod reference;
pub mod tensor;

pub use error::{Error, Result};
pub use tensor::Tensor;
