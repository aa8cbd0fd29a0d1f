//! What is measured: a network on an engine, or several whose answers are averaged.

use crate::data::{Samples, Split};
use crate::engine::Engine;
use crate::error::Result;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// Something that answers samples. The errors are the engine's.
#[allow(async_fn_in_trait)] // As `Engine`.
pub trait Model {
    /// Gives it the samples of a split, in the place of those that it had.
    ///
    /// # Errors
    /// As [`Engine::load`].
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()>;

    /// The logits of each sample, `[samples, outputs]`.
    ///
    /// # Errors
    /// As [`Engine::logits`].
    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor>;

    /// Loss and hits; nothing where they are to be computed from the logits.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Option<Sums>>;
}

impl<E: Engine> Model for E {
    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        Engine::load(self, split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        Engine::logits(self, split, samples).await
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Option<Sums>> {
        Engine::evaluate(self, split, samples).await.map(Some)
    }
}
