//! A tensor that is right but for a factor: which factor, and what it means.

use super::algebra::{dot, plus, scaled};
use super::catalogue::Bug;
use super::hypothesis::Site;
use super::trial::residual;
use crate::reference::Matrix;

/// A factor that people get wrong.
#[derive(Debug, Clone)]
pub struct Factor {
    /// The bug.
    pub bug: Bug,
    /// What the tensor is multiplied with, in words.
    pub text: String,
    /// The factor itself.
    pub value: f64,
}

/// The factors worth testing at a site.
pub fn factors(site: &Site) -> Vec<Factor> {
    let (n, c) = (site.n(), site.case.classes() as f64);
    let width = site.case.sizes[site.l] as f64;
    let mut all = vec![
        (Bug::SignFlipped, "the right one times -1".to_owned(), -1.0),
        (Bug::SignFlipped, format!("-1/N times the right one (N = {n})"), -1.0 / n),
        (Bug::SignFlipped, format!("-N times the right one (N = {n})"), -n),
        (Bug::MissingBatchMean, format!("N = {n} times the right one: 1/N is missing"), n),
        (Bug::DoubleBatchMean, format!("1/N = 1/{n} of the right one: divided by N twice"), 1.0 / n),
        (Bug::DoubleBatchMean, format!("1/N² of the right one, N = {n}"), 1.0 / (n * n)),
        (Bug::MissingBatchMean, format!("N² times the right one, N = {n}"), n * n),
        (Bug::ScaleByClasses, format!("C = {c} times the right one"), c),
        (Bug::ScaleByClasses, format!("1/C = 1/{c} of the right one"), 1.0 / c),
        (Bug::ScaleByClasses, format!("N·C times the right one (N = {n}, C = {c})"), n * c),
        (Bug::ScaleByClasses, format!("1/(N·C) of the right one (N = {n}, C = {c})"), 1.0 / (n * c)),
        (
            Bug::ScaleByClasses,
            format!("N/C times the right one (N = {n}, C = {c}): divided by C, not by N"),
            n / c,
        ),
        (Bug::ScaleByClasses, format!("2/C times the right one (C = {c})"), 2.0 / c),
        (Bug::ScaleConstant, "twice the right one".to_owned(), 2.0),
        (Bug::AccumulatorNotReset, "twice the right one: this batch added to itself".to_owned(), 2.0),
        (Bug::AccumulatorNotReset, "three times the right one: this batch added up thrice".to_owned(), 3.0),
        (Bug::ScaleConstant, "half the right one".to_owned(), 0.5),
        (Bug::ScaleConstant, format!("2/N times the right one (N = {n})"), 2.0 / n),
        (Bug::ScaleConstant, format!("n_l = {width} times the right one"), width),
        (Bug::ScaleConstant, format!("1/n_l = 1/{width} of the right one"), 1.0 / width),
        (Bug::ScaleConstant, format!("(N-1)/N times the right one (N = {n})"), (n - 1.0) / n),
        (Bug::ScaleConstant, format!("N/(N-1) times the right one (N = {n})"), n / (n - 1.0)),
    ];
    if let Some(lr) = site.number("lr").filter(|&lr| lr > 0.0) {
        all.push((
            Bug::ScaleConstant,
            format!("lr = {lr} times the right one: the learning rate is already in it"),
            lr,
        ));
        all.push((Bug::ScaleConstant, format!("1/lr times the right one (lr = {lr})"), 1.0 / lr));
    }
    let usable = |&(_, _, value): &(_, _, f64)| value.is_finite() && (value - 1.0).abs() > 1e-12;
    all.into_iter().filter(usable).map(|(bug, text, value)| Factor { bug, text, value }).collect()
}

/// `c = <u, r>/<r, r>`: the factor that fits best.
pub fn fitted(u: &Matrix, r: &Matrix) -> Option<f64> {
    let c = dot(u, r) / dot(r, r);
    (c.is_finite() && c != 0.0).then_some(c)
}

/// The factor c with `u = c·r`, if there is one.
pub fn multiple(u: &Matrix, r: &Matrix, slack: f64) -> Option<f64> {
    fitted(u, r).filter(|&c| residual(u, &scaled(r, c)) < slack)
}

/// The factors with `u = c·r + d·s`, if there are any and r and s are no multiples of each other.
pub fn combination(u: &Matrix, r: &Matrix, s: &Matrix, slack: f64) -> Option<(f64, f64)> {
    let (c, d) = nearest(u, r, s)?;
    (residual(u, &plus(&scaled(r, c), &scaled(s, d))) < slack).then_some((c, d))
}

/// The factors for which `c·r + d·s` is nearest to u, if r and s are no multiples of each other.
pub fn nearest(u: &Matrix, r: &Matrix, s: &Matrix) -> Option<(f64, f64)> {
    let (rr, ss, rs) = (dot(r, r), dot(s, s), dot(r, s));
    let (ur, us) = (dot(u, r), dot(u, s));
    let det = rr * ss - rs * rs;
    let (c, d) = ((ur * ss - us * rs) / det, (us * rr - ur * rs) / det);
    (det > 1e-9 * rr * ss && c.is_finite() && d.is_finite()).then_some((c, d))
}
