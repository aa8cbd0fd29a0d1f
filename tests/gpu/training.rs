//! Whole training runs on the adapter: against the reference, repeated, resumed, streamed, and on real MNIST.

use std::path::PathBuf;
use std::sync::Arc;

use gpu_mlp::checks::selftest::steps::{self, Trained};
use gpu_mlp::data::{self, Dataset, Preparation, Samples, Split, folder, idx};
use gpu_mlp::engine::{CpuEngine, Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{MlpSpec, OptimizerState, Parameters};
use gpu_mlp::reference;
use gpu_mlp::reference::compare::{self, Tolerance};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use gpu_mlp::tensor::Tensor;
use pollster::block_on;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const TRIALS: &[crate::NamedTrial] = &[
    ("training::twenty_steps_equal_the_reference", twenty_steps),
    ("training::momentum_and_decay_equal_the_reference", momentum_and_decay),
    ("training::softmax_regression_equals_the_reference", softmax_regression),
    ("training::repeats_bit_for_bit", repeats),
    ("training::an_epoch_can_be_interrupted_and_resumed_bit_for_bit", interrupted),
    ("training::streamed_equals_resident_bit_for_bit", streamed),
    ("training::rows_on_disk_equal_rows_in_memory_bit_for_bit", on_disk),
    ("training::floats_equal_the_reference_resident_and_streamed", floats),
    ("training::evaluation_equals_the_reference", evaluation),
    ("training::parameters_survive_the_device", parameters_survive),
    ("training::a_new_network_is_zero", new_network),
    ("training::parameters_of_another_network_are_refused", wrong_parameters),
    ("training::nan_reaches_the_loss", nan_reaches_the_loss),
    ("training::a_batch_too_large_for_the_adapter_is_refused", too_large),
];

pub const MNIST_TRIALS: &[crate::NamedTrial] = &[
    ("mnist::one_step_equals_the_reference", mnist_step),
    ("mnist::gpu_and_cpu_learn_the_same", mnist_both),
];

/// Samples that a network can learn: each class has a pattern of its own, under noise.
fn dataset(features: usize, classes: usize, train: usize, test: usize) -> Arc<Dataset> {
    let mut rng = ChaCha8Rng::seed_from_u64((features * 100 + classes) as u64);
    let mut samples = |count: usize| {
        let labels: Vec<u32> = (0..count).map(|_| rng.next_u32() % classes as u32).collect();
        let pixel = |label: u32, feature: usize, noise: u32| {
            let ink = if (feature as u32 * 7 + label * 13).is_multiple_of(classes as u32) { 160 } else { 0 };
            (ink + noise % 96) as u8
        };
        let pixels = labels
            .iter()
            .flat_map(|&label| (0..features).map(move |feature| (label, feature)))
            .map(|(label, feature)| pixel(label, feature, rng.next_u32()))
            .collect();
        Samples::new(features, pixels, labels, classes).unwrap()
    };
    let (train, test) = (samples(train), samples(test));
    let name = "patterns".into();
    let (origin, image_shape, preparation) = ("test".into(), [1, features], Preparation::of_images(classes));
    Arc::new(Dataset { name, origin, image_shape, classes, preparation, train, validation: None, test })
}

fn options(batch_size: usize, momentum: f32, weight_decay: f32) -> StepOptions {
    StepOptions::sgd(batch_size, Sgd { lr: 0.125, momentum, weight_decay })
}

fn engine(gpu: &Gpu, spec: &MlpSpec, data: &Arc<Dataset>, options: StepOptions) -> GpuEngine {
    streaming_engine(gpu, spec, data, options, Residency::WhereTheyFit)
}

fn streaming_engine(
    gpu: &Gpu,
    spec: &MlpSpec,
    data: &Arc<Dataset>,
    options: StepOptions,
    residency: Residency,
) -> GpuEngine {
    let mut engine = block_on(GpuEngine::new(gpu.clone(), spec, options, residency)).unwrap();
    block_on(engine.load_dataset(data)).unwrap();
    block_on(engine.set_parameters(&Parameters::he_uniform(spec, 5), None)).unwrap();
    block_on(engine.set_sums(&Sums::default())).unwrap();
    engine
}

fn train(engine: &mut impl Engine, samples: &[u32]) {
    block_on(steps::train(engine, samples)).unwrap();
}

/// A sequence that meets samples in no order, some of them twice.
fn order(samples: usize, count: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * 7919 + 13) % samples) as u32).collect()
}

