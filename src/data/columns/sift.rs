//! Columns that say nothing of a sample but which one it is.

use std::collections::HashSet;

use super::cells::{Cells, Value};

/// Names of columns that number or name samples.
const IDENTITIES: [&str; 14] = [
    "",
    "id",
    "ids",
    "index",
    "idx",
    "key",
    "row",
    "rownames",
    "rowname",
    "rowid",
    "uuid",
    "guid",
    "unnamed: 0",
    "__index_level_0__",
];

/// Names of columns that count on with the rows, and mean it.
const TIMES: [&str; 30] = [
    "t",
    "x",
    "time",
    "timestamp",
    "date",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "hour",
    "minute",
    "step",
    "age",
    "seconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "months",
    "quarters",
    "years",
    "period",
    "trend",
    "dose",
    "depth",
    "distance",
    "temperature",
    "frequency",
    "wavelength",
];

/// Fewer rows may be different by chance.
const LEAST_ROWS: usize = 20;

/// As many words are never too many.
const FEW_WORDS: usize = 10;

/// Why a column is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Not one row has a value.
    Empty,
    /// It is different in almost every row.
    Identity,
}

/// Whether a column is to be left out; `first` is that of the table.
pub fn left_out(name: &str, cells: &Cells, first: bool) -> Option<LeftOut> {
    let (rows, missing) = (cells.len(), cells.missing());
    if missing == rows {
        return Some(LeftOut::Empty);
    }
    let identity = match cells {
        Cells::Words(_) => {
            let different = cells.counts().len();
            different > FEW_WORDS && 2 * different > rows - missing
        }
        Cells::Dates(..) => false,
        Cells::Bytes(_) | Cells::Numbers(_) => {
            let is_name = is_identity(name);
            let counts = rows >= LEAST_ROWS && !TIMES.contains(&name.to_lowercase().as_str());
            (first && name.is_empty()) || (is_name && are_different(cells)) || (counts && count_on(cells))
        }
    };
    identity.then_some(LeftOut::Identity)
}

/// `id`, `customer_id`, `customer id`, `PassengerId`, `ID`.
fn is_identity(name: &str) -> bool {
    let lower = name.to_lowercase();
    let part = ["_id", "-id", " id", ".id"].iter().any(|end| lower.ends_with(end));
    let camel = name.ends_with("Id") || name.ends_with("ID");
    IDENTITIES.contains(&lower.as_str()) || part || camel
}

/// Whether all are whole numbers and no two of them are the same.
fn are_different(cells: &Cells) -> bool {
    let mut seen = HashSet::with_capacity(cells.len());
    cells.values().all(|value| match value {
        Value::Number(number) => number.fract() == 0.0 && seen.insert(number.to_bits()),
        Value::Missing | Value::Date(_) | Value::Word(_) => false,
    })
}

/// Whether the numbers are whole and rise or fall by the same step from row to row: 0, 1, 2, … or 1000, 990, 980, …
fn count_on(cells: &Cells) -> bool {
    let number = |row: usize| match cells.value(row) {
        Value::Number(number) if number.fract() == 0.0 => Some(number),
        _ => None,
    };
    let (Some(begin), Some(second)) = (number(0), number(1)) else { return false };
    let step = second - begin;
    step != 0.0 && (0..cells.len()).all(|row| number(row) == Some(begin + step * row as f64))
}
