//! Squared error of numbers and Huber's loss, with the gradient: what `squared_error.wgsl` takes.

use bytemuck::{Pod, Zeroable};

use super::matrix::Matrix;
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use crate::error::Result;
use crate::gpu::Shader;
use crate::network::Loss;

pub(super) const SHADER: Shader =
    Shader { name: "squared_error", source: include_str!("../../shaders/squared_error.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    unused: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    outputs: u32,
    stride: u32,
    rows_apart: u32,
    sums_apart: u32,
    delta: f32,
    unused: [u32; 2],
    network: [Network; NETWORKS],
}

impl Params {
    /// Of outputs that lie so, each network with so many sums.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if they are of more networks than a launch takes.
    pub fn of(z: &Matrix, loss: Loss, sums_apart: usize) -> Result<Self> {
        let delta = if let Loss::Huber { delta } = loss { delta } else { 0.0 };
        let (what, layout) = ("squared error", z.layout);
        let networks = networks_of(what, &[z])?;
        Ok(Self {
            rows: layout.row_blocks as u32 * 4,
            outputs: layout.cols as u32,
            stride: layout.stride() as u32,
            rows_apart: rows_apart(what, [z])?,
            sums_apart: sums_apart as u32,
            delta,
            unused: [0; 2],
            network: table(what, networks, networks, |index, _| Network { index, unused: [0; 3] })?,
        })
    }
}
