//! Matrix products, in every form that the device can run, against their f64 twins.
//!
//! A sum of K products in f32 is off by at most about K · ε · Σ|a·b|, in whatever order it is taken (Higham, *Accuracy
//! and Stability of Numerical Algorithms*, 2002, section 3.1); that is what all matrix products here may be off by.

use super::operands::{Layer, SHAPES, abs, f64s, finish, nan, random, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::{Gpu, Shader};
use crate::kernels::{Layout, Matmul, Matrix, SHADERS};
use crate::network::Activation;
use crate::reference::{self, optimizer::Optimizer};
use crate::step::Sgd;
use crate::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Every form of the products that the device can run.
pub fn forms(gpu: &Gpu) -> impl Iterator<Item = Shader> {
    let forms = SHADERS.into_iter().filter(|shader| shader.name.starts_with("matmul_"));
    forms.filter(|shader| gpu.can_run(*shader, "forward"))
}

/// Every product of one form.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu, shader: Shader) -> Result<Vec<Row>> {
    let (form, matmul) = (shader.name, Matmul::new(gpu, shader).await?);
    let mut rows = Vec::new();
    for relu in [false, true] {
        rows.push(forward(gpu, form, &matmul, relu).await?);
        rows.push(backward(gpu, form, &matmul, relu).await?);
    }
    rows.push(gradient(gpu, form, &matmul).await?);
    rows.push(update(gpu, form, &matmul).await?);
    rows.push(update_with_momentum(gpu, form, &matmul).await?);
    rows.extend(bytes(gpu, form, &matmul).await?);
    Ok(rows)
}

/// Holds a product to the error bound of a sum of `inner` products whose magnitudes add up to `magnitude`.
fn product(
    trial: &mut Trial,
    what: &str,
    got: &[f32],
    want: &Tensor<f64>,
    magnitude: &Tensor<f64>,
    inner: usize,
) {
    let bound = (inner + 2) as f64 * f64::from(f32::EPSILON);
    let allowed = |i: usize| bound * magnitude.data()[i] + f64::from(f32::MIN_POSITIVE);
    trial.within(&what, got, want.data(), allowed);
}

/// x · w + b, and what its terms add up to in magnitude.
fn affine(x: &Tensor<f64>, layer: &Layer) -> [Tensor<f64>; 2] {
    let (w, b) = (f64s(&layer.w), f64s(&layer.b));
    [reference::dense(x, &w, b.data()), reference::dense(&abs(x), &abs(&w), abs(&b).data())]
}

async fn forward(gpu: &Gpu, form: &str, matmul: &Matmul, relu: bool) -> Result<Row> {
    let mut trial = Trial::new(format!("{form}.forward{}", if relu { " relu" } else { "" }));
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let [z, magnitude] = affine(&f64s(&layer.x), &layer);
        let want = z.map(|z| if relu { Activation::Relu.apply(z) } else { z });
        let z_gpu = nan(gpu, Layout::activations(rows, outs))?;
        finish(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z_gpu, relu)?).await?;
        product(&mut trial, "z", &read(gpu, &z_gpu).await?.0, &want, &magnitude, ins + 1);
    }
    // A NaN has to stay one, so that a run that diverges is noticed.
    let layer = Layer::new(gpu, [5, 6, 7])?;
    let mut w = layer.w.clone();
    w.data_mut()[3] = f32::NAN;
    layer.w_gpu.write(gpu, &layer.w_gpu.layout.pack_weights(w.data(), layer.b.data()))?;
    let z_gpu = Matrix::zeros(gpu, "z", Layout::activations(5, 7))?;
    finish(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z_gpu, relu)?).await?;
    let (z, _) = read(gpu, &z_gpu).await?;
    trial.holds(&"NaN", z.iter().skip(3).step_by(7).all(|z| z.is_nan()), &"it did not stay NaN");
    Ok(trial.row())
}

