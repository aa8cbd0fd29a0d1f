//! The launches of training, to be timed one by one.

use super::engine::GpuEngine;
use super::stage::Stage;
use crate::gpu::Launch;

impl GpuEngine {
    /// What [`train`](crate::engine::Engine::train) launches for so many whole batches, no more than one submission
    /// takes: the gather of all their samples, then each batch's step. The samples are those of the call before. Nothing if it has none
    /// to train on.
    pub fn launches(&self, steps: usize) -> Vec<Launch> {
        let Some((training, source)) = self.stage().and_then(Stage::trained) else { return Vec::new() };
        let slots = &training.slots[..steps.min(training.slots.len())];
        let gather = source.gather(slots.len() * training.slot_rows);
        std::iter::once(gather).chain(slots.iter().flatten().cloned()).collect()
    }
}
