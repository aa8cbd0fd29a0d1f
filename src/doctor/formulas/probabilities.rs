//! p: what the network ends in, by custom the softmax of the logits. Starts from `z_L`.

use super::algebra::{column_sums, zip};
use super::catalogue::Bug;
use super::hypothesis::{Hypothesis, Site};
use crate::reference::{Matrix, softmax};

/// `p = h(z)`; for a softmax `p_ij = exp(z_ij) / Σ_k exp(z_ik)`
pub fn right(site: &Site) -> Matrix {
    site.design.head.apply(site.up)
}

/// What can be wrong with p of the site's design.
pub fn table(site: &Site) -> &'static [Hypothesis] {
    if site.design.is_usual() { TABLE } else { &[] }
}

/// The borders at which people clip p, so that its logarithm exists.
pub const CLIPS: [f64; 7] = [1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16];

/// The exponential as the precision of the code has it: overflowing and underflowing where that does.
fn exp(site: &Site, z: f64) -> f64 {
    let (top, bottom) = if site.single { (88.722_84, -103.972) } else { (709.782_712_9, -745.133_219_1) };
    match z {
        z if z > top => f64::INFINITY,
        z if z < bottom => 0.0,
        z => z.exp(),
    }
}

fn largest(z: &Matrix) -> f64 {
    z.data().iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn row_total(m: &Matrix, r: usize) -> f64 {
    m.row(r).iter().sum()
}

/// Every row divided by its sum.
fn normalised(m: &Matrix) -> Matrix {
    Matrix::from_fn(m.rows(), m.cols(), |r, c| m.at(r, c) / row_total(m, r))
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// What takes p of each class for itself.
pub const SIGMOIDS: &str = "sigmoid(z) of every class by itself";

/// What can be wrong with a softmax.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::SoftmaxWholeBatch,
        formula: "exp(z)/Σ exp(z) over the whole matrix: all of p sums to 1, each row only to about 1/N",
        value: |s| {
            let max = largest(s.up);
            let e = s.up.map(|z| (z - max).exp());
            let total: f64 = e.data().iter().sum();
            Some(e.map(|e| e / total))
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxWrongAxis,
        formula: "softmax over the samples: the columns of p sum to 1, not the rows",
        value: |s| Some(softmax(&s.up.transposed()).transposed()),
    },
    Hypothesis {
        bug: Bug::SoftmaxTwice,
        formula: "softmax(softmax(z))",
        value: |s| Some(softmax(&softmax(s.up))),
    },
    Hypothesis {
        bug: Bug::SoftmaxUnnormalised,
        formula: "exp(z), not divided by its sum",
        value: |s| Some(s.up.map(f64::exp)),
    },
    Hypothesis {
        bug: Bug::SoftmaxUnnormalised,
        formula: "exp(z - max z of the row), not divided by its sum",
        value: |s| {
            let max = |r: usize| s.up.row(r).iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Some(Matrix::from_fn(s.up.rows(), s.up.cols(), |r, c| (s.up.at(r, c) - max(r)).exp()))
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxUnnormalised,
        formula: "z itself: no softmax at all",
        value: |s| Some(s.up.clone()),
    },
    Hypothesis { bug: Bug::SigmoidForSoftmax, formula: SIGMOIDS, value: |s| Some(s.up.map(sigmoid)) },
    Hypothesis {
        bug: Bug::SigmoidForSoftmax,
        formula: "sigmoid(z), divided by its row sum",
        value: |s| Some(normalised(&s.up.map(sigmoid))),
    },
    Hypothesis {
        bug: Bug::SoftmaxUnnormalised,
        formula: "z divided by its row sum: no exponential",
        value: |s| Some(normalised(s.up)),
    },
    Hypothesis {
        bug: Bug::SoftmaxOverflow,
        formula: "exp(z)/Σ exp(z) without subtracting the row's maximum: inf/inf = nan where z is large",
        value: |s| {
            let p = normalised(&s.up.map(|z| exp(s, z)));
            (!super::algebra::finite(&p)).then_some(p)
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxBatchMax,
        formula: "exp(z - m)/Σ with one maximum m for the whole batch: 0/0 = nan in rows far below it",
        value: |s| {
            let max = largest(s.up);
            let p = normalised(&s.up.map(|z| exp(s, z - max)));
            (!super::algebra::finite(&p)).then_some(p)
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxBatchMax,
        formula: "exp(z - m)/Σ with each class's maximum m over the batch",
        value: |s| {
            let max: Vec<f64> = (0..s.up.cols())
                .map(|c| (0..s.up.rows()).map(|r| s.up.at(r, c)).fold(f64::NEG_INFINITY, f64::max))
                .collect();
            let e = Matrix::from_fn(s.up.rows(), s.up.cols(), |r, c| (s.up.at(r, c) - max[c]).exp());
            Some(normalised(&e))
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxTemperature,
        formula: "softmax(z/C)",
        value: |s| Some(softmax(&s.up.map(|z| z / s.up.cols() as f64))),
    },
    Hypothesis {
        bug: Bug::SoftmaxTemperature,
        formula: "softmax(-z)",
        value: |s| Some(softmax(&s.up.map(|z| -z))),
    },
    Hypothesis {
        bug: Bug::SoftmaxTemperature,
        formula: "softmax to the base 2: 2^z/Σ 2^z",
        value: |s| Some(softmax(&s.up.map(|z| z * std::f64::consts::LN_2))),
    },
];

/// What a wrong normalisation shows even if no formula fits: sums over rows, columns, everything.
pub fn sums(p: &Matrix) -> String {
    let rows = super::algebra::row_sums(p);
    let columns = column_sums(p);
    let range = |sums: &Matrix| {
        let least = sums.data().iter().copied().fold(f64::INFINITY, f64::min);
        format!("{least:.4} to {:.4}", largest(sums))
    };
    let total: f64 = p.data().iter().sum();
    format!("row sums {}, column sums {}, total {total:.4}", range(&rows), range(&columns))
}

/// p clipped away from 0 and 1, as people do before the logarithm.
pub fn clipped(p: &Matrix) -> impl Iterator<Item = Matrix> + '_ {
    CLIPS.iter().map(|&clip| p.map(|p| p.clamp(clip, 1.0 - clip)))
}

/// `Σ_j y_ij f(p_ij)` of every row.
pub fn picked(p: &Matrix, y: &Matrix, f: impl Fn(f64) -> f64) -> Vec<f64> {
    let chosen = zip(p, y, |p, y| if y == 0.0 { 0.0 } else { y * f(p) });
    (0..p.rows()).map(|r| row_total(&chosen, r)).collect()
}
