//! Text tables, plain or gzip, as data sets: one column has the labels, or several have targets, the others the values.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
use crate::data::table::{Table, line, number};
use crate::data::{Format, Schema};
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
    let header: Option<Vec<String>> = table.names().map(|names| names.map(str::to_owned).collect());
    let known = reading.schema.zip(header.as_deref());
    let targets = match (reading.label_column, known) {
        (None, Some((schema, names))) => schema.target_places(names, path)?,
        (asked, _) => table.targets(asked)?,
    };
    let weight = reading.weight_column.map(|name| table.label(Some(name))).transpose()?;
    if let Some(weight) = weight.filter(|weight| targets.contains(weight)) {
        let problem = format!("column {weight}, from 0, is named both as labels and as weights");
        return Err(Error::file(path, problem, message!["name another with ", Setting::WeightColumn]));
    }
    let index = table.numbers_its_rows() && !targets.contains(&0) && table.columns() > targets.len() + 1;
    let is_input =
        |&column: &usize| !targets.contains(&column) && Some(column) != weight && !(index && column == 0);
    let (inputs, order) = match known {
        Some((schema, names)) => {
            let places = schema.places(names, path)?;
            let note = places.note();
            (places.inputs, note)
        }
        None => {
            let taken = reading
                .schema
                .map(|_| "it has no header, so its columns are taken in their order".to_owned());
            ((0..table.columns()).filter(is_input).collect::<Vec<_>>(), taken)
        }
    };
    let columns = inputs.len();
    if columns == 0 {
        let hint = message!["leave at least one column of values out of ", Setting::LabelColumn];
        return Err(Error::file(path, "all of its columns are targets; none is left for values", hint));
    }
    let own =
        |column: usize| header.as_ref().map_or_else(|| column.to_string(), |names| names[column].clone());
    let names: Vec<String> = targets.iter().map(|&column| own(column)).collect();
    let schema = header.as_ref().and_then(|_| {
        let inputs = inputs.iter().map(|&column| own(column)).collect();
        Schema::new(inputs, names.clone(), weight.map(own))
    });
    let answers = match targets.len() {
        1 => Answers::One(Labels::default()),
        _ => Answers::Many(Numbers { names: names.clone(), values: Vec::new() }),
    };
    let weights = weight.map(|_| Vec::new());
    let mut rows = Columns { reading, targets, weight, inputs, values: Vec::new(), answers, weights };
    let mut row = StringRecord::new();
    while table.read(&mut row)? {
        rows.push(&table, &row, path)?;
    }
    let Columns { values, answers, targets, weights, inputs, .. } = rows;
    if answers.len() == 0 {
        let hint = "use a file with a row for each sample";
        return Err(Error::file(path, "it has only a header", hint));
    }
    let named = match (targets.len(), header.is_some()) {
        (1, true) => format!("labels in column `{}`", names[0]),
        (1, false) => format!("labels in column {}, from 0, without a header", names[0]),
        _ => format!("targets in columns {}", names.join(", ")),
    };
    let without = if index { ", the first column left out, since it has row numbers" } else { "" };
    let order = order.map(|note| format!(", {note}")).unwrap_or_default();
    let rows = answers.len();
    let what = format!("a text table: {rows} rows of {columns} values, {named}{without}{order}");
    let target = header.as_ref().and_then(|_| names.first().cloned());
    let names = header.as_ref().map(|_| inputs.iter().map(|&column| own(column)).collect());
    let train = Part {
        path: path.to_owned(),
        format: Format::Floats,
        features: columns,
        image_shape: part::square(&values, columns),
        columns: names,
        rows: Rows::Memory(values),
        answers,
        weights,
    };
    Ok(Source { what, train, test: None, classes: None, target, schema })
}

/// What is read so far.
struct Columns<'a> {
    reading: Reading<'a>,
    /// The columns of targets, in the order that they were asked for.
    targets: Vec<usize>,
    /// The column of weights.
    weight: Option<usize>,
    /// The columns of values, in the order of a row.
    inputs: Vec<usize>,
    /// f32 values in this machine's order of bytes.
    values: Vec<u8>,
    answers: Answers,
    weights: Option<Vec<f32>>,
}

impl Columns<'_> {
    fn push(&mut self, table: &Table<impl Read>, row: &StringRecord, path: &Path) -> Result<()> {
        let memory = self.reading.memory;
        if (self.values.len() + 4 * self.inputs.len()) as u64 > memory {
            let problem =
                format!("its values up to line {} take more than {memory} bytes of memory", line(row));
            return Err(Error::file(
                path,
                problem,
                message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"],
            ));
        }
        if let (Some(weights), Some(column)) = (&mut self.weights, self.weight) {
            let text = row.get(column).unwrap_or_default().trim();
            let weight = number(text).ok().filter(|&weight| weight > 0.0);
            let wrong =
                || table.wrong(row, column, &format!("`{text}` is not a weight: expected a number above 0"));
            weights.push(weight.ok_or_else(wrong)?);
        }
        for &column in &self.inputs {
            let text = row.get(column).unwrap_or_default().trim();
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
