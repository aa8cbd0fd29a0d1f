//! Matrix products, in every form, and gathers, against their f64 twins on awkward shapes.
//!
//! A sum of K products in f32 is off by at most about K · ε · Σ|a·b|, in whatever order it is taken (Higham, *Accuracy
//! and Stability of Numerical Algorithms*, 2002, section 3.1); that is the tolerance of all matrix products here.
//! Outputs are filled with NaN first, so that a value that is never written shows.

use gpu_mlp::compare::{self, Tolerance};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::kernels::{Gather, GatherFloats, Kernels, Layout, Matmul, Matrix, SHADERS, Sample, Sgd};
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
    ("parity::bytes", bytes),
    ("parity::the_size_of_a_product_decides_its_form", form_by_size),
    ("parity::gather", gather),
    ("parity::gather_floats", gather_floats),
    ("parity::gather_beyond_one_dimension_of_workgroups", gather_beyond_one_dimension),
    ("parity::nan_stays_nan", nan_stays_nan),
];

/// Batch rows, inputs, outputs: ones, primes, the tiles' edges (16, 20 and 128 columns, 16 and 128 rows), wide and tall.
pub const SHAPES: [[usize; 3]; 13] = [
    [1, 1, 1],
    [2, 3, 5],
    [7, 13, 11],
    [3, 31, 10],
    [31, 15, 33],
    [17, 21, 16],
    [33, 17, 31],
    [63, 64, 65],
    [64, 784, 10],
    [65, 33, 127],
    [129, 5, 300],
    [5, 301, 3],
    [130, 129, 131],
];

