//! The slots of a chunk, and the launches of each slot's step.

use bytemuck::Zeroable;

use super::network::{Batch, Network, Outputs};
use super::pace::Pace;
use super::rows::rows_apart;
use super::source::Source;
use super::step_members::StepMembers;
use crate::data::{Chunk, Format};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{BoundSteps, Layout, Matrix, NETWORKS, Sample};
use crate::network::MlpSpec;
use crate::step::optimizer::Step;

/// The slots' inputs take no more device memory than this, unless one batch alone does.
const CHUNK_BYTES: usize = 32 << 20;

/// Steps in a chunk at most.
pub(super) const MAX_SLOTS: usize = 64;

/// The launches of different members that are kept: two take turns where one network is not in step with the others.
const PREPARED: usize = 4;

/// Bytes of the numbers of a step, those of all networks.
pub(super) const STEP_BYTES: u64 = (NETWORKS * size_of::<Step>()) as u64;

/// The slots of a chunk: in each a batch of every network, one below the other.
pub(super) struct Training {
    pub x: Matrix,
    pub order: Buffer,
    batch_size: usize,
    /// From one network's batch to the next's.
    rows_apart: usize,
    pub slot_rows: usize,
    slots: usize,
    z: Outputs,
    dz: Outputs,
    /// If the network has slopes.
    slopes: Option<Outputs>,
    /// The numbers of each slot's step, those of every network.
    steps: Buffer,
    /// Of what is trained on; not the slots' own.
    sums: Buffer,
    /// The launches that were used last, at the end the newest.
    prepared: Vec<Prepared>,
    /// Those of the first half of a step alone, and of how many samples.
    first_half: Option<(usize, Vec<Launch>)>,
}

/// The launches of the members' steps on so many samples of each network.
struct Prepared {
    members: StepMembers,
    rows: usize,
    steps: Steps,
}

enum Steps {
    /// Of each slot; of a short batch only of the first.
    Apart(Vec<Vec<Launch>>),
    /// Where one launch takes those of all slots, with the launch that was made last.
    Together(Box<BoundSteps>, Option<Launch>),
}

impl Prepared {
    /// What a step costs.
    fn cost(&self) -> u64 {
        match &self.steps {
            Steps::Apart(slots) => Pace::cost(&slots[0]),
            Steps::Together(steps, _) => Pace::work(steps.work().flops, steps.work().bytes),
        }
    }
}

/// How a batch of samples in a format lies in x.
pub(super) fn layout_of(format: Format) -> fn(usize, usize) -> Layout {
    match format {
        Format::Bytes => Layout::images,
        Format::Floats => Layout::activations,
    }
}

