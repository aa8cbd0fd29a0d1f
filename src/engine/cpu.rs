//! Training on the CPU's cores, in f32, with the matrix products of `ndarray` (the `matrixmultiply` crate).
//!
//! A batch's rows are split over the threads: each takes its rows forward through all layers and back again. Then each
//! layer's weights are split over the threads by rows, and `w -= lr · xᵀ · dz` is one product that is added right into
//! w. So a step waits for all threads twice, and allocates no matrix.

use std::sync::Arc;

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

use super::{Engine, EngineInfo, Split, StepOptions};
use crate::data::{Dataset, Samples};
use crate::error::{Error, Result};
use crate::kernels::Sgd;
use crate::metrics::Sums;
use crate::model::{Dense, MlpSpec, Parameters};
use crate::tensor::Tensor;

/// Batches between two looks at whether to go on.
const BATCHES_PER_CALL: usize = 16;

/// Rows that an evaluation takes at once.
const EVALUATION_ROWS: usize = 512;

/// A network in host memory.
pub struct CpuEngine {
    dataset: Arc<Dataset>,
    options: StepOptions,
    layers: Vec<Layer>,
    batch: Batch,
    sums: Sums,
}

struct Layer {
    w: Array2<f32>,
    b: Array1<f32>,
    /// Velocities of w and b, if there is momentum.
    v: Option<(Array2<f32>, Array1<f32>)>,
}

/// The matrices of a batch, made once for its largest number of rows.
struct Batch {
    /// The input of each layer.
    x: Vec<Array2<f32>>,
    /// The output of each layer before the activation, then its gradient in the same place; the last is the logits'.
    z: Vec<Array2<f32>>,
}

/// The rows of a batch that one thread works on.
struct Rows<'a> {
    x: Vec<ArrayViewMut2<'a, f32>>,
    z: Vec<ArrayViewMut2<'a, f32>>,
    samples: &'a [u32],
}

/// Loss and hits of some rows.
#[derive(Default)]
struct Part {
    loss: f64,
    hits: u64,
}

impl CpuEngine {
    /// A network of the spec's sizes with all parameters zero.
    pub fn new(spec: &MlpSpec, dataset: Arc<Dataset>, options: StepOptions) -> Self {
        let momentum = options.sgd.momentum != 0.0;
        let layers = spec.layers().map(|(ins, outs)| Layer::zeros(ins, outs, momentum)).collect();
        let batch = Batch::new(spec, options.batch_size.max(EVALUATION_ROWS));
        Self { dataset, options, layers, batch, sums: Sums::default() }
    }

    /// One step: forward and backward by rows of the batch, then the update by rows of the weights.
    fn step(&mut self, samples: &[u32]) {
        let (layers, data) = (&self.layers, &self.dataset.train);
        let scale = 1.0 / samples.len() as f32;
        let parts: Vec<Part> = self
            .batch
            .split(samples)
            .into_par_iter()
            .map(|mut rows| {
                rows.forward(layers, data);
                let part = rows.score(data);
                rows.backward(layers, data, scale);
                part
            })
            .collect();
        self.sums.samples += samples.len() as u64;
        self.add(&parts);
        let Batch { x, z } = &self.batch;
        let rows = samples.len();
        for (layer, (x, dz)) in self.layers.iter_mut().zip(x.iter().zip(z)) {
            let (x, dz) = (x.view().split_at(Axis(0), rows).0, dz.view().split_at(Axis(0), rows).0);
            layer.update(x, dz, self.options.sgd);
        }
    }

    fn add(&mut self, parts: &[Part]) {
        if self.sums.loss.is_empty() {
            self.sums.loss.push(0.0);
        }
        for part in parts {
            self.sums.loss[0] += part.loss;
            self.sums.hits += part.hits;
        }
    }

    /// Runs the samples forward, a few hundred at a time, and hands each piece's rows to `each`.
    fn forward_all<T: Send>(
        &mut self,
        split: Split,
        samples: &[u32],
        each: impl Fn(&Rows<'_>, &Samples) -> T + Sync,
    ) -> Vec<T> {
        let (layers, data) = (&self.layers, split.of(&self.dataset));
        let mut all = Vec::new();
        for piece in samples.chunks(EVALUATION_ROWS) {
            let rows = self.batch.split(piece).into_par_iter();
            let results = rows.map(|mut rows| {
                rows.forward(layers, data);
                each(&rows, data)
            });
            all.extend(results.collect::<Vec<T>>());
        }
        all
    }
}

impl Batch {
    fn new(spec: &MlpSpec, rows: usize) -> Self {
        let (x, z) = spec
            .layers()
            .map(|(ins, outs)| (Array2::zeros((rows, ins)), Array2::zeros((rows, outs))))
            .unzip();
        Self { x, z }
    }

