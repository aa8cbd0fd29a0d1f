//! Several candidates for a dz that is not in the file, and the gradients that decide among them.

use super::backward::Candidate;
use super::examination::Exam;
use super::judge::{Scored, score};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{matmul, matmul_tn, plus, scaled};
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::trial::{Trial, residual};
use crate::reference::Matrix;

/// What a parameter costs that no formula explains.
const UNEXPLAINED: usize = 10;

/// Multiplications that may be spent on the wrong formulas of all candidates for one parameter.
const BUDGET: usize = 1 << 29;

/// Formulas tried for each candidate, roughly.
const FORMULAS: usize = 32;

/// Gradients with more values than this are compared through a projection first.
const LARGE: usize = 4096;

/// A weight gradient seen along a few directions only: `U·v` against `aᵀ·(dz·v)`, which needs no product of full
/// size (Freivalds, 1977). Directions are fixed, irregular numbers, so that the same file gives the same answer.
struct Sketch {
    directions: Matrix,
    seen: Matrix,
}

/// A trial that starts from a candidate: its bugs come first.
pub fn inherit(mut trial: Trial, from: usize, candidate: &Candidate) -> Trial {
    trial.from = from;
    if !candidate.causes.is_empty() {
        trial.causes = candidate.causes.iter().cloned().chain(trial.causes).collect();
    }
    trial
}

impl Exam<'_> {
    /// The score of a trial that starts from a candidate, where operands at the usual scale have the size `magnitude`.
    pub fn inherited(
        &self,
        u: &Matrix,
        magnitude: f64,
        trial: Trial,
        (from, above): (usize, &Candidate),
    ) -> Scored {
        score(&self.tolerance, u, magnitude * trial.scale.abs(), inherit(trial, from, above))
    }

    /// The candidates that explain what is seen with the fewest bugs in all.
    pub fn narrowed(&self, seen: &[Param], candidates: &[Candidate]) -> Vec<Candidate> {
        let sketches: Vec<Option<Sketch>> = seen.iter().map(|&param| self.sketch(param)).collect();
        let right = |candidate: &Candidate, i: usize| match &sketches[i] {
            Some(sketch) => self.matches(seen[i], candidate, sketch),
            None => self.cheapest(seen[i], candidate, false) == 0,
        };
        let holds: Vec<Vec<bool>> =
            candidates.iter().map(|c| (0..seen.len()).map(|i| right(c, i)).collect()).collect();
        let base = |k: usize| {
            let missed = holds[k].iter().filter(|&&hold| !hold).count();
            candidates[k].causes.len() + UNEXPLAINED * missed
        };
        let mut costs: Vec<usize> = (0..candidates.len()).map(base).collect();
        if costs.iter().all(|&cost| cost >= UNEXPLAINED) && !self.hopeless() {
            self.look_closer(seen, candidates, &holds, &mut costs);
        }
        let least = costs.iter().copied().min().unwrap_or(0);
        if least >= UNEXPLAINED * seen.len() {
            return vec![candidates[0].clone()];
        }
        let kept = candidates.iter().zip(&costs).filter(|&(_, &cost)| cost == least);
        kept.map(|(candidate, _)| candidate.clone()).collect()
    }

    /// Where the right formulas explain no candidate in full: the wrong ones, for candidates of which one gradient
    /// holds, or else for those with the fewest bugs.
    fn look_closer(
        &self,
        seen: &[Param],
        candidates: &[Candidate],
        holds: &[Vec<bool>],
        costs: &mut [usize],
    ) {
        let partial = holds.iter().any(|holds| holds.contains(&true));
        let work =
            |param: &Param| self.case.n * self.case.given[&Slot::Param(*param)].data().len() * FORMULAS;
        let each: usize = seen.iter().map(work).sum();
        let mut left = (BUDGET / each.max(1)).max(2);
        for (k, candidate) in candidates.iter().enumerate() {
            let worth = if partial { holds[k].contains(&true) } else { candidate.causes.len() <= 1 };
            if !worth || left == 0 {
                continue;
            }
            left -= 1;
            let cost = |i: usize| if holds[k][i] { 0 } else { self.cheapest(seen[i], candidate, true) };
            costs[k] = candidate.causes.len() + (0..seen.len()).map(cost).sum::<usize>();
        }
    }

    /// How many more bugs explain a gradient, starting from a candidate.
    fn cheapest(&self, param: Param, candidate: &Candidate, full: bool) -> usize {
        let scored = self.gradient_scores(param, candidate, 0, full);
        let own = candidate.causes.len();
        let best = scored.iter().filter(|s| s.passes).map(|s| s.causes.len() - own).min();
        best.unwrap_or(UNEXPLAINED)
    }

    /// A large gradient along a few directions, if its right formula is linear in dz.
    fn sketch(&self, param: Param) -> Option<Sketch> {
        let Param::W(l) = param else { return None };
        let w = self.case.w(l);
        let given = self.case.get(Slot::Grad(param));
        if w.data().len() < LARGE || (given.is_none() && self.rule() != Rule::Plain) {
            return None;
        }
        let irregular = |r: usize, c: usize| ((r * 3 + c + 1) as f64 * 0.754_877_666_246_693).fract() - 0.5;
        let directions = Matrix::from_fn(w.cols(), 3, irregular);
        let seen = match given {
            Some(given) => matmul(given, &directions),
            None => scaled(&matmul(&self.step(param), &directions), 1.0 / self.numbers.get("lr")?),
        };
        Some(Sketch { directions, seen })
    }

    /// Whether the right formula explains a gradient along the directions of its sketch.
    fn matches(&self, param: Param, candidate: &Candidate, sketch: &Sketch) -> bool {
        let l = param.layer();
        let given = self.case.get(Slot::Grad(param)).is_some();
        let factors = if given {
            self.factors(candidate)
        } else {
            vec![self.step_scale() / candidate.scale.unwrap_or(1.0)]
        };
        let along = matmul_tn(&self.a[l - 1], &matmul(&candidate.value, &sketch.directions));
        let decay = scaled(&matmul(self.case.w(l), &sketch.directions), self.world.decay);
        let slack = if self.tolerance.single { 1e-3 } else { 1e-6 };
        factors.iter().any(|&factor| {
            let plain = scaled(&along, factor);
            let sign = if given { self.world.sign } else { 1.0 };
            let sizes = [0.0, sign, sign * self.world.gradient];
            sizes.iter().any(|&size| residual(&sketch.seen, &plus(&plain, &scaled(&decay, size))) < slack)
        })
    }
}
