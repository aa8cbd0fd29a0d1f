//! The kernels that take several layers of a small network at once, against the layers' f64 twins one by one.
//!
//! The error bound of a value grows from layer to layer: with an error E of the input, the error of a product of K terms is
//! E · |w| + K · ε · |a| · |w| (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, section 3.1), a ReLU adds
//! nothing, and the error of a probability is at most that of its logits plus that of exp.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::operands::{abs, f64s, finish, random};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::{FusedMiddle, FusedUpdate, Layout, Matrix, Sample, Sum};
use crate::reference::{self, optimizer::Optimizer};
use crate::step::Sgd;
use crate::tensor::Tensor;

const EPSILON: f64 = f32::EPSILON as f64;

/// Rows, inputs, and what each layer puts out: one hidden layer, several, a wide one, and the smallest of all.
const NETWORKS: [&[usize]; 6] = [
    &[1, 1, 1, 1],
    &[5, 7, 13, 3],
    &[33, 30, 75, 10],
    &[64, 21, 300, 75, 10],
    &[18, 9, 17, 16, 15, 33, 26],
    &[3, 50, 700, 129],
];

/// Both kernels, if the device can run them.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu) -> Result<Vec<Row>> {
    if !FusedMiddle::runs_on(gpu) || !FusedUpdate::runs_on(gpu) {
        return Ok(Vec::new());
    }
    let (middle, update) = (FusedMiddle::new(gpu).await?, FusedUpdate::new(gpu).await?);
    let mut rows = Vec::new();
    for smoothing in [0.0, 0.25] {
        let name = if smoothing == 0.0 { "fused_middle.step" } else { "fused_middle.step smoothing" };
        let mut trial = Trial::new(name);
        for shape in NETWORKS {
            trial.shape(shape);
            Network::new(gpu, shape)?.forward_and_backward(&mut trial, gpu, &middle, smoothing).await?;
        }
        rows.push(trial.row());
    }
    let momentum = Sgd { lr: 0.125, momentum: 0.75, weight_decay: 0.25 };
    let plain = Sgd { lr: 0.125, momentum: 0.0, weight_decay: 0.0 };
    for (name, sgd) in [("gradient", None), ("sgd", Some(plain)), ("momentum, decay", Some(momentum))] {
        for kernel in ["update", "update_bytes"] {
            let mut trial = Trial::new(format!("fused_update.{kernel} {name}"));
            for shape in NETWORKS {
                trial.shape(shape);
                Network::new(gpu, shape)?
                    .updates(&mut trial, gpu, &update, kernel == "update_bytes", sgd)
                    .await?;
            }
            rows.push(trial.row());
        }
    }
    Ok(rows)
}

/// A network's operands, on the host and on the device.
struct Network {
    rows: usize,
    /// Weights and bias of each layer.
    weights: Vec<[Tensor<f32>; 2]>,
    /// What each layer has put out, exact zeros as a ReLU puts them out among it, and random gradients by it.
    outputs: Vec<[Tensor<f32>; 2]>,
    order: Vec<Sample>,
    w: Vec<Matrix>,
    z: Vec<Matrix>,
    dz: Vec<Matrix>,
    rng: ChaCha8Rng,
    inputs: usize,
}

