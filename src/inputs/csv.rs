//! Rows of a table of text: the columns of values, without that of the labels if there is one.

use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord};

use super::{Expected, Source, wanted};
use crate::data::table::csv::{self as table, is_header, is_number};
use crate::error::Result;

/// A table that is being read.
pub(super) struct Rows<R> {
    reader: Reader<R>,
    path: PathBuf,
    /// The line that names the columns, if there is one.
    header: Option<StringRecord>,
    /// The row that is next, if it had to be looked at already.
    ahead: Option<StringRecord>,
    label: Option<usize>,
}

impl<R: Read> Rows<R> {
    /// `start` is how the source begins.
    pub fn open(source: R, start: &[u8], path: &Path, expected: &Expected) -> Result<Self> {
        let refused = |error| table::unreadable(error, path);
        let delimiter = table::delimiter(start, path)?;
        let mut reader = ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(source);
        let mut next = || -> Result<Option<StringRecord>> {
            let mut record = StringRecord::new();
            Ok(reader.read_record(&mut record).map_err(refused)?.then_some(record))
        };
        let rows =
            |reader, header, ahead, label| Self { reader, path: path.to_owned(), header, ahead, label };
        let Some(first) = next()? else { return Ok(rows(reader, None, None, None)) };
        // Whoever types or pipes rows of numbers should not have to give two before the first is looked at.
        let second = if first.iter().all(is_number) { None } else { next()? };
        let named = !first.iter().all(is_number) && is_header(&first, second.as_ref());
        let values = second.as_ref().filter(|_| named).unwrap_or(&first);
        let asked = expected.label_column.as_deref();
        let label = match first.len() {
            columns if columns == expected.features && asked.is_none() => None,
            columns if columns == expected.features + 1 => {
                Some(table::label(asked, &first, named, values, path)?)
            }
            columns => return Err(wanted(path, &format!("it has {columns} columns"), expected)),
        };
        let (header, ahead) = if named { (Some(first), second) } else { (None, Some(first)) };
        Ok(rows(reader, header, ahead, label))
    }
}

impl<R: Read + Send> Source for Rows<R> {
    fn read(&mut self, rows: usize, values: &mut Vec<f32>) -> Result<usize> {
        let mut record = StringRecord::new();
        for row in 0..rows {
            match self.ahead.take() {
                Some(ahead) => record = ahead,
                None => {
                    let more = self.reader.read_record(&mut record);
                    if !more.map_err(|error| table::unreadable(error, &self.path))? {
                        return Ok(row);
                    }
                }
            }
            for (column, text) in record.iter().enumerate().filter(|(column, _)| Some(*column) != self.label)
            {
                values.push(table::value(text).map_err(|what| {
                    let line = record.position().map_or(0, csv::Position::line);
                    table::wrong(&self.path, self.header.as_ref(), line, column, &what)
                })?);
            }
        }
        Ok(rows)
    }

    fn has_rows(&self) -> bool {
        true
    }
}
