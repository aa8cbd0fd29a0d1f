//! The matrices of a batch, and what one thread does with its rows of them.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

use super::layer::Layer;
use crate::data::Chunk;
use crate::model::MlpSpec;

/// Made once, for the largest number of rows.
pub(super) struct Batch {
    /// The input of each layer.
    x: Vec<Array2<f32>>,
    /// The output of each layer before the activation, then its gradient in the same place; the last is the logits'.
    z: Vec<Array2<f32>>,
}

/// The rows of a batch that one thread works on.
pub(super) struct Rows<'a> {
    x: Vec<ArrayViewMut2<'a, f32>>,
    z: Vec<ArrayViewMut2<'a, f32>>,
    samples: &'a [u32],
}

/// Loss and hits of some rows.
#[derive(Default)]
pub(super) struct Part {
    pub loss: f64,
    pub hits: u64,
}

impl Batch {
    pub fn new(spec: &MlpSpec, rows: usize) -> Self {
        let matrices = |(ins, outs)| (Array2::zeros((rows, ins)), Array2::zeros((rows, outs)));
        let (x, z) = spec.layers().map(matrices).unzip();
        Self { x, z }
    }

    /// The rows of the samples, a part for each thread.
    pub fn split<'a>(&'a mut self, samples: &'a [u32]) -> Vec<Rows<'a>> {
        let part = samples.len().div_ceil(rayon::current_num_threads()).max(1);
        let rows = |samples| Rows { x: Vec::new(), z: Vec::new(), samples };
        let mut parts: Vec<Rows<'a>> = samples.chunks(part).map(rows).collect();
        for (x, z) in self.x.iter_mut().zip(&mut self.z) {
            let both = pieces(x, samples.len(), part).into_iter().zip(pieces(z, samples.len(), part));
            for (rows, (x, z)) in parts.iter_mut().zip(both) {
                rows.x.push(x);
                rows.z.push(z);
            }
        }
        parts
    }

    /// The input of a layer, and the gradient by its output, of the first `rows` rows.
    pub fn gradients(&self, layer: usize, rows: usize) -> (ArrayView2<'_, f32>, ArrayView2<'_, f32>) {
        let (x, z) = (self.x[layer].view(), self.z[layer].view());
        (x.split_at(Axis(0), rows).0, z.split_at(Axis(0), rows).0)
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
    pub fn forward(&mut self, layers: &[Layer], data: &Chunk<'_>) {
        for (mut x, &sample) in self.x[0].rows_mut().into_iter().zip(self.samples) {
            data.input(sample as usize, x.iter_mut());
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

    /// The output of the last layer.
    pub fn logits(&self) -> ArrayView2<'_, f32> {
        self.z[self.z.len() - 1].view()
    }

    /// Loss from the log of the sum of exponentials; a hit is where the first largest logit is the right class's.
    pub fn score(&self, data: &Chunk<'_>) -> Part {
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

    /// Turns every layer's z into its gradient, from the logits downwards; `scale` is 1 / samples in the batch.
    pub fn backward(&mut self, layers: &[Layer], data: &Chunk<'_>, scale: f32) {
        let last = layers.len() - 1;
        for (z, &sample) in self.z[last].rows_mut().into_iter().zip(self.samples) {
            softmax_minus_target(z, data.labels()[sample as usize] as usize, scale);
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
