//! Shortens gradients that are too long: the host of `clip_norm.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::matrix::{BLOCK, Matrix};
use super::networks::{NETWORKS, networks_of, table};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Kernel, Launch, Shader, Work};

pub(super) const SHADER: Shader =
    Shader { name: "clip_norm", source: include_str!("../../shaders/clip_norm.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    most: f32,
    unused: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    first: u32,
    sums: u32,
    blocks: u32,
    w_apart: u32,
    network: [Network; NETWORKS],
}

/// Sums of a layer's gradient, one a workgroup, at most: every workgroup reads all of them.
const MOST_SUMS: usize = 128;

/// The kernels of `clip_norm.wgsl`.
pub struct ClipNorm {
    measure: Kernel,
    scale: Kernel,
}

impl ClipNorm {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// [`Error::Shader`](crate::Error::Shader) if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self {
            measure: Kernel::new(gpu, SHADER, "measure").await?,
            scale: Kernel::new(gpu, SHADER, "scale").await?,
        })
    }

    /// Sums that these gradients of one network leave.
    pub fn sums<'a>(&self, gradients: impl Iterator<Item = &'a Matrix>) -> usize {
        gradients.map(|g| self.workgroups(g)).sum()
    }

    /// Shortens the gradients, of all layers taken together, to the network's norm `most` if they are longer; `sums` has room
    /// for one f32 for each of [`sums`](Self::sums), of every network.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the buffers do not fit the kernels.
    pub fn launches(
        &self,
        gpu: &Gpu,
        sums: &Buffer,
        gradients: &[&Matrix],
        most: &[f32],
    ) -> Result<Vec<Launch>> {
        let all = self.sums(gradients.iter().copied()) as u32;
        let (mut measuring, mut scaling, mut first) = (Vec::new(), Vec::new(), 0);
        for g in gradients {
            let networks = networks_of("clipping", &[gradients[0], g])?;
            let row = |index: u32, most: f32| Network { index, most, unused: [0; 2] };
            let params = Params {
                first: first as u32,
                sums: all,
                blocks: (g.layout.len() / BLOCK) as u32,
                w_apart: g.blocks_apart(),
                network: table("clipping", networks, most, row)?,
            };
            let workgroups = self.workgroups(g);
            first += workgroups;
            let work = Work { shape: vec![g.layout.rows, g.layout.cols], flops: 0, bytes: g.layout.size() };
            for (kernel, launches) in [(&self.measure, &mut measuring), (&self.scale, &mut scaling)] {
                let bound = kernel.bind(gpu, &params, &[sums.whole(), g.slice()])?;
                let workgroups = [workgroups as u32, 1, networks.len() as u32];
                launches.push(bound.launch(workgroups).doing(work.clone()));
            }
        }
        measuring.append(&mut scaling);
        Ok(measuring)
    }

    fn workgroups(&self, g: &Matrix) -> usize {
        let invocations = g.layout.len().div_ceil(4);
        invocations.div_ceil(self.measure.workgroup_size()[0] as usize).clamp(1, MOST_SUMS)
    }
}
