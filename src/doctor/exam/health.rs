//! What is wrong although every formula is right, and numbers that cannot decide.

use super::examination::Exam;
use super::report::Finding;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{finite, minus, zip};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::design::Head;
use crate::network::{Activation, Activations};
use crate::reference::{Layer, Matrix, Mlp, argmax};

impl Exam<'_> {
    /// Findings and notes about data, initialisation and step size, and warnings about the batch.
    pub fn health(&mut self) {
        self.equal_units();
        self.dead_units();
        self.inputs();
        self.targets();
        self.step_size();
        self.batch();
    }

    fn sick(&mut self, tensor: Slot, bug: Bug, formula: String) {
        self.findings.push(Finding { bug: Some(bug), ..Finding::new(tensor, formula, bug.fix()) });
    }

    /// Units of a hidden layer with equal weights in and out, which training keeps equal.
    fn equal_units(&mut self) {
        let equal = |rows: &Matrix| rows.rows() > 1 && (1..rows.rows()).all(|r| rows.row(r) == rows.row(0));
        let stuck: Vec<usize> = (1..self.case.depth())
            .filter(|&l| {
                let (w, b) = (self.case.w(l), self.case.b(l));
                equal(&w.transposed()) && equal(&b.transposed()) && equal(self.case.w(l + 1))
            })
            .collect();
        for l in stuck {
            let width = self.case.sizes[l];
            let text = format!("all {width} units of layer {l} have equal weights in and out, and keep them");
            self.sick(Slot::Param(Param::W(l)), Bug::ConstantInit, text);
        }
    }

    /// Layers that are off for the whole batch, and shares of dead units.
    fn dead_units(&mut self) {
        for l in (1..self.case.depth()).filter(|&l| self.act(l) == Activation::Relu).collect::<Vec<_>>() {
            let z = &self.z[l - 1];
            let dead = (0..z.cols()).filter(|&c| (0..z.rows()).all(|r| z.at(r, c) <= 0.0)).count();
            let zero = self.case.w(l).data().iter().all(|&w| w == 0.0);
            if dead == z.cols() && !zero {
                let text = format!(
                    "z{l} <= 0 in all {dead} units for all {} samples: no gradient reaches below",
                    self.case.n
                );
                self.sick(Slot::Param(Param::W(l)), Bug::DeadRelu, text);
            } else if 2 * dead > z.cols() && self.case.n >= 10 && !zero {
                let text = format!(
                    "dead-relu: {dead} of {} units of layer {l} are off for the whole batch",
                    z.cols()
                );
                self.note(text);
            }
        }
    }

    /// Targets that the outputs can never be.
    fn targets(&mut self) {
        let Head::Of(f) = self.design.head else { return };
        let range = match f {
            Activation::Sigmoid => (0.0, 1.0),
            Activation::Tanh => (-1.0, 1.0),
            Activation::Relu | Activation::Softplus => (0.0, f64::INFINITY),
            _ => return,
        };
        let y = self.case.y.data();
        let out = y.iter().filter(|&&y| y < range.0 - 1e-6 || y > range.1 + 1e-6).count();
        if out == 0 || self.case.alone {
            return;
        }
        let (least, most) =
            y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &y| (a.min(y), b.max(y)));
        let reach = if range.1.is_finite() {
            format!("between {} and {}", range.0, range.1)
        } else {
            "above 0".to_owned()
        };
        self.note(format!(
            "{out} of {} targets are out of reach: they go from {least:.4} to {most:.4}, and outputs of {} lie {reach}; \
             scale y, or let z itself be the output",
            y.len(),
            f.name()
        ));
    }

    fn inputs(&mut self) {
        let x = &self.case.x;
        let empty = (0..x.rows()).filter(|&r| x.row(r).iter().all(|&x| x == 0.0)).count();
        if 2 * empty > x.rows() && x.rows() > 1 {
            self.note(format!(
                "X is 0 in all values of {empty} of {} samples: an integer division (X // 255), or a cast before it?",
                x.rows()
            ));
        }
        let x = &self.case.x;
        let max = x.data().iter().fold(0.0_f64, |max, x| max.max(x.abs()));
        let bytes = max <= 255.0 && x.data().iter().all(|&x| x >= 0.0 && x.fract() == 0.0);
        if max > 20.0 {
            let what = if bytes {
                "X holds whole numbers of 0..255".to_owned()
            } else {
                format!("|X| goes up to {max:.4}")
            };
            let mut z: Vec<f64> = self.z[0].data().iter().map(|z| z.abs()).collect();
            z.sort_by(f64::total_cmp);
            let text = format!(
                "inputs-unscaled: {what}; the median |z1| is {:.3}; {}",
                z[z.len() / 2],
                Bug::InputsUnscaled.fix()
            );
            self.note(text);
        }
    }

    /// Whether the loss of this batch grows with a step whose gradient is right.
    fn step_size(&mut self) {
        let case = self.case;
        let params = || (1..=case.depth()).flat_map(|l| [Param::W(l), Param::B(l)]);
        let complete = params().all(|param| {
            case.get(Slot::New(param))
                .is_some_and(|new| new.data().len() == case.given[&Slot::Param(param)].data().len())
        });
        let decides = complete && self.findings.is_empty() && self.masks.is_empty();
        let Some(acts) = self.usual_acts().filter(|_| decides) else { return };
        let at = |share: f64| {
            let moved = |param: Param| {
                let old = &case.given[&Slot::Param(param)];
                let step = minus(&case.given[&Slot::New(param)], old);
                zip(old, &step, |old, step| old + share * step)
            };
            let layer = |l| Layer { w: moved(Param::W(l)), b: moved(Param::B(l)).into_data() };
            let mlp = Mlp {
                layers: (1..=case.depth()).map(layer).collect(),
                activation: Activations::Each(acts.clone()),
            };
            self.mean_loss(&mlp)
        };
        let (before, after) = (at(0.0), at(1.0));
        // A loss that is no longer a number has grown, too.
        if (after > before || (after.is_nan() && before.is_finite())) && self.world.decay == 0.0 {
            let shorter = (1..30).map(|k| 0.5_f64.powi(k)).find(|&share| at(share) < before);
            let Some(share) = shorter else {
                self.note(format!(
                    "the loss of this batch grows with the step, from {before:.6} to {after:.6}, however short the step is made: it \
                     goes uphill. An old velocity may do that; else its sign is wrong"
                ));
                return;
            };
            let rate = match self.numbers.get("lr") {
                Some(lr) => format!("lr = {:.3e}", lr * share),
                None => format!("{share} of it"),
            };
            self.note(format!(
                "learning-rate-too-high: the loss of this batch goes from {before:.6} to {after:.6} with the step, though its \
                 direction is right; it falls with {rate}"
            ));
        }
    }

    /// Batches that cannot tell explanations apart.
    fn batch(&mut self) {
        let (n, classes) = (self.case.n, self.case.classes());
        if n == 1 {
            self.note("N = 1: 1/N, the last sample, softmax over the batch and sums over axis 0 cannot be told from the right ones; export N = 37");
        } else if n == classes && n > 1 {
            self.note(format!(
                "N = C = {n}: 1/N and 1/C, and the axes of p, cannot be told apart; export N = 37"
            ));
        } else if self.case.sizes[1..].contains(&n) {
            self.note(format!(
                "N = {n} is also the width of a layer: axes may be confused unseen; export N = 37"
            ));
        }
        if finite(&self.p) && self.p.shape() == self.case.y.shape() {
            let right =
                self.design.is_usual() && (0..n).all(|r| argmax(self.p.row(r)) == self.case.labels[r]);
            let saturated =
                self.design.is_usual() && self.p.data().iter().all(|&p| !(1e-6..=1.0 - 1e-6).contains(&p));
            if saturated {
                self.note("p is saturated (all 0 or 1): gradients vanish and wrong formulas with them; export an earlier step");
            } else if right && n > 1 {
                self.note("every sample is classified right: wrong labels cannot be told from the network's own answers; export an earlier step");
            }
        }
    }
}