async fn backward(gpu: &Gpu, form: &str, matmul: &Matmul, relu: bool) -> Result<Row> {
    let mut trial = Trial::new(format!("{form}.backward{}", if relu { " relu" } else { " bare" }));
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let (dz, w_t) = (f64s(&layer.dz), f64s(&layer.w).transposed());
        let mut want = reference::matmul(&dz, &w_t);
        if relu {
            for (dx, &x) in want.data_mut().iter_mut().zip(layer.x.data()) {
                *dx *= Activation::Relu.derivative(f64::from(x));
            }
        }
        let magnitude = reference::matmul(&abs(&dz), &abs(&w_t));
        let dx = nan(gpu, Layout::activations(rows, ins))?;
        finish(gpu, &matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx, relu)?).await?;
        product(&mut trial, "dx", &read(gpu, &dx).await?.0, &want, &magnitude, outs);
    }
    Ok(trial.row())
}

/// The gradient of weights and bias, all of which `packed` holds, and no padding but zeros.
fn weights(trial: &mut Trial, layer: &Layer, x: &Tensor<f64>, got: (Vec<f32>, Vec<f32>), sign: f64) {
    let (rows, layout, (x_t, dz)) = (x.rows(), layer.w_gpu.layout, (x.transposed(), f64s(&layer.dz)));
    let (values, packed) = got;
    let want = reference::matmul(&x_t, &dz).map(|g| sign * g);
    product(trial, "w", &values, &want, &reference::matmul(&abs(&x_t), &abs(&dz)), rows + 2);
    let sums = |dz: &Tensor<f64>| {
        let sums = reference::sum_rows(dz);
        Tensor::from_fn(1, sums.len(), |_, c| sums[c])
    };
    let bias = layout.unpack_bias(&packed);
    product(trial, "bias", &bias, &sums(&dz).map(|g| sign * g), &sums(&abs(&dz)), rows);
    // The other kernels rely on it: x's padding meets w's, and a norm is taken over all of it.
    trial.equal(&"padding", &bits(&packed), &bits(&layout.pack_weights(&values, &bias)));
}

/// As they are compared: 0 is -0, and NaN is NaN.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|&value| if value == 0.0 { 0 } else { value.to_bits() }).collect()
}

async fn gradient(gpu: &Gpu, form: &str, matmul: &Matmul) -> Result<Row> {
    let mut trial = Trial::new(format!("{form}.gradient"));
    for shape in SHAPES {
        trial.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let g = nan(gpu, layer.w_gpu.layout)?;
        let spare = Matrix::zeros(gpu, "spare", Layout::weights(1, 1))?;
        finish(gpu, &matmul.gradient(gpu, &layer.x_gpu, &layer.dz_gpu, &g, &spare)?).await?;
        weights(&mut trial, &layer, &f64s(&layer.x), read(gpu, &g).await?, 1.0);
    }
    Ok(trial.row())
}

/// A plain step of w by rate 1 from 0: the negative gradient itself.
async fn step_from_zero(gpu: &Gpu, matmul: &Matmul, x: &Matrix, layer: &Layer) -> Result<Matrix> {
    let w = Matrix::zeros(gpu, "w", layer.w_gpu.layout)?;
    let v = Matrix::zeros(gpu, "v", Layout::weights(1, 1))?;
    let sgd = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
    finish(gpu, &matmul.update(gpu, x, &layer.dz_gpu, &w, &v, sgd)?).await?;
    Ok(w)
}

async fn update(gpu: &Gpu, form: &str, matmul: &Matmul) -> Result<Row> {
    let mut trial = Trial::new(format!("{form}.update sgd"));
    for shape in SHAPES {
        trial.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let w = step_from_zero(gpu, matmul, &layer.x_gpu, &layer).await?;
        weights(&mut trial, &layer, &f64s(&layer.x), read(gpu, &w).await?, -1.0);
    }
    Ok(trial.row())
}

