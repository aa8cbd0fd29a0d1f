//! The slots of a chunk, and the launches of each slot's step.

use super::network::{Batch, Network, Outputs};
use super::pace::Pace;
use super::rows::ALIGNED_ROWS;
use super::source::Source;
use crate::data::{Chunk, Format};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{BoundSteps, Layout, Matrix, Sample};
use crate::network::MlpSpec;
use crate::step::StepOptions;
use crate::step::optimizer::Step;

/// The slots' inputs take no more device memory than this, unless one batch alone does.
const CHUNK_BYTES: usize = 32 << 20;

/// Steps in a chunk at most.
const MAX_SLOTS: usize = 64;

/// The slots of a chunk.
pub(super) struct Training {
    pub x: Matrix,
    pub order: Buffer,
    batch_size: usize,
    pub slot_rows: usize,
    z: Outputs,
    dz: Outputs,
    /// If the network has slopes.
    slopes: Option<Outputs>,
    /// The numbers of each slot's step, in a row each.
    steps: Buffer,
    /// Of what is trained on; not the slots' own.
    sums: Buffer,
    /// The launches of each slot's step; none before [`prepare`](Self::prepare), and where one launch takes all.
    slots: Vec<Vec<Launch>>,
    /// Those of a step with fewer samples than a batch has, in the first slot, and how many those are.
    short: Option<(usize, Vec<Launch>)>,
    /// The steps of all slots, where one launch takes them.
    together: Option<BoundSteps>,
    /// The launch of theirs that was made last.
    launch: Option<Launch>,
    /// Those of the first half of a step alone, and of how many samples.
    first_half: Option<(usize, Vec<Launch>)>,
}

/// How a batch of samples in a format lies in x.
pub(super) fn layout_of(format: Format) -> fn(usize, usize) -> Layout {
    match format {
        Format::Bytes => Layout::images,
        Format::Floats => Layout::activations,
    }
}

/// Slots of a chunk, where an epoch has so many batches.
pub(super) fn slots(
    network: &Network,
    spec: &MlpSpec,
    batch_size: usize,
    batches: usize,
    layout: fn(usize, usize) -> Layout,
) -> usize {
    let slot_bytes = layout(slot_rows(batch_size), spec.inputs()).size() as usize;
    let chunk_bytes = CHUNK_BYTES.min(network.gpu.max_binding_size() as usize);
    (chunk_bytes / slot_bytes).min(batches).clamp(1, network.steps_of_launch().unwrap_or(MAX_SLOTS))
}

fn numbers(options: &StepOptions, first: u64, count: usize) -> Vec<Step> {
    (first..).take(count).map(|number| options.step(number)).collect()
}

fn slot_rows(batch_size: usize) -> usize {
    batch_size.next_multiple_of(ALIGNED_ROWS)
}

impl Training {
    /// So many slots for batches of that size, in an x that an evaluation of so many rows uses, too.
    pub fn new(
        network: &Network,
        spec: &MlpSpec,
        (batch_size, slots): (usize, usize),
        evaluation_rows: usize,
        layout: fn(usize, usize) -> Layout,
        sums: &Buffer,
    ) -> Result<Self> {
        let (gpu, slot_rows) = (&network.gpu, slot_rows(batch_size));
        let rows = (slots * slot_rows).max(evaluation_rows);
        let [z, dz] = Outputs::for_training(network, spec, batch_size)?;
        Ok(Self {
            x: Matrix::zeros(gpu, "x", layout(rows, spec.inputs()))?,
            order: gpu.upload("order", &vec![Sample::PADDING; rows])?,
            batch_size,
            slot_rows,
            z,
            dz,
            slopes: match network.has_slopes() {
                true => Some(Outputs::new(gpu, "slope", spec, batch_size)?),
                false => None,
            },
            steps: gpu.rows("steps", slots),
            sums: sums.clone(),
            slots: vec![Vec::new(); slots],
            short: None,
            together: None,
            launch: None,
            first_half: None,
        })
    }

    /// Makes the launches of each slot's step, on samples from there.
    pub fn prepare(&mut self, network: &Network, source: &Source) -> Result<()> {
        let slots = [self.slot_rows, self.batch_size];
        self.together = network.bind_steps(&self.x, &self.order, &self.sums, slots)?;
        if self.together.is_none() {
            let step = |slot| self.step(network, source, slot, self.batch_size);
            self.slots = (0..self.slots.len()).map(step).collect::<Result<_>>()?;
        }
        (self.short, self.first_half) = (None, None);
        Ok(())
    }

