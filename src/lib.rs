//! Multi-layer perceptrons trained with WGSL compute shaders, and a doctor for hand-written backpropagation.

pub mod atomic_file;
pub mod checkpoint;
pub mod cli;
pub mod compare;
pub mod data;
pub mod engine;
pub mod error;
pub mod gpu;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod reference;
pub mod run;
pub mod tensor;
pub mod trainer;

pub use error::{Error, Result};
pub use tensor::Tensor;
