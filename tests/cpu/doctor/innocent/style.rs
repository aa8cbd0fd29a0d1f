//! How a right network is built, trained and exported, drawn at random.

use gpu_mlp::doctor::formulas::bend::{Bend, Gelu};
use gpu_mlp::doctor::formulas::design::{Design, Head, Measure};
use gpu_mlp::network::Activation;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a network has in its file, and how.
#[derive(Debug, Clone)]
pub struct Style {
    pub design: Design,
    pub acts: Vec<Activation>,
    /// The slope of a leaky ReLU below 0.
    pub slope: f64,
    /// How a GELU is written.
    pub gelu: Gelu,
    pub sizes: Vec<usize>,
    pub n: usize,
    pub rows: bool,
    pub in_out: bool,
    pub single: bool,
    /// The digits of the file's numbers.
    pub digits: Digits,
    /// Targets as class numbers, if they are classes.
    pub labels: bool,
    pub biases: Biases,
    /// Where 1/N stands: in dz, in dW and db, in the step, nowhere.
    pub mean: usize,
    pub ascent: bool,
    /// The printed loss: its factor over samples and outputs.
    pub loss: f64,
    pub lr: f64,
    pub rule: Rule,
    pub weights: Weights,
    pub clip: Clip,
    pub dropout: Dropout,
    pub names: Names,
    pub habits: Vec<Habit>,
    /// The share of tensors that are left out.
    pub left_out: f64,
    /// Kinds of arrays that are left out altogether, by how their names begin.
    pub lost: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Biases {
    Plain,
    Absent,
    /// Used, but not in the file.
    Forgotten,
    OneForAll,
    /// The last row of W, behind a column of ones in X and in every a.
    LastRow,
    /// The first row of W, before such a column.
    FirstRow,
    /// The same as `LastRow`, but X and a are saved without their ones.
    HiddenOnes,
    /// A unit of every layer but the last whose a is set to 1.
    Unit,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Digits {
    All,
    /// So many digits each: C's %g, JavaScript's toPrecision.
    Significant(usize),
    /// So many behind the point: C's and Java's %f.
    Decimals(usize),
    /// Numbers of 32 bits, with all digits that they have as numbers of 64.
    OfSingle,
}

/// How gradients become steps, and what of the optimiser's memory is in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    Plain,
    Momentum,
    Nesterov,
    RmsProp,
    Adagrad,
    Adam,
    AdamW,
    Rprop,
}

/// How much a sample counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weights {
    Equal,
    Class,
    Sample,
}

/// What is done with large gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clip {
    None,
    /// All together are scaled to this norm.
    Norm,
    /// Each value is cut off.
    Value,
}

/// Dropout, with masks in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dropout {
    None,
    /// Masks of 0 and 1, and the rate.
    Said,
    /// Masks of 0 and 1, scaled by 1/(1 - q), without the rate.
    Unsaid,
    /// Masks of 0 and 1, and no scale.
    Unscaled,
    /// Masks that have the scale in them.
    Scaled,
}

/// What the arrays are called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Names {
    Ours,
    /// The input counts as layer 1: a1 = X, z2, a2, W1 between them.
    InputFirst,
    /// `l0 l1 l2 syn0 syn1 l1_delta`, counted from 0.
    FromZero,
}

/// What the file is beside the calculation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Habit {
    /// A penalty is in the gradients; without `SaidDecay` λ is not in the file.
    HiddenDecay,
    /// A penalty is added to the gradients on their way into the step: into the velocity, where there is one.
    StepDecay,
    /// The penalty is in the loss, too.
    LossDecay,
    /// λ is in the file.
    SaidDecay,
    /// The learning rate in the file is not the one of this step.
    ScheduledRate,
    /// X was divided before it was used.
    RawInputs,
    /// W holds what it became.
    SavedAfterStep,
    /// `da` holds dz.
    DaIsDz,
    /// The losses of many steps.
    LossHistory,
}

pub fn pick<T: Copy>(rng: &mut ChaCha8Rng, of: &[T]) -> T {
    *of.choose(rng).unwrap()
}

impl Style {
    /// `f(z)` of a hidden layer, counted from 0.
    pub fn apply(&self, l: usize, z: f64) -> f64 {
        if self.acts[l] == Activation::LeakyRelu && z <= 0.0 { self.slope * z } else { self.bend(l).apply(z) }
    }

    pub fn has(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }

    /// `f'(z)`
    pub fn derivative(&self, l: usize, z: f64) -> f64 {
        if self.acts[l] == Activation::LeakyRelu && z <= 0.0 {
            self.slope
        } else {
            self.bend(l).derivative(z)
        }
    }