    /// The launches that train on the first `rows` rows of a slot.
    fn step(&self, network: &Network, source: &Source, slot: usize, rows: usize) -> Result<Vec<Launch>> {
        self.on_batch(source, slot, rows, |batch| network.step(batch))
    }

    /// The launches that put the gradient of the first `rows` rows there, made anew if the last were of other rows.
    pub fn gradient(
        &mut self,
        network: &Network,
        source: &Source,
        rows: usize,
        gradients: &[Matrix],
    ) -> Result<Vec<&Launch>> {
        if self.first_half.as_ref().is_none_or(|(there, _)| *there != rows) {
            let launches =
                self.on_batch(source, 0, rows, |batch| network.gradients(batch, Some(gradients)))?;
            self.first_half = Some((rows, launches));
        }
        Ok(self.first_half.iter().flat_map(|(_, launches)| launches).collect())
    }

    /// The launches on the first `rows` rows of a slot.
    fn on_batch(
        &self,
        source: &Source,
        slot: usize,
        rows: usize,
        launches: impl Fn(&Batch<'_>) -> Result<Vec<Launch>>,
    ) -> Result<Vec<Launch>> {
        let row = slot * self.slot_rows;
        let x = self.x.rows(row, rows);
        let sample = size_of::<Sample>();
        let order = self.order.slice((row * sample) as u64, (rows.next_multiple_of(4) * sample) as u64);
        launches(&Batch {
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

    /// Batches of a chunk.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// What a step costs.
    pub fn cost(&self) -> u64 {
        match &self.together {
            Some(steps) => Pace::work(steps.work().flops, steps.work().bytes),
            None => Pace::cost(&self.slots[0]),
        }
    }

    /// How many of so many samples the next submission takes, if it is to take no more than so many steps: whole batches, and
    /// a short one by itself or, where one launch takes all steps, with the others.
    pub fn taken(&self, steps: usize, samples: usize) -> usize {
        let whole = steps.min(self.slots.len()) * self.batch_size;
        match samples / self.batch_size * self.batch_size {
            _ if self.together.is_some() => samples.min(whole),
            0 => samples,
            of_batches => of_batches.min(whole),
        }
    }

    /// The launches of the steps on so many samples, which lie in the first slots. The numbers of the steps, the first of
    /// which is step `first`, are there for the next submission alone.
    pub fn launches(
        &mut self,
        network: &Network,
        source: &Source,
        (options, first): (&StepOptions, u64),
        samples: usize,
    ) -> Result<Vec<&Launch>> {
        let (steps, batch_size) = (samples.div_ceil(self.batch_size), self.batch_size);
        if network.reads_steps() {
            self.write_steps(&network.gpu, options, first, steps);
        }
        if let Some(together) = &self.together {
            let of_last = samples - (steps - 1) * batch_size;
            let launch = together.launch(&network.gpu, &numbers(options, first, steps), of_last)?;
            return Ok(vec![self.launch.insert(launch)]);
        }
        if samples >= batch_size {
            return Ok(self.slots[..steps].iter().flatten().collect());
        }
        if self.short.as_ref().is_none_or(|(there, _)| *there != samples) {
            self.short = Some((samples, self.step(network, source, 0, samples)?));
        }
        Ok(self.short.iter().flat_map(|(_, launches)| launches).collect())
    }

    /// The launches of so many whole steps, or of as many as there are slots, the first of which is step `first`.
    pub fn whole_steps(
        &self,
        gpu: &Gpu,
        (options, first): (&StepOptions, u64),
        steps: usize,
    ) -> Result<Vec<Launch>> {
        let steps = steps.min(self.slots.len());
        match &self.together {
            Some(together) => {
                Ok(vec![together.launch(gpu, &numbers(options, first, steps), self.batch_size)?])
            }
            None => {
                self.write_steps(gpu, options, first, steps);
                Ok(self.slots[..steps].iter().flatten().cloned().collect())
            }
        }
    }

    /// Writes the numbers of the next steps, one a slot, of which `first` were taken before.
    pub fn write_steps(&self, gpu: &Gpu, options: &StepOptions, first: u64, count: usize) {
        let mut rows = vec![0_u32; count * Gpu::ROW as usize / size_of::<u32>()];
        let steps = numbers(options, first, count);
        for (row, step) in rows.chunks_mut(Gpu::ROW as usize / size_of::<u32>()).zip(steps) {
            let words: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&step));
            row[..words.len()].copy_from_slice(words);
        }
        gpu.write(&self.steps, 0, &rows);
    }

    /// The order of whole batches, each padded to a slot's rows.
    pub fn order(&self, chunk: &Chunk<'_>, batch_size: usize) -> Vec<Sample> {
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
