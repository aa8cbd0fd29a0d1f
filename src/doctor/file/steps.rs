//! Several steps in one file: `W1_step0, W1_step1, …`, or W as a history whose first side counts the steps. Each becomes a
//! file of its own; what has no step belongs to all of them.

use super::npy::{Array, Value};
use super::npz::Entries;
use super::roles::words::{Kind, State, Time, Words};
use std::collections::{BTreeMap, BTreeSet};

/// The most steps of a file that are examined.
const MOST: usize = 100;

/// One step of a file.
#[derive(Debug, Clone)]
struct Step {
    number: usize,
    entries: Entries,
}

/// The steps of a file, and what belongs to all of them.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    shared: Entries,
    each: Vec<Step>,
    /// How many steps the file has beyond those that are examined.
    pub beyond: usize,
}

impl Steps {
    /// Each step as a file of its own, with its number in the file.
    pub fn files(&self) -> impl Iterator<Item = (usize, Entries)> {
        let whole = |step: &Step| self.shared.clone().into_iter().chain(step.entries.clone()).collect();
        self.each.iter().map(move |step| (step.number, whole(step)))
    }
}

/// When the parameters of a step were saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Before it: those of the next step are what it made.
    Before,
    /// After it: those of the step before are what it began with.
    After,
}

/// The steps of a file; none if it has one, or nothing that counts them.
pub fn of(entries: &Entries, saved: Saved) -> Steps {
    let mut steps = counted(entries);
    if steps.each.len() < 2 {
        steps = histories(entries);
    }
    if steps.each.len() < 2 {
        return Steps::default();
    }
    with_earlier_gradients(&mut steps.each);
    // Before some are left out: the last one that stays needs the parameters of the next.
    steps.each = match saved {
        Saved::Before => before(&steps.each),
        Saved::After => after(&steps.each),
    };
    steps.beyond += steps.each.len().saturating_sub(MOST);
    steps.each.truncate(MOST);
    steps
}

/// With the gradients of the step before, which an accumulator that is not reset still has in it.
fn with_earlier_gradients(steps: &mut [Step]) {
    for at in (1..steps.len()).rev() {
        let earlier = steps[at - 1].entries.iter().filter(|(name, _)| is_gradient(name));
        let earlier: Entries = earlier.map(|(name, value)| (format!("{name}_prev"), value.clone())).collect();
        for (name, value) in earlier {
            steps[at].entries.entry(name).or_insert(value);
        }
    }
}

/// With the parameters of the next step as the new ones.
fn before(steps: &[Step]) -> Vec<Step> {
    let with_new = |(at, step): (usize, &Step)| {
        let mut step = step.clone();
        if let Some(next) = steps.get(at + 1) {
            for (name, value) in next.entries.iter().filter(|(name, _)| is_parameter(name)) {
                step.entries.entry(format!("{name}_new")).or_insert_with(|| value.clone());
            }
        }
        step
    };
    steps.iter().enumerate().map(with_new).collect()
}

/// With the parameters of the step before as the old ones.
fn after(steps: &[Step]) -> Vec<Step> {
    let mut all = Vec::new();
    for pair in steps.windows(2) {
        let mut step = pair[1].clone();
        for (name, value) in pair[0].entries.iter().filter(|(name, _)| is_parameter(name)) {
            if let Some(new) = step.entries.insert(name.clone(), value.clone()) {
                step.entries.insert(format!("{name}_new"), new);
            }
        }
        all.push(step);
    }
    all
}

fn is_parameter(name: &str) -> bool {
    let words = Words::of(name);
    let parameter = matches!(words.kind, Some(Kind::Weight | Kind::Bias));
    parameter && words.state == State::Value && words.time == Time::Now
}

fn is_gradient(name: &str) -> bool {
    let words = Words::of(name);
    let of_parameter = matches!(words.kind, Some(Kind::Weight | Kind::Bias));
    of_parameter && words.state == State::Grad && words.time == Time::Now
}

/// Words before a step's number.
const COUNTERS: [&str; 8] = ["iteration", "snapshot", "history", "epoch", "steps", "step", "iter", "it"];

