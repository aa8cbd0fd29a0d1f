//! The step of a spoilt network, and what its optimiser remembers.

use super::matrices::{column_sums, normal, scaled, zip};
use super::spoilt::{Fault, Making};
use gpu_mlp::doctor::file::slot::{Param, Slot};
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::optimiser::{self, Rule};
use gpu_mlp::doctor::formulas::steps::{self, Fed, Numbers, State};
use gpu_mlp::reference::Matrix;
use rand_chacha::ChaCha8Rng;

/// RMSprop's ρ and ε.
const RHO: f64 = 0.9;
const EPS: f64 = 1e-8;

/// What a bug needs beside lr.
pub fn numbers(fault: Fault) -> Vec<(&'static str, f64)> {
    let adam = [("adam_b1", 0.9), ("adam_b2", 0.999), ("adam_eps", 1e-8), ("adam_t", 3.0)];
    match fault {
        Fault::Other(Bug::DecayWithoutLr, form) => {
            adam.into_iter().filter(|_| form == 1).chain([("l2", 0.02)]).collect()
        }
        Fault::Other(Bug::RmspropFormula, _) => vec![("rho", RHO)],
        _ => match fault.bug() {
            Bug::MomentumFormula => vec![("momentum", 0.9)],
            Bug::AdamBiasCorrection | Bug::AdamFormula => adam.to_vec(),
            Bug::L2Factor | Bug::L2OnBias | Bug::LossL2Mismatch => vec![("l2", 0.02)],
            Bug::DropoutScale | Bug::DropoutMaskMissing => vec![("drop_p", 0.3)],
            _ => Vec::new(),
        },
    }
}

impl Making<'_> {
    pub fn step(&mut self, param: Param, gradient: &Matrix, rng: &mut ChaCha8Rng) {
        // The step sums what was left unsummed.
        let unsummed = matches!(param, Param::B(_)) && gradient.rows() > 1;
        let g = if unsummed { column_sums(gradient) } else { gradient.clone() };
        let parameter = self.case.given[&Slot::Param(param)].clone();
        let step = match self.fault {
            Fault::Other(Bug::RmspropFormula, form) => self.rmsprop(param, &g, form, rng),
            _ => self.optimised(param, &g, rng),
        };
        self.case.given.insert(Slot::New(param), zip(&parameter, &step, |w, s| w - s));
    }

    /// A plain step, or one with momentum or Adam.
    fn optimised(&mut self, param: Param, g: &Matrix, rng: &mut ChaCha8Rng) -> Matrix {
        let mean = if self.style.mean == 2 { 1.0 / self.case.count() } else { 1.0 };
        let g = scaled(g, mean);
        let rule = Rule::of(&self.case, &self.numbers);
        for slot in rule.state(param) {
            let old = normal(rng, g.rows(), g.cols(), 0.05);
            let old = if matches!(slot, Slot::SPrev(_)) { old.map(|s| s * s) } else { old };
            self.case.given.insert(slot, old);
        }
        let state = State::of(&self.case, &self.numbers, param, rule).unwrap();
        let now = match rule {
            _ if !self.style.state => vec![],
            Rule::Plain => vec![],
            Rule::Momentum => vec![Slot::V(param)],
            Rule::Adam => vec![Slot::M(param), Slot::S(param)],
        };
        for (slot, value) in now.into_iter().zip(state.after(rule, &self.numbers, &g)) {
            self.case.given.insert(slot, value);
        }
        let right = optimiser::right_steps(&self.case, &self.numbers, param, &state, &g, 1.0, 1e-9)
            .swap_remove(0)
            .value;
        let (bug, l) = (self.fault.bug(), param.layer());
        let mut step = self.changed(bug, l, right, |m, _, form| {
            let trials = optimiser::wrong_steps(&m.case, &m.numbers, param, &state, &g, 1.0);
            trials.into_iter().filter(|trial| trial.causes[0].bug == bug).nth(form).map(|trial| trial.value)
        });
        if let Param::W(_) = param {
            step = self.changed(Bug::DecayWithoutLr, l, step, |m, step, _| {
                Some(zip(step, m.case.w(l), |step, w| step + m.number("l2") * w))
            });
        }
        let still = if matches!(param, Param::W(_)) { Bug::WeightNotUpdated } else { Bug::BiasNotUpdated };
        self.changed(still, l, step, |_, step, _| Some(scaled(step, 0.0)))
    }

    /// A step of RMSprop, with its squares in the file.
    fn rmsprop(&mut self, param: Param, g: &Matrix, form: usize, rng: &mut ChaCha8Rng) -> Matrix {
        let old = normal(rng, g.rows(), g.cols(), 0.05).map(|s| s * s);
        let zeros = g.map(|_| 0.0);
        let state = State { v: zeros.clone(), m: zeros.clone(), s: old.clone() };
        let right = zip(&old, g, |s, g| RHO * s + (1.0 - RHO) * g * g);
        let numbers = Numbers::from([("lr", self.style.lr), ("rho", RHO), ("adam_eps", EPS)]);
        let fed = |s: &Matrix| Fed {
            numbers: &numbers,
            g,
            turn: 1.0,
            state: &state,
            v: None,
            moments: (zeros.clone(), s.clone()),
        };
        let l = param.layer();
        let squares = self.changed(Bug::RmspropFormula, l, right, |_, s, form| {
            steps::SQUARES.get(form).and_then(|row| (row.value)(&fed(s)))
        });
        let right = zip(g, &squares, |g, s| self.style.lr * g / (s.sqrt() + EPS));
        let step = match form.checked_sub(steps::SQUARES.len()) {
            None => right,
            Some(form) => self.changed(Bug::RmspropFormula, l, right, |_, _, _| {
                (steps::SCALED[form].value)(&fed(&squares))
            }),
        };
        self.case.given.insert(Slot::SPrev(param), old);
        self.case.given.insert(Slot::S(param), squares);
        step
    }
}
