//! The slots of a chunk, and the launches of each slot's step.

use super::network::{Batch, Network, Outputs};
use super::rows::ALIGNED_ROWS;
use super::source::Source;
use crate::data::{Chunk, Format};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{Layout, Matrix, Sample};
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
    /// The launches of each slot's step; none before [`prepare`](Self::prepare).
    pub slots: Vec<Vec<Launch>>,
    /// The launches of a step with fewer samples than a batch has, in the first slot, and how many those are.
    short: Option<(usize, Vec<Launch>)>,
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
    gpu: &Gpu,
    spec: &MlpSpec,
    batch_size: usize,
    batches: usize,
    layout: fn(usize, usize) -> Layout,
) -> usize {
    let slot_bytes = layout(slot_rows(batch_size), spec.inputs()).size() as usize;
    let chunk_bytes = CHUNK_BYTES.min(gpu.max_binding_size() as usize);
    (chunk_bytes / slot_bytes).min(batches).clamp(1, MAX_SLOTS)
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
            first_half: None,
        })
    }

    /// Makes the launches of each slot's step, on samples from there.
    pub fn prepare(&mut self, network: &Network, source: &Source) -> Result<()> {
        let step = |slot| self.step(network, source, slot, self.batch_size);
        self.slots = (0..self.slots.len()).map(step).collect::<Result<_>>()?;
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

    /// Makes the launches of a step with so few rows, unless they are there.
    pub fn prepare_short(&mut self, network: &Network, source: &Source, rows: usize) -> Result<()> {
        if self.short.as_ref().is_none_or(|(there, _)| *there != rows) {
            self.short = Some((rows, self.step(network, source, 0, rows)?));
        }
        Ok(())
    }

    /// The launches of so many whole steps; of none, those of the short one.
    pub fn launches(&self, steps: usize) -> Vec<&Launch> {
        let short = self.short.iter().filter(|_| steps == 0).map(|(_, launches)| launches);
        self.slots[..steps].iter().chain(short).flatten().collect()
    }

    /// Writes the numbers of the next steps, one a slot, of which `first` were taken before.
    pub fn write_steps(&self, gpu: &Gpu, options: &StepOptions, first: u64, count: usize) {
        let mut rows = vec![0_u32; count * Gpu::ROW as usize / size_of::<u32>()];
        for (row, number) in rows.chunks_mut(Gpu::ROW as usize / size_of::<u32>()).zip(first..) {
            let step = options.step(number);
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
