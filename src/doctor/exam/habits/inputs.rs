//! X saved before it was scaled.

use crate::doctor::file::case::Case;
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::{column_sums, dense, matmul, minus};
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::residual;
use crate::reference::Matrix;

/// Inputs beyond this are probably scaled before they are used.
const UNSCALED: f64 = 20.0;

/// The same cases with bytes scaled to 0..1, none if X is small; and none where z shows whether they were, unless it `may`.
pub fn of_bytes(cases: &[Case], may: bool) -> Vec<Case> {
    let unscaled = |case: &Case| {
        (may || case.get(Slot::Z(1)).is_none()) && case.x.data().iter().any(|x| x.abs() > UNSCALED)
    };
    if !cases.iter().all(unscaled) {
        return Vec::new();
    }
    cases.iter().map(|case| scaled_inputs(case, 1.0 / 255.0, 0.0)).collect()
}

fn scaled_inputs(case: &Case, factor: f64, shift: f64) -> Case {
    let mut case = case.clone();
    case.x = case.x.map(|x| factor * x + shift);
    let shifted = if shift == 0.0 { String::new() } else { format!(" {shift:+.6}") };
    case.notes.push(format!("X is used as {factor:.6}·X{shifted}: it was saved before it was scaled"));
    case
}

/// `z_1 = (s·X + t)·W_1 + b_1` with s and t fitted, where X itself does not give z_1.
pub fn rescale_inputs(case: &mut Case, slack: f64) {
    let Some(z) = case.get(Slot::Z(1)) else { return };
    if residual(z, &dense(&case.x, case.w(1), case.b(1))) < slack {
        return;
    }
    let zero = Matrix::zeros([case.n, case.sizes[0]]);
    let rest = minus(z, &dense(&zero, case.w(1), case.b(1)));
    let product = matmul(&case.x, case.w(1));
    let sums = column_sums(case.w(1));
    let ones = Matrix::from_fn(case.n, z.cols(), |_, c| sums.at(0, c));
    let alone = scale::multiple(&rest, &product, slack).map(|s| (s, 0.0));
    let both = || scale::combination(&rest, &product, &ones, slack);
    let found = |&(s, t): &(f64, f64)| s > 0.0 && (s - 1.0).abs() + t.abs() > 1e-3;
    // A factor that everybody uses needs few numbers that show it.
    let usual = |s: f64| [255.0, 256.0].iter().any(|range| (s * range - 1.0).abs() < 1e-3);
    let enough = |&(s, t): &(f64, f64)| z.data().len() > 8 || (z.data().len() > 2 && t == 0.0 && usual(s));
    if let Some((s, t)) = alone.filter(found).or_else(|| both().filter(found)).filter(enough) {
        *case = scaled_inputs(case, s, t);
    }
}
