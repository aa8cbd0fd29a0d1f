//! The CPU's engine against the reference: layers that end inside and at the end of a line of 16, batches shorter than
//! a tile and than the threads are many, momentum and weight decay, and a NaN.

use gpu_mlp::checks::selftest::steps::{self, Trained};
use gpu_mlp::data::{Dataset, Preparation, Samples, Split};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::reference;
use gpu_mlp::reference::compare::{self, Tolerance};
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

use crate::engine_options;

const TOLERANCE: Tolerance = Tolerance { atol: 2e-5, rtol: 2e-4 };

fn dataset(features: usize, classes: usize) -> Dataset {
    let samples = |count: usize, seed: usize| {
        let pixel = |at: usize| (((at + seed) * 2_654_435_761) >> 7) as u8;
        let labels = (0..count).map(|i| (i * i % classes) as u32).collect();
        Samples::new(features, (0..count * features).map(pixel).collect(), labels, classes).unwrap()
    };
    let (train, test) = (samples(97, 1), samples(41, 7));
    Dataset {
        validation: None,
        name: "noise".into(),
        origin: "a test".into(),
        preparation: Preparation::of_images(classes),
        image_shape: [1, features],
        classes,
        train,
        test,
    }
}

/// An engine that has taken these samples, on a pool of so many threads.
fn trained(threads: usize, spec: &MlpSpec, data: &Dataset, options: StepOptions, order: &[u32]) -> CpuEngine {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
        let mut engine = CpuEngine::new(spec, options);
        block_on(engine.load_dataset(data)).unwrap();
        block_on(engine.set_parameters(&Parameters::he_uniform(spec, 5), None)).unwrap();
        let mut done = 0;
        while done < order.len() {
            done += block_on(engine.train(&order[done..])).unwrap();
        }
        engine
    })
}

fn equal(what: &str, got: &Parameters, want: &[reference::Layer]) {
    for (l, (got, want)) in got.layers.iter().zip(want).enumerate() {
        for (name, got, want) in [("w", got.w.data(), want.w.data()), ("b", got.b.data(), &want.b)] {
            compare::allclose(got, want, TOLERANCE)
                .unwrap_or_else(|mismatch| panic!("{what}: {name} of layer {l}: {mismatch}"));
        }
    }
}

fn equals_reference(threads: usize, sizes: &[usize], batch_size: usize, momentum: f32, weight_decay: f32) {
    let what = format!("{sizes:?}, {threads} threads, batches of {batch_size}, momentum {momentum}");
    let (spec, data) = (MlpSpec::new(sizes.to_vec()).unwrap(), dataset(sizes[0], sizes[sizes.len() - 1]));
    let options = StepOptions::sgd(batch_size, Sgd { lr: 0.125, momentum, weight_decay });
    let order: Vec<u32> = (0..18 * batch_size + 5).map(|i| ((i * 7919 + 13) % 97) as u32).collect();
    let mut engine = trained(threads, &spec, &data, options, &order);

    let Trained { mlp, memory, loss, hits } = steps::reference(&spec, &data.train, &order, &options).unwrap();
    equal(&what, &block_on(engine.parameters()).unwrap(), &mlp.layers);
    match block_on(engine.optimizer_state()).unwrap().moments.pop() {
        Some(velocities) => equal(&format!("{what}, velocities"), &velocities, &memory.moments[0]),
        None => assert_eq!(momentum, 0.0, "{what}"),
    }
    let sums = block_on(engine.sums()).unwrap();
    let got: f64 = sums.loss.iter().sum();
    assert!((got - loss).abs() < 1e-4 * loss, "{what}: loss {got} is not {loss}");
    assert!(
        sums.samples == order.len() as u64 && sums.hits.abs_diff(hits as u64) <= 1,
        "{what}: {sums:?}, {hits}"
    );

    let test: Vec<u32> = (0..41).rev().collect();
    let labels: Vec<u32> = test.iter().map(|&i| data.test.labels()[i as usize]).collect();
    let forward = mlp.forward(&data.test.inputs(&test).unwrap());
    let logits = block_on(engine.logits(Split::Test, &test)).unwrap();
    compare::allclose(logits.data(), forward.logits().data(), Tolerance { atol: 1e-4, rtol: 1e-3 })
        .unwrap_or_else(|mismatch| panic!("{what}: logits: {mismatch}"));
    let score = block_on(engine.evaluate(Split::Test, &test)).unwrap().score();
    let want = mlp.loss(&data.test.inputs(&test).unwrap(), &labels);
    assert!((score.loss - want).abs() < 1e-4 * want, "{what}: test loss {score:?} is not {want}");
}

