//! What a network ends in and is measured by: the function behind the last z, and the loss.
//!
//! ```text
//! p = h(z_L)          h: softmax, softmax of an activation, or an activation of every output by itself
//! E = Σ_i Σ_j e(p_ij, y_ij)      e: -y log p;  -(y log p + (1 - y) log(1 - p));  ½(p - y)²;  |p - y|;
//!                                and Huber's: ½(p - y)² up to a distance of δ, beyond it δ(|p - y| - δ/2)
//! dE/dz_L = h'(z_L) applied to dE/dp
//! ```
//!
//! Source: Bishop, *Pattern Recognition and Machine Learning* (2006), sections 4.3 and 5.2; Huber, *Robust Estimation of a
//! Location Parameter* (1964).

use super::algebra::{minus, row_sums, scaled, times, zip};
use crate::network::Activation;
use crate::reference::{Matrix, softmax};

/// The function behind the last z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// `softmax(z)`
    Softmax,
    /// `softmax(f(z))`
    SoftmaxOf(Activation),
    /// `f(z)` of every output by itself
    Of(Activation),
}

impl Head {
    /// `h(z)`
    pub fn apply(self, z: &Matrix) -> Matrix {
        match self {
            Self::Softmax => softmax(z),
            Self::SoftmaxOf(f) => softmax(&z.map(|z| f.apply(z))),
            Self::Of(f) => z.map(|z| f.apply(z)),
        }
    }

    /// The gradient by z of what has the gradient g by p.
    pub fn back(self, z: &Matrix, p: &Matrix, g: &Matrix) -> Matrix {
        match self {
            Self::Softmax => jacobian(p, g),
            Self::SoftmaxOf(f) => times(&jacobian(p, g), &z.map(|z| f.derivative(z))),
            Self::Of(f) => times(g, &z.map(|z| f.derivative(z))),
        }
    }

    /// Whether the rows of p sum to 1.
    pub fn is_softmax(self) -> bool {
        !matches!(self, Self::Of(_))
    }
}

/// In words, for several outputs.
impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Softmax => f.write_str("a softmax"),
            Self::SoftmaxOf(activation) => write!(f, "a softmax of {}(z)", activation.name()),
            Self::Of(Activation::Identity) => f.write_str("z itself"),
            Self::Of(activation) => write!(f, "{}(z)", activation.name()),
        }
    }
}

/// What one output and its target cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// `-y log p`
    CrossEntropy,
    /// `-(y log p + (1 - y) log(1 - p))`
    Binary,
    /// `½(p - y)²`
    Squared,
    /// `|p - y|`
    Absolute,
    /// `½(p - y)²` up to this distance δ, beyond it `δ(|p - y| - δ/2)`
    Huber(f64),
}

impl Measure {
    /// The sum over samples and outputs.
    pub fn total(self, p: &Matrix, y: &Matrix) -> f64 {
        let part = |y: f64, log: f64| if y == 0.0 { 0.0 } else { -y * log };
        let cost = zip(p, y, |p, y| match self {
            Self::CrossEntropy => part(y, p.ln()),
            Self::Binary => part(y, p.ln()) + part(1.0 - y, (1.0 - p).ln()),
            Self::Squared => (p - y).powi(2) / 2.0,
            Self::Absolute => (p - y).abs(),
            Self::Huber(delta) if (p - y).abs() <= delta => (p - y).powi(2) / 2.0,
            Self::Huber(delta) => delta * ((p - y).abs() - delta / 2.0),
        });
        cost.data().iter().sum()
    }

    /// Its gradient by p.
    pub fn gradient(self, p: &Matrix, y: &Matrix) -> Matrix {
        zip(p, y, |p, y| match self {
            Self::CrossEntropy if y == 0.0 => 0.0,
            Self::CrossEntropy => -y / p,
            Self::Binary => (p - y) / (p * (1.0 - p)),
            Self::Squared => p - y,
            Self::Absolute if p == y => 0.0,
            Self::Absolute => (p - y).signum(),
            Self::Huber(delta) => (p - y).clamp(-delta, delta),
        })
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Binary => "binary cross-entropy",
            Self::Squared => "squared error",
            Self::Absolute => "absolute error",
            Self::Huber(_) => "Huber loss",
        }
    }
}

