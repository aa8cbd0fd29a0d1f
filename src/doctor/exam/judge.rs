//! When numbers agree, and which of several explanations they agree with.

use crate::doctor::formulas::algebra::norm;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::trial::{Cause, Trial, residual};
use crate::reference::Matrix;

/// Explanations are told apart only if the next one is this many times worse.
pub const APART: f64 = 100.0;

/// What rounding may do, by the precision of the file.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// Relative part: 1e-9 for 64-bit files, 1e-4 for 32-bit ones.
    pub relative: f64,
    /// The rounding step of one value.
    pub epsilon: f64,
    /// Whether the file was computed in 32 bits.
    pub single: bool,
    /// How far an array of the file is off, relative to its size, for having been rounded when it was written.
    pub written: f64,
}

impl Tolerance {
    /// How many roundings of the operands' size a sum may gather beyond the relative part: a sum of a few hundred
    /// products in any order stays below this many (√K for random signs, with a margin).
    const ROUNDINGS: f64 = 8.0;

    /// For a file of 32-bit or 64-bit values; `relative` replaces the usual one.
    pub fn new(single: bool, relative: Option<f64>) -> Self {
        let (usual, epsilon) = if single { (1e-4, f64::from(f32::EPSILON)) } else { (1e-9, f64::EPSILON) };
        Self { relative: relative.unwrap_or(usual), epsilon, single, written: 0.0 }
    }

    /// The same for numbers that are off by so much: sums of products of them are off by a few times that.
    pub fn of_written(self, error: f64) -> Self {
        let relative = self.relative.max(Self::ROUNDINGS * error);
        Self { relative, epsilon: self.epsilon.max(error), written: error, ..self }
    }

    /// The same with another relative part.
    pub fn with_relative(self, relative: f64) -> Self {
        Self { relative: self.relative.min(relative), ..self }
    }

    /// The residual that rounding alone explains: operands of size `magnitude` went into values of size `size`.
    pub fn rounding(&self, magnitude: f64, size: f64) -> f64 {
        let operands = match (size > 0.0, magnitude > 0.0) {
            (true, _) => magnitude / size,
            (false, true) => f64::INFINITY,
            (false, false) => 0.0,
        };
        (self.epsilon * (4.0 + Self::ROUNDINGS * operands)).min(1.0)
    }
}

/// A trial's distance from the numbers to be explained; its own numbers are let go, but for those of a right formula.
#[derive(Debug, Clone)]
pub struct Scored {
    /// What must have gone wrong.
    pub causes: Vec<Cause>,
    /// As in [`Trial`].
    pub from: usize,
    /// As in [`Trial`].
    pub scale: f64,
    /// As in [`Trial`].
    pub note: Option<&'static str>,
    /// The distance.
    pub residual: f64,
    /// The residual, or what rounding alone may do if that is more.
    pub effective: f64,
    /// Whether it explains the numbers.
    pub passes: bool,
    /// The numbers of a right formula.
    pub right: Option<Matrix>,
}

impl Scored {
    /// The bugs of the causes.
    pub fn bugs(&self) -> Vec<Bug> {
        self.causes.iter().map(|cause| cause.bug).collect()
    }
}

/// Scores an explanation of `u`, whose operands had the size `magnitude`.
pub fn score(tolerance: &Tolerance, u: &Matrix, magnitude: f64, trial: Trial) -> Scored {
    let residual = residual(u, &trial.value);
    let size = norm(u).max(norm(&trial.value));
    let rounding = tolerance.rounding(magnitude, size);
    // Two roundings of nothing may point in opposite directions: their distance is up to twice their size.
    let passes = residual <= tolerance.relative.max(if rounding < 1.0 { rounding } else { 2.0 });
    // Values that are nothing but rounding (a gradient that sums to zero) cannot rank their explanations.
    let floor = if rounding > tolerance.relative { rounding } else { 4.0 * tolerance.epsilon };
    let effective = residual.max(floor);
    // Next to values that cancelled to nothing, only the size of what cancelled tells how good an agreement is.
    let cancelled = passes && residual > tolerance.relative && magnitude > 0.0;
    let residual = if cancelled { residual * size / magnitude } else { residual };
    let Trial { causes, from, scale, note, value, .. } = trial;
    let right = causes.is_empty().then_some(value);
    Scored { causes, from, scale, note, residual, effective, passes, right }
}

/// What the scores say.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The explanations that cannot be told apart, simplest first; empty if nothing explains the numbers.
    pub winners: Vec<Scored>,
    /// The best of the others.
    pub runner_up: Option<Scored>,
    /// Whether the runner-up is far enough behind.
    pub apart: bool,
}

/// Decides among scored explanations.
///
/// Those that pass and lie within [`APART`] of the best are winners; of these only the simplest count, because an
/// explanation with a superfluous part explains as well as the one without it.
pub fn decide(scored: &[Scored]) -> Decision {
    let best = scored.iter().filter(|s| s.passes).map(|s| s.effective).fold(f64::INFINITY, f64::min);
    let near = |s: &&Scored| s.passes && s.effective < APART * best;
    let simplest = scored.iter().filter(near).map(|s| s.causes.len()).min().unwrap_or(0);
    let winners = scored.iter().filter(near).filter(|s| s.causes.len() == simplest).cloned().collect();
    let others = scored.iter().filter(|s| !near(s));
    let runner_up = others.min_by(|a, b| a.effective.total_cmp(&b.effective)).cloned();
    // Numbers that are nothing but rounding set no one apart: everything that explains them is a winner.
    let apart = runner_up.as_ref().is_none_or(|other| other.effective >= APART * best) || best > 1.0 / APART;
    Decision { winners, runner_up, apart }
}
