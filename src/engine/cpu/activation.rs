//! The outputs of hidden layers other than plain ReLU: other activations and dropout, line by line, with the derivative
//! for the backward pass.
//!
//! The functions are written without branches on plain f32, so that the compiler makes vectors of them. Against their
//! f64 twins they are off by at most 2.5e-7 · max(1, |z|), and their derivatives by 5e-7; a test holds them to it.

use super::lines::{Line, Panels, WIDTH};
use crate::network::{Activation, MlpSpec};
use crate::step::StepOptions;
use crate::step::dropout::Dropout;

/// The hidden layers of a thread's rows, where they have an activation of their own, or dropout.
pub(super) struct Hidden {
    activations: Vec<Activation>,
    dropout: Dropout,
    /// Outputs of each hidden layer.
    widths: Vec<usize>,
    /// `f'(z)` of each hidden layer, times dropout's mask.
    slopes: Vec<Panels>,
}

/// Which rows of which step.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The step, counted from 0.
    pub step: u32,
    /// The thread's first row in the batch.
    pub first: usize,
}

impl Hidden {
    /// Nothing for a plain ReLU.
    pub fn new(spec: &MlpSpec, options: &StepOptions, capacity: usize) -> Option<Self> {
        let dropout = options.dropout;
        let widths: Vec<usize> = spec.layers().skip(1).map(|(ins, _)| ins).collect();
        let slopes = |widths: &[usize]| widths.iter().map(|&width| Panels::zeros(capacity, width)).collect();
        let activations: Vec<Activation> = (0..widths.len()).map(|l| spec.activation().of(l)).collect();
        let plain = activations.iter().all(|&activation| activation == Activation::Relu);
        (!plain || dropout.is_on()).then(|| Self { activations, dropout, slopes: slopes(&widths), widths })
    }

    /// z becomes a, for hidden layer `l`; with dropout if there is a step to be taken.
    #[inline(always)]
    pub fn activate(&mut self, l: usize, out: &mut Panels, place: Option<Place>) {
        let slopes = &mut self.slopes[l];
        slopes.set_rows(out.rows());
        for (j, (panel, slopes)) in out.panels_mut().zip(slopes.panels_mut()).enumerate() {
            let used = (self.widths[l] - j * WIDTH).min(WIDTH);
            for (row, (line, slope)) in panel.iter_mut().zip(slopes).enumerate() {
                activate(self.activations[l], line, slope);
                if let Some(Place { step, first }) = place.filter(|_| self.dropout.is_on()) {
                    let mask = mask(&self.dropout, step, l, first + row, j);
                    for (i, mask) in mask.0.iter().enumerate() {
                        line.0[i] *= mask;
                        slope.0[i] *= mask;
                    }
                }
                // f(0) need not be 0, but padding has to stay it.
                line.0[used..].fill(0.0);
            }
        }
    }

    /// da becomes dz, for hidden layer `l`.
    #[inline(always)]
    pub fn differentiate(&self, l: usize, dx: &mut Panels) {
        for (dx, slopes) in dx.panels_mut().zip(self.slopes[l].panels()) {
            for (dx, slope) in dx.iter_mut().zip(slopes) {
                dx.0.iter_mut().zip(&slope.0).for_each(|(dx, slope)| *dx *= slope);
            }
        }
    }
}

/// Columns `16 j .. 16 (j + 1)` of a row of the mask.
#[inline(always)]
fn mask(dropout: &Dropout, step: u32, layer: usize, row: usize, j: usize) -> Line {
    let words = dropout.words(step, layer as u32);
    let (threshold, scale) = (dropout.threshold(), dropout.scale());
    let mut mask = Line::default();
    for (i, pair) in mask.0.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let words = words.pair(row as u32, (j * WIDTH / 2 + i) as u32);
        *pair = words.map(|word| if word < threshold { 0.0 } else { scale });
    }
    mask
}

/// z becomes f(z), and slope f'(z).
#[inline(always)]
fn activate(activation: Activation, z: &mut Line, slope: &mut Line) {
    match activation {
        Activation::Relu => each(z, slope, relu),
        Activation::Sigmoid => each(z, slope, sigmoid),
        Activation::Tanh => each(z, slope, tanh),
        Activation::Gelu => each(z, slope, gelu),
        Activation::LeakyRelu => each(z, slope, leaky_relu),
        Activation::Elu => each(z, slope, elu),
        Activation::Silu => each(z, slope, silu),
        Activation::Softplus => each(z, slope, softplus),
        Activation::Identity => each(z, slope, |z| (z, 1.0)),
    }
}

#[inline(always)]
fn each(z: &mut Line, slope: &mut Line, f: impl Fn(f32) -> (f32, f32)) {
    for (z, slope) in z.0.iter_mut().zip(&mut slope.0) {
        (*z, *slope) = f(*z);
    }
}

/// Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
#[inline(always)]
fn relu(z: f32) -> (f32, f32) {
    (if z < 0.0 { 0.0 } else { z }, if z > 0.0 { 1.0 } else { 0.0 })
}

