//! The forward half of an examination: z, a, p, accuracy.

use super::examination::{Exam, tried};
use super::permutation;
use super::report::{Checked, Status};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{
    column_means, dense, finite, matmul, minus, norm, scalar, scaled, times,
};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::preactivation::activation;
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::doctor::formulas::{accuracy, preactivation, probabilities, scale};
use crate::network::Activation;
use crate::reference::Matrix;

/// The largest of wrong probabilities that are supposed and not in the file.
const UNBOUNDED: f64 = 1e6;

impl Exam<'_> {
    /// Checks and completes z, a and p, then loss and accuracy.
    pub fn forward(&mut self) {
        for l in 1..=self.case.depth() {
            let z = self.preactivation(l);
            self.z.push(z);
            if l < self.case.depth() {
                self.mask(l);
                let a = self.activation(l);
                self.a.push(a);
            }
        }
        let Some(design) = self.inferred_design() else {
            self.contradicted = true;
            return;
        };
        self.design = design;
        self.p = self.probabilities();
        self.compare_factors();
        self.loss();
        self.accuracy();
    }

    /// `z_l`: the file's, checked, or computed.
    fn preactivation(&mut self, l: usize) -> Matrix {
        let slot = Slot::Z(l);
        let input = self.a[l - 1].clone();
        let right = preactivation::right(&self.site(l, &input));
        let Some(given) = self.case.get(slot) else {
            self.not_given(slot);
            return right;
        };
        let right = self.with_biases(l, right, given);
        let site = self.site(l, &input);
        let magnitude = norm(&preactivation::magnitude(&site));
        let scales = [1.0];
        let trials = [Trial::new(right.clone(), Vec::new())].into_iter().chain(tried(
            slot,
            &site,
            preactivation::TABLE,
            &scales,
        ));
        let whole = self.undropped(l);
        let without_mask = whole.as_ref().map(|a| {
            let formula = "f(z_k)·W + b, without dropout's mask";
            Trial::new(
                preactivation::right(&self.site(l, a)),
                vec![cause(slot, Bug::DropoutMaskMissing, formula)],
            )
        });
        let mut scored = self.scores(given, magnitude, trials.chain(without_mask));
        if l == 1 && !scored.iter().any(|s| s.passes) {
            scored.extend(self.scores(given, magnitude, permutation::trial(slot, given, &right)));
        }
        self.settle(slot, scored, |exam| exam.difference(slot, given, std::slice::from_ref(&right)));
        let named = |bug| self.findings.last().is_some_and(|f| f.bug == Some(bug) && f.tensor == slot);
        let overwritten = named(Bug::PreactivationOverwritten);
        if let Some(whole) = whole.filter(|_| named(Bug::DropoutMaskMissing)) {
            self.a[l - 1] = whole;
        }
        if overwritten { right } else { given.clone() }
    }

    /// The input of layer l before dropout, where the file's dz has the mask and its a has not.
    fn undropped(&self, l: usize) -> Option<Matrix> {
        let below = l.checked_sub(1)?;
        let (mask, a) = (self.masks.get(&below)?, self.case.get(Slot::A(below))?);
        let dz = self.case.get(Slot::Dz(below))?;
        (is_dropped(dz, mask) && !is_dropped(a, mask)).then(|| a.clone())
    }

    /// Whether the next z of the file is made of this layer's a as it stands there.
    fn goes_on(&self, l: usize, a: &Matrix) -> bool {
        let whole = dense(a, self.case.w(l + 1), self.case.b(l + 1));
        self.case.get(Slot::Z(l + 1)).is_some_and(|next| residual(next, &whole) < self.slack())
    }

    /// Whether a mask in the file is none of this step's: what comes after it is computed without it, there and back.
    fn is_left_over(&self, l: usize, mask: &Matrix) -> bool {
        let back = self.case.get(Slot::Dz(l)).is_some_and(|dz| is_dropped(dz, mask));
        let whole = |a: &Matrix| !is_dropped(a, mask) && self.goes_on(l, a);
        !back && self.case.get(Slot::A(l)).is_some_and(whole)
    }

    /// Whether an a without a mask is f(z), and goes on so: dropout may be in other layers alone.
    fn is_whole(&self, l: usize, a: &Matrix) -> bool {
        let z = &self.z[l - 1];
        let is = |act: Bend| residual(a, &z.map(|z| act.apply(z))) < self.slack();
        self.goes_on(l, a) && self.supposed_acts().into_iter().any(is)
    }

    /// The activations that a layer may have.
    fn supposed_acts(&self) -> Vec<Bend> {
        if self.world.act_named { Bend::forms(self.world.act.of) } else { Bend::all() }
    }

    /// A z computed without biases, or with those after the step, and with those that the file's z shows, if it differs by
    /// the same row in every sample.
    fn with_biases(&mut self, l: usize, z: Matrix, given: &Matrix) -> Matrix {
        let close = self.slack() / 100.0;
        let is_row = residual(&self.beside_bias(l, given), &self.beside_bias(l, &z)) < close;
        let later = self.case.has_later_biases(l);
        let unseen = self.case.unseen_biases.contains(&l) || later;
        if !unseen || self.case.n == 1 || !is_row || residual(given, &z) < close {
            return z;
        }
        let b = column_means(&minus(given, &z));
        let gradient = self.case.get(Slot::Grad(Param::B(l))).filter(|_| later);
        if gradient.is_some_and(|gradient| scale::multiple(&b, gradient, 1e-6).is_none()) {
            return z;
        }
        self.note(match later {
            true => format!("b{l} in the file is that after the step; the one before it was read off z{l}"),
            false => format!("b{l} is not in the file; it was read off z{l}"),
        });
        Matrix::from_fn(z.rows(), z.cols(), |r, c| z.at(r, c) + b.at(0, c))
    }

    /// Dropout's mask of a layer with its scale: from the file, or from the zeros of a.
    fn mask(&mut self, l: usize) {
        let q = self.numbers.get("drop_p").copied().unwrap_or(0.0);
        let keep = 1.0 / (1.0 - q);
        if let Some(mask) = self.case.get(Slot::Mask(l)) {
            if self.is_left_over(l, mask) {
                self.note(format!("mask{l} is not used: no unit of layer {l} is dropped in this step"));
                return;
            }
            let binary = mask.data().iter().all(|&m| m == 0.0 || m == 1.0);
            let unsaid = binary && !self.numbers.contains_key("drop_p");
            let keep = unsaid.then(|| self.mask_scale(l, mask)).flatten().unwrap_or(keep);
            let mask = if binary { scaled(mask, keep) } else { mask.clone() };
            self.masks.insert(l, mask);
        } else if let Some(a) = self.case.get(Slot::A(l)).filter(|a| q > 0.0 && !self.is_whole(l, a)) {
            let mask = a.map(|a| if a == 0.0 { 0.0 } else { keep });
            self.masks.insert(l, mask);
            self.note(format!("mask{l} is not given; dropout's mask was read off the zeros of a{l}"));
        }
    }

    /// What dropout's mask of zeros and ones is multiplied with, by a or the next z.
    fn mask_scale(&mut self, l: usize, mask: &Matrix) -> Option<f64> {
        let z = &self.z[l - 1];
        let slack = if self.tolerance.single { 1e-5 } else { 1e-9 };
        let scale = self.supposed_acts().into_iter().find_map(|act| {
            let kept = times(&z.map(|z| act.apply(z)), mask);
            let sloped = |a: &Matrix| {
                let (above, below) = Bend::parts(act.of, z);
                let parts = [times(&above, mask), times(&below, mask)];
                scale::combination(a, &parts[0], &parts[1], slack).map(|(scale, _)| scale)
            };
            match (self.case.get(Slot::A(l)), self.case.get(Slot::Z(l + 1))) {
                (Some(a), _) if matches!(act.of, Activation::LeakyRelu | Activation::Elu) => sloped(a),
                (Some(a), _) => scale::multiple(a, &kept, slack),
                (None, Some(next)) => {
                    let w = self.case.w(l + 1);
                    let b = dense(&Matrix::zeros(kept.shape()), w, self.case.b(l + 1));
                    scale::multiple(&minus(next, &b), &matmul(&kept, w), slack)
                }
                (None, None) => None,
            }
        })?;
        let rounded = if (scale - 1.0).abs() < slack { 1.0 } else { scale };
        self.note(if rounded == 1.0 {
            format!("mask{l} has no factor 1/(1 - q): right if outputs are multiplied by 1 - q at prediction")
        } else {
            format!(
                "drop_p is not in the file; mask{l} is multiplied by {scale:.6}: q = {:.6}",
                1.0 - 1.0 / scale
            )
        });
        Some(rounded).filter(|&scale| scale >= 1.0)
    }

    /// `a_l`: the file's, checked, or computed.
    fn activation(&mut self, l: usize) -> Matrix {
        let slot = Slot::A(l);
        let z = self.z[l - 1].clone();
        let act = self.inferred_activation(l, &z);
        self.acts.push(act);
        let plain = activation::right(&self.site(l, &z));
        let right = self.masks.get(&l).map_or_else(|| plain.clone(), |mask| times(&plain, mask));
        let Some(given) = self.case.get(slot) else {
            self.not_given(slot);
            return match self.world.forward {
                Some((at, h)) if at == slot => {
                    self.pending.push(cause(
                        slot,
                        h.bug,
                        format!("{} (seen further on; {slot} is not in the file)", h.formula),
                    ));
                    (h.value)(&self.site(l, &z)).unwrap_or(right)
                }
                _ => right,
            };
        };
        let site = self.site(l, &z);
        let mut rights = vec![Trial::new(right.clone(), Vec::new())];
        if self.masks.contains_key(&l) {
            let note = "an a before dropout is in the file; what follows is computed with the mask";
            rights.push(Trial { note: Some(note), ..Trial::new(plain.clone(), Vec::new()) });
        }
        let scales = [1.0];
        let trials = rights.into_iter().chain(tried(slot, &site, activation::TABLE, &scales));
        let mut scored = self.scores(given, norm(&right), trials);
        if l == 1 && self.case.get(Slot::Z(1)).is_none() && !scored.iter().any(|s| s.passes) {
            scored.extend(self.scores(given, norm(&right), permutation::trial(slot, given, &right)));
        }
        self.settle(slot, scored, |exam| match exam.world.act_named {
            true => exam.difference(slot, given, std::slice::from_ref(&right)),
            false => {
                format!("no activation of z{l} that is known, and none of its forms, gives these numbers")
            }
        });
        let before_dropout =
            self.masks.get(&l).filter(|_| residual(given, &plain) <= self.tolerance.relative);
        before_dropout.map_or_else(|| given.clone(), |mask| times(given, mask))
    }

    /// p: the file's, checked, or computed.
    fn probabilities(&mut self) -> Matrix {
        let l = self.case.depth();
        let z = self.z[l - 1].clone();
        let right = probabilities::right(&self.site(l, &z));
        let Some(given) = self.case.get(Slot::P) else {
            self.not_given(Slot::P);
            return match self.world.forward {
                Some((Slot::P, h)) if self.design.is_usual() => {
                    let value = (h.value)(&self.site(l, &z)).unwrap_or(right);
                    // Beside numbers without bounds everything else is rounding, and any formula fits.
                    self.contradicted |= !value.data().iter().all(|p| p.abs() < UNBOUNDED);
                    self.pending.push(cause(
                        Slot::P,
                        h.bug,
                        format!("{} (seen further on; p is not in the file)", h.formula),
                    ));
                    value
                }
                _ => right,
            };
        };
        let site = self.site(l, &z);
        // An error of ε·|z| in a logit is an error of that size, relative, in p.
        let spread = z.data().iter().fold(1.0_f64, |max, z| max.max(z.abs()));
        let magnitude = norm(&right) * spread;
        let clip =
            |value| Trial { note: Some("p is clipped away from 0 and 1"), ..Trial::new(value, Vec::new()) };
        let rights = [Trial::new(right.clone(), Vec::new())]
            .into_iter()
            .chain(probabilities::clipped(&right).map(clip));
        let scales = [1.0];
        let trials = rights.chain(tried(Slot::P, &site, probabilities::table(&site), &scales));
        let mut scored = self.scores(given, magnitude, trials);
        if self.case.get(Slot::Z(l)).is_none() && !scored.iter().any(|s| s.passes) {
            scored.extend(self.scores(given, magnitude, permutation::trial(Slot::P, given, &right)));
        }
        self.settle(Slot::P, scored, |exam| {
            let difference = exam.difference(Slot::P, given, &[right]);
            match exam.design.head.is_softmax() {
                true => format!("{difference}; {}", probabilities::sums(given)),
                false => difference,
            }
        });
        given.clone()
    }

    /// The p that the gradients come from.
    pub fn training_p(&mut self) {
        if self.world.fresh_p {
            let l = self.case.depth();
            self.p = probabilities::right(&self.site(l, &self.z[l - 1]));
            self.note("the p in the file is not the one the gradients come from: the evaluation has a softmax of its own");
        }
    }

    /// The accuracy of yes and no, for every output by itself: recognised, but its definitions are too many to call one
    /// of them wrong.
    fn shares_right(&mut self, given: &Matrix) {
        let middle = if self.case.y.data().iter().any(|&y| y < 0.0) { 0.0 } else { 0.5 };
        let right = |r: usize, c: usize| (self.p.at(r, c) > middle) == (self.case.y.at(r, c) > middle);
        let (n, outputs) = (self.case.n, self.case.classes());
        let each =
            (0..n).flat_map(|r| (0..outputs).map(move |c| (r, c))).filter(|&(r, c)| right(r, c)).count();
        let every = (0..n).filter(|&r| (0..outputs).all(|c| right(r, c))).count();
        let shares = [each as f64 / (n * outputs) as f64, every as f64 / n as f64];
        let forms =
            shares.iter().flat_map(|share| accuracy::forms(share * self.case.count(), self.case.count()));
        let known = forms.map(|(value, _)| value).any(|value| (value - given.at(0, 0)).abs() < 1e-6);
        if known {
            self.checked.push(Checked {
                tensor: Slot::Accuracy,
                name: None,
                status: Status::Ok,
                residual: None,
            });
        } else {
            self.not_checked(Slot::Accuracy);
        }
    }

    fn accuracy(&mut self) {
        let Some(given) = self.case.get(Slot::Accuracy) else {
            self.not_given(Slot::Accuracy);
            return;
        };
        if !finite(&self.p) || !self.case.one_hot || self.case.classes() == 1 {
            self.shares_right(given);
            return;
        }
        let p = self.p.clone();
        let site = self.site(self.case.depth(), &p);
        let right = |(value, note): (f64, &'static str)| {
            let note = (!note.is_empty()).then_some(note);
            Trial { note, ..Trial::new(scalar(value), Vec::new()) }
        };
        let rights = accuracy::rights(&site);
        let scales = [1.0];
        let trials: Vec<Trial> = rights
            .into_iter()
            .map(right)
            .chain(tried(Slot::Accuracy, &site, accuracy::TABLE, &scales))
            .collect();
        let tolerance = self.tolerance;
        // A share k/N may come as float32 even if nothing else does.
        self.tolerance.relative = tolerance.relative.max(1e-6);
        let scored = self.scores(given, 0.0, trials);
        let (given, right) = (given.at(0, 0), rights[0].0);
        let multiple = (given * self.case.count()).fract().abs() < 1e-6;
        let pending = std::mem::take(&mut self.pending);
        self.settle(Slot::Accuracy, scored, |_| {
            let hint =
                if multiple { "" } else { "; it is not a multiple of 1/N: an average over other batches?" };
            format!("{given} where {right} is right{hint}")
        });
        self.pending = pending;
        self.tolerance = tolerance;
    }
}

/// Whether a tensor is 0 wherever a mask is.
fn is_dropped(tensor: &Matrix, mask: &Matrix) -> bool {
    tensor.shape() == mask.shape()
        && mask.data().iter().zip(tensor.data()).all(|(&mask, &value)| mask != 0.0 || value == 0.0)
}
