//! The backward half of an examination: dz, dW, db, da, from the last layer to the first.

use super::examination::{Exam, rescaled, tried};
use super::judge::Scored;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, matmul_nt, minus, norm, plus, scaled, times, zip};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::hypothesis::Site;
use crate::doctor::formulas::trial::{Cause, Trial, cause};
use crate::doctor::formulas::{gradient, hidden};
use crate::network::Activation;
use crate::reference::Matrix;

/// The most candidates carried on, and the most bugs in one of them.
const CANDIDATES: usize = 600;
const BUGS: usize = 2;

/// Values below 0 that a fitted slope must explain.
const BELOW: usize = 3;

/// What a gradient that is not in the file, or is, may be.
#[derive(Clone)]
pub struct Candidate {
    /// Its numbers.
    pub value: Matrix,
    /// What must have gone wrong for it, not yet reported.
    pub causes: Vec<Cause>,
    /// How many times the mean loss's gradient it is by convention (±1, ±N); nothing if it could not be explained.
    pub scale: Option<f64>,
    /// Whether a gradient of the file stands behind it, so that its scale is no longer free.
    pub anchored: bool,
    /// Whether dropout's mask is already in it.
    pub masked: bool,
    /// What it changes by with a number that the next tensor of the file decides.
    pub direction: Option<Matrix>,
}

impl Candidate {
    pub fn new(value: Matrix, causes: Vec<Cause>) -> Self {
        Self { value, causes, scale: Some(1.0), anchored: false, masked: false, direction: None }
    }

    /// The same with other numbers and one more thing gone wrong.
    fn next(&self, value: Matrix, causes: impl IntoIterator<Item = Cause>) -> Self {
        let causes = self.causes.iter().cloned().chain(causes).collect();
        let Self { scale, anchored, masked, .. } = *self;
        Self { value, causes, scale, anchored, masked, direction: self.direction.clone() }
    }
}