fn inputs(samples: &Samples, indices: &[u32]) -> Tensor<f64> {
    samples.inputs(indices).unwrap()
}

fn labels(samples: &Samples, indices: &[u32]) -> Vec<u32> {
    indices.iter().map(|&index| samples.labels()[index as usize]).collect()
}

/// Rounding to f32 differs by a few ε a step and grows a little from step to step; 2e-5 is some 170 ε.
const AFTER_STEPS: Tolerance = Tolerance { atol: 2e-5, rtol: 2e-4 };

fn assert_layers(what: &str, got: &Parameters, want: &[reference::Layer], tolerance: Tolerance) {
    for (l, (got, want)) in got.layers.iter().zip(want).enumerate() {
        for (name, got, want) in [("w", got.w.data(), want.w.data()), ("b", got.b.data(), want.b.as_slice())]
        {
            compare::allclose(got, want, tolerance)
                .unwrap_or_else(|mismatch| panic!("{what}: {name} of layer {l}: {mismatch}"));
        }
    }
}

fn equals_reference(gpu: &Gpu, sizes: &[usize], samples: usize, options: StepOptions) {
    let spec = MlpSpec::new(sizes.to_vec()).unwrap();
    let data = dataset(sizes[0], sizes[sizes.len() - 1], 97, 10);
    let order = order(97, samples);
    let mut engine = engine(gpu, &spec, &data, options);
    train(&mut engine, &order);
    let Trained { mlp, loss, hits, .. } = steps::reference(&spec, &data.train, &order, &options).unwrap();

    let what = format!("{sizes:?}, batches of {}", options.batch_size);
    assert_layers(&what, &block_on(engine.parameters()).unwrap(), &mlp.layers, AFTER_STEPS);
    let sums = block_on(engine.sums()).unwrap();
    let got: f64 = sums.loss.iter().sum();
    assert!((got - loss).abs() <= 1e-4 * loss, "{what}: loss {got} is not {loss}");
    assert_eq!((sums.hits, sums.samples), (hits as u64, samples as u64), "{what}: hits, samples");
    assert!(hits > samples / sizes[sizes.len() - 1], "{what}: the reference learns, too");
}

fn twenty_steps(gpu: &Gpu) {
    // 20 batches of 16 and a short one of 5; then batches that are no multiple of a block, and of one sample.
    equals_reference(gpu, &[19, 33, 17, 5], 325, options(16, 0.0, 0.0));
    equals_reference(gpu, &[784, 30, 10], 20 * 13 + 3, options(13, 0.0, 0.0));
    equals_reference(gpu, &[4, 8, 3], 20, options(1, 0.0, 0.0));
    // A batch of more rows than a workgroup of the loss has.
    equals_reference(gpu, &[12, 7, 4], 20 * 70, options(70, 0.0, 0.0));
}

fn momentum_and_decay(gpu: &Gpu) {
    equals_reference(gpu, &[19, 33, 17, 5], 325, options(16, 0.5, 0.01));
}

fn softmax_regression(gpu: &Gpu) {
    equals_reference(gpu, &[21, 6], 325, options(16, 0.0, 0.0));
}

/// Parameters and sums after training on a fixed order.
fn outcome(engine: &mut impl Engine, order: &[u32]) -> (Parameters, Sums) {
    train(engine, order);
    (block_on(engine.parameters()).unwrap(), block_on(engine.sums()).unwrap())
}

fn repeats(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![30, 40, 6]).unwrap(), dataset(30, 6, 200, 10));
    let order = order(200, 1111);
    let run = || outcome(&mut engine(gpu, &spec, &data, options(64, 0.9, 0.001)), &order);
    assert_eq!(run(), run());
}

