//! The accuracy: the share of samples whose largest p is the label's. Starts from p.

use super::algebra::{scalar, zip};
use super::catalogue::Bug;
use super::hypothesis::{Hypothesis, Site};
use crate::reference::{Matrix, argmax};

/// Hits in the batch.
pub fn hits(p: &Matrix, labels: &[usize]) -> usize {
    labels.iter().enumerate().filter(|&(r, &label)| argmax(p.row(r)) == label).count()
}

/// The accuracy as share, in percent, or as a count.
pub fn rights(site: &Site) -> [(f64, &'static str); 3] {
    forms(hits(site.up, &site.case.labels) as f64, site.n())
}

/// The ways to give `hits` of `n` samples, and what to say of them.
pub fn forms(hits: f64, n: f64) -> [(f64, &'static str); 3] {
    [
        (hits / n, ""),
        (100.0 * hits / n, "accuracy is given in percent"),
        (hits, "accuracy is given as a number of hits"),
    ]
}

fn share(of: impl Iterator<Item = bool>) -> Option<Matrix> {
    let (mut hits, mut count) = (0.0, 0.0);
    for hit in of {
        hits += f64::from(hit);
        count += 1.0;
    }
    (count > 0.0).then(|| scalar(hits / count))
}

fn flat_argmax(m: &Matrix) -> usize {
    argmax(m.data())
}

/// What can be wrong with the accuracy.
pub const TABLE: &[Hypothesis] = &[
    Hypothesis {
        bug: Bug::AccuracyWrongAxis,
        formula: "mean(argmax(p, axis=0) == argmax(y, axis=0)): over the samples, not over the classes",
        value: |s| {
            let (p, y) = (s.up.transposed(), s.case.y.transposed());
            share((0..p.rows()).map(|c| argmax(p.row(c)) == argmax(y.row(c))))
        },
    },
    Hypothesis {
        bug: Bug::AccuracyWrongAxis,
        formula: "argmax(p) == argmax(y) without an axis: one comparison of the whole matrices",
        value: |s| Some(scalar(f64::from(flat_argmax(s.up) == flat_argmax(&s.case.y)))),
    },
    Hypothesis {
        bug: Bug::AccuracyWrongAxis,
        formula: "mean over all cells of the one-hot matrices: (C - 2 + 2·accuracy)/C",
        value: |s| {
            let predicted = |r: usize, c: usize| f64::from(argmax(s.up.row(r)) == c);
            let cells = Matrix::from_fn(s.case.n, s.case.classes(), predicted);
            let same = zip(&cells, &s.case.y, |p, y| f64::from(p == y));
            share(same.data().iter().map(|&same| same == 1.0))
        },
    },
    Hypothesis {
        bug: Bug::AccuracyWrongAxis,
        formula: "mean(round(p) == y) over all cells",
        value: |s| {
            let same = zip(s.up, &s.case.y, |p, y| f64::from((p > 0.5) == (y == 1.0)));
            share(same.data().iter().map(|&same| same == 1.0))
        },
    },
    Hypothesis {
        bug: Bug::AccuracyWrongAxis,
        formula: "hits divided by the number of classes",
        value: |s| Some(scalar(hits(s.up, &s.case.labels) as f64 / s.case.classes() as f64)),
    },
];
