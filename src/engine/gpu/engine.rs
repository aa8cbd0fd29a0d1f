//! The engine: which launches are submitted, in which order, and what comes back.

use super::flight::{Clock, Flight, Submissions};
use super::halves::Halves;
use super::network::Network;
use super::residency::Residency;
use super::source::Source;
use super::stage::{Room, Stage};
use crate::data::{Samples, Split};
use crate::engine::contract::{Engine, EngineInfo, Given, check_batch};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{Kernels, Sum};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// A network in device memory.
pub struct GpuEngine {
    spec: MlpSpec,
    options: StepOptions,
    residency: Residency,
    network: Network,
    given: Given,
    /// For the samples that it was given, if it was given any.
    stage: Option<Stage>,
    /// For the halves of a step, if they were asked for.
    halves: Option<Halves>,
    flight: Flight,
    progress: Progress,
    /// Whether no parameter can be anything but zero yet.
    blank: bool,
}

/// What was trained on.
struct Progress {
    /// Partial sums of loss and hits.
    sums: Buffer,
    /// In the sums.
    samples: u64,
    /// Taken since the run began.
    steps: u64,
}

impl GpuEngine {
    /// A network of the spec's sizes with all parameters zero, and no samples: [`load`](Engine::load) makes room for
    /// those, and compiles the kernels for good.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the adapter has no room for the network; [`Error::Device`] if the device fails.
    pub async fn new(gpu: Gpu, spec: &MlpSpec, options: StepOptions, residency: Residency) -> Result<Self> {
        let kernels = Kernels::new(&gpu).await?;
        let network = Network::new(gpu.clone(), kernels, spec, &options).await?;
        let sums = vec![Sum::default(); network.sums(options.batch_size)];
        Ok(Self {
            spec: spec.clone(),
            options,
            residency,
            network,
            given: Given::default(),
            stage: None,
            halves: None,
            flight: Flight::new(),
            progress: Progress { sums: gpu.upload("sums", &sums)?, samples: 0, steps: 0 },
            blank: true,
        })
    }

    /// What has been submitted so far.
    pub fn submissions(&self) -> Submissions {
        self.flight.so_far()
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.network.gpu
    }

    /// How many products of a step have operands rounded to f16, and how many there are.
    pub fn in_f16(&self) -> [usize; 2] {
        self.network.in_f16(self.options.batch_size)
    }

    /// Steps that one launch takes at most, of a network small enough for several.
    pub fn steps_of_launch(&self) -> Option<usize> {
        self.network.steps_of_launch()
    }

    /// Takes a submission to last as long as the clock says of its cost, and not what it really lasts: a test sees so
    /// what happens on a slow adapter.
    pub fn pace_by(&mut self, clock: Clock) {
        self.flight.set_clock(clock);
    }

    /// Runs samples forward, up to as many as an evaluation takes at once.
    async fn evaluate_piece(&mut self, split: Split, piece: &[u32], next: &[u32]) -> Result<()> {
        let samples = self.given.of(split)?;
        let Stage { evaluation, sources, .. } = staged(&mut self.stage)?;
        let (gpu, source) = (&self.network.gpu, source(sources, split)?);
        self.flight.make_room(gpu).await?;
        let chunk = source.chunk(samples, piece, next)?;
        let order = evaluation.order_of(&chunk);
        let measure = evaluation.measure(&self.network, &source.targets)?;
        let launches: Vec<&Launch> = evaluation.launches.iter().chain([&measure]).collect();
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await
    }

    /// What [`train`](Engine::train) launches for so many whole batches, no more than one submission takes: the gather of all
    /// their samples, then each batch's step, or all steps at once. The samples are those of the call before. Nothing if it
    /// has none to train on.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are no steps.
    pub fn launches(&self, steps: usize) -> Result<Vec<Launch>> {
        let Some((training, source)) = self.stage.as_ref().and_then(Stage::trained) else {
            return Ok(Vec::new());
        };
        let gather = source.gather(steps.min(training.slots()) * training.slot_rows);
        let steps = training.whole_steps(&self.network.gpu, (&self.options, self.progress.steps), steps)?;
        Ok(std::iter::once(gather).chain(steps).collect())
    }

