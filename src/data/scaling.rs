//! The scaling of inputs: x = (value - shift) · factor, column by column, in f64 until it is done.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::Value;
use super::format::Format;
use crate::error::{Error, Result, Setting, message};

/// How values are to be scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Bytes by 1 / 255, or by their own largest value (but for a few mistakes) if that is low, or bright ones by one mean and deviation; columns that are
    /// scaled already not at all; others as by `standard`.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// Each column to 0..1.
    Minmax,
    /// Each column to mean 0 and variance 1.
    Standard,
}

impl Scale {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Auto, Self::None, Self::Minmax, Self::Standard];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Minmax => "minmax",
            Self::Standard => "standard",
        }
    }
}

/// How values are scaled: x = (value - shift) · factor, column by column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Bytes: shift 0, factor 1 / 255.
    Bytes,
    /// Shift 0, factor 1.
    None,
    /// One shift and one factor a column.
    Columns {
        /// Subtracted first.
        shift: Vec<f64>,
        /// Multiplied by then; 0 for a column that is constant.
        factor: Vec<f64>,
    },
}

/// Rows of fewer values than 8 x 8 are no images of numbers: small whole numbers are common in tables.
pub const LEAST_PIXELS: usize = 64;

/// Numbers of a table that reach no higher are no bytes of images.
const LOW_NUMBER: f64 = 127.0;

/// Bytes that reach no higher are small once they are divided by 255.
const LOW_BYTE: f64 = 63.0;

/// Of the bytes above 0 one in so many may be a mistake, which says nothing of how they are to be scaled.
const ONE_MISTAKE_IN: u64 = 1000;

/// Pixels are bright if their mean is above this part of the brightest one.
pub const BRIGHT: f64 = 0.4;

/// Columns that are scaled already: most values lie within these ends, and are at least so far apart. Both are about three
/// times what values in 0..1, in -1..1 and of mean 0 and variance 1 have.
const ENDS: f64 = 5.0;
const WIDTH: f64 = 1.0 / 3.0;

/// Rows that are looked at for the ends of most values.
const LOOKED_AT: usize = 10_000;

/// What the values of a column are like.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    min: f64,
    max: f64,
    mean: f64,
    /// The sum of squares, until all values are there.
    squares: f64,
    count: f64,
    /// Whether all are whole numbers.
    whole: bool,
    /// Values of some rows, evenly taken.
    some: Vec<f64>,
    /// Whether it is a number, and not a 1 or a 0 that stands for a word.
    is_number: bool,
}

impl Spread {
    fn new(is_number: bool) -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { min, max, mean: 0.0, squares: 0.0, count: 0.0, whole: true, some: Vec::new(), is_number }
    }

    /// An input that says whether a column has a word.
    pub fn of_truth() -> Self {
        Self::new(false)
    }

    /// A column of numbers, in which `fill` stands for the missing ones.
    pub fn of_numbers<'v>(values: impl ExactSizeIterator<Item = Value<'v>>, fill: Option<f64>) -> Self {
        let mut spread = Self::new(true);
        let every = values.len().div_ceil(LOOKED_AT).max(1);
        for (row, value) in values.enumerate() {
            let number = if let Value::Number(number) = value { Some(number) } else { fill };
            number.into_iter().for_each(|number| spread.push(number, row.is_multiple_of(every)));
        }
        spread
    }

    /// The columns of rows of `columns` values.
    pub fn of_rows(values: impl Iterator<Item = f32>, rows: usize, columns: usize) -> Vec<Self> {
        let mut spreads = vec![Self::new(true); columns];
        let every = rows.div_ceil(LOOKED_AT.min(1 + (1 << 24) / columns.max(1))).max(1);
        for (i, value) in values.enumerate() {
            spreads[i % columns].push(value.into(), (i / columns).is_multiple_of(every));
        }
        spreads
    }

    /// Welford's update: no difference of large sums.
    fn push(&mut self, value: f64, looked_at: bool) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.whole &= value.fract() == 0.0;
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
        if looked_at {
            self.some.push(value);
        }
    }

    fn deviation(&self) -> f64 {
        f64::sqrt(self.squares / self.count)
    }

    fn are_bytes(&self) -> bool {
        self.whole && self.min >= 0.0 && self.max <= 255.0
    }

    /// The ends of most values: one in a hundred at either end, and of ten or more at least one, does not count.
    fn ends(&self) -> (f64, f64) {
        let mut some = self.some.clone();
        if some.is_empty() {
            return (0.0, 0.0);
        }
        some.sort_unstable_by(f64::total_cmp);
        let left_out = if some.len() < 10 { 0 } else { (some.len() / 100).max(1) };
        (some[left_out], some[some.len() - 1 - left_out])
    }
}

