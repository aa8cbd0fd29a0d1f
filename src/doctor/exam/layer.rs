//! `dW_l` and `db_l` in an examination, or the steps that show them.

use super::backward::Candidate;
use super::candidates::inherit;
use super::clipping;
use super::examination::{Exam, rescaled, tried};
use super::judge::Scored;
use super::report::Status;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, minus, norm, plus, scaled};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::gradient;
use crate::doctor::formulas::hypothesis::Site;
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::reference::Matrix;

/// A penalty of which the file says nothing.
pub const UNTOLD: &str =
    "λ is not in the file, but a multiple of the parameters is in their gradients or steps: weight decay";

/// The penalty is in the gradients of biases that are a row of W.
const DECAYED_ROWS: &str = "L2 is added to the biases, too, which are a row of W";

/// The penalty is in dW.
pub const DECAYED: &str = "L2 is added to dW";

/// The notes on gradients of weights that have a penalty in them.
const PENALTIES: [Option<&str>; 2] = [Some(DECAYED), Some(UNTOLD)];

impl Exam<'_> {
    /// `dW_l` and `db_l`, or where they are not in the file their steps; narrows the candidates to those that fit.
    pub fn layer(&mut self, l: usize, candidates: &mut Vec<Candidate>) {
        let seen: Vec<Param> =
            [Param::W(l), Param::B(l)].into_iter().filter(|&param| self.observed(param)).collect();
        if candidates.len() > 1 && !seen.is_empty() {
            *candidates = candidates.drain(..).flat_map(|candidate| self.fitted(&seen, candidate)).collect();
            *candidates = self.narrowed(&seen, candidates);
        }
        for param in [Param::W(l), Param::B(l)] {
            if self.case.get(Slot::Grad(param)).is_none() {
                self.not_given(Slot::Grad(param));
            }
            if !seen.contains(&param) {
                continue;
            }
            let (slot, settled) = self.gradient(param, candidates);
            let kept: Vec<usize> = settled.iter().map(|winner| winner.from).collect();
            if !kept.is_empty() {
                let mut index = 0;
                candidates.retain(|_| {
                    index += 1;
                    kept.contains(&(index - 1))
                });
            }
            let named = self.findings.last().is_some_and(|f| f.tensor == slot);
            if named || !settled.is_empty() {
                candidates.iter_mut().for_each(|candidate| candidate.causes.clear());
            }
        }
    }

    /// Whether the gradient of a parameter can be seen, in itself or through a plain step.
    fn observed(&self, param: Param) -> bool {
        self.case.get(Slot::Grad(param)).is_some() || self.step_shows_gradient(param)
    }

    /// The verdict on the gradient of one parameter.
    fn gradient(&mut self, param: Param, candidates: &[Candidate]) -> (Slot, Vec<Scored>) {
        let given = self.case.get(Slot::Grad(param));
        let slot = if given.is_some() { Slot::Grad(param) } else { Slot::New(param) };
        let mut scored = Vec::new();
        for (from, candidate) in candidates.iter().enumerate() {
            scored.extend(self.gradient_scores(param, candidate, from, true));
        }
        let first = &candidates[0];
        let base = gradient::right(&self.site(param.layer(), &first.value), param);
        let seen = given.cloned().unwrap_or_else(|| self.step(param));
        let factors = self.factors(first);
        self.remember_scale(Slot::Grad(param), &seen, &base, &factors);
        let rights = factors.iter().flat_map(|&factor| self.with_decay(param, scaled(&base, factor)));
        let rights: Vec<Matrix> = rights.map(|trial| trial.value).collect();
        let dz = &first.value;
        let settled = self.settle(slot, scored, |exam| {
            let odd = || exam.odd_sample(param, dz, exam.scales[&Slot::Grad(param)], &seen);
            odd().unwrap_or_else(|| exam.difference(slot, &seen, &rights))
        });
        if let (Param::W(l), Some(_)) = (param, given) {
            let right: Vec<bool> = settled
                .winners
                .iter()
                .filter(|w| w.causes.is_empty())
                .map(|w| PENALTIES.contains(&w.note))
                .collect();
            if let Some(&has) = right.first().filter(|has| right.iter().all(|other| other == *has)) {
                self.penalised.insert(l, has);
            }
        }
        (slot, settled.winners)
    }

    /// The sample that a sum over samples leaves out, or counts twice: a loop from 1, or to one less.
    fn odd_sample(&self, param: Param, dz: &Matrix, factor: f64, seen: &Matrix) -> Option<String> {
        let all = scaled(&gradient::right(&self.site(param.layer(), dz), param), factor);
        if all.shape() != seen.shape() || self.case.n == 1 {
            return None;
        }
        let part = |sample: usize| {
            let alone =
                Matrix::from_fn(dz.rows(), dz.cols(), |r, c| if r == sample { dz.at(r, c) } else { 0.0 });
            scaled(&gradient::right(&self.site(param.layer(), &alone), param), factor)
        };
        let slack = if self.tolerance.single { 1e-3 } else { 1e-6 };
        let rest = minus(&all, seen);
        let mean = self.case.count() / (self.case.count() - 1.0);
        (0..self.case.n).find_map(|sample| {
            let part = part(sample);
            let others = scaled(&minus(&all, &part), mean);
            let what = match () {
                () if residual(&rest, &part) < slack => "left out of the sum",
                () if residual(&rest, &scaled(&part, -1.0)) < slack => "counted twice",
                () if residual(seen, &others) < slack => "left out: it is the mean of the others",
                () => return None,
            };
            Some(format!("sample {sample} of 0 to {} is {what}", self.case.n - 1))
        })
    }

    /// The factors from `aᵀ·dz` of a candidate to the gradient by the conventions.
    pub fn factors(&self, candidate: &Candidate) -> Vec<f64> {
        let world = self.world.sign * self.world.gradient;
        match candidate.scale {
            Some(scale) => vec![world / scale],
            None => self.conventions().iter().map(|scale| world / scale).collect(),
        }
    }

    /// The size of what a parameter's gradient adds up.
    pub fn gradient_size(&self, site: &Site, candidate: &Candidate, param: Param) -> f64 {
        if candidate.anchored {
            return norm(&gradient::magnitude(site, param));
        }
        self.operand_size(param)
    }

    /// The size of what the gradient of the mean loss would be if nothing in it cancelled.
    pub fn operand_size(&self, param: Param) -> f64 {
        norm(&gradient::magnitude(&self.site(param.layer(), &self.bounds[param.layer() - 1]), param))
    }

    /// Scores of the right and, if `full`, the wrong formulas of a parameter's gradient (or its step).
    pub fn gradient_scores(
        &self,
        param: Param,
        candidate: &Candidate,
        from: usize,
        full: bool,
    ) -> Vec<Scored> {
        let site = self.site(param.layer(), &candidate.value);
        if self.case.get(Slot::Grad(param)).is_none() {
            return self.step_scores(param, &site, candidate, from, full);
        }
        let given = &self.case.given[&Slot::Grad(param)];
        let slot = Slot::Grad(param);
        let factors = self.factors(candidate);
        let base = gradient::right(&site, param);
        let magnitude = self.gradient_size(&site, candidate, param) * factors[0].abs();
        let plain = |&factor: &f64| scaled(&base, factor);
        let mut scored = Vec::new();
        // A dz that is not in the file may be a sum, too.
        let scales = if candidate.anchored { vec![1.0] } else { self.conventions() };
        for right in factors.iter().map(plain) {
            let clipped: Vec<Trial> = self
                .clipping
                .iter()
                .flat_map(|clipping| {
                    scales.iter().map(|&scale| {
                        let (value, note) = clipping.applied(&right, &scaled(&base, scale));
                        Trial { note: Some(note), ..Trial::new(value, Vec::new()) }
                    })
                })
                .collect();
            let alone = clipping::one_norm(given, &right, self.tolerance.single);
            let alone =
                alone.map(|(value, note)| Trial { note: Some(note), ..Trial::new(value, Vec::new()) });
            let trials = self.with_decay(param, right).into_iter().chain(clipped).chain(alone);
            let trials = trials.map(|t| inherit(t, from, candidate));
            scored.extend(self.scores(given, magnitude, trials));
        }
        if !full || self.hopeless() || scored.iter().any(|s| s.passes) {
            return scored;
        }
        let wrong = tried(slot, &site, gradient::table(param), &factors).map(|t| inherit(t, from, candidate));
        scored.extend(self.scores(given, magnitude, wrong));
        for right in factors.iter().map(plain) {
            let more = self.additions(slot, param, given, &right);
            scored.extend(self.scores(
                given,
                magnitude,
                more.into_iter().map(|t| inherit(t, from, candidate)),
            ));
        }
        if !scored.iter().any(|s| s.passes) {
            scored.extend(self.rescaled_scores(slot, &site, given, &base, candidate, from));
        }
        scored
    }

    /// Right or wrong formulas with a wrong factor.
    fn rescaled_scores(
        &self,
        slot: Slot,
        site: &Site,
        given: &Matrix,
        base: &Matrix,
        candidate: &Candidate,
        from: usize,
    ) -> Vec<Scored> {
        let factors = self.factors(candidate);
        let mut trials = rescaled(slot, site, given, base, &[], &factors);
        if trials.iter().all(|t| residual(given, &t.value) > self.tolerance.relative)
            && let Slot::Grad(param) | Slot::New(param) = slot
        {
            for t in tried(slot, site, gradient::table(param), &[1.0]) {
                trials.extend(rescaled(slot, site, given, &t.value, &t.causes, &factors));
            }
        }
        self.scores(given, 0.0, trials.into_iter().map(|t| inherit(t, from, candidate)))
    }

    /// A right gradient, and with the L2 term in its place.
    fn with_decay(&self, param: Param, right: Matrix) -> Vec<Trial> {
        let mut trials = Vec::new();
        let penalised = match param {
            Param::W(l) => Some((self.case.w(l), DECAYED)),
            // A loss that is right without them says that they are not penalised.
            Param::B(l) => (self.case.bias_rows && !(self.world.penalised && self.has_right_loss()))
                .then(|| (self.case.b(l), DECAYED_ROWS)),
        };
        if let Some((parameter, note)) = penalised.filter(|_| self.world.decay > 0.0) {
            // Where the loss has the penalty, its factor in a sum over the batch is the sum's.
            let loose = [1.0, self.world.gradient];
            for &factor in if self.world.penalised { &loose[1..] } else { &loose[..] } {
                let value = plus(&right, &scaled(parameter, self.world.sign * factor * self.world.decay));
                trials.push(Trial { note: Some(note), ..Trial::new(value, Vec::new()) });
            }
        }
        trials.push(Trial::new(right, Vec::new()));
        trials
    }

    fn has_right_loss(&self) -> bool {
        self.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok)
    }

    /// What somebody may have added to a right gradient: a penalty with another factor, or an earlier gradient.
    fn additions(&self, slot: Slot, param: Param, given: &Matrix, right: &Matrix) -> Vec<Trial> {
        let mut trials = Vec::new();
        if let Some(earlier) = self.case.get(Slot::GradPrev(param)) {
            let text = "the right one plus the gradient of the batch before";
            trials.push(Trial::new(plus(right, earlier), vec![cause(slot, Bug::AccumulatorNotReset, text)]));
        }
        let parameter = &self.case.given[&Slot::Param(param)];
        let c = dot(&minus(given, right), parameter) / dot(parameter, parameter);
        // Of few values, or equal ones, only the file's own λ says anything.
        let values = parameter.data().len();
        let known = |&n: &f64| {
            let slack = match (self.tolerance.single, values) {
                (true, 1) => 1e-4,
                (true, _) => 1e-3,
                (false, _) => 1e-6,
            };
            self.numbers.get("l2").is_some_and(|l2| (c.abs() / (l2 * n) - 1.0).abs() < slack)
        };
        let n = self.case.count();
        let tells = (values >= 4 && varies(parameter)) || [1.0, 1.0 / n, n].iter().any(known);
        if c.is_finite() && tells {
            let value = plus(right, &scaled(parameter, c));
            let l2 = self.numbers.get("l2").map_or("no l2 in the file".to_owned(), |l2| format!("l2 = {l2}"));
            let (id, name) = match param {
                Param::W(_) => (Bug::L2Factor, "W"),
                Param::B(_) => (Bug::L2OnBias, "b"),
            };
            if !self.numbers.contains_key("l2") && c * self.world.sign > 0.0 {
                trials.push(Trial { note: Some(UNTOLD), ..Trial::new(value, Vec::new()) });
                return trials;
            }
            // λ, λ/N or N·λ in the direction of the gradient is the penalty's own: what differs is the loss.
            if matches!(param, Param::W(_))
                && c * self.world.sign > 0.0
                && [1.0, 1.0 / n, n].iter().any(known)
                && !(self.world.penalised && self.has_right_loss())
            {
                trials.push(Trial { note: Some(DECAYED), ..Trial::new(value, Vec::new()) });
                return trials;
            }
            let formula = format!("the right one plus c·{name} with c = {c:.6e} ({l2}, N = {})", self.case.n);
            trials.push(Trial::new(value, vec![cause(slot, id, formula)]));
        }
        trials
    }
}

/// Whether a tensor has different values: of equal ones anything is a multiple.
pub fn varies(tensor: &Matrix) -> bool {
    tensor.data().iter().any(|&value| value != tensor.data()[0])
}
