//! The mathematics in plain f64: textbook page, twin of every kernel, and the doctor's referee.
//!
//! A network of L layers maps a batch `x = a_0 [batch, in]` to class scores. For l = 1..L
//!
//! ```text
//! z_l = a_{l-1} · w_l + b_l            w_l [in_l, out_l], b_l [out_l]
//! a_l = f(z_l)                         hidden layers;  logits = z_L
//! p   = softmax(logits)                p_ij = exp(z_ij - m_i) / Σ_k exp(z_ik - m_i),  m_i = max_k z_ik
//! loss = 1/N Σ_i (log Σ_k exp z_ik - z_{i,y_i})
//! ```
//!
//! and backwards, where dq is the derivative of the mean loss by q,
//!
//! ```text
//! dz_L = (p - onehot(y)) / N
//! dw_l = a_{l-1}ᵀ · dz_l               db_l = Σ_rows dz_l
//! da_{l-1} = dz_l · w_lᵀ               dz_{l-1} = da_{l-1} ⊙ f'(z_{l-1})
//! ```
//!
//! Source: Goodfellow, Bengio, Courville, *Deep Learning* (2016), algorithms 6.3 and 6.4; Bishop, *Pattern
//! Recognition and Machine Learning* (2006), sections 4.3.4 and 5.3. Nothing here is fast; everything is plain.

use crate::network::Activations;
use crate::tensor::Tensor;

/// A matrix in double precision.
pub type Matrix = Tensor<f64>;

/// What the hardware multiplies in f16: each value rounded to the nearest of 11 bits; beyond 65504 it is infinite.
pub fn rounded_to_f16(m: &Matrix) -> Matrix {
    m.map(|value| half::f16::from_f64(value).to_f64())
}

/// `a · b` for a `[m, k]` and b `[k, n]`.
///
/// # Panics
/// If the inner dimensions differ: a twin is only ever called with shapes its kernel has already checked.
pub fn matmul(a: &Matrix, b: &Matrix) -> Matrix {
    assert_eq!(a.cols(), b.rows(), "inner dimensions of a matrix product");
    let (k, n) = (a.cols(), b.cols());
    let mut c = Matrix::zeros([a.rows(), n]);
    for r in 0..a.rows() {
        for i in 0..k {
            let a_ri = a.at(r, i);
            let out = &mut c.data_mut()[r * n..(r + 1) * n];
            for (c_rc, b_ic) in out.iter_mut().zip(b.row(i)) {
                *c_rc += a_ri * b_ic;
            }
        }
    }
    c
}

/// The affine map of a layer: `z = x · w + b`, with b added to every row.
pub fn dense(x: &Matrix, w: &Matrix, b: &[f64]) -> Matrix {
    let mut z = matmul(x, w);
    for row in z.data_mut().chunks_mut(b.len().max(1)) {
        for (z, b) in row.iter_mut().zip(b) {
            *z += b;
        }
    }
    z
}

/// `Σ_rows q`: the gradient of a bias that was added to every row.
pub fn sum_rows(q: &Matrix) -> Vec<f64> {
    (0..q.cols()).map(|c| (0..q.rows()).map(|r| q.at(r, c)).sum()).collect()
}

/// `log Σ_k exp z_k`, shifted by the maximum so that it neither overflows nor loses a small loss.
pub fn log_sum_exp(z: &[f64]) -> f64 {
    let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + z.iter().map(|z| (z - max).exp()).sum::<f64>().ln()
}

/// Softmax of every row.
pub fn softmax(logits: &Matrix) -> Matrix {
    let lse: Vec<f64> = (0..logits.rows()).map(|r| log_sum_exp(logits.row(r))).collect();
    Matrix::from_fn(logits.rows(), logits.cols(), |r, c| (logits.at(r, c) - lse[r]).exp())
}

/// Categorical cross-entropy of every row, in nats: `log Σ_k exp z_k - z_y`.
pub fn cross_entropy(logits: &Matrix, labels: &[u32]) -> Vec<f64> {
    let one = |(r, &y): (usize, &u32)| log_sum_exp(logits.row(r)) - logits.at(r, y as usize);
    labels.iter().enumerate().map(one).collect()
}

/// The gradient of the mean cross-entropy by the logits: `(softmax(z) - onehot(y)) / N`.
pub fn cross_entropy_backward(logits: &Matrix, labels: &[u32]) -> Matrix {
    smoothed_cross_entropy_backward(logits, labels, 0.0)
}

/// Cross-entropy of every row with the target `(1 - ε) · onehot(y) + ε / classes`, as PyTorch's `label_smoothing` has it:
/// `log Σ_k exp z_k - (1 - ε) · z_y - ε · mean(z)`.
///
/// Source: Szegedy and others, *Rethinking the Inception Architecture* (2016), section 7.
pub fn smoothed_cross_entropy(logits: &Matrix, labels: &[u32], smoothing: f64) -> Vec<f64> {
    let sharp = cross_entropy(logits, labels);
    let even = (0..logits.rows()).map(|r| {
        let z = logits.row(r);
        log_sum_exp(z) - z.iter().sum::<f64>() / z.len() as f64
    });
    sharp.iter().zip(even).map(|(sharp, even)| (1.0 - smoothing) * sharp + smoothing * even).collect()
}

