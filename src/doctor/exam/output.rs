//! `dz_L` in an examination: where the backward half begins.

use super::backward::{Candidate, anchored};
use super::examination::{Exam, rescaled, tried};
use super::judge::Scored;
use super::report::{Checked, Status};
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::{norm, scaled};
use crate::doctor::formulas::trial::{Trial, cause, residual};
use crate::doctor::formulas::{delta, head, labels, scale};
use crate::reference::Matrix;

impl Exam<'_> {
    /// `dz_L`.
    pub fn output_delta(&mut self) -> Vec<Candidate> {
        let l = self.case.depth();
        let slot = Slot::Dz(l);
        let p = self.p.clone();
        let right = delta::right(&self.site(l, &p));
        let Some(given) = self.case.get(slot) else {
            self.not_given(slot);
            return self.output_delta_unseen(slot, &p, &right);
        };
        if self.case.alone {
            return vec![Candidate { scale: Some(self.case.count()), ..anchored(given, None) }];
        }
        if self.weights.is_some() {
            self.checked.push(Checked { tensor: slot, name: None, status: Status::Ok, residual: None });
            return vec![anchored(given, None)];
        }
        let scales = self.conventions();
        let site = self.site(l, &p);
        let magnitude = |scale: f64| (norm(&p) + norm(&self.case.y)) / self.case.count() * scale.abs();
        let forms = delta::rights(&site);
        let scale = |right: &Matrix, scale| Trial { scale, ..Trial::new(scaled(right, scale), Vec::new()) };
        let rights = forms.iter().flat_map(|right| scales.iter().map(move |&factor| scale(right, factor)));
        let mut scored = Vec::new();
        for trial in rights {
            scored.extend(self.scores(given, magnitude(trial.scale), [trial]));
        }
        let wrong = || tried(slot, &site, delta::table(&site), &scales);
        for trial in (!self.explained(&scored)).then(wrong).into_iter().flatten() {
            scored.extend(self.scores(given, magnitude(trial.scale), [trial]));
        }
        if self.case.one_hot && !scored.iter().any(|s| s.passes) {
            scored.extend(self.solved_labels(slot, given, &p, &scales));
        }
        if !scored.iter().any(|s| s.passes) {
            let rights = rescaled(slot, &site, given, &right, &[], &self.meant(&scales));
            scored.extend(self.scores(given, 0.0, rights));
        }
        if !scored.iter().any(|s| s.passes) {
            let trials: Vec<Trial> = tried(slot, &site, delta::table(&site), &[1.0]).collect();
            for t in trials {
                let more = rescaled(slot, &site, given, &t.value, &t.causes, &scales);
                scored.extend(self.scores(given, 0.0, more));
            }
        }
        let rights: Vec<Matrix> =
            forms.iter().flat_map(|right| scales.iter().map(|&scale| scaled(right, scale))).collect();
        let settled = self.settle(slot, scored, |exam| exam.difference(slot, given, &rights));
        match settled.winners.first() {
            Some(winner) => _ = self.scales.insert(slot, winner.scale),
            None => {
                // A factor that no loss shows is meant only where it comes near.
                let all = self.meant(&scales);
                let close = |factor: &f64| residual(given, &scaled(&right, *factor)) < 0.5;
                let all = if all.iter().any(close) { all } else { scales.clone() };
                self.remember_scale(slot, given, &right, &all);
            }
        }
        self.scale_note(slot, settled.winners.first());
        self.by_every_scale(anchored(given, settled.winners.first()))
    }

    /// The last dz by every scale that it has with one of the squared error's factors: where N is a number of outputs, or
    /// twice one, there are several, and the gradients that follow decide.
    fn by_every_scale(&self, dz: Candidate) -> Vec<Candidate> {
        let Some(scale) = dz.scale.filter(|_| !self.design.is_usual()) else { return vec![dz] };
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
        let factors = head::factors(self.case.classes() as f64).map(|factor| factor / self.design.factor);
        let others = self
            .conventions()
            .into_iter()
            .filter(|&other| !near(other, scale) && factors.iter().any(|factor| near(other * factor, scale)));
        let others: Vec<Candidate> =
            others.map(|other| Candidate { scale: Some(other), ..dz.clone() }).collect();
        [vec![dz], others].concat()
    }

    /// Candidates for a `dz_L` that is not in the file.
    fn output_delta_unseen(&mut self, slot: Slot, p: &Matrix, right: &Matrix) -> Vec<Candidate> {
        let pending = std::mem::take(&mut self.pending);
        let mut candidates: Vec<Candidate> = self
            .meant(&[1.0])
            .iter()
            .map(|&factor| Candidate::new(scaled(right, factor), pending.clone()))
            .collect();
        if self.world.search {
            let site = self.site(self.case.depth(), p);
            let wrong = tried(slot, &site, delta::table(&site), &[1.0])
                .map(|t| (t.value, t.causes))
                .collect::<Vec<_>>();
            let factors = scale::factors(&site);
            let rescaled =
                factors.iter().map(|f| (scaled(right, f.value), vec![cause(slot, f.bug, f.text.clone())]));
            for (value, causes) in wrong.into_iter().chain(rescaled) {
                candidates.push(Candidate::new(value, pending.iter().cloned().chain(causes).collect()));
            }
        }
        candidates
    }

    /// The scales that `dz_L` may have by convention, where a squared error may be meant with any of its factors.
    fn meant(&self, scales: &[f64]) -> Vec<f64> {
        if self.design.is_usual() {
            return scales.to_vec();
        }
        let factors = head::factors(self.case.classes() as f64).map(|factor| factor / self.design.factor);
        factors.iter().flat_map(|factor| scales.iter().map(move |scale| factor * scale)).collect()
    }

    /// What the labels were, if they can be solved from `dz_L`.
    fn solved_labels(&self, slot: Slot, given: &Matrix, p: &Matrix, scales: &[f64]) -> Vec<Scored> {
        let z = &self.z[self.case.depth() - 1];
        let delta = |y: &Matrix| scaled(&self.design.delta(z, p, y), 1.0 / self.case.count());
        let scales = self.meant(scales);
        let Some((used, scale)) = labels::solve(self.case, delta, given, &scales, self.tolerance.single)
        else {
            return Vec::new();
        };
        let Some((id, text)) = labels::diagnose(self.case, &used) else { return Vec::new() };
        let labels = labels::chosen(self.case, &used);
        let y = Matrix::from_fn(p.rows(), p.cols(), |r, c| f64::from(labels[r] == c));
        let value = scaled(&delta(&y), scale);
        let formula = format!("p - Y with other labels, solved from Y = p - N·dz: {text}");
        let trial = Trial { scale, ..Trial::new(value, vec![cause(slot, id, formula)]) };
        self.scores(given, norm(p) * scale.abs() / self.case.count(), [trial])
    }

    /// Mentions where 1/N and the sign stand.
    fn scale_note(&mut self, slot: Slot, winner: Option<&Scored>) {
        let Some(scale) = winner.map(|winner| winner.scale) else { return };
        if scale.abs() > 1.0 {
            self.note(format!(
                "{slot} is without 1/N: right if the loss is a sum over the batch, or if 1/N comes later"
            ));
        }
        if scale < 0.0 {
            self.note(format!("{slot} is y - p, the downhill direction: right if the step adds it"));
        }
    }
}