impl Network {
    fn new(gpu: &Gpu, shape: &[usize]) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(shape.iter().sum::<usize>() as u64);
        let (rows, sizes) = (shape[0], &shape[1..]);
        let pairs = || sizes.iter().zip(&sizes[1..]);
        let mut weights = Vec::new();
        for (&ins, &outs) in pairs() {
            let scale = (2.0 / ins as f32).sqrt();
            weights.push([random(&mut rng, ins, outs).map(|w| w * scale), random(&mut rng, 1, outs)]);
        }
        let outputs: Vec<_> = sizes[1..]
            .iter()
            .map(|&outs| [random(&mut rng, rows, outs).map(|a| a.max(0.0)), random(&mut rng, rows, outs)])
            .collect();
        let layouts: Vec<Layout> = pairs().map(|(&ins, &outs)| Layout::weights(ins, outs)).collect();
        let w = Matrix::zeros_together(gpu, "w", &layouts, 1)?;
        for (w, [values, bias]) in w.iter().zip(&weights) {
            w.write(gpu, &w.layout.pack_weights(values.data(), bias.data()))?;
        }
        let layouts: Vec<Layout> = sizes[1..].iter().map(|&outs| Layout::activations(rows, outs)).collect();
        let mut z = Matrix::zeros_together(gpu, "z and dz", &[&layouts[..], &layouts].concat(), 1)?;
        let dz = z.split_off(layouts.len());
        for ((z, dz), [a, gradient]) in z.iter().zip(&dz).zip(&outputs) {
            z.write(gpu, &z.layout.pack_activations(a.data()))?;
            let mut packed = dz.layout.pack_activations(gradient.data());
            packed[rows * dz.layout.stride()..].fill(0.0);
            dz.write(gpu, &packed)?;
        }
        let classes = sizes[sizes.len() - 1] as u32;
        let sample = |row| {
            let weight = if row % 3 == 2 { 0.0 } else { 1.0 / rows as f32 };
            Sample { sample: 0, label: rng.next_u32() % classes, weight, unused: 0 }
        };
        let mut order: Vec<Sample> = (0..rows).map(sample).collect();
        order.resize(rows.next_multiple_of(4), Sample::PADDING);
        Ok(Self { rows, weights, outputs, order, w, z, dz, rng, inputs: sizes[0] })
    }

    async fn forward_and_backward(
        &self,
        trial: &mut Trial,
        gpu: &Gpu,
        kernel: &FusedMiddle,
        smoothing: f32,
    ) -> Result<()> {
        let nothing = |matrix: &Matrix| matrix.write(gpu, &vec![f32::NAN; matrix.layout.len()]);
        self.z[1..].iter().chain(&self.dz).try_for_each(nothing)?;
        let (order, count) = (gpu.upload("order", &self.order)?, kernel.sums(self.rows));
        let sums = gpu.upload("sums", &vec![Sum { loss: 0.5, hits: 3 }; count])?;
        let launch = kernel.launch(gpu, &self.w, (&self.z, &self.dz), order.whole(), &sums, &[smoothing])?;
        finish(gpu, &launch).await?;

        let twin = Twin::new(self, smoothing.into());
        let last = self.z.len() - 1;
        for l in 1..last {
            let (got, off) = (self.read(gpu, &self.z[l]).await?, &twin.off[l]);
            trial.within(&format!("z of layer {l}"), &got, twin.a[l].data(), |i| off.data()[i]);
        }
        for l in 0..=last {
            let (got, off) = (self.read(gpu, &self.dz[l]).await?, &twin.gradient_off[l]);
            trial.within(&format!("dz of layer {l}"), &got, twin.gradient[l].data(), |i| off.data()[i]);
        }
        let sums: Vec<Sum> = gpu.read(&sums, count).await?;
        let loss = sums.iter().map(|sum| f64::from(sum.loss) - 0.5).sum::<f64>();
        let allowed = twin.loss_off + count as f64 * EPSILON;
        let so = (loss - twin.loss).abs() <= allowed;
        trial.holds(&"loss", so, &format!("got {loss}, want {}, off by up to {allowed:e}", twin.loss));
        let hits: u32 = sums.iter().map(|sum| sum.hits - 3).sum();
        trial.equal(&"hits", &[hits as usize], &[twin.hits]);
        Ok(())
    }

    async fn read(&self, gpu: &Gpu, matrix: &Matrix) -> Result<Vec<f32>> {
        let packed = matrix.read(gpu).await?;
        Ok(matrix.layout.unpack(&packed))
    }

    async fn updates(
        mut self,
        trial: &mut Trial,
        gpu: &Gpu,
        kernel: &FusedUpdate,
        bytes: bool,
        sgd: Option<Sgd>,
    ) -> Result<()> {
        let (x, x_gpu) = self.input(gpu, bytes)?;
        let layouts: Vec<Layout> = self.w.iter().map(|w| w.layout).collect();
        let v = Matrix::zeros_together(gpu, "v", &layouts, 1)?;
        let mut velocities = Vec::new();
        for v in &v {
            let [values, bias] = [
                random(&mut self.rng, v.layout.rows, v.layout.cols),
                random(&mut self.rng, 1, v.layout.cols),
            ];
            v.write(gpu, &v.layout.pack_weights(values.data(), bias.data()))?;
            velocities.push([values, bias]);
        }
        let launch = kernel.launch(
            gpu,
            &x_gpu,
            (&self.z, &self.dz),
            &self.w,
            &v,
            sgd.as_ref().map(std::slice::from_ref),
        )?;
        finish(gpu, &launch).await?;
        for (l, velocity) in velocities.iter().enumerate() {
            let input = if l == 0 { x.clone() } else { f64s(&self.outputs[l - 1][0]) };
            // The bias is the weight of a constant 1.
            let ones = Tensor::from_fn(input.rows(), 1, |_, _| 1.0);
            let dz = f64s(&self.outputs[l][1]);
            let packed = self.w[l].read(gpu).await?;
            let layout = self.w[l].layout;
            let got = [layout.unpack(&packed), layout.unpack_bias(&packed)];
            for (part, (input, got)) in [input, ones].into_iter().zip(got).enumerate() {
                let (w, v) = (f64s(&self.weights[l][part]), f64s(&velocity[part]));
                let (want, magnitude) = step(&input.transposed(), &dz, w, v, sgd);
                let bound = (self.rows + 8) as f64 * EPSILON;
                let name = format!("{} of layer {l}", ["weights", "bias"][part]);
                trial.within(&name, &got, want.data(), |i| {
                    bound * magnitude.data()[i] + f64::from(f32::MIN_POSITIVE)
                });
            }
            let rebuilt = layout.pack_weights(&layout.unpack(&packed), &layout.unpack_bias(&packed));
            let padding = packed.iter().zip(&rebuilt).all(|(got, rebuilt)| got == rebuilt);
            trial.holds(&format!("padding of layer {l}"), padding, &"it is not zero");
        }
        Ok(())
    }

    /// What enters the first layer, as bytes or not.
    fn input(&mut self, gpu: &Gpu, bytes: bool) -> Result<(Tensor<f64>, Matrix)> {
        let (rows, inputs) = (self.rows, self.inputs);
        if !bytes {
            let (x, layout) = (random(&mut self.rng, rows, inputs), Layout::activations(rows, inputs));
            return Ok((f64s(&x), Matrix::upload(gpu, "x", layout, &layout.pack_activations(x.data()))?));
        }
        let layout = Layout::images(rows, inputs);
        let mut packed = vec![0_u8; layout.len()];
        let constant = inputs.next_multiple_of(4);
        for (r, row) in packed.chunks_mut(layout.stride()).enumerate() {
            if r < rows {
                row[..inputs].fill_with(|| (self.rng.next_u32() >> 24) as u8);
            }
            row[constant] = 255;
        }
        let values: Vec<u8> =
            packed.chunks(layout.stride()).take(rows).flat_map(|row| row[..inputs].to_vec()).collect();
        let x = Tensor::from_fn(rows, inputs, |r, c| f64::from(values[r * inputs + c]) / 255.0);
        let buffer = gpu.upload("bytes", &packed)?;
        Ok((x, Matrix::within(&buffer, 0, layout)))
    }
}

