//! A forward pass without a step.

use super::network::{Network, Outputs};
use super::training::{ALIGNED_ROWS, Training};
use crate::data::Chunk;
use crate::error::Result;
use crate::gpu::adapter::DeviceType;
use crate::gpu::{Buffer, Gpu, Launch};
use crate::kernels::{Layout, Matrix, Sample, Sum};
use crate::network::MlpSpec;

/// Rows that an evaluation takes at once, if the adapter's limits allow it.
const EVALUATION_ROWS: usize = 1024;

/// On a software adapter none of an evaluation's products has more operations than this: some 60 ms on two cores.
const EVALUATION_FLOPS: usize = 2 << 30;

/// A forward pass without a step.
pub(super) struct Evaluation {
    pub rows: usize,
    pub logits: Matrix,
    pub sums: Buffer,
    pub launches: Vec<Launch>,
}

impl Evaluation {
    /// Of so many rows, in the slots' x.
    pub fn new(network: &Network, spec: &MlpSpec, training: &Training, rows: usize) -> Result<Self> {
        let gpu = &network.gpu;
        let softmax_xent = &network.kernels.softmax_xent;
        let z = Outputs::new(gpu, "evaluation z", spec, rows)?.of(rows);
        let mut launches = network.forward(&training.x.rows(0, rows), &z)?;
        let sums = gpu.upload("evaluation sums", &vec![Sum::default(); softmax_xent.sums(rows)])?;
        let logits = z[z.len() - 1].clone();
        let order = training.order.slice(0, (rows * size_of::<Sample>()) as u64);
        launches.push(softmax_xent.evaluate(gpu, &logits, order, &sums)?);
        Ok(Self { rows, logits, sums, launches })
    }

    /// The order of no more samples than it has rows, padded to its rows.
    pub fn order(&self, chunk: &Chunk<'_>) -> Vec<Sample> {
        let mut order = vec![Sample::PADDING; self.rows];
        for (row, &sample) in order.iter_mut().zip(chunk.indices()) {
            let label = chunk.labels()[sample as usize];
            *row = Sample { sample, label, weight: 1.0, unused: 0 };
        }
        order
    }
}

/// Rows that an evaluation takes at once: of the widest layer no more than a binding holds. It depends on the network and
/// the adapter alone, and not on measured time, since sums are taken over so many rows.
pub(super) fn evaluation_rows(
    gpu: &Gpu,
    spec: &MlpSpec,
    layout: fn(usize, usize) -> Layout,
    samples: usize,
) -> usize {
    let bytes = |layout: Layout| (layout.size() as usize).div_ceil(ALIGNED_ROWS);
    let outputs = spec.layers().map(|(_, outs)| bytes(Layout::activations(ALIGNED_ROWS, outs)));
    let widest = outputs.fold(bytes(layout(ALIGNED_ROWS, spec.inputs())), usize::max);
    let mut rows = EVALUATION_ROWS.min(samples).min(gpu.max_binding_size() as usize / widest);
    if gpu.summary().device_type == DeviceType::Cpu {
        let weights = spec.layers().map(|(ins, outs)| ins * outs).fold(1, usize::max);
        rows = rows.min(EVALUATION_FLOPS / (2 * weights));
    }
    if rows == EVALUATION_ROWS.min(samples) {
        return rows.next_multiple_of(ALIGNED_ROWS);
    }
    (rows / ALIGNED_ROWS).max(1) * ALIGNED_ROWS
}
