//! The weights' step of all layers of a small network: the host of `fused_update.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::cut;
use super::fused_middle::LAYERS;
use super::matrix::{BLOCK, Element, Matrix};
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Work};
use crate::step::Sgd;

pub(super) const SHADER: Shader =
    Shader { name: "fused_update", source: include_str!("../../shaders/fused_update.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Layer {
    first: u32,
    ins: u32,
    outs: u32,
    stride: u32,
    x: u32,
    dz: u32,
    w: u32,
    unused: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    layers: u32,
    fused: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    unused0: u32,
    unused1: u32,
    layer: [Layer; LAYERS],
    network: [Network; NETWORKS],
}

/// The kernels of `fused_update.wgsl`.
pub struct FusedUpdate {
    update: Kernel,
    update_bytes: Kernel,
    /// Blocks on a side of a workgroup's tile.
    tile: usize,
}

impl FusedUpdate {
    /// Whether the device has what they need.
    pub fn runs_on(gpu: &Gpu) -> bool {
        gpu.can_run(SHADER, "update")
    }

    /// Compiles the kernels.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self {
            update: Kernel::new(gpu, SHADER, "update").await?,
            update_bytes: Kernel::new(gpu, SHADER, "update_bytes").await?,
            tile: SHADER.constant("TILE")?,
        })
    }

    /// A step of all layers' weights by each network's `sgd`, or without one their gradients, which `out` then takes. `z` and
    /// `dz` lie in one buffer, `out` in another, and `v` in a third, in the places of `out`; where no network has momentum, v
    /// may be any one buffer of a `vec4` or more.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain, or the matrices do not share a buffer.
    pub fn launch(
        &self,
        gpu: &Gpu,
        x: &Matrix,
        (z, dz): (&[Matrix], &[Matrix]),
        out: &[Matrix],
        v: &[Matrix],
        sgd: Option<&[Sgd]>,
    ) -> Result<Launch> {
        let inputs: Vec<&Matrix> = std::iter::once(x).chain(z).take(dz.len()).collect();
        let chained = inputs.iter().zip(dz).zip(out).all(|((x, dz), out)| {
            (x.layout.cols, dz.layout.cols, x.layout.row_blocks)
                == (out.layout.rows, out.layout.cols, dz.layout.row_blocks)
        });
        let place = |matrix: &Matrix| (matrix.first_block(), matrix.blocks_apart());
        let keeps = sgd.is_none_or(|sgd| sgd.iter().all(|sgd| sgd.momentum == 0.0))
            || (v.len() == out.len() && v.iter().zip(out).all(|(v, out)| place(v) == place(out)));
        if out.len() != dz.len() || z.len() != dz.len() || dz.len() > LAYERS || !chained || !keeps {
            let shapes = |matrices: &[Matrix]| -> Vec<[usize; 2]> {
                matrices.iter().map(|m| [m.layout.rows, m.layout.cols]).collect()
            };
            return Err(Error::shape(
                "fused update: weights, dz and v of all layers",
                shapes(out),
                (shapes(dz), shapes(v)),
            ));
        }
        let outputs = Matrix::shared_by("outputs", z.iter().chain(dz))?;
        let (weights, moments) = (Matrix::shared_by("weights", out)?, Matrix::shared_by("velocities", v)?);
        let what = "fused update";
        let all: Vec<&Matrix> = std::iter::once(x).chain(z).chain(dz).chain(out).collect();
        let networks = networks_of(what, &all)?;
        let nothing = vec![Sgd { lr: 0.0, momentum: 0.0, weight_decay: 0.0 }; networks.len()];
        let row = |index: u32, Sgd { lr, momentum, weight_decay }: Sgd| Network {
            index,
            lr,
            momentum,
            weight_decay,
        };
        let mut params = Params {
            rows: x.layout.row_blocks as u32,
            layers: dz.len() as u32,
            fused: u32::from(sgd.is_some()),
            first: 0,
            rows_apart: rows_apart(what, std::iter::once(x).chain(z).chain(dz))? / BLOCK as u32,
            w_apart: out[0].blocks_apart(),
            unused0: 0,
            unused1: 0,
            layer: Zeroable::zeroed(),
            network: table(what, networks, sgd.unwrap_or(&nothing), row)?,
        };
        let mut workgroups = 0;
        for (l, layer) in params.layer.iter_mut().take(dz.len()).enumerate() {
            let layout = out[l].layout;
            *layer = Layer {
                first: workgroups as u32,
                ins: layout.row_blocks as u32,
                outs: layout.col_blocks as u32,
                stride: inputs[l].layout.stride_blocks() as u32,
                x: inputs[l].first_block(),
                dz: dz[l].first_block(),
                w: out[l].first_block(),
                unused: 0,
            };
            workgroups += layout.row_blocks.div_ceil(self.tile) * layout.col_blocks.div_ceil(self.tile);
        }
        let kernel = match x.layout.element {
            Element::F32 => &self.update,
            Element::Byte => &self.update_bytes,
        };
        let values: usize = out.iter().map(|out| out.layout.rows * out.layout.cols).sum();
        let bytes = |matrices: &[Matrix]| matrices.iter().map(|matrix| matrix.layout.size()).sum::<u64>();
        let widths = std::iter::once(x.layout.cols).chain(dz.iter().map(|dz| dz.layout.cols));
        let times = networks.len() as u64;
        let work = Work {
            shape: std::iter::once(x.layout.rows).chain(widths).collect(),
            flops: times * 2 * (x.layout.rows * values) as u64,
            bytes: times * (x.layout.size() + bytes(z) + bytes(dz) + bytes(out)),
        };
        cut(gpu, workgroups, work, |first, workgroups| {
            let mut params = params;
            params.first = first;
            let bound = kernel.bind(gpu, &params, &[x.slice(), outputs, weights, moments])?;
            Ok(bound.launch([workgroups, 1, times as u32]))
        })
    }
}