/// The gradient of its mean by the logits: `(softmax(z) - target) / N`.
pub fn smoothed_cross_entropy_backward(logits: &Matrix, labels: &[u32], smoothing: f64) -> Matrix {
    let p = softmax(logits);
    let (n, classes) = (labels.len() as f64, p.cols() as f64);
    let onehot = |r: usize, c: usize| f64::from(labels[r] as usize == c);
    let target = |r: usize, c: usize| (1.0 - smoothing) * onehot(r, c) + smoothing / classes;
    Matrix::from_fn(p.rows(), p.cols(), |r, c| (p.at(r, c) - target(r, c)) / n)
}

/// Whether the label is the class with the largest logit (the first of equals), for every row.
pub fn hits(logits: &Matrix, labels: &[u32]) -> Vec<bool> {
    labels.iter().enumerate().map(|(r, &y)| argmax(logits.row(r)) == y as usize).collect()
}

/// The position of the largest value, the first of equals.
pub fn argmax<T: PartialOrd>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best })
}

/// One layer's parameters, or their gradients, or their velocities.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Weights `[in, out]`.
    pub w: Matrix,
    /// Biases `[out]`.
    pub b: Vec<f64>,
}

impl Layer {
    /// The same shapes, all zero.
    pub fn zeros_like(&self) -> Self {
        Self { w: Matrix::zeros(self.w.shape()), b: vec![0.0; self.b.len()] }
    }
}

/// A multi-layer perceptron.
#[derive(Debug, Clone)]
pub struct Mlp {
    /// From the input to the logits.
    pub layers: Vec<Layer>,
    /// What follows every layer but the last.
    pub activation: Activations,
}

/// What a forward pass computes; entry l - 1 belongs to layer l.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Before the activation; the last one is the logits.
    pub z: Vec<Matrix>,
    /// The input of each layer: x first, then the hidden activations.
    pub a: Vec<Matrix>,
}

impl Forward {
    /// `z_L`
    ///
    /// # Panics
    /// If the network had no layer.
    pub fn logits(&self) -> &Matrix {
        &self.z[self.z.len() - 1]
    }
}

/// What a backward pass computes; entry l - 1 belongs to layer l.
#[derive(Debug, Clone)]
pub struct Backward {
    /// The derivative by each layer's z.
    pub dz: Vec<Matrix>,
    /// The derivatives by each layer's parameters.
    pub layers: Vec<Layer>,
}

impl Mlp {
    /// The forward pass of a batch `x [batch, in]`.
    pub fn forward(&self, x: &Matrix) -> Forward {
        self.forward_with(x, &[])
    }

    /// The forward pass with dropout: hidden activations are multiplied by masks, if there are any.
    pub fn forward_with(&self, x: &Matrix, masks: &[Matrix]) -> Forward {
        let (mut z, mut a) = (Vec::new(), vec![x.clone()]);
        for (l, layer) in self.layers.iter().enumerate() {
            z.push(dense(&a[l], &layer.w, &layer.b));
            if l + 1 < self.layers.len() {
                let active = z[l].map(|z| self.activation.of(l).apply(z));
                a.push(masked(active, masks.get(l)));
            }
        }
        Forward { z, a }
    }

    /// The mean cross-entropy of a batch.
    pub fn loss(&self, x: &Matrix, labels: &[u32]) -> f64 {
        let losses = cross_entropy(self.forward(x).logits(), labels);
        losses.iter().sum::<f64>() / labels.len() as f64
    }

    /// The gradients of the mean cross-entropy, by back-propagation.
    pub fn backward(&self, forward: &Forward, labels: &[u32]) -> Backward {
        self.backward_with(forward, labels, 0.0, &[])
    }

    /// The same with smoothed labels, and with the masks of the forward pass.
    pub fn backward_with(
        &self,
        forward: &Forward,
        labels: &[u32],
        smoothing: f64,
        masks: &[Matrix],
    ) -> Backward {
        let dz = smoothed_cross_entropy_backward(forward.logits(), labels, smoothing);
        self.backward_from(forward, dz, masks)
    }

    /// The same from the gradient by the logits, whatever the loss is.
    pub fn backward_from(&self, forward: &Forward, dz: Matrix, masks: &[Matrix]) -> Backward {
        let mut dz = vec![dz];
        for l in (1..self.layers.len()).rev() {
            let da = matmul(&dz[dz.len() - 1], &self.layers[l].w.transposed());
            let mut dz_below = masked(da, masks.get(l - 1));
            for (dz, &z) in dz_below.data_mut().iter_mut().zip(forward.z[l - 1].data()) {
                *dz *= self.activation.of(l - 1).derivative(z);
            }
            dz.push(dz_below);
        }
        dz.reverse();
        let gradient =
            |(a, dz): (&Matrix, &Matrix)| Layer { w: matmul(&a.transposed(), dz), b: sum_rows(dz) };
        let layers = forward.a.iter().zip(&dz).map(gradient).collect();
        Backward { dz, layers }
    }
}

/// Element by element times a mask, if there is one.
fn masked(mut values: Matrix, mask: Option<&Matrix>) -> Matrix {
    if let Some(mask) = mask {
        values.data_mut().iter_mut().zip(mask.data()).for_each(|(value, mask)| *value *= mask);
    }
    values
}
