//! `da_l` and `dz_l` of the hidden layers: back through the weights, then through the activation.

use super::algebra::{dot, finite, matmul, matmul_nt, matmul_tn, minus, plus, reshaped, scaled, times, zip};
use super::catalogue::Bug;
use super::design::Head;
use super::hypothesis::{Hypothesis, Site};
use crate::doctor::file::slot::{Param, Slot};
use crate::network::Activation;
use crate::reference::Matrix;

/// `da_l`: starts from `dz_{l+1}`.
pub mod through_weights {
    use super::{
        Activation, Bug, Head, Hypothesis, Matrix, Param, Site, Slot, finite, matmul, matmul_nt, matmul_tn,
        minus, reshaped, scaled, zip,
    };

    /// `da_l = dz_{l+1}·W_{l+1}ᵀ`
    pub fn right(site: &Site) -> Matrix {
        matmul_nt(site.up, site.case.w(site.l + 1))
    }

    /// The size of what is added up.
    pub fn magnitude(site: &Site) -> Matrix {
        matmul_nt(&site.up.map(f64::abs), &site.case.w(site.l + 1).map(f64::abs))
    }

    /// The weights above after a step of `lr` along their gradient.
    fn stepped(site: &Site, factor: f64) -> Option<Matrix> {
        let lr = site.number("lr")?;
        Some(minus(site.case.w(site.l + 1), &scaled(&gradient_above(site), lr * factor)))
    }

    /// The gradient of the weights above: the file's, or computed.
    pub fn gradient_above(site: &Site) -> Matrix {
        let given = site.case.get(Slot::Grad(Param::W(site.l + 1)));
        given.cloned().unwrap_or_else(|| matmul_tn(&site.a[site.l], site.up))
    }

    /// Back through the weights of another layer, if they have the shape of those above.
    fn of_layer(site: &Site, l: usize) -> Option<Matrix> {
        let above = site.case.w(site.l + 1);
        let other = (1..=site.case.depth()).contains(&l).then(|| site.case.w(l))?;
        (other.shape() == above.shape()).then(|| matmul_nt(site.up, other))
    }

    /// Back from some of the units above alone.
    fn of_units(site: &Site, kept: impl Fn(usize, usize) -> bool) -> Option<Matrix> {
        let (up, units) = (site.up, site.up.cols());
        let part = Matrix::from_fn(up.rows(), units, |r, c| if kept(c, units) { up.at(r, c) } else { 0.0 });
        (units > 1).then(|| matmul_nt(&part, site.case.w(site.l + 1)))
    }

    /// Back through weights that have the biases in a row, with the wrong row left out afterwards.
    pub fn miscut(site: &Site) -> Vec<(&'static str, Matrix)> {
        let (w, b) = (site.case.w(site.l + 1), site.case.b(site.l + 1));
        if !site.case.bias_rows || site.l == 0 || w.rows() < 2 {
            return Vec::new();
        }
        let (right, of_bias) = (matmul_nt(site.up, w), matmul_nt(site.up, b));
        let last = right.cols() - 1;
        let first_kept = Matrix::from_fn(right.rows(), right.cols(), |r, c| {
            if c == 0 { of_bias.at(r, 0) } else { right.at(r, c - 1) }
        });
        let last_kept = Matrix::from_fn(right.rows(), right.cols(), |r, c| {
            if c == last { of_bias.at(r, 0) } else { right.at(r, c + 1) }
        });
        vec![
            ("the biases' column is first in dz·Wᵀ, and the last one was left out", first_kept),
            ("the biases' column is last in dz·Wᵀ, and the first one was left out", last_kept),
        ]
    }

