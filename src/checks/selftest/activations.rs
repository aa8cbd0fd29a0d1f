//! Activations, their slopes and dropout's masks, for each of them.

use super::operands::{f64s, finish, nan, random, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu};
use crate::kernels::{Activate, Layout, Matrix};
use crate::network::Activation;
use crate::reference::training::dropout_mask;
use crate::step::dropout::Dropout;
use crate::step::optimizer::Step;
use crate::tensor::Tensor;
use bytemuck::Zeroable;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 5], [16, 64], [65, 31], [7, 300], [130, 4]];

/// What f may be off by, for each of max(1, |z|): WGSL lets exp(x) be off by 3 + 2|x| ulp; e^x · |x| is 0.4 at most.
const VALUE: f64 = 8e-7;
/// What f' may be off by.
const SLOPE: f64 = 3e-6;

/// All entry points, for all activations.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for activation in Activation::ALL {
        let kernels = Activate::new(gpu, activation).await?;
        for dropout in [Dropout::default(), Dropout { rate: 0.3, seed: 77 << 32 | 5, first_row: 3 }] {
            rows.extend(train(gpu, &kernels, activation, dropout).await?);
        }
        rows.push(evaluate(gpu, &kernels, activation).await?);
    }
    rows.push(masks(gpu).await?);
    Ok(rows)
}

/// A kernel's step number, as it lies in the engine's buffer.
fn step(gpu: &Gpu, number: u32) -> Result<Buffer> {
    gpu.upload("step", &[Step { number, ..Step::zeroed() }])
}

/// z for every shape, small ones and such as let exp overflow, and how much each value may be off by.
fn inputs() -> impl Iterator<Item = Tensor<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let all = SHAPES.into_iter().flat_map(|shape| [(shape, 4.0), (shape, 60.0)]);
    all.map(move |([rows, cols], spread)| random(&mut rng, rows, cols).map(|z| z * spread))
}

fn magnitude(z: f32) -> f64 {
    f64::from(z.abs().max(1.0))
}

fn upload(gpu: &Gpu, z: &Tensor<f32>) -> Result<Matrix> {
    let layout = Layout::activations(z.rows(), z.cols());
    Matrix::upload(gpu, "z", layout, &layout.pack_activations(z.data()))
}

/// Values, which are near; padding and the constant that the next layer's bias meets, which are exact.
fn values(trial: &mut Trial, got: (Vec<f32>, Vec<f32>), z: &Tensor<f32>, want: &[f64], scale: f64) {
    let (layout, (values, packed)) = (Layout::activations(z.rows(), z.cols()), got);
    trial.within(&"a", &values, want, |i| VALUE * scale * magnitude(z.data()[i]));
    let (written, whole) = (z.rows() * layout.stride(), layout.pack_activations(&values));
    trial.equal(&"padding", &packed[..written], &whole[..written]);
}

async fn train(gpu: &Gpu, kernels: &Activate, activation: Activation, dropout: Dropout) -> Result<[Row; 2]> {
    let name = format!("{}{}", activation.name(), if dropout.is_on() { ", dropout" } else { "" });
    let mut forward = Trial::new(format!("activation.train {name}"));
    let mut backward = Trial::new(format!("activation.backward {name}"));
    for (number, z) in (0..).zip(inputs()) {
        forward.shape(z.shape());
        backward.shape(z.shape());
        let (a, slope) = (upload(gpu, &z)?, nan(gpu, Layout::activations(z.rows(), z.cols()))?);
        let now = step(gpu, number)?;
        finish(gpu, &kernels.train(gpu, (&[dropout], 2), now.whole(), &slope, &a)?).await?;

        let mask = dropout_mask(&dropout, number.into(), 2, [z.rows(), z.cols()]);
        let scale = f64::from(dropout.scale());
        let masked = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            f64s(&z).data().iter().zip(mask.data()).map(|(&z, mask)| f(z) * mask).collect()
        };
        let derivative = masked(&|z| activation.derivative(z));
        let want = masked(&|z| activation.apply(z));
        values(&mut forward, read(gpu, &a).await?, &z, &want, scale);
        forward.within(&"slope", &read(gpu, &slope).await?.0, &derivative, |_| SLOPE * scale);

        let dz = upload(gpu, &z)?;
        finish(gpu, &kernels.backward(gpu, &slope, &dz)?).await?;
        let want: Vec<f64> = z.data().iter().zip(&derivative).map(|(&z, d)| f64::from(z) * d).collect();
        let allowed = |i: usize| SLOPE * scale * magnitude(z.data()[i]);
        backward.within(&"dz", &read(gpu, &dz).await?.0, &want, allowed);
    }
    Ok([forward.row(), backward.row()])
}

async fn evaluate(gpu: &Gpu, kernels: &Activate, activation: Activation) -> Result<Row> {
    let mut trial = Trial::new(format!("activation.evaluate {}", activation.name()));
    for z in inputs() {
        trial.shape(z.shape());
        let a = upload(gpu, &z)?;
        finish(gpu, &kernels.evaluate(gpu, &a)?).await?;
        let want = f64s(&z).map(|z| activation.apply(z));
        values(&mut trial, read(gpu, &a).await?, &z, want.data(), 1.0);
    }
    let a = nan(gpu, Layout::activations(2, 3))?;
    finish(gpu, &kernels.evaluate(gpu, &a)?).await?;
    let (a, _) = read(gpu, &a).await?;
    trial.holds(&"NaN", a.iter().all(|a| a.is_nan()), &"it did not stay NaN");
    Ok(trial.row())
}

/// Masks are exact: ones go in, and what comes out is the mask.
async fn masks(gpu: &Gpu) -> Result<Row> {
    let kernels = Activate::new(gpu, Activation::Relu).await?;
    let mut trial = Trial::new("activation.train masks");
    for (rate, seed, first_row) in [(0.5, 1, 0), (0.2, u64::MAX - 5, 1), (0.875, 77 << 32, 70_001)] {
        let dropout = Dropout { rate, seed, first_row };
        let steps = [(0, 0), (1, 0), (0, 1), (9, 3), (1 << 31, 2)];
        for ([rows, cols], (number, layer)) in SHAPES.into_iter().zip(steps) {
            trial.shape(&[rows, cols]);
            let a = upload(gpu, &Tensor::from_fn(rows, cols, |_, _| 1.0))?;
            let (slope, now) = (nan(gpu, a.layout)?, step(gpu, number)?);
            finish(gpu, &kernels.train(gpu, (&[dropout], layer), now.whole(), &slope, &a)?).await?;
            let mask = dropout_mask(&dropout, number.into(), layer, [rows, cols]).map(|mask| mask as f32);
            trial.equal(&"masks", &read(gpu, &a).await?.0, mask.data());
            trial.equal(&"slopes", &read(gpu, &slope).await?.0, mask.data());
        }
    }
    Ok(trial.row())
}
