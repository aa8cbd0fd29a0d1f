//! Comparing numbers with a tolerance, and saying where they differ most.
//!
//! A value passes if `|got - want| <= atol + rtol · |want|`. A NaN on either side never passes: the comparison is
//! written so that an undefined order counts as a difference.

use std::fmt;

/// How far a value may lie from the one wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Absolute part.
    pub atol: f64,
    /// Part relative to the wanted value.
    pub rtol: f64,
}

/// Why two sets of numbers do not agree.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// The numbers of values differ.
    Length {
        /// Values that came.
        got: usize,
        /// Values that should have come.
        want: usize,
    },
    /// Some values lie too far off; the worst is shown.
    Values {
        /// Values too far off.
        count: usize,
        /// Values compared.
        of: usize,
        /// Position of the worst.
        index: usize,
        /// The worst value.
        got: f64,
        /// What it should be.
        want: f64,
        /// What it may be off by.
        allowed: f64,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got, want } => write!(f, "{got} values instead of {want}"),
            Self::Values { count, of, index, got, want, allowed } => write!(
                f,
                "{count} of {of} values differ; the worst at {index}: got {got:e}, want {want:e}, \
                 off by {:e} where {allowed:e} is allowed",
                (got - want).abs()
            ),
        }
    }
}

/// Compares with one tolerance for all values.
///
/// # Errors
/// The worst difference, if any value lies outside the tolerance or is NaN on either side.
pub fn allclose(got: &[f32], want: &[f64], tolerance: Tolerance) -> Result<(), Mismatch> {
    within(got, want, |i| tolerance.atol + tolerance.rtol * want[i].abs())
}

/// Compares with an allowance for each value, for errors that grow with the operands of the value itself.
///
/// # Errors
/// As [`allclose`].
pub fn within(got: &[f32], want: &[f64], allowed: impl Fn(usize) -> f64) -> Result<(), Mismatch> {
    if got.len() != want.len() {
        return Err(Mismatch::Length { got: got.len(), want: want.len() });
    }
    let total = want.len();
    let (mut count, mut worst, mut worst_excess) = (0, None, 0.0);
    for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
        let (got, allowed) = (f64::from(got), allowed(index));
        let off = (got - want).abs();
        // Equal infinities agree. Everything undefined (NaN) must fall through to the mismatch, and so must any other
        // infinity: the relative part of its allowance would be infinite too.
        if got == want || (off.is_finite() && off <= allowed) {
            continue;
        }
        count += 1;
        let excess = if off.is_nan() { f64::INFINITY } else { off / allowed };
        if worst.is_none() || excess > worst_excess {
            worst_excess = excess;
            worst = Some((index, got, want, allowed));
        }
    }
    match worst {
        None => Ok(()),
        Some((index, got, want, allowed)) => {
            Err(Mismatch::Values { count, of: total, index, got, want, allowed })
        }
    }
}
