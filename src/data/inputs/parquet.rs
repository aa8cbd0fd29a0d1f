//! Rows of a Parquet file: a table whose columns are found by name, or a column of encoded images.

use std::path::{Path, PathBuf};

use super::csv::{by_schema, id_column};
use super::expected::{Expected, Source, wanted};
use super::picture;
use crate::data::columns::{Cells, Input, Kind, Tally, Value as Cell};
use crate::data::listed::listed;
use crate::data::parquet::{Column, Leaves, NEW_COPY, Value, on_thread};
use crate::data::schema::in_their_order;
use crate::data::table::{LABELS, Spelling};
use crate::error::{Error, Result, Setting, message};
use crate::words::numerals::counted;

/// A file that is being read.
pub(super) struct Rows {
    leaves: Leaves,
    /// The leaves that are read: those of the values, and of the rows' own names if they are wanted.
    places: Vec<usize>,
    what: What,
    /// The next group of rows, and the columns of the one that is being read.
    group: usize,
    columns: Vec<Column>,
    /// Rows read.
    done: usize,
    has_ids: bool,
    ids: Vec<String>,
    notes: Vec<String>,
}

/// What the values are.
enum What {
    /// Columns of a table: the inputs that they become.
    Table { inputs: Vec<Input>, spelling: Spelling, tally: Tally },
    /// Encoded images, and what was done to the last one.
    Images { expected: Box<Expected>, prepared: String },
}

impl Rows {
    pub fn open(path: &Path, expected: &Expected) -> Result<Self> {
        on_thread(path, || Self::open_here(path, expected))
    }

    fn open_here(path: &Path, expected: &Expected) -> Result<Self> {
        let leaves = Leaves::open(path, &[PathBuf::from(path)])?;
        let schema = expected.preparation.schema.as_ref();
        let (mut places, what, mut notes) = match leaves.image().filter(|_| schema.is_none()) {
            Some(image) => {
                let what = What::Images { expected: Box::new(expected.clone()), prepared: String::new() };
                (vec![image], what, Vec::new())
            }
            None => {
                let (places, notes) = columns(&leaves, expected)?;
                let number = |&leaf: &usize| Input {
                    name: leaves.name(leaf),
                    kind: Kind::Number { fill: None },
                    indicator: false,
                };
                let mut spelling = Spelling::of(&expected.table);
                let inputs = match schema {
                    Some(schema) => {
                        spelling.decimal_comma |= schema.decimal_comma;
                        spelling.na_values.extend(schema.na_values.iter().cloned());
                        schema.inputs.clone()
                    }
                    None => places.iter().map(number).collect(),
                };
                (places, What::Table { inputs, spelling, tally: Tally::default() }, notes)
            }
        };
        let id = expected.id_column.as_deref().and_then(|wanted| {
            let found = id_column(Some(leaves.names()), wanted);
            found.map_err(|note| notes.push(note)).ok()
        });
        for &leaf in places.iter().chain(&id) {
            let is_image = matches!(what, What::Images { .. }) && Some(&leaf) == places.first();
            if leaves.columns()[leaf].max_rep_level() != 0 || !(is_image || leaves.kind(leaf).is_plain()) {
                let problem =
                    format!("column `{}` has neither plain numbers, text nor dates", leaves.name(leaf));
                return Err(Error::file(path, problem, "write it as the training data have it"));
            }
        }
        places.extend(id);
        let (columns, ids) = (Vec::new(), Vec::new());
        Ok(Self { leaves, places, what, group: 0, columns, done: 0, has_ids: id.is_some(), ids, notes })
    }

    /// Goes to the next group of rows; false if there is none.
    fn next_group(&mut self) -> Result<bool> {
        let next = self.leaves.group(self.group, &self.places)?;
        self.group += 1;
        self.columns = next.unwrap_or_default();
        Ok(!self.columns.is_empty())
    }

    fn read_here(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        // Of images one, since of each is said what was done to it.
        let rows = if matches!(self.what, What::Images { .. }) { 1 } else { rows };
        loop {
            if self.columns.is_empty() && !self.next_group()? {
                return Ok(0);
            }
            let count = self.read_some(rows, values)?;
            if count > 0 {
                self.done += count;
                return Ok(count);
            }
            self.columns.clear();
        }
    }

