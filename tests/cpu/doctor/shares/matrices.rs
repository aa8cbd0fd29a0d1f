//! The few operations on matrices that a spoilt network is made with.

use gpu_mlp::reference::Matrix;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Wrong numbers must be this far from the right ones.
const APART: f64 = 1e-3;

pub fn normal(rng: &mut ChaCha8Rng, rows: usize, cols: usize, spread: f64) -> Matrix {
    Matrix::from_fn(rows, cols, |_, _| ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0) * spread)
}

pub fn scaled(m: &Matrix, c: f64) -> Matrix {
    m.map(|value| value * c)
}

pub fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| f(a.at(r, c), b.at(r, c)))
}

pub fn column_sums(m: &Matrix) -> Matrix {
    Matrix::from_fn(1, m.cols(), |_, c| (0..m.rows()).map(|r| m.at(r, c)).sum())
}

pub fn apart(a: &Matrix, b: &Matrix) -> bool {
    if a.shape() != b.shape() {
        return true;
    }
    let size = |m: &Matrix| m.data().iter().map(|v| v * v).sum::<f64>().sqrt();
    let rest = zip(a, b, |a, b| a - b);
    !(size(&rest) <= APART * size(a).max(size(b)))
}