impl Exam<'_> {
    /// Checks the gradients of every layer.
    pub fn backward(&mut self) {
        let depth = self.case.depth();
        self.bounds = self.operand_sizes();
        self.clipping = self.clipped();
        let mut candidates = self.output_delta();
        self.layer(depth, &mut candidates);
        for l in (1..depth).rev() {
            if self.lost() {
                return;
            }
            candidates = self.through_weights(l, &candidates);
            if self.is_supposed(l) && self.case.get(Slot::Dz(l)).is_none() {
                self.leave_below(l);
                return;
            }
            candidates = self.through_activation(l, &candidates);
            self.layer(l, &mut candidates);
        }
        if self.case.get(Slot::Da(0)).is_some() && !self.lost() {
            self.through_weights(0, &candidates);
        }
    }

    /// For every layer what `dz_l` would be if nothing in it cancelled: the size of what rounding acts on.
    /// Outputs count as at most the right ones, so that a wrong p cannot excuse anything as rounding.
    fn operand_sizes(&self) -> Vec<Matrix> {
        let depth = self.case.depth();
        let right = self.design.head.apply(&self.z[depth - 1]);
        let outputs = zip(&self.p, &right, |p, right| p.abs().min(right.abs()));
        let mut bounds = vec![scaled(&plus(&outputs, &self.case.y.map(f64::abs)), 1.0 / self.case.count())];
        for l in (1..depth).rev() {
            let da = matmul_nt(&bounds[bounds.len() - 1], &self.case.w(l + 1).map(f64::abs));
            bounds.push(times(&da, &self.z[l - 1].map(|z| self.act(l).derivative(z).abs())));
        }
        bounds.reverse();
        bounds
    }

    /// The scales a gradient may have by convention.
    pub fn conventions(&self) -> Vec<f64> {
        let n = self.case.count();
        if self.case.n == 1 { vec![1.0, -1.0] } else { vec![1.0, n, -1.0, -n] }
    }

    /// `da_l`, from candidates for `dz_{l+1}`.
    fn through_weights(&mut self, l: usize, above: &[Candidate]) -> Vec<Candidate> {
        let slot = Slot::Da(l);
        let Some(given) = self.case.get(slot) else {
            self.not_given(slot);
            return self.through_weights_unseen(slot, l, above);
        };
        let conventions = self.conventions();
        let mut scored = Vec::new();
        for (from, candidate) in above.iter().enumerate() {
            if !candidate.causes.is_empty() && self.explained(&scored) {
                continue;
            }
            let site = self.site(l, &candidate.value);
            let scales = if candidate.anchored { vec![1.0] } else { conventions.clone() };
            let right = hidden::through_weights::right(&site);
            let magnitude = norm(&hidden::through_weights::magnitude(&site));
            let mut trials = Vec::new();
            for &scale in &scales {
                trials.push(Trial { scale, ..Trial::new(scaled(&right, scale), Vec::new()) });
                if let Some(mask) = self.masks.get(&l) {
                    let value = scaled(&times(&right, mask), scale);
                    trials.push(Trial { scale, note: Some(MASKED), ..Trial::new(value, Vec::new()) });
                }
            }
            let below = self.site(l, &right);
            let dz = (l > 0).then(|| hidden::rights(&below, self.masks.get(&l)).swap_remove(0));
            for (&scale, dz) in scales.iter().filter_map(|scale| Some((scale, dz.as_ref()?))) {
                let value = scaled(dz, scale);
                trials.push(Trial { scale, note: Some(HOLDS_DZ), ..Trial::new(value, Vec::new()) });
            }
            let score = |trial| self.inherited(given, magnitude, trial, (from, candidate));
            scored.extend(trials.drain(..).map(score));
            if self.explained(&scored) {
                continue;
            }
            trials.extend(tried(slot, &site, hidden::through_weights::TABLE, &scales));
            for (formula, value) in hidden::through_weights::miscut(&site) {
                let cause = || vec![cause(slot, Bug::ErrorNotSummed, formula)];
                let cut = |&scale: &f64| Trial { scale, ..Trial::new(scaled(&value, scale), cause()) };
                trials.extend(scales.iter().map(cut));
            }
            if let Some((lr, value)) = hidden::fitted_step(&site, given) {
                let formula = format!("dz·(W - c·dW)ᵀ with c = {lr:.6}: the weights above after their step");
                trials.push(Trial::new(value, vec![cause(slot, Bug::UpdatedWeightsInBackward, formula)]));
            }
            trials.extend(rescaled(slot, &site, given, &right, &[], &scales));
            scored.extend(trials.into_iter().map(score));
        }
        let right = hidden::through_weights::right(&self.site(l, &above[0].value));
        let rights: Vec<Matrix> = conventions.iter().map(|&scale| scaled(&right, scale)).collect();
        let settled = self.settle(slot, scored, |exam| exam.difference(slot, given, &rights));
        let masked = settled.winners.first().is_some_and(|winner| winner.note == Some(MASKED));
        if let Some(winner) = settled.winners.first().filter(|winner| winner.note == Some(HOLDS_DZ)) {
            let above = &above[winner.from];
            let value = scaled(&hidden::through_weights::right(&self.site(l, &above.value)), winner.scale);
            return vec![follow(&value, Some(winner), std::slice::from_ref(above))];
        }
        let all = followed(given, &settled.winners, above).into_iter();
        all.map(|candidate| Candidate { masked, ..candidate }).collect()
    }

    /// Candidates for a `da_l` that is not in the file.
    fn through_weights_unseen(&self, slot: Slot, l: usize, above: &[Candidate]) -> Vec<Candidate> {
        let mut all = Vec::new();
        for candidate in above {
            let site = self.site(l, &candidate.value);
            all.push(candidate.next(hidden::through_weights::right(&site), []));
            if self.world.search && candidate.causes.len() < BUGS {
                for trial in tried(slot, &site, hidden::through_weights::TABLE, &[1.0]) {
                    all.push(candidate.next(trial.value, trial.causes));
                }
                for (formula, value) in hidden::through_weights::miscut(&site) {
                    all.push(candidate.next(value, [cause(slot, Bug::ErrorNotSummed, formula)]));
                }
                if site.number("lr").is_none() {
                    let formula = "dz·(W - c·dW)ᵀ with a fitted c: the weights above after their step";
                    let stepped = cause(slot, Bug::UpdatedWeightsInBackward, formula);
                    let direction =
                        matmul_nt(&candidate.value, &hidden::through_weights::gradient_above(&site));
                    let next = candidate.next(hidden::through_weights::right(&site), [stepped]);
                    all.push(Candidate { direction: Some(direction), ..next });
                }
            }
        }
        for candidate in &mut all {
            candidate.masked = false;
        }
        fewest(all)
    }

    /// A hidden `dz_l`, from candidates for `da_l`.
    fn through_activation(&mut self, l: usize, above: &[Candidate]) -> Vec<Candidate> {
        let slot = Slot::Dz(l);
        let given = self.case.get(slot);
        if given.is_none() {
            self.not_given(slot);
        }
        let conventions = self.conventions();
        let most = norm(&matmul_nt(&self.bounds[l], &self.case.w(l + 1).map(f64::abs)));
        let (mut all, mut scored) = (Vec::new(), Vec::new());
        for (from, candidate) in above.iter().enumerate() {
            if !candidate.causes.is_empty() && self.explained(&scored) {
                continue;
            }
            let site = self.site(l, &candidate.value);
            let mask = self.masks.get(&l).filter(|_| !candidate.masked);
            let rights = hidden::rights(&site, mask);
            let Some(given) = given else {
                all.extend(self.through_activation_unseen(slot, l, candidate, &rights[0]));
                continue;
            };
            let scales = if candidate.anchored { vec![1.0] } else { conventions.clone() };
            let own = norm(&candidate.value);
            let magnitude = if candidate.anchored { own } else { own.min(most) };
            let mut trials = Vec::new();
            for &scale in &scales {
                let trial = |right| Trial { scale, ..Trial::new(scaled(right, scale), Vec::new()) };
                trials.extend(rights.iter().map(trial));
            }
            let score = |trial| self.inherited(given, magnitude, trial, (from, candidate));
            scored.extend(trials.drain(..).map(score));
            if self.explained(&scored) {
                continue;
            }
            // A factor that a formula explains is named by that.
            trials.extend(tried(slot, &site, hidden::TABLE, &scales));
            trials.extend(rescaled(slot, &site, given, &rights[0], &[], &scales));
            trials.extend(scales.iter().filter_map(|&scale| other_slope(slot, &site, given, mask, scale)));
            if self.case.get(Slot::Da(l)).is_none() {
                trials.extend(self.two_steps(slot, l, given, candidate, above, from));
            }
            scored.extend(trials.into_iter().map(score));
        }
        let Some(given) = given else { return fewest(all) };
        let fits = |s: &Scored| s.causes.is_empty() && s.passes;
        if self.is_supposed(l) && !scored.iter().any(fits) {
            self.not_checked(slot);
            return vec![follow(given, None, above)];
        }
        let site = self.site(l, &above[0].value);
        let right = hidden::rights(&site, self.masks.get(&l).filter(|_| !above[0].masked)).swap_remove(0);
        let rights: Vec<Matrix> = conventions.iter().map(|&scale| scaled(&right, scale)).collect();
        let settled = self.settle(slot, scored, |exam| exam.difference(slot, given, &rights));
        followed(given, &settled.winners, above)
    }

    /// Candidates for a `dz_l` that is not in the file, from one for `da_l`.
    fn through_activation_unseen(
        &self,
        slot: Slot,
        l: usize,
        candidate: &Candidate,
        right: &Matrix,
    ) -> Vec<Candidate> {
        let site = self.site(l, &candidate.value);
        let mask = self.masks.get(&l).filter(|_| !candidate.masked);
        let along = |f: &dyn Fn(&Site) -> Option<Matrix>| {
            candidate.direction.as_ref().and_then(|direction| f(&self.site(l, direction)))
        };
        let direction = along(&|site| hidden::rights(site, mask).into_iter().next());
        let mut all = vec![Candidate { direction, ..candidate.next(right.clone(), []) }];
        if self.world.search && candidate.causes.len() < BUGS {
            for h in hidden::TABLE {
                let Some(value) = (h.value)(&site) else { continue };
                let next = candidate.next(value, [Cause::of(slot, h)]);
                all.push(Candidate { direction: along(&h.value), ..next });
            }
        }
        all
    }

    /// Candidates with a free number, with the number that each of the tensors seen asks for.
    pub fn fitted(&self, seen: &[Param], candidate: Candidate) -> Vec<Candidate> {
        let Some(direction) = &candidate.direction else { return vec![candidate] };
        let mut all = Vec::new();
        for &param in seen {
            // A fitted number explains any single one.
            let one = matches!(param, Param::B(l) if self.case.shared_biases.contains(&l));
            let given = self.case.get(Slot::Grad(param)).filter(|given| !one && given.data().len() > 2);
            let Some(given) = given else { continue };
            let factor = self.factors(&candidate)[0];
            let gradient = |m: &Matrix| scaled(&gradient::right(&self.site(param.layer(), m), param), factor);
            let along = gradient(direction);
            let c = dot(&minus(given, &gradient(&candidate.value)), &along) / dot(&along, &along);
            if c.is_finite() && c != 0.0 {
                let value = plus(&candidate.value, &scaled(direction, c));
                all.push(Candidate { value, direction: None, ..candidate.clone() });
            }
        }
        all
    }

    /// Where `da_l` is not in the file: a fitted step of the weights above, through the right f'.
    fn two_steps(
        &self,
        slot: Slot,
        l: usize,
        given: &Matrix,
        candidate: &Candidate,
        above: &[Candidate],
        from: usize,
    ) -> Option<Trial> {
        // Only the first candidate is the right da; of it, dz_{l+1} is known if it is in the file.
        let upper = self
            .case
            .get(Slot::Dz(l + 1))
            .filter(|_| from == 0 && candidate.causes.is_empty() && !above.is_empty())?;
        let site = self.site(l, upper);
        let direction = matmul_nt(upper, &hidden::through_weights::gradient_above(&site));
        let through = |da: &Matrix| hidden::rights(&self.site(l, da), self.masks.get(&l)).swap_remove(0);
        let (right, direction) = (through(&hidden::through_weights::right(&site)), through(&direction));
        let lr = -dot(&minus(given, &right), &direction) / dot(&direction, &direction);
        (lr.is_finite() && lr > 0.0 && given.data().len() > 8).then(|| {
            let formula = format!("dz·(W - c·dW)ᵀ ⊙ f' with c = {lr:.6}: the weights above after their step");
            let value = plus(&right, &scaled(&direction, -lr));
            Trial::new(value, vec![cause(slot, Bug::UpdatedWeightsInBackward, formula)])
        })
    }
}

