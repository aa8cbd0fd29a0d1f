//! The mathematics in plain f64: the textbook page (`textbook`), twin of every kernel, and the doctor's referee.
//!
//! Nothing here is fast; everything is plain.

mod activation;
pub mod compare;
mod loss;
mod network;
pub mod optimizer;
mod textbook;
pub mod training;

pub use loss::{Aim, sigmoid};
pub use textbook::{
    Backward, Forward, Layer, Matrix, Mlp, argmax, cross_entropy, cross_entropy_backward, dense, hits,
    log_sum_exp, matmul, rounded_to_f16, smoothed_cross_entropy, smoothed_cross_entropy_backward, softmax,
    sum_rows,
};
