//! The engine: one network on a GPU.

use super::core::{Core, source, staged};
use super::flight::{Clock, Submissions};
use super::halves::Halves;
use super::network::Network;
use super::residency::Residency;
use super::stage::Stage;
use super::step_members::StepMembers;
use crate::data::{Samples, Split};
use crate::engine::contract::{Engine, EngineInfo, check_batch};
use crate::error::Result;
use crate::gpu::{Gpu, Launch};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// A network in device memory.
pub struct GpuEngine {
    core: Core,
    /// The network alone.
    members: StepMembers,
    /// For the halves of a step, if they were asked for.
    halves: Option<Halves>,
    /// Samples in the sums.
    samples: u64,
    /// Steps taken since the run began.
    steps: u64,
}

impl GpuEngine {
    /// A network of the spec's sizes with all parameters zero, and no samples: [`load`](Engine::load) makes room for
    /// those, and compiles the kernels for good.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the adapter has no room for the network;
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub async fn new(gpu: Gpu, spec: &MlpSpec, options: StepOptions, residency: Residency) -> Result<Self> {
        let core = Core::new(gpu, spec, &options, residency, 1).await?;
        Ok(Self { core, members: StepMembers::new([(0, options)]), halves: None, samples: 0, steps: 0 })
    }

    fn options(&self) -> &StepOptions {
        &self.members.options[0]
    }

    /// What has been submitted so far.
    pub fn submissions(&self) -> Submissions {
        self.core.flight.so_far()
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.core.network.gpu
    }

    /// How many products of a step have operands rounded to f16, and how many there are.
    pub fn in_f16(&self) -> [usize; 2] {
        self.core.network.in_f16(self.options().batch_size)
    }

    /// Steps that one launch takes at most, of a network small enough for several.
    pub fn steps_of_launch(&self) -> Option<usize> {
        self.core.network.steps_of_launch()
    }

    /// Takes a submission to last as long as the clock says of its cost, and not what it really lasts: a test sees so
    /// what happens on a slow adapter.
    pub fn pace_by(&mut self, clock: Clock) {
        self.core.flight.set_clock(clock);
    }

    /// What [`train`](Engine::train) launches for so many whole batches, no more than one submission takes: the gather of all
    /// their samples, then each batch's step, or all steps at once. The samples are those of the call before. Nothing if it
    /// has none to train on.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if there are no steps.
    pub fn launches(&mut self, steps: usize) -> Result<Vec<Launch>> {
        let Core { network, stage, batch_size, .. } = &mut self.core;
        let Some((training, source)) = stage.as_mut().and_then(Stage::trained) else {
            return Ok(Vec::new());
        };
        let steps = steps.min(training.slots());
        let gather = source.gather(steps * training.slot_rows);
        let members = (&self.members, &[self.steps][..]);
        let steps = training.launches(network, source, members, steps * *batch_size)?;
        Ok(std::iter::once(gather).chain(steps.into_iter().cloned()).collect())
    }
}

/// The halves, made if they are not there.
async fn made<'a>(
    halves: &'a mut Option<Halves>,
    network: &Network,
    members: &StepMembers,
) -> Result<&'a Halves> {
    match halves {
        Some(halves) => Ok(halves),
        None => Ok(halves.insert(Halves::new(network, members).await?)),
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> EngineInfo {
        EngineInfo::of(self.gpu())
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.core.load(split, samples, &self.members).await
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let taken = self.core.train(&self.members, &[self.steps], &[samples]).await?;
        self.samples += taken as u64;
        self.steps += taken.div_ceil(self.core.batch_size) as u64;
        Ok(taken)
    }

    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        let Core { network, given, stage, flight, batch_size, .. } = &mut self.core;
        check_batch(samples, *batch_size)?;
        let (all, members) = (given.of(Split::Train)?, &self.members);
        let halves = made(&mut self.halves, network, members).await?;
        let Stage { training, sources, .. } = staged(stage)?;
        let (gpu, source) = (&network.gpu, source(sources, Split::Train)?);
        flight.make_room(gpu).await?;
        let chunk = source.chunk(all, samples, &[])?;
        let order = training.order(&chunk, &members.networks, samples.len());
        if network.reads_steps() {
            training.write_steps(gpu, members, &[self.steps], 1);
        }
        let launches = training.gradient(network, source, (members, samples.len()), &halves.gradients)?;
        flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await?;
        self.samples += samples.len() as u64;
        halves.read(gpu).await
    }

    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        let Core { spec, network, flight, blank, .. } = &mut self.core;
        gradient.check(spec)?;
        let (gpu, members) = (&network.gpu, &self.members);
        let halves = made(&mut self.halves, network, members).await?;
        flight.make_room(gpu).await?;
        *blank = false;
        let launches = halves.write(gpu, gradient, &members.options[0].step(self.steps))?;
        flight.submit(gpu, &launches, |first| gpu.submit(first.iter().copied())).await?;
        self.steps += 1;
        Ok(())
    }

    async fn sums(&mut self) -> Result<Sums> {
        self.core.sums(0, self.samples).await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.core.set_sums(0, sums);
        self.samples = sums.samples;
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        self.core.evaluate(0, split, samples).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.core.logits(0, split, samples).await
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        self.core.network.parameters(0).await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        Ok(OptimizerState { steps: self.steps, moments: self.core.network.moments(0).await? })
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        self.core.set(0, parameters, optimizer, self.options().moments())?;
        self.steps = optimizer.map_or(0, |state| state.steps);
        Ok(())
    }
}
