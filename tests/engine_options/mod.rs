//! What every engine has to do with every training option, for the tests of both: take the reference's steps, leave
//! evaluation alone, and go on from a state as if nothing had happened.

use std::sync::Arc;

use gpu_mlp::compare::{self, Tolerance};
use gpu_mlp::data::{Dataset, Preparation, Samples, Split};
use gpu_mlp::dropout::Dropout;
use gpu_mlp::engine::{Engine, StepOptions};
use gpu_mlp::metrics::Sums;
use gpu_mlp::model::{MlpSpec, Parameters};
use gpu_mlp::optimizer::{Algorithm, BETAS, EPSILON, Optimizer};
use gpu_mlp::reference::training::{Memory, Training};
use gpu_mlp::reference::{self, Activation, optimizer};
use gpu_mlp::schedule::{Curve, Schedule};
use pollster::block_on;

/// A set of options under a name.
#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    pub activation: Activation,
    pub options: StepOptions,
}

/// Batches of 13: a short one at the end, and no multiple of a block.
const BATCH: usize = 13;

/// Each option by itself, and all of them together.
pub fn cases() -> Vec<Case> {
    let schedule = Schedule { curve: Curve::Cosine, warmup: 4, total: 24, ..Schedule::constant(0.1) };
    let slow = Schedule { lr: 0.004, ..schedule };
    let sgd = |momentum, nesterov| Optimizer { momentum, nesterov, ..Optimizer::default() };
    let of = |algorithm, weight_decay| Optimizer { algorithm, weight_decay, ..Optimizer::default() };
    let plain = StepOptions {
        batch_size: BATCH,
        optimizer: sgd(0.0, false),
        schedule: Schedule::constant(0.1),
        clip_norm: None,
        label_smoothing: 0.0,
        dropout: Dropout::default(),
    };
    let dropout = Dropout { rate: 0.3, seed: 5 << 33 | 9 };
    let with = |name, options| Case { name, activation: Activation::Relu, options };
    let active = |name, activation| Case { name, activation, options: plain };
    vec![
        active("tanh", Activation::Tanh),
        active("sigmoid", Activation::Sigmoid),
        active("gelu", Activation::Gelu),
        with("smoothing", StepOptions { label_smoothing: 0.2, ..plain }),
        with("cosine", StepOptions { schedule, ..plain }),
        with("momentum, cosine", StepOptions { schedule, optimizer: sgd(0.8, false), ..plain }),
        with("one-cycle", StepOptions { schedule: Schedule { curve: Curve::OneCycle, ..schedule }, ..plain }),
        with("nesterov", StepOptions { optimizer: sgd(0.8, true), ..plain }),
        with("clipping", StepOptions { clip_norm: Some(0.3), ..plain }),
        with("adam", StepOptions { schedule: slow, optimizer: of(Algorithm::Adam, 0.01), ..plain }),
        with("adamw", StepOptions { schedule: slow, optimizer: of(Algorithm::AdamW, 0.5), ..plain }),
        with("dropout", StepOptions { dropout, ..plain }),
        Case {
            name: "everything",
            activation: Activation::Gelu,
            options: StepOptions {
                optimizer: of(Algorithm::AdamW, 0.5),
                schedule: Schedule { curve: Curve::OneCycle, ..slow },
                clip_norm: Some(0.5),
                label_smoothing: 0.1,
                dropout,
                ..plain
            },
        },
    ]
}

/// Sizes that end inside a block of 4 and inside a line of 16, and at their ends.
pub const SIZES: [&[usize]; 3] = [&[37, 49, 33, 19], &[16, 32, 10], &[5, 1, 3]];

pub const SAMPLES: usize = 97;

pub fn dataset(features: usize, classes: usize) -> Arc<Dataset> {
    let samples = |count: usize, seed: usize| {
        let pixel = |at: usize| (((at + seed) * 2_654_435_761) >> 7) as u8;
        let labels = (0..count).map(|i| (i * i % classes) as u32).collect();
        Samples::new(features, (0..count * features).map(pixel).collect(), labels, classes).unwrap()
    };
    Arc::new(Dataset {
        name: "noise".into(),
        origin: "a test".into(),
        preparation: Preparation::of_images(classes),
        image_shape: [1, features],
        classes,
        train: samples(SAMPLES, 1),
        test: samples(41, 7),
    })
}

