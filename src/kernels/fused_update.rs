//! The weights' step of all layers of a small network: the host of `fused_update.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::cut;
use super::fused_middle::LAYERS;
use super::matrix::{Element, Matrix};
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
struct Params {
    rows: u32,
    layers: u32,
    fused: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
    first: u32,
    unused: u32,
    layer: [Layer; LAYERS],
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

    /// A step of `sgd` of all layers' weights, or without one their gradients, which `out` then takes. `z` and `dz` lie in
    /// one buffer, `out` in another, and `v` in a third, in the places of `out`; without momentum v may be any one buffer
    /// of a `vec4` or more.
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
        sgd: Option<Sgd>,
    ) -> Result<Launch> {
        let inputs: Vec<&Matrix> = std::iter::once(x).chain(z).take(dz.len()).collect();
        let chained = inputs.iter().zip(dz).zip(out).all(|((x, dz), out)| {
            (x.layout.cols, dz.layout.cols, x.layout.row_blocks)
                == (out.layout.rows, out.layout.cols, dz.layout.row_blocks)
        });
        let keeps = sgd.is_none_or(|sgd| sgd.momentum == 0.0)
            || (v.len() == out.len()
                && v.iter().zip(out).all(|(v, out)| v.first_block() == out.first_block()));
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
        let Sgd { lr, momentum, weight_decay } =
            sgd.unwrap_or(Sgd { lr: 0.0, momentum: 0.0, weight_decay: 0.0 });
        let mut params = Params {
            rows: x.layout.row_blocks as u32,
            layers: dz.len() as u32,
            fused: u32::from(sgd.is_some()),
            lr,
            momentum,
            weight_decay,
            ..Params::zeroed()
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
        let work = Work {
            shape: std::iter::once(x.layout.rows).chain(widths).collect(),
            flops: 2 * (x.layout.rows * values) as u64,
            bytes: x.layout.size() + bytes(z) + bytes(dz) + bytes(out),
        };
        cut(gpu, workgroups, work, |first, workgroups| {
            let mut params = params;
            params.first = first;
            let bound = kernel.bind(gpu, &params, &[x.slice(), outputs, weights, moments])?;
            Ok(bound.launch([workgroups, 1, 1]))
        })
    }
}
