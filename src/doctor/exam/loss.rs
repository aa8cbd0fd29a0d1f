//! The printed loss in an examination: which one it is, and how it fits the gradients.

use super::examination::{Exam, tried};
use super::judge::Scored;
use super::report::{Finding, Status};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{scalar, scaled};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::hypothesis::Hypothesis;
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::doctor::formulas::{delta, head, loss, probabilities};
use crate::reference::Matrix;

/// A loss must agree this closely with a hypothesis: one number fits many formulas by chance.
const LOSS_TOLERANCE: f64 = 2e-6;

/// How near, as a logarithm, a wrong loss must come to a convention that is taken to be meant.
const NEAR: f64 = 0.25;

/// The loss adds up what the step takes the mean of.
const SUMMED: &str = "the loss is a sum over the batch, while the step takes the mean: a constant, that the learning rate takes";

impl Exam<'_> {
    /// The loss that is printed.
    pub fn loss(&mut self) {
        let Some(given) = self.case.get(Slot::Loss) else {
            self.not_given(Slot::Loss);
            return;
        };
        let mut given = given.clone();
        if given.data().len() == self.case.n && self.case.n > 1 {
            self.note("loss is given for each sample; its mean is checked");
            given = scalar(given.data().iter().sum::<f64>() / self.case.count());
        }
        if given.data().len() > 1 {
            self.not_checked(Slot::Loss);
            self.note(
                "loss holds the values of several steps; it is not checked: export the one of this batch",
            );
            return;
        }
        if self.weights.as_ref().is_some_and(|weights| weights.iter().any(|weight| weight.is_nan())) {
            self.not_checked(Slot::Loss);
            self.note(
                "samples count differently, and of some nothing shows how much: the loss is not checked",
            );
            return;
        }
        let p = self.p.clone();
        let site = self.site(self.case.depth(), &p);
        let penalty =
            if self.world.penalised { self.world.decay / 2.0 * loss::weights_squared(&site) } else { 0.0 };
        let right = |value: f64| Trial::new(scalar(value), Vec::new());
        let rights: Vec<Trial> = if self.design.is_usual() {
            let printed = |loss: f64| (loss + penalty) * self.world.objective;
            let mut all: Vec<Trial> = loss::rights(&site).into_iter().map(printed).map(right).collect();
            // Without a dW nothing shows where the mean is taken: a step may take it.
            let has = |wanted: fn(&Slot) -> bool| self.case.given.keys().any(wanted);
            let shows = has(|slot| matches!(slot, Slot::Grad(Param::W(_))));
            let steps = has(|slot| matches!(slot, Slot::New(_)));
            let summed = self.world.gradient > 1.0 || (!shows && (steps || self.sums_deltas()));
            if summed && self.world.objective == 1.0 {
                let summed = |mut trial: Trial| {
                    trial.value = scaled(&trial.value, self.case.count());
                    Trial { note: Some(SUMMED), ..trial }
                };
                all.extend(all.clone().into_iter().map(summed));
            }
            all
        } else {
            // A penalty that the step of a sum has once is 1/N of it beside a mean.
            let summed = self.world.objective > 1.0 && penalty > 0.0;
            let once = summed.then(|| head::losses(&site, penalty / self.case.count()));
            let all = head::losses(&site, penalty).into_iter().chain(once.into_iter().flatten());
            all.map(right).collect()
        };
        let weighed = self.weighed_losses().into_iter().map(right);
        let rights: Vec<Trial> = rights.into_iter().chain(weighed).collect();
        let wanted =
            if self.design.is_usual() { rights[0].value.at(0, 0) } else { self.meant_loss().0 + penalty };
        let scales = [1.0];
        let trials: Vec<Trial> =
            rights.into_iter().chain(tried(Slot::Loss, &site, loss::table(&site), &scales)).collect();
        let tolerance = self.tolerance;
        self.tolerance =
            tolerance.with_relative(if tolerance.single { LOSS_TOLERANCE } else { tolerance.relative });
        self.tolerance.relative = self.tolerance.relative.max(self.loss_rounding());
        // The logarithm turns a relative error of p into an absolute one of the loss.
        let mut scored = self.scores(&given, 1.0, trials);
        if !scored.iter().any(|s| s.passes) {
            scored.extend(self.losses_of_wrong_p(&given));
        }
        self.settle(Slot::Loss, scored, |_| format!("{} where {wanted} is right", given.at(0, 0)));
        self.tolerance = tolerance;
        self.open_second_term();
    }

    /// Sigmoids, p - y and -y log p: their softmax is missing, or the other term of their binary cross-entropy.
    fn open_second_term(&mut self) {
        let right = self.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok);
        let plain = |row: &Hypothesis| row.formula == probabilities::SIGMOIDS;
        let sigmoid = |f: &&mut Finding| f.tensor == Slot::P && f.row.is_some_and(plain);
        if let Some(finding) = self.findings.iter_mut().find(sigmoid).filter(|_| right) {
            finding.also.push(Bug::BinaryCrossEntropySign);
            finding.alternatives.push("loss = -y log p: the term of 1 - y is missing".to_owned());
        }
    }

    /// The loss that a design other than the usual one has, and its factor beside the sum over samples and outputs: that of
    /// the printed loss if it comes near some convention, else the gradient's.
    pub fn meant_loss(&self) -> (f64, f64) {
        let total = self.design.measure.total(&self.p, &self.case.y);
        let n = self.case.count();
        let own = self.design.factor / n;
        let factors = head::factors(self.case.classes() as f64);
        let all = [n, 1.0].into_iter().flat_map(|samples| factors.map(|factor| factor / samples));
        let printed = self.printed_loss().map_or(own, |printed| printed / total);
        let off = |factor: f64| (printed / factor).ln().abs();
        let nearest = all.min_by(|a, b| off(*a).total_cmp(&off(*b))).filter(|&factor| off(factor) < NEAR);
        let factor = nearest.unwrap_or(own);
        (factor * total, factor)
    }

    /// How many times the mean of the design's plain loss the printed one is: a factor over outputs and, if it is a sum
    /// over the batch, N.
    fn loss_scale(&self) -> Option<(f64, bool)> {
        let total = self.design.measure.total(&self.p, &self.case.y);
        let ratio = self.printed_loss()? / total;
        let n = self.case.count();
        let all = if self.design.is_usual() {
            vec![1.0]
        } else {
            head::factors(self.case.classes() as f64).to_vec()
        };
        let of = |scale: f64| {
            let slack = LOSS_TOLERANCE.max(self.loss_rounding());
            all.iter().copied().find(|factor| (ratio / factor / scale - 1.0).abs() < slack)
        };
        match (of(1.0 / n), of(1.0)) {
            (Some(factor), None) => Some((factor, false)),
            (None, Some(factor)) => Some((factor, true)),
            _ => None,
        }
    }

    /// Notes where the loss and the gradients have other factors.
    pub fn compare_factors(&mut self) {
        let Some((factor, _)) = self.loss_scale().filter(|_| !self.design.is_usual()) else { return };
        let times = factor / self.design.factor;
        if (times - 1.0).abs() > 1e-9 && self.shows_gradient() {
            self.note(format!(
                "the loss is {times:.6} times the one that the gradients are those of: harmless, since the learning rate takes the factor"
            ));
        }
    }

    /// Whether the printed loss is a sum over the batch; nothing if it does not say.
    pub fn summed_loss(&self) -> Option<bool> {
        self.loss_scale().map(|(_, summed)| summed)
    }

    /// Whether the last dz of the file is that of a sum over the batch.
    fn sums_deltas(&self) -> bool {
        let l = self.case.depth();
        let right = delta::right(&self.site(l, &self.p));
        let summed = |dz: &Matrix| {
            [1.0, -1.0].iter().any(|sign| residual(dz, &scaled(&right, sign * self.case.count())) < 1e-3)
        };
        self.case.n > 1 && self.case.get(Slot::Dz(l)).is_some_and(summed)
    }

    /// The cross-entropy of every wrong p, for files without p: an evaluation that went wrong.
    fn losses_of_wrong_p(&self, given: &Matrix) -> Vec<Scored> {
        let l = self.case.depth();
        let z = &self.z[l - 1];
        let site = self.site(l, z);
        let mut trials = Vec::new();
        for h in probabilities::table(&site) {
            let Some(p) = (h.value)(&site) else { continue };
            for (factor, text) in [
                (1.0, ""),
                (1.0 / self.case.classes() as f64, ", divided by C"),
                (self.case.count(), ", summed"),
            ] {
                let value = scalar(factor * loss::mean(&self.site(l, &p)));
                let formula = format!("cross-entropy{text} of p = {}", h.formula);
                trials.push(Trial::new(value, vec![cause(Slot::Loss, h.bug, formula)]));
            }
        }
        self.scores(given, 1.0, trials)
    }
}