async fn update_with_momentum(gpu: &Gpu, form: &str, matmul: &Matmul) -> Result<Row> {
    let mut trial = Trial::new(format!("{form}.update momentum, decay"));
    let sgd = Sgd { lr: 0.125, momentum: 0.75, weight_decay: 0.25 };
    let twin = Optimizer::sgd(sgd.momentum.into(), sgd.weight_decay.into());
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (v, v_b) = (random(&mut rng, ins, outs), random(&mut rng, 1, outs));
        let layout = layer.w_gpu.layout;
        let v_gpu = Matrix::upload(gpu, "v", layout, &layout.pack_weights(v.data(), v_b.data()))?;
        finish(gpu, &matmul.update(gpu, &layer.x_gpu, &layer.dz_gpu, &layer.w_gpu, &v_gpu, sgd)?).await?;

        let (x_t, dz) = (f64s(&layer.x).transposed(), f64s(&layer.dz));
        let (mut w, mut v) = (f64s(&layer.w), f64s(&v));
        let g = reference::matmul(&x_t, &dz);
        // Everything that enters the step, in magnitude: one product each more than the gradient's sum.
        let mut magnitude = reference::matmul(&abs(&x_t), &abs(&dz));
        for (m, (w, v)) in magnitude.data_mut().iter_mut().zip(w.data().iter().zip(v.data())) {
            *m += w.abs() + v.abs();
        }
        let moments = [v.data_mut(), &mut vec![0.0; ins * outs]];
        twin.step(1, sgd.lr.into(), w.data_mut(), moments, g.data());
        for (name, matrix, want) in [("w", &layer.w_gpu, &w), ("v", &v_gpu, &v)] {
            let (values, packed) = read(gpu, matrix).await?;
            product(&mut trial, name, &values, want, &magnitude, rows + 4);
            let whole = layout.pack_weights(&values, &layout.unpack_bias(&packed));
            trial.equal(&format!("padding of {name}"), &bits(&packed), &bits(&whole));
        }
    }
    Ok(trial.row())
}

async fn bytes(gpu: &Gpu, form: &str, matmul: &Matmul) -> Result<[Row; 2]> {
    let mut forward = Trial::new(format!("{form}.forward_bytes"));
    let mut update = Trial::new(format!("{form}.update_bytes"));
    for shape @ [rows, ins, outs] in SHAPES {
        forward.shape(&shape);
        update.shape(&shape);
        let layer = Layer::new(gpu, shape)?;
        let byte = |row: usize, feature: usize| ((row * 31 + feature * 7 + 1) % 256) as u8;
        let layout = Layout::images(rows, ins);
        let mut packed = vec![0_u8; layout.len()];
        for (row, image) in packed.chunks_mut(layout.stride()).enumerate() {
            (0..ins).filter(|_| row < rows).for_each(|feature| image[feature] = byte(row, feature));
            // The constant 1 that the bias meets.
            image[ins.next_multiple_of(4)] = 255;
        }
        let x_gpu = Matrix::within(&gpu.upload("x", &packed)?, 0, layout);
        let x = Tensor::from_fn(rows, ins, |row, feature| f64::from(byte(row, feature)) / 255.0);

        let z_gpu = nan(gpu, Layout::activations(rows, outs))?;
        finish(gpu, &matmul.forward(gpu, &x_gpu, &layer.w_gpu, &z_gpu, false)?).await?;
        let [want, magnitude] = affine(&x, &layer);
        // A division by 255 may be off by 2.5 ulp, which counts as a few more terms of the sum.
        product(&mut forward, "z", &read(gpu, &z_gpu).await?.0, &want, &magnitude, ins + 4);
        let w = step_from_zero(gpu, matmul, &x_gpu, &layer).await?;
        weights(&mut update, &layer, &x, read(gpu, &w).await?, -1.0);
    }
    Ok([forward.row(), update.row()])
}