    /// Reads rows of the group; none are left if it gives 0.
    fn read_some(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        let Self { leaves, places, what, columns, done, ids, has_ids, .. } = self;
        if *has_ids && let (Some(column), Some(&leaf)) = (columns.last_mut(), places.last()) {
            let kind = leaves.kind(leaf);
            take(column, rows, &mut |row, value| {
                let cell = kind.cell(value, &Spelling::default());
                ids.push(
                    match cell.map_err(|problem| leaves.wrong(*done + row, leaf, &problem, CORRECT))? {
                        Cell::Missing => String::new(),
                        Cell::Number(number) | Cell::Date(number) => number.to_string(),
                        Cell::Word(word) => word.to_owned(),
                    },
                );
                Ok(())
            })?;
        }
        match what {
            What::Images { expected, prepared } => take(&mut columns[0], rows, &mut |row, value| {
                let wrong = |problem: &str| leaves.wrong(*done + row, places[0], problem, CORRECT);
                let Value::Bytes(bytes) = value else { return Err(wrong("the image is missing")) };
                let (pixels, what) =
                    picture::prepared(bytes, leaves.path(), expected).map_err(|error| match error {
                        Error::File { problem, hint, .. } => {
                            leaves.wrong(*done + row, places[0], &problem.to_string(), hint)
                        }
                        error => error,
                    })?;
                values.extend(pixels.into_iter().map(f64::from));
                *prepared = what;
                Ok(())
            }),
            What::Table { inputs, spelling, tally } => {
                let mut cells: Vec<Cells> = inputs.iter().map(Input::cells).collect();
                // The first row with a wrong value, which ends what is read.
                let (mut count, mut wrong) = (None, None::<(usize, Error)>);
                for (at, (column, input)) in columns.iter_mut().zip(inputs.iter()).enumerate() {
                    let (leaf, own) = (places[at], &mut cells[at]);
                    let kind = leaves.kind(leaf);
                    let read = take(column, rows, &mut |row, value| {
                        let cell = kind.cell(value, spelling).and_then(|cell| input.kept(cell));
                        let cell = cell.unwrap_or_else(|problem| {
                            if wrong.as_ref().is_none_or(|(first, _)| row < *first) {
                                wrong = Some((row, leaves.wrong(*done + row, leaf, &problem, CORRECT)));
                            }
                            Cell::Missing
                        });
                        own.push(cell);
                        Ok(())
                    })?;
                    if *count.get_or_insert(read) != read {
                        let problem = "its columns have different numbers of rows";
                        return Err(Error::file(leaves.path(), problem, NEW_COPY));
                    }
                }
                let count = count.unwrap_or(0);
                for row in 0..wrong.as_ref().map_or(count, |(first, _)| *first) {
                    for (at, (input, cells)) in inputs.iter().zip(&cells).enumerate() {
                        tally
                            .push(at, input, cells.value(row), values)
                            .map_err(|problem| leaves.wrong(*done + row, places[at], &problem, CORRECT))?;
                    }
                }
                wrong.map_or(Ok(count), |(_, error)| Err(error))
            }
        }
    }
}

const CORRECT: &str = "correct or remove such rows";

/// Hands on the next values of a column with their rows among them, and says how many.
fn take(
    column: &mut Column,
    most: usize,
    hand: &mut dyn FnMut(usize, Value<'_>) -> Result<()>,
) -> Result<usize> {
    let mut row = 0;
    column.take(most, &mut |value| {
        row += 1;
        hand(row - 1, value)
    })
}

/// The columns of values: those of the model, or for a model without names all but the label; and what is to be said.
fn columns(leaves: &Leaves, expected: &Expected) -> Result<(Vec<usize>, Vec<String>)> {
    let (path, names) = (leaves.path(), leaves.names());
    if let Some(schema) = &expected.preparation.schema {
        let width = names.len();
        return by_schema(schema, Some(names), width, path);
    }
    let asked = expected.label_column.as_deref();
    let is_label = |name: &String| match asked {
        Some(asked) => asked.split(',').any(|asked| asked.trim() == name),
        None => names.len() > expected.features && LABELS.contains(&name.to_lowercase().as_str()),
    };
    let (labels, values): (Vec<usize>, Vec<usize>) =
        (0..names.len()).partition(|&leaf| is_label(&names[leaf]));
    if let (Some(asked), true) = (asked, labels.is_empty()) {
        let problem = format!("it has no column `{asked}`; its columns are {}", listed(&names));
        return Err(Error::file(path, problem, message!["name one of them with ", Setting::LabelColumn]));
    }
    if values.len() != expected.features {
        return Err(wanted(path, &format!("it has {} of values", counted(values.len(), "column")), expected));
    }
    let of = |leaves: &[usize]| leaves.iter().map(|&leaf| names[leaf].clone()).collect::<Vec<_>>();
    let left_out = (!labels.is_empty()).then(|| format!("left out: {}", listed(&of(&labels))));
    let order = (!expected.takes_pixels()).then(|| in_their_order(&of(&values)));
    Ok((values, left_out.into_iter().chain(order).collect()))
}

impl Source for Rows {
    fn read(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        let path = self.leaves.path().to_owned();
        on_thread(&path, || self.read_here(rows, values))
    }

    fn ids(&mut self) -> Option<Vec<String>> {
        self.has_ids.then(|| std::mem::take(&mut self.ids))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn closing_notes(&self) -> Vec<String> {
        match &self.what {
            What::Table { inputs, tally, .. } => tally.notes(inputs),
            What::Images { .. } => Vec::new(),
        }
    }

    fn prepared(&self) -> Option<&str> {
        match &self.what {
            What::Images { prepared, .. } => Some(prepared),
            What::Table { .. } => None,
        }
    }

    fn has_rows(&self) -> bool {
        true
    }
}
