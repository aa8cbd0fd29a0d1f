//! The launches of training, for whoever wants to time them.

use super::GpuEngine;
use crate::gpu::Launch;

impl GpuEngine {
    /// What [`train`](crate::engine::Engine::train) launches for so many whole batches, no more than one submission
    /// takes: the gather of all their samples, then each batch's step. The samples are those of the call before.
    pub fn launches(&self, steps: usize) -> Vec<Launch> {
        let slots = &self.training.slots[..steps.min(self.training.slots.len())];
        let gather = self.train_source.gather(slots.len() * self.training.slot_rows);
        std::iter::once(gather).chain(slots.iter().flatten().cloned()).collect()
    }
}
