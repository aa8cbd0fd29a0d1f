//! The network itself on the device: its parameters, and the launches of a forward pass and of a training step.

use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch, Slice};
use crate::kernels::{Kernels, Layout, Matrix, Sgd};
use crate::model::{Dense, MlpSpec, Parameters};
use crate::tensor::Tensor;

/// Parameters in device memory.
pub(super) struct Network {
    pub gpu: Gpu,
    pub kernels: Kernels,
    layers: Vec<Layer>,
    momentum: bool,
}

struct Layer {
    w: Matrix,
    /// Velocities; without momentum one block that no kernel touches.
    v: Matrix,
}

/// One matrix for each layer's output, with room for a fixed number of rows.
pub(super) struct Outputs {
    buffers: Vec<Buffer>,
    widths: Vec<usize>,
}

impl Outputs {
    pub fn new(gpu: &Gpu, label: &str, spec: &MlpSpec, rows: usize) -> Result<Self> {
        let widths: Vec<usize> = spec.layers().map(|(_, outs)| outs).collect();
        let buffer = |(l, &width): (usize, &usize)| {
            // The kernels never write the constant that the next layer's bias meets: it is written here.
            gpu.upload(&format!("{label}{l}"), &Layout::activations(rows, width).pack_activations(&[]))
        };
        Ok(Self { buffers: widths.iter().enumerate().map(buffer).collect::<Result<_>>()?, widths })
    }

    /// The matrices of a batch of `rows`.
    pub fn of(&self, rows: usize) -> Vec<Matrix> {
        let both = self.buffers.iter().zip(&self.widths);
        both.map(|(buffer, &width)| Matrix::within(buffer, 0, Layout::activations(rows, width))).collect()
    }
}

impl Network {
    /// All parameters zero.
    pub fn new(gpu: Gpu, kernels: Kernels, spec: &MlpSpec, momentum: bool) -> Result<Self> {
        let layer = |(l, (ins, outs))| {
            let layout = Layout::weights(ins, outs);
            let velocities = if momentum { layout } else { Layout::weights(1, 1) };
            let w = Matrix::zeros(&gpu, &format!("w{l}"), layout)?;
            Ok(Layer { w, v: Matrix::zeros(&gpu, &format!("v{l}"), velocities)? })
        };
        let layers = spec.layers().enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { gpu, kernels, layers, momentum })
    }

    /// From x to the logits, which are the last of `z`.
    pub fn forward(&self, x: &Matrix, z: &[Matrix]) -> Result<Vec<Launch>> {
        let last = self.layers.len() - 1;
        let launch = |(l, layer): (usize, &Layer)| {
            let input = if l == 0 { x } else { &z[l - 1] };
            self.kernels.matmul.forward(&self.gpu, input, &layer.w, &z[l], l < last)
        };
        self.layers.iter().enumerate().map(launch).collect()
    }

    /// One step of gradient descent on a batch. All gradients are there before any weight changes, so that the
    /// updates depend on nothing but them and may run side by side.
    pub fn step(
        &self,
        x: &Matrix,
        z: &[Matrix],
        dz: &[Matrix],
        order: Slice<'_>,
        sums: &Buffer,
        sgd: Sgd,
    ) -> Result<Vec<Launch>> {
        let (gpu, matmul) = (&self.gpu, &self.kernels.matmul);
        let mut launches = self.forward(x, z)?;
        let last = self.layers.len() - 1;
        launches.push(self.kernels.softmax_xent.train(gpu, &z[last], order, sums, &dz[last])?);
        for l in (1..=last).rev() {
            launches.push(matmul.backward(gpu, &dz[l], &self.layers[l].w, &z[l - 1], &dz[l - 1])?);
        }
        for (l, Layer { w, v }) in self.layers.iter().enumerate() {
            let input = if l == 0 { x } else { &z[l - 1] };
            launches.push(matmul.update(gpu, input, &dz[l], w, v, sgd)?);
        }
        Ok(launches)
    }

    pub async fn parameters(&self) -> Result<Parameters> {
        let mut layers = Vec::new();
        for layer in &self.layers {
            layers.push(download(&self.gpu, &layer.w).await?);
        }
        Ok(Parameters { layers })
    }

    pub async fn velocities(&self) -> Result<Option<Parameters>> {
        if !self.momentum {
            return Ok(None);
        }
        let mut layers = Vec::new();
        for layer in &self.layers {
            layers.push(download(&self.gpu, &layer.v).await?);
        }
        Ok(Some(Parameters { layers }))
    }

    /// Overwrites the parameters, and the velocities too if there is momentum. Both are of the network's shapes.
    pub fn set(&self, parameters: &Parameters, velocities: &Parameters) -> Result<()> {
        let both = parameters.layers.iter().zip(&velocities.layers);
        for (layer, (w, v)) in self.layers.iter().zip(both) {
            layer.w.write(&self.gpu, &layer.w.layout.pack_weights(w.w.data(), w.b.data()))?;
            if self.momentum {
                layer.v.write(&self.gpu, &layer.v.layout.pack_weights(v.w.data(), v.b.data()))?;
            }
        }
        Ok(())
    }
}

async fn download(gpu: &Gpu, weights: &Matrix) -> Result<Dense> {
    let (packed, layout) = (weights.read(gpu).await?, weights.layout);
    let w = Tensor::new([layout.rows, layout.cols], layout.unpack(&packed))?;
    Ok(Dense { w, b: Tensor::new([layout.cols], layout.unpack_bias(&packed))? })
}
