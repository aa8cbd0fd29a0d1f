//! What somebody exported: arrays and their names, read into one case.

mod alone;
pub mod case;
mod columns;
pub mod csv;
pub(crate) mod digits;
pub mod dump;
pub mod forms;
mod input_first;
pub mod json;
pub mod keys;
pub mod layout;
mod lists;
pub(crate) mod moments;
mod not_finite;
pub mod npy;
pub mod npz;
mod ones;
mod overwritten;
mod partial;
pub mod reading;
pub mod roles;
pub mod slot;
pub mod steps;
pub(crate) mod targets;
pub mod template;
mod vectors;