    /// What can be wrong with `da_l`.
    pub const TABLE: &[Hypothesis] = &[
        Hypothesis {
            bug: Bug::WeightNotTransposed,
            formula: "dz·W, not dz·Wᵀ (W is square, so nothing complained)",
            value: |s| {
                let w = s.case.w(s.l + 1);
                (w.rows() == w.cols()).then(|| matmul(s.up, w))
            },
        },
        Hypothesis {
            bug: Bug::WeightNotTransposed,
            formula: "dz·reshape(W): reshaped to the transposed shape, which scrambles it",
            value: |s| {
                let w = s.case.w(s.l + 1);
                let w = if s.case.layout.in_out { w.clone() } else { w.transposed() };
                let other = reshaped(&w, w.cols(), w.rows())?;
                Some(matmul(s.up, &if s.case.layout.in_out { other } else { other.transposed() }))
            },
        },
        Hypothesis {
            bug: Bug::WeightNotTransposed,
            formula: "dz·W_lᵀ: the weights of the layer below in place of those above (both have one shape)",
            value: |s| of_layer(s, s.l),
        },
        Hypothesis {
            bug: Bug::WeightNotTransposed,
            formula: "dz·W_mᵀ: the weights of another layer above (both have one shape)",
            value: |s| of_layer(s, s.l + 2),
        },
        Hypothesis {
            bug: Bug::ErrorNotSummed,
            formula: "only the error of the last unit above: = where += is meant",
            value: |s| of_units(s, |unit, units| unit + 1 == units),
        },
        Hypothesis {
            bug: Bug::ErrorNotSummed,
            formula: "without the error of the last unit above: a loop that ends one early",
            value: |s| of_units(s, |unit, units| unit + 1 < units),
        },
        Hypothesis {
            bug: Bug::ErrorNotSummed,
            formula: "without the error of the first unit above: a loop that starts from 1",
            value: |s| of_units(s, |unit, _| unit > 0),
        },
        Hypothesis {
            bug: Bug::ValueForError,
            formula: "a_m·W_mᵀ: the values of the layer above in place of its error",
            value: |s| {
                let above = s.a.get(s.l + 1).or_else(|| s.case.get(Slot::P))?;
                (above.shape() == s.up.shape()).then(|| matmul_nt(above, s.case.w(s.l + 1)))
            },
        },
        Hypothesis {
            bug: Bug::UpdatedWeightsInBackward,
            formula: "dz·W_newᵀ: the weights above after their step",
            value: |s| Some(matmul_nt(s.up, s.case.get(Slot::New(Param::W(s.l + 1)))?)),
        },
        Hypothesis {
            bug: Bug::UpdatedWeightsInBackward,
            formula: "dz·(W - lr·dW)ᵀ: the weights above after their step",
            value: |s| Some(matmul_nt(s.up, &stepped(s, 1.0)?)),
        },
        Hypothesis {
            bug: Bug::UpdatedWeightsInBackward,
            formula: "dz·(W - lr·dW/N)ᵀ: the weights above after their step",
            value: |s| Some(matmul_nt(s.up, &stepped(s, 1.0 / s.n())?)),
        },
        Hypothesis {
            bug: Bug::UpdatedWeightsInBackward,
            formula: "dz·(W + lr·dW)ᵀ: the weights above after their step",
            value: |s| Some(matmul_nt(s.up, &stepped(s, -1.0)?)),
        },
        Hypothesis {
            bug: Bug::ActivationDerivativeMissing,
            formula: "da of the layer above times Wᵀ, without that layer's f'",
            value: |s| Some(matmul_nt(s.case.get(Slot::Da(s.l + 1))?, s.case.w(s.l + 1))),
        },
        Hypothesis {
            bug: Bug::OutputDerivativeMissing,
            formula: "(p - y)·Wᵀ: the outputs' error goes back without h'(z)",
            value: |s| {
                let f = match s.design.head {
                    Head::Of(f) if s.l + 1 == s.case.depth() && f != Activation::Identity => f,
                    _ => return None,
                };
                let undone = zip(s.up, &s.z[s.l], |dz, z| dz / f.derivative(z));
                finite(&undone).then(|| matmul_nt(&undone, s.case.w(s.l + 1)))
            },
        },
    ];
}