/// A leaky ReLU's dz with another slope below 0 than forward, fitted.
fn other_slope(slot: Slot, site: &Site, given: &Matrix, mask: Option<&Matrix>, scale: f64) -> Option<Trial> {
    if site.act.of != Activation::LeakyRelu {
        return None;
    }
    let own = site.act.derivative(-1.0);
    let (on, off) = Bend::slopes(Activation::LeakyRelu, site.z());
    let part = |slope: &Matrix| {
        let part = scaled(&times(site.up, slope), scale);
        match mask {
            Some(mask) => times(&part, mask),
            None => part,
        }
    };
    let (above, below) = (part(&on), part(&off));
    let slope = dot(&minus(given, &above), &below) / dot(&below, &below);
    let enough = off.data().iter().filter(|&&off| off > 0.0).count() >= BELOW;
    // The slopes of ReLU and of z itself are other activations' derivatives.
    let another = [0.0, own, 1.0].iter().all(|other| (slope - other).abs() > 1e-3);
    (slope.is_finite() && enough && another).then(|| {
        let formula = format!("da·f'(z) with the slope {slope:.6} below 0, which is {own:.6} forward");
        let value = plus(&above, &scaled(&below, slope));
        Trial { scale, ..Trial::new(value, vec![cause(slot, Bug::ActivationDerivativeOther, formula)]) }
    })
}

