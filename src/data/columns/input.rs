//! The way of a column into a network.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::cells::{Cells, Value};
use super::date::{DateOrder, DatePart, days};

/// The longest value that a category is known by, in bytes.
pub(super) const LONGEST_VALUE: usize = 256;

/// Spellings of yes and no; a column has one of the pairs, in capitals or not.
const BOOLEANS: [[&str; 2]; 5] = [["true", "false"], ["t", "f"], ["yes", "no"], ["y", "n"], ["on", "off"]];

/// A column as an input of a network, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Text", into = "Text")]
pub struct Input {
    /// Its name in the table; its place, if the table has no header.
    pub name: String,
    /// What becomes of its values.
    pub kind: Kind,
    /// Whether another input says where the value is missing: 1 there, 0 elsewhere. It is the last one.
    pub indicator: bool,
}

/// What becomes of the values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// One input: the number.
    Number {
        /// What stands for a missing one: the mean of the training rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f64>,
    },
    /// One input: 1 for yes and 0 for no, in any spelling.
    Boolean {
        /// What stands for a missing one: the more frequent of the training rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<bool>,
    },
    /// The days since the first date of the training rows, and parts of the date.
    Date {
        /// How dates are written.
        #[serde(default)]
        order: DateOrder,
        /// The first date of the training rows, in days since the beginning of 1970.
        first: f64,
        /// The parts, in the order of the inputs.
        parts: Vec<DatePart>,
        /// What stands for a missing date: the mean of each input over the training rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<Vec<f64>>,
    },
    /// One input for each value: 1 where the column has it, 0 elsewhere.
    Category {
        /// The values, in the order of the inputs.
        values: Vec<String>,
        /// Whether one more input stands for all other values.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
        /// What stands for a missing one: the most frequent of the training rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<String>,
    },
}

/// An input in a file; models of version 0.1.0 have only the names of numbers.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Name(String),
    Column {
        name: String,
        #[serde(flatten)]
        kind: Kind,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        indicator: bool,
    },
}

impl From<Text> for Input {
    fn from(text: Text) -> Self {
        match text {
            Text::Name(name) => Self { name, kind: Kind::Number { fill: None }, indicator: false },
            Text::Column { name, kind, indicator } => Self { name, kind, indicator },
        }
    }
}

impl From<Input> for Text {
    fn from(Input { name, kind, indicator }: Input) -> Self {
        match kind {
            Kind::Number { fill: None } if !indicator => Self::Name(name),
            kind => Self::Column { name, kind, indicator },
        }
    }
}

/// What there was to a value beside the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    Known,
    /// It was missing, and was filled in.
    Filled,
    /// It is none of the values of the training rows.
    Unseen,
    /// It is none of the values that have an input of their own.
    Other,
}

impl Input {
    /// What a column of these cells is before anything is fitted to it.
    pub fn draft(name: String, cells: &Cells) -> Self {
        let kind = match cells {
            Cells::Bytes(_) | Cells::Numbers(_) => Kind::Number { fill: None },
            Cells::Dates(order, _) => Kind::Date { order: *order, first: 0.0, parts: Vec::new(), fill: None },
            Cells::Words(_) if are_booleans(cells) => Kind::Boolean { fill: None },
            Cells::Words(_) => Kind::Category { values: Vec::new(), other: false, fill: None },
        };
        Self { name, kind, indicator: false }
    }

    /// The column to read such an input into.
    pub fn cells(&self) -> Cells {
        match self.kind {
            Kind::Number { .. } => Cells::default(),
            Kind::Date { order, .. } => Cells::Dates(order, Vec::new()),
            Kind::Boolean { .. } | Kind::Category { .. } => Cells::words(),
        }
    }