    /// The rows of the samples, a part for each thread.
    fn split<'a>(&'a mut self, samples: &'a [u32]) -> Vec<Rows<'a>> {
        let part = samples.len().div_ceil(rayon::current_num_threads()).max(1);
        let mut parts: Vec<Rows<'a>> =
            samples.chunks(part).map(|samples| Rows { x: Vec::new(), z: Vec::new(), samples }).collect();
        for x in &mut self.x {
            for (rows, x) in parts.iter_mut().zip(pieces(x, samples.len(), part)) {
                rows.x.push(x);
            }
        }
        for z in &mut self.z {
            for (rows, z) in parts.iter_mut().zip(pieces(z, samples.len(), part)) {
                rows.z.push(z);
            }
        }
        parts
    }
}

/// The first `rows` rows of a matrix, in pieces of `part` rows.
fn pieces(matrix: &mut Array2<f32>, rows: usize, part: usize) -> Vec<ArrayViewMut2<'_, f32>> {
    let (mut pieces, mut rest) = (Vec::new(), matrix.view_mut().split_at(Axis(0), rows).0);
    while rest.nrows() > part {
        let (piece, below) = rest.split_at(Axis(0), part);
        pieces.push(piece);
        rest = below;
    }
    pieces.push(rest);
    pieces
}

impl Rows<'_> {
    /// Fills every layer's input and output.
    fn forward(&mut self, layers: &[Layer], data: &Samples) {
        for (mut x, &sample) in self.x[0].rows_mut().into_iter().zip(self.samples) {
            for (x, &byte) in x.iter_mut().zip(data.row(sample as usize)) {
                *x = f32::from(byte) * (1.0 / 255.0);
            }
        }
        for (l, layer) in layers.iter().enumerate() {
            self.z[l].assign(&layer.b);
            general_mat_mul(1.0, &self.x[l], &layer.w, 1.0, &mut self.z[l]);
            if let Some(a) = self.x.get_mut(l + 1) {
                // Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
                a.zip_mut_with(&self.z[l], |a, &z| *a = if z < 0.0 { 0.0 } else { z });
            }
        }
    }

    fn logits(&self) -> ArrayView2<'_, f32> {
        self.z[self.z.len() - 1].view()
    }

    /// Loss from the log of the sum of exponentials; a hit is where the first largest logit is the right class's.
    fn score(&self, data: &Samples) -> Part {
        let mut part = Part::default();
        for (z, &sample) in self.logits().rows().into_iter().zip(self.samples) {
            let label = data.labels()[sample as usize] as usize;
            let best = (1..z.len()).fold(0, |best, j| if z[j] > z[best] { j } else { best });
            let max = z[best];
            let sum: f32 = z.iter().map(|z| (z - max).exp()).sum();
            part.loss += f64::from(sum.ln() - (z[label] - max));
            part.hits += u64::from(best == label);
        }
        part
    }

    /// Turns every layer's z into its gradient, from the logits downwards.
    fn backward(&mut self, layers: &[Layer], data: &Samples, scale: f32) {
        let last = layers.len() - 1;
        for (z, &sample) in self.z[last].rows_mut().into_iter().zip(self.samples) {
            let label = data.labels()[sample as usize] as usize;
            softmax_minus_target(z, label, scale);
        }
        for l in (1..layers.len()).rev() {
            let (below, above) = self.z.split_at_mut(l);
            general_mat_mul(1.0, &above[0], &layers[l].w.t(), 0.0, &mut below[l - 1]);
            below[l - 1].zip_mut_with(&self.x[l], |dz, &a| *dz = if a > 0.0 { *dz } else { 0.0 });
        }
    }
}

/// z becomes (softmax(z) - onehot(label)) · scale.
fn softmax_minus_target(mut z: ArrayViewMut1<'_, f32>, label: usize, scale: f32) {
    let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    z.mapv_inplace(|z| (z - max).exp());
    let factor = scale / z.sum();
    z.mapv_inplace(|e| e * factor);
    z[label] -= scale;
}

impl Layer {
    fn zeros(ins: usize, outs: usize, momentum: bool) -> Self {
        let (w, b) = (Array2::zeros((ins, outs)), Array1::zeros(outs));
        Self { v: momentum.then(|| (w.clone(), b.clone())), w, b }
    }

