//! Where a network is trained: on a GPU ([`GpuEngine`]) or on the CPU's cores ([`CpuEngine`]), by the same steps.
//!
//! [`open`] makes an engine on either; then it is given samples ([`Engine::load`]) and parameters
//! ([`Engine::set_parameters`]).

mod any;
mod contract;
mod cpu;
mod gpu;

pub use any::{AnyEngine, Device, open};
pub use contract::{Engine, EngineInfo};
pub use cpu::{CpuEngine, Product, ProductKind};
pub use gpu::{GpuEngine, Pace, Residency, Submissions};
