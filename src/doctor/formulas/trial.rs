//! One way a tensor may have come about, and how far its numbers are from those to be explained.

use super::algebra::{distance, finite, norm};
use super::catalogue::Bug;
use super::hypothesis::Hypothesis;
use crate::doctor::file::slot::Slot;
use crate::reference::Matrix;
use std::borrow::Cow;

/// A step of an explanation: a bug, and the formula it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The bug.
    pub bug: Bug,
    /// The tensor that it makes wrong.
    pub slot: Slot,
    /// `J·(p - y)`, …: what it computes, for any layer.
    formula: Cow<'static, str>,
    /// The factor, if that alone is wrong and it is none of the usual ones.
    pub factor: Option<f64>,
    /// The row of a table that it is, if it is one.
    pub row: Option<&'static Hypothesis>,
}

impl Cause {
    /// A row of a table, at a tensor.
    pub fn of(slot: Slot, row: &'static Hypothesis) -> Self {
        Self { row: Some(row), ..cause(slot, row.bug, row.formula) }
    }

    /// What it computes, for any layer.
    pub fn text(&self) -> &str {
        &self.formula
    }

    /// `dz3 = J·(p - y)`, …: with the layers' numbers in it. Few of all causes are ever told.
    pub fn formula(&self) -> String {
        let l = self.slot.layer().unwrap_or(0);
        let below = l.saturating_sub(1);
        let text = self.formula.replace("a_k", &format!("a{below}")).replace("a_l", &format!("a{l}"));
        let text = text.replace("z_k", &format!("z{below}")).replace("n_l", &format!("n{l}"));
        format!("{} = {text}", self.slot)
    }

    /// The same, of which such a factor is all that is wrong.
    pub fn by(self, factor: f64) -> Self {
        Self { factor: Some(factor), ..self }
    }
}

/// One way a tensor may have come about.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What must have gone wrong; empty for the right formula.
    pub causes: Vec<Cause>,
    /// The numbers it gives.
    pub value: Matrix,
    /// Which of several possible tensors upstream it starts from.
    pub from: usize,
    /// The convention's factor between the mean loss's gradient and this tensor.
    pub scale: f64,
    /// A convention to mention if this is how it was.
    pub note: Option<&'static str>,
}

impl Trial {
    /// A formula that starts from the only tensor upstream, at the usual scale.
    pub fn new(value: Matrix, causes: Vec<Cause>) -> Self {
        Self { causes, value, from: 0, scale: 1.0, note: None }
    }
}

/// A bug at a tensor.
pub fn cause(slot: Slot, bug: Bug, formula: impl Into<Cow<'static, str>>) -> Cause {
    Cause { bug, slot, formula: formula.into(), factor: None, row: None }
}

/// `|u - h| / max(|u|, |h|)` in the Euclidean norm; NaN agrees with NaN and infinity with infinity at one place.
pub fn residual(u: &Matrix, h: &Matrix) -> f64 {
    if u.data().len() != h.data().len() {
        return f64::INFINITY;
    }
    let relative = |u: &Matrix, h: &Matrix| {
        let size = norm(u).max(norm(h));
        if size == 0.0 { 0.0 } else { distance(u, h) / size }
    };
    if finite(u) && finite(h) {
        return relative(u, h);
    }
    let (mut clean_u, mut clean_h) = (u.clone(), h.clone());
    for (u, h) in clean_u.data_mut().iter_mut().zip(clean_h.data_mut()) {
        let same = (u.is_nan() && h.is_nan()) || (u.is_infinite() && u == h);
        if same {
            (*u, *h) = (0.0, 0.0);
        } else if !u.is_finite() || !h.is_finite() {
            return f64::INFINITY;
        }
    }
    relative(&clean_u, &clean_h)
}
