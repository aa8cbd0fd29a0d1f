//! What can be said about numbers that no formula explains.

use super::permutation;
use crate::doctor::formulas::algebra::dot;
use crate::reference::Matrix;

/// The spread of a ratio that still counts as one number.
const SAME: f64 = 1e-3;

/// The pattern in which `u` differs from the right `r`.
pub fn describe(u: &Matrix, r: &Matrix) -> String {
    if u.shape() != r.shape() {
        return format!("unknown: shape {:?} where {:?} is right", u.shape(), r.shape());
    }
    if let Some(at) = u.data().iter().position(|u| !u.is_finite()) {
        let count = u.data().iter().filter(|u| !u.is_finite()).count();
        let (row, col) = (at / u.cols(), at % u.cols());
        return format!("unknown: {count} values are nan or infinite, the first at [{row}, {col}]");
    }
    if u.data().iter().all(|&u| u == 0.0) {
        return "unknown: every value is 0".to_owned();
    }
    if permutation::order(u, r).is_some() {
        return "unknown: the right rows in another order".to_owned();
    }
    let ratio = Matrix::from_fn(u.rows(), u.cols(), |row, col| u.at(row, col) / r.at(row, col));
    if let Some(c) = constant(ratio.data()) {
        return format!("unknown: {c:.6} times the right one");
    }
    let rows: Option<Vec<f64>> = (0..ratio.rows()).map(|row| constant(ratio.row(row))).collect();
    if rows.is_some() && ratio.cols() > 1 {
        return "unknown: each row is the right one times a number of its own (a weight for each sample?)"
            .to_owned();
    }
    let turned = ratio.transposed();
    let columns: Option<Vec<f64>> = (0..turned.rows()).map(|col| constant(turned.row(col))).collect();
    if columns.is_some() && ratio.rows() > 1 {
        return "unknown: each column is the right one times a number of its own (a factor for each unit?)"
            .to_owned();
    }
    let zeros = (0..u.data().len()).filter(|&i| u.data()[i] == 0.0 && r.data()[i] != 0.0).count();
    let extra = (0..u.data().len()).filter(|&i| u.data()[i] != 0.0 && r.data()[i] == 0.0).count();
    let cosine = dot(u, r) / (dot(u, u) * dot(r, r)).sqrt();
    format!(
        "unknown: cosine to the right one {cosine:.4}; {zeros} values are 0 that should not be, {extra} are not 0 \
         that should be"
    )
}

/// The common value of all finite ratios, if they have one.
fn constant(ratios: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = ratios.iter().copied().filter(|ratio| ratio.is_finite()).collect();
    let &first = finite.first()?;
    finite.iter().all(|ratio| (ratio - first).abs() <= SAME * first.abs()).then_some(first)
}
