//! What can be wrong with the loss and with `dz_L` of every design but softmax with cross-entropy. Both start from p.

use super::algebra::{finite, minus, scalar, scaled, times, zip};
use super::catalogue::Bug;
use super::design::{Design, Head, Measure};
use super::hidden::by_output;
use super::hypothesis::{Hypothesis, Site};
use super::probabilities::CLIPS;
use crate::network::Activation;
use crate::reference::Matrix;

/// The factors that losses of one design have beside each other: over outputs a sum, twice that, a mean, twice that.
pub fn factors(outputs: f64) -> [f64; 5] {
    [1.0, 2.0, 1.0 / outputs, 2.0 / outputs, 0.5]
}

/// The losses that people print for a design, by every convention: mean or sum over samples and outputs, with p
/// clipped before a logarithm, and for a squared error its root or the mean distance. The penalty is that beside a mean; a
/// sum may have it N times, as its gradient has.
pub fn losses(site: &Site, penalty: f64) -> Vec<f64> {
    let (y, Design { measure, .. }) = (&site.case.y, site.design);
    let mut totals = vec![measure.total(site.up, y)];
    if matches!(measure, Measure::Binary | Measure::CrossEntropy) {
        totals.extend(CLIPS.map(|clip| measure.total(&site.up.map(|p| p.clamp(clip, 1.0 - clip)), y)));
        totals.extend(CLIPS.map(|clip| {
            let log = |y: f64, p: f64| if y == 0.0 { 0.0 } else { -y * (p + clip).ln() };
            let rest = |y: f64, p: f64| if measure == Measure::Binary { log(1.0 - y, 1.0 - p) } else { 0.0 };
            zip(site.up, y, |p, y| log(y, p) + rest(y, p)).data().iter().sum::<f64>()
        }));
    }
    let factors = factors(site.case.classes() as f64);
    let mut all = Vec::new();
    for total in totals {
        let sums = factors.map(|factor| total * factor);
        all.extend(sums.map(|sum| sum / site.n() + penalty));
        all.extend(sums.map(|sum| sum + penalty));
        all.extend(sums.map(|sum| sum + site.n() * penalty));
        // The loss whose gradient is exactly the file's has the loss's factor at the penalty, too.
        let own = factors.map(|factor| (total * factor, penalty * factor / site.design.factor));
        all.extend(own.map(|(sum, penalty)| sum / site.n() + penalty));
        all.extend(own.map(|(sum, penalty)| sum + site.n() * penalty));
    }
    if measure == Measure::Squared {
        let values = site.up.data().len() as f64;
        let squares = 2.0 * measure.total(site.up, y);
        let distance = Measure::Absolute.total(site.up, y);
        let others =
            [(squares / values).sqrt(), squares.sqrt(), distance / values, distance / site.n(), distance];
        all.extend(others.map(|loss| loss + penalty));
    }
    // An infinite loss of a p that is a number is none that somebody meant.
    all.retain(|loss| loss.is_finite() || !finite(site.up));
    all
}

/// `g/N` with the design's factor.
fn per_sample(site: &Site, g: &Matrix) -> Option<Matrix> {
    finite(g).then(|| scaled(g, site.design.factor / site.n()))
}

fn error(site: &Site) -> Matrix {
    minus(site.up, &site.case.y)
}

/// The function of every output by itself, if it is neither z itself nor part of a softmax. Its derivative belongs into
/// the gradient of a squared error; with a binary cross-entropy only a wrong one shows that it was meant to.
fn bent(site: &Site) -> Option<Activation> {
    match (site.design.head, site.design.measure) {
        (Head::Of(f), Measure::Squared | Measure::Binary) if f != Activation::Identity => Some(f),
        _ => None,
    }
}

/// `(p - y) ⊙ f(z)`
fn along(site: &Site, f: impl Fn(f64) -> f64) -> Option<Matrix> {
    per_sample(site, &times(&error(site), &site.z().map(f)))
}

