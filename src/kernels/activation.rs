//! The outputs of hidden layers other than the products' ReLU: the host of `activation.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::fold;
use super::matrix::Matrix;
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Slice, Work};
use crate::network::Activation;
use crate::step::dropout::Dropout;

pub(super) const SHADER: Shader =
    Shader { name: "activation", source: include_str!("../../shaders/activation.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    seed: [u32; 2],
    index: u32,
    threshold: u32,
    scale: f32,
    first_row: u32,
    unused: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    width: u32,
    cols: u32,
    activation: u32,
    layer: u32,
    rows_apart: u32,
    unused: [u32; 2],
    network: [Network; NETWORKS],
}

impl Network {
    fn of(index: u32, dropout: Dropout) -> Self {
        Self {
            seed: dropout.key(),
            index,
            threshold: dropout.threshold(),
            scale: dropout.scale(),
            first_row: dropout.first_row,
            unused: [0; 2],
        }
    }
}

/// The kernels of `activation.wgsl`.
#[derive(Clone)]
pub struct Activate {
    train: Kernel,
    evaluate: Kernel,
    backward: Kernel,
    activation: Activation,
}

impl Activate {
    /// Compiles the kernels, for one activation.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu, activation: Activation) -> Result<Self> {
        Ok(Self {
            train: Kernel::new(gpu, SHADER, "train").await?,
            evaluate: Kernel::new(gpu, SHADER, "evaluate").await?,
            backward: Kernel::new(gpu, SHADER, "backward").await?,
            activation,
        })
    }

    /// One for each hidden layer; they share their kernels.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn of_layers(gpu: &Gpu, activations: &[Activation]) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for &activation in activations {
            let one = match all.first() {
                // The kernels are the same, and told the activation at every launch.
                Some(first) => Self { activation, ..first.clone() },
                None => Self::new(gpu, activation).await?,
            };
            all.push(one);
        }
        Ok(all)
    }

    /// a = f(a) ⊙ D and slope = f'(a) ⊙ D for hidden layer `layer`, counted from 0, with the masks D of each network's
    /// `dropout` in the step whose [`Step`](crate::step::optimizer::Step) is in `steps`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the slopes are not of a's shape.
    pub fn train(
        &self,
        gpu: &Gpu,
        (dropout, layer): (&[Dropout], usize),
        steps: Slice<'_>,
        slope: &Matrix,
        a: &Matrix,
    ) -> Result<Launch> {
        let params = Params { layer: layer as u32, ..self.params(slope, a, dropout)? };
        self.launch(gpu, &self.train, params, &[steps, slope.slice(), a.slice()], a)
    }

    /// a = f(a)
    ///
    /// # Errors
    /// [`Error::Shape`] if the buffers do not fit the kernel.
    pub fn evaluate(&self, gpu: &Gpu, a: &Matrix) -> Result<Launch> {
        self.launch(gpu, &self.evaluate, self.params(a, a, &Self::undropped(a))?, &[a.slice()], a)
    }

    /// dz = dz ⊙ slope
    ///
    /// # Errors
    /// [`Error::Shape`] if the slopes are not of dz's shape.
    pub fn backward(&self, gpu: &Gpu, slope: &Matrix, dz: &Matrix) -> Result<Launch> {
        let params = self.params(slope, dz, &Self::undropped(dz))?;
        self.launch(gpu, &self.backward, params, &[slope.slice(), dz.slice()], dz)
    }

    /// Where nothing is drawn.
    fn undropped(a: &Matrix) -> Vec<Dropout> {
        vec![Dropout::default(); a.networks().len()]
    }

    fn params(&self, slope: &Matrix, a: &Matrix, dropout: &[Dropout]) -> Result<Params> {
        let (what, layout) = ("activation", a.layout);
        if slope.layout != layout {
            return Err(Error::shape("activation: slopes", layout, slope.layout));
        }
        let networks = networks_of(what, &[a, slope])?;
        let activation = match self.activation {
            Activation::Relu => 0,
            Activation::Sigmoid => 1,
            Activation::Tanh => 2,
            Activation::Gelu => 3,
            Activation::LeakyRelu => 4,
            Activation::Elu => 5,
            Activation::Silu => 6,
            Activation::Softplus => 7,
            Activation::Identity => 8,
        };
        Ok(Params {
            rows: 4 * layout.row_blocks as u32,
            width: layout.col_blocks as u32 - 1,
            cols: layout.cols as u32,
            activation,
            layer: 0,
            rows_apart: rows_apart(what, [a, slope])?,
            unused: [0; 2],
            network: table(what, networks, dropout, Network::of)?,
        })
    }

    fn launch(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        params: Params,
        buffers: &[Slice<'_>],
        a: &Matrix,
    ) -> Result<Launch> {
        let invocations = (params.rows * params.width) as usize;
        let [x, y, _] = fold(invocations.div_ceil(kernel.workgroup_size()[0] as usize));
        let workgroups = [x, y, a.networks().len() as u32];
        let bytes = buffers.iter().map(Slice::size).sum();
        let work = Work { shape: vec![a.layout.rows, a.layout.cols], flops: 0, bytes };
        Ok(kernel.bind(gpu, &params, buffers)?.launch(workgroups).doing(work))
    }
}