    /// Makes room for the samples that it was given, and puts those of a split there.
    async fn place(&mut self, split: Split) -> Result<()> {
        let format = self.given.of(split)?.format();
        // Nothing under way may still need what is replaced.
        self.flight.land(&self.network.gpu).await?;
        let (network, batch_size) = (&self.network, self.options.batch_size);
        let room = Room::of(network, &self.spec, batch_size, &self.given, format);
        if let Some(stage) = self.stage.as_mut().filter(|stage| stage.room.holds(&room)) {
            stage.put(network, split, self.given.of(split)?, self.residency).await?;
            return self.warm_up(split == Split::Train).await;
        }
        self.stage = None;
        let mut stage = Stage::new(network, &self.spec, batch_size, room, &self.progress.sums)?;
        for split in Split::ALL.into_iter().filter(|&split| self.given.count(split) > 0) {
            stage.put(network, split, self.given.of(split)?, self.residency).await?;
        }
        self.stage = Some(stage);
        self.warm_up(true).await
    }

    /// Runs every launch of a step and of an evaluation once, if they are `new`. But a step on padding leaves parameters
    /// as they are only while they are zero: weight decay moves others.
    async fn warm_up(&self, new: bool) -> Result<()> {
        let stage = self.stage.as_ref().filter(|_| new && self.blank);
        let Some(Stage { training, evaluation, sources, .. }) = stage else { return Ok(()) };
        let gpu = &self.network.gpu;
        let step = training.whole_steps(gpu, (&self.options, 0), 1)?;
        let gather = sources.iter().flatten().next().map(|source| source.gather(1));
        gpu.warm_up(gather.iter().chain(&step).chain(&evaluation.launches)).await
    }
}

/// The halves, made if they are not there.
async fn made<'a>(halves: &'a mut Option<Halves>, network: &Network) -> Result<&'a Halves> {
    match halves {
        Some(halves) => Ok(halves),
        None => Ok(halves.insert(Halves::new(network).await?)),
    }
}

/// The stage, of an engine that has samples.
fn staged(stage: &mut Option<Stage>) -> Result<&mut Stage> {
    stage.as_mut().ok_or_else(|| Error::Internal("samples without room for them".into()))
}

/// The samples of a split on the device, of an engine that has them.
fn source(sources: &mut [Option<Source>; Split::ALL.len()], split: Split) -> Result<&mut Source> {
    sources[split as usize].as_mut().ok_or_else(|| Error::Internal("samples that are nowhere".into()))
}

impl Engine for GpuEngine {
    fn info(&self) -> EngineInfo {
        EngineInfo::of(&self.network.gpu)
    }

    async fn load(&mut self, split: Split, samples: Samples) -> Result<()> {
        self.given.put(&self.spec, split, samples)?;
        let placed = self.place(split).await;
        if placed.is_err() {
            (self.given, self.stage) = (Given::default(), None);
        }
        placed
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let (network, all, batch_size) =
            (&self.network, self.given.of(Split::Train)?, self.options.batch_size);
        let Stage { training, sources, .. } = staged(&mut self.stage)?;
        let (gpu, source) = (&network.gpu, source(sources, Split::Train)?);
        self.flight.make_room(gpu).await?;
        self.blank = false;
        let taken = training.taken(self.flight.steps(training.cost()), samples.len());
        let (now, rest) = samples.split_at(taken);
        let chunk = source.chunk(all, now, &rest[..taken.min(rest.len())])?;
        let order = training.order(&chunk, batch_size);
        let launches = training.launches(network, source, (&self.options, self.progress.steps), taken)?;
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await?;
        self.progress.samples += taken as u64;
        self.progress.steps += taken.div_ceil(batch_size) as u64;
        Ok(taken)
    }

    async fn gradients(&mut self, samples: &[u32]) -> Result<Parameters> {
        check_batch(samples, self.options.batch_size)?;
        let (network, all) = (&self.network, self.given.of(Split::Train)?);
        let halves = made(&mut self.halves, network).await?;
        let Stage { training, sources, .. } = staged(&mut self.stage)?;
        let (gpu, source) = (&network.gpu, source(sources, Split::Train)?);
        self.flight.make_room(gpu).await?;
        let chunk = source.chunk(all, samples, &[])?;
        let order = training.order(&chunk, self.options.batch_size);
        if network.reads_steps() {
            training.write_steps(gpu, &self.options, self.progress.steps, 1);
        }
        let launches = training.gradient(network, source, samples.len(), &halves.gradients)?;
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await?;
        self.progress.samples += samples.len() as u64;
        halves.read(gpu).await
    }

