//! NumPy's files, `.npy` and `.npz`, for data sets and the doctor's dumps.

pub mod dtype;
pub mod npy;
pub mod npz;
mod refusal;
