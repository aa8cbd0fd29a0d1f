//! A forward pass without a step.

use super::network::{Network, Outputs};
use super::training::Training;
use crate::data::Chunk;
use crate::error::Result;
use crate::gpu::{Buffer, Launch};
use crate::kernels::{Matrix, Sample, Sum};
use crate::network::MlpSpec;

/// A forward pass without a step, of one network.
pub(super) struct Evaluation {
    pub rows: usize,
    pub logits: Matrix,
    pub sums: Buffer,
    order: Buffer,
    x: Matrix,
    z: Vec<Matrix>,
    /// Forward, without [`measure`](Self::measure), and of which network.
    forward: (usize, Vec<Launch>),
}

impl Evaluation {
    /// Of so many rows, in the slots' x.
    pub fn new(network: &Network, spec: &MlpSpec, training: &Training, rows: usize) -> Result<Self> {
        let (gpu, x) = (&network.gpu, training.x.rows(0, rows));
        let z = Outputs::new(gpu, "evaluation z", spec, rows)?.of(rows);
        let forward = (0, network.forward(&x, &z, 0)?);
        let sums = gpu.upload("evaluation sums", &vec![Sum::default(); network.evaluation_sums(rows)])?;
        let (logits, order) = (z[z.len() - 1].clone(), training.order.clone());
        Ok(Self { rows, logits, sums, order, x, z, forward })
    }

    /// The launches of a network's forward pass.
    pub fn forward(&mut self, network: &Network, number: usize) -> Result<&[Launch]> {
        if self.forward.0 != number {
            self.forward = (number, network.forward(&self.x, &self.z, number)?);
        }
        Ok(&self.forward.1)
    }

    /// The launch that measures the outputs, against the targets of a split.
    pub fn measure(&self, network: &Network, targets: &Buffer) -> Result<Launch> {
        let order = self.order.slice(0, (self.rows * size_of::<Sample>()) as u64);
        network.measure(&self.logits, order, targets, &self.sums)
    }

    /// The order of no more samples than it has rows, padded to its rows.
    pub fn order_of(&self, chunk: &Chunk<'_>) -> Vec<Sample> {
        let mut order = vec![Sample::PADDING; self.rows];
        for (row, &sample) in order.iter_mut().zip(chunk.indices()) {
            let label = chunk.labels()[sample as usize];
            *row = Sample { sample, label, weight: 1.0, unused: 0 };
        }
        order
    }
}
