//! A column as it is read: bytes, numbers, dates or words, whichever is the least that holds its values.

use std::collections::{HashMap, HashSet};

use super::date::{DateOrder, Dates};

/// One cell of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// There is none.
    Missing,
    /// Finite or infinite, never NaN.
    Number(f64),
    /// A time, in seconds since the beginning of 1970.
    Date(f64),
    /// Anything else.
    Word(&'a str),
}

impl Value<'_> {
    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// The number of a word that is missing.
const MISSING: u32 = u32::MAX;

/// What a word costs beside its bytes, which are kept twice.
const WORD_BYTES: usize = 64;

/// So many different numbers have to be dates for the column to be one of dates.
const DATES_OF_DIGITS: usize = 3;

/// The values of a column, row by row.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Whole numbers from 0 to 255; none is missing.
    Bytes(Vec<u8>),
    /// Numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Times in seconds since the beginning of 1970, NaN where one is missing, and how they are written.
    Dates(DateOrder, Vec<f64>),
    /// Words, each kept once.
    Words(Words),
}

/// Words, each kept once; a number among them is a word too, in its shortest form.
#[derive(Debug, Clone, Default)]
pub struct Words {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    rows: Vec<u32>,
}

impl Default for Cells {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Cells {
    /// A column that has words, even if all look like numbers.
    pub fn words() -> Self {
        Self::Words(Words::default())
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Numbers(values) | Self::Dates(_, values) => values.len(),
            Self::Words(words) => words.rows.len(),
        }
    }

    /// Adds a row, and says how many bytes that took.
    pub fn push(&mut self, value: Value<'_>) -> usize {
        match (&mut *self, value) {
            (Self::Bytes(values), Value::Number(number)) if is_byte(number) => {
                values.push(number as u8);
                1
            }
            (Self::Bytes(values), Value::Date(_)) if values.is_empty() => {
                *self = Self::Dates(DateOrder::default(), Vec::new());
                self.push(value)
            }
            (Self::Bytes(values), value) => {
                let wide = Self::Numbers(values.iter().map(|&byte| f64::from(byte)).collect());
                let more = 7 * values.len();
                *self = wide;
                more + self.push(value)
            }
            (Self::Numbers(values), Value::Number(number)) => {
                values.push(number);
                8
            }
            (Self::Numbers(values), Value::Date(seconds)) if values.iter().all(|value| value.is_nan()) => {
                values.push(seconds);
                *self = Self::Dates(DateOrder::default(), std::mem::take(values));
                8
            }
            (Self::Dates(_, values), Value::Date(seconds)) => {
                values.push(seconds);
                8
            }
            (Self::Numbers(values) | Self::Dates(_, values), Value::Missing) => {
                values.push(f64::NAN);
                8
            }
            // Dates come one and all, or not at all.
            (
                Self::Numbers(values) | Self::Dates(_, values),
                Value::Word(_) | Value::Number(_) | Value::Date(_),
            ) => {
                let mut words = Words::default();
                let bytes: usize = values.iter().map(|&number| words.push(of_number(number))).sum();
                *self = Self::Words(words);
                bytes + self.push(value)
            }
            (Self::Words(words), value) => words.push(value),
        }
    }

