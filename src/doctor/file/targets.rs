//! The targets: classes counted from 0 or from 1, one-hot rows, several labels, numbers.

use super::layout::misshapen;
use super::npy::{Array, Refusal};
use crate::reference::{Matrix, argmax};

/// Targets as a matrix `[n, outputs]`, and what is to be said about them.
///
/// # Errors
/// A class that the network does not have, or a shape that does not fit.
pub fn read(y: &Array, n: usize, outputs: usize, rows: bool) -> Result<(Matrix, Option<String>), Refusal> {
    let flat = y.is_flat();
    if flat && y.data.len() == n && !(n == 1 && outputs > 1 && y.data.len() == outputs) {
        return if outputs == 1 { Ok((column(y), None)) } else { classes(y, outputs) };
    }
    let square = Array { shape: if flat { vec![1, y.data.len()] } else { y.shape.clone() }, ..y.clone() };
    let targets = square.matrix(rows || flat).filter(|y| y.shape() == [n, outputs]);
    // Targets may lie the other way round than X, unless that could be meant either way.
    let turned = square.matrix(!rows).filter(|y| y.shape() == [n, outputs] && !flat);
    targets.or(turned).map(|targets| (targets, None)).ok_or_else(|| {
        let expected = format!("{n} labels (as many as X has samples), or targets [{n}, {outputs}]");
        misshapen("y", &expected, &y.shape)
    })
}

/// Numbers, one a sample.
fn column(y: &Array) -> Matrix {
    Matrix::from_fn(y.data.len(), 1, |r, _| y.data[r])
}

/// Classes as one-hot rows.
fn classes(y: &Array, outputs: usize) -> Result<(Matrix, Option<String>), Refusal> {
    let first = first_class(&y.data, outputs);
    let valid = |&label: &f64| label >= first && label < first + outputs as f64 && label.fract() == 0.0;
    match y.data.iter().find(|label| !valid(label)) {
        None => {
            let hot = |r: usize, c: usize| f64::from(y.data[r] - first == c as f64);
            let note = (first > 0.0).then(|| "y counts classes from 1".to_owned());
            Ok((Matrix::from_fn(y.data.len(), outputs, hot), note))
        }
        Some(label) => {
            let problem =
                format!("has a label {label} in y, but the last layer has classes 0 to {}", outputs - 1);
            Err(Refusal::new(problem, "labels count from 0, or all of them from 1; or export one-hot rows"))
        }
    }
}

/// The number of the first class: 1 where there is no 0, but as many as the last class would be then.
pub fn first_class(labels: &[f64], outputs: usize) -> f64 {
    let from_one = labels.iter().all(|&label| label >= 1.0) && labels.contains(&(outputs as f64));
    f64::from(u8::from(from_one))
}

/// One 1 among zeros.
pub fn is_hot(row: &[f64]) -> bool {
    row.iter().filter(|&&value| value != 0.0).count() == 1 && row.contains(&1.0)
}

/// Whether one-hot rows or columns are those of these labels; nothing if they are not one-hot, or labels of other samples.
pub fn are_of(hot: &Array, labels: &Array) -> Option<bool> {
    let n = labels.data.len();
    let rows = [true, false]
        .into_iter()
        .filter_map(|direct| hot.matrix(direct))
        .find(|m| labels.is_flat() && m.rows() == n && m.cols() > 1 && (0..n).all(|r| is_hot(m.row(r))))?;
    let whole = labels.data.iter().all(|label| label.fract() == 0.0 && *label >= 0.0);
    let first = first_class(&labels.data, rows.cols());
    let within = labels.data.iter().all(|&label| label < first + rows.cols() as f64);
    let of = |first: f64| (0..n).all(|r| argmax(rows.row(r)) as f64 + first == labels.data[r]);
    (n > 0 && whole && within).then(|| of(0.0) || of(1.0))
}
