//! The options that a sweep varies, their values, and the trials: every combination, or some drawn at random.

use std::collections::BTreeSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::error::{Error, Result, Setting, message};
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

impl Values {
    /// Of what stands after an option, once or several times: values with commas between them; `1..5` for the whole numbers from 1
    /// to 5, if `whole` says that the option takes no others; `0..0.5:6` for so many numbers at equal distances, `log:1e-4..1:5`
    /// for so many at equal factors, and both without a count for any number in between.
    ///
    /// # Errors
    /// What is wrong with a range.
    pub fn parse(texts: &[String], whole: bool) -> Result<Self, String> {
        let parts: Vec<&str> = texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
        let mut listed = Vec::new();
        for part in &parts {
            match range(part, whole).transpose()? {
                None => listed.push((*part).to_owned()),
                Some(Self::Listed(values)) => listed.extend(values),
                Some(between) if parts.len() == 1 => return Ok(between),
                Some(Self::Between(_)) => {
                    return Err(format!("{part} is any number between two, and cannot stand beside others"));
                }
            }
        }
        Ok(Self::listed(listed))
    }

    /// These, each once.
    pub fn listed(mut values: Vec<String>) -> Self {
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        Self::Listed(values)
    }
}

/// What a range stands for; `None` if the text is none.
fn range(text: &str, whole: bool) -> Option<Result<Values, String>> {
    let (log, rest) = text.strip_prefix("log:").map_or((false, text), |rest| (true, rest));
    let Some((from, rest)) = rest.split_once("..") else {
        return log.then(|| Err(format!("{text} has no `..`")));
    };
    let (to, count) = rest.split_once(':').map_or((rest, None), |(to, count)| (to, Some(count)));
    let number = |end: &str| end.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (Some(from), Some(to)) = (number(from), number(to)) else {
        return Some(Err(format!("{text} does not begin and end with a number")));
    };
    let values = spread(Range { from, to, log, whole }, count);
    Some(values.map_err(|why| format!("{text} {why}")))
}

/// The values of a range, as many as are asked for.
fn spread(range: Range, count: Option<&str>) -> Result<Values, String> {
    let Range { from, to, log, whole } = range;
    if from > to {
        return Err("is empty: the first number is the larger one".to_owned());
    }
    if log && from <= 0.0 {
        return Err("has equal factors, which need a first number greater than 0".to_owned());
    }
    if whole && (from.fract() != 0.0 || to.fract() != 0.0) {
        return Err("has to begin and end with whole numbers".to_owned());
    }
    match count.map(str::parse::<usize>) {
        Some(Ok(count @ 2..=MOST_TRIALS)) => {
            let places = (0..count).map(|i| i as f64 / (count - 1) as f64);
            Ok(Values::listed(places.map(|place| range.at(place)).collect()))
        }
        Some(_) => Err("has after its last `:` no number of values, from 2".to_owned()),
        None if whole && !log && to - from < MOST_TRIALS as f64 => {
            Ok(Values::listed((0..=(to - from) as usize).map(|i| format!("{}", from + i as f64)).collect()))
        }
        None if whole && !log => {
            Err(format!("has {} values: that is too many", thousands((to - from) as usize + 1)))
        }
        None => Ok(Values::Between(range)),
    }
}

impl Axis {
    /// How many values; `None` of any number in between.
    fn count(&self) -> Option<usize> {
        match &self.values {
            Values::Listed(values) => Some(values.len()),
            Values::Between(_) => None,
        }
    }
}

fn too_many(count: f64) -> Error {
    let count = if count < 1e15 { thousands(count as usize) } else { format!("{count:.1e}") };
    let most = thousands(MOST_TRIALS);
    Error::usage(format!("the values of all options make {count} trials: expected at most {most}"))
        .hint(message!["give fewer values, or draw some at random with ", Setting::Trials.set(50)])
}

/// Every combination; of the last axis the value changes first.
///
/// # Errors
/// [`Error::Usage`] if an axis is any number between two, or there are more than [`MOST_TRIALS`].
pub fn grid(axes: &[Axis]) -> Result<Vec<Combination>> {
    let count: f64 = axes.iter().map(|axis| axis.count().unwrap_or(1) as f64).product();
    if count > MOST_TRIALS as f64 {
        return Err(too_many(count));
    }
    let mut trials = vec![Combination::new()];
    for axis in axes {
        let Values::Listed(values) = &axis.values else {
            let problem = format!("{}: any number between two makes no grid", axis.option);
            let hint = message![
                "add how many of them, as in log:1e-4..1:5, or draw some at random with ",
                Setting::Trials.set(20)
            ];
            return Err(Error::usage(problem).hint(hint));
        };
        let with = |trial: &Combination| {
            let trial = trial.clone();
            values
                .iter()
                .map(move |value| [&trial[..], std::slice::from_ref(value)].concat())
                .collect::<Vec<_>>()
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
        let expected = format!(": expected 1 to {}", thousands(MOST_TRIALS));
        return Err(Error::usage(message![Setting::Trials.set(count), expected]));
    }
    let product: Option<usize> =
        axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.count()?));
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
