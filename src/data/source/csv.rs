//! Tables of text, plain or gzip, as sets: one column has the labels, the others the values.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::{Labels, Part, Reading, Rows, Source, part};
use crate::data::Format;
use crate::data::table::{Table, line, number};
use crate::error::{Error, Result, Setting, message};

/// What stands where a value is missing.
const MISSING: [&str; 6] = ["", "?", "na", "n/a", "nan", "null"];

/// Reads a table from its `start` and the `rest` of it.
pub(super) fn read(path: &Path, start: Vec<u8>, rest: impl Read, reading: Reading<'_>) -> Result<Source> {
    let Some(mut table) = Table::open(path, start, rest)? else {
        return Err(Error::file(path, "it is empty", "use a file with a row for each sample"));
    };
    if table.columns() < 2 {
        let problem = format!("its first line has {} columns", table.columns());
        return Err(Error::file(path, problem, "a table has a column of labels, and columns of values"));
    }
    let label = table.label(reading.label_column)?;
    let index = table.numbers_its_rows() && label != 0 && table.columns() > 2;
    let skipped = index.then_some(0);
    let columns = table.columns() - 1 - usize::from(index);
    let mut rows =
        Columns { reading, label, skipped, columns, values: Vec::new(), labels: Labels::default() };
    let mut row = StringRecord::new();
    while table.read(&mut row)? {
        rows.push(&table, &row, path)?;
    }
    let Columns { values, labels, .. } = rows;
    if labels.len() == 0 {
        let hint = "use a file with a row for each sample";
        return Err(Error::file(path, "it has a header and nothing else", hint));
    }
    labels.check(path)?;
    let named = match table.names().and_then(|mut names| names.nth(label)) {
        Some(name) => format!("`{name}`"),
        None => format!("{label}, from 0, without a header"),
    };
    let without = if index { ", the first column left out as row numbers" } else { "" };
    let what = format!(
        "a table of text: {} rows of {columns} values, labels in column {named}{without}",
        labels.len()
    );
    let kept = |&(column, _): &(usize, &str)| column != label && Some(column) != skipped;
    let names = table.names().map(|names| names.enumerate().filter(kept).map(|(_, name)| name.to_owned()));
    let train = Part {
        path: path.to_owned(),
        format: Format::Floats,
        features: columns,
        image_shape: part::square(&values, columns),
        columns: names.map(Iterator::collect),
        rows: Rows::Memory(values),
        labels,
    };
    Ok(Source { what, train, test: None, classes: None })
}

/// What is read so far.
struct Columns<'a> {
    reading: Reading<'a>,
    label: usize,
    skipped: Option<usize>,
    columns: usize,
    /// f32 values in this machine's order of bytes.
    values: Vec<u8>,
    labels: Labels,
}

impl Columns<'_> {
    fn push(&mut self, table: &Table<impl Read>, row: &StringRecord, path: &Path) -> Result<()> {
        let memory = self.reading.memory;
        if (self.values.len() + 4 * self.columns) as u64 > memory {
            let problem =
                format!("its values up to line {} take more than {memory} bytes of memory", line(row));
            return Err(Error::file(
                path,
                problem,
                message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"],
            ));
        }
        for (column, text) in row.iter().enumerate().filter(|&(column, _)| Some(column) != self.skipped) {
            let text = text.trim();
            if column == self.label {
                if text.is_empty() {
                    return Err(table.wrong(row, column, "the label is missing"));
                }
                self.labels.push(text).map_err(|problem| table.wrong(row, column, &problem))?;
                continue;
            }
            let value = match number(text) {
                Ok(value) => value,
                Err(_) if self.reading.keep_missing && is_missing(text) => f32::NAN,
                Err(what) => return Err(table.wrong(row, column, &what)),
            };
            self.values.extend_from_slice(&value.to_ne_bytes());
        }
        Ok(())
    }
}

/// Whether a cell stands for a value that there is not.
fn is_missing(text: &str) -> bool {
    text.parse::<f32>().is_ok_and(|value| !value.is_finite())
        || MISSING.contains(&text.to_lowercase().as_str())
}
