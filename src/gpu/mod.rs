//! The only place where wgpu is spoken to: device and queue, buffers, kernels, the choice of an adapter.
//!
//! Whatever waits for the device is `async`, as a browser demands. Natively such a future blocks its thread while it
//! waits, since a device has to be polled by somebody.

pub mod adapter;
mod buffer;
mod compile;
mod device;
mod kernel;
mod launch;
#[cfg(debug_assertions)]
mod loss;
mod pipeline_cache;
mod resource;
mod shader;
mod staging;
mod submission;
mod texture;
mod timestamps;

pub use adapter::{AdapterSummary, Backend, Limits};
pub use buffer::{Buffer, Slice};
pub use device::{Gpu, Pipelines};
pub use kernel::Kernel;
pub use launch::{BoundKernel, Launch, Work};
pub use pipeline_cache::CacheFile;
pub use resource::Resource;
pub use shader::{ResourceKind, Shader};
pub use staging::Staging;
pub use submission::Submission;
pub use texture::{Fill, Texel, Texture};
