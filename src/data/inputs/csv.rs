//! Rows of a text table: the columns of values, without the column of labels if there is one.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::expected::{Expected, Source, wanted};
use crate::data::table::{LABELS, Table, number};
use crate::error::Result;

/// A table that is being read; none if it is empty.
pub(super) struct Rows<R> {
    table: Option<Table<R>>,
    /// Columns that are no values.
    left_out: Vec<usize>,
}

impl<R: Read> Rows<R> {
    /// `start` is how the source begins, and `rest` all that follows.
    pub fn open(start: Vec<u8>, rest: R, path: &Path, expected: &Expected) -> Result<Self> {
        let table = Table::open(path, start, rest)?;
        let left_out = table.as_ref().map(|table| left_out(table, path, expected)).transpose()?;
        Ok(Self { table, left_out: left_out.unwrap_or_default() })
    }
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
            for (column, cell) in row.iter().enumerate().filter(|(column, _)| !self.left_out.contains(column))
            {
                values.push(number(cell).map_err(|what| table.wrong(&row, column, &what))?);
            }
        }
        Ok(rows)
    }

    fn has_rows(&self) -> bool {
        true
    }
}
