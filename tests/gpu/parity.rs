//! Every kernel, in every form, against its f64 twin on awkward shapes.
//!
//! A sum of K products in f32 is off by at most about K · ε · Σ|a·b|, in whatever order it is taken (Higham, *Accuracy
//! and Stability of Numerical Algorithms*, 2002, section 3.1); that is the tolerance of all matrix products here.
//! Outputs are filled with NaN first, so that a value that is never written shows.

use gpu_mlp::compare::{self, Tolerance};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::kernels::{Gather, GatherFloats, Kernels, Layout, Matmul, Matrix, SHADERS, Sample, Sgd, Sum};
use gpu_mlp::reference;
use gpu_mlp::tensor::Tensor;
use pollster::block_on;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const TRIALS: &[crate::NamedTrial] = &[
    ("parity::forward", forward),
    ("parity::backward", backward),
    ("parity::update", update),
    ("parity::update_with_momentum_and_decay", update_with_momentum_and_decay),
    ("parity::update_keeps_padding_zero", update_keeps_padding_zero),
    ("parity::gather", gather),
    ("parity::gather_floats", gather_floats),
    ("parity::gather_beyond_one_dimension_of_workgroups", gather_beyond_one_dimension),
    ("parity::softmax_xent", softmax_xent),
    ("parity::softmax_xent_extremes", softmax_xent_extremes),
    ("parity::nan_stays_nan", nan_stays_nan),
];

/// Batch rows, inputs, outputs: ones, primes, the tiles' edges (16 and 32 columns, 32 and 64 rows), wide and tall.
const SHAPES: [[usize; 3]; 12] = [
    [1, 1, 1],
    [2, 3, 5],
    [7, 13, 11],
    [3, 31, 10],
    [31, 15, 33],
    [32, 16, 32],
    [33, 17, 31],
    [63, 64, 65],
    [64, 784, 10],
    [65, 33, 127],
    [129, 5, 300],
    [5, 301, 3],
];

/// Values in -1..1 that f32 holds exactly.
fn random(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Tensor<f32> {
    Tensor::from_fn(rows, cols, |_, _| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

fn f64s(tensor: &Tensor<f32>) -> Tensor<f64> {
    tensor.map(f64::from)
}

fn abs(tensor: &Tensor<f64>) -> Tensor<f64> {
    tensor.map(f64::abs)
}

/// Both forms of the matrix products, on any adapter.
fn forms(gpu: &Gpu) -> Vec<(&'static str, Matmul)> {
    let matmuls = SHADERS.iter().filter(|shader| shader.name.starts_with("matmul_"));
    matmuls.map(|&shader| (shader.name, block_on(Matmul::new(gpu, shader)).unwrap())).collect()
}

/// A layer's operands on the host and on the device.
struct Layer {
    x: Tensor<f32>,
    w: Tensor<f32>,
    b: Tensor<f32>,
    dz: Tensor<f32>,
    x_gpu: Matrix,
    w_gpu: Matrix,
    dz_gpu: Matrix,
}

impl Layer {
    fn new(gpu: &Gpu, [rows, ins, outs]: [usize; 3]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64((rows * 1_000_000 + ins * 1_000 + outs) as u64);
        let (x, w) = (random(&mut rng, rows, ins), random(&mut rng, ins, outs));
        // Exact zeros, as a ReLU puts out: that is where its derivative is decided.
        let x = x.map(|x| if x < -0.5 { 0.0 } else { x });
        let (b, dz) = (random(&mut rng, 1, outs), random(&mut rng, rows, outs));
        let (inputs, weights) = (Layout::activations(rows, ins), Layout::weights(ins, outs));
        let outputs = Layout::activations(rows, outs);
        let x_gpu = Matrix::upload(gpu, "x", inputs, &inputs.pack_activations(x.data())).unwrap();
        let w_gpu = Matrix::upload(gpu, "w", weights, &weights.pack_weights(w.data(), b.data())).unwrap();
        let dz_gpu = Matrix::upload(gpu, "dz", outputs, &outputs.pack_activations(dz.data())).unwrap();
        Self { x, w, b, dz, x_gpu, w_gpu, dz_gpu }
    }
}

fn nan(gpu: &Gpu, layout: Layout) -> Matrix {
    Matrix::upload(gpu, "nan", layout, &vec![f32::NAN; layout.len()]).unwrap()
}

fn finish(gpu: &Gpu, launch: &gpu_mlp::gpu::Launch) {
    block_on(async { gpu.wait(&gpu.submit([launch]).unwrap()).await.unwrap() });
}

/// The matrix that a kernel wrote, and all its values with the padding.
fn read(gpu: &Gpu, matrix: &Matrix) -> (Vec<f32>, Vec<f32>) {
    let packed = block_on(matrix.read(gpu)).unwrap();
    (matrix.layout.unpack(&packed), packed)
}

/// Holds a product to the error bound of a sum of `inner` products whose magnitudes add up to `magnitude`.
fn assert_product(what: &str, got: &[f32], want: &Tensor<f64>, magnitude: &Tensor<f64>, inner: usize) {
    let bound = (inner + 2) as f64 * f64::from(f32::EPSILON);
    let allowed = |i: usize| bound * magnitude.data()[i] + f64::from(f32::MIN_POSITIVE);
    compare::within(got, want.data(), allowed).unwrap_or_else(|mismatch| panic!("{what}: {mismatch}"));
}

fn forward(gpu: &Gpu) {
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let b: Vec<f64> = layer.b.data().iter().map(|&b| f64::from(b)).collect();
            let z = reference::dense(&f64s(&layer.x), &f64s(&layer.w), &b);
            let b_abs: Vec<f64> = b.iter().map(|b| b.abs()).collect();
            let magnitude = reference::dense(&abs(&f64s(&layer.x)), &abs(&f64s(&layer.w)), &b_abs);
            for relu in [false, true] {
                let z_gpu = nan(gpu, Layout::activations(rows, outs));
                finish(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z_gpu, relu).unwrap());
                let want = z.map(|z| if relu { reference::Activation::Relu.apply(z) } else { z });
                let what = format!("{form} forward {shape:?} relu {relu}");
                assert_product(&what, &read(gpu, &z_gpu).0, &want, &magnitude, ins + 1);
            }
        }
    }
}

