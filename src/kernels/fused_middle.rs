//! All layers of a small network but the first, forward and backward, with the loss: the host of `fused_middle.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::cut;
use super::matrix::{BLOCK, Matrix};
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Kernel, Launch, Shader, Slice, Work};

pub(super) const SHADER: Shader =
    Shader { name: "fused_middle", source: include_str!("../../shaders/fused_middle.wgsl") };

/// Layers that the fused kernels take at most.
pub(super) const LAYERS: usize = 8;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Layer {
    ins: u32,
    outs: u32,
    w: u32,
    z: u32,
    dz: u32,
    tile: u32,
    unused0: u32,
    unused1: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    label_smoothing: f32,
    unused0: u32,
    unused1: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    layers: u32,
    classes: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    sums_apart: u32,
    unused: u32,
    layer: [Layer; LAYERS],
    network: [Network; NETWORKS],
}

/// The kernel of `fused_middle.wgsl`.
pub struct FusedMiddle {
    kernel: Kernel,
    /// Rows that a workgroup takes through the layers.
    rows: usize,
    /// Blocks of outputs, of all layers and rows, that a workgroup has room for.
    tile: usize,
}

impl FusedMiddle {
    /// Whether the device has what they need.
    pub fn runs_on(gpu: &Gpu) -> bool {
        gpu.can_run(SHADER, "step")
    }

    /// Compiles the kernel.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        let kernel = Kernel::new(gpu, SHADER, "step").await?;
        Ok(Self { kernel, rows: SHADER.constant("ROWS")?, tile: SHADER.constant("TILE")? })
    }

    /// Whether a network whose layers put out so many values can be taken: it has a hidden layer, not too many layers, and
    /// all outputs of a few rows fit a workgroup's memory.
    pub fn takes(&self, outs: &[usize]) -> bool {
        (2..=LAYERS).contains(&outs.len()) && self.tile_of(outs).last() <= Some(&self.tile)
    }

    /// Where each layer's outputs begin in a workgroup's memory, and where the last ones end.
    fn tile_of(&self, outs: &[usize]) -> Vec<usize> {
        let sizes = outs.iter().map(|outs| self.rows * (outs.div_ceil(BLOCK) + 1));
        std::iter::once(0)
            .chain(sizes.scan(0, |end, size| {
                Some({
                    *end += size;
                    *end
                })
            }))
            .collect()
    }

    /// [`Sum`](super::Sum)s that a batch of `rows` adds to.
    pub fn sums(&self, rows: usize) -> usize {
        rows.next_multiple_of(BLOCK) / self.rows
    }

    /// From the first layer's output, the first of `z`, to the gradients by all layers' outputs. Adds loss and hits to
    /// `sums`. `z` and `dz` lie in one buffer, `w` in another. Of each label, the network's `label_smoothing` is spread evenly
    /// over all classes. Each network has as many sums as the rows from it to the next need.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain, or the matrices do not share a buffer.
    pub fn launch(
        &self,
        gpu: &Gpu,
        w: &[Matrix],
        (z, dz): (&[Matrix], &[Matrix]),
        order: Slice<'_>,
        sums: &Buffer,
        label_smoothing: &[f32],
    ) -> Result<Launch> {
        let outs: Vec<usize> = z.iter().map(|z| z.layout.cols).collect();
        let chains = w.iter().skip(1).zip(z).zip(&z[1..]);
        let chained = chains.map(|((w, below), z)| {
            (w.layout.rows, w.layout.cols, z.layout.rows)
                == (below.layout.cols, z.layout.cols, below.layout.rows)
        });
        let alike = z.iter().zip(dz).all(|(z, dz)| z.layout == dz.layout);
        if w.len() != z.len()
            || z.len() != dz.len()
            || !alike
            || !chained.fold(true, |all, one| all & one)
            || !self.takes(&outs)
        {
            let shapes = |matrices: &[Matrix]| -> Vec<[usize; 2]> {
                matrices.iter().map(|m| [m.layout.rows, m.layout.cols]).collect()
            };
            return Err(Error::shape(
                "fused middle: w, z and dz of all layers",
                shapes(w),
                (shapes(z), shapes(dz)),
            ));
        }
        let (weights, outputs) =
            (Matrix::shared_by("weights", w)?, Matrix::shared_by("outputs", z.iter().chain(dz))?);
        let (first, tiles) = (z[0].layout, self.tile_of(&outs));
        let rows = first.row_blocks * BLOCK;
        let what = "fused middle";
        let networks = networks_of(what, &w.iter().chain(z).chain(dz).collect::<Vec<_>>())?;
        let rows_apart = rows_apart(what, z.iter().chain(dz))?;
        let row =
            |index: u32, label_smoothing: f32| Network { index, label_smoothing, unused0: 0, unused1: 0 };
        let mut params = Params {
            rows: rows as u32,
            layers: z.len() as u32,
            classes: outs[outs.len() - 1] as u32,
            first: 0,
            rows_apart,
            w_apart: w[0].blocks_apart(),
            sums_apart: self.sums(rows_apart as usize) as u32,
            unused: 0,
            layer: Zeroable::zeroed(),
            network: table(what, networks, label_smoothing, row)?,
        };
        for (l, layer) in params.layer.iter_mut().take(z.len()).enumerate() {
            *layer = Layer {
                ins: w[l].layout.row_blocks as u32,
                outs: w[l].layout.col_blocks as u32,
                w: w[l].first_block(),
                z: z[l].first_block(),
                dz: dz[l].first_block(),
                tile: tiles[l] as u32,
                ..Layer::zeroed()
            };
        }
        let inner: usize = w.iter().skip(1).map(|w| w.layout.rows * w.layout.cols).sum();
        let bytes = |matrices: &[Matrix]| matrices.iter().map(|matrix| matrix.layout.size()).sum::<u64>();
        let shape = std::iter::once(first.rows).chain(outs.iter().copied()).collect();
        let times = networks.len() as u64;
        let flops = times * 4 * (first.rows * inner) as u64;
        let work = Work { shape, flops, bytes: times * (bytes(w) + bytes(z) + bytes(dz)) };
        let workgroups = rows / self.rows;
        let buffers = [weights, order, outputs, sums.whole()];
        cut(gpu, workgroups, work, |first, workgroups| {
            let mut params = params;
            params.first = first;
            Ok(self.kernel.bind(gpu, &params, &buffers)?.launch([workgroups, 1, times as u32]))
        })
    }
}
