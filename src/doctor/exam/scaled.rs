//! Steps whose length is each weight's own: RMSprop's and Adagrad's, divided by the root of a mean or sum of squares; and
//! RPROP's, of which the gradient says no more than the sign.
//!
//! Source: Duchi et al., *Adaptive subgradient methods* (2011); Tieleman and Hinton, *RMSprop* (2012); Riedmiller and
//! Braun, *RPROP* (1993).

use super::examination::Exam;
use super::judge::Scored;
use super::layer::varies;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, minus, norm, plus, scaled, times, zip};
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::scale;
use crate::doctor::formulas::steps::{self, Fed, State, Wrong};
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// What people add to a root so that nothing is divided by 0.
const EPS: [f64; 6] = [1e-8, 1e-7, 1e-6, 1e-10, 1e-5, 0.0];

/// Of fewer values than this a wrong formula proves nothing.
const FEW: usize = 4;

/// RPROP's factors for a step that goes on, and for one that turns back; each is used at most so often.
const LONGER: f64 = 1.2;
const SHORTER: f64 = 0.5;
const MOST: i32 = 12;

const OF_SIGNS: &str = "steps follow the sign of the gradient alone: RPROP";

impl Exam<'_> {
    /// Whether the file has second moments, and nothing else of Adam's.
    pub fn is_scaled(&self) -> bool {
        let first = self.case.given.keys().any(|slot| matches!(slot, Slot::M(_) | Slot::MPrev(_)));
        self.rule() == Rule::Adam && !first && !self.numbers.contains_key("adam_t")
    }

    /// The squares, and a step along the gradient divided by their root.
    pub fn scaled_update(&mut self, param: Param, g: &Matrix, turn: f64) {
        let (slot, square) = (Slot::New(param), times(g, g));
        let before = self.case.get(Slot::SPrev(param)).cloned();
        let given = self.case.get(Slot::S(param)).cloned();
        if let (Some(given), Some(before)) = (&given, &before) {
            let sum = plus(before, &square);
            let mut trials =
                vec![Trial { note: Some("squares are added up: Adagrad"), ..Trial::new(sum, Vec::new()) }];
            let (way, change) = (minus(before, &square), minus(given, &square));
            let share = dot(&change, &way) / dot(&way, &way);
            let near = |known: f64| (share - known).abs() < 1e-3;
            let known = self.numbers.get("rho").copied();
            if (0.0..1.0).contains(&share) && !near(0.0) && known.is_none_or(near) {
                let value = plus(&square, &scaled(&way, share));
                trials.push(Trial {
                    note: Some("squares are averaged: RMSprop"),
                    ..Trial::new(value, Vec::new())
                });
            }
            let scored = self.scores(given, norm(given), trials);
            let scored = match scored.iter().any(|s| s.passes) {
                true => scored,
                false => scored.into_iter().chain(self.wrong_squares(param, g, given, before)).collect(),
            };
            self.settle(Slot::S(param), scored, |_| "neither a sum nor an average of squares".to_owned());
        }
        // Squares of which only those before the step are in the file may be those after it.
        let zeros = || square.map(|_| 0.0);
        let old = given.as_ref().and(before.clone()).unwrap_or_else(zeros);
        let Some(s) = given.or_else(|| before.map(|before| plus(&before, &square))) else {
            self.not_checked(slot);
            return;
        };
        let step = self.step(param);
        let lr = self.numbers.get("lr").copied();
        let eps = self.numbers.get("adam_eps").map_or(EPS.to_vec(), |&eps| vec![eps]);
        let mut trials = Vec::new();
        for &eps in &eps {
            for value in [zip(g, &s, |g, s| g / (s.sqrt() + eps)), zip(g, &s, |g, s| g / (s + eps).sqrt())] {
                let Some(rate) = lr.or_else(|| scale::fitted(&step, &value)) else { continue };
                trials.push(Trial::new(scaled(&value, rate.abs() * turn.signum()), Vec::new()));
            }
        }
        let state = State { v: zeros(), m: zeros(), s: old };
        for eps in eps {
            let numbers = BTreeMap::from([("lr", 1.0), ("adam_eps", eps)]);
            let moments = (g.clone(), s.clone());
            let fed = Fed { numbers: &numbers, g, turn: turn.signum(), state: &state, v: None, moments };
            for row in steps::SCALED {
                let value = (row.value)(&fed).filter(|value| value.data().len() >= FEW);
                let Some(value) = value else { continue };
                let Some(rate) = lr.or_else(|| scale::fitted(&step, &value)) else { continue };
                let cause = cause(slot, row.bug, row.formula);
                trials.push(Trial::new(scaled(&value, rate.abs()), vec![cause]));
            }
        }
        let magnitude = norm(&self.case.given[&Slot::Param(param)]);
        let scored = self.scores(&step, magnitude, trials);
        self.settle(slot, scored, |_| format!("{param} - {slot} is not lr·g/(√s + ε)"));
    }

    /// Squares that are gathered wrongly; the ρ of an average is fitted where the file does not have it.
    fn wrong_squares(&self, param: Param, g: &Matrix, given: &Matrix, before: &Matrix) -> Vec<Scored> {
        let state = State { v: g.map(|_| 0.0), m: g.map(|_| 0.0), s: before.clone() };
        let at = |row: &Wrong, rho: f64| {
            let numbers = BTreeMap::from([("rho", rho)]);
            let moments = (g.clone(), given.clone());
            (row.value)(&Fed { numbers: &numbers, g, turn: 1.0, state: &state, v: None, moments })
        };
        let known = self.numbers.get("rho").copied();
        let tried = |row: &Wrong| {
            let none = at(row, 0.0)?;
            let way = minus(&at(row, 1.0)?, &none);
            let fitted = dot(&minus(given, &none), &way) / dot(&way, &way);
            let fixed = way.data().iter().all(|&way| way == 0.0);
            let rho = if fixed { 0.0 } else { known.unwrap_or(fitted) };
            let decides = g.data().len() >= FEW && (fixed || (rho > 0.0 && rho < 1.0));
            let value = at(row, rho).filter(|_| decides)?;
            Some(Trial::new(value, vec![cause(Slot::S(param), row.bug, row.formula)]))
        };
        self.scores(given, norm(given), steps::SQUARES.iter().filter_map(tried))
    }

    /// A step of RPROP: its signs are the gradient's, and its lengths are one length made longer or shorter some times.
    pub fn signed_step(&self, step: &Matrix, right: &Matrix) -> Option<Trial> {
        let lengths: Vec<f64> =
            step.data().iter().map(|step| step.abs()).filter(|&step| step > 0.0).collect();
        let usual = *lengths.first()?;
        let slack = if self.tolerance.single { 1e-4 } else { 1e-7 };
        let made = |length: f64| {
            (-MOST..=MOST).any(|more| {
                let rest = length / usual / LONGER.powi(more);
                let less = (rest.ln() / SHORTER.ln()).round();
                less.abs() <= f64::from(MOST) && (rest / SHORTER.powf(less) - 1.0).abs() < slack
            })
        };
        let value = zip(step, right, |step, right| step.abs() * right.signum() * f64::from(right != 0.0));
        // A single number, or one for all units, or two behind a softmax, which mirror each other, have their signs by chance,
        // unless others follow theirs.
        let enough = (lengths.len() > 2 && varies(right)) || self.notes.iter().any(|note| note == OF_SIGNS);
        let signed = residual(step, &value) < slack && enough;
        (signed && lengths.iter().all(|&length| made(length)))
            .then(|| Trial { note: Some(OF_SIGNS), ..Trial::new(value, Vec::new()) })
    }
}