/// The length of the step in W that `da_l` shows if the weights above were used after it; the learning rate is then
/// fitted, one unknown against thousands of equations: `da = dz·Wᵀ - lr·dz·dWᵀ`.
pub fn fitted_step(site: &Site, da: &Matrix) -> Option<(f64, Matrix)> {
    let right = through_weights::right(site);
    let direction = matmul_nt(site.up, &through_weights::gradient_above(site));
    let lr = -dot(&minus(da, &right), &direction) / dot(&direction, &direction);
    (lr.is_finite() && lr > 0.0 && da.data().len() > 8).then(|| (lr, plus(&right, &scaled(&direction, -lr))))
}

/// `dz_l ⊙ f'`: starts from `da_l`.
fn back(site: &Site, derivative: impl Fn(f64) -> f64) -> Matrix {
    times(site.up, &site.z().map(derivative))
}

/// The derivative written with the activation's value, as people write it; GELU's cannot be.
pub fn by_output(act: Activation) -> Option<fn(f64) -> f64> {
    match act {
        Activation::Relu => Some(|a| f64::from(a > 0.0)),
        Activation::Sigmoid => Some(|a| a * (1.0 - a)),
        Activation::Tanh => Some(|a| 1.0 - a * a),
        Activation::Identity => Some(|_| 1.0),
        Activation::Gelu
        | Activation::LeakyRelu
        | Activation::Elu
        | Activation::Silu
        | Activation::Softplus => None,
    }
}

/// `dz_l = da_l ⊙ f'(z_l)`, in every right way to write it; `mask` is dropout's, scaled, if it is still to be
/// applied.
pub fn rights(site: &Site, mask: Option<&Matrix>) -> Vec<Matrix> {
    let mut all = vec![back(site, |z| site.act.derivative(z))];
    if site.act == Activation::Relu && site.z().data().contains(&0.0) {
        all.push(back(site, |z| f64::from(z >= 0.0)));
    }
    if mask.is_none()
        && let Some(a) = site.case.get(Slot::A(site.l))
        && let Some(by_output) = by_output(site.act.of)
    {
        all.push(times(site.up, &a.map(by_output)));
    }
    match mask {
        Some(mask) => all.iter().map(|dz| times(dz, mask)).collect(),
        None => all,
    }
}

/// Dropout's mask as zeros and ones.
fn kept(site: &Site) -> Option<Matrix> {
    Some(site.case.get(Slot::Mask(site.l))?.map(|m| f64::from(m != 0.0)))
}

/// Whether an activation has a derivative other than 0 and 1, which can be taken twice.
fn is_bent(act: Activation) -> bool {
    !matches!(act, Activation::Relu | Activation::Identity)
}

/// da times the derivative of another activation.
fn other(site: &Site, act: Activation) -> Option<Matrix> {
    (site.act != act).then(|| back(site, |z| act.derivative(z)))
}

/// da times the derivative at another layer's z, if that has as many units.
fn at_layer(site: &Site, l: usize) -> Option<Matrix> {
    let z = site.z.get(l.checked_sub(1)?).filter(|z| z.shape() == site.up.shape())?;
    Some(times(site.up, &z.map(|z| site.act.derivative(z))))
}

