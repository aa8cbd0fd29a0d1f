//! Where a network is trained: on a GPU ([`GpuEngine`]) or on the CPU's cores ([`CpuEngine`]), by the same steps.

mod adapter;
mod contract;
mod cpu;
mod gpu;

use contract::replace_test;
pub use contract::{Engine, EngineInfo};
pub use cpu::{CpuEngine, Product, ProductKind};
pub use gpu::{GpuEngine, Pace, Residency, Submissions};