/// Slots of a chunk, where an epoch has so many batches. Several networks may take four times the memory of one.
pub(super) fn slots(
    network: &Network,
    spec: &MlpSpec,
    batch_size: usize,
    batches: usize,
    layout: fn(usize, usize) -> Layout,
) -> usize {
    let slot_bytes = layout(network.count * rows_apart(batch_size), spec.inputs()).size() as usize;
    let chunk_bytes = (network.count.min(4) * CHUNK_BYTES).min(network.gpu.max_binding_size() as usize);
    (chunk_bytes / slot_bytes).min(batches).clamp(1, network.steps_of_launch().unwrap_or(MAX_SLOTS))
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
        let (gpu, rows_apart) = (&network.gpu, rows_apart(batch_size));
        let slot_rows = network.count * rows_apart;
        let rows = (slots * slot_rows).max(evaluation_rows);
        let of_batches = (network.count - 1) * rows_apart + batch_size;
        let [z, dz] = Outputs::for_training(network, spec, of_batches)?;
        Ok(Self {
            x: Matrix::zeros(gpu, "x", layout(rows, spec.inputs()))?,
            order: gpu.upload("order", &vec![Sample::PADDING; rows])?,
            batch_size,
            rows_apart,
            slot_rows,
            slots,
            z,
            dz,
            slopes: match network.has_slopes() {
                true => Some(Outputs::new(gpu, "slope", spec, of_batches)?),
                false => None,
            },
            steps: gpu.rows("steps", slots * (STEP_BYTES / Gpu::ROW) as usize),
            sums: sums.clone(),
            prepared: Vec::new(),
            first_half: None,
        })
    }

    /// Forgets the launches on other samples.
    pub fn restart(&mut self) {
        (self.prepared, self.first_half) = (Vec::new(), None);
    }

    /// The launches of the members' steps on so many rows, made if they are not there.
    fn prepare(
        &mut self,
        network: &Network,
        source: &Source,
        members: &StepMembers,
        rows: usize,
    ) -> Result<&mut Prepared> {
        let is_it = |prepared: &Prepared| prepared.rows == rows && prepared.members == *members;
        let prepared = match self.prepared.iter().position(is_it) {
            Some(at) => self.prepared.remove(at),
            None => {
                let slots = [self.slot_rows, self.batch_size];
                let x = self.x.every(self.rows_apart, &members.networks);
                let together = network.bind_steps(&x, &self.order, &self.sums, slots, members)?;
                let of_slot = |slot| self.on_batch(source, members, slot, rows, |batch| network.step(batch));
                let steps = match together {
                    Some(together) => Steps::Together(Box::new(together), None),
                    None if rows < self.batch_size => Steps::Apart(vec![of_slot(0)?]),
                    None => Steps::Apart((0..self.slots).map(of_slot).collect::<Result<_>>()?),
                };
                if self.prepared.len() == PREPARED {
                    self.prepared.remove(0);
                }
                Prepared { members: members.clone(), rows, steps }
            }
        };
        self.prepared.push(prepared);
        let newest = self.prepared.len() - 1;
        Ok(&mut self.prepared[newest])
    }

    /// The launches that put the gradient of the first `rows` rows there, made anew if the last were of other rows.
    pub fn gradient(
        &mut self,
        network: &Network,
        source: &Source,
        (members, rows): (&StepMembers, usize),
        gradients: &[Matrix],
    ) -> Result<Vec<&Launch>> {
        if self.first_half.as_ref().is_none_or(|(there, _)| *there != rows) {
            let launches =
                self.on_batch(source, members, 0, rows, |batch| network.gradients(batch, Some(gradients)))?;
            self.first_half = Some((rows, launches));
        }
        Ok(self.first_half.iter().flat_map(|(_, launches)| launches).collect())
    }

    /// The launches on the first `rows` rows of each network in a slot.
    fn on_batch(
        &self,
        source: &Source,
        members: &StepMembers,
        slot: usize,
        rows: usize,
        launches: impl Fn(&Batch<'_>) -> Result<Vec<Launch>>,
    ) -> Result<Vec<Launch>> {
        let (row, apart, networks) = (slot * self.slot_rows, self.rows_apart, &members.networks);
        let last = networks.iter().max().map_or(0, |&last| last as usize);
        let sample = size_of::<Sample>();
        let samples = last * apart + rows.next_multiple_of(4);
        launches(&Batch {
            members,
            x: &self.x.rows(row, rows).every(apart, networks),
            z: &self.z.every(apart, rows, networks),
            dz: &self.dz.every(apart, rows, networks),
            slopes: &self.slopes.as_ref().map_or(Vec::new(), |slopes| slopes.every(apart, rows, networks)),
            order: self.order.slice((row * sample) as u64, (samples * sample) as u64),
            targets: &source.targets,
            sums: &self.sums,
            steps: self.steps.slice(slot as u64 * STEP_BYTES, STEP_BYTES),
        })
    }

    /// Batches of a chunk, of each network.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// What a step of the members costs.
    pub fn cost(&mut self, network: &Network, source: &Source, members: &StepMembers) -> Result<u64> {
        let batch_size = self.batch_size;
        Ok(self.prepare(network, source, members, batch_size)?.cost())
    }

    /// How many of so many samples the next submission takes, if it is to take no more than so many steps: whole batches, and
    /// a short one by itself or, where one launch takes all steps and all networks have as many samples, with the others.
    pub fn taken(&self, network: &Network, steps: usize, samples: usize, are_all: bool) -> usize {
        let whole = steps.min(self.slots) * self.batch_size;
        match samples / self.batch_size * self.batch_size {
            _ if network.steps_of_launch().is_some() && are_all => samples.min(whole),
            0 => samples,
            of_batches => of_batches.min(whole),
        }
    }

    /// The launches of the members' steps on so many samples of each network, which lie in the first slots. The numbers of the
    /// steps, before which each network has taken so many, are there for the next submission alone.
    pub fn launches(
        &mut self,
        network: &Network,
        source: &Source,
        (members, taken): (&StepMembers, &[u64]),
        samples: usize,
    ) -> Result<Vec<&Launch>> {
        let (steps, batch_size) = (samples.div_ceil(self.batch_size), self.batch_size);
        if network.reads_steps() {
            self.write_steps(&network.gpu, members, taken, steps);
        }
        let together = network.steps_of_launch().is_some();
        let rows = if together { batch_size } else { samples.min(batch_size) };
        match &mut self.prepare(network, source, members, rows)?.steps {
            Steps::Apart(slots) => Ok(slots[..steps].iter().flatten().collect()),
            Steps::Together(bound, launch) => {
                let of_last = samples - (steps - 1) * batch_size;
                let numbers: Vec<Vec<Step>> =
                    (0..steps as u64).map(|later| members.step(taken, later)).collect();
                Ok(vec![launch.insert(bound.launch(&network.gpu, &numbers, of_last)?)])
            }
        }
    }

    /// Writes the numbers of the next steps, one a slot, before which each network has taken so many.
    pub fn write_steps(&self, gpu: &Gpu, members: &StepMembers, taken: &[u64], count: usize) {
        let mut rows = vec![Step::zeroed(); count * NETWORKS];
        for (later, row) in rows.chunks_mut(NETWORKS).enumerate() {
            let steps = members.step(taken, later as u64);
            row[..steps.len()].copy_from_slice(&steps);
        }
        gpu.write(&self.steps, 0, &rows);
    }

    /// The order of whole batches of each network, of so many samples, each padded to a slot's rows. The chunk has the samples
    /// of one network after those of another.
    pub fn order(&self, chunk: &Chunk<'_>, networks: &[u32], samples: usize) -> Vec<Sample> {
        let labels = chunk.labels();
        let mut order = vec![Sample::PADDING; samples.div_ceil(self.batch_size) * self.slot_rows];
        for (own, &network) in chunk.indices().chunks(samples).zip(networks) {
            let begin = network as usize * self.rows_apart;
            for (slot, batch) in order.chunks_mut(self.slot_rows).zip(own.chunks(self.batch_size)) {
                let scale = chunk.scale(batch);
                for (row, &sample) in slot[begin..].iter_mut().zip(batch) {
                    let weight = chunk.weight(sample) * scale;
                    *row = Sample { sample, label: labels[sample as usize], weight, unused: 0 };
                }
            }
        }
        order
    }
}
