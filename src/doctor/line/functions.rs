//! Activations, their derivatives and the softmax.

use super::tree::{Expr, Form, Function, Reduction, number};
use crate::doctor::formulas::bend::{Bend, Gelu};
use crate::network::Activation;

/// `f(z)`
pub fn applied(f: impl Into<Bend>, z: &Expr) -> Expr {
    let f = f.into();
    let z = z.clone();
    match f.of {
        Activation::Relu => z.positive(),
        Activation::Sigmoid => logistic(z),
        Activation::Tanh => z.call(Function::Tanh),
        Activation::Gelu => match f.gelu {
            Gelu::Exact => z.call(Function::Gelu),
            Gelu::Tanh => {
                let bent = number(1).plus(cubic(&z).call(Function::Tanh));
                number(0.5).times(z).times(bent)
            }
            Gelu::Sigmoid => z.clone().over(number(1).plus(stretched(z).negative().exp())),
        },
        Activation::LeakyRelu => is_on(&z).choose(z.clone(), slope(f).times(z)),
        Activation::Elu => is_on(&z).choose(z.clone(), high(f, z.exp().minus(number(1)))),
        Activation::Silu => z.clone().over(number(1).plus(z.negative().exp())),
        Activation::Softplus => z.exp().call(Function::LogOnePlus),
        Activation::Identity => z,
    }
}

/// `1 / (1 + exp(-z))`
fn logistic(z: Expr) -> Expr {
    number(1).over(number(1).plus(z.negative().exp()))
}

fn is_on(z: &Expr) -> Expr {
    z.clone().above(number(0))
}

/// The slope of a leaky ReLU below 0.
fn slope(f: Bend) -> Expr {
    number(f.below.unwrap_or(0.01))
}

/// What an ELU is below 0, times its height.
fn high(f: Bend, value: Expr) -> Expr {
    match f.below {
        Some(height) => number(format!("{height:.6}")).times(value),
        None => value,
    }
}

/// What the sigmoid form of a GELU takes the sigmoid of.
fn stretched(z: Expr) -> Expr {
    number(1.702).times(z)
}

fn root() -> Expr {
    number(2).over(Form::Pi.scalar()).call(Function::Sqrt)
}

/// What the tanh form of a GELU takes the tanh of.
fn cubic(z: &Expr) -> Expr {
    root().times(z.clone().plus(number(0.044715).times(z.clone().power(number(3)))))
}

/// `f'(z)` as a factor; nothing if it is 1.
pub fn derivative(f: impl Into<Bend>, z: &Expr) -> Option<Expr> {
    let f = f.into();
    let z = z.clone();
    let one = || number(1);
    let grown = |z: &Expr| one().plus(z.clone().negative().exp());
    Some(match f.of {
        Activation::Relu => is_on(&z),
        Activation::Sigmoid => z.clone().negative().exp().over(grown(&z).squared()),
        Activation::Tanh => one().minus(z.call(Function::Tanh).squared()),
        Activation::Gelu => match f.gelu {
            Gelu::Exact => z.call(Function::GeluDerivative),
            Gelu::Tanh => {
                let t = cubic(&z).call(Function::Tanh);
                let inner = one().plus(number(0.134145).times(z.clone().squared()));
                let outer = number(0.5).times(z).times(one().minus(t.clone().squared()));
                number(0.5).times(one().plus(t)).plus(outer.times(root()).times(inner))
            }
            Gelu::Sigmoid => {
                let s = logistic(stretched(z.clone()));
                s.clone().plus(stretched(z).times(s.clone()).times(one().minus(s)))
            }
        },
        Activation::LeakyRelu => is_on(&z).choose(one(), slope(f)),
        Activation::Elu => is_on(&z).choose(one(), high(f, z.exp())),
        Activation::Silu => {
            let above = one().plus(one().plus(z.clone()).times(z.clone().negative().exp()));
            above.over(grown(&z).squared())
        }
        Activation::Softplus => logistic(z),
        Activation::Identity => return None,
    })
}

/// Whether people write `f'` with `a = f(z)`.
pub fn is_by_output(f: Activation) -> bool {
    matches!(f, Activation::Sigmoid | Activation::Tanh)
}

/// `f'` written with `a = f(z)`, of a sigmoid or a tanh.
pub fn by_output(f: Activation, a: Expr) -> Expr {
    match f {
        Activation::Sigmoid => a.clone().times(number(1).minus(a)),
        _ => number(1).minus(a.squared()),
    }
}

/// The exponentials of a softmax along a side, no larger than 1.
pub fn exponentials(z: Expr, side: usize) -> Expr {
    z.clone().minus(z.along(Reduction::Max, side, true)).exp()
}

/// `f1 * f2 / d`
pub fn product(factors: Vec<Expr>, divisors: Vec<Expr>) -> Expr {
    let product = factors.into_iter().reduce(Expr::times).unwrap_or_else(|| number(1));
    divisors.into_iter().fold(product, Expr::over)
}
