//! The column of labels of a table, if nobody says which it is.

use std::collections::{BTreeSet, HashSet, VecDeque};

use csv::StringRecord;

use super::cell::Spelling;
use crate::data::columns::Value;

/// Names that a column of labels goes by.
pub const LABELS: [&str; 12] = [
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
    "default",
];

/// Words that stand for a missing label, in capitals or not, beside those that stand for any missing value.
const MISSING: [&str; 8] = ["nil", "null", "nan", "nat", "n/a", "#n/a", "(null)", "\\n"];

/// Signs for a missing label, unless a class is called `+`.
const SIGNS: [&str; 6] = ["-", "--", "---", ".", "..", "*"];

/// Words for a missing label, which may as well be classes.
const WORDS: [&str; 6] = ["none", "missing", "unknown", "undefined", "unlabeled", "unlabelled"];

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
    fn at(column: usize, rows: &VecDeque<StringRecord>, spelling: &Spelling) -> Self {
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

/// Whether the name of a class may stand for missing labels.
pub fn may_be_missing(name: &str) -> bool {
    WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Which of these labels stand for missing ones: `nil` and the like always; `-` and the like among numbers, or among several words
/// without a `+`; `none` and the like among numbers.
pub fn placeholders<'t>(texts: impl Iterator<Item = &'t str>, spelling: &Spelling) -> Vec<String> {
    let labels: BTreeSet<&str> = texts.filter(|text| !spelling.is_missing(text)).collect();
    let is_one_of = |text: &str, words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_doubtful =
        |text: &str| is_one_of(text, &MISSING) || is_one_of(text, &SIGNS) || may_be_missing(text);
    let others = || labels.iter().filter(|text| !is_doubtful(text));
    let among_numbers = others().count() > 1 && others().all(|text| spelling.value(text).is_number());
    let among_words = others().count() > 1 && !labels.contains("+");
    let stands = |text: &&&str| {
        is_one_of(text, &MISSING)
            || (is_one_of(text, &SIGNS) && (among_numbers || among_words))
            || (may_be_missing(text) && among_numbers)
    };
    labels.iter().filter(stands).map(|&text| text.to_owned()).collect()
}

/// The column of labels among these: that with a usual name; else the first of a table of pixels, the last if it has few values, or
/// the first if it is the only one of words.
///
/// # Errors
/// The columns that it may be, in words, if that is in doubt.
pub fn chosen(
    names: Option<&[&str]>,
    rows: &VecDeque<StringRecord>,
    columns: &[usize],
    spelling: &Spelling,
) -> Result<usize, String> {
    let called = |label: &&str| {
        columns
            .iter()
            .copied()
            .find(|&column| names.is_some_and(|names| names[column].eq_ignore_ascii_case(label)))
    };
    let looks: Vec<(usize, Look)> =
        columns.iter().map(|&column| (column, Look::at(column, rows, spelling))).collect();
    // A comma at the end of each line makes a column of nothing.
    let Some((last, end)) = looks.iter().rfind(|(_, look)| look.rows > 0).or(looks.last()) else {
        return Err(candidates(names, &looks, None));
    };
    if let Some(usual) = usual(&called, (*last, end)) {
        return usual.ok_or_else(|| candidates(names, &looks, Some(*last)));
    }
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

/// The column that has a usual name: nothing if none has one, and `None` if that is in doubt, since several have, or it is called as
/// values are, too, and the last column looks like labels.
fn usual(called: &impl Fn(&&str) -> Option<usize>, (last, end): (usize, &Look)) -> Option<Option<usize>> {
    let mut named: Vec<(&str, usize)> =
        LABELS.iter().filter_map(|label| Some((*label, called(label)?))).collect();
    // Beside a label, x and y are places.
    if named.len() > 1 {
        named.retain(|(name, _)| *name != "y");
    }
    Some(match named[..] {
        [] => return None,
        [(name, column)] => {
            let doubted = match name {
                "y" => end.words && end.is_label(),
                "default" => end.is_label(),
                _ => false,
            };
            Some(column).filter(|&column| column == last || !doubted)
        }
        _ => None,
    })
}

/// The columns and their different values.
fn candidates(names: Option<&[&str]>, looks: &[(usize, Look)], last: Option<usize>) -> String {
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