    fn bend(&self, l: usize) -> Bend {
        let usual = Bend::from(self.acts[l]);
        if self.acts[l] == Activation::Gelu { Bend { gelu: self.gelu, ..usual } } else { usual }
    }

    /// Without anything unusual: one design, 37 samples, plain steps, a whole file.
    pub fn plain(seed: u64) -> Self {
        let mut style = style(seed);
        (style.habits, style.left_out, style.lost) = (Vec::new(), 0.0, Vec::new());
        (style.n, style.design, style.slope) = (37, Design::default(), 0.01);
        (style.mean, style.loss, style.rule) = (0, 1.0 / 37.0, Rule::Plain);
        (style.weights, style.clip, style.dropout) = (Weights::Equal, Clip::None, Dropout::None);
        style.names = Names::Ours;
        (style.gelu, style.digits) = (Gelu::Exact, Digits::All);
        if !matches!(style.biases, Biases::Plain | Biases::Absent | Biases::OneForAll) {
            style.biases = Biases::Plain;
        }
        *style.sizes.last_mut().unwrap() = 4;
        style
    }
}

pub fn style(seed: u64) -> Style {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let design = pick(rng, &Design::ALL);
    let outputs =
        if design.head.is_softmax() { pick(rng, &[2, 3, 4, 5]) } else { pick(rng, &[1, 1, 1, 2, 3, 4]) };
    let depth = pick(rng, &[1, 2, 2, 2, 3, 3, 4]);
    let mut sizes = vec![pick(rng, &[2, 3, 5, 6, 8])];
    sizes.extend((1..depth).map(|_| pick(rng, &[3, 4, 5, 5, 7])));
    sizes.push(outputs);
    let rows = rng.random_bool(0.7);
    let factors = [1.0, 1.0, 2.0, 1.0 / outputs as f64, 2.0 / outputs as f64];
    let factor = if design.is_usual() { 1.0 } else { pick(rng, &factors) };
    let n = pick(rng, &[37, 37, 20, 11, 4, 5, 64]);
    let mean = pick(rng, &[0, 0, 1, 2, 3]);
    let summed = mean == 3 && design.is_usual();
    let per_batch = if summed { 1.0 } else { pick(rng, &[1.0 / n as f64, 1.0]) };
    // The mean's gradient beside the sum's loss is the bug `loss-scale`, unless the step takes the mean.
    let per_batch = if design.is_usual() && mean < 2 { 1.0 / n as f64 } else { per_batch };
    let left_out = pick(rng, &[0.0, 0.0, 0.0, 0.2, 0.5]);
    // Where the file does not show them, different activations cannot all be found.
    let first = pick(rng, &Activation::ALL);
    let acts = (1..depth).map(|_| if left_out > 0.0 { first } else { pick(rng, &Activation::ALL) }).collect();
    // What a habit leaves open, only a whole file can tell.
    let habit = if left_out > 0.0 || rng.random_bool(0.6) {
        None
    } else {
        let habits = [
            Habit::HiddenDecay,
            Habit::ScheduledRate,
            Habit::RawInputs,
            Habit::SavedAfterStep,
            Habit::SavedAfterStep,
            Habit::DaIsDz,
            Habit::LossHistory,
        ];
        Some(pick(rng, &habits))
    };
    let plain = Biases::Plain;
    let rows_of_biases = pick(rng, &[Biases::LastRow, Biases::FirstRow, Biases::HiddenOnes, Biases::Unit]);
    let biases = [plain, plain, plain, Biases::Absent, Biases::Forgotten, Biases::OneForAll, rows_of_biases];
    let biases = pick(rng, &biases);
    let slope = pick(rng, &[0.01, 0.1, 0.2, 0.3]);
    let mut style = Style {
        design: Design { factor, ..design },
        acts,
        slope,
        gelu: Gelu::Exact,
        sizes,
        n,
        rows,
        in_out: if rows { rng.random_bool(0.7) } else { rng.random_bool(0.2) },
        single: rng.random_bool(0.3),
        digits: Digits::All,
        labels: rng.random_bool(0.5),
        // Two such things at once, or one without the z that shows it, are more than can be read off.
        biases: if biases == Biases::Forgotten && (left_out > 0.0 || habit.is_some()) {
            Biases::Plain
        } else {
            biases
        },
        mean,
        ascent: rng.random_bool(0.25),
        loss: per_batch * if design.is_usual() { 1.0 } else { pick(rng, &factors) },
        lr: pick(rng, &[0.01, 0.1, 0.5, 0.3]),
        rule: Rule::Plain,
        weights: Weights::Equal,
        clip: Clip::None,
        dropout: Dropout::None,
        names: pick(rng, &[Names::Ours, Names::Ours, Names::Ours, Names::InputFirst]),
        habits: habit.into_iter().collect(),
        left_out,
        lost: Vec::new(),
    };
    if habit == Some(Habit::SavedAfterStep) {
        style.lost = lost(rng, style.biases);
    }
    // Its z shows what a and the biases are.
    if style.biases == Biases::Forgotten && rng.random_bool(0.5) {
        style.lost = vec!["a"];
    }
    // A slope and old weights at once, or a slope that no tensor shows, are more than can be read off.
    if left_out > 0.0 || style.lost.contains(&"z") {
        style.slope = 0.01;
    }
    // So is the number that layers are counted from, where the first and the last are left out.
    if left_out > 0.0 {
        style.names = Names::Ours;
    }
    if left_out == 0.0 && habit.is_none() && style.biases != Biases::Forgotten {
        train(rng, &mut style);
    }
    // Drawn by themselves, so that the networks of old seeds stay as they are.
    further(&mut ChaCha8Rng::seed_from_u64(seed ^ 0xd161), &mut style);
    style
}

