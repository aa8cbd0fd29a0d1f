//! The options that a sweep varies, their values, and the trials: every combination, or some drawn at random.

use std::collections::BTreeSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::error::{Error, Result};
use crate::words::numerals::thousands;

/// The most trials of a sweep: more are a mistake in a range.
pub const MOST_TRIALS: usize = 10_000;

/// Draws for each trial that is wanted, after which there are no more different ones to be found.
const DRAWS: usize = 100;

/// One value for each axis, as the command line has it.
pub type Combination = Vec<String>;

/// An option and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// As the command line has it: `batch-size`.
    pub option: String,
    /// What it may be.
    pub values: Values,
}

/// The values of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// These, as the command line has them.
    Listed(Vec<String>),
    /// Any number between two.
    Between(Range),
}

/// The numbers between two, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The lowest.
    pub from: f64,
    /// The highest.
    pub to: f64,
    /// Whether equal factors are equally likely, and not equal differences.
    pub log: bool,
    /// Whether only whole numbers are meant.
    pub whole: bool,
}

impl Range {
    /// The number at a place from 0 to 1, with three significant digits unless it is whole.
    fn at(self, place: f64) -> String {
        let Self { from, to, log, whole } = self;
        let value = if log { from * (to / from).powf(place) } else { from + place * (to - from) };
        let rounded = |value: f64| format!("{value:.2e}").parse::<f64>().unwrap_or(value);
        let value = if whole { value.round() } else { rounded(value) };
        format!("{}", value.clamp(from, to))
    }
}

impl Axis {
    /// Of what stands after an option, once or several times: values with commas between them unless `at_commas` is false,
    /// `1..5` for whole numbers, `0..0.5:6` for so many numbers at equal distances, `log:1e-4..1:5` for so many at equal
    /// factors, and both without a count for any number in between.
    ///
    /// # Errors
    /// [`Error::Usage`] for a range that cannot be meant, or none of several values.
    pub fn parse(option: &str, texts: &[String], at_commas: bool) -> Result<Self> {
        let parts: Vec<&str> = match at_commas {
            true => texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect(),
            false => texts.iter().map(String::as_str).collect(),
        };
        let mut listed = Vec::new();
        for part in &parts {
            match Self::range(option, part).filter(|_| at_commas).transpose()? {
                None => listed.push((*part).to_owned()),
                Some(Values::Listed(values)) => listed.extend(values),
                Some(between) if parts.len() == 1 => {
                    return Ok(Self { option: option.to_owned(), values: between });
                }
                Some(Values::Between(_)) => {
                    let problem =
                        format!("--{option} {part}: any number between two cannot stand beside others");
                    return Err(Error::usage(problem).hint(format!("say how many of them: {part}:5")));
                }
            }
        }
        let mut seen = BTreeSet::new();
        listed.retain(|value| seen.insert(value.clone()));
        Ok(Self { option: option.to_owned(), values: Values::Listed(listed) })
    }

    /// What a range stands for; `None` if the text is none.
    fn range(option: &str, text: &str) -> Option<Result<Values>> {
        let (log, rest) = text.strip_prefix("log:").map_or((false, text), |rest| (true, rest));
        let Some((from, rest)) = rest.split_once("..") else {
            return log.then(|| Err(refused(option, text, "it has no `..`")));
        };
        let (to, count) = rest.split_once(':').map_or((rest, None), |(to, count)| (to, Some(count)));
        Some(Self::between(option, text, log, [from, to], count))
    }