/// Samples for so many steps, the last of which is short.
pub fn order(steps: usize) -> Vec<u32> {
    (0..(steps - 1) * BATCH + 5).map(|i| ((i * 7919 + 13) % SAMPLES) as u32).collect()
}

/// Trains on all these samples, however many the engine takes at a time.
pub fn train(engine: &mut impl Engine, samples: &[u32]) {
    let mut done = 0;
    while done < samples.len() {
        done += block_on(engine.train(&samples[done..])).unwrap();
    }
}

/// The same options in f64.
fn training(options: &StepOptions, number: u64) -> (Training, f64) {
    let rate = options.schedule.rate(number);
    let Optimizer { algorithm, momentum, nesterov, weight_decay } = options.optimizer;
    let rule = match algorithm {
        Algorithm::Sgd => {
            optimizer::Rule::Sgd { momentum: rate.momentum.unwrap_or(momentum.into()), nesterov }
        }
        _ => optimizer::Rule::Adam {
            betas: [rate.momentum.unwrap_or(BETAS[0]), BETAS[1]],
            epsilon: EPSILON,
            decoupled: algorithm == Algorithm::AdamW,
        },
    };
    let training = Training {
        optimizer: optimizer::Optimizer { rule, weight_decay: weight_decay.into() },
        clip_norm: options.clip_norm.map(f64::from),
        label_smoothing: options.label_smoothing.into(),
        dropout: options.dropout,
    };
    (training, rate.lr)
}

/// The reference after the same batches; its optimiser's memory, and the sum of losses.
fn reference_run(
    spec: &MlpSpec,
    data: &Dataset,
    order: &[u32],
    case: &Case,
) -> (reference::Mlp, Memory, f64) {
    let mut mlp = Parameters::initial(spec, 5).in_f64(case.activation);
    let (mut memory, mut loss) = (Memory::new(&mlp), 0.0);
    for batch in order.chunks(BATCH) {
        let labels: Vec<u32> = batch.iter().map(|&i| data.train.labels()[i as usize]).collect();
        let x = data.train.inputs(batch).unwrap();
        let (training, lr) = training(&case.options, memory.steps);
        loss += training.step(&mut mlp, &mut memory, lr, &x, &labels).0 * batch.len() as f64;
    }
    (mlp, memory, loss)
}

fn assert_layers(what: &str, got: &Parameters, want: &[reference::Layer], tolerance: Tolerance) {
    for (l, (got, want)) in got.layers.iter().zip(want).enumerate() {
        for (name, got, want) in [("w", got.w.data(), want.w.data()), ("b", got.b.data(), &want.b)] {
            compare::allclose(got, want, tolerance)
                .unwrap_or_else(|mismatch| panic!("{what}: {name} of layer {l}: {mismatch}"));
        }
    }
}

/// An engine that has the initial parameters.
fn fresh<E: Engine>(
    make: &impl Fn(&MlpSpec, Arc<Dataset>, StepOptions) -> E,
    spec: &MlpSpec,
    case: &Case,
) -> E {
    let mut engine = make(spec, dataset(spec.inputs(), spec.classes()), case.options);
    block_on(engine.set_parameters(&Parameters::initial(spec, 5), None)).unwrap();
    block_on(engine.set_sums(&Sums::default())).unwrap();
    engine
}