/// Forms of a GELU, losses that do not follow what lies far off, and numbers with few digits.
fn further(rng: &mut ChaCha8Rng, style: &mut Style) {
    // Where nothing shows the activation, its form cannot be told from the others.
    if style.left_out == 0.0 && !style.lost.contains(&"z") && rng.random_bool(0.5) {
        style.gelu = pick(rng, &[Gelu::Tanh, Gelu::Sigmoid]);
    }
    let plain = style.habits.is_empty() && style.left_out == 0.0 && style.rule == Rule::Plain;
    let plain = plain && style.weights == Weights::Equal && style.clip == Clip::None;
    let regression =
        style.design.head == Head::Of(Activation::Identity) && style.design.measure == Measure::Squared;
    if plain && regression && rng.random_bool(0.5) {
        style.design = Design {
            measure: Measure::Huber(pick(rng, &[1.0, 0.5, 1.35, 0.8])),
            factor: 1.0,
            ..style.design
        };
    }
    let usual = matches!(style.biases, Biases::Plain | Biases::Absent) && style.dropout == Dropout::None;
    if plain && usual && !style.single && rng.random_bool(0.3) {
        let forms = [
            Digits::Significant(6),
            Digits::Significant(9),
            Digits::Decimals(6),
            Digits::Decimals(8),
            Digits::OfSingle,
        ];
        style.digits = pick(rng, &forms);
    }
}

/// One of the things that training may have beside plain steps.
fn train(rng: &mut ChaCha8Rng, style: &mut Style) {
    match rng.random_range(0..8) {
        // From few samples, or single outputs, weights cannot be told from other things.
        0 if style.n > 5 => {
            let head = style.design.head;
            let outputs = *style.sizes.last().unwrap();
            let sigmoid = head == Head::Of(Activation::Sigmoid);
            if head.is_softmax() || (sigmoid && (outputs == 1 || style.labels)) {
                style.weights = Weights::Class;
            }
            if outputs > 2 && rng.random_bool(0.5) {
                style.weights = Weights::Sample;
            }
        }
        1 => style.clip = pick(rng, &[Clip::Norm, Clip::Value]),
        2 => style.dropout = pick(rng, &[Dropout::Said, Dropout::Unsaid, Dropout::Unscaled, Dropout::Scaled]),
        3 | 4 => {
            let rules = [
                Rule::Momentum,
                Rule::Nesterov,
                Rule::RmsProp,
                Rule::Adagrad,
                Rule::Adam,
                Rule::AdamW,
                Rule::Rprop,
            ];
            style.rule = pick(rng, &rules);
            style.ascent = false;
            style.mean = pick(rng, &[0, 1]);
            if style.design.is_usual() {
                style.loss = 1.0 / style.n as f64;
            }
            if rng.random_bool(0.3) {
                style.lost.push("before");
            }
        }
        _ => {}
    }
}

/// What a dump at the end of a train function may lack beside the old W.
fn lost(rng: &mut ChaCha8Rng, biases: Biases) -> Vec<&'static str> {
    let mut lost = Vec::new();
    let forgotten = biases == Biases::Forgotten;
    for (kinds, share) in
        [(&["dW", "db"][..], 0.6), (&["lr"], 0.5), (&["z"], 0.3), (&["da"], 0.3), (&["dz"], 0.2)]
    {
        if rng.random_bool(share) && !(forgotten && kinds == ["z"]) {
            lost.extend(kinds);
        }
    }
    lost
}