fn interrupted(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![30, 40, 6]).unwrap(), dataset(30, 6, 200, 10));
    let (order, options) = (order(200, 1111), options(64, 0.9, 0.001));
    let straight = outcome(&mut engine(gpu, &spec, &data, options), &order);

    let mut first = engine(gpu, &spec, &data, options);
    let (parameters, sums) = outcome(&mut first, &order[..640]);
    let state = block_on(first.optimizer_state()).unwrap();
    let mut second = engine(gpu, &spec, &data, options);
    block_on(second.set_parameters(&parameters, Some(&state))).unwrap();
    block_on(second.set_sums(&sums)).unwrap();
    let resumed = outcome(&mut second, &order[640..]);
    assert_eq!(resumed.0, straight.0, "parameters");
    assert_eq!(resumed.1, straight.1, "sums");
}

fn streamed(gpu: &Gpu) {
    // 31 features: rows whose bytes do not fill the last word.
    let (spec, data) = (MlpSpec::new(vec![31, 16, 6]).unwrap(), dataset(31, 6, 300, 50));
    let order = order(300, 2000);
    let run = |residency| {
        let mut engine = streaming_engine(gpu, &spec, &data, options(32, 0.0, 0.0), residency);
        let trained = outcome(&mut engine, &order);
        let test: Vec<u32> = (0..50).collect();
        (trained, block_on(engine.evaluate(Split::Test, &test)).unwrap())
    };
    assert_eq!(run(Residency::Streamed), run(Residency::WhereTheyFit));
}

fn on_disk(gpu: &Gpu) {
    // 31 features, batches of 30: neither the last word of a row nor the last rows of a slot are full.
    let (spec, data) = (MlpSpec::new(vec![31, 16, 6]).unwrap(), dataset(31, 6, 300, 50));
    let place = tempfile::tempdir().unwrap();
    for (stems, samples) in folder::STEMS.chunks(2).zip([&data.train, &data.test]) {
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        let labels: Vec<u8> = samples.labels().iter().map(|&label| label as u8).collect();
        idx::write_images(&place.path().join(stems[0]), [1, 31], &samples.read(&all).unwrap()).unwrap();
        idx::write_labels(&place.path().join(stems[1]), &labels).unwrap();
    }
    let left = Arc::new(folder::load(place.path(), "patterns", None, 0).unwrap());
    assert!(left.train.is_on_disk() && left.test.is_on_disk());
    let order = order(300, 2000);
    let run = |data: &Arc<Dataset>, residency| {
        let mut engine = streaming_engine(gpu, &spec, data, options(30, 0.5, 0.0), residency);
        let trained = outcome(&mut engine, &order);
        let test: Vec<u32> = (0..50).collect();
        (trained, block_on(engine.evaluate(Split::Test, &test)).unwrap())
    };
    let in_memory = run(&data, Residency::WhereTheyFit);
    assert_eq!(run(&left, Residency::Streamed), in_memory);
    assert_eq!(run(&left, Residency::WhereTheyFit), in_memory);

    let images = place.path().join(folder::STEMS[0]);
    let mut engine = streaming_engine(gpu, &spec, &left, options(30, 0.0, 0.0), Residency::Streamed);
    std::fs::File::options().write(true).open(images).unwrap().set_len(100).unwrap();
    let error = block_on(engine.train(&order)).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("it now ends before image"), "{error}");
}

fn floats(gpu: &Gpu) {
    // The values of a set of bytes, stretched to both sides of zero; 31 features leave the last vec4 of a row unfilled.
    let (spec, data) = (MlpSpec::new(vec![31, 16, 6]).unwrap(), dataset(31, 6, 97, 20));
    let stretched = |samples: &Samples| {
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        let values: Vec<f32> =
            samples.read(&all).unwrap().iter().map(|&v| f32::from(v) / 64.0 - 1.7).collect();
        Samples::of_floats(31, &values, samples.labels().to_vec(), 6).unwrap()
    };
    let (train, test) = (stretched(&data.train), stretched(&data.test));
    let data = Arc::new(Dataset { train, test, ..(*data).clone() });
    let (order, options) = (order(97, 325), options(16, 0.5, 0.01));
    let run = |residency| outcome(&mut streaming_engine(gpu, &spec, &data, options, residency), &order);
    let resident = run(Residency::WhereTheyFit);
    assert_eq!(run(Residency::Streamed), resident);
    let Trained { mlp, loss, hits, .. } = steps::reference(&spec, &data.train, &order, &options).unwrap();
    assert_layers("floats", &resident.0, &mlp.layers, AFTER_STEPS);
    let got: f64 = resident.1.loss.iter().sum();
    assert!((got - loss).abs() <= 1e-4 * loss, "loss {got} is not {loss}");
    assert_eq!(resident.1.hits, hits as u64);
}

