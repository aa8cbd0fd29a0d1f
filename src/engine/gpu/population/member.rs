//! One network of a population, as an engine.

use futures_intrusive::channel::shared::oneshot_channel;

use super::group::{OwnedIndex, StepRequest};
use super::scheduler::{Population, received};
use crate::data::{Samples, Split};
use crate::engine::contract::{Engine, EngineInfo};
use crate::engine::gpu::residency::Residency;
use crate::error::{Error, Result};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// One network among others that train at the same time. [`train`](Engine::train) waits for the others; else it is an engine like
/// any other, for whole steps. It has the samples that the others have.
pub struct Member {
    population: Population,
    network: OwnedIndex,
    options: StepOptions,
}

impl Member {
    /// A network with all parameters zero, beside those of the same shape, batch size and kind of step. Waits until the adapter has
    /// room for it.
    ///
    /// # Errors
    /// As [`GpuEngine::new`](crate::engine::GpuEngine::new).
    pub async fn open(
        population: &Population,
        spec: &MlpSpec,
        options: StepOptions,
        residency: Residency,
    ) -> Result<Self> {
        let network = population.open(spec, options, residency).await?;
        Ok(Self { population: population.clone(), network, options })
    }

    fn index(&self) -> usize {
        self.network.index as usize
    }

    fn halves(&self) -> Error {
        Error::usage(
            "a network of a population takes whole steps, and its gradient does not leave the device",
        )
    }
}

impl Engine for Member {
    fn info(&self) -> EngineInfo {
        EngineInfo::of(self.population.gpu())
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        let mut scheduler = self.population.scheduler().lock().await;
        scheduler.group(self.network.group)?.load(split, samples).await
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        if samples.is_empty() {
            return Ok(0);
        }
        let (answer, answered) = oneshot_channel();
        let samples = StepRequest::samples_of(samples, self.options.batch_size);
        let request = StepRequest { group: self.network.group, index: self.network.index, samples, answer };
        self.population.scheduler().lock().await.request(request).await;
        received(answered).await
    }

    async fn gradients(&mut self, _samples: &[u32]) -> Result<Parameters> {
        Err(self.halves())
    }

    async fn advance(&mut self, _gradient: &Parameters) -> Result<()> {
        Err(self.halves())
    }

    async fn sums(&mut self) -> Result<Sums> {
        let mut scheduler = self.population.scheduler().lock().await;
        let (group, index) = (scheduler.group(self.network.group)?, self.index());
        group.core.sums(index, group.members[index].samples).await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        let mut scheduler = self.population.scheduler().lock().await;
        let (group, index) = (scheduler.group(self.network.group)?, self.index());
        group.core.set_sums(index, sums);
        group.members[index].samples = sums.samples;
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let mut scheduler = self.population.scheduler().lock().await;
        scheduler.group(self.network.group)?.core.evaluate(self.index(), split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let mut scheduler = self.population.scheduler().lock().await;
        scheduler.group(self.network.group)?.core.logits(self.index(), split, samples).await
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        let mut scheduler = self.population.scheduler().lock().await;
        scheduler.group(self.network.group)?.core.network.parameters(self.index()).await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        let mut scheduler = self.population.scheduler().lock().await;
        let (group, index) = (scheduler.group(self.network.group)?, self.index());
        let steps = group.members[index].steps;
        Ok(OptimizerState { steps, moments: group.core.network.moments(index).await? })
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        let mut scheduler = self.population.scheduler().lock().await;
        let (group, index) = (scheduler.group(self.network.group)?, self.index());
        group.core.set(index, parameters, optimizer, self.options.moments())?;
        group.members[index].steps = optimizer.map_or(0, |state| state.steps);
        Ok(())
    }
}
