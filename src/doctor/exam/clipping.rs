//! Gradients that were clipped: each value cut off at a border, or all scaled so that their norm is one.
//!
//! A border shows where several values lie on it exactly. A scale shows where it is the same for all parameters and makes
//! their norm a short number, such as people choose.

use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, matmul_tn, norm, scaled};
use crate::doctor::formulas::{gradient, scale};
use crate::reference::Matrix;

/// What is said where clipping explains a gradient.
const OF_VALUES: &str = "gradients are clipped: none is beyond the largest of them, which several have";
const OF_NORM: &str =
    "gradients are clipped to a norm: all are one number times aᵀ·dz, and their norm is a short number";

/// What clipping made of the gradients of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clipping {
    /// Nothing is beyond this border.
    Values(f64),
    /// All are this many times `aᵀ·dz`, and have a norm that was chosen.
    Norm(f64),
}

impl Clipping {
    /// Reads it off the gradients.
    pub fn of(case: &Case, single: bool) -> Option<Self> {
        let gradients: Vec<&Matrix> = case
            .given
            .iter()
            .filter(|(slot, _)| matches!(slot, Slot::Grad(_)))
            .map(|(_, value)| value)
            .collect();
        let values = || gradients.iter().flat_map(|value| value.data());
        let most = values().fold(0.0_f64, |most, value| most.max(value.abs()));
        if most > 0.0
            && most.is_finite()
            && values().filter(|value| value.abs() == most).count() > 1
            && is_short(most, single)
        {
            return Some(Self::Values(most));
        }
        // One bias for all units may count once, or once for each.
        let once = |(slot, value): (&Slot, &Matrix)| match slot {
            Slot::Grad(Param::B(l)) if case.shared_biases.contains(l) => value.at(0, 0).powi(2),
            Slot::Grad(_) => dot(value, value),
            _ => 0.0,
        };
        let all: f64 = gradients.iter().map(|value| dot(value, value)).sum();
        if ![all, case.given.iter().map(once).sum()].iter().any(|square| is_short(square.sqrt(), single)) {
            return None;
        }
        let mut factors = Vec::new();
        for l in 1..=case.depth() {
            let dz = case.get(Slot::Dz(l))?;
            let input = if l == 1 { Some(&case.x) } else { case.get(Slot::A(l - 1)) }?;
            let b = gradient::of_biases(case, l, dz);
            let right = [(Param::W(l), matmul_tn(input, dz)), (Param::B(l), b)];
            for (param, right) in right {
                let given = case.get(Slot::Grad(param)).filter(|given| given.shape() == right.shape());
                // Sums over samples may cancel to nothing but rounding.
                let tells = |given: &&Matrix| given.data().len() > 2 && norm(given) > 1e-4 * all.sqrt();
                let Some(given) = given.filter(tells) else { continue };
                match scale::multiple(given, &right, if single { 1e-4 } else { 1e-8 }) {
                    Some(factor) => factors.push(factor),
                    None if param == Param::W(l) => return None,
                    None => {}
                }
            }
        }
        let &first = factors.first()?;
        let same = factors.iter().all(|factor| (factor / first - 1.0).abs() < 1e-3);
        same.then_some(Self::Norm(first))
    }

    /// A gradient that is clipped so, and what is said of it; `base` is `aᵀ·dz` without any convention's factor.
    pub fn applied(self, right: &Matrix, base: &Matrix) -> (Matrix, &'static str) {
        match self {
            Self::Values(border) => (right.map(|value| value.clamp(-border, border)), OF_VALUES),
            Self::Norm(factor) => (scaled(base, factor), OF_NORM),
        }
    }
}

/// Whether a number has at most three digits, as one that somebody chose.
fn is_short(value: f64, single: bool) -> bool {
    if value <= 0.0 || !value.is_finite() {
        return false;
    }
    let unit = 10_f64.powi(value.log10().floor() as i32 - 2);
    let slack = if single { 1e-6 } else { 1e-12 };
    ((value / unit).round() * unit / value - 1.0).abs() < slack
}