    fn between(option: &str, text: &str, log: bool, ends: [&str; 2], count: Option<&str>) -> Result<Values> {
        let number = |end: &str| end.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let [Some(from), Some(to)] = ends.map(number) else {
            return Err(refused(option, text, "its ends are no numbers"));
        };
        if from > to {
            return Err(refused(option, text, "it is empty: the first number is the larger one"));
        }
        if log && from <= 0.0 {
            return Err(refused(option, text, "equal factors need a first number greater than 0"));
        }
        let whole = ends.iter().all(|end| end.trim().bytes().all(|byte| byte.is_ascii_digit()));
        let range = Range { from, to, log, whole };
        let values: Vec<String> = match count.map(str::parse::<usize>) {
            Some(Ok(count @ 2..=MOST_TRIALS)) => {
                (0..count).map(|i| range.at(i as f64 / (count - 1) as f64)).collect()
            }
            Some(_) => {
                return Err(refused(option, text, "after the last `:` stands how many values, from 2"));
            }
            None if whole && !log => {
                let count = to - from + 1.0;
                if count > MOST_TRIALS as f64 {
                    return Err(too_many(&format!("--{option} {text} has"), count));
                }
                (0..count as usize).map(|i| format!("{}", from + i as f64)).collect()
            }
            None => return Ok(Values::Between(range)),
        };
        Ok(Values::Listed(values))
    }

    /// How many values; `None` of any number in between.
    pub fn len(&self) -> Option<usize> {
        match &self.values {
            Values::Listed(values) => Some(values.len()),
            Values::Between(_) => None,
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

fn refused(option: &str, text: &str, why: &str) -> Error {
    Error::usage(format!("--{option} {text}: {why}"))
        .hint("ranges are such as 1..5, 0..0.5:6, log:1e-4..1:5, or with --trials log:1e-4..1")
}

fn too_many(what: &str, count: f64) -> Error {
    let count = if count < 1e15 { thousands(count as usize) } else { format!("{count:.1e}") };
    Error::usage(format!("{what} {count} trials: expected at most {}", thousands(MOST_TRIALS)))
        .hint("give fewer values, or take some at random with --trials 50")
}

/// Every combination; of the last axis the value changes first.
///
/// # Errors
/// [`Error::Usage`] if an axis is any number between two, or there are more than [`MOST_TRIALS`].
pub fn grid(axes: &[Axis]) -> Result<Vec<Combination>> {
    let count: f64 = axes.iter().map(|axis| axis.len().unwrap_or(1) as f64).product();
    if count > MOST_TRIALS as f64 {
        return Err(too_many("the values of all options make", count));
    }
    let mut trials = vec![Combination::new()];
    for axis in axes {
        let Values::Listed(values) = &axis.values else {
            let problem = format!("--{}: a range without a number of values", axis.option);
            let hint =
                "add the number of values, as in log:1e-4..1:5, or take some at random with --trials 20";
            return Err(Error::usage(problem).hint(hint));
        };
        let with = |trial: &Combination| {
            let trial = trial.clone();
            values.iter().map(move |value| [&trial[..], &[value.clone()]].concat()).collect::<Vec<_>>()
        };
        trials = trials.iter().flat_map(with).collect();
    }
    Ok(trials)
}

/// So many different combinations at random, the same for the same seed (Bergstra and Bengio, "Random search for
/// hyper-parameter optimization", 2012); all of them if there are no more.
///
/// # Errors
/// [`Error::Usage`] for more than [`MOST_TRIALS`], or none.
pub fn drawn(axes: &[Axis], count: usize, seed: u64) -> Result<Vec<Combination>> {
    if !(1..=MOST_TRIALS).contains(&count) {
        let problem = format!("--trials {count}: expected 1 to {}", thousands(MOST_TRIALS));
        return Err(Error::usage(problem));
    }
    let product: Option<usize> =
        axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.len()?));
    if product.is_some_and(|product| product <= count) {
        return grid(axes);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut trials, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..count * DRAWS {
        let mut value = |axis: &Axis| match &axis.values {
            Values::Listed(values) => values[random.random_range(0..values.len())].clone(),
            Values::Between(range) => range.at(random.random()),
        };
        let trial: Combination = axes.iter().map(&mut value).collect();
        if seen.insert(trial.clone()) {
            trials.push(trial);
        }
        if trials.len() == count {
            break;
        }
    }
    Ok(trials)
}
