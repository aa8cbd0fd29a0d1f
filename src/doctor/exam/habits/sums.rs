//! Gradients of more samples than the one whose arrays the file has: what a loop over samples leaves behind.

use super::layers::{input, layers};
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::matmul_tn;
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::residual;
use crate::reference::Matrix;

/// What is said of such gradients.
const ASIDE: &str = "the gradients have more in them than this one sample: `aᵀ·dz` of one sample has one row and its multiples, \
                     and no dW here is that. They are sums over a batch whose last sample is in the file, or have momentum in \
                     them; gradients and steps are not checked. Export the arrays of the whole batch, or the gradients of this sample";

/// Sets gradients and steps aside if they are those of other samples, too: none is this sample's, and one is no product of
/// two vectors at all, nor that and a penalty.
pub fn set_aside(case: &mut Case, slack: f64) {
    let earlier = case.given.keys().any(|slot| matches!(slot, Slot::GradPrev(_)));
    if case.n != 1 || earlier {
        return;
    }
    let mut sums = false;
    for l in layers(case) {
        let (Some(dz), Some(a)) = (case.get(Slot::Dz(l)), input(case, l)) else { continue };
        if let Some(dw) = case.get(Slot::Grad(Param::W(l))).filter(|dw| dw.data().len() > 1) {
            let product = matmul_tn(a, dz);
            if is_of_this(dw, &product, case.w(l), slack) {
                return;
            }
            sums |= !is_product(dw, slack);
        }
        let db = case.get(Slot::Grad(Param::B(l))).filter(|db| db.shape() == dz.shape());
        if db.is_some_and(|db| db.data().len() > 1 && scale::multiple(db, dz, slack).is_some()) {
            return;
        }
    }
    if !sums {
        return;
    }
    let of_step = |slot: &Slot| !matches!(slot, Slot::Param(_)) && slot.param().is_some();
    let aside: Vec<Slot> = case.given.keys().copied().filter(of_step).collect();
    for slot in aside {
        case.given.remove(&slot);
        case.aside.insert(slot);
    }
    case.notes.push(ASIDE.to_owned());
}

/// Whether a gradient is this sample's: a multiple, with a penalty, or with its values cut off.
fn is_of_this(dw: &Matrix, product: &Matrix, w: &Matrix, slack: f64) -> bool {
    let most = dw.data().iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let cut = product.map(|value| value.clamp(-most, most));
    scale::multiple(dw, product, slack).is_some()
        || scale::combination(dw, product, w, slack).is_some()
        || scale::multiple(dw, &cut, slack).is_some()
}

/// Whether a matrix is the product of a column and a row.
fn is_product(m: &Matrix, slack: f64) -> bool {
    let at =
        (0..m.data().len()).max_by(|&i, &j| m.data()[i].abs().total_cmp(&m.data()[j].abs())).unwrap_or(0);
    let (row, col) = (at / m.cols(), at % m.cols());
    let pivot = m.at(row, col);
    residual(m, &Matrix::from_fn(m.rows(), m.cols(), |r, c| m.at(r, col) * m.at(row, c) / pivot)) < slack
}