fn evaluation(gpu: &Gpu) {
    // More samples than an evaluation takes at once, and not a multiple of anything.
    let (spec, data) = (MlpSpec::new(vec![9, 12, 4]).unwrap(), dataset(9, 4, 70, 2500));
    let mut engine = engine(gpu, &spec, &data, options(16, 0.0, 0.0));
    let test: Vec<u32> = (0..2311).map(|i| (i * 3 % 2500) as u32).collect();
    let mlp = Parameters::he_uniform(&spec, 5).in_f64(spec.activation().clone());
    let forward = mlp.forward(&inputs(&data.test, &test));
    let labels = labels(&data.test, &test);

    let logits = block_on(engine.logits(Split::Test, &test)).unwrap();
    assert_eq!(logits.shape(), [2311, 4]);
    compare::allclose(logits.data(), forward.logits().data(), Tolerance { atol: 1e-5, rtol: 1e-5 })
        .unwrap_or_else(|mismatch| panic!("logits: {mismatch}"));
    let sums = block_on(engine.evaluate(Split::Test, &test)).unwrap();
    let want: f64 = reference::cross_entropy(forward.logits(), &labels).iter().sum();
    let got: f64 = sums.loss.iter().sum();
    assert!((got - want).abs() <= 1e-5 * want, "loss {got} is not {want}");
    let hits = reference::hits(forward.logits(), &labels).into_iter().filter(|&hit| hit).count();
    assert_eq!((sums.hits, sums.samples), (hits as u64, 2311));
}

fn parameters_survive(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![5, 6, 7, 3]).unwrap(), dataset(5, 3, 40, 5));
    let mut engine = engine(gpu, &spec, &data, options(8, 0.5, 0.0));
    let (parameters, velocities) = (Parameters::he_uniform(&spec, 8), Parameters::he_uniform(&spec, 9));
    let state = OptimizerState { steps: 7, moments: vec![velocities] };
    block_on(engine.set_parameters(&parameters, Some(&state))).unwrap();
    assert_eq!(block_on(engine.parameters()).unwrap(), parameters);
    assert_eq!(block_on(engine.optimizer_state()).unwrap(), state);
}

fn new_network(gpu: &Gpu) {
    // Its kernels have been run by then, whatever the options.
    for case in steps::cases() {
        let spec = MlpSpec::new(vec![5, 6, 3]).unwrap().with_activation(case.activation);
        let (data, residency) = (dataset(5, 3, 40, 5), Residency::WhereTheyFit);
        let mut engine = block_on(GpuEngine::new(gpu.clone(), &spec, case.options, residency)).unwrap();
        block_on(engine.load_dataset(&data)).unwrap();
        assert_eq!(block_on(engine.parameters()).unwrap(), Parameters::zeros(&spec), "{}", case.name);
        let OptimizerState { steps, moments } = block_on(engine.optimizer_state()).unwrap();
        assert!(steps == 0 && moments.iter().all(|moment| *moment == Parameters::zeros(&spec)));
        let sums = block_on(engine.sums()).unwrap();
        assert_eq!((sums.hits, sums.samples, sums.loss.iter().sum::<f64>()), (0, 0, 0.0));
    }
}

fn wrong_parameters(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![5, 6, 3]).unwrap(), dataset(5, 3, 40, 5));
    let mut engine = engine(gpu, &spec, &data, options(8, 0.0, 0.0));
    let other = Parameters::zeros(&MlpSpec::new(vec![5, 7, 3]).unwrap());
    let error = block_on(engine.set_parameters(&other, None)).unwrap_err();
    assert!(error.to_string().contains("[5, 6, 3]") && error.to_string().contains("[5, 7, 3]"), "{error}");
}

