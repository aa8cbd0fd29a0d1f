//! The activation of each hidden layer: read off its a, the next z, or the gradients, since most files do not say.

use super::design::multiple;
use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{
    centred, dense, dot, matmul, matmul_nt, matmul_tn, minus, plus, scaled, times,
};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::residual;
use crate::network::Activation;
use crate::reference::Matrix;

/// Values below 0 that a slope must explain; of a itself fewer are enough, and one if the slope is a short number.
const BELOW: usize = 3;

impl Exam<'_> {
    /// The activations, if all of them are of the usual form.
    pub fn usual_acts(&self) -> Option<Vec<Activation>> {
        self.acts.iter().map(|act| act.is_usual().then_some(act.of)).collect()
    }

    /// The activation of hidden layer l, by its a or by the next z; else the one supposed.
    pub fn inferred_activation(&self, l: usize, z: &Matrix) -> Bend {
        let supposed = self.world.act;
        let dropped = |a: &Matrix| self.masks.get(&l).map(|mask| times(a, mask));
        // Activations differ little where units are on; rounding differs less.
        let close = self.slack() / 100.0;
        let fits = |act: &Bend| {
            let a = z.map(|z| act.apply(z));
            let both = [dropped(&a), Some(a)];
            let mut forms = both.iter().flatten();
            match (self.case.get(Slot::A(l)), self.case.get(Slot::Z(l + 1))) {
                (Some(given), _) => forms.any(|a| residual(given, a) < close),
                (None, Some(next)) => forms.any(|a| {
                    let right = dense(a, self.case.w(l + 1), self.case.b(l + 1));
                    residual(&self.beside_bias(l + 1, next), &self.beside_bias(l + 1, &right)) < close
                }),
                (None, None) => self.backward_shows(l, z, *act).unwrap_or(*act == supposed),
            }
        };
        if self.world.act_named {
            let other = Bend::forms(supposed.of).into_iter().skip(1).find(fits);
            return self.sloped(l, z, &[supposed.of]).or(other).unwrap_or(supposed);
        }
        let found = [supposed].into_iter().chain(Bend::all()).find(fits);
        let sloped = || self.sloped(l, z, &[Activation::LeakyRelu, Activation::Elu]);
        // Where nothing shows this one, it is as the others are.
        let own = [Slot::A(l), Slot::Z(l + 1)].iter().any(|&slot| self.case.get(slot).is_some());
        let other = self.acts.iter().find(|act| act.below.is_some()).copied();
        if let Some(other) = other.filter(|_| !own && self.backward_shows(l, z, supposed).is_none()) {
            return other;
        }
        let shows = |act: &Bend| self.backward_shows(l, z, *act) == Some(true);
        let shown = || [supposed].into_iter().chain(Bend::all()).find(shows);
        found.or_else(sloped).or(other).or_else(shown).unwrap_or(supposed)
    }

    /// Whether no activation that is known gives the a of a layer, so that the one taken is only supposed.
    pub fn is_supposed(&self, l: usize) -> bool {
        let shown = [Slot::A(l), Slot::Z(l + 1)].into_iter().find(|&slot| self.case.get(slot).is_some());
        shown.is_some_and(|shown| self.findings.iter().any(|f| f.tensor == shown && f.bug.is_none()))
    }

    /// Leaves unchecked what goes back through an activation that is not known.
    pub fn leave_below(&mut self, l: usize) {
        for l in (1..=l).rev() {
            let params = [Param::W(l), Param::B(l)].map(Slot::Grad);
            for slot in [Slot::Dz(l)].into_iter().chain(params).chain([Slot::Da(l - 1)]) {
                if self.case.get(slot).is_some() { self.not_checked(slot) } else { self.not_given(slot) }
            }
        }
    }

    /// What of z does not depend on biases that the file may not show: each unit's difference from its mean over the batch.
    pub fn beside_bias(&self, l: usize, z: &Matrix) -> Matrix {
        let unseen = self.case.unseen_biases.contains(&l) || self.case.has_later_biases(l);
        if unseen { centred(z) } else { z.clone() }
    }

    /// Whether `dW_{l+1} = aᵀ·dz` or `dz_l = da ⊙ f'(z)`, but for a factor; nothing if the file lacks them.
    fn backward_shows(&self, l: usize, z: &Matrix, act: Bend) -> Option<bool> {
        if self.masks.contains_key(&l) {
            return None;
        }
        let above = self.case.get(Slot::Dz(l + 1));
        if let (Some(dw), Some(dz)) = (self.case.get(Slot::Grad(Param::W(l + 1))), above) {
            let product = matmul_tn(&z.map(|z| act.apply(z)), dz);
            return Some(multiple(dw, &product, Some(self.case.w(l + 1)), self.slack()).is_some());
        }
        let computed = above.map(|dz| matmul_nt(dz, self.case.w(l + 1)));
        let dz = self.case.get(Slot::Dz(l))?;
        // What is called da may hold dz.
        let given = self.case.get(Slot::Da(l)).filter(|da| residual(da, dz) > self.slack());
        let da = computed.as_ref().or(given)?;
        let product = times(da, &z.map(|z| act.derivative(z)));
        Some(multiple(dz, &product, None, self.slack()).is_some())
    }

    /// One of these activations with a slope of its own below 0, if a, the next z, or dz and da show it.
    fn sloped(&self, l: usize, z: &Matrix, acts: &[Activation]) -> Option<Bend> {
        let acts = acts.iter().filter(|act| matches!(act, Activation::LeakyRelu | Activation::Elu));
        acts.copied().find_map(|of| {
            let below = self.slope(l, z, of)?;
            let usual = of.apply(-1e-6) / -1e-6;
            (below > 0.0 && (below - usual).abs() > 1e-3 * usual)
                .then_some(Bend { below: Some(below), ..of.into() })
        })
    }

    /// The number that a leaky ReLU or an ELU has below 0.
    fn slope(&self, l: usize, z: &Matrix, of: Activation) -> Option<f64> {
        let dropped = |m: Matrix| self.masks.get(&l).map_or(m.clone(), |mask| times(&m, mask));
        let (above, below) = Bend::parts(of, z);
        let (above, below) = (dropped(above), dropped(below));
        let count = below.data().iter().filter(|&&z| z != 0.0).count();
        let short = |slope: f64| (slope * 100.0 - (slope * 100.0).round()).abs() < self.slack();
        let fitted = |given: &Matrix, above: &Matrix, below: &Matrix| {
            let c = dot(&minus(given, above), below) / dot(below, below);
            let close = self.slack() / 10.0;
            (c.is_finite() && residual(given, &plus(above, &scaled(below, c))) < close).then_some(c)
        };
        // A slope of 1 is none at all; the usual one squared is that of an activation applied twice, if f' has the usual one.
        let usual = of.apply(-1e-6) / -1e-6;
        let own = |slope: &f64| (slope - 1.0).abs() > 1e-3;
        let twice =
            |slope: &f64| (slope / (usual * usual) - 1.0).abs() < 1e-3 && self.back_is_usual(l, z, of);
        if let Some(a) = self.case.get(Slot::A(l)) {
            return fitted(a, &above, &below)
                .filter(|&slope| count > 1 || (count > 0 && short(slope)))
                .filter(|slope| own(slope) && !twice(slope));
        }
        if count < BELOW {
            return None;
        }
        if let Some(next) = self.case.get(Slot::Z(l + 1)) {
            let w = self.case.w(l + 1);
            let beside = |z: &Matrix| self.beside_bias(l + 1, z);
            let above = beside(&dense(&above, w, self.case.b(l + 1)));
            return fitted(&beside(next), &above, &beside(&matmul(&below, w)));
        }
        let above_dz = self.case.get(Slot::Dz(l + 1));
        if let (Some(dw), Some(dz)) = (self.case.get(Slot::Grad(Param::W(l + 1))), above_dz)
            && dw.data().len() > 2 * BELOW
        {
            let parts = [&above, &below].map(|part| matmul_tn(part, dz));
            return scale::combination(dw, &parts[0], &parts[1], self.slack() / 10.0).map(|(c, d)| d / c);
        }
        let dz = self.case.get(Slot::Dz(l))?;
        let above = above_dz.map(|dz| matmul_nt(dz, self.case.w(l + 1)));
        let da = self.case.get(Slot::Da(l)).cloned().or(above)?;
        let (on, off) = Bend::slopes(of, z);
        fitted(dz, &dropped(times(&da, &on)), &dropped(times(&da, &off))).filter(own)
    }

    /// Whether dz is da times the derivative of the usual form of an activation.
    fn back_is_usual(&self, l: usize, z: &Matrix, of: Activation) -> bool {
        let above = || Some(matmul_nt(self.case.get(Slot::Dz(l + 1))?, self.case.w(l + 1)));
        let da = self.case.get(Slot::Da(l)).cloned().or_else(above);
        let (Some(dz), Some(da)) = (self.case.get(Slot::Dz(l)), da) else { return false };
        multiple(dz, &times(&da, &z.map(|z| of.derivative(z))), None, self.slack()).is_some()
    }
}
