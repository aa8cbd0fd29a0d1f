//! A step along a stored gradient: the host of `optimizer.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::fold;
use super::matrix::{BLOCK, Matrix};
use super::networks::{NETWORKS, networks_of, table};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Slice, Work};
use crate::step::optimizer::Step;

pub(super) const SHADER: Shader =
    Shader { name: "optimizer", source: include_str!("../../shaders/optimizer.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    unused: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    blocks: u32,
    w_apart: u32,
    unused: [u32; 2],
    network: [Network; NETWORKS],
}

/// The kernel of `optimizer.wgsl`.
pub struct Advance {
    kernel: Kernel,
}

impl Advance {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self { kernel: Kernel::new(gpu, SHADER, "advance").await? })
    }

    /// A step of w along g by the rule and the numbers of each network's [`Step`] in `steps`, which may change from submission
    /// to submission, and has room for [`NETWORKS`]. The moments are of w's shape, or, those that the rule does not keep, any
    /// buffer of a `vec4` or more.
    ///
    /// # Errors
    /// [`Error::Shape`] if g is not of w's shape.
    pub fn launch(
        &self,
        gpu: &Gpu,
        steps: Slice<'_>,
        g: &Matrix,
        w: &Matrix,
        moments: &[Matrix; 2],
    ) -> Result<Launch> {
        if g.layout != w.layout {
            return Err(Error::shape("optimizer: gradient", w.layout, g.layout));
        }
        let room = (NETWORKS * size_of::<Step>()) as u64;
        if steps.size() != room {
            return Err(Error::shape("optimizer: bytes of steps", room, steps.size()));
        }
        let networks = networks_of("optimizer", &[g, w])?;
        if g.blocks_apart() != w.blocks_apart() {
            return Err(Error::shape("optimizer: gradient", w.blocks_apart(), g.blocks_apart()));
        }
        let blocks = w.layout.len().div_ceil(BLOCK);
        let params = Params {
            blocks: blocks as u32,
            w_apart: w.blocks_apart(),
            unused: [0; 2],
            network: table("optimizer", networks, networks, |index, _| Network { index, unused: [0; 3] })?,
        };
        let buffers = [steps, g.slice(), w.slice(), moments[0].slice(), moments[1].slice()];
        let bound = self.kernel.bind(gpu, &params, &buffers)?;
        let [x, y, _] = fold(blocks.div_ceil(self.kernel.workgroup_size()[0] as usize));
        let workgroups = [x, y, networks.len() as u32];
        let bytes = buffers[1..].iter().map(Slice::size).sum();
        let work = Work { shape: vec![w.layout.rows, w.layout.cols], flops: 0, bytes };
        Ok(bound.launch(workgroups).doing(work))
    }
}
