//! An independent witness: central differences of the loss the file claims, without any backpropagation.

use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{dot, minus};
use crate::reference::{Layer, Mlp, softmax};

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
        let squared = self.squared_error();
        let labels: Vec<u32> = self.case.labels.iter().map(|&label| label as u32).collect();
        let layer = |l| Layer { w: self.case.w(l).clone(), b: self.case.b(l).data().to_vec() };
        let mut mlp =
            Mlp { layers: (1..=self.case.depth()).map(layer).collect(), activation: self.world.act.into() };
        for param in params {
            let l = param.layer();
            let given = &self.case.given[&Slot::Grad(param)];
            let mut lines = Vec::new();
            for index in largest(given.data()) {
                let mut loss_at = |shift: f64| {
                    let old = mlp.layers[l - 1].w.data()[index];
                    mlp.layers[l - 1].w.data_mut()[index] = old + shift;
                    let loss = match squared {
                        Some(factor) => {
                            let p = softmax(mlp.forward(&self.case.x).logits());
                            let e = minus(&p, &self.case.y);
                            factor * dot(&e, &e)
                        }
                        None => mlp.loss(&self.case.x, &labels),
                    };
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
            let claimed = if squared.is_some() { "squared error" } else { "cross-entropy" };
            self.note(format!("central differences of the {claimed}: {}", lines.join("; ")));
        }
    }
}

/// The positions of the largest values.
fn largest(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i].is_finite()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    order.truncate(ENTRIES);
    order
}
