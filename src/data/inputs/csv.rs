//! Rows of a text table: the columns of values, without the column of labels if there is one.

use std::io::Read;
use std::path::Path;

use csv::StringRecord;

use super::expected::{Expected, Source, wanted};
use crate::data::columns::{Tally, Value};
use crate::data::listed::listed;
use crate::data::scaling::Scaling;
use crate::data::schema::{Schema, in_their_order};
use crate::data::table::{LABELS, Look, Table};
use crate::error::{Error, Result};
use crate::words::numerals::counted;

/// A table that is being read.
pub(super) struct Rows<R> {
    table: Table<R>,
    /// What the columns of values are to the model, if it knows.
    schema: Option<Schema>,
    /// The columns of values, in the order of a row.
    columns: Vec<usize>,
    notes: Vec<String>,
    tally: Tally,
    /// The column of the rows' own names, and those that were read last.
    id: Option<usize>,
    ids: Vec<String>,
}

impl<R: Read> Rows<R> {
    /// `start` is how the source begins, and `rest` all that follows.
    pub fn open(start: Vec<u8>, rest: R, path: &Path, expected: &Expected) -> Result<Self> {
        let schema = expected.preparation.schema.as_ref();
        let names: Vec<String> = match schema.filter(|schema| schema.is_named()) {
            Some(schema) => schema.inputs.iter().map(|input| input.name.clone()).collect(),
            None => Vec::new(),
        };
        let Some(mut table) = Table::open(path, start, rest, &expected.table, Look::Line(&names))? else {
            return Err(Error::file(path, "it has no rows", "give a table with a row for each sample"));
        };
        if let Some(schema) = schema {
            table.spelling.decimal_comma |= schema.decimal_comma;
            table.spelling.na_values.extend(schema.na_values.iter().cloned());
        }
        let (columns, mut notes) = chosen(&table, path, expected)?;
        let id = expected.id_column.as_deref().and_then(|wanted| {
            let found = id_column(table.names().map(|names| names.map(str::to_owned).collect()), wanted);
            found.map_err(|note| notes.push(note)).ok()
        });
        let (schema, tally, ids) = (schema.cloned(), Tally::default(), Vec::new());
        Ok(Self { table, schema, columns, notes, tally, id, ids })
    }
}

/// The column that has the rows' own names, whatever the case of its name; or else what is to be said.
pub(super) fn id_column(names: Option<Vec<String>>, wanted: &str) -> Result<usize, String> {
    let Some(names) = names else {
        return Err(format!("it has no header, so `{wanted}` counts its rows from 1"));
    };
    let place = |is: &dyn Fn(&str) -> bool| names.iter().position(|name| is(name.trim()));
    let found = place(&|name| name == wanted.trim())
        .or_else(|| place(&|name| name.to_lowercase() == wanted.trim().to_lowercase()));
    found.ok_or_else(|| {
        format!(
            "it has no column `{wanted}`, so `{wanted}` counts its rows from 1; its columns are {}",
            listed(&names)
        )
    })
}

/// The columns of values: those of the model, or all but those that are left out; and what is to be said.
fn chosen<R: Read>(table: &Table<R>, path: &Path, expected: &Expected) -> Result<(Vec<usize>, Vec<String>)> {
    let schema = expected.preparation.schema.as_ref();
    let names: Option<Vec<String>> = table.names().map(|names| names.map(str::to_owned).collect());
    let knows =
        |schema: &&Schema| names.is_some() || (schema.layout.is_some() && expected.label_column.is_none());
    if let Some(schema) = schema.filter(knows) {
        return by_schema(schema, names, table.columns(), path);
    }
    let left_out = left_out(table, path, expected)?;
    let columns: Vec<usize> = (0..table.columns()).filter(|column| !left_out.contains(column)).collect();
    let note = match (schema, names) {
        (Some(_), _) => {
            Some("it has no header, so its columns are taken in the order of the model's".to_owned())
        }
        (None, Some(names)) if !expected.takes_pixels() => Some(in_their_order(
            &columns.iter().map(|&column: &usize| names[column].clone()).collect::<Vec<_>>(),
        )),
        (None, _) => None,
    };
    Ok((columns, note.into_iter().collect()))
}

