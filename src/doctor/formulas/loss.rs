//! The loss: mean categorical cross-entropy. Starts from p; one number, so its hypotheses must agree closely.

use super::algebra::{dot, matmul_tn, minus, scalar, zip};
use super::catalogue::Bug;
use super::head;
use super::hypothesis::{Hypothesis, Site};
use super::probabilities::{CLIPS, picked};
use crate::reference::{Matrix, log_sum_exp};

/// `-1/N Σ_i log p_{i,y_i}`, from p.
pub fn mean(site: &Site) -> f64 {
    -picked(site.up, &site.case.y, f64::ln).iter().sum::<f64>() / site.n()
}

/// The same from the logits: finite where p has underflowed.
pub fn stable(site: &Site) -> f64 {
    let z = &site.z[site.z.len() - 1];
    let part = |r: usize| -> f64 {
        let whole = log_sum_exp(z.row(r));
        let target = site.case.y.row(r).iter();
        target.zip(z.row(r)).map(|(&y, z)| if y == 0.0 { 0.0 } else { y * (whole - z) }).sum()
    };
    (0..z.rows()).map(part).sum::<f64>() / site.n()
}

/// The ways to compute the right loss: plain, from the logits, with p clipped or shifted before the logarithm.
pub fn rights(site: &Site) -> Vec<f64> {
    let plain = mean(site);
    let mut all = Vec::new();
    if plain.is_finite() {
        all.push(plain);
    }
    if super::algebra::finite(site.up) {
        all.push(stable(site));
    } else {
        // Rows of p that are nan already make the loss nan: not the loss's own bug.
        all.extend([f64::NAN, f64::INFINITY]);
    }
    for clip in CLIPS {
        let clipped = picked(site.up, &site.case.y, |p| p.clamp(clip, 1.0 - clip).ln());
        let shifted = picked(site.up, &site.case.y, |p| (p + clip).ln());
        all.extend([clipped, shifted].map(|rows| -rows.iter().sum::<f64>() / site.n()));
    }
    all
}

/// What can be wrong with the loss of the site's design.
pub fn table(site: &Site) -> &'static [Hypothesis] {
    if site.design.is_usual() { TABLE } else { head::LOSSES }
}

/// `Σ_l Σ w²`
pub fn weights_squared(site: &Site) -> f64 {
    (1..=site.case.depth()).map(|l| dot(site.case.w(l), site.case.w(l))).sum()
}

fn biases_squared(site: &Site) -> f64 {
    (1..=site.case.depth()).map(|l| dot(site.case.b(l), site.case.b(l))).sum()
}

fn times_mean(site: &Site, factor: f64) -> Option<Matrix> {
    Some(scalar(factor * mean(site)))
}

/// Binary cross-entropy, summed over everything.
fn binary(site: &Site) -> f64 {
    let terms = zip(site.up, &site.case.y, |p, y| if y == 0.0 { -(1.0 - p).ln() } else { -p.ln() });
    terms.data().iter().sum()
}

fn squares(site: &Site) -> f64 {
    let e = minus(site.up, &site.case.y);
    dot(&e, &e)
}

/// The mean cross-entropy with `k Σ w² (+ k Σ b²)`.
fn penalised(site: &Site, k: f64, biases: bool) -> Option<Matrix> {
    let l2 = site.number("l2").filter(|&l2| l2 > 0.0)?;
    let penalty = weights_squared(site) + if biases { biases_squared(site) } else { 0.0 };
    Some(scalar(mean(site) + l2 * k * penalty))
}

/// The mean cross-entropy with other labels.
fn relabelled(site: &Site, label: impl Fn(usize) -> usize) -> Option<Matrix> {
    let y = Matrix::from_fn(site.case.n, site.case.classes(), |r, c| f64::from(label(r) == c));
    Some(scalar(-picked(site.up, &y, f64::ln).iter().sum::<f64>() / site.n()))
}

