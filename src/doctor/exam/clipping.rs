//! Gradients that were clipped: each value cut off at a border, or all scaled so that their norm is one; and gradients that
//! are steps, with the learning rate in them.
//!
//! A border shows where several values lie on it exactly. A scale shows where it is the same for all parameters and makes
//! their norm a short number, such as people choose. Where the norm is none, only the person knows.

use crate::doctor::formulas::algebra::{norm, scaled};
use crate::doctor::formulas::scale;
use crate::reference::Matrix;

/// What is said where clipping explains a gradient.
const OF_VALUES: &str = "gradients are clipped: none is beyond the largest of them, which several have";
const OF_NORM: &str =
    "gradients are clipped to a norm: all are one number times aᵀ·dz, and their norm is a short number";
const OF_ONE_NORM: &str = "the gradient of each parameter is clipped to a norm: it is a number below 1 times aᵀ·dz, and its norm is a short number";
const STEPS: &str = "dW and db have lr in them: they are steps, not gradients";

/// All gradients are one number times the right ones: only the person knows whether that is clipping.
pub const OF_SCALE: &str = "all gradients are one number times aᵀ·dz";

/// What became of the gradients of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clipping {
    /// Nothing is beyond this border.
    Values(f64),
    /// All are this many times `aᵀ·dz`, and have a norm that was chosen.
    Norm(f64),
    /// All are this many times `aᵀ·dz`: a number that nothing explains.
    Scale(f64),
    /// All are the learning rate times this over the learning rate times `aᵀ·dz`.
    Steps(f64),
}

impl Clipping {
    /// A gradient that has become so, and what is said of it; `base` is `aᵀ·dz` without any convention's factor.
    pub fn applied(self, right: &Matrix, base: &Matrix) -> (Matrix, &'static str) {
        match self {
            Self::Values(border) => (right.map(|value| value.clamp(-border, border)), OF_VALUES),
            Self::Norm(factor) => (scaled(base, factor), OF_NORM),
            Self::Scale(factor) => (scaled(base, factor), OF_SCALE),
            Self::Steps(factor) => (scaled(base, factor), STEPS),
        }
    }
}

/// The gradient of one parameter that was clipped by itself.
pub fn one_norm(given: &Matrix, right: &Matrix, single: bool) -> Option<(Matrix, &'static str)> {
    let slack = if single { 1e-4 } else { 1e-8 };
    if given.data().len() < 4 || given.shape() != right.shape() || !is_short(norm(given), single) {
        return None;
    }
    let factor = scale::multiple(given, right, slack).filter(|&factor| factor > 0.0 && factor < 1.0)?;
    Some((scaled(right, factor), OF_ONE_NORM))
}

/// Whether a number has at most three digits, as one that somebody chose.
pub fn is_short(value: f64, single: bool) -> bool {
    if value <= 0.0 || !value.is_finite() {
        return false;
    }
    let unit = 10_f64.powi(value.log10().floor() as i32 - 2);
    let slack = if single { 1e-6 } else { 1e-12 };
    ((value / unit).round() * unit / value - 1.0).abs() < slack
}