    /// Whether its values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Number { .. })
    }

    /// How many inputs of the network it is.
    pub fn width(&self) -> usize {
        let values = match &self.kind {
            Kind::Number { .. } | Kind::Boolean { .. } => 1,
            Kind::Date { parts, .. } => 1 + parts.len(),
            Kind::Category { values, other, .. } => values.len() + usize::from(*other),
        };
        values + usize::from(self.indicator)
    }

    /// What its inputs are called: `age`, `sex=female`, `sex=other`, `age is missing`.
    pub fn features(&self) -> Vec<String> {
        let name = &self.name;
        let mut features = match &self.kind {
            Kind::Number { .. } | Kind::Boolean { .. } => vec![name.clone()],
            Kind::Date { order: DateOrder::Clock, .. } => vec![format!("{name}: time")],
            Kind::Date { parts, .. } => {
                let parts = parts.iter().map(|part| format!("{name}: {}", part.name()));
                std::iter::once(format!("{name}: days")).chain(parts).collect()
            }
            Kind::Category { values, other, .. } => {
                let other = other.then(|| format!("{name}=other"));
                values.iter().map(|value| format!("{name}={value}")).chain(other).collect()
            }
        };
        features.extend(self.indicator.then(|| format!("{name} is missing")));
        features
    }

    /// Appends the inputs of a value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn push(&self, value: Value<'_>, inputs: &mut Vec<f64>) -> Result<Taken, String> {
        let missing = || Err("the value is missing".to_owned());
        let mut taken = if value == Value::Missing { Taken::Filled } else { Taken::Known };
        match (&self.kind, value) {
            (Kind::Number { fill }, Value::Missing) => match fill {
                Some(fill) => inputs.push(*fill),
                None => return missing(),
            },
            (Kind::Number { .. }, Value::Number(number)) if number.is_finite() => inputs.push(number),
            (Kind::Number { .. }, Value::Number(number)) => {
                return Err(format!("`{number}` is not a finite number"));
            }
            (Kind::Number { .. }, Value::Word(word)) => {
                return Err(format!("`{word}` is not a finite number"));
            }
            (Kind::Number { .. }, Value::Date(_)) => return Err("this is a date, not a number".to_owned()),
            (Kind::Date { fill, .. }, Value::Missing) => match fill {
                Some(fill) => inputs.extend(fill),
                None => return missing(),
            },
            (Kind::Date { order, first, parts, .. }, value) => {
                let seconds = self.date(*order, value)?;
                inputs.push(days(seconds) - first);
                inputs.extend(parts.iter().map(|part| part.of(seconds)));
            }
            (Kind::Boolean { fill }, value) => {
                let truth = match value {
                    Value::Missing if fill.is_none() => return missing(),
                    Value::Missing => *fill,
                    Value::Number(number) | Value::Date(number) => {
                        (number == 0.0 || number == 1.0).then_some(number == 1.0)
                    }
                    Value::Word(word) => truth(word),
                };
                if truth.is_none() {
                    taken = Taken::Unseen;
                }
                inputs.push(f64::from(u8::from(truth == Some(true))));
            }
            (Kind::Category { values, other, fill }, value) => {
                let text;
                let word = match (value, fill) {
                    (Value::Missing, None) => return missing(),
                    (Value::Missing, Some(fill)) => fill.as_str(),
                    (Value::Word(word), _) => word,
                    (Value::Number(number) | Value::Date(number), _) => {
                        text = number.to_string();
                        &text
                    }
                };
                let begin = inputs.len();
                inputs.extend(values.iter().map(|value| f64::from(u8::from(value == word))));
                let known = inputs[begin..].contains(&1.0);
                if *other {
                    inputs.push(f64::from(u8::from(!known)));
                }
                if !known {
                    taken = if *other { Taken::Other } else { Taken::Unseen };
                }
            }
        }
        if self.indicator {
            inputs.push(f64::from(u8::from(value == Value::Missing)));
        }
        Ok(taken)
    }

    /// A value that has to be a date, in seconds since the beginning of 1970.
    ///
    /// # Errors
    /// That it is none.
    pub(super) fn date(&self, order: DateOrder, value: Value<'_>) -> Result<f64, String> {
        let none = |text: &dyn std::fmt::Display| {
            let example = order.example();
            format!("`{text}` is not a date such as {example}, as the training data have them")
        };
        match value {
            Value::Date(seconds) => Ok(seconds),
            Value::Word(word) => order.seconds(word).ok_or_else(|| none(&word)),
            Value::Number(number) => order.seconds(&number.to_string()).ok_or_else(|| none(&number)),
            Value::Missing => Err("the value is missing".to_owned()),
        }
    }

    /// A value as its column keeps it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn kept<'v>(&self, value: Value<'v>) -> Result<Value<'v>, String> {
        match (&self.kind, value) {
            (_, Value::Missing) => Ok(value),
            (Kind::Date { order, .. }, value) => self.date(*order, value).map(Value::Date),
            (Kind::Number { .. }, Value::Word(word)) => Err(format!("`{word}` is not a finite number")),
            (_, value) => Ok(value),
        }
    }

    /// Whether a model can have it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Number { fill: Some(fill) } if !fill.is_finite() => {
                Err(format!("it fills `{}` with a number that is not finite", self.name))
            }
            Kind::Date { first, parts, fill, .. } => {
                let numbers = fill.iter().flatten().chain([first]);
                let fits = fill.as_ref().is_none_or(|fill| fill.len() == 1 + parts.len());
                match fits && numbers.copied().all(f64::is_finite) {
                    true => Ok(()),
                    false => Err(format!(
                        "it has other numbers for the dates of `{}` than their inputs",
                        self.name
                    )),
                }
            }
            Kind::Category { values, .. } => {
                let known: HashMap<&String, ()> = values.iter().map(|value| (value, ())).collect();
                match known.len() == values.len() {
                    true => Ok(()),
                    false => Err(format!("it names a value of `{}` twice", self.name)),
                }
            }
            Kind::Number { .. } | Kind::Boolean { .. } => Ok(()),
        }
    }
}

/// A word as a truth.
pub(super) fn truth(word: &str) -> Option<bool> {
    let is = |at: usize| BOOLEANS.iter().any(|pair| word.eq_ignore_ascii_case(pair[at]));
    if is(0) { Some(true) } else { is(1).then_some(false) }
}

/// Whether all words are of one pair: `f` and `n` are not both no.
fn are_booleans(cells: &Cells) -> bool {
    let words = cells.counts();
    BOOLEANS.iter().any(|pair| {
        !words.is_empty()
            && words.iter().all(|(word, _)| pair.iter().any(|own| word.eq_ignore_ascii_case(own)))
    })
}
