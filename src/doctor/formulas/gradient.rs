//! `dW_l` and `db_l`: from `dz_l` and the layer's input.

use super::algebra::{column_sums, dot, finite, matmul, matmul_nt, matmul_tn, reshaped, scaled, times};
use super::catalogue::Bug;
use super::hypothesis::{Hypothesis, Site};
use super::{delta, scale};
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::{Param, Slot};
use crate::reference::Matrix;

/// `dW_l = a_{l-1}ᵀ·dz_l`, `db_l = Σ_rows dz_l`
pub fn right(site: &Site, param: Param) -> Matrix {
    match param {
        Param::W(_) => matmul_tn(site.input(), site.up),
        Param::B(l) => of_biases(site.case, l, site.up),
    }
}

/// `db_l`: the sum of dz over the samples, and over the units if they share one bias.
pub fn of_biases(case: &Case, l: usize, dz: &Matrix) -> Matrix {
    if case.shared_biases.contains(&l) { every(dz.cols(), total(dz.data())) } else { column_sums(dz) }
}

/// The same value for so many units.
fn every(units: usize, value: f64) -> Matrix {
    Matrix::from_fn(1, units, |_, _| value)
}

/// The size of what is added up.
pub fn magnitude(site: &Site, param: Param) -> Matrix {
    let dz = site.up.map(f64::abs);
    match param {
        Param::W(_) => matmul_tn(&site.input().map(f64::abs), &dz),
        Param::B(l) => of_biases(site.case, l, &dz),
    }
}

/// The table of a parameter's gradient.
pub fn table(param: Param) -> &'static [Hypothesis] {
    match param {
        Param::W(_) => WEIGHTS,
        Param::B(_) => BIASES,
    }
}

/// `mᵀ·dz`, if that has the shape of W.
fn with_input(site: &Site, m: Option<&Matrix>) -> Option<Matrix> {
    let m = m?;
    (m.cols() == site.input().cols()).then(|| matmul_tn(m, site.up))
}

/// One row of a and the same row of dz.
fn one_sample(site: &Site, r: usize) -> Matrix {
    let (a, dz) = (site.input().row(r), site.up.row(r));
    Matrix::from_fn(a.len(), dz.len(), |i, j| a[i] * dz[j])
}

/// The gradient of the layer's a: the file's, or dz through the weights above.
fn da(site: &Site) -> Option<Matrix> {
    let above = || {
        let dz = site.case.get(Slot::Dz(site.l + 1))?;
        Some(matmul_nt(dz, site.case.w(site.l + 1)))
    };
    let given = site.case.get(Slot::Da(site.l)).cloned();
    given.or_else(|| (site.l < site.case.depth()).then(above)?).filter(|da| da.shape() == site.up.shape())
}

/// The gradient of the last p, in the scale of dz, where every output has a function of its own.
fn dp(site: &Site) -> Option<Matrix> {
    let p =
        site.case.get(Slot::P).filter(|_| site.l == site.case.depth() && !site.design.head.is_softmax())?;
    let right = delta::right(&Site { up: p, ..*site });
    let gradient = scaled(&site.design.measure.gradient(p, &site.case.y), site.design.factor / site.n());
    let dp = scaled(&gradient, scale::fitted(site.up, &right)?);
    finite(&dp).then_some(dp)
}

