//! What is said of numbers that no formula explains, or that several nearly do.

use super::difference::{self, View};
use super::examination::Exam;
use super::judge::{Decision, Scored};
use super::report::{Finding, Near, Number, RunnerUp};
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::{dot, norm, scaled};
use crate::doctor::formulas::catalogue::{Bug, join};
use crate::doctor::formulas::trial::{Cause, residual};
use crate::reference::Matrix;

impl Exam<'_> {
    /// Reports numbers that several explanations nearly fit, or none.
    pub fn unnamed(
        &mut self,
        slot: Slot,
        decision: &Decision,
        scored: &[Scored],
        unknown: impl FnOnce(&Self) -> String,
    ) {
        let mut also: Vec<Bug> = Vec::new();
        let near =
            decision.winners.iter().chain(decision.runner_up.iter().filter(|_| !decision.winners.is_empty()));
        for bug in near.flat_map(Scored::bugs) {
            if !also.contains(&bug) {
                also.push(bug);
            }
        }
        let candidates = !also.is_empty();
        let supposed = matches!(slot, Slot::A(_)) && !self.world.act_named;
        let fix = if candidates { SEVERAL } else { UNKNOWN };
        let formula = if candidates { "one of several formulas".to_owned() } else { unknown(self) };
        let right =
            scored.iter().filter(|s| s.causes.is_empty()).map(|s| s.residual).fold(f64::INFINITY, f64::min);
        let residual = decision.winners.first().map_or(right, |winner| winner.residual);
        let runner_up = decision.runner_up.as_ref().map(|other| RunnerUp {
            bug: (!other.causes.is_empty()).then(|| join(&other.bugs(), " + ")),
            residual: Number(other.residual),
        });
        self.findings.push(Finding {
            also,
            residual: Number(residual),
            runner_up,
            // What is only supposed is near nothing.
            nearest: if candidates || supposed { Vec::new() } else { nearest(scored) },
            ..Finding::new(slot, formula, fix)
        });
    }

    /// How a tensor differs from the nearest of its right forms.
    pub fn difference(&self, slot: Slot, given: &Matrix, rights: &[Matrix]) -> String {
        let view = View::new(slot, self.case, self.tolerance.single);
        let nearest = rights.iter().min_by(|a, b| unlike(given, a).total_cmp(&unlike(given, b)));
        let nearest = nearest.unwrap_or(given);
        difference::describe(given, nearest, view)
    }

    /// Remembers the factor that convention gives a tensor beside its formula: its explanation's, or the nearest.
    pub fn remember_scale(&mut self, slot: Slot, given: &Matrix, right: &Matrix, scales: &[f64]) {
        let off = |scale: &f64| unlike(given, &scaled(right, *scale));
        let nearest = scales.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)));
        self.scales.insert(slot, nearest.unwrap_or(1.0));
    }
}

/// How unlike two tensors are of which one may have another scale: where they have little in common, by their sizes.
fn unlike(u: &Matrix, r: &Matrix) -> f64 {
    let off = residual(u, r);
    if off < 0.7 {
        off
    } else {
        1.0 + (norm(u) / norm(r)).ln().abs() + if dot(u, r) < 0.0 { 0.1 } else { 0.0 }
    }
}

/// What to do about numbers of no known bug.
const UNKNOWN: &str =
    "look at the line that computes it: what it starts from is right, or reported by itself";

/// What to do where numbers cannot decide.
const SEVERAL: &str =
    "several explanations fit these numbers about as well: export float64 and a batch of N = 37";

/// Formulas that are shown where none fits.
const NEAREST: usize = 3;

/// The formulas that come nearest; those that are further off than a tensor of zeros say nothing.
fn nearest(scored: &[Scored]) -> Vec<Near> {
    let right =
        scored.iter().filter(|s| s.causes.is_empty()).map(|s| s.residual).fold(f64::INFINITY, f64::min);
    // What a fitted number improves by nothing is the right formula once more.
    let says =
        |s: &&Scored| s.residual < 1.0 && (s.causes.is_empty() || (s.residual / right - 1.0).abs() > 0.02);
    let mut order: Vec<&Scored> = scored.iter().filter(says).collect();
    order.sort_by(|a, b| a.residual.total_cmp(&b.residual));
    let mut all: Vec<Near> = Vec::new();
    for s in order {
        if all.len() == NEAREST {
            break;
        }
        let formulas: Vec<String> = s.causes.iter().map(Cause::formula).collect();
        let formula =
            if formulas.is_empty() { "the right formula".to_owned() } else { formulas.join(", and ") };
        if all.iter().all(|other| other.formula != formula) {
            all.push(Near { bugs: s.bugs(), formula, residual: Number(s.residual) });
        }
    }
    all
}
