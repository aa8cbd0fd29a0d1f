//! Random networks: no hidden layer to five of them, widths of 1 to 257, 2 to 300 classes, batches of 1 to 300.
//!
//! `GPU_MLP_CASES` says how many are drawn (12 without it), `GPU_MLP_SEED` where the seeds begin.

use std::sync::Arc;

use gpu_mlp::data::{Dataset, Preparation, Samples, Split};
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{Activation, MlpSpec, Parameters};
use gpu_mlp::reference::{self, Layer, Matrix, Mlp, compare};
use gpu_mlp::step::dropout::Dropout;
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::optimizer::{Algorithm, Optimizer};
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const TRIALS: &[crate::NamedTrial] = &[
    ("numbers::logits_and_gradients_equal_the_reference", logits_and_gradients),
    ("numbers::gradients_are_central_differences", central_differences),
    ("numbers::loss_is_finite_for_huge_logits", huge_logits),
    ("numbers::runs_repeat_bit_for_bit", repeats),
];

/// How far a rounding error may be out, in standard deviations: of 10⁶ values the worst lies beyond 5.
const DEVIATIONS: f64 = 10.0;

const EPSILON: f64 = f32::EPSILON as f64;

/// A hidden unit nearer to 0 than this may be on in f32 and off in f64: ReLU's samples keep away.
const MARGIN: f64 = 2e-5;

/// A network and a batch.
struct Case {
    seed: u64,
    spec: MlpSpec,
    parameters: Parameters,
    data: Arc<Dataset>,
    rng: ChaCha8Rng,
}

fn cases() -> impl Iterator<Item = Case> {
    let number = |name, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let first: u64 = number("GPU_MLP_SEED", 1);
    (first..first + number("GPU_MLP_CASES", 12)).map(Case::new)
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut within = |low: usize, high: usize| low + rng.next_u32() as usize % (high - low + 1);
        let (depth, batch) = (seed as usize % 6, within(1, 300));
        let mut sizes: Vec<usize> = (0..=depth).map(|_| within(1, 257)).collect();
        sizes.push(within(2, 300));
        let all = Activation::ALL;
        let spec = MlpSpec::new(sizes).unwrap().with_activation(all[within(0, 3)]);
        let mut parameters = Parameters::initial(&spec, seed);
        for b in parameters.layers.iter_mut().flat_map(|layer| layer.b.data_mut()) {
            *b = (rng.next_u32() % 201) as f32 / 1000.0 - 0.1;
        }
        let train = draw(&mut rng, &spec, &parameters, batch, seed.is_multiple_of(3));
        let data = Arc::new(Dataset {
            validation: None,
            name: "random".into(),
            origin: "a test".into(),
            image_shape: [1, spec.inputs()],
            classes: spec.classes(),
            preparation: Preparation::of_images(spec.classes()),
            test: train.clone(),
            train,
        });
        Self { seed, spec, parameters, data, rng }
    }

    fn batch(&self) -> Vec<u32> {
        (0..self.data.train.len() as u32).collect()
    }

    fn engine(&self, gpu: &Gpu, parameters: &Parameters, options: StepOptions) -> GpuEngine {
        let fits = Residency::WhereTheyFit;
        let mut engine = block_on(GpuEngine::new(gpu.clone(), &self.spec, options, fits)).unwrap();
        block_on(engine.load_dataset(&self.data)).unwrap();
        block_on(engine.set_parameters(parameters, None)).unwrap();
        block_on(engine.set_sums(&Sums::default())).unwrap();
        engine
    }

    /// Momentum's velocity after one step is the gradient to the bit.
    fn step(&self) -> StepOptions {
        StepOptions::sgd(self.data.train.len(), Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.0 })
    }

    fn mlp(&self) -> Mlp {
        self.parameters.in_f64(self.spec.activation())
    }

    fn inputs(&self) -> Matrix {
        self.data.train.inputs(&self.batch()).unwrap()
    }

    fn gradient(&self, gpu: &Gpu) -> Parameters {
        let mut engine = self.engine(gpu, &self.parameters, self.step());
        assert_eq!(block_on(engine.train(&self.batch())).unwrap(), self.data.train.len());
        block_on(engine.optimizer_state()).unwrap().moments.pop().unwrap()
    }

    fn name(&self) -> String {
        let (sizes, batch) = (self.spec.sizes(), self.data.train.len());
        format!("seed {}: {sizes:?}, {:?}, batch {batch}", self.seed, self.spec.activation())
    }
}

