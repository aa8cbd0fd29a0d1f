//! Trains a network correctly and again with injected bugs, with the same seed on the same data, to show the effect of a bug
//! on loss and accuracy.
//!
//! It runs in f64 on the CPU, each training in its own thread, with the formulas of the [`doctor`](crate::doctor). The
//! curves have two losses: the one that the code with the bug *prints*, and the cross-entropy of the same logits.

pub mod injection;
pub mod setting;
pub mod sketch;
pub mod training;

use rayon::prelude::*;
use serde::Serialize;

use self::injection::Injection;
use self::setting::Setting;
use self::training::{Batch, Measured, Training};
use crate::data::{Dataset, Samples};
use crate::error::{Error, Result};
use crate::network::{Activation, MlpSpec, Parameters};
use crate::report::chart::{Figure, Line, Mark, Panel, Series, XAxis};
use crate::training::shuffled;

/// Evaluations in the first epoch, in the second, and in each of the rest: most happens at first.
const EVALUATIONS: [usize; 3] = [32, 8, 1];

/// An evaluation is one matrix, as in people's own code; of a larger test split, so many samples from the first.
pub const MOST_EVALUATED: usize = 10_000;

/// What is the same in all trainings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Sizes of the hidden layers.
    pub hidden: Vec<usize>,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Times that every sample is seen.
    pub epochs: usize,
    /// Learning rate; none is the optimiser's usual one.
    pub lr: Option<f64>,
    /// Of the weights, the order of samples, and dropout's masks.
    pub seed: u64,
    /// The hidden activation.
    pub act: Activation,
}

/// One of the trainings.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// For people.
    pub label: String,
    /// What goes wrong in it.
    pub bugs: Vec<Injection>,
}

/// An evaluation on the way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Epochs so far.
    pub epoch: f64,
    /// What was measured.
    #[serde(flatten)]
    pub measured: Measured,
}

/// What a training was like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// For people.
    pub label: String,
    /// The bugs, as on the command line.
    pub bugs: Vec<String>,
    /// Bugs whose formula does not apply to this network, so that nothing was wrong.
    pub never_applied: Vec<String>,
    /// The lowest loss that was printed, and where.
    pub lowest: Option<Point>,
    /// How far the printed loss ends above its lowest.
    pub rise: Option<f64>,
    /// The epoch in which the cross-entropy was no longer a number.
    pub diverged: Option<f64>,
    /// From the start to the end.
    pub points: Vec<Point>,
}

/// The question that this project began with: its evaluation, its output delta and its bias gradient, each alone and
/// all together.
///
/// # Errors
/// Never: the bugs are the catalogue's.
pub fn seed_question() -> Result<Vec<Plan>, String> {
    const BUGS: [(&str, &str); 3] = [
        ("evaluation:softmax-whole-batch", "softmax over the whole matrix, in the evaluation"),
        ("softmax-jacobian", "Jacobian in the output delta"),
        ("bias-last-sample-scalar", "bias gradient of the last sample, summed to one number"),
    ];
    let mut plans = vec![Plan { label: "right".into(), bugs: Vec::new() }];
    for (bug, label) in BUGS {
        plans.push(Plan { label: label.into(), bugs: vec![Injection::parse(bug)?] });
    }
    let all = BUGS.iter().map(|(bug, _)| Injection::parse(bug)).collect::<Result<_, _>>()?;
    plans.push(Plan { label: "all three, as in the question".into(), bugs: all });
    Ok(plans)
}

/// Right, and with all of these bugs at once.
pub fn with_and_without(bugs: &[Injection]) -> Vec<Plan> {
    let names: Vec<String> = bugs.iter().map(Injection::text).collect();
    let right = Plan { label: "right".into(), bugs: Vec::new() };
    vec![right, Plan { label: names.join(" + "), bugs: bugs.to_vec() }]
}

impl Config {
    /// The optimiser and the learning rate of all these trainings.
    pub fn setting(&self, plans: &[Plan]) -> (Setting, f64) {
        let bugs: Vec<Injection> = plans.iter().flat_map(|plan| plan.bugs.clone()).collect();
        let setting = Setting::of(&bugs, self.seed);
        (setting, self.lr.unwrap_or(setting.lr()))
    }

    /// Whether every value can be meant.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the option, what it was and what it may be.
    pub fn check(&self, dataset: &Dataset) -> Result<MlpSpec> {
        let refuse = |option: &str, got: &dyn std::fmt::Display, wanted: &str| {
            Err(Error::usage(format!("--{option} {got}: expected {wanted}")))
        };
        let samples = dataset.train.len();
        if self.batch_size == 0 || self.batch_size > samples {
            return refuse("batch-size", &self.batch_size, &format!("1 to {samples}, the training samples"));
        }
        if self.epochs == 0 {
            return refuse("epochs", &0, "1 or more");
        }
        if let Some(lr) = self.lr.filter(|lr| !(*lr > 0.0 && lr.is_finite())) {
            return refuse("lr", &lr, "a number greater than 0");
        }
        MlpSpec::with_hidden(dataset.train.features(), &self.hidden, dataset.classes)
    }
}

