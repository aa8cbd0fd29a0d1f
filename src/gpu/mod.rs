//! The only module that calls wgpu: device and queue, buffers, kernels, the choice of an adapter.
//!
//! Everything that waits for the device is `async`, as browsers require. On other systems such a future blocks its thread
//! while it waits, since somebody has to poll the device.

pub mod adapter;
mod buffer;
mod compile;
mod device;
mod kernel;
mod launch;
#[cfg(debug_assertions)]
mod loss;
mod pipeline_cache;
mod precision;
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
pub use precision::Precision;
pub use resource::Resource;
pub use shader::{ResourceKind, Shader};
pub use staging::Staging;
pub use submission::Submission;
pub use texture::{Fill, Texel, Texture};
