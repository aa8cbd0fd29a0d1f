//! The peak memory of a training on the host, which it reaches when it is saved.

use super::TrainConfig;
use crate::data::Dataset;
use crate::error::{Remedy, Result, Setting};
use crate::memory;

/// A state is read from the engine, laid out as its file has it, and made that file.
const COPIES: u64 = 3;

impl TrainConfig {
    /// Whether there is memory to train with an engine that takes so many bytes of the host's.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if there is not; as [`spec`](Self::spec) and
    /// [`step_options`](Self::step_options).
    pub fn require_memory(&self, dataset: &Dataset, engine: u64) -> Result<()> {
        let spec = self.spec(dataset)?;
        let kept = 1 + self.step_options(dataset)?.moments() + usize::from(self.early_stopping.is_some());
        let state = spec.parameter_count() as u64 * (kept * size_of::<f32>()) as u64;
        let what =
            format!("training a network of sizes {:?} in batches of {}", spec.sizes(), self.batch_size);
        memory::require(
            engine + COPIES * state,
            &what,
            Remedy::smaller(&[Setting::Hidden, Setting::BatchSize]),
        )
    }
}