/// Steps with each option are the reference's; dropout's masks are, too, and evaluation knows no dropout.
pub fn equal_the_reference<E: Engine>(make: impl Fn(&MlpSpec, Arc<Dataset>, StepOptions) -> E) {
    // Rounding to f32 differs by a few ε a step and grows from step to step. Adam divides small gradients by their own
    // size, so that what is rounded in them counts for more.
    let tolerance = Tolerance { atol: 5e-5, rtol: 5e-4 };
    let cases = cases();
    let everything = cases.iter().filter(|case| case.name == "everything");
    let others = everything.flat_map(|case| SIZES[1..].iter().map(move |sizes| (case, sizes)));
    for (case, sizes) in cases.iter().map(|case| (case, &SIZES[0])).chain(others) {
        let what = format!("{}, {sizes:?}", case.name);
        let spec = MlpSpec::new(sizes.to_vec()).unwrap().with_activation(case.activation);
        let (data, order) = (dataset(spec.inputs(), spec.classes()), order(20));
        let mut engine = fresh(&make, &spec, case);
        train(&mut engine, &order);
        let (mlp, memory, loss) = reference_run(&spec, &data, &order, case);
        assert_layers(&what, &block_on(engine.parameters()).unwrap(), &mlp.layers, tolerance);
        let state = block_on(engine.optimizer_state()).unwrap();
        assert_eq!((state.steps, state.moments.len()), (20, case.options.moments()), "{what}");
        for (moment, want) in state.moments.iter().zip(&memory.moments) {
            assert_layers(&format!("{what}, moments"), moment, want, tolerance);
        }
        let sums = block_on(engine.sums()).unwrap();
        let got: f64 = sums.loss.iter().sum();
        assert!((got - loss).abs() <= 1e-4 * loss, "{what}: loss {got} is not {loss}");

        let test: Vec<u32> = (0..41).rev().collect();
        let labels: Vec<u32> = test.iter().map(|&i| data.test.labels()[i as usize]).collect();
        let want = mlp.loss(&data.test.inputs(&test).unwrap(), &labels);
        let score = block_on(engine.evaluate(Split::Test, &test)).unwrap().score();
        assert!((score.loss - want).abs() <= 1e-3 * want, "{what}: {score:?}, loss {want}");
    }
}

/// A run that is cut and goes on in another engine ends with the same bits, whatever the options.
pub fn resume<E: Engine>(make: impl Fn(&MlpSpec, Arc<Dataset>, StepOptions) -> E) {
    for case in cases() {
        let spec = MlpSpec::new(SIZES[0].to_vec()).unwrap().with_activation(case.activation);
        let order = order(24);
        let mut straight = fresh(&make, &spec, &case);
        train(&mut straight, &order);
        let mut first = fresh(&make, &spec, &case);
        train(&mut first, &order[..9 * BATCH]);
        let mut second = fresh(&make, &spec, &case);
        block_on(async {
            let (parameters, state) =
                (first.parameters().await.unwrap(), first.optimizer_state().await.unwrap());
            second.set_parameters(&parameters, Some(&state)).await.unwrap();
            second.set_sums(&first.sums().await.unwrap()).await.unwrap();
            train(&mut second, &order[9 * BATCH..]);
            let name = case.name;
            assert!(second.parameters().await.unwrap() == straight.parameters().await.unwrap(), "{name}");
            let states = (second.optimizer_state().await.unwrap(), straight.optimizer_state().await.unwrap());
            assert!(states.0 == states.1, "{name}: moments");
            assert_eq!(second.sums().await.unwrap(), straight.sums().await.unwrap(), "{name}: sums");
        });
    }
}

/// What one optimiser remembers is nothing that another can go on with.
pub fn moments_of_another_optimiser_are_refused<E: Engine>(
    make: impl Fn(&MlpSpec, Arc<Dataset>, StepOptions) -> E,
) {
    let (cases, spec) = (cases(), MlpSpec::new(SIZES[1].to_vec()).unwrap());
    let find = |name| cases.iter().find(|case| case.name == name).unwrap();
    let state = block_on(fresh(&make, &spec, find("nesterov")).optimizer_state()).unwrap();
    let mut adam = fresh(&make, &spec, find("adam"));
    let error = block_on(adam.set_parameters(&Parameters::initial(&spec, 5), Some(&state))).unwrap_err();
    assert!(error.to_string().contains("moments of the optimiser: expected shape 2, got 1"), "{error}");
}
