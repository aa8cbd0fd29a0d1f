//! Engines train a network on a GPU ([`GpuEngine`]) or on the CPU cores ([`CpuEngine`]), with the same steps.
//!
//! [`open`] opens an engine on either; then it takes samples ([`Engine::load`]) and parameters
//! ([`Engine::set_parameters`]). A [`team`] of processes has one for each.

mod any;
mod contract;
mod cpu;
mod gpu;
pub mod team;

pub use any::{AnyEngine, Device, open};
pub use contract::{Engine, EngineInfo};
pub use cpu::{CpuEngine, Product, ProductKind};
pub use gpu::{GpuEngine, Member, Pace, Population, Residency, Submissions};
