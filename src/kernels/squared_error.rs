//! Squared error of numbers and Huber's loss, with the gradient: what `squared_error.wgsl` takes.

use bytemuck::{Pod, Zeroable};

use super::matrix::Layout;
use crate::gpu::Shader;
use crate::network::Loss;

pub(super) const SHADER: Shader =
    Shader { name: "squared_error", source: include_str!("../../shaders/squared_error.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    outputs: u32,
    stride: u32,
    delta: f32,
}

impl Params {
    /// Of outputs that lie so.
    pub fn of(z: Layout, loss: Loss) -> Self {
        let delta = if let Loss::Huber { delta } = loss { delta } else { 0.0 };
        let rows = z.row_blocks as u32 * 4;
        Self { rows, outputs: z.cols as u32, stride: z.stride() as u32, delta }
    }
}