/// What can be wrong with a hidden `dz_l`.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::ActivationDerivativeMissing,
        formula: "da, without f'(z)",
        value: |s| Some(s.up.clone()),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeTwice,
        formula: "da·f'(a): the derivative of z taken at a, that is f'(f(z))",
        value: |s| is_bent(s.act.of).then(|| back(s, |z| s.act.derivative(s.act.apply(z)))),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeTwice,
        formula: "da·f'(z)²",
        value: |s| is_bent(s.act.of).then(|| back(s, |z| s.act.derivative(z).powi(2))),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOnPreactivation,
        formula: "da·z·(1 - z) (for tanh: da·(1 - z²)): the formula for a, given z",
        value: |s| {
            by_output(s.act.of).filter(|_| s.act != Activation::Relu).map(|by_output| back(s, by_output))
        },
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOfError,
        formula: "da·f'(da): the derivative taken at the error that comes back",
        value: |s| Some(s.up.map(|g| g * s.act.derivative(g))),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOfError,
        formula: "da·da·(1 - da) (for tanh: da·(1 - da²)): the formula for a, given the error",
        value: |s| by_output(s.act.of).map(|by_output| s.up.map(|g| g * by_output(g))),
    },
    Hypothesis {
        bug: Bug::ReluMaskInverted,
        formula: "da·(z <= 0): the mask the wrong way round",
        value: |s| (s.act == Activation::Relu).then(|| back(s, |z| f64::from(z <= 0.0))),
    },
    Hypothesis {
        bug: Bug::ReluMaskInverted,
        formula: "da·(da > 0): masked by the sign of the error, not of z",
        value: |s| (s.act == Activation::Relu).then(|| s.up.map(|g| g.max(0.0))),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·a: the activation itself in place of its derivative",
        value: |s| Some(back(s, |z| s.act.apply(z))),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·(1 - a): a part of the derivative, which is a·(1 - a) for sigmoid and 1 - a² for tanh",
        value: |s| {
            let bent = matches!(s.act.of, Activation::Sigmoid | Activation::Tanh);
            bent.then(|| back(s, |z| 1.0 - s.act.apply(z)))
        },
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·a below 0: an ELU's derivative is a + α there",
        value: |s| {
            let elu = s.act.of == Activation::Elu;
            elu.then(|| back(s, |z| if z > 0.0 { 1.0 } else { s.act.apply(z) }))
        },
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·f(z)/z: the derivative of a GELU or a SiLU without its second term",
        value: |s| {
            let gated = matches!(s.act.of, Activation::Gelu | Activation::Silu);
            gated.then(|| back(s, |z| if z == 0.0 { 0.5 } else { s.act.apply(z) / z }))
        },
    },
    Hypothesis { bug: Bug::ErrorZero, formula: "0, although da is not", value: |s| s.no_error() },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·f'(z_k): the derivative at the z of the layer below",
        value: |s| at_layer(s, s.l.checked_sub(1)?),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·f'(z_m): the derivative at the z of the layer above",
        value: |s| at_layer(s, s.l + 1),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·relu'(z), another activation's derivative",
        value: |s| other(s, Activation::Relu),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·sigmoid'(z), another activation's derivative",
        value: |s| other(s, Activation::Sigmoid),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·tanh'(z), another activation's derivative",
        value: |s| other(s, Activation::Tanh),
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·a·(1 - a), sigmoid's derivative from another activation's a",
        value: |s| {
            let by_output = by_output(Activation::Sigmoid).filter(|_| s.act != Activation::Sigmoid)?;
            Some(back(s, |z| by_output(s.act.apply(z))))
        },
    },
    Hypothesis {
        bug: Bug::ActivationDerivativeOther,
        formula: "da·(1 - a²), tanh's derivative from another activation's a",
        value: |s| {
            let by_output = by_output(Activation::Tanh).filter(|_| s.act != Activation::Tanh)?;
            Some(back(s, |z| by_output(s.act.apply(z))))
        },
    },
    Hypothesis {
        bug: Bug::DropoutMaskMissing,
        formula: "da·f'(z), without dropout's mask",
        value: |s| s.case.get(Slot::Mask(s.l)).map(|_| back(s, |z| s.act.derivative(z))),
    },
    Hypothesis {
        bug: Bug::DropoutScale,
        formula: "da·mask·f'(z), without dropout's factor 1/(1 - q)",
        value: |s| Some(times(&back(s, |z| s.act.derivative(z)), &kept(s)?)),
    },
    Hypothesis {
        bug: Bug::DropoutScale,
        formula: "da·mask·f'(z)·(1 - q)",
        value: |s| {
            let q = s.number("drop_p")?;
            Some(scaled(&times(&back(s, |z| s.act.derivative(z)), &kept(s)?), 1.0 - q))
        },
    },
    Hypothesis {
        bug: Bug::DropoutScale,
        formula: "da·mask·f'(z)/(1 - q)²: the factor twice",
        value: |s| {
            let q = s.number("drop_p")?;
            Some(scaled(&times(&back(s, |z| s.act.derivative(z)), &kept(s)?), (1.0 - q).powi(-2)))
        },
    },
];