/// Hears of every evaluation, and says whether to go on. Trainings run side by side, so it may be called from several
/// threads at once.
pub trait Watch: Sync {
    /// A training, by its index, has come so far.
    fn measured(&self, plan: usize, point: &Point) -> bool;
}

/// Runs all trainings; `None` if the watcher ended them. On one thread, as in a browser, they come from evaluation to evaluation
/// in turns, so that who watches sees their curves part.
///
/// # Errors
/// What [`Config::check`] refuses; [`Error::File`] and [`Error::Io`] if samples cannot be read.
pub fn replay(
    dataset: &Dataset,
    config: &Config,
    plans: &[Plan],
    watch: &impl Watch,
) -> Result<Option<Vec<Curve>>> {
    let spec = config.check(dataset)?;
    let parameters = Parameters::he_uniform(&spec, config.seed);
    let run = |plan| Run::new(dataset, config, plans, plan, &parameters);
    let mut runs: Vec<Run<'_>> = plans.iter().map(run).collect();
    let next = |(index, run): (usize, &mut Run<'_>)| {
        let Some(point) = run.next()? else { return Ok(Turn::Done) };
        Ok(if watch.measured(index, &point) { Turn::GoesOn } else { Turn::Ended })
    };
    let all = |(index, run): (usize, &mut Run<'_>)| loop {
        match next((index, &mut *run)) {
            Ok(Turn::GoesOn) => {}
            other => return other,
        }
    };
    let ended = match rayon::current_num_threads() {
        1 => loop {
            let turns: Vec<Turn> = runs.iter_mut().enumerate().map(next).collect::<Result<_>>()?;
            if turns.contains(&Turn::Ended) {
                break true;
            }
            if !turns.contains(&Turn::GoesOn) {
                break false;
            }
        },
        _ => {
            let turns: Vec<Turn> = runs.par_iter_mut().enumerate().map(all).collect::<Result<_>>()?;
            turns.contains(&Turn::Ended)
        }
    };
    Ok((!ended).then(|| runs.into_iter().map(Run::curve).collect()))
}

/// What became of a training that was to come to its next evaluation.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    GoesOn,
    Done,
    Ended,
}

/// A training on its way.
struct Run<'a> {
    dataset: &'a Dataset,
    config: &'a Config,
    plan: &'a Plan,
    network: Training<'a>,
    /// Samples that are evaluated.
    evaluated: Vec<u32>,
    epoch: usize,
    /// The epoch's order of samples, and how many of its batches are done.
    order: Vec<u32>,
    done: usize,
    points: Vec<Point>,
}

impl<'a> Run<'a> {
    fn new(
        dataset: &'a Dataset,
        config: &'a Config,
        plans: &[Plan],
        plan: &'a Plan,
        parameters: &Parameters,
    ) -> Self {
        let (setting, _) = config.setting(plans);
        let layers = parameters.in_f64(config.act).layers;
        let network = Training::new(&layers, config.act, config.lr, &plan.bugs, &setting);
        let evaluated = (0..dataset.test.len().min(MOST_EVALUATED) as u32).collect();
        let (epoch, order, done, points) = (0, Vec::new(), 0, Vec::new());
        Self { dataset, config, plan, network, evaluated, epoch, order, done, points }
    }

    /// Trains until the next evaluation is due, and evaluates; nothing after the last.
    fn next(&mut self) -> Result<Option<Point>> {
        let train = &self.dataset.train;
        let batches = train.len().div_ceil(self.config.batch_size);
        if self.is_done() {
            return Ok(None);
        }
        if !self.points.is_empty() {
            self.step()?;
        }
        while self.epoch < self.config.epochs && !is_due(self.epoch, self.done, batches) {
            self.step()?;
        }
        let now = self.epoch as f64 + self.done as f64 / batches as f64;
        let point = evaluate(&mut self.network, &self.dataset.test, &self.evaluated, now)?;
        self.points.push(point);
        Ok(Some(point))
    }

    /// Whether the last evaluation was made: at the end, or of a loss that is no number.
    fn is_done(&self) -> bool {
        let last = self.points.last();
        self.epoch >= self.config.epochs || last.is_some_and(|point| !point.measured.loss.is_finite())
    }

