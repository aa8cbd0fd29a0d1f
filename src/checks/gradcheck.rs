//! Checks the gradients that an engine really computes, on the device on which it runs.
//!
//! It compares them with central differences of the reference's loss in f64, which need no backpropagation:
//!
//! ```text
//! dL/dw ≈ (L(w + h) - L(w - h)) / 2h          h = 1e-5: error O(h²) ≈ 1e-10 from the curve, ε L / h ≈ 1e-11 from f64
//! ```
//!
//! The gradient is checked in two ways. [`Engine::gradients`] returns a gradient that the engine stores. A whole step
//! stores none, since its product is fused with the update; but after one step from zero velocities, with momentum and
//! without weight decay, `v = momentum · 0 + g` is the gradient of that step, bit for bit.
//!
//! Source: Goodfellow, Bengio, Courville, *Deep Learning* (2016), section 11.5.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::data::{Samples, Split, Targets};
use crate::engine::{self, Device, Engine, EngineInfo, Residency};
use crate::error::{Error, Remedy, Result, Setting, message};
use crate::network::{Activation, Activations, Loss, MlpSpec, Parameters, Task};
use crate::reference::{Forward, Matrix, Mlp};
use crate::step::metrics::Sums;
use crate::step::{Sgd, StepOptions};
use crate::tensor::Tensor;
use crate::training::Aims;

/// Half the distance of a central difference.
const H: f64 = 1e-5;

/// Values of one tensor that are checked; of a larger one, so many at even distances.
const MOST: usize = 1000;

/// An input no multiple of the kernels' blocks, and classes as in the usual data sets.
const FEATURES: usize = 21;
const CLASSES: usize = 10;

/// What an f32 gradient may be off by: relative to the value, to the tensor's largest one, and whatever these are.
const RELATIVE: f64 = 1e-4;
const OF_LARGEST: f64 = 1e-5;
const ABSOLUTE: f64 = 1e-9;

/// The largest batch: every value checked takes the whole batch forward twice.
const MAX_BATCH: usize = 4096;

/// A hidden unit this near to 0 may be on for an engine in f32 and off for the reference: such samples are not drawn.
const MARGIN: f64 = 1e-4;

/// A network and a batch whose gradient is to be checked.
pub struct Problem {
    /// Random weights; biases that are not zero, so that they take part.
    pub parameters: Parameters,
    /// What follows every hidden layer.
    pub activation: Activations,
    /// What is made small; the samples have targets for it.
    pub loss: Loss,
    /// How much of each label is spread evenly over all classes.
    pub label_smoothing: f32,
    /// The batch: synthetic samples.
    pub samples: Samples,
}

/// The result for one tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// W1, b1, W2, …
    pub tensor: String,
    /// Values in it.
    pub values: usize,
    /// Values checked.
    pub checked: usize,
    /// Values left out because some ReLU turns on or off within ± h: the loss has a kink there and no derivative.
    pub kinks: usize,
    /// The difference that is closest to its bound.
    pub worst: f64,
    /// What that value may be off by.
    pub allowed: f64,
    /// Whether every value checked lies within what it may be off by; never true if none could be checked.
    pub ok: bool,
}

/// The result for all tensors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whether every tensor is right.
    pub ok: bool,
    /// One row a tensor.
    pub tensors: Vec<Row>,
}

impl Problem {
    /// A network of these hidden layers, with ReLU, over random samples, `batch` of them, all from one seed.
    ///
    /// # Errors
    /// As [`with_activation`](Self::with_activation).
    pub fn new(hidden: &[usize], batch: usize, seed: u64) -> Result<Self> {
        Self::with_activation(hidden, Activation::Relu, batch, seed)
    }

