//! z: the affine map of a layer. Starts from `a_{l-1}`.

use super::algebra::{dense, matmul, matmul_tn, minus, plus, scaled, times};
use super::catalogue::Bug;
use super::hypothesis::{Hypothesis, Site};
use super::scale;
use crate::doctor::file::slot::{Param, Slot};
use crate::network::Activation;
use crate::reference::Matrix;

/// `z = a·w + b`
pub fn right(site: &Site) -> Matrix {
    dense(site.up, site.case.w(site.l), site.case.b(site.l))
}

/// The size of what is added up.
pub fn magnitude(site: &Site) -> Matrix {
    let size = |m: &Matrix| m.map(f64::abs);
    dense(&size(site.up), &size(site.case.w(site.l)), &size(site.case.b(site.l)))
}

/// What can be wrong with z.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::PreactivationOverwritten,
        formula: "f(a_k·W + b): the activation was applied in place, so z holds a",
        value: |s| (s.l < s.case.depth()).then(|| right(s).map(|z| s.act.apply(z))),
    },
    Hypothesis {
        bug: Bug::BiasLeftOut,
        formula: "a_k·W, without b",
        value: |s| Some(matmul(s.up, s.case.w(s.l))),
    },
    Hypothesis {
        bug: Bug::BiasLeftOut,
        formula: "a_k·W - b: b subtracted",
        value: |s| Some(minus(&scaled(&matmul(s.up, s.case.w(s.l)), 2.0), &right(s))),
    },
    Hypothesis {
        bug: Bug::BiasLeftOut,
        formula: "a_k·W + 2b: b added twice",
        value: |s| Some(minus(&scaled(&right(s), 2.0), &matmul(s.up, s.case.w(s.l)))),
    },
    Hypothesis {
        bug: Bug::WeightNotTransposed,
        formula: "a_k·Wᵀ + b (W is square, so nothing complained)",
        value: |s| {
            let w = s.case.w(s.l);
            (w.rows() == w.cols()).then(|| dense(s.up, &w.transposed(), s.case.b(s.l)))
        },
    },
    Hypothesis {
        bug: Bug::PreactivationOtherInput,
        formula: "X·W + b: the inputs in place of a_k",
        value: |s| through(s, s.a.first()),
    },
    Hypothesis {
        bug: Bug::PreactivationOtherInput,
        formula: "the input of the layer below in place of a_k, times W, plus b",
        value: |s| through(s, s.a.get(s.l.checked_sub(2).filter(|&below| below > 0)?)),
    },
    Hypothesis {
        bug: Bug::PreactivationOtherInput,
        formula: "z_k·W + b: z of the layer below in place of a_k",
        value: |s| {
            // Where a is not in the file, its activation may be missing as well.
            s.case.get(Slot::A(s.l.checked_sub(1)?))?;
            through(s, s.z.get(s.l.checked_sub(2)?))
        },
    },
];

/// Another tensor through this layer, if it is as wide as the layer's input.
fn through(site: &Site, input: Option<&Matrix>) -> Option<Matrix> {
    let input = input.filter(|input| site.l > 1 && input.cols() == site.case.w(site.l).rows())?;
    (!is_branch(site, input)).then(|| dense(input, site.case.w(site.l), site.case.b(site.l)))
}

/// Whether this layer may be a branch beside the one below: its gradient is made of the same input, and that one learns.
fn is_branch(site: &Site, input: &Matrix) -> bool {
    let gradient = |l| site.case.get(Slot::Grad(Param::W(l)));
    let learns = gradient(site.l - 1).is_some_and(|below| below.data().iter().any(|&value| value != 0.0));
    let (Some(own), Some(dz)) = (gradient(site.l), site.case.get(Slot::Dz(site.l))) else { return false };
    learns && scale::multiple(own, &matmul_tn(input, dz), 1e-3).is_some()
}

/// a: the activation of a hidden layer. Starts from z.
pub mod activation {
    use super::{Activation, Bug, Hypothesis, Matrix, Site, Slot, plus, scaled, times};

    /// `a = f(z)`
    pub fn right(site: &Site) -> Matrix {
        site.up.map(|z| site.act.apply(z))
    }

    /// The activations by another function than the one said.
    fn other(site: &Site, act: Activation) -> Option<Matrix> {
        (site.act != act).then(|| site.up.map(|z| act.apply(z)))
    }

    /// Which units the exported a kept: a mask for files that have none.
    fn kept(site: &Site) -> Option<Matrix> {
        let given = site.case.get(Slot::Mask(site.l));
        given.cloned().map(|mask| mask.map(|m| f64::from(m != 0.0)))
    }

    /// What can be wrong with a.
    pub const TABLE: &[Hypothesis] = &[
        Hypothesis {
            bug: Bug::ActivationMissing,
            formula: "z: the activation was not applied",
            value: |s| Some(s.up.clone()),
        },
        Hypothesis {
            bug: Bug::ActivationOther,
            formula: "relu(z), another activation than the one said",
            value: |s| other(s, Activation::Relu),
        },
        Hypothesis {
            bug: Bug::ActivationOther,
            formula: "sigmoid(z), another activation than the one said",
            value: |s| other(s, Activation::Sigmoid),
        },
        Hypothesis {
            bug: Bug::ActivationOther,
            formula: "tanh(z), another activation than the one said",
            value: |s| other(s, Activation::Tanh),
        },
        Hypothesis { bug: Bug::ActivationOther, formula: "|z|", value: |s| Some(s.up.map(f64::abs)) },
        Hypothesis {
            bug: Bug::ActivationOther,
            formula: "f(f(z)): the activation was applied twice",
            value: |s| Some(s.up.map(|z| s.act.apply(s.act.apply(z)))),
        },
        Hypothesis {
            bug: Bug::DropoutScale,
            formula: "f(z)·mask, without the factor 1/(1 - q)",
            value: |s| {
                s.number("drop_p").filter(|&q| q > 0.0)?;
                Some(times(&right(s), &kept(s)?))
            },
        },
        Hypothesis {
            bug: Bug::DropoutScale,
            formula: "f(z)·mask·(1 - q): multiplied where it should be divided",
            value: |s| Some(scaled(&times(&right(s), &kept(s)?), 1.0 - s.number("drop_p")?)),
        },
        Hypothesis {
            bug: Bug::DropoutScale,
            formula: "f(z)·mask/q: divided by the share dropped, not by the share kept",
            value: |s| {
                let q = s.number("drop_p").filter(|&q| q > 0.0)?;
                Some(scaled(&times(&right(s), &kept(s)?), 1.0 / q))
            },
        },
        Hypothesis {
            bug: Bug::DropoutScale,
            formula: "f(z)·mask/(1 - q)²: scaled twice",
            value: |s| Some(scaled(&times(&right(s), &kept(s)?), (1.0 - s.number("drop_p")?).powi(-2))),
        },
        Hypothesis {
            bug: Bug::BiasLeftOut,
            formula: "f(z) + b: the bias was added after the activation as well",
            value: |s| {
                let rows = right(s);
                Some(plus(&rows, &Matrix::from_fn(rows.rows(), rows.cols(), |_, c| s.case.b(s.l).at(0, c))))
            },
        },
    ];
}