    /// A step along the gradients xᵀ · dz and Σ dz.
    fn update(&mut self, x: ArrayView2<'_, f32>, dz: ArrayView2<'_, f32>, sgd: Sgd) {
        let Sgd { lr, momentum, weight_decay } = sgd;
        let db = dz.sum_axis(Axis(0));
        let part = self.w.nrows().div_ceil(rayon::current_num_threads());
        let x = x.t();
        match &mut self.v {
            None => {
                let keep = 1.0 - lr * weight_decay;
                self.w
                    .axis_chunks_iter_mut(Axis(0), part)
                    .into_par_iter()
                    .zip(x.axis_chunks_iter(Axis(0), part))
                    .for_each(|(mut w, x)| general_mat_mul(-lr, &x, &dz, keep, &mut w));
                self.b.zip_mut_with(&db, |b, db| *b = keep * *b - lr * db);
            }
            Some((v, v_b)) => {
                self.w
                    .axis_chunks_iter_mut(Axis(0), part)
                    .into_par_iter()
                    .zip(v.axis_chunks_iter_mut(Axis(0), part))
                    .zip(x.axis_chunks_iter(Axis(0), part))
                    .for_each(|((mut w, mut v), x)| {
                        general_mat_mul(1.0, &x, &dz, momentum, &mut v);
                        v.scaled_add(weight_decay, &w);
                        w.scaled_add(-lr, &v);
                    });
                v_b.zip_mut_with(&db, |v, db| *v = momentum * *v + db);
                v_b.scaled_add(weight_decay, &self.b);
                self.b.scaled_add(-lr, v_b);
            }
        }
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> EngineInfo {
        let threads = rayon::current_num_threads();
        let adapter = format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
        EngineInfo { backend: "cpu".into(), adapter, device_type: "cpu".into() }
    }

    async fn train(&mut self, samples: &[u32]) -> Result<usize> {
        let batch = self.options.batch_size;
        let taken = samples.len().min(batch * BATCHES_PER_CALL);
        samples[..taken].chunks(batch).for_each(|batch| self.step(batch));
        Ok(taken)
    }

    async fn sums(&mut self) -> Result<Sums> {
        Ok(self.sums.clone())
    }

    async fn set_sums(&mut self, sums: &Sums) -> Result<()> {
        self.sums = sums.clone();
        Ok(())
    }

    async fn evaluate(&mut self, split: Split, samples: &[u32]) -> Result<Sums> {
        let parts = self.forward_all(split, samples, |rows, data| rows.score(data));
        Ok(Sums {
            loss: parts.iter().map(|part| part.loss).collect(),
            hits: parts.iter().map(|part| part.hits).sum(),
            samples: samples.len() as u64,
        })
    }

    async fn logits(&mut self, split: Split, samples: &[u32]) -> Result<Tensor> {
        let classes = self.layers.last().map_or(0, |layer| layer.b.len());
        let pieces =
            self.forward_all(split, samples, |rows, _| rows.logits().iter().copied().collect::<Vec<f32>>());
        Tensor::new([samples.len(), classes], pieces.concat())
    }

    async fn parameters(&mut self) -> Result<Parameters> {
        dense_layers(self.layers.iter().map(|layer| (&layer.w, &layer.b)))
    }

    async fn velocities(&mut self) -> Result<Option<Parameters>> {
        let all: Option<Vec<_>> = self.layers.iter().map(|l| l.v.as_ref().map(|(w, b)| (w, b))).collect();
        all.map(|all| dense_layers(all.into_iter())).transpose()
    }

    async fn set_parameters(
        &mut self,
        parameters: &Parameters,
        velocities: Option<&Parameters>,
    ) -> Result<()> {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let shape = layer.w.dim();
            let of = |parameters: &Parameters| arrays(parameters, index, shape);
            (layer.w, layer.b) = of(parameters)?;
            layer.v = match (&layer.v, velocities) {
                (None, _) => None,
                (Some(_), Some(velocities)) => Some(of(velocities)?),
                (Some(_), None) => Some((Array2::zeros(layer.w.dim()), Array1::zeros(layer.b.dim()))),
            };
        }
        Ok(())
    }
}

fn dense_layers<'a>(layers: impl Iterator<Item = (&'a Array2<f32>, &'a Array1<f32>)>) -> Result<Parameters> {
    let dense = |(w, b): (&Array2<f32>, &Array1<f32>)| {
        let w = Tensor::new([w.nrows(), w.ncols()], w.iter().copied().collect())?;
        Ok(Dense { w, b: Tensor::new([b.len()], b.to_vec())? })
    };
    Ok(Parameters { layers: layers.map(dense).collect::<Result<_>>()? })
}

fn arrays(
    parameters: &Parameters,
    index: usize,
    (ins, outs): (usize, usize),
) -> Result<(Array2<f32>, Array1<f32>)> {
    let misfit = |got: &[usize]| Error::shape(format!("parameters of layer {index}"), [ins, outs], got);
    let Dense { w, b } = parameters.layers.get(index).ok_or_else(|| misfit(&[]))?;
    if w.shape() != [ins, outs] || b.shape() != [outs] {
        return Err(misfit(w.shape()));
    }
    let w = Array2::from_shape_vec((ins, outs), w.data().to_vec()).map_err(|_| misfit(&[]))?;
    Ok((w, Array1::from_vec(b.data().to_vec())))
}
