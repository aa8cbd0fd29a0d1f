//! Training on a GPU: a step is a list of launches, built once and replayed, many steps to a submission.
//!
//! The samples of several batches, a *chunk*, are gathered by one launch into slots, one batch each; then each slot's
//! step runs: forward through all layers, loss, backward through all layers, update of all layers. Only the order of
//! the samples comes from the host (and the images, if they are streamed); nothing comes back but the sums, once an
//! epoch.

mod flight;
mod network;
mod pace;
mod replay;
mod rows;
mod source;

use std::sync::Arc;

pub use self::flight::Submissions;
use self::flight::{Clock, Flight};
use self::network::{Batch, Network, Outputs};
pub use self::pace::Pace;
use self::rows::{ALIGNED_ROWS, evaluation_rows};
use self::source::Source;
use super::{Engine, EngineInfo, replace_test};
use crate::data::{Chunk, Dataset, Format, Samples, Split};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{Kernels, Layout, Matrix, Sample, Sum};
use crate::network::{MlpSpec, OptimizerState, Parameters};
use crate::step::StepOptions;
use crate::step::metrics::Sums;
use crate::step::optimizer::Step;
use crate::tensor::Tensor;

/// The slots' inputs take no more device memory than this, unless one batch alone does.
const CHUNK_BYTES: usize = 32 << 20;

/// Steps in a chunk at most.
const MAX_SLOTS: usize = 64;

/// Where the images are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Residency {
    /// On the device, if the adapter's limits allow it, and not if they are left on the disk for want of memory and the
    /// device has none but the host's; else streamed.
    #[default]
    WhereTheyFit,
    /// On the host, in memory or on the disk: each chunk's pass through staging buffers while the device works on the
    /// one before.
    Streamed,
}

/// A network in device memory.
pub struct GpuEngine {
    spec: MlpSpec,
    options: StepOptions,
    dataset: Arc<Dataset>,
    network: Network,
    training: Training,
    evaluation: Evaluation,
    train_source: Source,
    test_source: Source,
    flight: Flight,
}

/// The slots of a chunk, and the sums of what they trained on.
struct Training {
    x: Matrix,
    order: Buffer,
    batch: usize,
    slot_rows: usize,
    z: Outputs,
    dz: Outputs,
    /// If the network has slopes.
    slopes: Option<Outputs>,
    /// The numbers of each slot's step, in a row each.
    steps: Buffer,
    sums: Buffer,
    samples: u64,
    /// Taken since the run began.
    steps_done: u64,
    /// The launches of each slot's step.
    slots: Vec<Vec<Launch>>,
    /// The launches of a step with fewer samples than a batch has, in the first slot, and how many those are.
    short: Option<(usize, Vec<Launch>)>,
}

/// A forward pass without a step.
struct Evaluation {
    rows: usize,
    logits: Matrix,
    sums: Buffer,
    launches: Vec<Launch>,
}

impl GpuEngine {
    /// A network of the spec's sizes with all parameters zero; makes all buffers, and compiles the kernels for good.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the adapter's limits are too small for a batch;
    /// [`Error::Device`](crate::Error::Device) if the device fails.
    pub async fn new(
        gpu: Gpu,
        spec: &MlpSpec,
        dataset: Arc<Dataset>,
        options: StepOptions,
        residency: Residency,
    ) -> Result<Self> {
        let kernels = Kernels::new(&gpu).await?;
        let network = Network::new(gpu.clone(), kernels, spec, &options).await?;
        let largest = dataset.train.len().max(dataset.test.len());
        let batches = dataset.train.len().div_ceil(options.batch_size);
        let layout = match dataset.train.format() {
            Format::Bytes => Layout::images,
            Format::Floats => Layout::activations,
        };
        let evaluation_rows = evaluation_rows(&gpu, spec, layout, largest);
        let mut training = Training::new(&network, spec, &options, batches, evaluation_rows, layout)?;
        let end = (&training.x, spec);
        let source = |samples| Source::new(&gpu, &network.kernels, samples, residency, &training.order, end);
        let (train_source, test_source) = (source(&dataset.train).await?, source(&dataset.test).await?);
        let evaluation = Evaluation::new(&network, spec, &training, evaluation_rows)?;
        training.prepare(&network, &train_source)?;
        // A step on padding, with weights of zero, leaves all as it is.
        training.write_steps(&gpu, &options, 1);
        let (gather, step) = (train_source.gather(1), training.slots[0].iter());
        gpu.warm_up([&gather].into_iter().chain(step).chain(&evaluation.launches)).await?;
        Ok(Self {
            spec: spec.clone(),
            options,
            network,
            training,
            evaluation,
            train_source,
            test_source,
            dataset,
            flight: Flight::new(),
        })
    }

    /// What has been submitted so far.
    pub fn submissions(&self) -> Submissions {
        self.flight.so_far()
    }

    /// Paces itself as on an adapter on which a submission takes as long as this says of its cost: what a slow one does.
    pub fn pace_by(&mut self, clock: Clock) {
        self.flight.set_clock(clock);
    }

