//! NumPy's files, `.npy` and `.npz`: what data sets and the doctor's dumps come in.

pub mod dtype;
pub mod npy;
pub mod npz;
mod refusal;