/// A step, or without a rule the gradient, and the magnitude of all that enters it.
fn step(
    x_t: &Tensor<f64>,
    dz: &Tensor<f64>,
    w: Tensor<f64>,
    v: Tensor<f64>,
    sgd: Option<Sgd>,
) -> (Tensor<f64>, Tensor<f64>) {
    let g = reference::matmul(x_t, dz);
    let mut magnitude = reference::matmul(&abs(x_t), &abs(dz));
    let Some(Sgd { lr, momentum, weight_decay }) = sgd else { return (g, magnitude) };
    let twin = Optimizer::sgd(momentum.into(), weight_decay.into());
    let (mut w, mut v) = (w, v);
    for (m, (w, v)) in magnitude.data_mut().iter_mut().zip(w.data().iter().zip(v.data())) {
        *m += w.abs() + v.abs();
    }
    let moments = [v.data_mut(), &mut vec![0.0; w.data().len()]];
    twin.step(1, lr.into(), w.data_mut(), moments, g.data());
    (w, magnitude)
}

/// The same in f64, with what each value may be off by.
struct Twin {
    a: Vec<Tensor<f64>>,
    off: Vec<Tensor<f64>>,
    gradient: Vec<Tensor<f64>>,
    gradient_off: Vec<Tensor<f64>>,
    loss: f64,
    loss_off: f64,
    hits: usize,
}

