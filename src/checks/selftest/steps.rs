//! Whole training steps of an engine against the same steps in f64, with every option.

use super::{Row, Trial};
use crate::data::{Samples, Split, Targets};
use crate::engine::Engine;
use crate::error::Result;
use crate::network::{Activation, Activations, Loss, MlpSpec, Parameters, Task};
use crate::reference::compare::Tolerance;
use crate::reference::training::{Memory, Training};
use crate::reference::{Layer, Mlp, optimizer};
use crate::step::StepOptions;
use crate::step::dropout::Dropout;
use crate::step::metrics::Sums;
use crate::step::optimizer::{Algorithm, BETAS, EPSILON, Optimizer};
use crate::step::schedule::{Curve, Schedule};
use crate::training::Aims;

/// A set of options under a name.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// Of the hidden layers.
    pub activation: Activations,
    /// What is made small.
    pub loss: Loss,
    /// How steps are taken.
    pub options: StepOptions,
}

/// Samples in a batch: a short one at the end, and no multiple of a block.
pub const BATCH: usize = 13;

/// Sizes that end inside a block of 4 and inside a line of 16.
pub const SIZES: [usize; 4] = [37, 49, 33, 19];

/// Samples to train on.
pub const TRAIN: usize = 97;
/// Samples to measure on.
const TEST: usize = 41;

