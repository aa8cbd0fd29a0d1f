//! Rows that are right but in another order: X was shuffled, and what was computed from it was not, or twice.

use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::reference::Matrix;

/// The order in which the right rows stand in `u`: entry r is the right row that `u` has at r.
pub fn order(u: &Matrix, right: &Matrix) -> Option<Vec<usize>> {
    let row = |m: &Matrix, r: usize| Matrix::from_fn(1, m.cols(), |_, c| m.at(r, c));
    let mut used = vec![false; right.rows()];
    let mut order = Vec::with_capacity(u.rows());
    for r in 0..u.rows() {
        let own = row(u, r);
        let found = (0..right.rows()).find(|&k| !used[k] && residual(&own, &row(right, k)) < 1e-3)?;
        used[found] = true;
        order.push(found);
    }
    order.iter().enumerate().any(|(r, &k)| r != k).then_some(order)
}

/// The right rows in the order found, if there is one.
pub fn trial(slot: Slot, u: &Matrix, right: &Matrix) -> Option<Trial> {
    let order = order(u, right)?;
    let value = Matrix::from_fn(right.rows(), right.cols(), |r, c| right.at(order[r], c));
    let start: Vec<String> = order.iter().take(6).map(usize::to_string).collect();
    let formula = format!("the right rows in another order: {}, …", start.join(", "));
    Some(Trial::new(value, vec![cause(slot, Bug::InputsNotAligned, formula)]))
}
