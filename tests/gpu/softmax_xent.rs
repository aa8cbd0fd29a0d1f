//! The loss kernel against its f64 twin: loss, hits and gradient, on awkward shapes and extreme logits.

use gpu_mlp::compare;
use gpu_mlp::gpu::Gpu;
use gpu_mlp::kernels::{Kernels, Layout, Matrix, Sample, Sum};
use gpu_mlp::reference;
use gpu_mlp::tensor::Tensor;
use pollster::block_on;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::parity::{f64s, finish, nan, random, read};

pub const TRIALS: &[crate::NamedTrial] =
    &[("softmax_xent::parity", softmax_xent), ("softmax_xent::extremes", softmax_xent_extremes)];

/// Logits, labels and weights; every third row is padding if `padded`.
fn softmax_case(rows: usize, classes: usize, scale: f32, padded: bool) -> (Tensor<f32>, Vec<Sample>) {
    let mut rng = ChaCha8Rng::seed_from_u64((rows * 1000 + classes) as u64);
    let logits = random(&mut rng, rows, classes).map(|z| z * scale);
    let order = (0..rows)
        .map(|row| {
            let label = rng.next_u32() % classes as u32;
            let weight = if padded && row % 3 == 2 { 0.0 } else { 1.0 / rows as f32 };
            Sample { sample: 0, label, weight, unused: 0 }
        })
        .collect();
    (logits, order)
}

fn check_softmax(gpu: &Gpu, kernels: &Kernels, logits: &Tensor<f32>, order: &[Sample]) {
    for smoothing in [0.0, 0.25] {
        check_smoothed(gpu, kernels, logits, order, smoothing);
    }
}

fn check_smoothed(gpu: &Gpu, kernels: &Kernels, logits: &Tensor<f32>, order: &[Sample], smoothing: f32) {
    let what = format!("softmax_xent [{}, {}], smoothing {smoothing}", logits.rows(), logits.cols());
    let layout = Layout::activations(logits.rows(), logits.cols());
    let z = Matrix::upload(gpu, "logits", layout, &layout.pack_activations(logits.data())).unwrap();
    let mut padded = order.to_vec();
    padded.resize(layout.row_blocks * 4, Sample::PADDING);
    let order_gpu = gpu.upload("order", &padded).unwrap();
    let sums = gpu.upload("sums", &vec![Sum::default(); kernels.softmax_xent.sums(padded.len())]).unwrap();
    let dz = nan(gpu, layout);
    let train = kernels.softmax_xent.train(gpu, &z, order_gpu.whole(), &sums, &dz, smoothing).unwrap();
    let evaluate = kernels.softmax_xent.evaluate(gpu, &z, order_gpu.whole(), &sums).unwrap();
    finish(gpu, &train);
    finish(gpu, &evaluate);

    let labels: Vec<u32> = order.iter().map(|sample| sample.label).collect();
    let counts: Vec<bool> = order.iter().map(|sample| sample.weight != 0.0).collect();
    let z64 = f64s(logits);
    let p_minus_y = reference::smoothed_cross_entropy_backward(&z64, &labels, smoothing.into());
    let want = Tensor::from_fn(logits.rows(), logits.cols(), |r, c| {
        p_minus_y.at(r, c) * labels.len() as f64 * f64::from(order[r].weight)
    });
    // WGSL lets exp(x) be off by 3 + 2|x| ulp, and x here is a difference of logits.
    let spread = logits.data().iter().fold(0.0_f32, |max, z| max.max(z.abs()));
    let ulps = f64::from(f32::EPSILON) * (16.0 + 4.0 * f64::from(spread));
    let (got, packed) = read(gpu, &dz);
    compare::within(&got, want.data(), |i| ulps * f64::from(order[i / logits.cols()].weight))
        .unwrap_or_else(|mismatch| panic!("{what} dz: {mismatch}"));
    assert!(packed.iter().all(|dz| !dz.is_nan()), "{what}: padding is written");
    let beyond = &packed[logits.rows() * layout.stride()..];
    assert!(beyond.iter().all(|&dz| dz == 0.0), "{what}: padded rows have no gradient");

    let sums = block_on(gpu.read::<Sum>(&sums, kernels.softmax_xent.sums(padded.len()))).unwrap();
    let losses = reference::cross_entropy(&z64, &labels);
    let smoothed = reference::smoothed_cross_entropy(&z64, &labels, smoothing.into());
    let both = losses.iter().zip(&smoothed).map(|(sharp, smoothed)| sharp + smoothed);
    let loss: f64 = both.zip(&counts).filter(|(_, counts)| **counts).map(|(loss, _)| loss).sum();
    let hits =
        reference::hits(&z64, &labels).iter().zip(&counts).filter(|(hit, counts)| **hit && **counts).count();
    let got_loss: f64 = sums.iter().map(|sum| f64::from(sum.loss)).sum();
    let allowed = 2.0 * logits.rows() as f64 * ulps * (1.0 + f64::from(spread));
    assert!((got_loss - loss).abs() <= allowed, "{what}: loss {got_loss} is not {loss}");
    let got_hits: u32 = sums.iter().map(|sum| sum.hits).sum();
    assert_eq!(got_hits as usize, 2 * hits, "{what}: hits of train and evaluate together");
}

fn softmax_xent(gpu: &Gpu) {
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    for (rows, classes) in [(1, 1), (1, 2), (3, 10), (63, 10), (64, 4), (65, 5), (130, 26), (7, 1000)] {
        for padded in [false, true] {
            let (logits, order) = softmax_case(rows, classes, 4.0, padded);
            check_softmax(gpu, &kernels, &logits, &order);
        }
    }
}

fn softmax_xent_extremes(gpu: &Gpu) {
    // exp(1e4) overflows and exp(-1e4) underflows: neither may reach the loss or the gradient.
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    let (logits, order) = softmax_case(65, 10, 1e4, false);
    check_softmax(gpu, &kernels, &logits, &order);
    let equal = Tensor::new([2, 3], vec![1e4; 6]).unwrap();
    let (_, order) = softmax_case(2, 3, 1.0, false);
    check_softmax(gpu, &kernels, &equal, &order);
}