fn backward(gpu: &Gpu) {
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let (dz, w_t) = (f64s(&layer.dz), f64s(&layer.w).transposed());
            let mut want = reference::matmul(&dz, &w_t);
            for (dx, &x) in want.data_mut().iter_mut().zip(layer.x.data()) {
                *dx *= reference::Activation::Relu.derivative(f64::from(x));
            }
            let magnitude = reference::matmul(&abs(&dz), &abs(&w_t));
            let dx = nan(gpu, Layout::activations(rows, ins));
            finish(gpu, &matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx).unwrap());
            let what = format!("{form} backward {shape:?}");
            assert_product(&what, &read(gpu, &dx).0, &want, &magnitude, outs);
        }
    }
}

fn update(gpu: &Gpu) {
    // With lr = 1 and w = 0 the new weights are the negative gradient itself.
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, _, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let zeros = Matrix::zeros(gpu, "w", layer.w_gpu.layout).unwrap();
            let sgd = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
            let v = Matrix::zeros(gpu, "v", Layout::weights(1, 1)).unwrap();
            finish(gpu, &matmul.update(gpu, &layer.x_gpu, &layer.dz_gpu, &zeros, &v, sgd).unwrap());

            let (x_t, dz) = (f64s(&layer.x).transposed(), f64s(&layer.dz));
            let what = format!("{form} update {shape:?}");
            let (w, packed) = read(gpu, &zeros);
            let want = reference::matmul(&x_t, &dz).map(|g| -g);
            assert_product(&what, &w, &want, &reference::matmul(&abs(&x_t), &abs(&dz)), rows);

            let bias = |dz: &Tensor<f64>| Tensor::new([1, outs], reference::sum_rows(dz)).unwrap();
            let got = zeros.layout.unpack_bias(&packed);
            let what = format!("{what} bias");
            assert_product(&what, &got, &bias(&dz).map(|g| -g), &bias(&abs(&dz)), rows);
        }
    }
}

fn update_with_momentum_and_decay(gpu: &Gpu) {
    let sgd = Sgd { lr: 0.125, momentum: 0.75, weight_decay: 0.25 };
    let twin = reference::Sgd { lr: 0.125, momentum: 0.75, weight_decay: 0.25 };
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let (v, v_b) = (random(&mut rng, ins, outs), random(&mut rng, 1, outs));
            let weights = layer.w_gpu.layout;
            let v_gpu =
                Matrix::upload(gpu, "v", weights, &weights.pack_weights(v.data(), v_b.data())).unwrap();
            finish(gpu, &matmul.update(gpu, &layer.x_gpu, &layer.dz_gpu, &layer.w_gpu, &v_gpu, sgd).unwrap());

            let (x_t, dz) = (f64s(&layer.x).transposed(), f64s(&layer.dz));
            let (mut w, mut v) = (f64s(&layer.w), f64s(&v));
            let g = reference::matmul(&x_t, &dz);
            // Everything that enters the step, in magnitude: one product each more than the gradient's sum.
            let mut magnitude = reference::matmul(&abs(&x_t), &abs(&dz));
            magnitude
                .data_mut()
                .iter_mut()
                .zip(w.data().iter().zip(v.data()))
                .for_each(|(m, (w, v))| *m += w.abs() + v.abs());
            twin.step(w.data_mut(), v.data_mut(), g.data());
            let what = format!("{form} update with momentum {shape:?}");
            assert_product(&format!("{what} w"), &read(gpu, &layer.w_gpu).0, &w, &magnitude, rows + 4);
            assert_product(&format!("{what} v"), &read(gpu, &v_gpu).0, &v, &magnitude, rows + 4);
        }
    }
}

