//! Matrix operations the formulas of the doctor are written in.
//!
//! Products go through `ndarray`: the doctor forms hundreds of them, and `replay` trains with them.

use crate::reference::Matrix;
use ndarray::ArrayView2;

/// `f` of two matrices of one shape, element by element.
pub fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    let data = a.data().iter().zip(b.data()).map(|(&a, &b)| f(a, b)).collect();
    Matrix::new(a.shape(), data).unwrap_or_else(|_| a.map(|_| f64::NAN))
}

/// `a + b`
pub fn plus(a: &Matrix, b: &Matrix) -> Matrix {
    zip(a, b, |a, b| a + b)
}

/// `a - b`
pub fn minus(a: &Matrix, b: &Matrix) -> Matrix {
    zip(a, b, |a, b| a - b)
}

/// `a ⊙ b`
pub fn times(a: &Matrix, b: &Matrix) -> Matrix {
    zip(a, b, |a, b| a * b)
}

/// `c · a`
pub fn scaled(a: &Matrix, c: f64) -> Matrix {
    a.map(|a| c * a)
}

/// `a · b`
pub fn matmul(a: &Matrix, b: &Matrix) -> Matrix {
    product(view(a), view(b))
}

/// `aᵀ · b`
pub fn matmul_tn(a: &Matrix, b: &Matrix) -> Matrix {
    product(view(a).reversed_axes(), view(b))
}

/// `a · bᵀ`
pub fn matmul_nt(a: &Matrix, b: &Matrix) -> Matrix {
    product(view(a), view(b).reversed_axes())
}

/// The affine map of a layer: `x · w + b`, with the row b `[1, out]` added to every row.
pub fn dense(x: &Matrix, w: &Matrix, b: &Matrix) -> Matrix {
    let mut z = matmul(x, w);
    for row in z.data_mut().chunks_mut(b.cols().max(1)) {
        for (z, b) in row.iter_mut().zip(b.data()) {
            *z += b;
        }
    }
    z
}

#[allow(clippy::expect_used, reason = "a tensor has as many values as its shape says")]
fn view(a: &Matrix) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((a.rows(), a.cols()), a.data()).expect("a matrix of its own shape")
}

#[allow(clippy::expect_used, reason = "a tensor has as many values as its shape says")]
fn product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Matrix {
    let c = a.dot(&b);
    let shape = [c.nrows(), c.ncols()];
    // A product of vectors may come out in column-major order.
    let data = c.as_standard_layout().iter().copied().collect();
    Matrix::new(shape, data).expect("a matrix of its own shape")
}

/// The square root of the sum of squares.
pub fn norm(a: &Matrix) -> f64 {
    size(a.data().iter().copied())
}

/// The norm of `a - b`.
pub fn distance(a: &Matrix, b: &Matrix) -> f64 {
    size(a.data().iter().zip(b.data()).map(|(a, b)| a - b))
}

fn size(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(0.0_f64, |max, a| max.max(a.abs()));
    if max == 0.0 || !max.is_finite() {
        return max;
    }
    max * values.map(|a| (a / max).powi(2)).sum::<f64>().sqrt()
}

/// `Σ a_i b_i`
pub fn dot(a: &Matrix, b: &Matrix) -> f64 {
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

/// The sum of every row, as a column `[rows, 1]`.
pub fn row_sums(a: &Matrix) -> Matrix {
    Matrix::from_fn(a.rows(), 1, |r, _| a.row(r).iter().sum())
}

/// The sum of every column, as a row `[1, cols]`.
pub fn column_sums(a: &Matrix) -> Matrix {
    let mut sums = Matrix::zeros([1, a.cols()]);
    for r in 0..a.rows() {
        for (sum, value) in sums.data_mut().iter_mut().zip(a.row(r)) {
            *sum += value;
        }
    }
    sums
}

/// The values of `a` in the shape `[rows, cols]`, read in row-major order.
pub fn reshaped(a: &Matrix, rows: usize, cols: usize) -> Option<Matrix> {
    Matrix::new([rows, cols], a.data().to_vec()).ok()
}

/// One value.
pub fn scalar(value: f64) -> Matrix {
    Matrix::from_fn(1, 1, |_, _| value)
}

/// Whether every value is a number.
pub fn finite(a: &Matrix) -> bool {
    a.data().iter().all(|a| a.is_finite())
}

/// The mean of each column, `[1, cols]`.
pub fn column_means(a: &Matrix) -> Matrix {
    scaled(&column_sums(a), 1.0 / a.rows().max(1) as f64)
}

/// Each column less its mean.
pub fn centred(a: &Matrix) -> Matrix {
    let means = column_means(a);
    Matrix::from_fn(a.rows(), a.cols(), |r, c| a.at(r, c) - means.at(0, c))
}
