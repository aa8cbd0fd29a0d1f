//! Steps that are wrong in a known way, and squares that are gathered wrongly, as tables.
//!
//! Source: Sutskever et al., *On the importance of initialization and momentum* (2013); Kingma and Ba, *Adam* (2015);
//! Tieleman and Hinton, *RMSprop* (2012); Loshchilov and Hutter, *Decoupled weight decay regularization* (2019).

use super::algebra::{plus, scaled, times, zip};
use super::catalogue::Bug;
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// lr, momentum, adam_b1, …
pub type Numbers = BTreeMap<&'static str, f64>;

/// What the optimiser remembered of one parameter before the step.
pub struct State {
    /// The velocity.
    pub v: Matrix,
    /// The first moments.
    pub m: Matrix,
    /// The second moments.
    pub s: Matrix,
}

/// What a step starts from.
pub struct Fed<'a> {
    /// lr, momentum, rho, …
    pub numbers: &'a Numbers,
    /// The gradient.
    pub g: &'a Matrix,
    /// How many times the downhill direction's opposite it is.
    pub turn: f64,
    /// What the optimiser remembered before the step.
    pub state: &'a State,
    /// The velocity after it, if the file has one.
    pub v: Option<&'a Matrix>,
    /// Both moments after it; the second one alone is RMSprop's or Adagrad's squares.
    pub moments: (Matrix, Matrix),
}

impl Fed<'_> {
    fn number(&self, name: &str, usual: f64) -> f64 {
        self.numbers.get(name).copied().unwrap_or(usual)
    }

    fn lr(&self) -> f64 {
        self.number("lr", 0.0)
    }

    fn mu(&self) -> f64 {
        self.number("momentum", 0.0)
    }

    fn betas(&self) -> (f64, f64) {
        (self.number("adam_b1", 0.9), self.number("adam_b2", 0.999))
    }

    fn eps(&self) -> f64 {
        self.number("adam_eps", 1e-8)
    }

    /// The file's velocity, or `μ·v + c·g`.
    fn velocity(&self, c: f64) -> Matrix {
        self.v.cloned().unwrap_or_else(|| mix(self.mu(), &self.state.v, c, self.g))
    }

    /// `lr·v`, with the gradient's sign
    fn along(&self, v: &Matrix) -> Matrix {
        scaled(v, self.lr() * self.turn)
    }

    /// `1 - β^t` for both moments; t is off by `shift`.
    fn corrections(&self, shift: f64) -> (f64, f64) {
        let (b1, b2) = self.betas();
        let t = self.number("adam_t", 1.0) + shift;
        (1.0 - b1.powf(t), 1.0 - b2.powf(t))
    }

    /// `lr·(m/c1) / f(s/c2)`
    fn adam(&self, (m, s): &(Matrix, Matrix), (c1, c2): (f64, f64), f: impl Fn(f64) -> f64) -> Matrix {
        let lr = self.lr() * self.turn.signum();
        zip(m, s, |m, s| lr * (m / c1) / f(s / c2))
    }

    /// Adam with other corrections; nothing where they are 0.
    fn corrected(&self, by: (f64, f64)) -> Option<Matrix> {
        let eps = self.eps();
        (by.0 > 0.0 && by.1 > 0.0).then(|| self.adam(&self.moments, by, |s| s.sqrt() + eps))
    }
}

/// A step, or squares, that are wrong in a known way.
pub struct Wrong {
    /// The bug.
    pub bug: Bug,
    /// The formula as a person writes it.
    pub formula: &'static str,
    /// Its numbers: `w - w_new`, or the squares; nothing where it does not apply.
    pub value: fn(&Fed) -> Option<Matrix>,
}

/// `a·x + b·y`
pub fn mix(a: f64, x: &Matrix, b: f64, y: &Matrix) -> Matrix {
    zip(x, y, |x, y| a * x + b * y)
}

const fn momentum(formula: &'static str, value: fn(&Fed) -> Option<Matrix>) -> Wrong {
    Wrong { bug: Bug::MomentumFormula, formula, value }
}

/// How the formulas end of steps that add what they should subtract.
pub const MIXED: &str = "the signs are mixed";

