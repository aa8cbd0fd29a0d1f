//! Matrix products, in every form that the device can run, against their f64 twins.
//!
//! A sum of K products in f32 is off by at most about K · ε · Σ|a·b|, in any order of summation (Higham, *Accuracy
//! and Stability of Numerical Algorithms*, 2002, section 3.1); this is the error bound for all matrix products here.

use super::operands::{Layer, SHAPES, abs, f64s, finish, nan, random, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::{Gpu, Shader};
use crate::kernels::{Layout, Matmul, Matrix, SHADERS, cooperative};
use crate::network::Activation;
use crate::reference::{self, optimizer::Optimizer};
use crate::step::Sgd;
use crate::tensor::Tensor;
use half::f16;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Every form of the products that the device can run.
pub fn forms(gpu: &Gpu) -> impl Iterator<Item = Shader> {
    let [_, of_8] = cooperative();
    let forms = SHADERS.into_iter().filter(|shader| shader.name.starts_with("matmul_"));
    forms.chain([of_8]).filter(|shader| gpu.can_run(*shader, "forward"))
}

/// Every product of one form.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu, shader: Shader) -> Result<Vec<Row>> {
    let form = Form {
        name: shader.name,
        half: shader.name == "matmul_cooperative",
        matmul: Matmul::new(gpu, shader).await?,
    };
    let mut rows = Vec::new();
    for relu in [false, true] {
        rows.push(forward(gpu, &form, relu).await?);
        rows.push(backward(gpu, &form, relu).await?);
    }
    rows.push(gradient(gpu, &form).await?);
    rows.push(update(gpu, &form).await?);
    rows.push(update_with_momentum(gpu, &form).await?);
    rows.extend(bytes(gpu, &form).await?);
    Ok(rows)
}

/// A form under test.
struct Form {
    name: &'static str,
    /// Whether it rounds its operands to f16.
    half: bool,
    matmul: Matmul,
}

impl Form {
    /// Operands that the form does not round: it may round up or down where it has to.
    fn layer(&self, gpu: &Gpu, shape: [usize; 3]) -> Result<Layer> {
        match self.half {
            true => Layer::rounded(gpu, shape, |value| f32::from(f16::from_f32(value))),
            false => Layer::new(gpu, shape),
        }
    }

    /// What rounding a byte / 255 to f16 adds to a product's bound, in terms of its sum.
    fn rounding(&self) -> usize {
        if self.half { (f32::from(f16::EPSILON) / f32::EPSILON) as usize } else { 0 }
    }
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

async fn forward(gpu: &Gpu, form: &Form, relu: bool) -> Result<Row> {
    let mut trial = Trial::new(format!("{}.forward{}", form.name, if relu { " relu" } else { "" }));
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = form.layer(gpu, shape)?;
        let [z, magnitude] = affine(&f64s(&layer.x), &layer);
        let want = z.map(|z| if relu { Activation::Relu.apply(z) } else { z });
        let z_gpu = nan(gpu, Layout::activations(rows, outs))?;
        finish(gpu, &form.matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z_gpu, relu)?).await?;
        product(&mut trial, "z", &read(gpu, &z_gpu).await?.0, &want, &magnitude, ins + 1);
    }
    // A NaN has to stay one, so that a run that diverges is noticed.
    let layer = form.layer(gpu, [5, 6, 7])?;
    let mut w = layer.w.clone();
    w.data_mut()[3] = f32::NAN;
    layer.w_gpu.write(gpu, &layer.w_gpu.layout.pack_weights(w.data(), layer.b.data()))?;
    let z_gpu = Matrix::zeros(gpu, "z", Layout::activations(5, 7))?;
    finish(gpu, &form.matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z_gpu, relu)?).await?;
    let (z, _) = read(gpu, &z_gpu).await?;
    trial.holds(&"NaN", z.iter().skip(3).step_by(7).all(|z| z.is_nan()), &"it did not stay NaN");
    Ok(trial.row())
}

async fn backward(gpu: &Gpu, form: &Form, relu: bool) -> Result<Row> {
    let mut trial = Trial::new(format!("{}.backward{}", form.name, if relu { " relu" } else { " bare" }));
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = form.layer(gpu, shape)?;
        let (dz, w_t) = (f64s(&layer.dz), f64s(&layer.w).transposed());
        let mut want = reference::matmul(&dz, &w_t);
        if relu {
            for (dx, &x) in want.data_mut().iter_mut().zip(layer.x.data()) {
                *dx *= Activation::Relu.derivative(f64::from(x));
            }
        }
        let magnitude = reference::matmul(&abs(&dz), &abs(&w_t));
        let dx = nan(gpu, Layout::activations(rows, ins))?;
        finish(gpu, &form.matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx, relu)?)
            .await?;
        product(&mut trial, "dx", &read(gpu, &dx).await?.0, &want, &magnitude, outs);
    }
    Ok(trial.row())
}