/// What can be wrong with `dz_L`.
pub const DELTAS: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::OutputDerivativeMissing,
        formula: "p - y, without h'(z)",
        value: |s| match s.design.head {
            Head::Softmax | Head::Of(Activation::Identity) => None,
            Head::Of(_) if s.design.measure != Measure::Squared => None,
            _ => per_sample(s, &error(s)),
        },
    },
    Hypothesis {
        bug: Bug::OutputDerivativeMissing,
        formula: "(p - y)/(p·(1 - p)): the derivative of the binary cross-entropy by p, without h'(z)",
        value: |s| {
            let binary = s.design.measure == Measure::Binary;
            binary
                .then(|| times(&error(s), &s.up.map(|p| 1.0 / (p * (1.0 - p)))))
                .and_then(|g| per_sample(s, &g))
        },
    },
    Hypothesis {
        bug: Bug::OutputDerivativeTwice,
        formula: "(p - y)·h'(z)²",
        value: |s| bent(s).and_then(|f| along(s, |z| f.derivative(z).powi(2))),
    },
    Hypothesis {
        bug: Bug::OutputDerivativeTwice,
        formula: "(p - y)·h'(p): the derivative of z taken at p, that is h'(h(z))",
        value: |s| bent(s).and_then(|f| along(s, |z| f.derivative(f.apply(z)))),
    },
    Hypothesis {
        bug: Bug::OutputDerivativeOnPreactivation,
        formula: "(p - y)·z·(1 - z) (for tanh: (p - y)·(1 - z²)): the formula for p, given z",
        value: |s| {
            let f = bent(s).filter(|f| matches!(f, Activation::Sigmoid | Activation::Tanh))?;
            along(s, by_output(f)?)
        },
    },
    Hypothesis {
        bug: Bug::OutputDerivativeExtra,
        formula: "(p - y)·p·(1 - p): the derivative although it has cancelled",
        value: |s| {
            let binary = s.design.measure == Measure::Binary;
            binary.then(|| times(&error(s), &s.up.map(|p| p * (1.0 - p)))).and_then(|g| per_sample(s, &g))
        },
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "(y/p + (1 - y)/(1 - p))·p·(1 - p): the sign of one term of the derivative by p",
        value: |s| {
            let binary = s.design.measure == Measure::Binary;
            binary.then(|| zip(s.up, &s.case.y, |p, y| p + y - 2.0 * p * y)).and_then(|g| per_sample(s, &g))
        },
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "-(y/p + (1 - y)/(1 - p))·p·(1 - p): the sign of one term of the derivative by p",
        value: |s| {
            let binary = s.design.measure == Measure::Binary;
            binary.then(|| zip(s.up, &s.case.y, |p, y| 2.0 * p * y - p - y)).and_then(|g| per_sample(s, &g))
        },
    },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "|p - y|·h'(z): the error without its sign",
        value: |s| match (s.design.head, s.design.measure) {
            (Head::Of(f), Measure::Squared) => {
                per_sample(s, &zip(&error(s), s.z(), |e, z| e.abs() * f.derivative(z)))
            }
            _ => None,
        },
    },
    Hypothesis {
        bug: Bug::OutputDeltaSquared,
        formula: "(p - y)²·h'(z)",
        value: |s| match (s.design.head, s.design.measure) {
            (Head::Of(f), Measure::Squared) => {
                per_sample(s, &zip(&error(s), s.z(), |e, z| e * e * f.derivative(z)))
            }
            _ => None,
        },
    },
    Hypothesis {
        bug: Bug::OutputDeltaSquared,
        formula: "(p - y)²",
        value: |s| per_sample(s, &error(s).map(|e| e * e)),
    },
    Hypothesis {
        bug: Bug::ErrorNotClipped,
        formula: "p - y: not cut off at δ, though the loss is Huber's",
        value: |s| {
            matches!(s.design.measure, Measure::Huber(_)).then(|| error(s)).and_then(|e| per_sample(s, &e))
        },
    },
    Hypothesis { bug: Bug::ErrorZero, formula: "0, although p is not y", value: |s| s.no_error() },
    Hypothesis {
        bug: Bug::LossOuterProduct,
        formula: "(p - mean y)·h'(z): the gradient of all pairs of samples: [N, 1] with [N] is [N, N]",
        value: |s| {
            let linear = matches!(s.design.measure, Measure::Squared | Measure::Binary);
            if s.case.classes() > 1 || s.case.n == 1 || !linear {
                return None;
            }
            let mean = s.case.y.data().iter().sum::<f64>() / s.n();
            let delta = s.design.delta(s.z(), s.up, &s.case.y.map(|_| mean));
            finite(&delta).then(|| scaled(&delta, 1.0 / s.n()))
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxDiagonalJacobian,
        formula: "(p - y)·p·(1 - p): only the Jacobian's diagonal",
        value: |s| {
            let diagonal = s.design.head == Head::Softmax && s.design.measure == Measure::Squared;
            diagonal.then(|| times(&error(s), &s.up.map(|p| p * (1.0 - p)))).and_then(|g| per_sample(s, &g))
        },
    },
];

