//! Losses, their gradients with respect to the outputs of the network, and what counts as correct.
//!
//! With z the outputs `[samples, outputs]`, t the targets, N samples and K outputs:
//!
//! ```text
//! softmax cross-entropy   log Σ_k exp z_k - z_y                             dz = (softmax(z) - onehot(y)) / N
//! sigmoid cross-entropy   1/K Σ_k max(z_k, 0) - z_k t_k + log(1 + e^-|z_k|) dz = (σ(z) - t) / (N K)
//! squared error           1/K Σ_k (z_k - t_k)²                              dz = 2 (z - t) / (N K)
//! Huber's                 1/K Σ_k e²/2, |e| > δ: δ (|e| - δ/2)              dz = e, |e| > δ: δ sign(e); / (N K)   e = z - t
//! ```
//!
//! The first column is the loss of a sample; that of a batch is the mean. The second form of the sigmoid's cross-entropy
//! is `-(t log σ(z) + (1 - t) log(1 - σ(z)))`, written so that nothing overflows.
//!
//! Source: Bishop, *Pattern Recognition and Machine Learning* (2006), section 5.2, for loss and gradient that belong
//! together; Huber, *Robust Estimation of a Location Parameter* (1964).

use super::textbook::{Matrix, hits, smoothed_cross_entropy, smoothed_cross_entropy_backward};
use crate::network::Loss;

/// What the samples of a batch are to be answered with.
#[derive(Debug, Clone, Copy)]
pub enum Aim<'a> {
    /// A class each.
    Classes(&'a [u32]),
    /// Numbers each: `[samples, outputs]`.
    Values(&'a Matrix),
}

impl<'a> From<&'a [u32]> for Aim<'a> {
    fn from(classes: &'a [u32]) -> Self {
        Self::Classes(classes)
    }
}

impl<'a> From<&'a Vec<u32>> for Aim<'a> {
    fn from(classes: &'a Vec<u32>) -> Self {
        Self::Classes(classes)
    }
}

impl<'a> From<&'a Matrix> for Aim<'a> {
    fn from(values: &'a Matrix) -> Self {
        Self::Values(values)
    }
}

impl<'a> Aim<'a> {
    fn classes(self) -> &'a [u32] {
        match self {
            Self::Classes(classes) => classes,
            Self::Values(_) => unreachable!("softmax cross-entropy takes classes"),
        }
    }

    fn values(self) -> &'a Matrix {
        match self {
            Self::Classes(_) => unreachable!("this loss needs numbers"),
            Self::Values(values) => values,
        }
    }
}

/// `1 / (1 + exp(-z))`
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

impl Loss {
    /// An output's part of the loss before the mean over outputs, and the derivative of that.
    fn part(self, z: f64, t: f64) -> (f64, f64) {
        match self {
            Self::SoftmaxCrossEntropy => unreachable!("softmax cross-entropy has no parts"),
            Self::SigmoidCrossEntropy => (z.max(0.0) - z * t + (-z.abs()).exp().ln_1p(), sigmoid(z) - t),
            Self::SquaredError => ((z - t).powi(2), 2.0 * (z - t)),
            Self::Huber { delta } => {
                let (e, d) = (z - t, f64::from(delta));
                if e.abs() > d { (d * (e.abs() - d / 2.0), d * e.signum()) } else { (e * e / 2.0, e) }
            }
        }
    }

    /// The loss of every sample. Of classes, `smoothing` is spread over all of them.
    ///
    /// # Panics
    /// If the aim is of another kind or shape: a twin is only ever called with what its kernel has already checked.
    pub fn of_rows<'a>(self, z: &Matrix, aim: impl Into<Aim<'a>>, smoothing: f64) -> Vec<f64> {
        let aim = aim.into();
        if self == Self::SoftmaxCrossEntropy {
            return smoothed_cross_entropy(z, aim.classes(), smoothing);
        }
        let t = aim.values();
        let row = |r: usize| z.row(r).iter().zip(t.row(r)).map(|(&z, &t)| self.part(z, t).0).sum::<f64>();
        (0..z.rows()).map(|r| row(r) / z.cols() as f64).collect()
    }

    /// The gradient of the mean of that by z.
    ///
    /// # Panics
    /// As [`of_rows`](Self::of_rows).
    pub fn gradient<'a>(self, z: &Matrix, aim: impl Into<Aim<'a>>, smoothing: f64) -> Matrix {
        let aim = aim.into();
        if self == Self::SoftmaxCrossEntropy {
            return smoothed_cross_entropy_backward(z, aim.classes(), smoothing);
        }
        let (t, count) = (aim.values(), (z.rows() * z.cols()) as f64);
        Matrix::from_fn(z.rows(), z.cols(), |r, c| self.part(z.at(r, c), t.at(r, c)).1 / count)
    }

    /// Whether a sample is all right: the class has the largest logit, or every label lies on its side of 0. Numbers never
    /// are.
    ///
    /// # Panics
    /// As [`of_rows`](Self::of_rows).
    pub fn hits<'a>(self, z: &Matrix, aim: impl Into<Aim<'a>>) -> Vec<bool> {
        match (self, aim.into()) {
            (Self::SoftmaxCrossEntropy, aim) => hits(z, aim.classes()),
            (Self::SigmoidCrossEntropy, aim) => {
                let right = |(&z, &t): (&f64, &f64)| (z > 0.0) == (t > 0.5);
                (0..z.rows()).map(|r| z.row(r).iter().zip(aim.values().row(r)).all(right)).collect()
            }
            (Self::SquaredError | Self::Huber { .. }, _) => vec![false; z.rows()],
        }
    }
}