/// Momentum's steps.
pub const MOMENTUM: &[Wrong] = &[
    momentum("w - lr·g: the velocity is not used", |s| Some(s.along(s.g))),
    momentum("w - lr·v with the velocity of the step before", |s| Some(scaled(&s.state.v, s.lr()))),
    momentum("w + v with the velocity of the step before", |s| Some(scaled(&s.state.v, -1.0))),
    momentum("w - v with the velocity of the step before", |s| Some(s.state.v.clone())),
    momentum("w - lr·(1-μ)·v with v = μ·v + (1-μ)·g: (1-μ) twice", |s| {
        let rest = 1.0 - s.mu();
        Some(scaled(&s.along(&mix(s.mu(), &s.state.v, rest, s.g)), rest))
    }),
    momentum("w - lr·(v + g): μ is not used", |s| Some(s.along(&plus(&s.state.v, s.g)))),
    momentum("w + v with v = μ·v + lr·g: the signs are mixed", |s| {
        Some(scaled(&s.velocity(s.lr() * s.turn), -1.0))
    }),
    momentum("w - lr·v although lr is in v already", |s| Some(scaled(&s.velocity(s.lr() * s.turn), s.lr()))),
    momentum("w + lr·v: the signs are mixed", |s| Some(scaled(&s.velocity(1.0), -s.lr()))),
    momentum("w - v: lr is nowhere", |s| Some(s.velocity(1.0))),
    momentum("w - v with v = μ·v - lr·g: the signs are mixed", |s| {
        Some(mix(s.mu(), &s.state.v, -s.lr() * s.turn, s.g))
    }),
];

const fn uncorrected(formula: &'static str, value: fn(&Fed) -> Option<Matrix>) -> Wrong {
    Wrong { bug: Bug::AdamBiasCorrection, formula, value }
}

const fn adam(formula: &'static str, value: fn(&Fed) -> Option<Matrix>) -> Wrong {
    Wrong { bug: Bug::AdamFormula, formula, value }
}

/// Adam's steps.
pub const ADAM: &[Wrong] = &[
    uncorrected("Adam without bias correction", |s| s.corrected((1.0, 1.0))),
    uncorrected("1 - β in place of 1 - β^t", |s| {
        let (b1, b2) = s.betas();
        s.corrected((1.0 - b1, 1.0 - b2))
    }),
    uncorrected("only the first moment corrected", |s| s.corrected((s.corrections(0.0).0, 1.0))),
    uncorrected("only the second moment corrected", |s| s.corrected((1.0, s.corrections(0.0).1))),
    uncorrected("t one too small: counted from 0", |s| s.corrected(s.corrections(-1.0))),
    uncorrected("t one too large", |s| s.corrected(s.corrections(1.0))),
    adam("Adam without the square root", |s| {
        let eps = s.eps();
        Some(s.adam(&s.moments, s.corrections(0.0), |s| s + eps))
    }),
    adam("the second moment of g, not of g²", |s| {
        let (b2, eps) = (s.betas().1, s.eps());
        let unsquared = (s.moments.0.clone(), mix(b2, &s.state.s, 1.0 - b2, s.g));
        Some(s.adam(&unsquared, s.corrections(0.0), |s| s.sqrt() + eps))
    }),
    adam("β1 and β2 exchanged", |s| {
        let ((b1, b2), eps) = (s.betas(), s.eps());
        let m = mix(b2, &s.state.m, 1.0 - b2, s.g);
        let swapped = (m, mix(b1, &s.state.s, 1.0 - b1, &times(s.g, s.g)));
        Some(s.adam(&swapped, s.corrections(0.0), |s| s.sqrt() + eps))
    }),
];

const fn squares(formula: &'static str, value: fn(&Fed) -> Option<Matrix>) -> Wrong {
    Wrong { bug: Bug::RmspropFormula, formula, value }
}

/// Steps along the gradient divided by the root of RMSprop's or Adagrad's squares.
pub const SCALED: &[Wrong] = &[
    squares("w - lr·g/(s + ε): without the square root", |s| {
        let eps = s.eps();
        Some(s.along(&zip(s.g, &s.moments.1, |g, s| g / (s + eps))))
    }),
    squares("w - lr·g/(√s + ε) with the squares of the step before", |s| {
        let (eps, some) = (s.eps(), s.state.s.data().iter().any(|&s| s > 0.0));
        some.then(|| s.along(&zip(s.g, &s.state.s, |g, s| g / (s.sqrt() + eps))))
    }),
];

/// The squares themselves.
pub const SQUARES: &[Wrong] = &[
    squares("ρ·s + (1-ρ)·g: g is not squared", |s| {
        let rho = *s.numbers.get("rho")?;
        Some(mix(rho, &s.state.s, 1.0 - rho, s.g))
    }),
    squares("(1-ρ)·s + ρ·g²: ρ the wrong way round", |s| {
        let rho = *s.numbers.get("rho")?;
        Some(mix(1.0 - rho, &s.state.s, rho, &times(s.g, s.g)))
    }),
    squares("g²: what was gathered before is lost", |s| Some(times(s.g, s.g))),
    squares("s + g: g is not squared", |s| Some(plus(&s.state.s, s.g))),
    squares("s: the squares did not change", |s| Some(s.state.s.clone())),
];

/// Every table of this file.
pub const ALL: &[&[Wrong]] = &[MOMENTUM, ADAM, SCALED, SQUARES];