/// A head, a measure, and the factor that the gradient has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// The function behind the last z.
    pub head: Head,
    /// The loss of one output.
    pub measure: Measure,
    /// Gradients are this times those of the sum over outputs: 2 for `Σ(p - y)²`, 1/C for a mean over outputs.
    pub factor: f64,
}

impl Default for Design {
    fn default() -> Self {
        Self::ALL[0]
    }
}

const fn design(head: Head, measure: Measure) -> Design {
    Design { head, measure, factor: 1.0 }
}

impl Design {
    /// Every design that makes sense, the likeliest first.
    pub const ALL: [Self; 18] = [
        design(Head::Softmax, Measure::CrossEntropy),
        design(Head::Of(Activation::Sigmoid), Measure::Binary),
        design(Head::Of(Activation::Sigmoid), Measure::Squared),
        design(Head::Of(Activation::Identity), Measure::Squared),
        design(Head::Of(Activation::Tanh), Measure::Squared),
        design(Head::Of(Activation::Relu), Measure::Squared),
        design(Head::Of(Activation::LeakyRelu), Measure::Squared),
        design(Head::Of(Activation::Softplus), Measure::Squared),
        design(Head::SoftmaxOf(Activation::Tanh), Measure::CrossEntropy),
        design(Head::SoftmaxOf(Activation::Sigmoid), Measure::CrossEntropy),
        design(Head::SoftmaxOf(Activation::Relu), Measure::CrossEntropy),
        design(Head::Softmax, Measure::Squared),
        design(Head::SoftmaxOf(Activation::Tanh), Measure::Squared),
        design(Head::SoftmaxOf(Activation::Sigmoid), Measure::Squared),
        design(Head::Of(Activation::Identity), Measure::Absolute),
        design(Head::Of(Activation::Sigmoid), Measure::Absolute),
        design(Head::Of(Activation::Tanh), Measure::Absolute),
        design(Head::Softmax, Measure::Absolute),
    ];

    /// Softmax and cross-entropy: one class for each sample.
    pub fn is_usual(self) -> bool {
        self.head == Head::Softmax && self.measure == Measure::CrossEntropy
    }

    /// `dE/dz_L`, not divided by the number of samples. Where head and measure belong together, the head's derivative
    /// has cancelled.
    pub fn delta(self, z: &Matrix, p: &Matrix, y: &Matrix) -> Matrix {
        let e = minus(p, y);
        let delta = match (self.head, self.measure) {
            (Head::Softmax, Measure::CrossEntropy) | (Head::Of(Activation::Sigmoid), Measure::Binary) => e,
            (Head::SoftmaxOf(f), Measure::CrossEntropy) => times(&e, &z.map(|z| f.derivative(z))),
            (head, measure) => head.back(z, p, &measure.gradient(p, y)),
        };
        scaled(&delta, self.factor)
    }

    /// Whether targets can be what this is measured against.
    pub fn takes(self, y: &Matrix) -> bool {
        let classes = || y.cols() > 1 && row_sums(y).data().iter().all(|sum| (sum - 1.0).abs() < 1e-6);
        let shares = || y.data().iter().all(|y| (0.0..=1.0).contains(y));
        match self.measure {
            Measure::Binary => shares(),
            Measure::CrossEntropy => shares() && classes(),
            Measure::Squared | Measure::Absolute | Measure::Huber(_) => !self.head.is_softmax() || classes(),
        }
    }
}

/// In words: `sigmoid(z) with squared error`.
impl std::fmt::Display for Design {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {}", self.head, self.measure.name())
    }
}

/// `J(g)`: the softmax's Jacobian applied to every row, `p ⊙ (g - Σ_k g_k p_k)`.
pub fn jacobian(p: &Matrix, g: &Matrix) -> Matrix {
    let inner = row_sums(&times(g, p));
    Matrix::from_fn(p.rows(), p.cols(), |r, c| p.at(r, c) * (g.at(r, c) - inner.at(r, 0)))
}
