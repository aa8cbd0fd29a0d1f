//! Functions, products and brackets in NumPy's notation.

use crate::doctor::formulas::bend::{Bend, Gelu};
use crate::network::Activation;

/// `f(z)`
pub fn applied(f: impl Into<Bend>, z: &str) -> String {
    let f = f.into();
    let below = f.below.unwrap_or(0.01);
    let height = f.below.map_or(String::new(), |below| format!("{below:.6} * "));
    match f.of {
        Activation::Relu => format!("np.maximum({z}, 0)"),
        Activation::Sigmoid => format!("1 / (1 + np.exp(-{z}))"),
        Activation::Tanh => format!("np.tanh({z})"),
        Activation::Gelu => match f.gelu {
            Gelu::Exact => format!("gelu({z})"),
            Gelu::Tanh => format!("0.5 * {z} * (1 + np.tanh({}))", cubic(z)),
            Gelu::Sigmoid => format!("{z} / (1 + np.exp(-1.702 * {z}))"),
        },
        Activation::LeakyRelu => format!("np.where({z} > 0, {z}, {below} * {z})"),
        Activation::Elu => format!("np.where({z} > 0, {z}, {height}(np.exp({z}) - 1))"),
        Activation::Silu => format!("{z} / (1 + np.exp(-{z}))"),
        Activation::Softplus => format!("np.log1p(np.exp({z}))"),
        Activation::Identity => z.to_owned(),
    }
}

/// What the tanh form of a GELU takes the tanh of.
fn cubic(z: &str) -> String {
    format!("np.sqrt(2 / np.pi) * ({z} + 0.044715 * {z}**3)")
}

/// `f'(z)` as a factor; nothing if it is 1.
pub fn derivative(f: impl Into<Bend>, z: &str) -> Option<String> {
    let f = f.into();
    let below = f.below.unwrap_or(0.01);
    let height = f.below.map_or(String::new(), |below| format!("{below:.6} * "));
    Some(match f.of {
        Activation::Relu => format!("({z} > 0)"),
        Activation::Sigmoid => format!("np.exp(-{z}) / (1 + np.exp(-{z}))**2"),
        Activation::Tanh => format!("(1 - np.tanh({z})**2)"),
        Activation::Gelu => match f.gelu {
            Gelu::Exact => format!("gelu_derivative({z})"),
            Gelu::Tanh => {
                let t = format!("np.tanh({})", cubic(z));
                format!(
                    "(0.5 * (1 + {t}) + 0.5 * {z} * (1 - {t}**2) * np.sqrt(2 / np.pi) * (1 + 0.134145 * {z}**2))"
                )
            }
            Gelu::Sigmoid => {
                let s = format!("1 / (1 + np.exp(-1.702 * {z}))");
                format!("({s} + 1.702 * {z} * {s} * (1 - {s}))")
            }
        },
        Activation::LeakyRelu => format!("np.where({z} > 0, 1, {below})"),
        Activation::Elu => format!("np.where({z} > 0, 1, {height}np.exp({z}))"),
        Activation::Silu => format!("(1 + (1 + {z}) * np.exp(-{z})) / (1 + np.exp(-{z}))**2"),
        Activation::Softplus => format!("1 / (1 + np.exp(-{z}))"),
        Activation::Identity => return None,
    })
}

/// `f'` written with `a = f(z)`, where people write it so.
pub fn by_output(f: Activation, a: &str) -> Option<String> {
    match f {
        Activation::Sigmoid => Some(format!("{a} * (1 - {a})")),
        Activation::Tanh => Some(format!("(1 - {a}**2)")),
        _ => None,
    }
}

/// The softmax along an axis: two statements.
pub fn softmax(z: &str, axis: u8) -> String {
    format!("e = np.exp({z} - {z}.max(axis={axis}, keepdims=True)); e / e.sum(axis={axis}, keepdims=True)")
}

/// `f1 * f2 / d`: factors in brackets where they need them; a single one stays as it is.
pub fn product(factors: &[String], divisor: Option<&str>) -> String {
    let [alone] = factors else {
        let factors: Vec<String> = factors.iter().map(|factor| bracketed(factor)).collect();
        return divided(factors.join(" * "), divisor);
    };
    // A matrix product needs no brackets before a division.
    match divisor {
        Some(_) if !alone.contains(" @ ") => divided(bracketed(alone), divisor),
        divisor => divided(alone.clone(), divisor),
    }
}

fn divided(value: String, divisor: Option<&str>) -> String {
    divisor.map_or(value.clone(), |divisor| format!("{value} / {divisor}"))
}

/// In brackets, if it is a sum, a difference or a matrix product.
pub fn bracketed(value: &str) -> String {
    let mut depth = 0_i32;
    let loose = value.split(' ').any(|word| {
        let operator = depth == 0 && ["+", "-", "@"].contains(&word);
        depth += word.matches(['(', '[']).count() as i32 - word.matches([')', ']']).count() as i32;
        operator
    });
    if loose || value.starts_with('-') { format!("({value})") } else { value.to_owned() }
}