/// What is called da is dz.
const HOLDS_DZ: &str = "what is called da holds dz: the activation's derivative is already in it";

/// The mask is already in da.
const MASKED: &str = "da is after dropout's mask";

/// The file's own tensor as the only candidate, with the scale its explanation gives it.
pub fn anchored(given: &Matrix, winner: Option<&Scored>) -> Candidate {
    let scale = winner.map(|winner| winner.scale);
    Candidate {
        value: given.clone(),
        causes: Vec::new(),
        scale,
        anchored: true,
        masked: false,
        direction: None,
    }
}

/// The file's own tensor, with the scale of what it comes from.
fn follow(given: &Matrix, winner: Option<&Scored>, above: &[Candidate]) -> Candidate {
    let from = winner.and_then(|winner| above.get(winner.from)).unwrap_or(&above[0]);
    let scale = match winner {
        Some(winner) => from.scale.map(|scale| scale * winner.scale),
        None if from.anchored => from.scale,
        None => None,
    };
    Candidate { scale, ..anchored(given, None) }
}

/// The same by each scale that some explanation gives it: where N is a number of outputs, or twice one, there are several,
/// and the gradients that follow decide.
fn followed(given: &Matrix, winners: &[Scored], above: &[Candidate]) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for winner in winners {
        let next = follow(given, Some(winner), above);
        if all.iter().all(|other| other.scale != next.scale) {
            all.push(next);
        }
    }
    if all.is_empty() { vec![follow(given, None, above)] } else { all }
}

/// As many candidates as can be carried on, those with the fewest bugs first.
fn fewest(mut all: Vec<Candidate>) -> Vec<Candidate> {
    all.sort_by_key(|candidate| candidate.causes.len());
    all.truncate(CANDIDATES);
    all
}