/// Whether nothing needs to be done to columns. In a table all have to be scaled already, and none may be the same large number
/// everywhere; of many columns, such as pixels, some are 0 almost everywhere.
fn are_scaled(spreads: &[Spread]) -> bool {
    if spreads.iter().any(|spread| spread.is_number && spread.min == spread.max && spread.max.abs() > ENDS) {
        return false;
    }
    let numbers = spreads.iter().filter(|spread| spread.is_number && spread.min < spread.max);
    let (mut wide, mut narrow) = (0, 0);
    for spread in numbers {
        let (low, high) = spread.ends();
        if low.abs().max(high.abs()) > ENDS {
            return false;
        }
        match high - low >= WIDTH && (low + high).abs() <= ENDS * (high - low) {
            true => wide += 1,
            // Almost always the same: what is left tells how far it goes.
            false
                if low == high
                    && spread.max - spread.min >= WIDTH
                    && spread.min.abs().max(spread.max.abs()) <= 1.0 => {}
            false => narrow += 1,
        }
    }
    if spreads.len() < LEAST_PIXELS { narrow == 0 } else { wide >= narrow }
}

/// How high bytes reach, but for a few mistakes among those above 0.
fn highest_byte(spreads: &[Spread]) -> f64 {
    let mut counts = [0_u64; 256];
    let bytes = spreads.iter().flat_map(|spread| &spread.some).filter(|&&byte| byte > 0.0);
    bytes.for_each(|&byte| counts[byte as usize] += 1);
    let mut mistakes = counts.iter().sum::<u64>() / ONE_MISTAKE_IN;
    let is_usual = |&byte: &usize| {
        let usual = counts[byte] > mistakes;
        mistakes = mistakes.saturating_sub(counts[byte]);
        usual
    };
    (0..256).rev().find(is_usual).unwrap_or_default() as f64
}

/// Of all values together.
fn mean_and_deviation(spreads: &[Spread]) -> (f64, f64) {
    let count = spreads.len() as f64;
    let mean = spreads.iter().map(|spread| spread.mean).sum::<f64>() / count;
    let variance = |spread: &Spread| spread.deviation().powi(2) + (spread.mean - mean).powi(2);
    (mean, (spreads.iter().map(variance).sum::<f64>() / count).sqrt())
}

/// Whether pixels are bright on average, as ink on paper is: from such values, all positive and alike, gradient descent hardly
/// learns (docs/data.md has the measurement).
fn are_bright(spreads: &[Spread]) -> bool {
    let max = highest_byte(spreads);
    let top = if max > LOW_BYTE { 255.0 } else { max };
    spreads.len() >= LEAST_PIXELS && mean_and_deviation(spreads).0 > BRIGHT * top
}

