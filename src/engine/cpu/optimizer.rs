//! A step along a stored gradient: every rule that is not fused into the product.
//!
//! Twin: [`reference::optimizer`](crate::reference::optimizer).

use fearless_simd::{Simd, f32x16, prelude::*};

use super::lines::Line;
use super::product::load;
use crate::step::optimizer::Step;

/// Parameters w move along `factor · g`; moments are as many as the rule keeps.
#[inline(always)]
pub(super) fn advance<S: Simd>(
    s: S,
    step: &Step,
    factor: f32,
    w: &mut [Line],
    moments: [Option<&mut [Line]>; 2],
    g: &[Line],
) {
    let gradient =
        |w: f32x16<S>, g: &Line| w.mul_add(f32x16::splat(s, step.weight_decay), load(s, g) * factor);
    let [first, second] = moments;
    match (first, second) {
        (Some(m), Some(v)) => {
            for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
                let old = load(s, w) * step.keep;
                let g = gradient(old, g);
                let mean = load(s, m).mul_add(f32x16::splat(s, step.beta1), g * step.rest1);
                let square = load(s, v).mul_add(f32x16::splat(s, step.beta2), g * g * step.rest2);
                mean.store_array(&mut m.0);
                square.store_array(&mut v.0);
                let quotient = mean
                    / square.sqrt().mul_add(f32x16::splat(s, step.scale), f32x16::splat(s, step.epsilon));
                quotient.mul_add(f32x16::splat(s, -step.lr), old).store_array(&mut w.0);
            }
        }
        (Some(v), None) => {
            let nesterov = step.rule == Step::NESTEROV;
            for ((w, v), g) in w.iter_mut().zip(v).zip(g) {
                let old = load(s, w);
                let g = gradient(old, g);
                let velocity = load(s, v).mul_add(f32x16::splat(s, step.beta1), g);
                velocity.store_array(&mut v.0);
                let ahead =
                    if nesterov { velocity.mul_add(f32x16::splat(s, step.beta1), g) } else { velocity };
                ahead.mul_add(f32x16::splat(s, -step.lr), old).store_array(&mut w.0);
            }
        }
        _ => {
            for (w, g) in w.iter_mut().zip(g) {
                let old = load(s, w);
                gradient(old, g).mul_add(f32x16::splat(s, -step.lr), old).store_array(&mut w.0);
            }
        }
    }
}

/// The sum of the squares of all numbers.
pub(super) fn squares(lines: &[Line]) -> f64 {
    lines.iter().flat_map(|line| line.0).map(|g| f64::from(g) * f64::from(g)).sum()
}