fn nan_reaches_the_loss(gpu: &Gpu) {
    // A ReLU that turned NaN into 0 would let a broken network look like an untrained one.
    let (spec, data) = (MlpSpec::new(vec![5, 6, 6, 3]).unwrap(), dataset(5, 3, 40, 5));
    let mut engine = engine(gpu, &spec, &data, options(8, 0.0, 0.0));
    let mut parameters = Parameters::he_uniform(&spec, 5);
    parameters.layers[0].w.data_mut()[0] = f32::NAN;
    block_on(engine.set_parameters(&parameters, None)).unwrap();
    let score = block_on(engine.evaluate(Split::Train, &order(40, 40))).unwrap().score();
    assert!(score.loss.is_nan(), "{score:?}");
}

fn too_large(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![784, 10]).unwrap(), dataset(784, 10, 20, 5));
    let options = options((gpu.max_binding_size() / 785) as usize, 0.0, 0.0);
    let made = GpuEngine::new(gpu.clone(), &spec, options, Residency::WhereTheyFit);
    let loaded = block_on(async { made.await?.load_dataset(&data).await });
    let error = loaded.expect_err("no adapter holds such a batch in one binding");
    assert!(matches!(error, gpu_mlp::Error::TooLarge { .. }), "{error:?}");
    assert!(error.to_string().contains("batch_size"), "{error}");
}

/// The folder of real MNIST, which is no part of this project.
pub fn mnist_folder() -> Option<PathBuf> {
    let named = std::env::var_os("GPU_MLP_MNIST_DIR").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mnist"));
    folder.join("train-images-idx3-ubyte.gz").is_file().then_some(folder)
}

fn mnist() -> Arc<Dataset> {
    let folder = mnist_folder().unwrap();
    let request = data::Request { data: folder.to_str(), ..data::Request::default() };
    Arc::new(data::load(request).unwrap().dataset)
}

fn mnist_step(gpu: &Gpu) {
    let (spec, data) = (MlpSpec::new(vec![784, 300, 75, 10]).unwrap(), mnist());
    let (options, order) = (options(64, 0.0, 0.0), order(60_000, 64));
    let mut engine = engine(gpu, &spec, &data, options);
    train(&mut engine, &order);
    let Trained { mlp, loss, hits, .. } = steps::reference(&spec, &data.train, &order, &options).unwrap();
    let after_one_step = Tolerance { atol: 1e-6, rtol: 1e-5 };
    assert_layers("MNIST", &block_on(engine.parameters()).unwrap(), &mlp.layers, after_one_step);
    let sums = block_on(engine.sums()).unwrap();
    assert!((sums.loss.iter().sum::<f64>() - loss).abs() <= 1e-5 * loss, "loss {sums:?} is not {loss}");
    assert_eq!(sums.hits, hits as u64);
}

fn mnist_both(gpu: &Gpu) {
    // The same 3,200 samples on both engines: rounding differs, what is learned does not.
    let (spec, data) = (MlpSpec::new(vec![784, 300, 75, 10]).unwrap(), mnist());
    let (options, order) = (options(64, 0.0, 0.0), order(60_000, 3200));
    let mut on_gpu = engine(gpu, &spec, &data, options);
    let mut on_cpu = CpuEngine::new(&spec, options);
    block_on(on_cpu.load_dataset(&data)).unwrap();
    block_on(on_cpu.set_parameters(&Parameters::he_uniform(&spec, 5), None)).unwrap();
    train(&mut on_gpu, &order);
    train(&mut on_cpu, &order);
    let test: Vec<u32> = (0..10_000).collect();
    let gpu_score = block_on(on_gpu.evaluate(Split::Test, &test)).unwrap().score();
    let cpu_score = block_on(on_cpu.evaluate(Split::Test, &test)).unwrap().score();
    assert!((gpu_score.loss - cpu_score.loss).abs() < 0.01, "{gpu_score:?} {cpu_score:?}");
    assert!((gpu_score.accuracy() - cpu_score.accuracy()).abs() < 0.01, "{gpu_score:?} {cpu_score:?}");
    assert!(gpu_score.accuracy() > 0.6, "50 steps teach it something: {gpu_score:?}");
}
