//! An independent witness: central differences of the loss the file claims, without any backpropagation.

use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::zip;
use crate::doctor::formulas::design::{Head, Measure};
use crate::network::{Activation, Activations};
use crate::reference::{Layer, Mlp, log_sum_exp};

/// The step of the differences: the cube root of the rounding error, which balances it against the cubic term.
const STEP: f64 = 6e-6;

/// The entries tried in each weight matrix.
const ENTRIES: usize = 2;

impl Exam<'_> {
    /// Notes, for every weight gradient of the file that was found wrong, what central differences say.
    pub fn witness(&mut self) {
        let wrong = |param: Param, exam: &Self| {
            let slot = Slot::Grad(param);
            exam.checked.iter().any(|c| c.tensor == slot && c.status == super::report::Status::Wrong)
        };
        let params: Vec<Param> =
            (1..=self.case.depth()).map(Param::W).filter(|&param| wrong(param, self)).collect();
        if params.is_empty() || !self.masks.is_empty() {
            return;
        }
        let layer = |l| Layer { w: self.case.w(l).clone(), b: self.case.b(l).data().to_vec() };
        let mut mlp = Mlp {
            layers: (1..=self.case.depth()).map(layer).collect(),
            activation: Activations::Each(self.acts.clone()),
        };
        for param in params {
            let l = param.layer();
            let given = &self.case.given[&Slot::Grad(param)];
            let mut lines = Vec::new();
            for index in largest(given.data()) {
                let mut loss_at = |shift: f64| {
                    let old = mlp.layers[l - 1].w.data()[index];
                    mlp.layers[l - 1].w.data_mut()[index] = old + shift;
                    let loss = self.mean_loss(&mlp);
                    mlp.layers[l - 1].w.data_mut()[index] = old;
                    loss
                };
                let difference = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP) * self.world.objective;
                let (r, c) = (index / given.cols(), index % given.cols());
                lines.push(format!(
                    "d{param}[{r}, {c}] = {difference:.6e}, yours {:.6e}",
                    given.data()[index]
                ));
            }
            let claimed = self.design.measure.name();
            self.note(format!("central differences of the {claimed}: {}", lines.join("; ")));
        }
    }
}

impl Exam<'_> {
    /// The mean loss of the batch for other parameters, with the gradient's factor.
    pub fn mean_loss(&self, mlp: &Mlp) -> f64 {
        let forward = mlp.forward(&self.case.x);
        let (z, y) = (forward.logits(), &self.case.y);
        if self.design.is_usual() {
            let row = |r: usize| {
                log_sum_exp(z.row(r)) - z.row(r).iter().zip(y.row(r)).map(|(z, y)| z * y).sum::<f64>()
            };
            return (0..z.rows()).map(row).sum::<f64>() / self.case.count();
        }
        let total = match (self.design.head, self.design.measure) {
            // log(1 - p) has no digits left where the sigmoid is saturated.
            (Head::Of(Activation::Sigmoid), Measure::Binary) => {
                zip(z, y, |z, y| Activation::Softplus.apply(z) - y * z).data().iter().sum()
            }
            (head, measure) => measure.total(&head.apply(z), y),
        };
        self.design.factor * total / self.case.count()
    }
}

/// The positions of the largest values.
fn largest(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_finite()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    order.truncate(ENTRIES);
    order
}