/// What can be wrong with the cross-entropy of a softmax.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::LogOfZero,
        formula: "-log p_y with a p_y that has underflowed to 0: infinite",
        value: |s| Some(scalar(mean(s))).filter(|loss| loss.at(0, 0).is_infinite()),
    },
    Hypothesis {
        bug: Bug::LogOfZero,
        formula: "Σ y·log p over all classes, with 0·log 0 = nan",
        value: |s| {
            let nan = s.up.data().contains(&0.0);
            nan.then(|| scalar(f64::NAN))
        },
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "the sum over the batch, not its mean (factor N)",
        value: |s| times_mean(s, s.n()),
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "cross-entropy/C: divided by the number of classes (len of one prediction)",
        value: |s| times_mean(s, 1.0 / s.case.classes() as f64),
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "the sum over the batch divided by the classes, not by the samples",
        value: |s| times_mean(s, s.n() / s.case.classes() as f64),
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "cross-entropy/N: divided twice",
        value: |s| times_mean(s, 1.0 / s.n()),
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "cross-entropy in bits: log2 where the natural logarithm is meant",
        value: |s| times_mean(s, std::f64::consts::LOG2_E),
    },
    Hypothesis {
        bug: Bug::LossScale,
        formula: "cross-entropy to the base 10",
        value: |s| times_mean(s, std::f64::consts::LOG10_E),
    },
    Hypothesis { bug: Bug::LossScale, formula: "cross-entropy/2", value: |s| times_mean(s, 0.5) },
    Hypothesis {
        bug: Bug::SignFlipped,
        formula: "+1/N Σ log p_y: the minus is missing",
        value: |s| times_mean(s, -1.0),
    },
    Hypothesis {
        bug: Bug::LossBinaryCrossEntropy,
        formula: "1/N Σ_i Σ_j -(y log p + (1-y) log(1-p)): binary cross-entropy over softmax outputs",
        value: |s| Some(scalar(binary(s) / s.n())),
    },
    Hypothesis {
        bug: Bug::LossBinaryCrossEntropy,
        formula: "binary cross-entropy, mean over samples and classes",
        value: |s| Some(scalar(binary(s) / s.n() / s.case.classes() as f64)),
    },
    Hypothesis {
        bug: Bug::LossBinaryCrossEntropy,
        formula: "binary cross-entropy, summed over samples and classes",
        value: |s| Some(scalar(binary(s))),
    },
    Hypothesis {
        bug: Bug::LossSquaredError,
        formula: "1/N Σ_i Σ_j (p-y)²: squared error",
        value: |s| Some(scalar(squares(s) / s.n())),
    },
    Hypothesis {
        bug: Bug::LossSquaredError,
        formula: "1/2N Σ_i Σ_j (p-y)²: half the squared error",
        value: |s| Some(scalar(squares(s) / s.n() / 2.0)),
    },
    Hypothesis {
        bug: Bug::LossSquaredError,
        formula: "1/NC Σ_i Σ_j (p-y)²: mean squared error",
        value: |s| Some(scalar(squares(s) / s.n() / s.case.classes() as f64)),
    },
    Hypothesis {
        bug: Bug::LossSquaredError,
        formula: "½ Σ_i Σ_j (p-y)², summed over the batch",
        value: |s| Some(scalar(squares(s) / 2.0)),
    },
    Hypothesis {
        bug: Bug::LossSquaredError,
        formula: "Σ_i Σ_j (p-y)², summed over the batch",
        value: |s| Some(scalar(squares(s))),
    },
    Hypothesis {
        bug: Bug::LossOuterProduct,
        formula: "-1/N ΣΣ (yᵀ·log p): the sum of an outer product; every sample meets every other's label",
        value: |s| {
            let products = matmul_tn(&s.case.y, &s.up.map(f64::ln));
            Some(scalar(-products.data().iter().sum::<f64>() / s.n()))
        },
    },
    Hypothesis {
        bug: Bug::LossOuterProduct,
        formula: "-1/N ΣΣ (y·log pᵀ): every sample's label meets every other's prediction",
        value: |s| {
            let products = super::algebra::matmul_nt(&s.case.y, &s.up.map(f64::ln));
            Some(scalar(-products.data().iter().sum::<f64>() / s.n()))
        },
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ·Σw², with another factor than the gradient's",
        value: |s| penalised(s, 1.0, false),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ/2·Σw², with another factor than the gradient's",
        value: |s| penalised(s, 0.5, false),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ/N·Σw², with another factor than the gradient's",
        value: |s| penalised(s, 1.0 / s.n(), false),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ/(2N)·Σw², with another factor than the gradient's",
        value: |s| penalised(s, 0.5 / s.n(), false),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λN/2·Σw²: the penalty once for every sample",
        value: |s| penalised(s, 0.5 * s.n(), false),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ/2·(Σw² + Σb²): biases penalised too",
        value: |s| penalised(s, 0.5, true),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ·(Σw² + Σb²): biases penalised too",
        value: |s| penalised(s, 1.0, true),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy + λ/(2N)·(Σw² + Σb²): biases penalised too",
        value: |s| penalised(s, 0.5 / s.n(), true),
    },
    Hypothesis {
        bug: Bug::LossL2Mismatch,
        formula: "cross-entropy - λ/2·Σw²: the penalty subtracted",
        value: |s| penalised(s, -0.5, false),
    },
    Hypothesis {
        bug: Bug::LabelsShifted,
        formula: "cross-entropy against label + 1",
        value: |s| relabelled(s, |r| (s.case.labels[r] + 1) % s.case.classes()),
    },
    Hypothesis {
        bug: Bug::LabelsShifted,
        formula: "cross-entropy against label - 1 (index -1 wraps)",
        value: |s| relabelled(s, |r| (s.case.labels[r] + s.case.classes() - 1) % s.case.classes()),
    },
    Hypothesis {
        bug: Bug::LabelsPermuted,
        formula: "cross-entropy against the next sample's label",
        value: |s| relabelled(s, |r| s.case.labels[(r + 1) % s.case.n]),
    },
    Hypothesis {
        bug: Bug::LabelsPermuted,
        formula: "cross-entropy against the previous sample's label",
        value: |s| relabelled(s, |r| s.case.labels[(r + s.case.n - 1) % s.case.n]),
    },
];