/// Values in -1..1 that f32 holds exactly.
pub fn random(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Tensor<f32> {
    Tensor::from_fn(rows, cols, |_, _| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

pub fn f64s(tensor: &Tensor<f32>) -> Tensor<f64> {
    tensor.map(f64::from)
}

pub fn abs(tensor: &Tensor<f64>) -> Tensor<f64> {
    tensor.map(f64::abs)
}

/// Every form of the matrix products, on any adapter.
pub fn forms(gpu: &Gpu) -> Vec<(&'static str, Matmul)> {
    let matmuls = SHADERS.iter().filter(|shader| shader.name.starts_with("matmul_"));
    matmuls.map(|&shader| (shader.name, block_on(Matmul::new(gpu, shader)).unwrap())).collect()
}

/// A layer's operands on the host and on the device.
pub struct Layer {
    pub x: Tensor<f32>,
    pub w: Tensor<f32>,
    b: Tensor<f32>,
    pub dz: Tensor<f32>,
    pub x_gpu: Matrix,
    pub w_gpu: Matrix,
    pub dz_gpu: Matrix,
}

impl Layer {
    pub fn new(gpu: &Gpu, [rows, ins, outs]: [usize; 3]) -> Self {
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

pub fn nan(gpu: &Gpu, layout: Layout) -> Matrix {
    Matrix::upload(gpu, "nan", layout, &vec![f32::NAN; layout.len()]).unwrap()
}

pub fn finish(gpu: &Gpu, launch: &gpu_mlp::gpu::Launch) {
    block_on(async { gpu.wait(&gpu.submit([launch]).unwrap()).await.unwrap() });
}

/// The matrix that a kernel wrote, and all its values with the padding.
pub fn read(gpu: &Gpu, matrix: &Matrix) -> (Vec<f32>, Vec<f32>) {
    let packed = block_on(matrix.read(gpu)).unwrap();
    (matrix.layout.unpack(&packed), packed)
}

/// Holds a product to the error bound of a sum of `inner` products whose magnitudes add up to `magnitude`.
pub fn assert_product(what: &str, got: &[f32], want: &Tensor<f64>, magnitude: &Tensor<f64>, inner: usize) {
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
            finish(gpu, &matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &layer.x_gpu, &dx, true).unwrap());
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

/// Images with a byte pattern of their own, on the device, gathered in order.
fn batch_of_bytes(gpu: &Gpu, gather: &Gather, rows: usize, features: usize) -> (Tensor<f32>, Matrix) {
    let byte = |row: usize, feature: usize| ((row * 31 + feature * 7 + 1) % 256) as u8;
    let words = Gather::words(features);
    let mut images = vec![0_u8; rows * words * 4];
    for (row, image) in images.chunks_mut(words * 4).enumerate() {
        (0..features).for_each(|feature| image[feature] = byte(row, feature));
    }
    let order: Vec<Sample> = (0..rows).map(|row| Sample { sample: row as u32, ..Sample::PADDING }).collect();
    let (images, order) = (gpu.upload("images", &images).unwrap(), gpu.upload("order", &order).unwrap());
    let x = Matrix::zeros(gpu, "x", Layout::images(rows, features)).unwrap();
    finish(gpu, &gather.bind(gpu, &images, &order, &x, rows).unwrap().launch(rows));
    (Tensor::from_fn(rows, features, |row, feature| f32::from(byte(row, feature)) / 255.0), x)
}

fn bytes(gpu: &Gpu) {
    // Bytes give what the f32s they stand for give, but for the rounding of a division by 255.
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    for (form, matmul) in forms(gpu) {
        for shape @ [rows, ins, outs] in SHAPES {
            let layer = Layer::new(gpu, shape);
            let (values, x_bytes) = batch_of_bytes(gpu, &kernels.gather, rows, ins);
            let inputs = Layout::activations(rows, ins);
            let x = Matrix::upload(gpu, "x", inputs, &inputs.pack_activations(values.data())).unwrap();
            let outputs = Layout::activations(rows, outs);
            let v = Matrix::zeros(gpu, "v", Layout::weights(1, 1)).unwrap();
            let sgd = Sgd { lr: 1.0, momentum: 0.0, weight_decay: 0.0 };
            let results = [&x, &x_bytes].map(|x| {
                let z = nan(gpu, outputs);
                finish(gpu, &matmul.forward(gpu, x, &layer.w_gpu, &z, false).unwrap());
                let w = Matrix::zeros(gpu, "w", layer.w_gpu.layout).unwrap();
                finish(gpu, &matmul.update(gpu, x, &layer.dz_gpu, &w, &v, sgd).unwrap());
                (read(gpu, &z).0, read(gpu, &w).1)
            });
            let [(z, w), (z_bytes, w_bytes)] = results;
            let tolerance = Tolerance { atol: 1e-5, rtol: 1e-5 };
            let f64s = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            compare::allclose(&z_bytes, &f64s(&z), tolerance)
                .unwrap_or_else(|mismatch| panic!("{form} forward_bytes {shape:?}: {mismatch}"));
            compare::allclose(&w_bytes, &f64s(&w), tolerance)
                .unwrap_or_else(|mismatch| panic!("{form} update_bytes {shape:?}: {mismatch}"));
        }
    }
    let (_, x) = batch_of_bytes(gpu, &kernels.gather, 4, 4);
    let layer = Layer::new(gpu, [4, 4, 4]);
    let (_, matmul) = forms(gpu).remove(0);
    assert!(
        matmul.backward(gpu, &layer.dz_gpu, &layer.w_gpu, &x, &x, true).is_err(),
        "bytes came out of no ReLU"
    );
    assert!(x.write(gpu, &vec![0.0; x.layout.len()]).is_err(), "f32s are no bytes");
}

fn form_by_size(gpu: &Gpu) {
    // A product is the same whatever form computes it; one of each size, in the forms that hardware uses.
    let shaders = SHADERS.map(|shader| (shader.name, shader));
    let shader = |name: &str| shaders.iter().find(|(other, _)| *other == name).unwrap().1;
    let both = [shader("matmul_small"), shader("matmul_large")];
    let by_size = block_on(Matmul::by_size(gpu, &both)).unwrap();
    let [small, large] = both.map(|shader| block_on(Matmul::new(gpu, shader)).unwrap());
    // 8 x 8 workgroups of the large form, one column of them fewer, and 64 of them that would be almost empty. With
    // 200 inputs the forms' sums differ in their last bits.
    let cases = [([1024, 200, 1024], &large), ([1024, 200, 896], &small), ([8192, 200, 10], &small)];
    for (shape @ [rows, _, outs], alone) in cases {
        let layer = Layer::new(gpu, shape);
        let results =
            [&by_size, alone, if std::ptr::eq(alone, &large) { &small } else { &large }].map(|matmul| {
                let z = nan(gpu, Layout::activations(rows, outs));
                finish(gpu, &matmul.forward(gpu, &layer.x_gpu, &layer.w_gpu, &z, false).unwrap());
                read(gpu, &z).0
            });
        assert!(results[0] == results[1], "{shape:?}: not the form that it should be");
        assert!(results[1] != results[2], "{shape:?}: the forms cannot be told apart");
    }
}

fn gather(gpu: &Gpu) {
    let kernels = block_on(Kernels::new(gpu)).unwrap();
    for (samples, features) in [(1, 1), (3, 4), (5, 7), (11, 784), (2, 1023)] {
        let words = Gather::words(features);
        let images: Vec<u8> = (0..samples * words * 4).map(|i| (i * 7 % 251) as u8).collect();
        let order: Vec<Sample> =
            (0..13).map(|i| Sample { sample: ((i * 5) % samples) as u32, ..Sample::PADDING }).collect();
        let images_gpu = gpu.upload("images", &images).unwrap();
        let order_gpu = gpu.upload("order", &order).unwrap();
        let layout = Layout::images(16, features);
        let buffer = gpu.upload("x", &vec![0xee_u8; layout.len()]).unwrap();
        let x = Matrix::within(&buffer, 0, layout);
        let bound = kernels.gather.bind(gpu, &images_gpu, &order_gpu, &x, order.len()).unwrap();
        finish(gpu, &bound.launch(order.len()));

        let got = block_on(gpu.read::<u8>(&buffer, layout.len())).unwrap();
        for (row, sample) in got.chunks(layout.stride()).zip(&order) {
            let image = &images[sample.sample as usize * words * 4..][..words * 4];
            assert_eq!(row[..words * 4], *image, "{features} features");
            assert_eq!(row[words * 4], 255, "the constant that meets the bias");
            assert!(row[words * 4 + 1..].iter().all(|&byte| byte == 0), "the rest of a row is zero");
        }
        let beyond = &got[order.len() * layout.stride()..];
        assert!(!beyond.is_empty() && beyond.iter().all(|&byte| byte == 0xee), "no row beyond the last");
    }
    let floats = Matrix::zeros(gpu, "x", Layout::activations(4, 4)).unwrap();
    let order = gpu.upload("order", &[Sample::PADDING; 4]).unwrap();
    assert!(kernels.gather.bind(gpu, &order, &order, &floats, 4).is_err(), "x has to be bytes");
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
    let rows: usize = 64 * 65_535 / 4 + 100;
    let images = gpu.upload("images", &[u32::from_le_bytes([255, 0, 0, 0]), 0]).unwrap();
    let order: Vec<Sample> =
        (0..rows).map(|i| Sample { sample: u32::from(i + 1 != rows), ..Sample::PADDING }).collect();
    let order = gpu.upload("order", &order).unwrap();
    let layout = Layout::images(rows, 1);
    let buffer = gpu.alloc("x", layout.size()).unwrap();
    let x = Matrix::within(&buffer, 0, layout);
    finish(gpu, &kernels.gather.bind(gpu, &images, &order, &x, rows).unwrap().launch(rows));
    let bytes = block_on(gpu.read::<u8>(&buffer, rows * layout.stride())).unwrap();
    let mut values = bytes.chunks(layout.stride()).map(|row| row[0]);
    assert_eq!(values.next_back(), Some(255), "the last row is written");
    assert!(values.all(|value| value == 0), "and so are all before it");
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
