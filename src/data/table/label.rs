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

/// Names of quantities that are wanted of a table, if the column has many values.
const QUANTITIES: [&str; 8] =
    ["price", "saleprice", "sale_price", "charges", "salary", "mpg", "medv", "median_house_value"];

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

/// The column of labels among these: that with a usual name; else the first of a table of pixels, the last if it has few values, or
/// the first if it is the only one of words.
///
/// # Errors
/// The columns that it may be, in words, if that is in doubt.
pub fn chosen(
    names: Option<&[String]>,
    rows: &[StringRecord],
    columns: &[usize],
    spelling: &Spelling,
) -> Result<usize, String> {
    let called = |label: &&str| {
        columns
            .iter()
            .copied()
            .find(|&column| names.is_some_and(|names| names[column].eq_ignore_ascii_case(label)))
    };
    if let Some(column) = LABELS.iter().find_map(called) {
        return Ok(column);
    }
    let looks: Vec<(usize, Look)> =
        columns.iter().map(|&column| (column, Look::at(column, rows, spelling))).collect();
    // A comma at the end of each line makes a column of nothing.
    let Some((last, end)) = looks.iter().rfind(|(_, look)| look.rows > 0) else {
        return Err(candidates(names, &looks, None));
    };
    let (first, begin) = &looks[0];
    let between = || looks.iter().filter(|(column, _)| column != first && column != last);
    let pixels = looks.len() > LEAST_PIXELS && between().all(|(_, look)| look.bytes);
    let words: Vec<usize> =
        looks.iter().filter(|(_, look)| look.words && look.is_label()).map(|&(column, _)| column).collect();
    let is_many =
        |column: &usize| looks.iter().any(|(own, look)| own == column && !look.words && look.different > FEW);
    let quantity = QUANTITIES.iter().find_map(called).filter(is_many);
    let found = match (words.as_slice(), quantity) {
        _ if pixels && begin.is_label() => Some(*first),
        // A price beside classes that are last: either may be wanted.
        (_, Some(column)) => Some(column).filter(|_| !end.is_label()),
        // Words that are first and words that are last: either may be the classes.
        ([one, .., other], None) if one == first && other == last => None,
        _ if end.is_label() && end.words => Some(*last),
        // One column of words beside classes that are numbers.
        (words, None) if end.is_label() => Some(*last).filter(|_| words.len() != 1),
        // Words anywhere else are as likely to be a value.
        ([only], None) if only == first => Some(*only),
        _ => None,
    };
    found.ok_or_else(|| candidates(names, &looks, Some(*last)))
}

/// The columns and their different values.
fn candidates(names: Option<&[String]>, looks: &[(usize, Look)], last: Option<usize>) -> String {
    let many = looks.len() > LISTED;
    let shown = looks.iter().filter(|(column, look)| !many || Some(*column) == last || look.is_label());
    let rows = looks.iter().map(|(_, look)| look.rows).max().unwrap_or(0);
    let name = |column: usize| match names {
        Some(names) => format!("`{}`", names[column]),
        None => column.to_string(),
    };
    let kind = |look: &Look| if look.words { ", words" } else { "" };
    let listed: Vec<String> = shown
        .take(LISTED)
        .map(|(column, look)| format!("{} ({}{})", name(*column), look.different, kind(look)))
        .collect();
    let more = if listed.len() < looks.len() { ", …" } else { "" };
    format!("columns and their different values in the first {rows} rows: {}{more}", listed.join(", "))
}