/// The mean loss of all pairs of an output and a target of any samples; only of one output people get there.
fn pairs(site: &Site) -> Option<f64> {
    let (n, p) = (site.case.n, site.up);
    if site.case.classes() > 1 || n == 1 {
        return None;
    }
    let of = |sample: usize| Matrix::from_fn(n, 1, |_, _| site.case.y.at(sample, 0));
    let total: f64 = (0..n).map(|sample| site.design.measure.total(p, &of(sample))).sum();
    Some(total / site.n() / site.n())
}

/// The binary cross-entropy with one sign turned, over the samples.
fn turned(site: &Site, hit: f64, miss: f64) -> Option<f64> {
    let term = |y: f64, p: f64| if y == 0.0 { 0.0 } else { y * p.ln() };
    let cost = zip(site.up, &site.case.y, |p, y| hit * term(y, p) + miss * term(1.0 - y, 1.0 - p));
    (site.design.measure == Measure::Binary).then(|| cost.data().iter().sum::<f64>() / site.n())
}

/// What can be wrong with the loss.
pub const LOSSES: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "-(y log p - (1 - y) log(1 - p)): the sign of the second term",
        value: |s| turned(s, -1.0, 1.0).map(scalar),
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "-(y log p - (1 - y) log(1 - p)), the mean over outputs: the sign of the second term",
        value: |s| turned(s, -1.0, 1.0).map(|sum| scalar(sum / s.case.classes() as f64)),
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "y log p - (1 - y) log(1 - p): the sign of the first term",
        value: |s| turned(s, 1.0, -1.0).map(scalar),
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "-y log p: the term of 1 - y is missing",
        value: |s| turned(s, -1.0, 0.0).map(scalar),
    },
    Hypothesis {
        bug: Bug::BinaryCrossEntropySign,
        formula: "-y log p, the mean over outputs: the term of 1 - y is missing",
        value: |s| turned(s, -1.0, 0.0).map(|sum| scalar(sum / s.case.classes() as f64)),
    },
    Hypothesis {
        bug: Bug::LossOuterProduct,
        formula: "the mean over all pairs of samples of the loss of p_i and y_j: [N, 1] with [N] is [N, N]",
        value: |s| pairs(s).map(scalar),
    },
    Hypothesis {
        bug: Bug::LossOuterProduct,
        formula: "the mean over all pairs of samples of (p_i - y_j)²: [N, 1] with [N] is [N, N]",
        value: |s| pairs(s).filter(|_| s.design.measure == Measure::Squared).map(|mean| scalar(2.0 * mean)),
    },
    Hypothesis {
        bug: Bug::SignFlipped,
        formula: "the loss times -1",
        value: |s| Some(scalar(-s.design.measure.total(s.up, &s.case.y) / s.n())),
    },
];