/// The steps by the names of their arrays.
fn counted(entries: &Entries) -> Steps {
    if !entries.keys().any(|name| parted(name).is_some()) {
        return Steps::default();
    }
    let (mut steps, mut shared): (BTreeMap<usize, Entries>, Entries) = (BTreeMap::new(), Entries::new());
    for (name, value) in entries {
        match parted(name) {
            Some((rest, number)) => _ = steps.entry(number).or_default().insert(rest, value.clone()),
            None => _ = shared.insert(name.clone(), value.clone()),
        }
    }
    let mut seen = BTreeSet::new();
    let again = steps.values().flat_map(BTreeMap::keys).any(|name| is_parameter(name) && !seen.insert(name));
    if !again {
        return Steps::default();
    }
    let each = steps.into_iter().map(|(number, entries)| Step { number, entries }).collect();
    Steps { shared, each, beyond: 0 }
}

/// A name without its step, and the step's number: `W1_step0`, `step0/W1`, `steps[0].W1`.
fn parted(name: &str) -> Option<(String, usize)> {
    let lower = name.to_ascii_lowercase();
    let letter = |at: usize| lower[..at].chars().next_back().is_some_and(char::is_alphabetic);
    COUNTERS.iter().find_map(|word| {
        let at = lower.match_indices(word).map(|(at, _)| at).find(|&at| !letter(at))?;
        let rest = &name[at + word.len()..];
        let digits = rest.trim_start_matches(['_', '-', '.', '[', ' ']);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let number = digits[..end].parse().ok()?;
        let apart = |c: char| "_-./[]' \"".contains(c);
        let (first, last) = (name[..at].trim_end_matches(apart), digits[end..].trim_matches(apart));
        let whole = match (first.is_empty(), last.is_empty()) {
            (true, true) => return None,
            (true, false) => last.to_owned(),
            (false, true) => first.to_owned(),
            (false, false) => format!("{first}_{last}"),
        };
        Some((whole, number))
    })
}

/// The steps of arrays whose first side counts them: all weights have one side more than weights have.
fn histories(entries: &Entries) -> Steps {
    let arrays = || {
        entries.iter().filter_map(|(name, value)| match value {
            Value::Numbers(array) => Some((name, array, Words::of(name))),
            _ => None,
        })
    };
    let weights: Vec<&Array> = arrays()
        .filter(|(name, _, words)| words.kind == Some(Kind::Weight) && is_parameter(name))
        .map(|(_, array, _)| array)
        .collect();
    let Some(&steps) = weights.iter().filter_map(|array| array.shape.first()).min() else {
        return Steps::default();
    };
    if !weights.iter().all(|array| array.shape.len() == 3 && array.shape[0] <= steps + 1) {
        return Steps::default();
    }
    // There may be the parameters after the last step as well.
    let of_samples =
        |kind: Option<Kind>| !matches!(kind, Some(Kind::Weight | Kind::Bias | Kind::Input | Kind::Target));
    let made = || arrays().filter(|(_, _, words)| of_samples(words.kind));
    let number = made()
        .filter_map(|(_, array, _)| array.shape.first().copied())
        .find(|&n| n == steps || n + 1 == steps);
    let number = number.unwrap_or(steps);
    let batches = made().any(|(_, array, _)| array.shape.len() == 3);
    let counts = |array: &Array, words: &Words| {
        let long = array.shape.first().is_some_and(|&n| n == number || n == number + 1 || n == steps);
        let sides = array.shape.len();
        long && match words.kind {
            Some(Kind::Weight) => sides == 3,
            Some(Kind::Bias) => sides >= 2,
            _ => {
                sides == 3
                    || !batches
                    || sides == 1 && !matches!(words.kind, Some(Kind::Input | Kind::Target))
            }
        }
    };
    let of_steps = |name: &str, value: &Value| match value {
        Value::Numbers(array) => counts(array, &Words::of(name)),
        _ => false,
    };
    let is_counted = |(name, value): &(&String, &Value)| of_steps(name, value);
    let own = |(name, value): (&String, &Value)| (name.clone(), value.clone());
    let shared: Entries = entries.iter().filter(|entry| !is_counted(entry)).map(own).collect();
    let slice = |at: usize| {
        let parts = entries.iter().filter(is_counted).filter_map(|(name, value)| {
            let Value::Numbers(array) = value else { return None };
            let size = array.data.len() / array.shape[0].max(1);
            let data = array.data.get(at * size..(at + 1) * size)?.to_vec();
            let part = Array { shape: array.shape[1..].to_vec(), data, kind: array.kind };
            (at < array.shape[0]).then(|| (name.clone(), Value::Numbers(part)))
        });
        Step { number: at, entries: parts.collect() }
    };
    let all = steps.max(number);
    // One more, whose parameters are what the last one made.
    let each = (0..all.min(MOST + 1)).map(slice).collect();
    Steps { shared, each, beyond: all.saturating_sub(MOST + 1) }
}
