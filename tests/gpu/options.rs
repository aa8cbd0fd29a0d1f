//! Training options on the adapter: whole steps against the reference, resuming, and the kernels behind them one by one.

use std::sync::Arc;

use gpu_mlp::compare;
use gpu_mlp::data::Dataset;
use gpu_mlp::dropout::Dropout;
use gpu_mlp::engine::{GpuEngine, Residency, StepOptions};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::kernels::{Activate, ClipNorm, Layout, Matrix};
use gpu_mlp::model::MlpSpec;
use gpu_mlp::reference::training::dropout_mask;
use gpu_mlp::reference::{self, Activation};
use pollster::block_on;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::engine_options;
use crate::parity::{f64s, finish, nan, random, read};

pub const TRIALS: &[crate::NamedTrial] = &[
    ("options::steps_equal_the_reference", steps),
    ("options::resuming_repeats_bit_for_bit", resume),
    ("options::moments_of_another_optimiser_are_refused", refused),
    ("options::activations", activations),
    ("options::dropout_masks_are_the_reference_s", masks),
    ("options::clip_norm", clip_norm),
];

fn engine(gpu: &Gpu) -> impl Fn(&MlpSpec, Arc<Dataset>, StepOptions) -> GpuEngine {
    |spec, data, options| {
        block_on(GpuEngine::new(gpu.clone(), spec, data, options, Residency::WhereTheyFit)).unwrap()
    }
}

fn steps(gpu: &Gpu) {
    engine_options::equal_the_reference(engine(gpu));
}

fn resume(gpu: &Gpu) {
    engine_options::resume(engine(gpu));
}

fn refused(gpu: &Gpu) {
    engine_options::moments_of_another_optimiser_are_refused(engine(gpu));
}

const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 5], [16, 64], [65, 31], [7, 300], [130, 4]];

/// A kernel's step number, as it lies in the engine's buffer.
fn step_number(gpu: &Gpu, number: u32) -> gpu_mlp::gpu::Buffer {
    gpu.upload("step", &[0_u32, number]).unwrap()
}

fn activations(gpu: &Gpu) {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
        let kernels = block_on(Activate::new(gpu, activation)).unwrap();
        for ([rows, cols], spread) in SHAPES.into_iter().flat_map(|shape| [(shape, 4.0), (shape, 60.0)]) {
            let what = format!("{activation:?} [{rows}, {cols}], up to {spread}");
            let z = random(&mut rng, rows, cols).map(|z| z * spread);
            let layout = Layout::activations(rows, cols);
            let upload = || Matrix::upload(gpu, "z", layout, &layout.pack_activations(z.data())).unwrap();
            let (a, evaluated, slope) = (upload(), upload(), nan(gpu, layout));
            let step = step_number(gpu, 0);
            let none = (Dropout::default(), 0);
            finish(gpu, &kernels.train(gpu, none, step.whole(), &slope, &a).unwrap());
            finish(gpu, &kernels.evaluate(gpu, &evaluated).unwrap());

            let (want, derivative) =
                (f64s(&z).map(|z| activation.apply(z)), f64s(&z).map(|z| activation.derivative(z)));
            // WGSL lets exp(x) be off by 3 + 2|x| ulp; e^x · |x| is 0.4 at most.
            let magnitude = |i: usize| f64::from(z.data()[i].abs().max(1.0));
            let (got, packed) = read(gpu, &a);
            compare::within(&got, want.data(), |i| 8e-7 * magnitude(i))
                .unwrap_or_else(|mismatch| panic!("{what}: {mismatch}"));
            assert_eq!(packed, read(gpu, &evaluated).1, "{what}: trained and evaluated");
            for row in packed.chunks(layout.stride()).take(rows) {
                let (values, constant) = row.split_at(layout.stride() - 4);
                assert!(values[cols..].iter().all(|&a| a == 0.0), "{what}: padding");
                assert_eq!(constant, [1.0, 0.0, 0.0, 0.0], "{what}: the constant stays");
            }
            compare::within(&read(gpu, &slope).0, derivative.data(), |_| 3e-6)
                .unwrap_or_else(|mismatch| panic!("{what}, slope: {mismatch}"));

            let dz = upload();
            finish(gpu, &kernels.backward(gpu, &slope, &dz).unwrap());
            compare::within(
                &read(gpu, &dz).0,
                f64s(&z)
                    .data()
                    .iter()
                    .zip(derivative.data())
                    .map(|(z, d)| z * d)
                    .collect::<Vec<_>>()
                    .as_slice(),
                |i| 3e-6 * magnitude(i),
            )
            .unwrap_or_else(|mismatch| panic!("{what}, backward: {mismatch}"));
        }
        let layout = Layout::activations(2, 3);
        let a = nan(gpu, layout);
        finish(gpu, &kernels.evaluate(gpu, &a).unwrap());
        assert!(read(gpu, &a).0.iter().all(|a| a.is_nan()), "{activation:?}: NaN stays NaN");
    }
}