    async fn advance(&mut self, gradient: &Parameters) -> Result<()> {
        gradient.check(&self.spec)?;
        let gpu = &self.network.gpu;
        let halves = made(&mut self.halves, &self.network).await?;
        self.flight.make_room(gpu).await?;
        self.blank = false;
        let launches = halves.write(gpu, gradient, &self.options.step(self.progress.steps))?;
        self.flight.submit(gpu, &launches, |first| gpu.submit(first.iter().copied())).await?;
        self.progress.steps += 1;
        Ok(())
    }

    async fn sums(&mut self) -> Result<Sums> {
        let gpu = &self.network.gpu;
        self.flight.land(gpu).await?;
        if log::log_enabled!(log::Level::Debug) {
            let allocated = gpu.allocated().map_or("unknown".into(), |bytes| bytes.to_string());
            log::debug!("{}; bytes on the device: {allocated}", self.flight.so_far());
        }
        read_sums(gpu, &self.progress.sums, self.progress.samples).await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        let count = self.network.sums(self.options.batch_size);
        let mut partial = vec![Sum::default(); count];
        for (index, &loss) in sums.loss.iter().enumerate() {
            // What this engine summed was f32 to begin with, so that nothing is rounded on the way back. Another may have had
            // more sums.
            partial[index % count].loss += loss as f32;
        }
        partial[0].hits = sums.hits as u32;
        self.network.gpu.write(&self.progress.sums, 0, &partial);
        self.progress.samples = sums.samples;
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        self.given.of(split)?;
        let (gpu, Stage { evaluation, .. }) = (self.network.gpu.clone(), staged(&mut self.stage)?);
        let (sums, rows) = (evaluation.sums.clone(), evaluation.rows);
        gpu.write(&sums, 0, &vec![Sum::default(); sums.size() as usize / size_of::<Sum>()]);
        let mut pieces = samples.chunks(rows).peekable();
        while let Some(piece) = pieces.next() {
            self.evaluate_piece(split, piece, pieces.peek().copied().unwrap_or_default()).await?;
        }
        self.flight.land(&gpu).await?;
        read_sums(&gpu, &sums, samples.len() as u64).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        self.given.of(split)?;
        let (gpu, Stage { evaluation, .. }) = (self.network.gpu.clone(), staged(&mut self.stage)?);
        let (matrix, rows) = (evaluation.logits.clone(), evaluation.rows);
        let mut all = Vec::with_capacity(samples.len() * self.spec.classes());
        let mut pieces = samples.chunks(rows).peekable();
        while let Some(piece) = pieces.next() {
            self.evaluate_piece(split, piece, pieces.peek().copied().unwrap_or_default()).await?;
            let logits = matrix.layout.unpack(&matrix.read(&gpu).await?);
            all.extend_from_slice(&logits[..piece.len() * self.spec.classes()]);
        }
        Tensor::new([samples.len(), self.spec.classes()], all)
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        self.network.parameters().await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        Ok(OptimizerState { steps: self.progress.steps, moments: self.network.moments().await? })
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        optimizer: Option<&OptimizerState>,
    ) -> Result<()> {
        parameters.check(&self.spec)?;
        if let Some(state) = optimizer {
            state.check(&self.spec, self.options.moments())?;
        }
        self.blank = false;
        self.progress.steps = optimizer.map_or(0, |state| state.steps);
        self.network.set(parameters, optimizer)
    }
}

async fn read_sums(gpu: &Gpu, sums: &Buffer, samples: u64) -> Result<Sums> {
    let partial: Vec<Sum> = gpu.read(sums, sums.size() as usize / size_of::<Sum>()).await?;
    Ok(Sums {
        loss: partial.iter().map(|sum| f64::from(sum.loss)).collect(),
        hits: partial.iter().map(|sum| u64::from(sum.hits)).sum(),
        samples,
    })
}
