//! Numbers that are missing, or no longer those of this step: λ and the learning rate.

use super::layers::{common, input, layers};
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{matmul_tn, minus, norm};
use crate::doctor::formulas::scale;

/// The λ that every dW of the file shows: `dW = k·aᵀ·dz + λ·W`.
pub fn decay(case: &Case, slack: f64) -> Option<f64> {
    let mut found = Vec::new();
    for l in layers(case) {
        let (Some(dz), Some(a), Some(dw)) =
            (case.get(Slot::Dz(l)), input(case, l), case.get(Slot::Grad(Param::W(l))))
        else {
            continue;
        };
        let (base, w) = (matmul_tn(a, dz), case.w(l));
        if dw.data().len() < 2 {
            continue;
        }
        if scale::multiple(dw, &base, slack).is_some() {
            return None;
        }
        let (factor, decay) = scale::combination(dw, &base, w, slack)?;
        // Two numbers explain any two values: one of them must be known beforehand.
        let usual = [1.0, case.count()].iter().any(|n| (factor * n - 1.0).abs() < slack);
        if dw.data().len() < 4 && !usual {
            continue;
        }
        found.push((decay, 1e-3));
    }
    common(&found).map(f64::abs).filter(|decay| *decay > 0.0)
}

/// The learning rate that all steps show, if it is another than the file's and no number of the batch explains it.
pub fn scheduled(case: &Case, lr: f64, slack: f64) -> Option<f64> {
    let mut rates = Vec::new();
    for param in layers(case).flat_map(|l| [Param::W(l), Param::B(l)]) {
        let (Some(new), Some(gradient)) = (case.get(Slot::New(param)), case.get(Slot::Grad(param))) else {
            continue;
        };
        let old = &case.given[&Slot::Param(param)];
        let step = minus(old, new);
        if norm(gradient) == 0.0 || gradient.shape() != step.shape() {
            continue;
        }
        let rounding = 1e2 * if slack > 1e-6 { 1e-7 } else { 1e-16 } * norm(old) / norm(&step);
        // A step that is nothing but rounding shows no rate.
        if rounding > 1e-2 {
            continue;
        }
        rates.push((scale::multiple(&step, gradient, slack.max(rounding))?, rounding.max(1e-3)));
    }
    let rate = common(&rates).filter(|_| rates.len() > 1)?.abs();
    let (n, outputs) = (case.count(), case.classes() as f64);
    let known = [1.0, n, outputs, n * outputs, n / outputs, n * n, 1.0 / lr];
    let explained = known.iter().any(|known| {
        let ratio = rate / lr / known;
        (ratio - 1.0).abs() < 1e-3 || (ratio * known * known - 1.0).abs() < 1e-3
    });
    (!explained && rate > 0.0).then_some(rate)
}
