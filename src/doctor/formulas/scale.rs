//! A tensor that is right but for a factor: which factor, and what it means.

use super::algebra::{dot, plus, scaled};
use super::hypothesis::Site;
use super::trial::residual;
use crate::reference::Matrix;

/// A factor that people get wrong.
#[derive(Debug, Clone)]
pub struct Factor {
    /// The bug.
    pub id: &'static str,
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
        ("sign-flipped", "the right one times -1".to_owned(), -1.0),
        ("missing-batch-mean", format!("N = {n} times the right one: 1/N is missing"), n),
        ("double-batch-mean", format!("1/N = 1/{n} of the right one: divided by N twice"), 1.0 / n),
        ("double-batch-mean", format!("1/N² of the right one, N = {n}"), 1.0 / (n * n)),
        ("missing-batch-mean", format!("N² times the right one, N = {n}"), n * n),
        ("scale-by-classes", format!("C = {c} times the right one"), c),
        ("scale-by-classes", format!("1/C = 1/{c} of the right one"), 1.0 / c),
        ("scale-by-classes", format!("N·C times the right one (N = {n}, C = {c})"), n * c),
        ("scale-by-classes", format!("1/(N·C) of the right one (N = {n}, C = {c})"), 1.0 / (n * c)),
        (
            "scale-by-classes",
            format!("N/C times the right one (N = {n}, C = {c}): divided by C, not by N"),
            n / c,
        ),
        ("scale-by-classes", format!("2/C times the right one (C = {c})"), 2.0 / c),
        ("scale-constant", "twice the right one".to_owned(), 2.0),
        ("accumulator-not-reset", "twice the right one: this batch added to itself".to_owned(), 2.0),
        ("accumulator-not-reset", "three times the right one: this batch added up thrice".to_owned(), 3.0),
        ("scale-constant", "half the right one".to_owned(), 0.5),
        ("scale-constant", format!("2/N times the right one (N = {n})"), 2.0 / n),
        ("scale-constant", format!("n_l = {width} times the right one"), width),
        ("scale-constant", format!("1/n_l = 1/{width} of the right one"), 1.0 / width),
        ("scale-constant", format!("(N-1)/N times the right one (N = {n})"), (n - 1.0) / n),
        ("scale-constant", format!("N/(N-1) times the right one (N = {n})"), n / (n - 1.0)),
    ];
    if let Some(lr) = site.number("lr").filter(|&lr| lr > 0.0) {
        all.push((
            "scale-constant",
            format!("lr = {lr} times the right one: the learning rate is already in it"),
            lr,
        ));
        all.push(("scale-constant", format!("1/lr times the right one (lr = {lr})"), 1.0 / lr));
    }
    let usable = |&(_, _, value): &(_, _, f64)| value.is_finite() && (value - 1.0).abs() > 1e-12;
    all.into_iter().filter(usable).map(|(id, text, value)| Factor { id, text, value }).collect()
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
    let (rr, ss, rs) = (dot(r, r), dot(s, s), dot(r, s));
    let (ur, us) = (dot(u, r), dot(u, s));
    let det = rr * ss - rs * rs;
    let (c, d) = ((ur * ss - us * rs) / det, (us * rr - ur * rs) / det);
    let apart = det > 1e-9 * rr * ss && c.is_finite() && d.is_finite();
    (apart && residual(u, &plus(&scaled(r, c), &scaled(s, d))) < slack).then_some((c, d))
}
