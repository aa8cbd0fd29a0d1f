//! The products of a layer: the host of `matmul_small.wgsl`, `matmul_medium.wgsl`, `matmul_large.wgsl`,
//! `matmul_texture.wgsl` and `matmul_subgroup.wgsl`, which compute the same.

use std::sync::LazyLock;

use bytemuck::{Pod, Zeroable};

use super::dispatch::{MAX_WORKGROUPS, cut, fold};
use super::matrix::{BLOCK, Element, Layout, Matrix};
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use super::operands::Operands;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Work};
use crate::step::Sgd;

pub(super) const SMALL: Shader =
    Shader { name: "matmul_small", source: include_str!("../../shaders/matmul_small.wgsl") };
pub(super) const MEDIUM: Shader =
    Shader { name: "matmul_medium", source: include_str!("../../shaders/matmul_medium.wgsl") };
pub(super) const LARGE: Shader =
    Shader { name: "matmul_large", source: include_str!("../../shaders/matmul_large.wgsl") };
pub(super) const TEXTURE: Shader =
    Shader { name: "matmul_texture", source: include_str!("../../shaders/matmul_texture.wgsl") };
pub(super) const COOPERATIVE: Shader =
    Shader { name: "matmul_cooperative", source: include_str!("../../shaders/matmul_cooperative.wgsl") };
pub(super) const SUBGROUP: Shader =
    Shader { name: "matmul_subgroup", source: include_str!("../../shaders/matmul_subgroup.wgsl") };

/// The same for devices whose matrices are 8 x 8.
static COOPERATIVE_8: LazyLock<String> = LazyLock::new(|| {
    COOPERATIVE.source.replace("coop_mat16x16", "coop_mat8x8").replace("const SIDE = 16u", "const SIDE = 8u")
});

/// The products in f16, by the size of the matrices that a device multiplies.
pub fn cooperative() -> [Shader; 2] {
    [COOPERATIVE, Shader { source: COOPERATIVE_8.as_str(), ..COOPERATIVE }]
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
    ins: u32,
    outs: u32,
    stride: u32,
    fused: u32,
    first: u32,
    rows_apart: u32,
    w_apart: u32,
    network: [Network; NETWORKS],
}

impl Network {
    fn of(index: u32, sgd: Sgd) -> Self {
        let Sgd { lr, momentum, weight_decay } = sgd;
        Self { index, lr, momentum, weight_decay }
    }
}

/// With fewer workgroups of a larger form too much of a GPU is idle: the largest have some 130 multiprocessors, most
/// have 20 to 60.
const ENOUGH_WORKGROUPS: u32 = 64;

/// The products of a layer, in one or several forms.
pub struct Matmul {
    /// From small workgroups to large ones. A product takes the last form that it fills, and fills often enough.
    forms: Vec<Form>,
}

/// The kernels of a `matmul_*.wgsl`.
struct Form {
    forward: Kernel,
    forward_bytes: Kernel,
    backward: Kernel,
    update: Kernel,
    update_bytes: Kernel,
    /// If it reads textures.
    textures: Option<Textures>,
    /// Whether it rounds its operands to f16.
    half: bool,
    /// Rows and columns of a tile of the output, in blocks.
    tile: [usize; 2],
    /// Tiles that a workgroup computes: one together, or one each invocation.
    tiles: usize,
}

/// What a form that reads textures has beside the rest: kernels for what others do in `update`, since there each choice at
/// a store is dear.
struct Textures {
    gradient: Kernel,
    update_momentum: Kernel,
    operands: Operands,
}

impl Form {
    async fn new(gpu: &Gpu, shader: Shader) -> Result<Self> {
        let textures = match Operands::of(shader)? {
            None => None,
            Some(operands) => Some(Textures {
                gradient: Kernel::new(gpu, shader, "gradient").await?,
                update_momentum: Kernel::new(gpu, shader, "update_momentum").await?,
                operands,
            }),
        };
        // A texture's format says what its texels are, so that one kernel reads them all.
        let of_bytes =
            if textures.is_some() { ["forward", "update"] } else { ["forward_bytes", "update_bytes"] };
        Ok(Self {
            forward: Kernel::new(gpu, shader, "forward").await?,
            forward_bytes: Kernel::new(gpu, shader, of_bytes[0]).await?,
            backward: Kernel::new(gpu, shader, "backward").await?,
            update: Kernel::new(gpu, shader, "update").await?,
            update_bytes: Kernel::new(gpu, shader, of_bytes[1]).await?,
            textures,
            half: shader.name == COOPERATIVE.name,
            tile: [shader.constant("TILE_ROWS")?, shader.constant("TILE_COLS")?],
            tiles: shader.constant("TILES")?,
        })
    }