impl Twin {
    fn new(network: &Network, smoothing: f64) -> Self {
        let Network { rows, weights, outputs, order, .. } = network;
        let (mut a, last) = (vec![f64s(&outputs[0][0])], weights.len() - 1);
        let mut off = vec![a[0].map(|_| 0.0)];
        for (l, [w, b]) in weights.iter().enumerate().skip(1) {
            let (w, b) = (f64s(w), f64s(b));
            let z = reference::dense(&a[l - 1], &w, b.data());
            let spread = reference::dense(&abs(&a[l - 1]), &abs(&w), abs(&b).data());
            let carried = reference::matmul(&off[l - 1], &abs(&w));
            let rounded = (w.rows() + 3) as f64 * EPSILON;
            off.push(Tensor::from_fn(*rows, w.cols(), |r, c| carried.at(r, c) + rounded * spread.at(r, c)));
            a.push(if l < last { z.map(|z| z.max(0.0)) } else { z });
        }
        let labels: Vec<u32> = order.iter().take(*rows).map(|sample| sample.label).collect();
        let weight = |r: usize| f64::from(order[r].weight);
        let mean = reference::smoothed_cross_entropy_backward(&a[last], &labels, smoothing);
        let widest = |r: usize| (0..a[last].cols()).map(|c| a[last].at(r, c).abs()).fold(0.0, f64::max);
        let most_off = |r: usize| (0..a[last].cols()).map(|c| off[last].at(r, c)).fold(0.0, f64::max);
        // WGSL lets exp(x) be off by 3 + 2|x| ulp, and x here is a difference of logits.
        let ulps = |r: usize| EPSILON * (16.0 + 4.0 * widest(r)) + 2.0 * most_off(r);
        let mut gradient =
            vec![Tensor::from_fn(*rows, mean.cols(), |r, c| mean.at(r, c) * *rows as f64 * weight(r))];
        let mut gradient_off = vec![Tensor::from_fn(*rows, mean.cols(), |r, _| ulps(r) * weight(r))];
        for l in (1..=last).rev() {
            let w_t = f64s(&weights[l][0]).transposed();
            let back = reference::matmul(&gradient[0], &w_t);
            let carried = reference::matmul(&gradient_off[0], &abs(&w_t));
            let spread = reference::matmul(&abs(&gradient[0]), &abs(&w_t));
            let rounded = (w_t.rows() + 3) as f64 * EPSILON;
            let below = &a[l - 1];
            let passes = |r: usize, c: usize| below.at(r, c) > 0.0;
            gradient.insert(
                0,
                Tensor::from_fn(*rows, w_t.cols(), |r, c| if passes(r, c) { back.at(r, c) } else { 0.0 }),
            );
            let bound = |r: usize, c: usize| {
                let rounding = carried.at(r, c) + rounded * spread.at(r, c) + f64::from(f32::MIN_POSITIVE);
                // So near 0 rounding alone may decide whether a gradient passes.
                let kink = l > 1 && below.at(r, c) <= off[l - 1].at(r, c) && off[l - 1].at(r, c) > 0.0;
                if kink { rounding + back.at(r, c).abs() } else { rounding }
            };
            gradient_off.insert(0, Tensor::from_fn(*rows, w_t.cols(), bound));
        }
        let counted = || (0..*rows).filter(|&r| order[r].weight != 0.0);
        let losses = reference::smoothed_cross_entropy(&a[last], &labels, smoothing);
        let hits = reference::hits(&a[last], &labels);
        let loss = counted().map(|r| losses[r]).sum();
        let loss_off =
            counted().map(|r| ulps(r) * (1.0 + widest(r)) + EPSILON * losses[r].abs()).sum::<f64>();
        let hits = counted().filter(|&r| hits[r]).count();
        Self { a, off, gradient, gradient_off, loss, loss_off, hits }
    }
}