    /// The same with any activation.
    ///
    /// # Errors
    /// [`Error::Usage`] for sizes or a batch that cannot be meant, and if too few samples keep clear of the kinks.
    pub fn with_activation(
        hidden: &[usize],
        activation: impl Into<Activations>,
        batch: usize,
        seed: u64,
    ) -> Result<Self> {
        let activation = activation.into();
        if !activation.fit(hidden.len()) {
            return Err(Error::usage(message![
                Setting::Activation.set(&activation),
                format!(": expected one for all hidden layers, or one for each of the {}", hidden.len())
            ]));
        }
        if batch == 0 || batch > MAX_BATCH {
            return Err(Error::usage(message![
                Setting::Batch,
                format!(" must lie between 1 and {MAX_BATCH}, got {batch}")
            ]));
        }
        let spec = MlpSpec::with_hidden(FEATURES, hidden, CLASSES)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1); // 0 makes the weights
        let mut parameters = Parameters::he_uniform(&spec, seed);
        for b in parameters.layers.iter_mut().flat_map(|layer| layer.b.data_mut()) {
            *b = (rng.next_u32() % 201) as f32 / 1000.0 - 0.1;
        }
        let samples = draw(&mut rng, &parameters.in_f64(activation.clone()), batch)?;
        let (loss, label_smoothing) = (Loss::default(), 0.0);
        Ok(Self { parameters, activation, loss, label_smoothing, samples })
    }

    /// The same network and samples with another loss: numbers as targets, random ones, or zeros and ones for labels.
    ///
    /// # Errors
    /// [`Error::Usage`] if labels are to be smoothed and the loss takes none.
    pub fn with_loss(mut self, loss: Loss) -> Result<Self> {
        self.loss = loss;
        let value: fn(u32) -> f32 = match loss.task() {
            Task::Classification => return Ok(self),
            Task::MultiLabel => |word| (word >> 31) as f32,
            Task::Regression => |word| (word >> 8) as f32 / (1 << 22) as f32 - 2.0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let count = self.samples.len() * CLASSES;
        let targets = Targets::values(CLASSES, (0..count).map(|_| value(rng.next_u32())).collect())?;
        self.samples = self.samples.with_targets(targets)?;
        Ok(self)
    }

    /// The network.
    ///
    /// # Errors
    /// [`Error::Shape`] if the parameters have been changed to some that do not chain.
    pub fn spec(&self) -> Result<MlpSpec> {
        Ok(self.parameters.spec()?.with_activation(self.activation.clone()).with_loss(self.loss))
    }

    /// The step after which the velocities are the gradient.
    pub fn options(&self) -> StepOptions {
        let sgd = Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.0 };
        let plain = StepOptions::sgd(self.samples.len(), sgd);
        StepOptions { label_smoothing: self.label_smoothing, ..plain }
    }

    /// The gradient that an engine made with [`options`](Self::options) for this problem hands out.
    ///
    /// # Errors
    /// As [`Engine::load`] and [`Engine::gradients`].
    pub async fn given_gradient(&self, engine: &mut impl Engine) -> Result<Parameters> {
        let batch: Vec<u32> = (0..self.samples.len() as u32).collect();
        engine.load(Split::Train, self.samples.clone()).await?;
        engine.set_parameters(&self.parameters, None).await?;
        engine.gradients(&batch).await
    }

    /// The gradient along which such an engine takes a step.
    ///
    /// # Errors
    /// As [`Engine::load`] and [`Engine::train`].
    pub async fn gradient(&self, engine: &mut impl Engine) -> Result<Parameters> {
        let batch: Vec<u32> = (0..self.samples.len() as u32).collect();
        engine.load(Split::Train, self.samples.clone()).await?;
        engine.set_parameters(&self.parameters, None).await?;
        engine.set_sums(&Sums::default()).await?;
        let taken = engine.train(&batch).await?;
        let velocities = engine.optimizer_state().await?.moments.pop();
        velocities
            .filter(|_| taken == batch.len())
            .ok_or_else(|| Error::Internal("one batch was not one step with momentum".into()))
    }

    /// Judges a gradient by central differences.
    ///
    /// # Errors
    /// [`Error::Shape`] if it is of another network.
    pub fn judge(&self, gradient: &Parameters) -> Result<Report> {
        self.judge_all(&[gradient])
    }

    /// Judges several gradients at once: each row has the value of them all that is the furthest off.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_all(&self, gradients: &[&Parameters]) -> Result<Report> {
        let spec = self.parameters.spec()?;
        gradients.iter().try_for_each(|gradient| gradient.check(&spec))?;
        let samples = &self.samples;
        let batch: Vec<u32> = (0..samples.len() as u32).collect();
        let (mut mlp, x) = (self.parameters.in_f64(self.activation.clone()), samples.inputs(&batch)?);
        let aims = Aims::of(samples, &batch)?;
        let mut tensors = Vec::new();
        for l in 0..spec.layers().len() {
            let dense = || gradients.iter().map(|gradient| &gradient.layers[l]);
            let got: [Vec<&[f32]>; 2] = [
                dense().map(|dense| dense.w.data()).collect(),
                dense().map(|dense| dense.b.data()).collect(),
            ];
            for (name, got) in ["W", "b"].into_iter().zip(got) {
                let slot = |mlp: &mut Mlp, i: usize, by: f64| match name {
                    "W" => mlp.layers[l].w.data_mut()[i] += by,
                    _ => mlp.layers[l].b[i] += by,
                };
                let losses =
                    |logits: &Matrix| self.loss.of_rows(logits, aims.aim(), self.label_smoothing.into());
                let slope = |i| slope(&mut mlp, &x, losses, |mlp, by| slot(mlp, i, by));
                tensors.push(row(format!("{name}{}", l + 1), &got, slope));
            }
        }
        Ok(Report { ok: tensors.iter().all(|row| row.ok), tensors })
    }
}

