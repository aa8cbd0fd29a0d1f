//! `dz_L`: the gradient of the mean loss by the last z. Starts from p. The table is that of softmax and cross-entropy;
//! `head` has those of the other designs.

use super::algebra::{minus, scaled, times, zip};
use super::catalogue::Bug;
use super::design::{Head, Measure, jacobian};
use super::head;
use super::hidden::by_output;
use super::hypothesis::{Hypothesis, Site};
use crate::reference::{Matrix, argmax, softmax};

/// `dz_L = dE/dz_L / N`; for softmax and cross-entropy `(p - y)/N`
pub fn right(site: &Site) -> Matrix {
    scaled(&site.design.delta(site.z(), site.up, &site.case.y), 1.0 / site.n())
}

/// The same in every right way to write it: with `h'` of z, and with `h'` written by p, which differ where p is wrong.
pub fn rights(site: &Site) -> Vec<Matrix> {
    let mut all = vec![right(site)];
    if let (Head::Of(f), Measure::Squared | Measure::Absolute) = (site.design.head, site.design.measure)
        && let Some(by_output) = by_output(f)
    {
        let slope = times(&site.design.measure.gradient(site.up, &site.case.y), &site.up.map(by_output));
        all.push(scaled(&slope, site.design.factor / site.n()));
    }
    all
}

/// The gradients of squared errors through the softmax, which are right if that is the loss.
pub const OF_SQUARED_ERROR: [&str; 3] = [
    "J·(p - y) with J = diag(p) - p·pᵀ: the gradient of ½Σ(p-y)² through softmax",
    "2·J·(p - y): the gradient of Σ(p-y)² through softmax",
    "2/C·J·(p - y): the gradient of the mean squared error through softmax",
];

/// What can be wrong with `dz_L` of the site's design.
pub fn table(site: &Site) -> &'static [Hypothesis] {
    if site.design.is_usual() { TABLE } else { head::DELTAS }
}

fn error(site: &Site) -> Matrix {
    minus(site.up, &site.case.y)
}

/// `g/N`: a gradient of each sample's loss as one of the mean loss.
#[allow(clippy::unnecessary_wraps, reason = "the tables' formulas return an option")]
fn per_sample(site: &Site, g: &Matrix) -> Option<Matrix> {
    Some(scaled(g, 1.0 / site.n()))
}

/// `(p - y) ⊙ f(p)`
fn factor(site: &Site, f: impl Fn(f64) -> f64) -> Option<Matrix> {
    per_sample(site, &times(&error(site), &site.up.map(f)))
}

/// `(p - y')/N` for other labels y'.
fn relabelled(site: &Site, label: impl Fn(usize) -> usize) -> Option<Matrix> {
    let n = site.n();
    let y = |r: usize, c: usize| f64::from(label(r) == c);
    Some(Matrix::from_fn(site.case.n, site.case.classes(), |r, c| (site.up.at(r, c) - y(r, c)) / n))
}