    /// One batch; after the last of an epoch the next begins.
    fn step(&mut self) -> Result<()> {
        let train = &self.dataset.train;
        if self.done == 0 {
            let all: Vec<u32> = (0..train.len() as u32).collect();
            self.order = shuffled(&all, self.config.seed, self.epoch);
        }
        let size = self.config.batch_size;
        let from = self.done * size;
        let samples = &self.order[from..self.order.len().min(from + size)];
        self.network.step(batch(train, samples)?);
        self.done += 1;
        if self.done * size >= self.order.len() {
            (self.epoch, self.done) = (self.epoch + 1, 0);
        }
        Ok(())
    }

    fn curve(self) -> Curve {
        let never_applied = self.network.never_applied().into_iter().map(|bug| bug.to_string()).collect();
        Curve::new(self.plan, self.points, never_applied)
    }
}

/// Whether an evaluation comes before so many batches of an epoch are done.
fn is_due(epoch: usize, done: usize, batches: usize) -> bool {
    let parts = EVALUATIONS[epoch.min(EVALUATIONS.len() - 1)].min(batches);
    (0..parts).any(|part| part * batches / parts == done)
}

fn batch(samples: &Samples, indices: &[u32]) -> Result<Batch> {
    let labels = indices.iter().map(|&i| samples.labels()[i as usize]).collect();
    Ok(Batch { x: samples.inputs(indices)?, labels })
}

fn evaluate(network: &mut Training<'_>, test: &Samples, indices: &[u32], epoch: f64) -> Result<Point> {
    Ok(Point { epoch, measured: network.evaluate(batch(test, indices)?) })
}

impl Curve {
    fn new(plan: &Plan, points: Vec<Point>, never_applied: Vec<String>) -> Self {
        let printed = |point: &&Point| point.measured.printed_loss;
        let finite = points.iter().filter(|point| printed(point).is_finite());
        let lowest = finite.min_by(|a, b| printed(a).total_cmp(&printed(b))).copied();
        let last = points.last().map(|point| point.measured.printed_loss).filter(|loss| loss.is_finite());
        Self {
            label: plan.label.clone(),
            bugs: plan.bugs.iter().map(Injection::text).collect(),
            never_applied,
            rise: lowest.zip(last).map(|(lowest, last)| last - lowest.measured.printed_loss),
            lowest,
            diverged: points.iter().find(|point| !point.measured.loss.is_finite()).map(|point| point.epoch),
            points,
        }
    }

    /// Whether the printed loss turned and rose noticeably: by a twentieth of all that it had fallen, or more.
    pub fn rises(&self) -> bool {
        let (Some(first), Some(lowest), Some(rise)) = (self.points.first(), self.lowest, self.rise) else {
            return false;
        };
        rise > 0.05 * (first.measured.printed_loss - lowest.measured.printed_loss).abs() && rise > 1e-6
    }
}

/// The curves as a picture: printed loss, cross-entropy, accuracy.
pub fn figure(title: &str, curves: &[Curve]) -> Figure {
    let lines = |of: fn(&Measured) -> f64, marked: bool| -> Vec<Line> {
        let line = |(series, curve): (usize, &Curve)| Line {
            series,
            points: curve.points.iter().map(|point| (point.epoch, of(&point.measured))).collect(),
            mark: curve.lowest.filter(|_| marked && curve.rises()).map(|lowest| Mark {
                at: (lowest.epoch, of(&lowest.measured)),
                text: format!("lowest, at {:.0} % accuracy", 100.0 * lowest.measured.accuracy),
            }),
        };
        curves.iter().enumerate().map(line).collect()
    };
    let panel = |title: &str, percent, lines| Panel {
        title: title.into(),
        x_label: "epoch".into(),
        x_axis: XAxis::Logarithmic,
        percent,
        zoomed: false,
        lines,
    };
    let words = |curve: &Curve| {
        let last = curve.points.last().map(|point| point.measured);
        last.map_or(String::new(), |last| {
            format!(
                "{}: printed loss {:.3}, cross-entropy {:.3}, accuracy {:.1} %.",
                curve.label,
                last.printed_loss,
                last.loss,
                100.0 * last.accuracy
            )
        })
    };
    Figure {
        title: title.to_owned(),
        description: format!(
            "Printed loss, cross-entropy and accuracy on the test samples by epoch. At the end: {}",
            curves.iter().map(words).collect::<Vec<_>>().join(" ")
        ),
        series: curves.iter().map(|curve| Series { name: curve.label.clone() }).collect(),
        panels: vec![
            panel("loss as printed", false, lines(|m| m.printed_loss, true)),
            panel("cross-entropy of the same logits", false, lines(|m| m.loss, false)),
            panel("accuracy", true, lines(|m| m.accuracy, false)),
        ],
    }
}