    /// Workgroups in x, y and z for an output of so many blocks.
    fn workgroups(&self, [rows, cols]: [usize; 2]) -> [u32; 3] {
        let [rows, cols] = [rows.div_ceil(self.tile[0]), cols.div_ceil(self.tile[1])];
        match self.tiles {
            1 => [cols as u32, rows as u32, 1],
            tiles => fold((rows * cols).div_ceil(tiles)),
        }
    }

    /// A launch of one of the kernels, for an output of so many blocks. Of the matrices, with the numbers of their
    /// bindings in ascending order, it takes those that the kernel binds.
    fn launch(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        params: Params,
        matrices: &[(u32, &Matrix)],
        blocks: [usize; 2],
        work: Work,
    ) -> Result<Launch> {
        let bound = matrices.iter().filter(|(binding, _)| kernel.binds(*binding));
        let matrices: Vec<&Matrix> = bound.map(|(_, matrix)| *matrix).collect();
        let networks = matrices[0].networks().len();
        if self.half && matrices[0].networks()[..] != [0] {
            return Err(Error::shape("a product in f16: networks", 1, matrices[0].networks()));
        }
        let [across, down, _] = self.workgroups(blocks);
        if across as usize > MAX_WORKGROUPS {
            return Err(Error::too_large(format!(
                "a product of {} x {} values needs {across} workgroups in a row, and an adapter has {MAX_WORKGROUPS}",
                4 * blocks[0],
                4 * blocks[1]
            )));
        }
        cut(gpu, down as usize, work, |first, down| {
            let mut params = params;
            params.first = first;
            let (bound, fills) = match &self.textures {
                None => {
                    let slices: Vec<_> = matrices.iter().map(|matrix| matrix.slice()).collect();
                    (kernel.bind(gpu, &params, &slices)?, Vec::new())
                }
                Some(textures) => textures.operands.bind(gpu, kernel, &params, &matrices)?,
            };
            Ok(bound.launch([across, down, networks as u32]).after(fills))
        })
    }
}

