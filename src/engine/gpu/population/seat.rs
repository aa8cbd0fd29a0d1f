//! One network of a population, as an engine.

use futures_intrusive::channel::shared::oneshot_channel;

use super::crowd::{Crowd, received};
use super::group::{Place, StepWish};
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
pub struct Seat {
    crowd: Crowd,
    place: Place,
    options: StepOptions,
}

impl Seat {
    /// A network with all parameters zero, beside those of the same shape, batch size and kind of step. Waits until the adapter has
    /// room for it.
    ///
    /// # Errors
    /// As [`GpuEngine::new`](crate::engine::GpuEngine::new).
    pub async fn open(
        crowd: &Crowd,
        spec: &MlpSpec,
        options: StepOptions,
        residency: Residency,
    ) -> Result<Self> {
        let place = crowd.place(spec, options, residency).await?;
        Ok(Self { crowd: crowd.clone(), place, options })
    }

    fn number(&self) -> usize {
        self.place.number as usize
    }

    fn halves(&self) -> Error {
        Error::usage(
            "a network of a population takes whole steps, and its gradient does not leave the device",
        )
    }
}

impl Engine for Seat {
    fn info(&self) -> EngineInfo {
        EngineInfo::of(self.crowd.gpu())
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        let mut turns = self.crowd.turns().lock().await;
        turns.group(self.place.group)?.load(split, samples).await
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        if samples.is_empty() {
            return Ok(0);
        }
        let (answer, answered) = oneshot_channel();
        let samples = StepWish::samples_of(samples, self.options.batch_size);
        let wish = StepWish { group: self.place.group, seat: self.place.number, samples, answer };
        self.crowd.turns().lock().await.wish(wish).await;
        received(answered).await
    }

    async fn gradients(&mut self, _samples: &[u32]) -> Result<Parameters> {
        Err(self.halves())
    }

    async fn advance(&mut self, _gradient: &Parameters) -> Result<()> {
        Err(self.halves())
    }

    async fn sums(&mut self) -> Result<Sums> {
        let mut turns = self.crowd.turns().lock().await;
        let (group, number) = (turns.group(self.place.group)?, self.number());
        group.core.sums(number, group.seats[number].samples).await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        let mut turns = self.crowd.turns().lock().await;
        let (group, number) = (turns.group(self.place.group)?, self.number());
        group.core.set_sums(number, sums);
        group.seats[number].samples = sums.samples;
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let mut turns = self.crowd.turns().lock().await;
        turns.group(self.place.group)?.core.evaluate(self.number(), split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let mut turns = self.crowd.turns().lock().await;
        turns.group(self.place.group)?.core.logits(self.number(), split, samples).await
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        let mut turns = self.crowd.turns().lock().await;
        turns.group(self.place.group)?.core.network.parameters(self.number()).await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        let mut turns = self.crowd.turns().lock().await;
        let (group, number) = (turns.group(self.place.group)?, self.number());
        let steps = group.seats[number].steps;
        Ok(OptimizerState { steps, moments: group.core.network.moments(number).await? })
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        let mut turns = self.crowd.turns().lock().await;
        let (group, number) = (turns.group(self.place.group)?, self.number());
        group.core.set(number, parameters, optimizer, self.options.moments())?;
        group.seats[number].steps = optimizer.map_or(0, |state| state.steps);
        Ok(())
    }
}
