//! Sigmoid and cross-entropy of labels, with the gradient: what `sigmoid_xent.wgsl` takes.

use bytemuck::{Pod, Zeroable};

use super::matrix::Layout;
use crate::gpu::Shader;

pub(super) const SHADER: Shader =
    Shader { name: "sigmoid_xent", source: include_str!("../../shaders/sigmoid_xent.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    outputs: u32,
    stride: u32,
    unused: u32,
}

impl Params {
    /// Of outputs that lie so.
    pub fn of(z: Layout) -> Self {
        let rows = z.row_blocks as u32 * 4;
        Self { rows, outputs: z.cols as u32, stride: z.stride() as u32, unused: 0 }
    }
}