    /// Runs samples forward, up to as many as an evaluation takes at once.
    async fn evaluate_piece(&mut self, split: Split, piece: &[u32], next: &[u32]) -> Result<()> {
        let (samples, source) = match split {
            Split::Train => (&self.dataset.train, &mut self.train_source),
            Split::Test => (&self.dataset.test, &mut self.test_source),
        };
        let gpu = &self.network.gpu;
        self.flight.make_room(gpu).await?;
        let chunk = source.chunk(samples, piece, next)?;
        let mut order = vec![Sample::PADDING; self.evaluation.rows];
        for (row, &sample) in order.iter_mut().zip(chunk.indices()) {
            let label = chunk.labels()[sample as usize];
            *row = Sample { sample, label, weight: 1.0, unused: 0 };
        }
        let Evaluation { logits, sums, .. } = &self.evaluation;
        let order_of = self.training.order.slice(0, (self.evaluation.rows * size_of::<Sample>()) as u64);
        let measure = self.network.measure(logits, order_of, &source.targets, sums)?;
        let launches: Vec<&Launch> = self.evaluation.launches.iter().chain([&measure]).collect();
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await
    }
}

impl Training {
    fn new(
        network: &Network,
        spec: &MlpSpec,
        options: &StepOptions,
        batches: usize,
        evaluation_rows: usize,
        layout: fn(usize, usize) -> Layout,
    ) -> Result<Self> {
        let (gpu, batch) = (&network.gpu, options.batch_size);
        let slot_rows = batch.next_multiple_of(ALIGNED_ROWS);
        let slot_bytes = layout(slot_rows, spec.inputs()).size() as usize;
        let chunk_bytes = CHUNK_BYTES.min(gpu.max_binding_size() as usize);
        let slots = (chunk_bytes / slot_bytes).min(batches).clamp(1, MAX_SLOTS);
        let rows = (slots * slot_rows).max(evaluation_rows);
        let [z, dz] = Outputs::for_training(network, spec, batch)?;
        Ok(Self {
            x: Matrix::zeros(gpu, "x", layout(rows, spec.inputs()))?,
            order: gpu.upload("order", &vec![Sample::PADDING; rows])?,
            batch,
            slot_rows,
            z,
            dz,
            slopes: match network.has_slopes() {
                true => Some(Outputs::new(gpu, "slope", spec, batch)?),
                false => None,
            },
            steps: gpu.rows("steps", slots),
            sums: gpu.upload("sums", &vec![Sum::default(); network.sums(batch)])?,
            samples: 0,
            steps_done: 0,
            slots: vec![Vec::new(); slots],
            short: None,
        })
    }

    /// Makes the launches of each slot's step.
    fn prepare(&mut self, network: &Network, source: &Source) -> Result<()> {
        let batch = self.batch;
        let step = |slot| self.step(network, source, slot, batch);
        self.slots = (0..self.slots.len()).map(step).collect::<Result<_>>()?;
        Ok(())
    }

    /// The launches that train on the first `rows` rows of a slot.
    fn step(&self, network: &Network, source: &Source, slot: usize, rows: usize) -> Result<Vec<Launch>> {
        let row = slot * self.slot_rows;
        let x = self.x.rows(row, rows);
        let sample = size_of::<Sample>();
        let order = self.order.slice((row * sample) as u64, (rows.next_multiple_of(4) * sample) as u64);
        network.step(&Batch {
            x: &x,
            z: &self.z.of(rows),
            dz: &self.dz.of(rows),
            slopes: &self.slopes.as_ref().map_or(Vec::new(), |slopes| slopes.of(rows)),
            order,
            targets: &source.targets,
            sums: &self.sums,
            step: self.steps.slice(slot as u64 * Gpu::ROW, size_of::<Step>() as u64),
        })
    }

    /// Writes the numbers of the next steps, one a slot.
    fn write_steps(&self, gpu: &Gpu, options: &StepOptions, count: usize) {
        let mut rows = vec![0_u32; count * Gpu::ROW as usize / size_of::<u32>()];
        for (row, number) in rows.chunks_mut(Gpu::ROW as usize / size_of::<u32>()).zip(self.steps_done..) {
            let step = options.step(number);
            let words: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&step));
            row[..words.len()].copy_from_slice(words);
        }
        gpu.write(&self.steps, 0, &rows);
    }

    /// The order of whole batches, each padded to a slot's rows.
    fn order(&self, chunk: &Chunk<'_>, batch_size: usize) -> Vec<Sample> {
        let (labels, samples) = (chunk.labels(), chunk.indices());
        let mut order = vec![Sample::PADDING; samples.len().div_ceil(batch_size) * self.slot_rows];
        for (slot, batch) in order.chunks_mut(self.slot_rows).zip(samples.chunks(batch_size)) {
            let scale = chunk.scale(batch);
            for (row, &sample) in slot.iter_mut().zip(batch) {
                let weight = chunk.weight(sample) * scale;
                *row = Sample { sample, label: labels[sample as usize], weight, unused: 0 };
            }
        }
        order
    }
}

