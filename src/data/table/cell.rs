//! What the text of a cell says: a number, a word, or nothing.

use std::borrow::Cow;

use crate::data::columns::Value;
use crate::data::table_options::TableOptions;

/// What stands for a missing value: what pandas takes for one, and a question mark.
const MISSING: [&str; 21] = [
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null",
];

/// How a table writes numbers and missing values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spelling {
    /// Whether numbers have a comma where others have a point.
    pub decimal_comma: bool,
    /// What else stands for a missing value.
    pub na_values: Vec<String>,
}

impl Spelling {
    /// As the options say.
    pub fn of(options: &TableOptions) -> Self {
        let na_values = options.na_values.iter().flat_map(|words| words.split(','));
        let na_values = na_values.map(|word| word.trim().to_owned()).collect();
        Self { decimal_comma: options.decimal_comma, na_values }
    }

    /// What a cell says.
    pub fn value<'c>(&self, cell: &'c str) -> Value<'c> {
        let text = cell.trim();
        match self.number(text) {
            _ if self.is_missing(text) => Value::Missing,
            Some(number) if number.is_nan() => Value::Missing,
            Some(number) => Value::Number(number),
            None => Value::Word(text),
        }
    }

    /// Whether a trimmed text stands for a value that there is not.
    pub fn is_missing(&self, text: &str) -> bool {
        MISSING.contains(&text) || self.na_values.iter().any(|own| own == text)
    }

    /// A trimmed text with a point in its number.
    pub fn pointed<'c>(&self, text: &'c str) -> Cow<'c, str> {
        match self.decimal_comma && is_comma_number(text) {
            true => text.replacen(',', ".", 1).into(),
            false => text.into(),
        }
    }

    fn number(&self, text: &str) -> Option<f64> {
        self.pointed(text).parse().ok()
    }
}

/// Whether a number with a comma in it can be none with thousands: 0,346 and 1,5, but not 1,034.
pub fn has_decimals(text: &str) -> bool {
    text.split_once(',').is_some_and(|(whole, rest)| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        is_comma_number(text) && (digits != 3 || whole.trim_start_matches(['-', '+']).starts_with('0'))
    })
}

/// Whether a text is a number with a comma in it, such as -0,5 or 1,5e3.
pub fn is_comma_number(text: &str) -> bool {
    text.split_once(',').is_some_and(|(whole, rest)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = rest.split(['e', 'E']).next().unwrap_or_default();
        digits(whole.trim_start_matches(['-', '+']))
            && digits(fraction)
            && text.replacen(',', ".", 1).parse::<f64>().is_ok()
    })
}