#[test]
fn steps_equal_the_reference() {
    for threads in [1, 2, 3, 7] {
        equals_reference(threads, &[37, 19], 13, 0.0, 0.0);
        equals_reference(threads, &[37, 49, 33, 19], 13, 0.0, 0.25);
        equals_reference(threads, &[16, 64, 16, 2], 50, 0.0, 0.0);
        equals_reference(threads, &[784, 30, 5, 10], 3, 0.0, 0.0);
        equals_reference(threads, &[1, 80, 1, 3], 1, 0.0, 0.0);
    }
}

#[test]
fn momentum_and_decay_equal_the_reference() {
    for threads in [1, 2, 3] {
        equals_reference(threads, &[37, 49, 33, 19], 13, 0.5, 0.125);
        equals_reference(threads, &[16, 32, 2], 20, 0.75, 0.0);
    }
}

/// It is answered by the thread that asks, whatever the others do.
#[test]
fn a_row_alone_has_the_bits_that_it_has_among_others() {
    let (spec, data) = (MlpSpec::new(vec![37, 49, 33, 19]).unwrap(), dataset(37, 19));
    let options = StepOptions::sgd(13, Sgd { lr: 0.125, momentum: 0.0, weight_decay: 0.0 });
    let mut engine = trained(3, &spec, &data, options, &[0, 1, 2, 3]);
    let together = block_on(engine.logits(Split::Test, &[4, 5, 6, 7, 8])).unwrap();
    for (row, sample) in (4..9).enumerate() {
        let alone = block_on(engine.logits(Split::Test, &[sample])).unwrap();
        assert_eq!(alone.row(0), together.row(row), "sample {sample}");
    }
}

#[test]
fn the_same_threads_give_the_same_bits() {
    let (spec, data) = (MlpSpec::new(vec![37, 49, 33, 19]).unwrap(), dataset(37, 19));
    let options = StepOptions::sgd(13, Sgd { lr: 0.125, momentum: 0.5, weight_decay: 0.125 });
    let order: Vec<u32> = (0..97).collect();
    for threads in [1, 3] {
        let run = || block_on(trained(threads, &spec, &data, options, &order).parameters()).unwrap();
        assert_eq!(run(), run(), "{threads} threads");
    }
}

#[test]
fn a_nan_reaches_the_loss() {
    let (spec, data) = (MlpSpec::new(vec![37, 49, 33, 19]).unwrap(), dataset(37, 19));
    let options = StepOptions::sgd(13, Sgd { lr: 0.125, momentum: 0.0, weight_decay: 0.0 });
    for (layer, at) in [(0, 5), (1, 1616), (2, 626)] {
        let mut engine = CpuEngine::new(&spec, options);
        block_on(engine.load_dataset(&data)).unwrap();
        let mut parameters = Parameters::he_uniform(&spec, 5);
        parameters.layers[layer].w.data_mut()[at] = f32::NAN;
        block_on(engine.set_parameters(&parameters, None)).unwrap();
        assert_eq!(block_on(engine.train(&[1, 2, 3])).unwrap(), 3);
        assert!(block_on(engine.sums()).unwrap().score().loss.is_nan(), "layer {layer}");
        assert!(block_on(engine.evaluate(Split::Test, &[0])).unwrap().score().loss.is_nan(), "layer {layer}");
    }
}

/// Engines on a pool of so many threads.
fn engines(threads: usize) -> impl Fn(&MlpSpec, StepOptions) -> CpuEngine {
    move |spec, options| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| CpuEngine::new(spec, options))
    }
}

#[test]
fn every_option_equals_the_reference() {
    for threads in [1, 3] {
        engine_options::equal_the_reference(engines(threads));
    }
}

#[test]
fn every_option_resumes_bit_for_bit() {
    for threads in [1, 2] {
        engine_options::resume(engines(threads));
    }
}

#[test]
fn moments_of_another_optimiser_are_refused() {
    engine_options::moments_of_another_optimiser_are_refused(engines(1));
}

#[test]
fn the_halves_of_a_step_are_the_step_to_the_bit() {
    for threads in [1, 3] {
        engine_options::halves_are_a_step(engines(threads), |_| false);
    }
}

#[test]
fn gradients_of_parts_add_up() {
    engine_options::parts_add_up(engines(2));
}

#[test]
fn halves_refuse_what_does_not_fit() {
    engine_options::halves_refuse_what_does_not_fit(engines(1));
}