impl Evaluation {
    fn new(network: &Network, spec: &MlpSpec, training: &Training, rows: usize) -> Result<Self> {
        let gpu = &network.gpu;
        let z = Outputs::new(gpu, "evaluation z", spec, rows)?.of(rows);
        let launches = network.forward(&training.x.rows(0, rows), &z)?;
        let sums = gpu.upload("evaluation sums", &vec![Sum::default(); network.evaluation_sums(rows)])?;
        let logits = z[z.len() - 1].clone();
        Ok(Self { rows, logits, sums, launches })
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> EngineInfo {
        EngineInfo::of(&self.network.gpu)
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let (network, training) = (&self.network, &mut self.training);
        let batch_size = self.options.batch_size;
        self.flight.make_room(&network.gpu).await?;
        let most = training.slots.len().min(samples.len() / batch_size);
        let steps = self.flight.steps(Pace::cost(&training.slots[0])).min(most);
        let taken = if steps == 0 { samples.len() } else { steps * batch_size };
        let (now, rest) = samples.split_at(taken);
        let chunk = self.train_source.chunk(&self.dataset.train, now, &rest[..taken.min(rest.len())])?;
        let order = training.order(&chunk, batch_size);
        if steps == 0 && training.short.as_ref().is_none_or(|(rows, _)| *rows != taken) {
            training.short = Some((taken, training.step(network, &self.train_source, 0, taken)?));
        }
        let short = training.short.iter().filter(|_| steps == 0).map(|(_, launches)| launches);
        let launches: Vec<&Launch> = training.slots[..steps].iter().chain(short).flatten().collect();
        if network.reads_steps() {
            training.write_steps(&network.gpu, &self.options, steps.max(1));
        }
        let (gpu, source) = (&network.gpu, &mut self.train_source);
        self.flight.submit(gpu, &launches, |first| source.submit(gpu, &chunk, order, first)).await?;
        training.samples += taken as u64;
        training.steps_done += steps.max(1) as u64;
        Ok(taken)
    }

    async fn sums(&mut self) -> Result<Sums> {
        let gpu = &self.network.gpu;
        self.flight.land(gpu).await?;
        if log::log_enabled!(log::Level::Debug) {
            let allocated = gpu.allocated().map_or("unknown".into(), |bytes| bytes.to_string());
            log::debug!("{}; bytes on the device: {allocated}", self.flight.so_far());
        }
        read_sums(gpu, &self.training.sums, self.training.samples).await
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        let count = self.network.sums(self.options.batch_size);
        let mut partial = vec![Sum::default(); count];
        for (partial, &loss) in partial.iter_mut().zip(&sums.loss) {
            // What this engine summed was f32 to begin with, so that nothing is rounded on the way back.
            partial.loss = loss as f32;
        }
        partial[0].hits = sums.hits as u32;
        self.network.gpu.write(&self.training.sums, 0, &partial);
        self.training.samples = sums.samples;
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let gpu = self.network.gpu.clone();
        let count = self.evaluation.sums.size() as usize / size_of::<Sum>();
        gpu.write(&self.evaluation.sums, 0, &vec![Sum::default(); count]);
        let mut pieces = samples.chunks(self.evaluation.rows).peekable();
        while let Some(piece) = pieces.next() {
            self.evaluate_piece(split, piece, pieces.peek().copied().unwrap_or_default()).await?;
        }
        self.flight.land(&gpu).await?;
        read_sums(&gpu, &self.evaluation.sums, samples.len() as u64).await
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let mut all = Vec::with_capacity(samples.len() * self.spec.classes());
        let mut pieces = samples.chunks(self.evaluation.rows).peekable();
        while let Some(piece) = pieces.next() {
            self.evaluate_piece(split, piece, pieces.peek().copied().unwrap_or_default()).await?;
            let packed = self.evaluation.logits.read(&self.network.gpu).await?;
            let logits = self.evaluation.logits.layout.unpack(&packed);
            all.extend_from_slice(&logits[..piece.len() * self.spec.classes()]);
        }
        Tensor::new([samples.len(), self.spec.classes()], all)
    }

    async fn set_test(&mut self, samples: Samples) -> Result<()> {
        replace_test(&mut self.dataset, samples)?;
        if !self.test_source.starts_again() {
            let (Network { gpu, kernels, .. }, Training { order, x, .. }) = (&self.network, &self.training);
            let (samples, end) = (&self.dataset.test, (x, &self.spec));
            self.test_source = Source::new(gpu, kernels, samples, Residency::Streamed, order, end).await?;
        }
        Ok(())
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        self.network.parameters().await
    }

    async fn optimizer_state(&mut self) -> Result<OptimizerState> {
        Ok(OptimizerState { steps: self.training.steps_done, moments: self.network.moments().await? })
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
        self.training.steps_done = optimizer.map_or(0, |state| state.steps);
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