/// What can be wrong with `dz_L` of softmax and cross-entropy.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::SoftmaxJacobian,
        formula: OF_SQUARED_ERROR[0],
        value: |s| per_sample(s, &jacobian(s.up, &error(s))),
    },
    Hypothesis {
        bug: Bug::SoftmaxJacobian,
        formula: OF_SQUARED_ERROR[1],
        value: |s| per_sample(s, &scaled(&jacobian(s.up, &error(s)), 2.0)),
    },
    Hypothesis {
        bug: Bug::SoftmaxJacobian,
        formula: OF_SQUARED_ERROR[2],
        value: |s| per_sample(s, &scaled(&jacobian(s.up, &error(s)), 2.0 / s.case.classes() as f64)),
    },
    Hypothesis {
        bug: Bug::SoftmaxJacobian,
        formula: "J·J·(p - y): the Jacobian twice",
        value: |s| per_sample(s, &jacobian(s.up, &jacobian(s.up, &error(s)))),
    },
    Hypothesis {
        bug: Bug::SoftmaxJacobian,
        formula: "J·(p-y)/(p(1-p)): the derivative of binary cross-entropy through the full softmax Jacobian",
        value: |s| {
            let g = zip(s.up, &s.case.y, |p, y| (p - y) / (p * (1.0 - p)));
            per_sample(s, &jacobian(s.up, &g))
        },
    },
    Hypothesis {
        bug: Bug::SoftmaxDiagonalJacobian,
        formula: "(p - y)·p·(1 - p): only the Jacobian's diagonal",
        value: |s| factor(s, |p| p * (1.0 - p)),
    },
    Hypothesis {
        bug: Bug::SoftmaxDiagonalJacobian,
        formula: "-y·(1 - p) (the same as (p - y)·y): only the true class gets a gradient",
        value: |s| per_sample(s, &zip(s.up, &s.case.y, |p, y| if y == 0.0 { 0.0 } else { -y * (1.0 - p) })),
    },
    Hypothesis {
        bug: Bug::SoftmaxDiagonalJacobian,
        formula: "2·(p - y)·p·(1 - p): squared error through the Jacobian's diagonal",
        value: |s| factor(s, |p| 2.0 * p * (1.0 - p)),
    },
    Hypothesis { bug: Bug::DeltaExtraFactor, formula: "(p - y)·p", value: |s| factor(s, |p| p) },
    Hypothesis { bug: Bug::DeltaExtraFactor, formula: "(p - y)·(1 - p)", value: |s| factor(s, |p| 1.0 - p) },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "e·(1 - e) with e = p - y: the derivative taken of the error",
        value: |s| per_sample(s, &error(s).map(|e| e * (1.0 - e))),
    },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "e·e·(1 - e) with e = p - y",
        value: |s| per_sample(s, &error(s).map(|e| e * e * (1.0 - e))),
    },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "(p - y)²",
        value: |s| per_sample(s, &error(s).map(|e| e * e)),
    },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "(p - y)·f'(z): the hidden activation's derivative at the output as well",
        value: |s| per_sample(s, &times(&error(s), &s.z().map(|z| s.act.derivative(z)))),
    },
    Hypothesis {
        bug: Bug::DeltaExtraFactor,
        formula: "(p - y)/(p·(1 - p)): divided by the derivative",
        value: |s| factor(s, |p| 1.0 / (p * (1.0 - p))),
    },
    Hypothesis {
        bug: Bug::SoftmaxDerivativeMissing,
        formula: "-y/p: the derivative of the loss by p, without the softmax's",
        value: |s| per_sample(s, &zip(s.up, &s.case.y, |p, y| if y == 0.0 { 0.0 } else { -y / p })),
    },
    Hypothesis {
        bug: Bug::SoftmaxDerivativeMissing,
        formula: "(p - y)/p",
        value: |s| factor(s, |p| 1.0 / p),
    },
    Hypothesis {
        bug: Bug::LabelsShifted,
        formula: "p - onehot(label + 1)",
        value: |s| relabelled(s, |r| (s.case.labels[r] + 1) % s.case.classes()),
    },
    Hypothesis {
        bug: Bug::LabelsShifted,
        formula: "p - onehot(label - 1); index -1 wraps to the last class",
        value: |s| relabelled(s, |r| (s.case.labels[r] + s.case.classes() - 1) % s.case.classes()),
    },
    Hypothesis {
        bug: Bug::LabelsPermuted,
        formula: "p - y of the next sample: y rolled by one row",
        value: |s| relabelled(s, |r| s.case.labels[(r + 1) % s.case.n]),
    },
    Hypothesis {
        bug: Bug::LabelsPermuted,
        formula: "p - y of the previous sample: y rolled by one row",
        value: |s| relabelled(s, |r| s.case.labels[(r + s.case.n - 1) % s.case.n]),
    },
    Hypothesis {
        bug: Bug::LabelsPermuted,
        formula: "p - y in reverse order",
        value: |s| relabelled(s, |r| s.case.labels[s.case.n - 1 - r]),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "p - onehot(argmax p): the network's own answer as label",
        value: |s| relabelled(s, |r| argmax(s.up.row(r))),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "p, with no label subtracted",
        value: |s| relabelled(s, |_| usize::MAX),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "p - onehot(0): every label is class 0",
        value: |s| relabelled(s, |_| 0),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "z - y: the logits in place of p",
        value: |s| per_sample(s, &minus(s.z(), &s.case.y)),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "p - 1 in the columns of all labels: dz[:, y] -= 1 where dz[range(N), y] -= 1 is meant",
        value: |s| less_one(s, |_, c| s.case.labels.contains(&c)),
    },
    Hypothesis {
        bug: Bug::LabelsWrong,
        formula: "p - 1 in the rows that labels count: dz[y] -= 1 where dz[range(N), y] -= 1 is meant",
        value: |s| less_one(s, |r, _| s.case.labels.contains(&r)),
    },
    Hypothesis {
        bug: Bug::SoftmaxTwice,
        formula: "J·(softmax(p) - y): the loss takes p for logits, and applies softmax again",
        value: |s| per_sample(s, &jacobian(s.up, &minus(&softmax(s.up), &s.case.y))),
    },
    Hypothesis { bug: Bug::ErrorZero, formula: "0, although p is not y", value: |s| s.no_error() },
];

/// `p`, less 1 in some cells.
fn less_one(site: &Site, here: impl Fn(usize, usize) -> bool) -> Option<Matrix> {
    let cells = Matrix::from_fn(site.case.n, site.case.classes(), |r, c| f64::from(here(r, c)));
    per_sample(site, &minus(site.up, &cells))
}
