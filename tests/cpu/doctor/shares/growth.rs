//! Whether a step is too long: only then its learning rate is a bug.

use super::spoilt::Style;
use gpu_mlp::doctor::file::case::Case;
use gpu_mlp::doctor::file::slot::{Param, Slot};
use gpu_mlp::reference::{Matrix, matmul};

/// Whether the loss of the batch is larger after the step.
pub fn loss_grows(style: &Style, case: &Case) -> bool {
    let loss = |slot: fn(Param) -> Slot| {
        let mut a = case.x.clone();
        for l in 1..=case.depth() {
            let (product, b) = (matmul(&a, &case.given[&slot(Param::W(l))]), &case.given[&slot(Param::B(l))]);
            let z = Matrix::from_fn(product.rows(), product.cols(), |r, c| product.at(r, c) + b.at(0, c));
            let hidden = l < case.depth();
            a = if hidden { z.map(|z| style.act.apply(z)) } else { style.design.head.apply(&z) };
        }
        style.design.measure.total(&a, &case.y)
    };
    loss(Slot::New) > loss(Slot::Param)
}