/// What can be wrong with `dW_l`.
pub const WEIGHTS: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::ActivationDerivativeMissing,
        formula: "a_kᵀ·da: the gradient of a where that of z belongs",
        value: |s| Some(matmul_tn(s.input(), &da(s)?)),
    },
    Hypothesis {
        bug: Bug::OutputDerivativeMissing,
        formula: "a_kᵀ·dp: the gradient of p where that of z belongs",
        value: |s| Some(matmul_tn(s.input(), &dp(s)?)),
    },
    Hypothesis {
        bug: Bug::WeightGradOwnOutput,
        formula: "a_lᵀ·dz: the layer's own output in place of its input",
        value: |s| with_input(s, s.output()),
    },
    Hypothesis {
        bug: Bug::WeightGradOwnOutput,
        formula: "the input of the layer below in place of this layer's",
        value: |s| with_input(s, s.l.checked_sub(2).map(|below| &s.a[below])),
    },
    Hypothesis {
        bug: Bug::ValueForError,
        formula: "a_kᵀ·a_l: the layer's output in place of its error",
        value: |s| {
            let own = s.output().or_else(|| s.case.get(Slot::P))?;
            (own.shape() == s.up.shape()).then(|| matmul_tn(s.input(), own))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradPreactivation,
        formula: "z_kᵀ·dz: the layer below before its activation",
        value: |s| with_input(s, s.l.checked_sub(2).map(|below| &s.z[below])),
    },
    Hypothesis {
        bug: Bug::WeightGradTransposed,
        formula: "dzᵀ·a: the transposed gradient (W is square, so nothing complained)",
        value: |s| {
            let square = s.input().cols() == s.up.cols();
            square.then(|| matmul_tn(s.up, s.input()))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradTransposed,
        formula: "reshape(dzᵀ·a): reshaped where it should be transposed, which scrambles it",
        value: |s| {
            let (input, out) = (s.input().cols(), s.up.cols());
            if s.case.layout.in_out {
                return reshaped(&matmul_tn(s.up, s.input()), input, out);
            }
            Some(reshaped(&matmul_tn(s.input(), s.up), out, input)?.transposed())
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "(Σ_i a_i)ᵀ·(Σ_i dz_i): summed before multiplying",
        value: |s| Some(matmul_tn(&column_sums(s.input()), &column_sums(s.up))),
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "(mean_i a_i)ᵀ·(Σ_i dz_i): averaged before multiplying",
        value: |s| {
            let mean = scaled(&column_sums(s.input()), 1.0 / s.n());
            Some(matmul_tn(&mean, &column_sums(s.up)))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "Σ_i dz_i in every row: the input was not multiplied in",
        value: |s| {
            let sums = column_sums(s.up);
            Some(Matrix::from_fn(s.input().cols(), s.up.cols(), |_, j| sums.at(0, j)))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "Σ_i a_i in every column: dz was not multiplied in",
        value: |s| {
            let sums = column_sums(s.input());
            Some(Matrix::from_fn(s.input().cols(), s.up.cols(), |i, _| sums.at(0, i)))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "W ⊙ (aᵀ·dz): multiplied by the weights element by element",
        value: |s| Some(times(s.case.w(s.l), &matmul_tn(s.input(), s.up))),
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "a ⊙ dz, element by element (N, inputs and units are equal)",
        value: |s| {
            (s.input().shape() == s.up.shape() && s.case.n == s.up.cols()).then(|| times(s.input(), s.up))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "a·dz without the transpose (N, inputs and units are equal)",
        value: |s| {
            let square = s.input().cols() == s.case.n && s.up.cols() == s.case.n;
            square.then(|| matmul(s.input(), s.up))
        },
    },
    Hypothesis {
        bug: Bug::WeightGradContraction,
        formula: "Σ_i a_i·dz_i, one number for all weights: np.dot of two vectors (inputs and units are equal)",
        value: |s| {
            let (input, up) = (s.input(), s.up);
            let value = (input.shape() == up.shape()).then(|| dot(input, up))?;
            Some(Matrix::from_fn(input.cols(), up.cols(), |_, _| value))
        },
    },
    Hypothesis {
        bug: Bug::WeightLastSample,
        formula: "the last sample's alone: = where += is meant",
        value: |s| Some(one_sample(s, s.case.n - 1)),
    },
    Hypothesis {
        bug: Bug::WeightLastSample,
        formula: "the last sample's alone, not divided by N: = where += is meant",
        value: |s| Some(scaled(&one_sample(s, s.case.n - 1), s.n())),
    },
    Hypothesis {
        bug: Bug::WeightLastSample,
        formula: "the first sample's alone",
        value: |s| Some(one_sample(s, 0)),
    },
    Hypothesis {
        bug: Bug::WeightGradZero,
        formula: "0: W never moves",
        value: |s| Some(Matrix::zeros([s.input().cols(), s.up.cols()])),
    },
];

/// The same value for every unit.
#[allow(clippy::unnecessary_wraps, reason = "the tables' formulas return an option")]
fn every_unit(site: &Site, value: f64) -> Option<Matrix> {
    Some(every(site.up.cols(), value))
}

fn total(row: &[f64]) -> f64 {
    row.iter().sum()
}

/// One sample's dz as a row.
#[allow(clippy::unnecessary_wraps, reason = "the tables' formulas return an option")]
fn sample(site: &Site, r: usize, factor: f64) -> Option<Matrix> {
    Some(Matrix::from_fn(1, site.up.cols(), |_, c| factor * site.up.at(r, c)))
}

/// What can be wrong with `db_l`.
pub const BIASES: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::ActivationDerivativeMissing,
        formula: "Σ_i da_i: the gradient of a where that of z belongs",
        value: |s| Some(column_sums(&da(s)?)),
    },
    Hypothesis {
        bug: Bug::OutputDerivativeMissing,
        formula: "Σ_i dp_i: the gradient of p where that of z belongs",
        value: |s| Some(column_sums(&dp(s)?)),
    },
    Hypothesis {
        bug: Bug::BiasSummedOverUnits,
        formula: "Σ_i Σ_j dz_ij, one number for all units",
        value: |s| every_unit(s, total(s.up.data())),
    },
    Hypothesis {
        bug: Bug::BiasSummedOverUnits,
        formula: "the mean of dz over samples and units, one number for all units",
        value: |s| every_unit(s, total(s.up.data()) / s.up.data().len() as f64),
    },
    Hypothesis {
        bug: Bug::BiasSummedOverUnits,
        formula: "Σ_i dz_i, averaged over the units: one number for all of them",
        value: |s| every_unit(s, total(s.up.data()) / s.up.cols() as f64),
    },
    Hypothesis {
        bug: Bug::BiasSummedOverUnits,
        formula: "each sample's sum over the units (axis 1; N equals the number of units)",
        value: |s| (s.case.n == s.up.cols()).then(|| super::algebra::row_sums(s.up).transposed()),
    },
    Hypothesis {
        bug: Bug::BiasLastSample,
        formula: "the last sample's dz: = where += is meant",
        value: |s| sample(s, s.case.n - 1, 1.0),
    },
    Hypothesis {
        bug: Bug::BiasLastSample,
        formula: "the last sample's dz, not divided by N: = where += is meant",
        value: |s| sample(s, s.case.n - 1, s.n()),
    },
    Hypothesis {
        bug: Bug::BiasLastSample,
        formula: "the first sample's dz alone",
        value: |s| sample(s, 0, 1.0),
    },
    Hypothesis {
        bug: Bug::BiasLastSampleScalar,
        formula: "Σ_j dz_j of the last sample, one number for all units: np.sum(v, axis=0) of a vector, and = where \
                  += is meant",
        value: |s| every_unit(s, total(s.up.row(s.case.n - 1))),
    },
    Hypothesis {
        bug: Bug::BiasLastSampleScalar,
        formula: "Σ_j dz_j of the last sample, not divided by N, one number for all units",
        value: |s| every_unit(s, s.n() * total(s.up.row(s.case.n - 1))),
    },
    Hypothesis {
        bug: Bug::BiasNotSummed,
        formula: "dz itself, one row for every sample: not summed over the batch",
        value: |s| Some(s.up.clone()),
    },
    Hypothesis { bug: Bug::BiasZero, formula: "0: b never moves", value: |s| every_unit(s, 0.0) },
    Hypothesis {
        bug: Bug::BiasAbsolute,
        formula: "Σ_i |dz_i|",
        value: |s| Some(column_sums(&s.up.map(f64::abs))),
    },
    Hypothesis {
        bug: Bug::BiasAbsolute,
        formula: "b ⊙ Σ_i dz_i: multiplied by the bias",
        value: |s| Some(times(s.case.b(s.l), &column_sums(s.up))),
    },
];
