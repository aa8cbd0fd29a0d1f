//! Text tables, plain or gzip, as data sets: one column has the labels, or several have targets, the others the values.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
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
        return Err(Error::file(path, problem, "a table needs a column of labels and columns of values"));
    }
    let targets = table.targets(reading.label_column)?;
    let weight = reading.weight_column.map(|name| table.label(Some(name))).transpose()?;
    if let Some(weight) = weight.filter(|weight| targets.contains(weight)) {
        let problem = format!("column {weight}, from 0, is named both as labels and as weights");
        return Err(Error::file(path, problem, message!["name another with ", Setting::WeightColumn]));
    }
    let index = table.numbers_its_rows() && !targets.contains(&0) && table.columns() > targets.len() + 1;
    let count = targets.len() + usize::from(weight.is_some());
    let skipped = index.then_some(0);
    let columns = (table.columns() - usize::from(index)).saturating_sub(count);
    if columns == 0 {
        let hint = message!["leave at least one column of values out of ", Setting::LabelColumn];
        return Err(Error::file(path, "all of its columns are targets; none is left for values", hint));
    }
    let own = |column: usize| match table.names().and_then(|mut names| names.nth(column)) {
        Some(name) => name.to_owned(),
        None => column.to_string(),
    };
    let names: Vec<String> = targets.iter().map(|&column| own(column)).collect();
    let answers = match targets.len() {
        1 => Answers::One(Labels::default()),
        _ => Answers::Many(Numbers { names: names.clone(), values: Vec::new() }),
    };
    let weights = weight.map(|_| Vec::new());
    let mut rows =
        Columns { reading, targets, weight, skipped, columns, values: Vec::new(), answers, weights };
    let mut row = StringRecord::new();
    while table.read(&mut row)? {
        rows.push(&table, &row, path)?;
    }
    let Columns { values, answers, targets, weights, .. } = rows;
    if answers.len() == 0 {
        let hint = "use a file with a row for each sample";
        return Err(Error::file(path, "it has only a header", hint));
    }
    let named = match (targets.len(), table.names().is_some()) {
        (1, true) => format!("labels in column `{}`", names[0]),
        (1, false) => format!("labels in column {}, from 0, without a header", names[0]),
        _ => format!("targets in columns {}", names.join(", ")),
    };
    let without = if index { ", the first column left out, since it has row numbers" } else { "" };
    let what = format!("a text table: {} rows of {columns} values, {named}{without}", answers.len());
    let kept = |&(column, _): &(usize, &str)| {
        !targets.contains(&column) && Some(column) != skipped && Some(column) != weight
    };
    let target = table.names().and_then(|_| names.first().cloned());
    let names = table.names().map(|names| names.enumerate().filter(kept).map(|(_, name)| name.to_owned()));
    let train = Part {
        path: path.to_owned(),
        format: Format::Floats,
        features: columns,
        image_shape: part::square(&values, columns),
        columns: names.map(Iterator::collect),
        rows: Rows::Memory(values),
        answers,
        weights,
    };
    Ok(Source { what, train, test: None, classes: None, target })
}

/// What is read so far.
struct Columns<'a> {
    reading: Reading<'a>,
    /// The columns of targets, in the order that they were asked for.
    targets: Vec<usize>,
    /// The column of weights.
    weight: Option<usize>,
    skipped: Option<usize>,
    columns: usize,
    /// f32 values in this machine's order of bytes.
    values: Vec<u8>,
    answers: Answers,
    weights: Option<Vec<f32>>,
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
            if self.targets.contains(&column) {
                continue;
            }
            if let Some(weights) = self.weights.as_mut().filter(|_| self.weight == Some(column)) {
                let weight = number(text).ok().filter(|&weight| weight > 0.0);
                let wrong = || {
                    table.wrong(row, column, &format!("`{text}` is not a weight: expected a number above 0"))
                };
                weights.push(weight.ok_or_else(wrong)?);
                continue;
            }
            let value = match number(text) {
                Ok(value) => value,
                Err(_) if self.reading.keep_missing && is_missing(text) => f32::NAN,
                Err(what) => return Err(table.wrong(row, column, &what)),
            };
            self.values.extend_from_slice(&value.to_ne_bytes());
        }
        for &column in &self.targets {
            let text = row.get(column).unwrap_or_default().trim();
            if text.is_empty() {
                return Err(table.wrong(row, column, "the label is missing"));
            }
            match &mut self.answers {
                Answers::One(labels) => labels.push(text),
                Answers::Many(numbers) => text
                    .parse::<f64>()
                    .map(|value| numbers.values.push(value))
                    .map_err(|_| format!("`{text}` is not a number; with several targets, all are numbers")),
            }
            .map_err(|problem| table.wrong(row, column, &problem))?;
        }
        Ok(())
    }
}

/// Whether a cell stands for a value that there is not.
fn is_missing(text: &str) -> bool {
    text.parse::<f32>().is_ok_and(|value| !value.is_finite())
        || MISSING.contains(&text.to_lowercase().as_str())
}