#[inline(always)]
fn sigmoid(z: f32) -> (f32, f32) {
    let a = 1.0 / (1.0 + exp(-z));
    (a, a * (1.0 - a))
}

#[inline(always)]
fn tanh(z: f32) -> (f32, f32) {
    // Near 0 the quotient would lose what is small; there a polynomial in z² that was fitted to tanh(z)/z.
    let z2 = z * z;
    let near = polynomial(z2, &[1.0, -0.333_325_98, 0.133_131_16, -0.052_211_747, 0.015_612_534]) * z;
    let far = (1.0 - 2.0 / (exp(2.0 * z.abs()) + 1.0)).copysign(z);
    let a = if z.abs() < 0.6 { near } else { far };
    (a, 1.0 - a * a)
}

#[inline(always)]
fn gelu(z: f32) -> (f32, f32) {
    // Φ(-|z|) = exp(-z²/2) · P(t), t = 1/(1 + |z|/√8), with a polynomial that was fitted to within 4.3e-8 of itself.
    const P: [f32; 9] = [
        0.141_043_22,
        0.141_187_65,
        0.121_551_86,
        0.101_343_505,
        -0.013_312_99,
        0.139_033_8,
        -0.243_600_13,
        0.142_287_57,
        -0.029_534_496,
    ];
    let t = 1.0 / (1.0 + 0.353_553_4 * z.abs());
    let e = exp(-0.5 * z * z);
    let tail = e * t * polynomial(t, &P);
    let phi = if z < 0.0 { tail } else { 1.0 - tail };
    (z * phi, phi + z * e * 0.398_942_3)
}

#[inline(always)]
fn leaky_relu(z: f32) -> (f32, f32) {
    if z > 0.0 { (z, 1.0) } else { (0.01 * z, 0.01) }
}

#[inline(always)]
fn elu(z: f32) -> (f32, f32) {
    let e = exp(if z > 0.0 { 0.0 } else { z });
    if z > 0.0 { (z, 1.0) } else { (e - 1.0, e) }
}

#[inline(always)]
fn silu(z: f32) -> (f32, f32) {
    let (s, slope) = sigmoid(z);
    (z * s, s + z * slope)
}

#[inline(always)]
fn softplus(z: f32) -> (f32, f32) {
    let positive = if z < 0.0 { 0.0 } else { z };
    (positive + exp(-z.abs()).ln_1p(), sigmoid(z).0)
}

/// `eˣ` = 2ⁿ · eʳ with |r| ≤ ln 2 / 2: relative error 1e-7 for x from -87 to 88, and there it stays beyond.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Added and subtracted, this rounds to a whole number, which is left in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let sum = x * std::f32::consts::LOG2_E + ROUND;
    let n = sum - ROUND;
    // ln 2 in two parts: n times the first is exact.
    let r = (x - n * 0.693_359_4) - n * -0.000_212_194_44;
    let series = [1.0, 1.0, 0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_713, 0.001_381_461_6];
    polynomial(r, &series) * f32::from_bits((sum.to_bits() << 23).wrapping_add(0x3F80_0000))
}

/// `c[0] + c[1] x + c[2] x² + …`
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: &[f32; N]) -> f32 {
    c.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_equal_their_twins() {
        for activation in Activation::ALL {
            for i in -400_000..=400_000_i32 {
                let z = i as f32 * 5e-5;
                let (mut a, mut slope) = (Line([z; WIDTH]), Line::default());
                activate(activation, &mut a, &mut slope);
                let off = (f64::from(a.0[3]) - activation.apply(z.into())).abs();
                assert!(off <= 2.5e-7 * f64::from(z.abs().max(1.0)), "{activation:?}({z}) is off by {off:e}");
                let off = (f64::from(slope.0[3]) - activation.derivative(z.into())).abs();
                // SiLU's has z times the slope of the sigmoid, which is off by half an ulp of 1.
                let allowed = 5e-7_f64.max(1.25e-7 * f64::from(z.abs()));
                assert!(off <= allowed, "{activation:?}'({z}) is off by {off:e}");
            }
            for z in [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 100.0, -100.0] {
                let (mut a, mut slope) = (Line([z; WIDTH]), Line::default());
                activate(activation, &mut a, &mut slope);
                assert!(
                    z.is_infinite() || a.0[0].is_finite() && slope.0[0].is_finite(),
                    "{activation:?}({z})"
                );
            }
            let (mut a, mut slope) = (Line([f32::NAN; WIDTH]), Line::default());
            activate(activation, &mut a, &mut slope);
            assert!(a.0.iter().all(|a| a.is_nan()), "{activation:?}: NaN stays NaN");
        }
    }

    #[test]
    fn tanh_keeps_what_is_small() {
        for z in [1e-30_f32, 1e-10, 1e-4, 0.01, 0.3, 0.59, 0.61] {
            let want = f64::from(z).tanh();
            assert!((f64::from(tanh(z).0) - want).abs() < 3e-7 * want, "tanh({z})");
        }
    }
}
