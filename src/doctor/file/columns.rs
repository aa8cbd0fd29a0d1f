//! Columns of ones, which stand for biases among the inputs of a layer.

use super::npy::Array;
use crate::reference::Matrix;

/// Where the ones stand among the inputs of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Before the others.
    First,
    /// Behind them.
    Last,
}

impl End {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Last];
}

/// Whether the column at an end is of ones alone.
pub fn has_ones(m: &Matrix, end: End) -> bool {
    let column = if end == End::First { 0 } else { m.cols().saturating_sub(1) };
    m.cols() > 1 && m.rows() > 0 && (0..m.rows()).all(|r| m.at(r, column) == 1.0)
}

/// Without its first or last column.
pub fn without_column(m: &Matrix, end: End) -> Matrix {
    let first = usize::from(end == End::First);
    Matrix::from_fn(m.rows(), m.cols() - 1, |r, c| m.at(r, c + first))
}

/// With a column of ones at an end.
pub fn with_ones(m: &Matrix, end: End) -> Matrix {
    let first = usize::from(end == End::First);
    Matrix::from_fn(m.rows(), m.cols() + 1, |r, c| match c.checked_sub(first) {
        Some(c) if c < m.cols() => m.at(r, c),
        _ => 1.0,
    })
}

/// Whether `grown` is `array` with a column of ones, or a row where samples are columns.
pub fn is_with_ones(grown: &Array, array: &Array) -> bool {
    let [first, second] = [grown, array].map(|array| array.shape.as_slice());
    let (&[rows, cols], &[own_rows, own_cols]) = (first, second) else { return false };
    if (rows, cols) != (own_rows, own_cols + 1) && (rows, cols) != (own_rows + 1, own_cols) {
        return false;
    }
    let (Some(grown), Some(own)) = (grown.matrix(true), array.matrix(true)) else { return false };
    let is = |grown: &Matrix, own: &Matrix| {
        let fits = grown.rows() == own.rows() && grown.cols() == own.cols() + 1;
        fits && End::ALL.into_iter().any(|end| with_ones(own, end).data() == grown.data())
    };
    is(&grown, &own) || is(&grown.transposed(), &own.transposed())
}