impl Scaling {
    /// Fits a scaling to columns.
    ///
    /// Source: the mean and the variance (divided by n) of Bishop, *Pattern Recognition and Machine Learning*, section
    /// 9.1, in f64.
    pub fn fit(scale: Scale, format: Format, spreads: &[Spread]) -> Self {
        let is_number = |spread: &Spread| spread.is_number && spread.count > 0.0;
        let fitted = |of: &dyn Fn(&Spread) -> (f64, f64)| {
            let inverse = |width: f64| if width > 0.0 { 1.0 / width } else { 0.0 };
            let one = |spread: &Spread| match of(spread) {
                (shift, width) if is_number(spread) => (shift, inverse(width)),
                _ => (0.0, 1.0),
            };
            let (shift, factor) = spreads.iter().map(one).unzip();
            Self::Columns { shift, factor }
        };
        let of_all = || {
            let (mean, deviation) = mean_and_deviation(spreads);
            fitted(&|_| (mean, deviation))
        };
        let are_bytes = format == Format::Bytes
            || (spreads.len() >= LEAST_PIXELS && spreads.iter().all(Spread::are_bytes));
        let max = if scale == Scale::Auto && are_bytes { highest_byte(spreads) } else { 0.0 };
        let pixels = || are_bytes && max > 1.0;
        match scale {
            Scale::None => Self::None,
            Scale::Minmax => fitted(&|spread| (spread.min, spread.max - spread.min)),
            Scale::Auto if (format == Format::Bytes || pixels()) && are_bright(spreads) => of_all(),
            Scale::Auto if format == Format::Bytes && max > LOW_BYTE => Self::Bytes,
            Scale::Auto if format == Format::Bytes && max > 0.0 => fitted(&|_| (0.0, max)),
            Scale::Auto if format == Format::Bytes => Self::Bytes,
            Scale::Auto if pixels() && max > LOW_NUMBER => Self::Bytes,
            Scale::Auto if pixels() => fitted(&|_| (0.0, max)),
            Scale::Auto if are_scaled(spreads) => Self::None,
            Scale::Auto | Scale::Standard => fitted(&|spread| (spread.mean, spread.deviation())),
        }
    }

    /// A value of a column as a network sees it; a byte stays what it is.
    ///
    /// # Errors
    /// That it is not finite.
    pub fn scaled(&self, column: usize, value: f64) -> Result<f32, String> {
        let Self::Columns { shift, factor } = self else {
            let taken = value as f32;
            return if taken.is_finite() {
                Ok(taken)
            } else {
                Err(format!("{value} is beyond the numbers of a network"))
            };
        };
        let (shift, factor) = (shift[column], factor[column]);
        let scaled = ((value - shift) * factor) as f32;
        match scaled.is_finite() {
            true => Ok(scaled),
            false => Err(format!("{value} cannot be scaled: ({value} - {shift}) · {factor} is not finite")),
        }
    }

    /// Scales rows of f32 in place. Bytes stay what they are: their readers divide by 255.
    pub(super) fn apply(&self, rows: &mut [u8], columns: usize, path: &Path) -> Result<()> {
        if !matches!(self, Self::Columns { .. }) {
            return Ok(());
        }
        for row in rows.chunks_mut(4 * columns) {
            for (column, bytes) in row.as_chunks_mut().0.iter_mut().enumerate() {
                let value = f32::from_ne_bytes(*bytes);
                let scaled =
                    self.scaled(column, value.into()).map_err(|problem| unscalable(path, problem))?;
                *bytes = scaled.to_ne_bytes();
            }
        }
        Ok(())
    }

    /// Whether it scales all of many values by one mean and deviation.
    pub fn is_of_bright(&self) -> bool {
        let Self::Columns { shift, factor } = self else { return false };
        shift.len() >= LEAST_PIXELS && shift[0] > 0.0 && are_equal(shift) && are_equal(factor)
    }

    /// A description for the user.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Bytes => "bytes, scaled by 1/255",
            Self::None => "numbers, taken as they are",
            Self::Columns { shift, factor } if shift.iter().all(|&shift| shift == 0.0) => {
                match factor.first() {
                    Some(&one) if factor.iter().any(|&own| own != one) => {
                        "numbers, each column scaled by itself"
                    }
                    Some(1.0) => "numbers, taken as they are",
                    _ => "numbers, divided by the largest of the training set, but for a few outliers",
                }
            }
            Self::Columns { .. } if self.is_of_bright() => {
                "bright pixels, all scaled by the mean and the deviation of the training set"
            }
            Self::Columns { .. } => "numbers, each column scaled with statistics of the training set",
        }
    }
}

fn are_equal(numbers: &[f64]) -> bool {
    numbers.windows(2).all(|pair| pair[0] == pair[1])
}

/// A value that cannot be scaled.
pub fn unscalable(path: &Path, problem: String) -> Error {
    Error::file(path, problem, message!["change the unit of the column, or use ", Setting::Scale.another()])
}