fn masks(gpu: &Gpu) {
    let kernels = block_on(Activate::new(gpu, Activation::Relu)).unwrap();
    for (rate, seed) in [(0.5, 1), (0.2, u64::MAX - 5), (0.875, 77 << 32)] {
        let dropout = Dropout { rate, seed };
        for ([rows, cols], (step, layer)) in
            SHAPES.into_iter().zip([(0, 0), (1, 0), (0, 1), (9, 3), (1 << 31, 2)])
        {
            let layout = Layout::activations(rows, cols);
            let ones = layout.pack_activations(&vec![1.0; rows * cols]);
            let a = Matrix::upload(gpu, "ones", layout, &ones).unwrap();
            let (slope, number) = (nan(gpu, layout), step_number(gpu, step));
            finish(gpu, &kernels.train(gpu, (dropout, layer), number.whole(), &slope, &a).unwrap());
            let want = dropout_mask(&dropout, step.into(), layer, [rows, cols]).map(|mask| mask as f32);
            assert_eq!(
                read(gpu, &a).0,
                want.data(),
                "{dropout:?}, [{rows}, {cols}], step {step}, layer {layer}"
            );
            assert_eq!(read(gpu, &slope).0, want.data(), "slopes");
        }
    }
}

fn clip_norm(gpu: &Gpu) {
    let kernels = block_on(ClipNorm::new(gpu)).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let shapes = [[1, 1], [37, 49], [300, 301], [1, 9]];
    for most in [0.01_f32, 3.0, 1e6] {
        let (mut matrices, mut layers) = (Vec::new(), Vec::new());
        for [ins, outs] in shapes {
            let (w, b, layout) =
                (random(&mut rng, ins, outs), random(&mut rng, 1, outs), Layout::weights(ins, outs));
            matrices
                .push(Matrix::upload(gpu, "g", layout, &layout.pack_weights(w.data(), b.data())).unwrap());
            layers.push(reference::Layer { w: f64s(&w), b: f64s(&b).into_data() });
        }
        let gradients: Vec<&Matrix> = matrices.iter().collect();
        let sums = gpu.upload("sums", &vec![f32::NAN; kernels.sums(matrices.iter())]).unwrap();
        for launch in kernels.launches(gpu, &sums, &gradients, most).unwrap() {
            finish(gpu, &launch);
        }
        reference::optimizer::clip_norm(&mut layers, most.into());
        for (matrix, layer) in matrices.iter().zip(&layers) {
            let (w, packed) = read(gpu, matrix);
            let close =
                |got: &[f32], want: &[f64]| compare::within(got, want, |i| 1e-5 * want[i].abs() + 1e-12);
            close(&w, layer.w.data()).unwrap_or_else(|mismatch| panic!("up to {most}: {mismatch}"));
            close(&matrix.layout.unpack_bias(&packed), &layer.b).unwrap();
        }
    }
}