/// What computed the gradient, with its report, for the `--json` of the command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// What computed.
    pub engine: EngineInfo,
    /// How it did.
    #[serde(flatten)]
    pub report: Report,
}

/// Checks the engine of a device: the gradient that it hands out, and the one that its step takes. Each row of the report
/// has the value of both that is the furthest off.
///
/// # Errors
/// As [`engine::open`] and [`Problem::gradient`].
pub async fn check(problem: &Problem, device: &Device) -> Result<Checked> {
    let (spec, options) = (problem.spec()?, problem.options());
    let mut engine = engine::open(device, &spec, options, Residency::WhereTheyFit).await?;
    let given = problem.given_gradient(&mut engine).await?;
    let taken = problem.gradient(&mut engine).await?;
    Ok(Checked { engine: engine.info(), report: problem.judge_all(&[&taken, &given])? })
}

/// Random samples for which no hidden unit of the network is near the kink.
fn draw(rng: &mut ChaCha8Rng, mlp: &Mlp, batch: usize) -> Result<Samples> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..100 * batch {
        let row: Vec<u8> = (0..FEATURES).map(|_| (rng.next_u32() >> 24) as u8).collect();
        let x = Tensor::from_fn(1, FEATURES, |_, c| f64::from(row[c]) / 255.0);
        let forward = mlp.forward(&x);
        if kinks(mlp, &forward).all(|z| z.abs() > MARGIN) {
            pixels.extend(row);
            labels.push(rng.next_u32() % CLASSES as u32);
        }
        if labels.len() == batch {
            return Samples::new(FEATURES, pixels, labels, CLASSES);
        }
    }
    let problem = "too few random samples keep all hidden units away from the ReLU's kink";
    Err(Error::usage(problem).hint(Remedy::smaller(&[Setting::Hidden])))
}

/// Every z that an activation with a kink follows.
fn kinks<'a>(mlp: &Mlp, forward: &'a Forward) -> impl Iterator<Item = f64> + 'a {
    let bent: Vec<bool> =
        (0..forward.z.len().saturating_sub(1)).map(|l| mlp.activation.of(l).has_kink()).collect();
    let layers = forward.z.iter().zip(bent).filter(|(_, bent)| *bent);
    layers.flat_map(|(z, _)| z.data().iter().copied())
}

/// The derivative of the mean loss with respect to what `move_by` moves; nothing if a ReLU switches on or off on the way.
fn slope(
    mlp: &mut Mlp,
    x: &Matrix,
    losses: impl Fn(&Matrix) -> Vec<f64>,
    move_by: impl Fn(&mut Mlp, f64),
) -> Option<f64> {
    let at = |by: f64| {
        let mut moved = mlp.clone();
        move_by(&mut moved, by);
        let forward = moved.forward(x);
        let losses = losses(forward.logits());
        let on: Vec<bool> = kinks(mlp, &forward).map(|z| z > 0.0).collect();
        (losses.iter().sum::<f64>() / losses.len() as f64, on)
    };
    let ((above, on_above), (below, on_below)) = (at(H), at(-H));
    (on_above == on_below).then(|| (above - below) / (2.0 * H))
}

/// Judges one tensor's gradient, in one or several versions, by its slopes.
fn row(tensor: String, got: &[&[f32]], mut slope: impl FnMut(usize) -> Option<f64>) -> Row {
    let values = got.first().map_or(0, |got| got.len());
    let stride = values.div_ceil(MOST).max(1);
    let looked_at: Vec<usize> = (0..values).step_by(stride).collect();
    let slopes: Vec<(usize, f64)> =
        looked_at.iter().filter_map(|&i| slope(i).map(|want| (i, want))).collect();
    let largest = slopes.iter().fold(0.0_f64, |largest, (_, want)| largest.max(want.abs()));
    let (mut worst, mut allowed, mut excess) = (0.0, ABSOLUTE + OF_LARGEST * largest, 0.0);
    for (&got, &(i, want)) in got.iter().flat_map(|got| slopes.iter().map(move |slope| (got, slope))) {
        let may = ABSOLUTE + OF_LARGEST * largest + RELATIVE * want.abs();
        let off = (f64::from(got[i]) - want).abs();
        // A gradient that is no number is as wrong as can be.
        let share = if off.is_nan() { f64::INFINITY } else { off / may };
        if share > excess {
            (worst, allowed, excess) = (off, may, share);
        }
    }
    let (checked, kinks) = (slopes.len(), looked_at.len() - slopes.len());
    Row { tensor, values, checked, kinks, worst, allowed, ok: checked > 0 && excess <= 1.0 }
}
