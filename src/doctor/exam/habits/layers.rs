//! What all habits go through: the layers of a case, their inputs, and numbers that these have in common.

use crate::doctor::file::case::Case;
use crate::doctor::file::slot::Slot;
use crate::reference::Matrix;
use std::ops::RangeInclusive;

/// A value that all have in common, if there is one; each comes with how exactly it is known, relatively.
pub fn common(values: &[(f64, f64)]) -> Option<f64> {
    let &(sure, _) = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    values.iter().all(|(value, slack)| (value - sure).abs() <= slack * sure.abs()).then_some(sure)
}

/// The numbers of a case's layers.
pub fn layers(case: &Case) -> RangeInclusive<usize> {
    1..=case.depth()
}

/// The input of a layer, if the file has it.
pub fn input(case: &Case, l: usize) -> Option<&Matrix> {
    if l == 1 { Some(&case.x) } else { case.get(Slot::A(l - 1)) }
}
