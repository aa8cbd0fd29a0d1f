//! The step from parameters to new parameters, plain or with momentum or Adam.

use super::backward::Candidate;
use super::candidates::inherit;
use super::examination::{Exam, rescaled, tried};
use super::judge::Scored;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{column_sums, dot, matmul_tn, minus, norm, plus, scaled};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::hypothesis::Site;
use crate::doctor::formulas::optimiser::{self, Rule, Step};
use crate::doctor::formulas::steps::State;
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::doctor::formulas::{delta, gradient};
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// The penalty is in the steps of biases, too.
const DECAYED_BIAS: &str = "L2 is in the steps of biases, too, as AdamW's decay is for all parameters";

/// A difference `W - W_new` carries the rounding of W, once, spread evenly: about a third of a step of the last bit,
/// where sums are allowed eight.
const STEP_ROUNDING: f64 = 1.0 / 8.0;

/// The same where both were rounded when they were written, to a few digits.
const STEP_WRITTEN: f64 = 1.0 / 2.0;

/// The penalty is in the step.
pub const DECAYED_STEP: &str = "L2 is in the step";

/// The penalty is in the velocity.
const DECAYED_VELOCITY: &str =
    "a multiple of W is added to the gradient on its way into the velocity: weight decay";

impl Exam<'_> {
    /// `W - W_new`: the way downhill that was gone.
    pub fn step(&self, param: Param) -> Matrix {
        let new = &self.case.given[&Slot::New(param)];
        minus(&self.case.given[&Slot::Param(param)], new)
    }

    /// How much of the rounding of W shows in a step.
    fn step_rounding(&self) -> f64 {
        if self.tolerance.written > 0.0 { STEP_WRITTEN } else { STEP_ROUNDING }
    }

    /// Whether a gradient that is not in the file shows in a plain step.
    pub fn step_shows_gradient(&self, param: Param) -> bool {
        let given = self.case.get(Slot::New(param)).is_some() && self.case.get(Slot::Grad(param)).is_none();
        given
            && self.numbers.contains_key("lr")
            && (self.rule() == Rule::Plain || self.state(param).is_some())
    }

    /// The optimiser that the file's keys tell of.
    pub fn rule(&self) -> Rule {
        Rule::of(self.case, &self.numbers)
    }

    /// What the optimiser remembered of a parameter; nothing if that is needed and not in the file.
    fn state(&self, param: Param) -> Option<State> {
        State::of(self.case, &self.numbers, param, self.rule())
    }

    /// Finds the learning rate of plain steps, where the file does not have it.
    pub fn infer_learning_rate(&mut self) {
        if self.numbers.contains_key("lr") || self.rule() != Rule::Plain {
            return;
        }
        let depth = self.case.depth();
        // A factor of the loss that only hidden gradients show cannot be told from one of the rate.
        let hidden = |slot: &Slot| match *slot {
            Slot::Dz(l) | Slot::Da(l) => l < depth,
            Slot::Grad(param) => param.layer() < depth,
            _ => false,
        };
        let open = !self.design.is_usual()
            && self.case.get(Slot::Dz(depth)).is_none()
            && self.case.given.keys().any(hidden);
        let (mut rates, mut of_mean) = (Vec::new(), false);
        for param in (1..=depth).flat_map(|l| [Param::W(l), Param::B(l)]) {
            if self.case.get(Slot::New(param)).is_none() {
                continue;
            }
            let gradient = match self.case.get(Slot::Grad(param)) {
                Some(given) => scaled(given, self.world.sign),
                None if param == Param::W(depth) && !open => {
                    of_mean = true;
                    let dz = delta::right(&self.site(depth, &self.p));
                    scaled(&matmul_tn(&self.a[depth - 1], &dz), self.world.gradient)
                }
                None => continue,
            };
            let step = self.step(param);
            let lr = dot(&step, &gradient) / dot(&gradient, &gradient);
            if lr.is_finite() && lr != 0.0 && residual(&step, &scaled(&gradient, lr)) < 1e-3 {
                let size = norm(&self.case.given[&Slot::Param(param)]);
                rates.push((lr.abs(), size / norm(&step)));
            }
        }
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The one in the middle, as exactly as the step with the least rounding shows it.
        let middle = rates.get(rates.len() / 2).map_or(0.0, |rate| rate.0);
        let near = rates.iter().filter(|rate| (rate.0 - middle).abs() < 1e-3 * middle);
        if let Some(&(lr, _)) = near.min_by(|a, b| a.1.total_cmp(&b.1)) {
            self.numbers.insert("lr", lr);
            self.rate_fitted = true;
            self.note(match of_mean && self.world.gradient == 1.0 {
                true => format!(
                    "lr is not in the file; steps are {lr:.6} times the gradient of the mean loss, {:.6} times that of the sum",
                    lr / self.case.count()
                ),
                false => format!("lr is not in the file; steps are {lr:.6} times the gradients"),
            });
        }
    }

    /// Checks the optimiser's state and the steps whose gradients are in the file.
    pub fn update(&mut self) {
        for param in (1..=self.case.depth()).flat_map(|l| [Param::W(l), Param::B(l)]) {
            let slot = Slot::New(param);
            if self.lost() {
                return;
            }
            if self.case.get(slot).is_none() {
                self.not_given(slot);
            } else if let Some(gradient) = self.case.get(Slot::Grad(param)) {
                self.one_update(param, gradient);
            } else if !self.step_shows_gradient(param) {
                self.not_checked(slot);
                let needed = if self.rule() == Rule::Plain {
                    "lr"
                } else {
                    "lr and the optimiser's state before the step"
                };
                self.note(format!("steps without gradients can only be checked with {needed}"));
            }
        }
    }

    /// The factor from the file's gradients to the downhill direction of the loss.
    fn turn(&self) -> f64 {
        if self.rate_fitted {
            return self.world.sign;
        }
        self.world.sign * self.world.objective / self.world.gradient
    }

    /// The factor from the mean loss's gradient to what the learning rate multiplies: a fitted rate counts from
    /// gradients in the file's own scale.
    pub fn step_scale(&self) -> f64 {
        if self.rate_fitted { self.world.gradient } else { self.world.objective }
    }

    /// The state and the step of one parameter, from its gradient in the file.
    fn one_update(&mut self, param: Param, gradient: &Matrix) {
        // A bias gradient that was left unsummed is reported already; the step may sum it.
        let summed = matches!(param, Param::B(_)) && gradient.rows() > 1;
        let gradient = &if summed { column_sums(gradient) } else { gradient.clone() };
        let slot = Slot::New(param);
        if self.is_scaled() {
            let turn = self.turn();
            self.scaled_update(param, gradient, turn);
            return;
        }
        let Some(state) = self.state(param).filter(|_| self.numbers.contains_key("lr")) else {
            self.not_checked(slot);
            self.note(
                "steps can only be checked with lr, and with momentum or Adam the state before the step",
            );
            return;
        };
        let turn = self.turn();
        let fed = self.fed(gradient, turn);
        let states = fed.iter().flat_map(|(gradient, turn)| {
            optimiser::state_trials(self.case, &self.numbers, param, &state, gradient, *turn)
        });
        let mut all: BTreeMap<Slot, (Matrix, Vec<Trial>)> = BTreeMap::new();
        for (at, given, trials) in states {
            all.entry(at).or_insert((given, Vec::new())).1.extend(trials);
        }
        for (at, (given, mut trials)) in all {
            if let (Slot::V(_), Param::W(l)) = (at, param) {
                let decayed = self.decayed_velocities(l, &given, &trials);
                trials.extend(decayed);
            }
            let right = |trial: &&Trial| trial.causes.is_empty();
            let rights: Vec<Matrix> = trials.iter().filter(right).map(|trial| trial.value.clone()).collect();
            let scored = self.scores(&given, norm(&given), trials);
            self.settle(at, scored, |exam| exam.difference(at, &given, &rights));
        }
        let site = self.site(param.layer(), gradient);
        let step = self.step(param);
        let magnitude = norm(self.case.given.get(&Slot::Param(param)).unwrap_or(&step))
            * self.step_rounding()
            + self.rounded_step(param);
        let mut trials = self.right_steps(param, &state, gradient, turn);
        let right = trials[0].value.clone();
        for (gradient, turn) in self.fed(gradient, turn) {
            trials.extend(optimiser::wrong_steps(self.case, &self.numbers, param, &state, &gradient, turn));
            trials.extend(self.rateless_decay(param, &state, &gradient, turn));
        }
        if self.rule() == Rule::Plain {
            trials.extend(rescaled(slot, &site, &step, &right, &[], &[1.0]));
            trials.extend(self.penalised_step(param, &step, &right));
            trials.extend(self.signed_step(&step, &right));
        }
        trials.push(still(param, &step));
        let scored = self.scores(&step, magnitude, trials);
        self.settle(slot, scored, |exam| {
            format!("{} (of the step {param} - {slot})", exam.difference(slot, &step, &[right]))
        });
    }

    /// The size of what a step would add up if nothing in it cancelled: a gradient that is nothing but rounding shows no
    /// factor.
    fn rounded_step(&self, param: Param) -> f64 {
        let rate = self.numbers.get("lr").copied().unwrap_or(0.0);
        rate * self.case.count() * self.operand_size(param)
    }

    /// Right velocities with a penalty in them, that was added to the gradient on its way there.
    fn decayed_velocities(&self, l: usize, given: &Matrix, trials: &[Trial]) -> Vec<Trial> {
        let w = self.case.w(l);
        let said = self.numbers.get("l2").copied();
        let n = self.case.count();
        let known = |c: f64| {
            let slack = if self.tolerance.single { 1e-3 } else { 1e-6 };
            let scales = [1.0, 1.0 / n, n];
            let lr = self.numbers.get("lr").copied().unwrap_or(1.0);
            said.is_none_or(|l2| {
                let near = |scale: &f64| {
                    [1.0, lr].iter().any(|lr| (c.abs() / (l2 * scale * lr) - 1.0).abs() < slack)
                };
                scales.iter().any(near)
            })
        };
        let enough = w.data().len() >= 4 && super::layer::varies(w);
        let rights = trials.iter().filter(|trial| trial.causes.is_empty() && enough);
        rights
            .filter_map(|right| {
                let c = dot(&minus(given, &right.value), w) / dot(w, w);
                let value = plus(&right.value, &scaled(w, c));
                (c.is_finite() && c != 0.0 && known(c))
                    .then(|| Trial { note: Some(DECAYED_VELOCITY), ..Trial::new(value, Vec::new()) })
            })
            .collect()
    }

    /// What the optimiser may have been given: the file's gradient, or that of the mean, where 1/N stands in the step.
    fn fed(&self, gradient: &Matrix, turn: f64) -> Vec<(Matrix, f64)> {
        let own = (gradient.clone(), turn);
        let mean = (scaled(gradient, turn.abs()), turn.signum());
        if self.rule() == Rule::Plain || turn.abs() == 1.0 { vec![own] } else { vec![own, mean] }
    }

    /// Steps along the gradient alone.
    fn conventional_steps(&self, param: Param, state: &State, gradient: &Matrix, turn: f64) -> Vec<Step> {
        let tolerance = self.tolerance.relative;
        optimiser::right_steps(self.case, &self.numbers, param, state, gradient, turn, tolerance)
    }

    /// The steps that are right, by any convention.
    fn right_steps(&self, param: Param, state: &State, gradient: &Matrix, turn: f64) -> Vec<Trial> {
        let forms = self.conventional_steps(param, state, gradient, turn);
        let mut trials = Vec::new();
        let lr = self.numbers.get("lr").copied().unwrap_or(0.0);
        for Step { value, note } in forms {
            if let (Param::W(l), true) = (param, self.world.decay > 0.0) {
                // The step of a sum may have the penalty of the sum.
                let summed = self.world.penalised && self.world.objective > 1.0;
                let sizes = [1.0, self.world.objective];
                for size in &sizes[..1 + usize::from(summed)] {
                    let decayed = plus(&value, &scaled(self.case.w(l), lr * size * self.world.decay));
                    trials.push(Trial { note: Some(DECAYED_STEP), ..Trial::new(decayed, Vec::new()) });
                }
            }
            if let (Param::B(l), true) = (param, self.world.decay > 0.0)
                && (self.case.bias_rows || self.rule() == Rule::Adam)
            {
                let decayed = plus(&value, &scaled(self.case.b(l), lr * self.world.decay));
                trials.push(Trial { note: Some(DECAYED_BIAS), ..Trial::new(decayed, Vec::new()) });
            }
            trials.push(Trial { note, ..Trial::new(value, Vec::new()) });
        }
        // With the penalty already in dW it must not be in the step; without it, it must.
        let in_gradient = self.case.get(Slot::Grad(param)).is_some()
            && self.notes.iter().any(|note| note == super::layer::DECAYED);
        // So it is with a velocity that has the penalty in it, or whose gradient is not in the file.
        let in_velocity = self.case.get(Slot::V(param)).is_some()
            && (self.case.get(Slot::Grad(param)).is_none()
                || self.notes.iter().any(|note| note == DECAYED_VELOCITY));
        if self.world.decay > 0.0 && matches!(param, Param::W(_)) && !in_velocity {
            trials.retain(|trial| (trial.note == Some(DECAYED_STEP)) != in_gradient);
        }
        trials
    }

    /// Right steps along the loss alone, and λ·w without lr, where the file has both numbers.
    fn rateless_decay(&self, param: Param, state: &State, gradient: &Matrix, turn: f64) -> Vec<Trial> {
        let (lr, l2) = (self.numbers.get("lr"), self.numbers.get("l2"));
        let (Some(_), Some(&l2)) = (lr.filter(|&&lr| lr != 1.0), l2.filter(|&&l2| l2 > 0.0)) else {
            return Vec::new();
        };
        let decay = scaled(&self.case.given[&Slot::Param(param)], l2);
        let decayed = |step: Step| {
            let cause = cause(Slot::New(param), Bug::DecayWithoutLr, optimiser::RATELESS);
            Trial::new(plus(&step.value, &decay), vec![cause])
        };
        let steps = self.conventional_steps(param, state, gradient, turn);
        steps.into_iter().map(decayed).collect()
    }

    /// A right step and a penalty with some factor.
    fn penalised_step(&self, param: Param, step: &Matrix, right: &Matrix) -> Option<Trial> {
        let parameter = &self.case.given[&Slot::Param(param)];
        let c = dot(&minus(step, right), parameter) / dot(parameter, parameter);
        let decides = c.is_finite() && parameter.data().len() >= 4 && super::layer::varies(parameter);
        let lr = self.numbers.get("lr").copied().filter(|_| decides)?;
        let (id, name) = match param {
            Param::W(_) => (Bug::L2Factor, "W"),
            Param::B(_) => (Bug::L2OnBias, "b"),
        };
        let value = plus(right, &scaled(parameter, c));
        let slack = if self.tolerance.single { 1e-3 } else { 1e-6 };
        // λ itself is a decay without lr.
        if self.numbers.get("l2").is_some_and(|l2| (c / l2 - 1.0).abs() < slack) {
            return None;
        }
        if !self.numbers.contains_key("l2") && c > 0.0 {
            return Some(Trial { note: Some(super::layer::UNTOLD), ..Trial::new(value, Vec::new()) });
        }
        let formula =
            format!("{param} - lr·(gradient + c·{name}), with c off by {:.6e} from the right one", c / lr);
        Some(Trial::new(value, vec![cause(Slot::New(param), id, formula)]))
    }

    /// Scores of steps whose gradient is not in the file, from a candidate for dz.
    pub fn step_scores(
        &self,
        param: Param,
        site: &Site,
        candidate: &Candidate,
        from: usize,
        full: bool,
    ) -> Vec<Scored> {
        let (slot, step) = (Slot::New(param), self.step(param));
        let Some(state) = self.state(param) else { return Vec::new() };
        let rate = self.numbers.get("lr").copied().unwrap_or(0.0);
        let magnitude = norm(&self.case.given[&Slot::Param(param)]) * self.step_rounding()
            + rate * self.gradient_size(site, candidate, param);
        // A velocity has the sign of the file's gradients.
        let turn = self.world.sign;
        let scales = match candidate.scale {
            Some(scale) => vec![scale],
            None => self.conventions(),
        };
        let scales: Vec<f64> = scales.into_iter().map(|scale| turn * self.step_scale() / scale).collect();
        let descent = |gradient: &Matrix| scaled(gradient, scales[0]);
        let plain = gradient::right(site, param);
        let base = descent(&plain);
        let own = |trial: Trial| inherit(trial, from, candidate);
        let by = |&scale: &f64| self.right_steps(param, &state, &scaled(&plain, scale), turn);
        let rights: Vec<Trial> = scales.iter().flat_map(by).collect();
        let right = rights[0].value.clone();
        let mut scored = self.scores(&step, magnitude, rights.into_iter().map(own));
        if !full || self.hopeless() || scored.iter().any(|s| s.passes) {
            return scored;
        }
        for trial in tried(slot, site, gradient::table(param), &[1.0]) {
            let Some(value) =
                self.right_steps(param, &state, &descent(&trial.value), turn).into_iter().next()
            else {
                continue;
            };
            let trial = Trial::new(value.value, trial.causes);
            scored.extend(self.scores(&step, magnitude, [own(trial)]));
        }
        let mut more = optimiser::wrong_steps(self.case, &self.numbers, param, &state, &base, turn);
        more.extend(self.rateless_decay(param, &state, &base, turn));
        if self.rule() == Rule::Plain {
            more.extend(rescaled(slot, site, &step, &right, &[], &[1.0]));
            more.extend(self.penalised_step(param, &step, &right));
        }
        more.push(still(param, &step));
        scored.extend(self.scores(&step, magnitude, more.into_iter().map(own)));
        scored
    }
}

/// A parameter that did not move.
fn still(param: Param, step: &Matrix) -> Trial {
    let id = if matches!(param, Param::W(_)) { Bug::WeightNotUpdated } else { Bug::BiasNotUpdated };
    let formula = format!("{param}: it did not move");
    Trial::new(step.map(|_| 0.0), vec![cause(Slot::New(param), id, formula)])
}
