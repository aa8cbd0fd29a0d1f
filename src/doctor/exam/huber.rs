//! The border of a Huber loss: read off gradients that are cut off, or off the loss.

use super::clipping::is_short;
use super::examination::Exam;
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::minus;
use crate::doctor::formulas::design::{Design, Head, Measure};
use crate::doctor::formulas::head;
use crate::doctor::formulas::trial::residual;
use crate::network::Activation;
use crate::reference::Matrix;

/// Borders that many use, for files that show neither dz nor the loss.
const USUAL: [f64; 5] = [1.0, 0.5, 1.345, 1.35, 2.0];

/// Halvings that find a border to the last digit.
const HALVINGS: usize = 100;

impl Exam<'_> {
    /// Designs whose error is cut off somewhere in this batch.
    pub fn clipped_errors(&self) -> Vec<Design> {
        let (z, y) = (&self.z[self.case.depth() - 1], &self.case.y);
        let design = |delta: f64| Design {
            head: Head::Of(Activation::Identity),
            measure: Measure::Huber(delta),
            factor: 1.0,
        };
        let p = self.case.get(Slot::P).unwrap_or(z);
        if p.shape() != y.shape() || residual(p, z) > self.slack() {
            return Vec::new();
        }
        let e = minus(p, y);
        let most = e.data().iter().fold(0.0_f64, |most, e| most.max(e.abs()));
        let dz = self.case.get(Slot::Dz(self.case.depth()));
        let mut borders: Vec<f64> = dz.and_then(|dz| self.cut_off(dz, &e)).into_iter().collect();
        match self.printed_loss() {
            Some(loss) => borders.extend(self.borders_of_loss(loss, p, most)),
            None if dz.is_none() => borders.extend(USUAL),
            None => {}
        }
        let mut designs: Vec<Design> = Vec::new();
        for delta in borders.into_iter().filter(|&delta| delta > 0.0 && delta < most) {
            let known = |other: &Design| matches!(other.measure, Measure::Huber(own) if (own / delta - 1.0).abs() < 1e-4);
            if !designs.iter().any(known) {
                designs.push(design(delta));
            }
        }
        designs
    }

    /// The error at which dz is cut off: the largest dz, as an error; the others must be multiples of theirs.
    fn cut_off(&self, dz: &Matrix, e: &Matrix) -> Option<f64> {
        let most = dz.data().iter().fold(0.0_f64, |most, dz| most.max(dz.abs()));
        let pairs = dz.data().iter().zip(e.data());
        let inside: Vec<(f64, f64)> =
            pairs.map(|(dz, e)| (*dz, *e)).filter(|(dz, _)| dz.abs() < most * (1.0 - 1e-6)).collect();
        let (along, size) =
            inside.iter().fold((0.0, 0.0), |(along, size), (dz, e)| (along + dz * e, size + e * e));
        let factor = (along / size).abs();
        (factor.is_finite() && factor > 0.0).then(|| most / factor)
    }

    /// The borders for which the printed loss is a Huber loss by some convention, where they are numbers that somebody
    /// chose: any loss is one of some border.
    fn borders_of_loss(&self, loss: f64, p: &Matrix, most: f64) -> Vec<f64> {
        let y = &self.case.y;
        let conventions = head::factors(self.case.classes() as f64);
        let samples = [self.case.count(), 1.0];
        let mut borders = Vec::new();
        for factor in samples.iter().flat_map(|n| conventions.map(|factor| factor / n)) {
            let at = |delta: f64| factor * Measure::Huber(delta).total(p, y) - loss;
            let (mut low, mut high) = (0.0, most);
            if at(high) <= 0.0 {
                continue;
            }
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(low, high);
                if at(middle) < 0.0 { low = middle } else { high = middle }
            }
            if !high.is_normal() {
                continue;
            }
            // A loss of 32 bits shows a border to a few digits only.
            let rounded = |digits: i32| {
                let unit = 10_f64.powi(high.log10().floor() as i32 - digits);
                (high / unit).round() * unit
            };
            let chosen = if self.tolerance.single { USUAL.to_vec() } else { vec![rounded(2)] };
            let slack = if self.tolerance.single { 1e-4 } else { 1e-8 };
            borders.extend(
                chosen
                    .into_iter()
                    .filter(|chosen| (high / chosen - 1.0).abs() < slack && is_short(*chosen, false)),
            );
        }
        borders
    }
}