impl Matmul {
    /// Compiles one form, for products of every size.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu, shader: Shader) -> Result<Self> {
        Self::by_size(gpu, &[shader]).await
    }

    /// Compiles several forms, from small workgroups to large ones: the size of a product decides.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn by_size(gpu: &Gpu, shaders: &[Shader]) -> Result<Self> {
        let mut forms = Vec::new();
        for &shader in shaders {
            forms.push(Form::new(gpu, shader).await?);
        }
        Ok(Self { forms })
    }

    /// z = x · w + b, and max(z, 0) if `relu`. x \[rows, ins\], w \[ins, outs\] with its bias, z \[rows, outs\].
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn forward(&self, gpu: &Gpu, x: &Matrix, w: &Matrix, z: &Matrix, relu: bool) -> Result<Launch> {
        let params = Params { fused: u32::from(relu), ..Self::params("forward", [x, w, z], &[x, z], None)? };
        let blocks = [z.layout.row_blocks, w.layout.col_blocks];
        let form = self.form(blocks);
        let kernel = match x.layout.element {
            Element::F32 => &form.forward,
            Element::Byte => &form.forward_bytes,
        };
        let work = work(x, w.layout, &[x, w, z]);
        form.launch(gpu, kernel, params, &[(1, x), (2, w), (4, z)], blocks, work)
    }

    /// dx = dz · wᵀ, and of that only where x > 0 if x came out of a `relu`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn backward(
        &self,
        gpu: &Gpu,
        dz: &Matrix,
        w: &Matrix,
        x: &Matrix,
        dx: &Matrix,
        relu: bool,
    ) -> Result<Launch> {
        let params =
            Params { fused: u32::from(relu), ..Self::params("backward", [x, w, dz], &[x, dz, dx], None)? };
        if dx.layout != x.layout || x.layout.element != Element::F32 {
            let both = Layout { element: Element::F32, ..x.layout };
            return Err(Error::shape("backward: x and dx", (both, both), (x.layout, dx.layout)));
        }
        let blocks = [x.layout.row_blocks, x.layout.col_blocks - 1];
        let form = self.form(blocks);
        let matrices = [(1, x), (2, w), (3, dz), (4, dx)];
        form.launch(gpu, &form.backward, params, &matrices, blocks, work(x, w.layout, &[x, w, dz, dx]))
    }

    /// g = xᵀ · dz, the bias included, and a step along it, of each network's `sgd`: w changes, and v if there is momentum.
    ///
    /// Where no network has momentum, v is not touched, and may be any buffer of a `vec4` or more.
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
        sgd: &[Sgd],
    ) -> Result<Launch> {
        let params = Self::params("update", [x, w, dz], &[x, dz], Some(sgd))?;
        let keeps = sgd.iter().any(|sgd| sgd.momentum != 0.0);
        if keeps && (v.layout, v.blocks_apart()) != (w.layout, w.blocks_apart()) {
            return Err(Error::shape("update: velocity", w.layout, v.layout));
        }
        self.weights(gpu, Params { fused: 1, ..params }, keeps, [x, dz, w, v])
    }

    /// g = xᵀ · dz, the bias included: the gradient that [`update`](Self::update) takes a step along.
    ///
    /// `spare` is not touched, and may be any other buffer of a `vec4` or more.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain.
    pub fn gradient(&self, gpu: &Gpu, x: &Matrix, dz: &Matrix, g: &Matrix, spare: &Matrix) -> Result<Launch> {
        let params = Self::params("gradient", [x, g, dz], &[x, dz], None)?;
        self.weights(gpu, params, false, [x, dz, g, spare])
    }

    /// The product over a batch's rows, laid out as weights.
    fn weights(&self, gpu: &Gpu, params: Params, keeps: bool, [x, dz, w, v]: [&Matrix; 4]) -> Result<Launch> {
        let blocks = [w.layout.row_blocks, w.layout.col_blocks];
        let form = self.form(blocks);
        let kernel = match (&form.textures, x.layout.element) {
            (Some(textures), _) if params.fused == 0 => &textures.gradient,
            (Some(textures), _) if keeps => &textures.update_momentum,
            (_, Element::F32) => &form.update,
            (_, Element::Byte) => &form.update_bytes,
        };
        let matrices = [(1, x), (2, w), (3, dz), (4, w), (5, v)];
        form.launch(gpu, kernel, params, &matrices, blocks, work(x, w.layout, &[x, dz, w, v]))
    }

    /// The sizes in blocks, if x \[rows, ins\], w \[ins, outs\] and z \[rows, outs\] fit together, and where each network's
    /// begin; and the numbers of its step, if it takes one. Batches are all equally far apart.
    fn params(
        what: &str,
        [x_of, w_of, z_of]: [&Matrix; 3],
        batches: &[&Matrix],
        sgd: Option<&[Sgd]>,
    ) -> Result<Params> {
        let [x, w, z] = [x_of, w_of, z_of].map(|matrix| matrix.layout);
        if (x.cols, z.cols, z.row_blocks) != (w.rows, w.cols, x.row_blocks) {
            return Err(Error::shape(
                format!("{what}: [rows, ins] of x, [ins, outs] of w, [rows, outs] of z"),
                ([x.rows, w.rows], [w.rows, w.cols], [x.rows, w.cols]),
                ([x.rows, x.cols], [w.rows, w.cols], [z.rows, z.cols]),
            ));
        }
        let networks = networks_of(what, &[x_of, w_of, z_of])?;
        let nothing = vec![Sgd { lr: 0.0, momentum: 0.0, weight_decay: 0.0 }; networks.len()];
        Ok(Params {
            rows: x.row_blocks as u32,
            ins: x.col_blocks as u32,
            outs: w.col_blocks as u32,
            stride: x.stride_blocks() as u32,
            fused: 0,
            first: 0,
            rows_apart: rows_apart(what, batches.iter().copied())? / BLOCK as u32,
            w_apart: w_of.blocks_apart(),
            network: table(what, networks, sgd.unwrap_or(&nothing), Network::of)?,
        })
    }

    /// Which of a layer's products have operands rounded to f16, on a batch of so many rows: forward, backward, update.
    pub fn in_f16(&self, rows: usize, w: Layout) -> [bool; 3] {
        let blocks = |rows: usize, cols: usize| [rows.div_ceil(BLOCK), cols.div_ceil(BLOCK)];
        let outputs = [blocks(rows, w.cols), blocks(rows, w.rows), [w.row_blocks, w.col_blocks]];
        outputs.map(|blocks| self.form(blocks).half)
    }

    /// The form for an output of so many blocks.
    fn form(&self, blocks: [usize; 2]) -> &Form {
        let fits = |form: &&Form| {
            let fills_one = blocks[0] >= form.tile[0] && blocks[1] >= form.tile[1];
            fills_one && form.workgroups(blocks).iter().product::<u32>() >= ENOUGH_WORKGROUPS
        };
        self.forms.iter().rfind(fits).unwrap_or(&self.forms[0])
    }
}

/// A product has a multiplication and an addition for each row, input and output, whichever of the three it sums over.
fn work(x: &Matrix, w: Layout, matrices: &[&Matrix]) -> Work {
    let (shape, networks) = (vec![x.layout.rows, w.rows, w.cols], x.networks().len() as u64);
    let flops = 2 * shape.iter().product::<usize>() as u64;
    let bytes: u64 = matrices.iter().map(|matrix| matrix.layout.size()).sum();
    Work { shape, flops: networks * flops, bytes: networks * bytes }
}