/// The gradient of weights and bias, all of which `packed` holds, and no padding but zeros.
fn weights(
    trial: &mut Trial,
    layer: &Layer,
    (x, rounding): (&Tensor<f64>, usize),
    got: (Vec<f32>, Vec<f32>),
    sign: f64,
) {
    let (rows, layout, (x_t, dz)) = (x.rows(), layer.w_gpu.layout, (x.transposed(), f64s(&layer.dz)));
    let (values, packed) = got;
    let want = reference::matmul(&x_t, &dz).map(|g| sign * g);
    product(trial, "w", &values, &want, &reference::matmul(&abs(&x_t), &abs(&dz)), rows + 2 + rounding);
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

async fn gradient(gpu: &Gpu, form: &Form) -> Result<Row> {
    let mut trial = Trial::new(format!("{}.gradient", form.name));
    for shape in SHAPES {
        trial.shape(&shape);
        let layer = form.layer(gpu, shape)?;
        let g = nan(gpu, layer.w_gpu.layout)?;
        let spare = Matrix::zeros(gpu, "spare", Layout::weights(1, 1))?;
        finish(gpu, &form.matmul.gradient(gpu, &layer.x_gpu, &layer.dz_gpu, &g, &spare)?).await?;
        weights(&mut trial, &layer, (&f64s(&layer.x), 0), read(gpu, &g).await?, 1.0);
    }
    Ok(trial.row())
}

/// A plain step of w by rate 1 from 0: the negative gradient itself.
async fn step_from_zero(gpu: &Gpu, matmul: &Matmul, x: &Matrix, layer: &Layer) -> Result<Matrix> {
    let w = Matrix::zeros(gpu, "w", layer.w_gpu.layout)?;
    let v = Matrix::zeros(gpu, "v", Layout::weights(1, 1))?;
    let sgd = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
    finish(gpu, &matmul.update(gpu, x, &layer.dz_gpu, &w, &v, &[sgd])?).await?;
    Ok(w)
}

async fn update(gpu: &Gpu, form: &Form) -> Result<Row> {
    let mut trial = Trial::new(format!("{}.update sgd", form.name));
    for shape in SHAPES {
        trial.shape(&shape);
        let layer = form.layer(gpu, shape)?;
        let w = step_from_zero(gpu, &form.matmul, &layer.x_gpu, &layer).await?;
        weights(&mut trial, &layer, (&f64s(&layer.x), 0), read(gpu, &w).await?, -1.0);
    }
    Ok(trial.row())
}

async fn update_with_momentum(gpu: &Gpu, form: &Form) -> Result<Row> {
    let mut trial = Trial::new(format!("{}.update momentum, decay", form.name));
    let sgd = Sgd { lr: 0.125, momentum: 0.75, weight_decay: 0.25 };
    let twin = Optimizer::sgd(sgd.momentum.into(), sgd.weight_decay.into());
    for shape @ [rows, ins, outs] in SHAPES {
        trial.shape(&shape);
        let layer = form.layer(gpu, shape)?;
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (v, v_b) = (random(&mut rng, ins, outs), random(&mut rng, 1, outs));
        let layout = layer.w_gpu.layout;
        let v_gpu = Matrix::upload(gpu, "v", layout, &layout.pack_weights(v.data(), v_b.data()))?;
        finish(gpu, &form.matmul.update(gpu, &layer.x_gpu, &layer.dz_gpu, &layer.w_gpu, &v_gpu, &[sgd])?)
            .await?;

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

async fn bytes(gpu: &Gpu, form: &Form) -> Result<[Row; 2]> {
    let mut forward = Trial::new(format!("{}.forward_bytes", form.name));
    let mut update = Trial::new(format!("{}.update_bytes", form.name));
    for shape @ [rows, ins, outs] in SHAPES {
        forward.shape(&shape);
        update.shape(&shape);
        let layer = form.layer(gpu, shape)?;
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
        finish(gpu, &form.matmul.forward(gpu, &x_gpu, &layer.w_gpu, &z_gpu, false)?).await?;
        let [want, magnitude] = affine(&x, &layer);
        // A division by 255 may be off by 2.5 ulp, which counts as a few more terms of the sum.
        product(&mut forward, "z", &read(gpu, &z_gpu).await?.0, &want, &magnitude, ins + 4 + form.rounding());
        let w = step_from_zero(gpu, &form.matmul, &x_gpu, &layer).await?;
        weights(&mut update, &layer, (&x, form.rounding()), read(gpu, &w).await?, -1.0);
    }
    Ok([forward.row(), update.row()])
}