/// The columns of values in a table so wide with these names, if it has some, where a model knows them; and what is to be said.
pub(super) fn by_schema(
    schema: &Schema,
    names: Option<Vec<String>>,
    width: usize,
    path: &Path,
) -> Result<(Vec<usize>, Vec<String>)> {
    let mut found = schema.find(names.as_deref(), width, path)?;
    let targets: Vec<String> = match names.filter(|_| schema.is_named()) {
        Some(names) => schema.targets.iter().filter(|target| names.contains(target)).cloned().collect(),
        None => found.targets.iter().flat_map(|_| schema.targets.clone()).collect(),
    };
    if !targets.is_empty() {
        found.notes.insert(0, format!("{} is left out: the model predicts it", listed(&targets)));
    }
    Ok((found.inputs, found.notes))
}

/// The columns of labels and of row numbers, as far as the table has more columns than the network takes values.
fn left_out<R: Read>(table: &Table<R>, path: &Path, expected: &Expected) -> Result<Vec<usize>> {
    let asked = expected.label_column.as_deref();
    let own = expected.preparation.schema.as_ref().map_or(expected.features, |schema| schema.inputs.len());
    let more = table.columns().checked_sub(own);
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
    if let Some(asked) = asked {
        let columns = table.head().targets(Some(asked), None)?;
        let numbers = if table.numbers_its_rows() { vec![0] } else { Vec::new() };
        return match more {
            Some(count) if count == columns.len() => Ok(columns),
            Some(count) if count == columns.len() + 1 && numbers.len() == 1 => {
                Ok([columns, numbers].concat())
            }
            _ => Err(wanted(path, &format!("it has {}", counted(table.columns(), "column")), expected)),
        };
    }
    let label = || {
        let names = table.names()?.map(str::to_lowercase).collect::<Vec<_>>();
        LABELS.iter().find_map(|label| names.iter().position(|name| name == label))
    };
    // Nobody says which column has the labels: a usual name, or words, or else the first beside pixels and the last beside
    // other numbers.
    let is_word = |column: &usize| matches!(table.first_value(*column), Value::Word(_));
    let end = if expected.preparation.scaling == Scaling::Bytes { 0 } else { table.columns() - 1 };
    let likely = || label().or_else(|| (0..table.columns()).find(is_word)).unwrap_or(end);
    match more {
        Some(0) => Ok(Vec::new()),
        Some(1) if table.numbers_its_rows() && label().is_none() => Ok(vec![0]),
        Some(1) => Ok(vec![likely()]),
        Some(2) if table.numbers_its_rows() => Ok(vec![likely(), 0]),
        _ => Err(wanted(path, &format!("it has {}", counted(table.columns(), "column")), expected)),
    }
}

impl<R: Read + Send> Source for Rows<R> {
    fn read(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        let table = &mut self.table;
        let mut row = StringRecord::new();
        for done in 0..rows {
            if !table.read(&mut row)? {
                return Ok(done);
            }
            if let Some(id) = self.id {
                self.ids.push(row.get(id).unwrap_or_default().trim().to_owned());
            }
            for (at, &column) in self.columns.iter().enumerate() {
                let value = table.spelling.value(row.get(column).unwrap_or_default());
                let taken = match (&self.schema, value) {
                    (Some(schema), value) => self.tally.push(at, &schema.inputs[at], value, values),
                    (None, Value::Number(number)) => {
                        values.push(number);
                        Ok(())
                    }
                    (None, Value::Missing) => Err("the value is missing".into()),
                    (None, Value::Word(word)) => Err(format!("`{word}` is not a finite number")),
                    (None, Value::Date(_)) => Err("this is a date, not a number".into()),
                };
                taken.map_err(|what| table.wrong(&row, column, &what))?;
            }
        }
        Ok(rows)
    }

    fn ids(&mut self) -> Option<Vec<String>> {
        self.id.map(|_| std::mem::take(&mut self.ids))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn closing_notes(&self) -> Vec<String> {
        self.schema.as_ref().map_or(Vec::new(), |schema| self.tally.notes(&schema.inputs))
    }

    fn has_rows(&self) -> bool {
        true
    }
}
