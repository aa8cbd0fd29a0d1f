//! What an adapter says of itself.

use super::EngineInfo;
use crate::gpu::Gpu;

impl EngineInfo {
    /// Of an adapter.
    pub fn of(gpu: &Gpu) -> Self {
        let summary = gpu.summary();
        Self {
            backend: summary.backend.name().into(),
            adapter: summary.name.clone(),
            device_type: summary.device_type.name().into(),
        }
    }
}
