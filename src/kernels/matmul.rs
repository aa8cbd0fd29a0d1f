//! The products of a layer: the host of `matmul_tile.wgsl` and `matmul_broadcast.wgsl`, which compute the same.

use bytemuck::{Pod, Zeroable};

use super::{Layout, Matrix};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Slice, Work};

pub(super) const TILE: Shader =
    Shader { name: "matmul_tile", source: include_str!("../../shaders/matmul_tile.wgsl") };
pub(super) const BROADCAST: Shader =
    Shader { name: "matmul_broadcast", source: include_str!("../../shaders/matmul_broadcast.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    ins: u32,
    outs: u32,
    relu: u32,
    lr: f32,
    momentum: f32,
    weight_decay: f32,
    unused: f32,
}

/// How a gradient g becomes a step, as PyTorch's `SGD` defines it; see
/// [`reference::Sgd`](crate::reference::Sgd).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f32,
    /// Momentum; 0 is plain gradient descent.
    pub momentum: f32,
    /// L2 penalty on weights and biases.
    pub weight_decay: f32,
}

/// The kernels of a `matmul_*.wgsl`.
pub struct Matmul {
    forward: Kernel,
    backward: Kernel,
    update: Kernel,
    /// Blocks of the output that a workgroup computes.
    group: [usize; 2],
}

impl Matmul {
    /// Compiles one of the two forms.
    ///
    /// # Errors
    /// [`Error::Device`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu, shader: Shader) -> Result<Self> {
        Ok(Self {
            forward: Kernel::new(gpu, shader, "forward").await?,
            backward: Kernel::new(gpu, shader, "backward").await?,
            update: Kernel::new(gpu, shader, "update").await?,
            group: [shader.constant("GROUP_ROWS")?, shader.constant("GROUP_COLS")?],
        })
    }

    /// z = x · w + b, and max(z, 0) if `relu`. x \[rows, ins\], w \[ins, outs\] with its bias, z \[rows, outs\].
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn forward(&self, gpu: &Gpu, x: &Matrix, w: &Matrix, z: &Matrix, relu: bool) -> Result<Launch> {
        let params = Self::params("forward", x.layout, w.layout, z.layout)?;
        let params = Params { relu: u32::from(relu), ..params };
        let blocks = [z.layout.row_blocks, w.layout.col_blocks];
        let launch = self.launch(gpu, &self.forward, params, &[x.slice(), w.slice(), z.slice()], blocks)?;
        Ok(launch.doing(work(x.layout, w.layout, &[x, w, z])))
    }

    /// dx = (dz · wᵀ) ⊙ \[x > 0\], where x came out of a ReLU.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn backward(&self, gpu: &Gpu, dz: &Matrix, w: &Matrix, x: &Matrix, dx: &Matrix) -> Result<Launch> {
        let params = Self::params("backward", x.layout, w.layout, dz.layout)?;
        if dx.layout != x.layout {
            return Err(Error::shape("backward: dx", x.layout, dx.layout));
        }
        let blocks = [x.layout.row_blocks, x.layout.col_blocks - 1];
        let buffers = [x.slice(), w.slice(), dz.slice(), dx.slice()];
        let launch = self.launch(gpu, &self.backward, params, &buffers, blocks)?;
        Ok(launch.doing(work(x.layout, w.layout, &[x, w, dz, dx])))
    }

    /// g = xᵀ · dz, the bias included, and a step of `sgd` along it: w changes, and v if there is momentum.
    ///
    /// Without momentum v is not touched, and may be any buffer of a `vec4` or more.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn update(
        &self,
        gpu: &Gpu,
        x: &Matrix,
        dz: &Matrix,
        w: &Matrix,
        v: &Matrix,
        sgd: Sgd,
    ) -> Result<Launch> {
        let params = Self::params("update", x.layout, w.layout, dz.layout)?;
        if sgd.momentum != 0.0 && v.layout != w.layout {
            return Err(Error::shape("update: velocity", w.layout, v.layout));
        }
        let Sgd { lr, momentum, weight_decay } = sgd;
        let params = Params { lr, momentum, weight_decay, ..params };
        let blocks = [w.layout.row_blocks, w.layout.col_blocks];
        let buffers = [x.slice(), dz.slice(), w.slice(), v.slice()];
        let launch = self.launch(gpu, &self.update, params, &buffers, blocks)?;
        Ok(launch.doing(work(x.layout, w.layout, &[x, dz, w, v])))
    }

    /// The sizes in blocks, if x \[rows, ins\], w \[ins, outs\] and z \[rows, outs\] fit together.
    fn params(what: &str, x: Layout, w: Layout, z: Layout) -> Result<Params> {
        if (x.cols, z.cols, z.row_blocks) != (w.rows, w.cols, x.row_blocks) {
            return Err(Error::shape(
                format!("{what}: [rows, ins] of x, [ins, outs] of w, [rows, outs] of z"),
                ([x.rows, w.rows], [w.rows, w.cols], [x.rows, w.cols]),
                ([x.rows, x.cols], [w.rows, w.cols], [z.rows, z.cols]),
            ));
        }
        Ok(Params {
            rows: x.row_blocks as u32,
            ins: x.col_blocks as u32,
            outs: w.col_blocks as u32,
            ..Params::zeroed()
        })
    }

    fn launch(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        params: Params,
        buffers: &[Slice<'_>],
        [rows, cols]: [usize; 2],
    ) -> Result<Launch> {
        let workgroups = [cols.div_ceil(self.group[1]) as u32, rows.div_ceil(self.group[0]) as u32, 1];
        Ok(kernel.bind(gpu, &params, buffers)?.launch(workgroups))
    }
}

/// A product has a multiplication and an addition for each row, input and output, whichever of the three it sums over.
fn work(x: Layout, w: Layout, matrices: &[&Matrix]) -> Work {
    let shape = vec![x.rows, w.rows, w.cols];
    let flops = 2 * shape.iter().product::<usize>() as u64;
    Work { shape, flops, bytes: matrices.iter().map(|matrix| matrix.layout.size()).sum() }
}
