//! Samples that count more than others: `dz_L` is the right one, each row times a weight. Weights of classes are read off
//! where all samples of a class agree; weights of single samples where rows have values enough to tell, and no known bug
//! makes them.

use super::design::multiple;
use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{matmul_tn, norm};
use crate::doctor::formulas::design::Design;
use crate::doctor::formulas::hypothesis::Site;
use crate::doctor::formulas::trial::residual;
use crate::doctor::formulas::{delta, head};
use crate::reference::Matrix;

/// Rows with fewer values than this can be any row times some weight; behind a softmax, whose rows sum to 0, one more.
const FEW: usize = 2;

/// Every row times a number of its own.
pub fn weighed(m: &Matrix, weights: &[f64]) -> Matrix {
    Matrix::from_fn(m.rows(), m.cols(), |r, c| weights[r] * m.at(r, c))
}

impl Exam<'_> {
    /// The design that the file's last dz is that of, but for weights of the samples.
    pub fn weighed_design(&mut self) -> Option<Design> {
        let l = self.case.depth();
        let dz = self.case.get(Slot::Dz(l)).filter(|dz| norm(dz) > 0.0)?;
        let z = &self.z[l - 1];
        let delta = |design: Design| design.delta(z, &design.head.apply(z), &self.case.y);
        let fits = |design: &Design| {
            let p = self.case.get(Slot::P);
            design.takes(&self.case.y) && p.is_none_or(|p| residual(p, &design.head.apply(z)) < self.slack())
        };
        let equal = |design: Design| multiple(dz, &delta(design), None, self.slack()).is_some();
        if !self.gradient_follows(dz) || Design::ALL.into_iter().filter(fits).any(equal) {
            return None;
        }
        let (design, weights, of_classes) = Design::ALL.into_iter().filter(fits).find_map(|design| {
            let right = delta(design);
            let weights = self.row_factors(dz, &right)?;
            if !self.loss_follows(design, &weights) {
                return None;
            }
            match self.by_class(&weights) {
                Some(classes) => Some((design, weights, Some(classes))),
                None if right.cols() >= FEW + usize::from(design.head.is_softmax())
                    && !self.is_known(design, dz) =>
                {
                    Some((design, weights, None))
                }
                None => None,
            }
        })?;
        self.note(match of_classes {
            Some(classes) => {
                let first = classes[0];
                let shares: Vec<String> = classes.iter().map(|class| format!("{:.6}", class / first)).collect();
                format!("classes count differently: dz of each class is {} times the right one, beside the first", shares.join(", "))
            }
            None => "samples count differently: each row of the last dz is the right one times a weight of its own".to_owned(),
        });
        self.weights = Some(weights);
        Some(design)
    }

    /// Whether the gradient of the weights comes from this dz, so that it is what was trained with.
    fn gradient_follows(&self, dz: &Matrix) -> bool {
        let l = self.case.depth();
        let w = Some(self.case.w(l));
        let right = matmul_tn(&self.a[l - 1], dz);
        self.case
            .get(Slot::Grad(Param::W(l)))
            .is_none_or(|dw| multiple(dw, &right, w, self.slack()).is_some())
    }

    /// The positive number that each row is of the right one. Of a row that is 0 its class tells; if none does, it stays
    /// unknown, and is NaN.
    fn row_factors(&self, u: &Matrix, right: &Matrix) -> Option<Vec<f64>> {
        let factor = |r: usize| {
            let (own, right) = (u.row(r), right.row(r));
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            if own.iter().chain(right).all(|&value| value == 0.0) {
                None
            } else {
                Some(dot(own, right) / dot(right, right))
            }
        };
        let factors: Vec<Option<f64>> = (0..u.rows()).map(factor).collect();
        let sign = factors.iter().flatten().next()?.signum();
        let positive = factors.iter().flatten().all(|factor| factor.is_finite() && factor * sign > 0.0);
        let known: Vec<f64> = factors.iter().map(|factor| factor.unwrap_or(0.0)).collect();
        if !positive || residual(u, &weighed(right, &known)) >= self.slack() {
            return None;
        }
        let classes = self.classes();
        let of_class = |r: usize| {
            let classes = classes.as_ref()?;
            (0..factors.len()).filter(|&k| classes[k] == classes[r]).find_map(|k| factors[k])
        };
        Some((0..factors.len()).map(|r| factors[r].or_else(|| of_class(r)).unwrap_or(f64::NAN)).collect())
    }

    /// The class of each sample, if there are classes.
    fn classes(&self) -> Option<Vec<usize>> {
        let y = &self.case.y;
        if y.cols() == 1 && y.data().iter().all(|&y| y == 0.0 || y == 1.0) {
            return Some(y.data().iter().map(|&y| y as usize).collect());
        }
        self.case.one_hot.then(|| self.case.labels.clone())
    }

    /// One number for each class, if samples of a class agree, and classes do not.
    fn by_class(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let of = self.classes()?;
        let mut classes: Vec<Option<f64>> = vec![None; self.case.y.cols().max(2)];
        let slack = if self.tolerance.single { 1e-3 } else { 1e-6 };
        for (&class, &weight) in of.iter().zip(weights).filter(|(_, weight)| !weight.is_nan()) {
            let known = *classes[class].get_or_insert(weight);
            if (weight - known).abs() > slack * known.abs() {
                return None;
            }
        }
        let seen: Vec<f64> = classes.into_iter().flatten().collect();
        let differ = seen.iter().any(|weight| (weight / seen[0] - 1.0).abs() > 10.0 * slack);
        (differ && weights.len() > 2 * seen.len()).then_some(seen)
    }

    /// Whether a bug makes such rows.
    fn is_known(&self, design: Design, dz: &Matrix) -> bool {
        let l = self.case.depth();
        let p = self.case.get(Slot::P).cloned().unwrap_or_else(|| design.head.apply(&self.z[l - 1]));
        let site = Site { design, ..self.site(l, &p) };
        let mut made = delta::table(&site).iter().filter_map(|row| (row.value)(&site));
        made.any(|value| multiple(dz, &value, None, self.slack()).is_some())
    }

    /// The losses of weighed samples, by every convention; none if all samples count the same.
    pub fn weighed_losses(&self) -> Vec<f64> {
        let weights = self.weights.as_ref();
        weights.map_or(Vec::new(), |weights| self.losses_with(self.design, &self.p, weights))
    }

    fn losses_with(&self, design: Design, p: &Matrix, weights: &[f64]) -> Vec<f64> {
        let row = |m: &Matrix, r: usize| Matrix::from_fn(1, m.cols(), |_, c| m.at(r, c));
        let loss = |r: usize| design.measure.total(&row(p, r), &row(&self.case.y, r));
        let total: f64 = weights.iter().enumerate().map(|(r, weight)| weight.abs() * loss(r)).sum();
        let sum: f64 = weights.iter().map(|weight| weight.abs()).sum();
        let plain: f64 = (0..weights.len()).map(loss).sum();
        let n = self.case.count();
        let each = [total, total * n, total / n, total / sum, total / sum * n, plain, plain / n];
        let factors = head::factors(self.case.classes() as f64);
        each.iter().flat_map(|loss| factors.map(|factor| [loss * factor, loss / factor])).flatten().collect()
    }

    /// Whether the loss of the file, if there is one, is that of weighed samples.
    fn loss_follows(&self, design: Design, weights: &[f64]) -> bool {
        // Of a sample whose weight is not known the loss cannot be told.
        if weights.iter().any(|weight| weight.is_nan()) {
            return true;
        }
        let slack = if self.tolerance.single { 1e-5 } else { 1e-8 };
        let p = design.head.apply(&self.z[self.case.depth() - 1]);
        let near = |given: f64| {
            self.losses_with(design, &p, weights)
                .iter()
                .any(|loss| (loss - given).abs() <= slack * given.abs())
        };
        self.printed_loss().is_none_or(near)
    }
}
