//! What every engine does, and what it says of itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Samples, Split};
use crate::error::{Error, Result};
use crate::network::{OptimizerState, Parameters};
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// What computes, for people and for the `start` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `vulkan`, `metal`, `dx12`, `gl` or `cpu`.
    pub backend: String,
    /// The adapter's name, or the CPU's threads.
    pub adapter: String,
    /// As [`DeviceType`](crate::gpu::adapter::DeviceType) spells it.
    pub device_type: String,
}

/// A network, its optimiser and a data set, on the device that computes.
///
/// Everything is asynchronous, since a device may have to be waited for. The same calls with the same arguments give
/// the same bits on the same device.
#[allow(async_fn_in_trait)] // Engines are used by generic code in one thread; nobody needs the futures to be Send.
pub trait Engine {
    /// What computes.
    fn info(&self) -> EngineInfo;

    /// Trains on the first of these samples of the training split, batch by batch, and says how many it took: as many
    /// whole batches as make a piece of work short enough to be interrupted, or all that are left.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    async fn train(&mut self, samples: &[u32]) -> Result<usize>;

    /// Loss and hits of the samples trained on since [`set_sums`](Self::set_sums).
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn sums(&mut self) -> Result<Sums>;

    /// Starts an epoch (with [`Sums::default`]), or goes on with one that was interrupted.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn set_sums(&mut self, sums: &Sums) -> Result<()>;

    /// Loss and hits of the network as it is.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums>;

    /// The logits of each sample, `[samples, classes]`.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor>;

    /// Replaces the samples of the test split by others of the same width and format: for what comes piece by piece.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are of another kind.
    async fn set_test(&mut self, samples: Samples) -> Result<()>;

    /// The weights and biases.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn parameters(&mut self) -> Result<Parameters>;

    /// What the optimiser remembers.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    async fn optimizer_state(&mut self) -> Result<OptimizerState>;

    /// Replaces weights and biases, and what the optimiser remembers: if `None`, nothing, as before the first step.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are of another network, or of another optimiser.
    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()>;
}

/// Puts samples in the place of the test split's, if they are of the same kind.
pub(super) fn replace_test(dataset: &mut Arc<Dataset>, samples: Samples) -> Result<()> {
    let kind = |samples: &Samples| (samples.features(), samples.format());
    if kind(&samples) != kind(&dataset.test) {
        return Err(Error::shape("samples to test on", kind(&dataset.test), kind(&samples)));
    }
    Arc::make_mut(dataset).test = samples;
    Ok(())
}
