//! Right networks of any habits together, of whose files any arrays may be left out.

use super::network::file;
use super::style::{Biases, Clip, Digits, Dropout, Habit, Names, Rule, Style, Weights, pick, style};
use crate::doctor::styles::{STYLES, renamed};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::bend::Gelu;
use gpu_mlp::doctor::formulas::design::{Design, Measure};
use gpu_mlp::network::Activation;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A right network's style and what is left of its file.
pub fn drawn(seed: u64) -> (Style, Entries) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed ^ 0xa11);
    let style = any(rng, seed);
    let entries = file(seed, &style);
    let entries = match style.names {
        // The first style has one name for all links between hidden layers.
        Names::Ours if rng.random_bool(0.2) => {
            let styles = &STYLES[usize::from(style.sizes.len() > 4)..];
            renamed(&entries, pick(rng, styles).1)
        }
        _ => entries,
    };
    let entries = thinned(rng, entries);
    (style, entries)
}

/// A style of which nothing excludes anything that makes sense.
fn any(rng: &mut ChaCha8Rng, seed: u64) -> Style {
    let mut style = style(seed);
    let mut habits = Vec::new();
    for (habit, share) in [
        (Habit::SavedAfterStep, 0.35),
        (Habit::ScheduledRate, 0.1),
        (Habit::RawInputs, 0.1),
        (Habit::DaIsDz, 0.1),
        (Habit::LossHistory, 0.05),
        (Habit::SaidDecay, 0.5),
        (Habit::LossDecay, 0.5),
    ] {
        if rng.random_bool(share) {
            habits.push(habit);
        }
    }
    style.left_out = 0.0;
    style.lost = Vec::new();
    let penalty = rng
        .random_bool(0.4)
        .then(|| if rng.random_bool(0.5) { Habit::HiddenDecay } else { Habit::StepDecay });
    let rules =
        [Rule::Momentum, Rule::Nesterov, Rule::RmsProp, Rule::Adagrad, Rule::Adam, Rule::AdamW, Rule::Rprop];
    if rng.random_bool(0.8) {
        style.weights = Weights::Equal;
    }
    style.rule = if rng.random_bool(0.6) { Rule::Plain } else { pick(rng, &rules) };
    // AdamW has a penalty of its own.
    let penalty = penalty.filter(|_| style.rule != Rule::AdamW);
    if penalty.is_none() {
        habits.retain(|habit| !matches!(habit, Habit::SaidDecay | Habit::LossDecay));
    }
    habits.extend(penalty);
    style.habits = habits;
    // What divides by its own size takes no 1/N in the step.
    if !matches!(style.rule, Rule::Plain | Rule::Momentum | Rule::Nesterov) {
        style.mean = pick(rng, &[0, 1]);
        style.ascent &= !matches!(style.rule, Rule::Rprop | Rule::AdamW);
    }
    if style.design.is_usual() {
        let summed = if style.mean == 3 { 1.0 } else { 1.0 / style.n as f64 };
        style.loss = if style.mean == 2 { pick(rng, &[summed, 1.0]) } else { summed };
    }
    let alike = rng.random_bool(0.4);
    let first = pick(rng, &Activation::ALL);
    style.acts = style.acts.iter().map(|_| if alike { first } else { pick(rng, &Activation::ALL) }).collect();
    style.slope = pick(rng, &[0.01, 0.01, 0.1, 0.2, 0.3]);
    style.gelu = pick(rng, &[Gelu::Exact, Gelu::Tanh, Gelu::Sigmoid]);
    let rows_of_biases = pick(rng, &[Biases::LastRow, Biases::FirstRow, Biases::HiddenOnes, Biases::Unit]);
    let (plain, absent) = (Biases::Plain, Biases::Absent);
    style.biases = pick(
        rng,
        &[plain, plain, plain, plain, absent, Biases::Forgotten, Biases::OneForAll, rows_of_biases],
    );
    if style.weights != Weights::Equal && style.mean == 3 {
        style.mean = 1;
    }
    style.clip = pick(rng, &[Clip::None, Clip::None, Clip::None, Clip::None, Clip::Norm, Clip::Value]);
    let masks = [Dropout::Said, Dropout::Unsaid, Dropout::Unscaled, Dropout::Scaled];
    style.dropout = if rng.random_bool(0.15) { pick(rng, &masks) } else { Dropout::None };
    let forms = [Digits::Significant(6), Digits::Significant(9), Digits::Decimals(6), Digits::OfSingle];
    style.digits = if rng.random_bool(0.1) { pick(rng, &forms) } else { Digits::All };
    if style.design.measure == Measure::Squared && rng.random_bool(0.1) {
        let measure = Measure::Huber(pick(rng, &[1.0, 0.5, 1.35, 0.8]));
        style.design = Design { measure, factor: 1.0, ..style.design };
    }
    style.names = pick(rng, &[Names::Ours, Names::Ours, Names::Ours, Names::InputFirst]);
    style
}

/// What is left where each kind of array is left out by a chance of its own, and the settings, too.
fn thinned(rng: &mut ChaCha8Rng, all: Entries) -> Entries {
    let often = pick(rng, &[0.0, 0.1, 0.3, 0.5, 0.7]);
    let mut chances: BTreeMap<String, f64> = BTreeMap::new();
    let mut kept = |key: &str| {
        let kind = key.replace(|letter: char| letter.is_ascii_digit(), "");
        let needed = matches!(kind.as_str(), "W" | "X" | "b" | "y");
        let often = if needed { often / 8.0 } else { often };
        let gone = chances.entry(kind).or_insert_with(|| {
            let partly = [0.0, 0.3, 1.0];
            if rng.random_bool(often) { pick(rng, &partly[1..]) } else { partly[0] }
        });
        !rng.random_bool(*gone)
    };
    all.into_iter().filter(|(key, _)| kept(key)).collect()
}
