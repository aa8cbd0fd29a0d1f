//! The column of labels of a table, if nobody says which it is.

use std::collections::HashSet;

use csv::StringRecord;

use super::cell::Spelling;
use crate::data::columns::Value;

/// Names that a column of labels goes by.
pub const LABELS: [&str; 11] = [
    "label",
    "labels",
    "class",
    "target",
    "y",
    "species",
    "targets",
    "outcome",
    "survived",
    "diagnosis",
    "churn",
];

/// More different whole numbers are a quantity rather than classes.
const FEW: usize = 20;

/// Rows of fewer values are no images.
const LEAST_PIXELS: usize = 64;

/// As many columns as a message lists.
const LISTED: usize = 12;

/// What a column looks like in the first rows.
struct Look {
    rows: usize,
    /// The different values, as they are written.
    different: usize,
    /// Whether one of them is a word.
    words: bool,
    /// Whether all are whole numbers from 0 to 255.
    bytes: bool,
    /// Whether all are whole numbers.
    whole: bool,
}

impl Look {
    fn at(column: usize, rows: &[StringRecord], spelling: &Spelling) -> Self {
        let mut look = Self { rows: 0, different: 0, words: false, bytes: true, whole: true };
        let mut seen = HashSet::new();
        for text in rows.iter().filter_map(|row| row.get(column)) {
            match spelling.value(text) {
                Value::Missing => continue,
                Value::Date(_) | Value::Word(_) => {
                    (look.words, look.bytes, look.whole) = (true, false, false)
                }
                Value::Number(number) => {
                    look.whole &= number.fract() == 0.0;
                    look.bytes &= look.whole && (0.0..=255.0).contains(&number);
                }
            }
            look.rows += 1;
            seen.insert(text.trim());
        }
        look.different = seen.len();
        look
    }

    /// Whether these can be classes: few values that occur again.
    fn is_label(&self) -> bool {
        let again = 2 * self.different <= self.rows || (self.rows < FEW && self.different < self.rows);
        let few = self.words || (self.whole && self.different <= FEW);
        self.different > 1 && again && few
    }
}

/// The column of labels: that with a usual name; else the first of a table of pixels, the last if it has few values, or the
/// only one of words.
///
/// # Errors
/// The columns that it may be, in words, if that is in doubt.
pub fn chosen(
    names: Option<&[String]>,
    rows: &[StringRecord],
    width: usize,
    spelling: &Spelling,
) -> Result<usize, String> {
    let usual = |label: &&str| names?.iter().position(|name| name.eq_ignore_ascii_case(label));
    if let Some(column) = LABELS.iter().find_map(usual) {
        return Ok(column);
    }
    let looks: Vec<Look> = (0..width).map(|column| Look::at(column, rows, spelling)).collect();
    // A comma at the end of each line makes a column of nothing.
    let last = looks.iter().rposition(|look| look.rows > 0).unwrap_or(width - 1);
    let pixels = width > LEAST_PIXELS && looks[1..last].iter().all(|look| look.bytes);
    let words: Vec<usize> =
        (0..width).filter(|&column| looks[column].words && looks[column].is_label()).collect();
    let doubt = match (words.as_slice(), last) {
        _ if pixels && looks[0].is_label() => return Ok(0),
        // Words that are first and words that are last: either may be the classes.
        ([0, .., end], last) if *end == last => true,
        (_, last) if looks[last].words && looks[last].is_label() => return Ok(last),
        // One column of words beside classes that are numbers.
        (words, last) if looks[last].is_label() => words.len() == 1,
        ([only], _) => return Ok(*only),
        _ => true,
    };
    match doubt {
        false => Ok(last),
        true => Err(candidates(names, &looks, last)),
    }
}

/// The columns and their different values.
fn candidates(names: Option<&[String]>, looks: &[Look], last: usize) -> String {
    let many = looks.len() > LISTED;
    let shown = (0..looks.len()).filter(|&column| !many || column == last || looks[column].is_label());
    let rows = looks.iter().map(|look| look.rows).max().unwrap_or(0);
    let name = |column: usize| match names {
        Some(names) => format!("`{}`", names[column]),
        None => column.to_string(),
    };
    let kind = |look: &Look| if look.words { ", words" } else { "" };
    let listed: Vec<String> = shown
        .take(LISTED)
        .map(|column| format!("{} ({}{})", name(column), looks[column].different, kind(&looks[column])))
        .collect();
    let more = if listed.len() < looks.len() { ", …" } else { "" };
    format!("columns and their different values in the first {rows} rows: {}{more}", listed.join(", "))
}
