//! The loss of a sample; its gradient overwrites the outputs of the network.

use crate::network::Loss;

/// What a sample is to be answered with.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// Its class, where it has one.
    pub label: usize,
    /// Its numbers, where it has such.
    pub values: &'a [f32],
}

/// The loss of outputs z, and whether they are all right; with a scale z becomes the gradient times it. Of a class,
/// `smoothing` is spread over all of them.
pub(super) fn score(
    loss: Loss,
    z: &mut [f32],
    target: Target<'_>,
    smoothing: f32,
    scale: Option<f32>,
) -> (f32, bool) {
    match loss {
        Loss::SoftmaxCrossEntropy => {
            let (loss, hit) = softmax_xent(z, target.label, smoothing);
            if let Some(scale) = scale {
                let even = smoothing / z.len() as f32;
                z[target.label] -= 1.0 - smoothing;
                z.iter_mut().for_each(|dz| *dz = (*dz - even) * scale);
            }
            (loss, hit)
        }
        Loss::SigmoidCrossEntropy => each(z, target.values, scale, sigmoid_xent),
        Loss::SquaredError => each(z, target.values, scale, |z, t| ((z - t) * (z - t), 2.0 * (z - t), false)),
        Loss::Huber { delta } => each(z, target.values, scale, |z, t| huber(z - t, delta)),
    }
}

/// The mean over the outputs of what `part` makes of an output and its target: loss, derivative, and whether it is right.
fn each(
    z: &mut [f32],
    targets: &[f32],
    scale: Option<f32>,
    part: impl Fn(f32, f32) -> (f32, f32, bool),
) -> (f32, bool) {
    let (mut sum, mut hit, count) = (0.0, true, z.len() as f32);
    for (z, &t) in z.iter_mut().zip(targets) {
        let (loss, derivative, right) = part(*z, t);
        sum += loss;
        hit &= right;
        if let Some(scale) = scale {
            *z = derivative * (scale / count);
        }
    }
    (sum / count, hit)
}

/// With e^-|z| nothing overflows.
fn sigmoid_xent(z: f32, t: f32) -> (f32, f32, bool) {
    let e = (-z.abs()).exp();
    // Not max(): a NaN has to stay a NaN, so that a run that diverges is noticed.
    let positive = if z < 0.0 { 0.0 } else { z };
    let sigmoid = if z < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
    (positive - z * t + e.ln_1p(), sigmoid - t, (z > 0.0) == (t > 0.5))
}

fn huber(e: f32, d: f32) -> (f32, f32, bool) {
    if e.abs() > d { (d * (e.abs() - 0.5 * d), d * e.signum(), false) } else { (0.5 * e * e, e, false) }
}

/// z becomes softmax(z); returns the loss, from the log of the sum of exponentials, and whether the first largest logit
/// is the label's. Of the label, `smoothing` is spread over all classes.
fn softmax_xent(z: &mut [f32], label: usize, smoothing: f32) -> (f32, bool) {
    let best = (1..z.len()).fold(0, |best, j| if z[j] > z[best] { j } else { best });
    let max = z[best];
    let mut target = z[label] - max;
    if smoothing > 0.0 {
        let mean = z.iter().map(|z| z - max).sum::<f32>() / z.len() as f32;
        target = (1.0 - smoothing) * target + smoothing * mean;
    }
    z.iter_mut().for_each(|z| *z = (*z - max).exp());
    let sum: f32 = z.iter().sum();
    z.iter_mut().for_each(|e| *e /= sum);
    (sum.ln() - target, best == label)
}