/// Samples of which no ReLU is near its kink.
fn draw(
    rng: &mut ChaCha8Rng,
    spec: &MlpSpec,
    parameters: &Parameters,
    batch: usize,
    floats: bool,
) -> Samples {
    let (features, classes) = (spec.inputs(), spec.classes());
    let many = 2 * batch + 8;
    let bytes: Vec<u8> = (0..many * features).map(|_| (rng.next_u32() >> 24) as u8).collect();
    let labels: Vec<u32> = (0..many).map(|_| rng.next_u32() % classes as u32).collect();
    let pick = |samples: &Samples| {
        let all: Vec<u32> = (0..many as u32).collect();
        let forward = parameters.in_f64(spec.activation()).forward(&samples.inputs(&all).unwrap());
        let hidden = &forward.z[..forward.z.len() - 1];
        let clear = |row: &usize| {
            *spec.activation() != Activation::Relu
                || hidden.iter().all(|z| z.row(*row).iter().all(|z| z.abs() > MARGIN))
        };
        let picked: Vec<usize> = (0..many).filter(clear).take(batch).collect();
        assert!(!picked.is_empty(), "no sample keeps clear of the kinks");
        picked
    };
    if floats {
        let values: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 64.0 - 1.7).collect();
        let picked = pick(&Samples::of_floats(features, &values, labels.clone(), classes).unwrap());
        let values: Vec<f32> =
            picked.iter().flat_map(|&row| &values[row * features..(row + 1) * features]).copied().collect();
        let labels = picked.iter().map(|&row| labels[row]).collect();
        return Samples::of_floats(features, &values, labels, classes).unwrap();
    }
    let picked = pick(&Samples::new(features, bytes.clone(), labels.clone(), classes).unwrap());
    let pixels = picked.iter().flat_map(|&row| &bytes[row * features..(row + 1) * features]).copied();
    Samples::new(features, pixels.collect(), picked.iter().map(|&row| labels[row]).collect(), classes)
        .unwrap()
}

/// What each logit may be off by. Rounding errors are taken as independent (Higham and Mary, *A New Approach to
/// Probabilistic Rounding Error Analysis*, 2019): a sum of K products has a variance of K ε² Σ(a·w)², and passes on that
/// of its inputs.
fn allowed(mlp: &Mlp, x: &Matrix) -> Matrix {
    let square = |m: &Matrix| m.map(|v| v * v);
    let forward = mlp.forward(x);
    // A byte over 255 is rounded, and by up to 2.5 ulp.
    let mut variance = square(x).map(|x2| x2 * (2.5 * EPSILON).powi(2));
    for (l, layer) in mlp.layers.iter().enumerate() {
        let w2 = square(&layer.w);
        let (passed, own) =
            (reference::matmul(&variance, &w2), reference::matmul(&square(&forward.a[l]), &w2));
        let terms = (layer.w.rows() + 1) as f64;
        let z = &forward.z[l];
        variance = Matrix::from_fn(z.rows(), z.cols(), |r, c| {
            let rounded = terms * EPSILON.powi(2) * (own.at(r, c) + layer.b[c].powi(2));
            // No activation is steeper than GELU's 1.13, nor further off than the self-test allows.
            let activated = if l + 1 == mlp.layers.len() { 0.0 } else { 8e-7 * z.at(r, c).abs().max(1.0) };
            1.3 * (passed.at(r, c) + rounded) + activated.powi(2)
        });
    }
    variance.map(|variance| DEVIATIONS * variance.sqrt() + 1e-12)
}

/// What a gradient may be off by, relative to a value and the largest of its tensor together: a sum of K products on the
/// way there and one on the way back for each layer, and slopes that are off by 3e-6 of at most 1/4 (sigmoid's).
fn of_gradient(spec: &MlpSpec) -> f64 {
    let (layers, widest) = (spec.sizes().len() as f64, *spec.sizes().iter().max().unwrap() as f64);
    DEVIATIONS * (2.0 * layers * widest.max(300.0)).sqrt() * EPSILON + 12e-6 * layers
}

fn tensors<'a>(got: &'a Parameters, want: &'a [Layer]) -> impl Iterator<Item = (&'a [f32], &'a [f64])> {
    got.layers
        .iter()
        .zip(want)
        .flat_map(|(got, want)| [(got.w.data(), want.w.data()), (got.b.data(), &want.b[..])])
}

