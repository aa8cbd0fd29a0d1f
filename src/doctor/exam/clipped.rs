//! What became of the gradients of a file: one factor for all of them, or a border.

use super::clipping::{Clipping, is_short};
use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, matmul_nt, norm, scaled};
use crate::doctor::formulas::trial::residual;
use crate::doctor::formulas::{delta, gradient, head, hidden, scale};
use crate::reference::Matrix;

/// Factors this close are one.
const SAME: f64 = 1e-3;

impl Exam<'_> {
    /// What became of the gradients of the file, read off them.
    pub fn clipped(&self) -> Option<Clipping> {
        let (case, single) = (self.case, self.tolerance.single);
        let of = |slot: &Slot| matches!(slot, Slot::Grad(_));
        let gradients: Vec<&Matrix> =
            case.given.iter().filter(|(slot, _)| of(slot)).map(|(_, value)| value).collect();
        let values = || gradients.iter().flat_map(|value| value.data());
        let most = values().fold(0.0_f64, |most, value| most.max(value.abs()));
        if most == 0.0 || !most.is_finite() {
            return None;
        }
        if values().filter(|value| value.abs() == most).count() > 1 && is_short(most, single) {
            return Some(Clipping::Values(most));
        }
        // One bias for all units may count once, or once for each.
        let once = |(slot, value): (&Slot, &Matrix)| match slot {
            Slot::Grad(Param::B(l)) if case.shared_biases.contains(l) => value.at(0, 0).powi(2),
            Slot::Grad(_) => dot(value, value),
            _ => 0.0,
        };
        let all: f64 = gradients.iter().map(|value| dot(value, value)).sum();
        let factor = self.common_factor(all.sqrt())?;
        if [all, case.given.iter().map(once).sum()].iter().any(|square| is_short(square.sqrt(), single)) {
            return Some(Clipping::Norm(factor));
        }
        let near = |known: f64| (factor.abs() / known - 1.0).abs() < SAME;
        let n = case.count();
        let conventions = [1.0, n, 1.0 / n];
        let lr = self.numbers.get("lr").filter(|&&lr| lr > 0.0 && lr != 1.0);
        if lr.is_some_and(|lr| conventions.iter().any(|scale| near(lr * scale))) {
            return self.steps_once().then_some(Clipping::Steps(factor));
        }
        let site = self.site(case.depth(), &self.p);
        let bugs = scale::factors(&site).into_iter().map(|factor| factor.value.abs());
        let losses = head::factors(case.classes() as f64);
        let mut known = bugs.chain(losses).flat_map(|known| conventions.map(|scale| known * scale));
        (!known.any(near) && factor.abs() < n.max(1.0)).then_some(Clipping::Scale(factor))
    }

    /// The factor that all gradients have beside the right ones; nothing if they differ, or none of them tells.
    fn common_factor(&self, size: f64) -> Option<f64> {
        let deltas = self.right_deltas();
        let slack = if self.tolerance.single { 1e-4 } else { 1e-8 };
        let mut factors = Vec::new();
        for l in 1..=self.case.depth() {
            let site = self.site(l, &deltas[l - 1]);
            for param in [Param::W(l), Param::B(l)] {
                let right = gradient::right(&site, param);
                let given = self.case.get(Slot::Grad(param)).filter(|given| given.shape() == right.shape());
                // Sums over samples may cancel to nothing but rounding.
                let tells = |given: &&Matrix| given.data().len() > 2 && norm(given) > 1e-4 * size;
                let Some(given) = given.filter(tells) else { continue };
                match scale::multiple(given, &right, slack) {
                    Some(factor) => factors.push(factor),
                    None if param == Param::W(l) => return None,
                    None => {}
                }
            }
        }
        let &first = factors.first()?;
        factors.iter().all(|factor| (factor / first - 1.0).abs() < SAME).then_some(first)
    }

    /// dz of every layer: the file's, or the right one from what is above it.
    fn right_deltas(&self) -> Vec<Matrix> {
        let depth = self.case.depth();
        let mut deltas: Vec<Matrix> = Vec::new();
        for l in (1..=depth).rev() {
            let given = self.case.get(Slot::Dz(l)).cloned();
            let through = |above: &Matrix| {
                let da = self.case.get(Slot::Da(l)).cloned();
                let da = da.unwrap_or_else(|| matmul_nt(above, self.case.w(l + 1)));
                hidden::rights(&self.site(l, &da), self.masks.get(&l)).swap_remove(0)
            };
            let right = || match deltas.last() {
                Some(above) => through(above),
                None => delta::right(&self.site(depth, &self.p)),
            };
            let dz = given.unwrap_or_else(right);
            deltas.push(dz);
        }
        deltas.reverse();
        deltas
    }

    /// Whether what the file calls gradients is what its parameters move by, if it shows how they move.
    fn steps_once(&self) -> bool {
        let moved = |l: usize| {
            let param = Param::W(l);
            let (given, _) = (self.case.get(Slot::Grad(param))?, self.case.get(Slot::New(param))?);
            let step = self.step(param);
            Some([1.0, -1.0].iter().any(|sign| residual(&step, &scaled(given, *sign)) < self.slack()))
        };
        (1..=self.case.depth()).all(|l| moved(l).unwrap_or(true))
    }
}