fn update_keeps_padding_zero(gpu: &Gpu) {
    // The other kernels rely on it: x's padding meets w's.
    for (form, matmul) in forms(gpu) {
        let layer = Layer::new(gpu, [6, 5, 7]);
        let v = Matrix::zeros(gpu, "v", layer.w_gpu.layout).unwrap();
        let sgd = Sgd { lr: 0.5, momentum: 0.5, weight_decay: 0.5 };
        finish(gpu, &matmul.update(gpu, &layer.x_gpu, &layer.dz_gpu, &layer.w_gpu, &v, sgd).unwrap());
        let layout = layer.w_gpu.layout;
        let (w, packed) = read(gpu, &layer.w_gpu);
        let bias = layout.unpack_bias(&packed);
        assert_eq!(packed, layout.pack_weights(&w, &bias), "{form}: padding of w");
    }
}

fn gather(gpu: &Gpu) {
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    for (samples, features) in [(1, 1), (3, 4), (5, 7), (11, 784), (2, 1023)] {
        let words = Gather::words(features);
        let byte = |sample: usize, feature: usize| ((sample * 31 + feature * 7) % 256) as u8;
        let mut bytes = vec![0_u8; samples * words * 4];
        for (i, byte_at) in bytes.iter_mut().enumerate() {
            let (sample, feature) = (i / (words * 4), i % (words * 4));
            *byte_at = if feature < features { byte(sample, feature) } else { 0 };
        }
        let order: Vec<Sample> =
            (0..13).map(|i| Sample { sample: ((i * 5) % samples) as u32, ..Sample::PADDING }).collect();
        let images = gpu.upload("images", &bytes).unwrap();
        let order_gpu = gpu.upload("order", &order).unwrap();
        let x = nan(gpu, Layout::activations(16, features));
        finish(
            gpu,
            &kernels.gather.bind(gpu, &images, &order_gpu, &x, order.len()).unwrap().launch(order.len()),
        );

        let (_, packed) = read(gpu, &x);
        let rows = Layout::activations(order.len(), features);
        let want = Tensor::from_fn(order.len(), features, |r, f| {
            f64::from(byte(order[r].sample as usize, f)) / 255.0
        });
        let tolerance = Tolerance { atol: 0.0, rtol: f64::from(f32::EPSILON) };
        let got = rows.unpack(&packed);
        compare::allclose(&got, want.data(), tolerance).unwrap_or_else(|mismatch| panic!("{mismatch}"));
        for row in packed.chunks(rows.stride()).take(order.len()) {
            assert_eq!(row[rows.stride() - 4..], [1.0, 0.0, 0.0, 0.0], "the constant that meets the bias");
        }
        assert!(packed[order.len() * rows.stride()..].iter().all(|x| x.is_nan()), "no row beyond the last");
    }
}

fn gather_floats(gpu: &Gpu) {
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    for (samples, features) in [(1, 1), (3, 4), (5, 7), (11, 784), (2, 1023)] {
        let stride = 4 * GatherFloats::words(features);
        let value = |sample: usize, feature: usize| (sample as f32 - 1.5) * 1e3 + feature as f32 / 3.0;
        let at = |i: usize| if i % stride < features { value(i / stride, i % stride) } else { 0.0 };
        let values = gpu.upload("values", &(0..samples * stride).map(at).collect::<Vec<f32>>()).unwrap();
        let order: Vec<Sample> =
            (0..13).map(|i| Sample { sample: ((i * 5) % samples) as u32, ..Sample::PADDING }).collect();
        let order_gpu = gpu.upload("order", &order).unwrap();
        let x = nan(gpu, Layout::activations(16, features));
        let gather = kernels.gather_floats.bind(gpu, &values, &order_gpu, &x, order.len()).unwrap();
        finish(gpu, &gather.launch(order.len()));

        let (_, packed) = read(gpu, &x);
        let rows = Layout::activations(order.len(), features);
        let want = Tensor::from_fn(order.len(), features, |r, f| value(order[r].sample as usize, f));
        assert_eq!(rows.unpack(&packed), want.data(), "{samples} x {features}");
        for row in packed.chunks(rows.stride()).take(order.len()) {
            assert_eq!(row[rows.stride() - 4..], [1.0, 0.0, 0.0, 0.0], "the constant that meets the bias");
            assert!(row[features..rows.stride() - 4].iter().all(|&x| x == 0.0), "padding");
        }
        assert!(packed[order.len() * rows.stride()..].iter().all(|x| x.is_nan()), "no row beyond the last");
    }
    let wrong = Matrix::zeros(gpu, "x", Layout::weights(4, 4)).unwrap();
    let order = gpu.upload("order", &[Sample::PADDING]).unwrap();
    assert!(kernels.gather_floats.bind(gpu, &order, &order, &wrong, 1).is_err(), "weights are no batch");
}