fn logits_and_gradients(gpu: &Gpu) {
    for case in cases() {
        let (name, mlp, x) = (case.name(), case.mlp(), case.inputs());
        let forward = mlp.forward(&x);
        let mut engine = case.engine(gpu, &case.parameters, case.step());
        let logits = block_on(engine.logits(Split::Test, &case.batch())).unwrap();
        let allowed = allowed(&mlp, &x);
        compare::within(logits.data(), forward.logits().data(), |i| allowed.data()[i])
            .unwrap_or_else(|mismatch| panic!("{name}: logits: {mismatch}"));

        let gradient = case.gradient(gpu);
        let want = mlp.backward(&forward, case.data.train.labels()).layers;
        let part = of_gradient(&case.spec);
        for (index, (got, want)) in tensors(&gradient, &want).enumerate() {
            let largest = want.iter().fold(1e-6, |largest: f64, g| largest.max(g.abs()));
            compare::within(got, want, |i| part * (want[i].abs() + largest))
                .unwrap_or_else(|mismatch| panic!("{name}: gradient of tensor {index}: {mismatch}"));
        }
        // The gradient of the last bias is Σ (p - t) / N, and both p and t add up to 1.
        let last = gradient.layers.last().unwrap().b.data();
        let sum: f64 = last.iter().map(|&g| f64::from(g)).sum();
        let magnitude: f64 = last.iter().map(|&g| f64::from(g.abs())).sum();
        let off = (last.len() + 300) as f64 * EPSILON * (magnitude + 1.0);
        assert!(sum.abs() <= off, "{name}: probabilities add up to 1 but for {sum:e}, {off:e} is allowed");
    }
}

fn central_differences(gpu: &Gpu) {
    const H: f64 = 1e-6;
    for mut case in cases() {
        let (gradient, x) = (case.gradient(gpu), case.inputs());
        let flat = |tensors: &Parameters| -> Vec<f64> {
            let dense = tensors.layers.iter().flat_map(|layer| layer.w.data().iter().chain(layer.b.data()));
            dense.map(|&g| f64::from(g)).collect()
        };
        let g = flat(&gradient);
        let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        // Along the gradient itself, where the slope is its length, and along a random direction.
        let random: Vec<f64> =
            g.iter().map(|_| f64::from(case.rng.next_u32()) / 2f64.powi(31) - 1.0).collect();
        let length = random.iter().map(|d| d * d).sum::<f64>().sqrt();
        for (direction, by) in [(&g, norm), (&random, length)] {
            let at = |h: f64| {
                let (mut mlp, mut rest) = (case.mlp(), direction.iter());
                for layer in &mut mlp.layers {
                    let values = layer.w.data_mut().iter_mut().chain(&mut layer.b);
                    values.zip(rest.by_ref()).for_each(|(w, d)| *w += h * d / by);
                }
                mlp.loss(&x, case.data.train.labels())
            };
            let slope = (at(H) - at(-H)) / (2.0 * H);
            let got: f64 = g.iter().zip(direction).map(|(g, d)| g * d / by).sum();
            let allowed = 2.0 * of_gradient(&case.spec) * norm + 1e-8;
            assert!(
                (got - slope).abs() <= allowed,
                "{}: {got:e} is not {slope:e} ± {allowed:e}",
                case.name()
            );
        }
    }
}

fn huge_logits(gpu: &Gpu) {
    for case in cases() {
        let (name, x) = (case.name(), case.inputs());
        let logits = case.mlp().forward(&x);
        let largest = logits.logits().data().iter().fold(0.0, |max: f64, z| max.max(z.abs()));
        let mut huge = case.parameters.clone();
        let last = huge.layers.last_mut().unwrap();
        for w in last.w.data_mut().iter_mut().chain(last.b.data_mut()) {
            *w *= (1e4 / largest) as f32;
        }
        let mut engine = case.engine(gpu, &huge, case.step());
        let want = huge.in_f64(case.spec.activation()).loss(&x, case.data.train.labels());
        let score = block_on(engine.evaluate(Split::Train, &case.batch())).unwrap().score();
        assert!(score.loss.is_finite(), "{name}: {score:?}");
        assert!((score.loss - want).abs() <= 1e-4 * 1e4, "{name}: {score:?}, want {want}");
        block_on(engine.train(&case.batch())).unwrap();
        let after = block_on(engine.parameters()).unwrap();
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        assert!(after.layers.iter().all(|layer| finite(layer.w.data()) && finite(layer.b.data())), "{name}");
    }
}

fn repeats(gpu: &Gpu) {
    for case in cases() {
        let batch = case.data.train.len().div_ceil(3);
        let optimizer = Optimizer { algorithm: Algorithm::Adam, ..Optimizer::default() };
        let dropout = Dropout { rate: 0.25, seed: case.seed, first_row: 0 };
        let options =
            StepOptions { batch_size: batch, optimizer, dropout, clip_norm: Some(1.0), ..case.step() };
        let order: Vec<u32> = (0..4).flat_map(|_| case.batch()).collect();
        let run = || {
            let mut engine = case.engine(gpu, &case.parameters, options);
            crate::engine_options::train(&mut engine, &order);
            let logits = block_on(engine.logits(Split::Test, &case.batch())).unwrap();
            (block_on(engine.parameters()).unwrap(), block_on(engine.sums()).unwrap(), logits)
        };
        let (first, second) = (run(), run());
        assert!(first == second, "{}: not the same bits again", case.name());
    }
}