/// Steps that a self-test takes with each set of options.
const STEPS: usize = 50;

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
    let dropout = Dropout { rate: 0.3, seed: 5 << 33 | 9, first_row: 0 };
    let with =
        |name, options| Case { name, activation: Activations::default(), loss: Loss::default(), options };
    let active = |name, activation| Case {
        name,
        activation: Activations::from(activation),
        loss: Loss::default(),
        options: plain,
    };
    let decay = Optimizer { weight_decay: 0.01, ..sgd(0.5, false) };
    let of_loss = |name, loss, options| Case { loss, ..with(name, options) };
    let adam = StepOptions { schedule: slow, optimizer: of(Algorithm::Adam, 0.01), ..plain };
    vec![
        with("relu", plain),
        with("decay", StepOptions { optimizer: Optimizer { momentum: 0.0, ..decay }, ..plain }),
        with("momentum, decay", StepOptions { optimizer: decay, ..plain }),
        active("tanh", Activation::Tanh),
        active("sigmoid", Activation::Sigmoid),
        active("gelu", Activation::Gelu),
        active("leaky-relu", Activation::LeakyRelu),
        active("elu", Activation::Elu),
        active("silu", Activation::Silu),
        active("softplus", Activation::Softplus),
        active("identity", Activation::Identity),
        Case {
            activation: Activations::Each(vec![Activation::Relu, Activation::Tanh]),
            ..with("relu and tanh", plain)
        },
        with("smoothing", StepOptions { label_smoothing: 0.2, ..plain }),
        with("cosine", StepOptions { schedule, ..plain }),
        with("momentum, cosine", StepOptions { schedule, optimizer: sgd(0.8, false), ..plain }),
        with("one-cycle", StepOptions { schedule: Schedule { curve: Curve::OneCycle, ..schedule }, ..plain }),
        with("nesterov", StepOptions { optimizer: sgd(0.8, true), ..plain }),
        with("clipping", StepOptions { clip_norm: Some(0.3), ..plain }),
        with("adam", adam),
        of_loss("sigmoid cross-entropy", Loss::SigmoidCrossEntropy, plain),
        of_loss("sigmoid cross-entropy, adam", Loss::SigmoidCrossEntropy, adam),
        of_loss("squared error", Loss::SquaredError, plain),
        of_loss("huber", Loss::Huber { delta: 0.5 }, plain),
        of_loss("squared error, adam, dropout", Loss::SquaredError, StepOptions { dropout, ..adam }),
        with("adamw", StepOptions { schedule: slow, optimizer: of(Algorithm::AdamW, 0.5), ..plain }),
        with("dropout", StepOptions { dropout, ..plain }),
        Case {
            name: "everything",
            activation: Activation::Gelu.into(),
            loss: Loss::default(),
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

/// Noise for a network to learn, the same in every call: samples to train on, and samples to measure on, with classes,
/// labels or numbers, as its loss wants them.
///
/// # Errors
/// None that these sizes could cause.
pub fn noise(spec: &MlpSpec) -> Result<[Samples; 2]> {
    let (features, classes) = (spec.inputs(), spec.classes());
    let samples = |count: usize, seed: u64| {
        let pixel = |at: usize| ((at as u64 + seed).wrapping_mul(2_654_435_761) >> 7) as u8;
        let labels = (0..count).map(|i| (i * i % classes) as u32).collect();
        let samples = Samples::new(features, (0..count * features).map(pixel).collect(), labels, classes)?;
        let noise = |at: usize| f32::from(pixel(at + 77)) / 128.0 - 1.0;
        let value: Box<dyn Fn(usize) -> f32> = match spec.loss().task() {
            Task::Classification => return Ok(samples),
            Task::MultiLabel => Box::new(|at| f32::from(u8::from(noise(at) > 0.0))),
            Task::Regression => Box::new(noise),
        };
        samples.with_targets(Targets::values(classes, (0..count * classes).map(value).collect())?)
    };
    Ok([samples(TRAIN, 1)?, samples(TEST, 7)?])
}

/// Gives an engine both parts of [`noise`] for its network.
///
/// # Errors
/// What the engine reports.
pub async fn load(engine: &mut impl Engine, spec: &MlpSpec) -> Result<()> {
    let [train, test] = noise(spec)?;
    engine.load(Split::Train, train).await?;
    engine.load(Split::Test, test).await
}

/// Samples for so many steps, the last of which is short.
pub fn order(steps: usize) -> Vec<u32> {
    order_of(BATCH, steps)
}

/// The same for batches of another size.
fn order_of(batch_size: usize, steps: usize) -> Vec<u32> {
    (0..(steps - 1) * batch_size + batch_size.min(5)).map(|i| ((i * 7919 + 13) % TRAIN) as u32).collect()
}

/// Trains on all these samples, however many the engine takes at a time.
///
/// # Errors
/// What the engine reports.
pub async fn train(engine: &mut impl Engine, samples: &[u32]) -> Result<()> {
    let mut done = 0;
    while done < samples.len() {
        done += engine.train(&samples[done..]).await?;
    }
    Ok(())
}

/// The same options in f64, with the learning rate of a step.
pub fn twin(options: &StepOptions, loss: Loss, number: u64) -> (Training, f64) {
    let rate = options.schedule.rate(number);
    let Optimizer { algorithm, momentum, nesterov, weight_decay } = options.optimizer;
    let rule = match algorithm {
        Algorithm::Sgd => {
            optimizer::Rule::Sgd { momentum: rate.momentum.unwrap_or(momentum.into()), nesterov }
        }
        Algorithm::Adam | Algorithm::AdamW => optimizer::Rule::Adam {
            betas: [rate.momentum.unwrap_or(BETAS[0]), BETAS[1]],
            epsilon: EPSILON,
            decoupled: algorithm == Algorithm::AdamW,
        },
    };
    let training = Training {
        loss,
        optimizer: optimizer::Optimizer { rule, weight_decay: weight_decay.into() },
        clip_norm: options.clip_norm.map(f64::from),
        label_smoothing: options.label_smoothing.into(),
        dropout: options.dropout,
    };
    (training, rate.lr)
}

/// What the reference has after training.
pub struct Trained {
    /// The network.
    pub mlp: Mlp,
    /// Its optimiser's.
    pub memory: Memory,
    /// The sum over all samples trained on.
    pub loss: f64,
    /// Of these samples, each before its step.
    pub hits: usize,
}

/// The reference from the initial parameters of seed 5, after these samples.
///
/// # Errors
/// [`Error::File`](crate::Error::File) if the samples cannot be read.
pub fn reference(spec: &MlpSpec, samples: &Samples, order: &[u32], options: &StepOptions) -> Result<Trained> {
    let mlp = Parameters::initial(spec, 5).in_f64(spec.activation().clone());
    let mut trained = Trained { memory: Memory::new(&mlp), mlp, loss: 0.0, hits: 0 };
    for batch in order.chunks(options.batch_size) {
        let aim = Aims::of(samples, batch)?;
        let x = samples.inputs(batch)?;
        let Trained { mlp, memory, .. } = &mut trained;
        let (training, lr) = twin(options, spec.loss(), memory.steps);
        let (mean, hits) = training.step(mlp, memory, lr, &x, aim.aim());
        trained.loss += mean * batch.len() as f64;
        trained.hits += hits;
    }
    Ok(trained)
}

/// Takes the self-test's steps with each set of options. Rounding to f32 differs by a few ε a step and grows from step to
/// step; Adam divides small gradients by their own size, so that what is rounded in them counts for more.
///
/// # Errors
/// What the engine reports.
pub async fn check<E: Engine>(make: impl AsyncFn(&MlpSpec, StepOptions) -> Result<E>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in cases() {
        let after = Tolerance { atol: 2e-5, rtol: 2e-4 };
        rows.push(check_case(&case, &SIZES, STEPS, after, &make).await?);
    }
    Ok(rows)
}

/// Takes so many steps, and compares parameters, moments, training loss and test loss.
///
/// # Errors
/// What the engine reports.
pub async fn check_case<E: Engine>(
    case: &Case,
    sizes: &[usize],
    steps: usize,
    tolerance: Tolerance,
    make: &impl AsyncFn(&MlpSpec, StepOptions) -> Result<E>,
) -> Result<Row> {
    let mut trial = Trial::new(format!("{steps} steps, {}", case.name));
    trial.shape(sizes);
    let spec = MlpSpec::new(sizes.to_vec())?.with_activation(case.activation.clone()).with_loss(case.loss);
    let ([train_samples, test_samples], order) = (noise(&spec)?, order_of(case.options.batch_size, steps));
    let mut engine = make(&spec, case.options).await?;
    load(&mut engine, &spec).await?;
    engine.set_parameters(&Parameters::initial(&spec, 5), None).await?;
    engine.set_sums(&Sums::default()).await?;
    train(&mut engine, &order).await?;

    let Trained { mlp, memory, loss, .. } = reference(&spec, &train_samples, &order, &case.options)?;
    layers(&mut trial, "", &engine.parameters().await?, &mlp.layers, tolerance);
    let state = engine.optimizer_state().await?;
    trial.equal(&"moments", &[state.moments.len()], &[case.options.moments()]);
    trial.equal(&"steps", &[state.steps], &[steps as u64]);
    for (moment, want) in state.moments.iter().zip(&memory.moments) {
        layers(&mut trial, "moments of ", moment, want, tolerance);
    }
    let got: f64 = engine.sums().await?.loss.iter().sum();
    trial.holds(&"loss", (got - loss).abs() <= 1e-4 * loss, &format!("got {got}, want {loss}"));

    let test: Vec<u32> = (0..TEST as u32).rev().collect();
    let (aim, forward) = (Aims::of(&test_samples, &test)?, mlp.forward(&test_samples.inputs(&test)?));
    let losses = spec.loss().of_rows(forward.logits(), aim.aim(), 0.0);
    let want = losses.iter().sum::<f64>() / losses.len() as f64;
    let got = engine.evaluate(Split::Test, &test).await?.loss();
    trial.holds(&"test loss", (got - want).abs() <= 1e-3 * want, &format!("got {got}, want {want}"));
    Ok(trial.row())
}

fn layers(trial: &mut Trial, what: &str, got: &Parameters, want: &[Layer], tolerance: Tolerance) {
    for (l, (got, want)) in got.layers.iter().zip(want).enumerate() {
        for (name, got, want) in [("w", got.w.data(), want.w.data()), ("b", got.b.data(), &want.b)] {
            let allowed = |i: usize| tolerance.atol + tolerance.rtol * want[i].abs();
            trial.within(&format!("{what}{name} of layer {l}"), got, want, allowed);
        }
    }
}
