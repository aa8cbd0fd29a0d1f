//! Rows of a text table: the columns of values, without the column of labels if there is one.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::expected::{Expected, Source, wanted};
use crate::data::schema::listed;
use crate::data::table::{LABELS, Table, number};
use crate::error::Result;

/// A table that is being read; none if it is empty.
pub(super) struct Rows<R> {
    table: Option<Table<R>>,
    /// The columns of values, in the order of a row.
    inputs: Vec<usize>,
    note: Option<String>,
}

impl<R: Read> Rows<R> {
    /// `start` is how the source begins, and `rest` all that follows.
    pub fn open(start: Vec<u8>, rest: R, path: &Path, expected: &Expected) -> Result<Self> {
        let table = Table::open(path, start, rest)?;
        let chosen = table.as_ref().map(|table| chosen(table, path, expected)).transpose()?;
        let (inputs, note) = chosen.unwrap_or_default();
        Ok(Self { table, inputs, note })
    }
}

/// The columns of values: those of the model by their names, or all but those that are left out; and what is to be said.
fn chosen<R: Read>(
    table: &Table<R>,
    path: &Path,
    expected: &Expected,
) -> Result<(Vec<usize>, Option<String>)> {
    let schema = expected.preparation.schema.as_ref();
    let names: Option<Vec<String>> = table.names().map(|names| names.map(str::to_owned).collect());
    if let Some((schema, names)) = schema.zip(names) {
        let places = schema.places(&names, path)?;
        let targets = (!places.targets.is_empty())
            .then(|| format!("{} is left out: the model predicts it", listed(&places.targets)));
        let said: Vec<String> = targets.into_iter().chain(places.note()).collect();
        return Ok((places.inputs, (!said.is_empty()).then(|| said.join("; "))));
    }
    let left_out = left_out(table, path, expected)?;
    let inputs = (0..table.columns()).filter(|column| !left_out.contains(column)).collect();
    let order = "it has no header, so its columns are taken in the order of the model's";
    Ok((inputs, schema.map(|_| order.to_owned())))
}

/// The columns of labels and of row numbers, as far as the table has more columns than the network takes values.
fn left_out<R: Read>(table: &Table<R>, path: &Path, expected: &Expected) -> Result<Vec<usize>> {
    let asked = expected.label_column.as_deref();
    let more = table.columns().checked_sub(expected.features);
    let known = || {
        let is_label = |name: &str| LABELS.iter().any(|label| name.eq_ignore_ascii_case(label));
        table.names().is_some_and(|mut names| names.any(is_label))
    };
    // A table of the kind that the model was trained on has its targets too, under their names.
    if let (None, Some(names)) = (asked, table.names()) {
        let is_target = |name: &str| {
            !expected.preparation.outputs.are_classes()
                && expected.preparation.class_names.iter().any(|own| own == name)
        };
        let named: Vec<usize> =
            names.enumerate().filter(|(_, name)| is_target(name)).map(|(at, _)| at).collect();
        let left_out = if table.numbers_its_rows() { [&[0], &named[..]].concat() } else { named.clone() };
        for columns in [left_out, named].into_iter().filter(|columns| !columns.is_empty()) {
            if more == Some(columns.len()) {
                return Ok(columns);
            }
        }
    }
    if let Some(columns) = asked.filter(|asked| asked.contains(',')).map(|_| table.targets(asked)) {
        let columns = columns?;
        if more == Some(columns.len()) {
            return Ok(columns);
        }
    }
    let label = |others: &[usize]| Ok([&[table.label(asked)?], others].concat());
    match more {
        Some(0) if asked.is_none() => Ok(Vec::new()),
        Some(1) if table.numbers_its_rows() && asked.is_none() && !known() => Ok(vec![0]),
        Some(1) => label(&[]),
        Some(2) if table.numbers_its_rows() => label(&[0]),
        _ => Err(wanted(path, &format!("it has {} columns", table.columns()), expected)),
    }
}

impl<R: Read + Send> Source for Rows<R> {
    fn read(&mut self, rows: usize, values: &mut Vec<f32>) -> Result<usize> {
        let Some(table) = &mut self.table else { return Ok(0) };
        let mut row = StringRecord::new();
        for done in 0..rows {
            if !table.read(&mut row)? {
                return Ok(done);
            }
            for &column in &self.inputs {
                let cell = row.get(column).unwrap_or_default();
                values.push(number(cell).map_err(|what| table.wrong(&row, column, &what))?);
            }
        }
        Ok(rows)
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn has_rows(&self) -> bool {
        true
    }
}