    /// The value of a row.
    ///
    /// # Panics
    /// If there is no such row, as slice indexing does.
    pub fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Bytes(values) => Value::Number(values[row].into()),
            Self::Numbers(values) => of_number(values[row]),
            Self::Dates(_, values) if values[row].is_nan() => Value::Missing,
            Self::Dates(_, values) => Value::Date(values[row]),
            Self::Words(words) => match words.rows[row] {
                MISSING => Value::Missing,
                word => Value::Word(&words.names[word as usize]),
            },
        }
    }

    /// Every value.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Value<'_>> {
        (0..self.len()).map(|row| self.value(row))
    }

    /// These rows, in this order.
    pub fn part(&self, rows: &[usize]) -> Self {
        match self {
            Self::Bytes(values) => Self::Bytes(rows.iter().map(|&row| values[row]).collect()),
            Self::Numbers(values) => Self::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Self::Dates(order, values) => Self::Dates(*order, rows.iter().map(|&row| values[row]).collect()),
            Self::Words(Words { names, numbers, rows: own }) => {
                let rows = rows.iter().map(|&row| own[row]).collect();
                Self::Words(Words { names: names.clone(), numbers: numbers.clone(), rows })
            }
        }
    }

    /// About how many bytes it takes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Numbers(values) | Self::Dates(_, values) => 8 * values.len(),
            Self::Words(words) => {
                let name = |name: &String| 2 * name.len() + WORD_BYTES;
                4 * words.rows.len() + words.names.iter().map(name).sum::<usize>()
            }
        }
    }

    /// How many rows have no value.
    pub fn missing(&self) -> usize {
        match self {
            Self::Bytes(_) => 0,
            Self::Numbers(values) | Self::Dates(_, values) => {
                values.iter().filter(|value| value.is_nan()).count()
            }
            Self::Words(words) => words.rows.iter().filter(|&&word| word == MISSING).count(),
        }
    }

    /// How many different dates there are; nothing of other columns.
    pub fn different(&self) -> usize {
        let Self::Dates(_, seconds) = self else { return 0 };
        let known = seconds.iter().filter(|seconds| !seconds.is_nan());
        known.map(|seconds| seconds.to_bits()).collect::<HashSet<u64>>().len()
    }

    /// How the words of a column are dates, or its numbers, if they can hardly be anything else; nothing of other columns.
    pub fn dates(&self) -> Option<Dates> {
        let words = match self {
            Self::Words(words) => words,
            Self::Numbers(_) => return self.are_digits().then_some(Dates::All(DateOrder::Digits)),
            Self::Bytes(_) | Self::Dates(..) => return None,
        };
        let looked_at = words.names.iter().map(String::as_str);
        (!words.names.is_empty()).then(|| Dates::of(looked_at))
    }

    /// Whether every number is a date of eight digits, and there are several: of other numbers of eight digits from 1900 on one in
    /// 28 is.
    fn are_digits(&self) -> bool {
        let mut different = HashSet::new();
        let is_date = |value| match value {
            Value::Number(number) => {
                different.insert(number.to_bits());
                DateOrder::Digits.seconds(&number.to_string()).is_some()
            }
            Value::Missing => true,
            Value::Date(_) | Value::Word(_) => false,
        };
        self.values().all(is_date) && different.len() >= DATES_OF_DIGITS
    }

    /// Words or numbers that are dates in this order, as such.
    pub fn dated(&self, order: DateOrder) -> Self {
        let seconds = |value| match value {
            Value::Word(word) => order.seconds(word).unwrap_or(f64::NAN),
            Value::Number(number) => order.seconds(&number.to_string()).unwrap_or(f64::NAN),
            Value::Date(_) | Value::Missing => f64::NAN,
        };
        Self::Dates(order, self.values().map(seconds).collect())
    }

    /// Each word that there is, and in how many rows; nothing of numbers.
    pub fn counts(&self) -> Vec<(&str, usize)> {
        let Self::Words(Words { names, rows, .. }) = self else { return Vec::new() };
        let mut counts = vec![0; names.len()];
        rows.iter().filter(|&&word| word != MISSING).for_each(|&word| counts[word as usize] += 1);
        names.iter().map(String::as_str).zip(counts).filter(|&(_, count)| count > 0).collect()
    }
}

impl Words {
    fn push(&mut self, value: Value<'_>) -> usize {
        let text;
        let word = match value {
            Value::Missing => {
                self.rows.push(MISSING);
                return 4;
            }
            Value::Word(word) => word,
            Value::Number(number) | Value::Date(number) => {
                text = number.to_string();
                &text
            }
        };
        if let Some(&number) = self.numbers.get(word) {
            self.rows.push(number);
            return 4;
        }
        let number = self.names.len() as u32;
        self.names.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        self.rows.push(number);
        4 + 2 * word.len() + WORD_BYTES
    }
}

fn is_byte(number: f64) -> bool {
    (0.0..=255.0).contains(&number) && number.fract() == 0.0 && number.is_sign_positive()
}

fn of_number(number: f64) -> Value<'static> {
    if number.is_nan() { Value::Missing } else { Value::Number(number) }
}