fn gather_beyond_one_dimension(gpu: &Gpu) {
    // 64 invocations a workgroup and 65,535 workgroups in x: the rest has to go on in y.
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    let rows: usize = 64 * 65_535 / 2 + 100;
    let images = gpu.upload("images", &[u32::from_le_bytes([255, 0, 0, 0]), 0]).unwrap();
    let order: Vec<Sample> =
        (0..rows).map(|i| Sample { sample: u32::from(i + 1 != rows), ..Sample::PADDING }).collect();
    let order = gpu.upload("order", &order).unwrap();
    let x = nan(gpu, Layout::activations(rows.next_multiple_of(4), 1));
    finish(gpu, &kernels.gather.bind(gpu, &images, &order, &x, rows).unwrap().launch(rows));
    let (values, _) = read(gpu, &x);
    assert_eq!(values[rows - 1], 1.0, "the last row is written");
    assert!(values[..rows - 1].iter().all(|&x| x == 0.0), "and so are all before it");
}

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
    let what = format!("softmax_xent [{}, {}]", logits.rows(), logits.cols());
    let layout = Layout::activations(logits.rows(), logits.cols());
    let z = Matrix::upload(gpu, "logits", layout, &layout.pack_activations(logits.data())).unwrap();
    let mut padded = order.to_vec();
    padded.resize(layout.row_blocks * 4, Sample::PADDING);
    let order_gpu = gpu.upload("order", &padded).unwrap();
    let sums = gpu.upload("sums", &vec![Sum::default(); kernels.softmax_xent.sums(padded.len())]).unwrap();
    let dz = nan(gpu, layout);
    let train = kernels.softmax_xent.train(gpu, &z, order_gpu.whole(), &sums, &dz).unwrap();
    let evaluate = kernels.softmax_xent.evaluate(gpu, &z, order_gpu.whole(), &sums).unwrap();
    finish(gpu, &train);
    finish(gpu, &evaluate);

    let labels: Vec<u32> = order.iter().map(|sample| sample.label).collect();
    let counts: Vec<bool> = order.iter().map(|sample| sample.weight != 0.0).collect();
    let z64 = f64s(logits);
    let p_minus_y = reference::cross_entropy_backward(&z64, &labels);
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
    let loss: f64 = losses.iter().zip(&counts).filter(|(_, counts)| **counts).map(|(loss, _)| loss).sum();
    let hits =
        reference::hits(&z64, &labels).iter().zip(&counts).filter(|(hit, counts)| **hit && **counts).count();
    let got_loss: f64 = sums.iter().map(|sum| f64::from(sum.loss)).sum();
    let allowed = 2.0 * logits.rows() as f64 * ulps * (1.0 + f64::from(spread));
    assert!((got_loss - 2.0 * loss).abs() <= allowed, "{what}: loss {got_loss} is not {}", 2.0 * loss);
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

fn nan_stays_nan(gpu: &Gpu) {
    for (form, matmul) in forms(gpu) {
        let layer = Layer::new(gpu, [5, 6, 7]);
        let weights = layer.w_gpu.layout;
        let mut w = layer.w.clone();
        w.data_mut()[3] = f32::from_bits(0x7fc0_0000);
        layer.w_gpu.write(gpu, &weights.pack_weights(w.data(), layer.b.data())).unwrap();
        let z = Matrix::zeros(gpu, "z", Layout::activations(5, 7)).unwrap();
        finish(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z, true).unwrap());
        let (z, _) = read(gpu, &z);
        assert!(z.iter().skip(3).step_by(7).all(|z| z.is_nan()), "{form}: ReLU hides a NaN: {z:?}");
    }
}
