//! Text tables, row by row: values separated by commas, semicolons, tabs or blanks, with or without a header; or JSON.

mod cell;
mod head;
mod header;
mod json;
mod label;
mod lines;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

pub use self::cell::Spelling;
pub use self::head::Head;
use self::json::Records;
pub use self::label::{LABELS, may_be_missing};
pub use self::lines::unreadable_source;
use self::lines::{LONGEST_LINE, Lines, MOST_COLUMNS};
use super::columns::Value;
use super::table_options::{Separator, TableOptions};
use crate::error::{Error, Result, Setting, message};
use crate::words::numerals::counted;

/// As much of a table as is looked at before it is read: rows, and bytes.
pub const LOOKED_AT: (usize, usize) = (1000, 1 << 20);

/// A table that is being read; no more than its first rows are ever in memory.
pub struct Table<R> {
    rows: Rows<R>,
    path: PathBuf,
    /// The names of the columns, or else their first row.
    first: StringRecord,
    /// Whether it names the columns.
    has_header: bool,
    /// Rows of values that had to be looked at already.
    ahead: VecDeque<StringRecord>,
    /// How it writes numbers and missing values.
    pub spelling: Spelling,
}

/// Where rows come from.
enum Rows<R> {
    Text(Reader<Lines<R>>),
    Json(Records<R>),
}

/// How much of a table may be looked at before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look<'a> {
    /// Its first rows.
    Rows,
    /// The first line; a second one is waited for only if the first is not all numbers: somebody who types rows gets each
    /// answered at once. A line that has one of these names is a header.
    Line(&'a [String]),
}

impl<R: Read> Table<R> {
    /// Begins a table, of which `start` has been read already and `rest` has not; nothing if it is empty.
    ///
    /// # Errors
    /// [`Error::File`] if it is no table; [`Error::Io`] if it cannot be read.
    pub fn open(
        path: &Path,
        mut start: Vec<u8>,
        mut rest: R,
        options: &TableOptions,
        look: Look<'_>,
    ) -> Result<Option<Self>> {
        if json::is_json(&start) {
            return Self::of_json(path, start, rest, options, look);
        }
        let preamble =
            lines::preamble(&mut start, &mut rest).map_err(|error| unreadable_source(error, path))?;
        let separator = options.separator.or(preamble.separator).unwrap_or_else(|| lines::separator(&start));
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator.byte())
            .comment(preamble.comment.is_some().then_some(b'#'))
            .from_reader(Lines::new(start, rest, separator));
        let mut next = || -> Result<Option<StringRecord>> {
            let mut record = StringRecord::new();
            Ok(next_record(&mut reader, &mut record, path)?.then_some(record))
        };
        let Some(mut first) = next()? else { return Ok(None) };
        if first.len() > MOST_COLUMNS {
            let problem = format!("its first line has {} columns", first.len());
            return Err(Error::file(path, problem, format!("a table has at most {MOST_COLUMNS}")));
        }
        let mut spelling = Spelling::of(options);
        let all_numbers = first.iter().all(|cell| matches!(spelling.value(cell), Value::Number(_)));
        let (rows, bytes) = match look {
            Look::Rows => LOOKED_AT,
            Look::Line(_) => (usize::from(!all_numbers), usize::MAX),
        };
        let (mut ahead, mut left) = (Vec::new(), bytes);
        while ahead.len() < rows && left > 0 {
            let Some(row) = next()? else { break };
            left = left.saturating_sub(row.as_slice().len());
            ahead.push(row);
        }
        if header::lacks_a_name(&first, &ahead, &spelling) {
            first = std::iter::once("").chain(&first).collect();
        }
        let width = first.len();
        ahead.retain(|row| !is_comment(row, width));
        if let Some(row) = ahead.iter().find(|row| row.len() != width) {
            return Err(ragged(row, width, ahead.first() == Some(row), path));
        }
        if look == Look::Rows {
            // Between commas, numbers with commas are quoted.
            let is_decimal =
                if separator == Separator::Comma { cell::has_decimals } else { cell::is_comma_number };
            spelling.decimal_comma |= has_decimal_commas(&ahead, is_decimal);
        }
        let is_name = |cell: &str, names: &[String]| names.iter().any(|name| name == cell.trim());
        // A row of numbers may have a name among them by chance.
        let known = |names: &[String]| match all_numbers {
            true => {
                !names.is_empty() && names.iter().all(|name| first.iter().any(|cell| cell.trim() == name))
            }
            false => first.iter().any(|cell| is_name(cell, names)),
        };
        let has_header = options.header.unwrap_or_else(|| match look {
            Look::Line(names) if known(names) => true,
            Look::Line(_) if all_numbers => false,
            Look::Line(_) | Look::Rows => header::is_header(&first, &ahead, &spelling),
        });
        let mut ahead = VecDeque::from(ahead);
        // `numpy.savetxt` and many others write the names as a comment.
        let comment = preamble.comment.filter(|_| !has_header).map(|text| names_in(&text, separator));
        let (first, has_header) = match comment.filter(|names| names.len() == first.len() && first.len() > 1)
        {
            Some(names) if options.header.is_none() => {
                ahead.push_front(first);
                (names, true)
            }
            _ => {
                if !has_header {
                    ahead.push_front(first.clone());
                }
                (first, has_header)
            }
        };
        let rows = Rows::Text(reader);
        let path = path.to_owned();
        Ok(Some(Self { rows, path, first, has_header, ahead, spelling }))
    }

    /// Begins a table of JSON records, whose keys name the columns.
    fn of_json(
        path: &Path,
        start: Vec<u8>,
        rest: R,
        options: &TableOptions,
        look: Look<'_>,
    ) -> Result<Option<Self>> {
        let asked =
            [(Setting::Separator, options.separator.is_some()), (Setting::Header, options.header.is_some())];
        if let Some((setting, _)) = asked.into_iter().find(|(_, asked)| *asked) {
            let problem =
                message![setting, format!(": {} is JSON, whose keys name the columns", path.display())];
            return Err(Error::usage(problem).hint(setting.without()));
        }
        let mut records = Records::new(start, rest, path);
        let (rows, bytes) = if look == Look::Rows { LOOKED_AT } else { (1, usize::MAX) };
        let ahead = VecDeque::from(records.look(rows, bytes)?);
        let (first, spelling) = (records.keys(), Spelling::of(options));
        let rows = Rows::Json(records);
        let path = path.to_owned();
        let table = Self { rows, path, first, has_header: true, ahead, spelling };
        Ok(Some(table).filter(|table| !table.ahead.is_empty()))
    }

    /// The first line, as far as one column holds it.
    pub fn first_line(&self) -> &str {
        self.first.get(0).unwrap_or_default()
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self.rows {
            Rows::Text(_) => "a text table",
            Rows::Json(_) => "a table of JSON records",
        }
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.first.len()
    }

    /// The names of the columns, if they have names.
    pub fn names(&self) -> Option<impl Iterator<Item = &str>> {
        self.has_header.then(|| self.first.iter().map(str::trim))
    }

    /// Its columns and its first rows.
    pub fn head(&self) -> Head<'_> {
        let (names, width) = (self.names().map(Iterator::collect), self.columns());
        let columns = (0..width).collect();
        Head { path: &self.path, names, width, columns, rows: &self.ahead, spelling: &self.spelling }
    }

    /// Whether the first column has no name: pandas writes the numbers of the rows so.
    pub fn numbers_its_rows(&self) -> bool {
        self.has_header && matches!(self.first.get(0).map(str::trim), Some("" | "Unnamed: 0"))
    }

    /// A value of the first row that was looked at already.
    pub fn first_value(&self, column: usize) -> Value<'_> {
        let cell = self.ahead.front().and_then(|row| row.get(column));
        cell.map_or(Value::Missing, |cell| self.spelling.value(cell))
    }

    /// Reads the next row of values; false at the end.
    ///
    /// # Errors
    /// [`Error::File`] for a row that has another number of columns, or is no text; [`Error::Io`] if it cannot be read.
    pub fn read(&mut self, row: &mut StringRecord) -> Result<bool> {
        match self.ahead.pop_front() {
            Some(ahead) => *row = ahead,
            None => match &mut self.rows {
                Rows::Text(reader) => loop {
                    let width = self.first.len();
                    if !next_record(reader, row, &self.path)? {
                        return Ok(false);
                    }
                    match row.len() == width {
                        true => return Ok(true),
                        false if is_comment(row, width) => {}
                        false => return Err(ragged(row, width, false, &self.path)),
                    }
                },
                Rows::Json(records) => return records.read(row),
            },
        }
        Ok(true)
    }

    /// What is wrong with a cell.
    pub fn wrong(&self, row: &StringRecord, column: usize, what: &str) -> Error {
        let line = line(row);
        let name = if self.has_header { format!(" (`{}`)", &self.first[column]) } else { String::new() };
        let hint = message![
            "correct or remove such rows; ",
            Setting::NaValues,
            " names words for missing values, ",
            Setting::LabelColumn,
            " the label column, ",
            Setting::Exclude,
            " columns to leave out"
        ];
        Error::file(&self.path, format!("line {line}, column {column}{name}: {what}"), hint)
    }
}

fn next_record<R: Read>(
    reader: &mut Reader<Lines<R>>,
    record: &mut StringRecord,
    path: &Path,
) -> Result<bool> {
    reader.get_mut().left = LONGEST_LINE;
    reader.read_record(record).map_err(|error| unreadable(error, path))
}

/// The line that a row begins on, from 1.
pub fn line(row: &StringRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

fn unreadable(error: csv::Error, path: &Path) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let problem = format!("one of its lines takes more than {} MiB", LONGEST_LINE >> 20);
            let hint = "a table has one line for each sample; a quote that is never closed joins many lines";
            Error::file(path, problem, hint)
        }
        ErrorKind::Io(error) => unreadable_source(error, path),
        ErrorKind::Utf8 { .. } => {
            Error::file(path, format!("line {line} is not UTF-8 text"), "save the table as UTF-8")
        }
        other => Error::file(
            path,
            format!("cannot be read as a table: {other:?}"),
            "download or save the file again",
        ),
    }
}

/// Whether a line among rows of another number of columns is a comment.
fn is_comment(row: &StringRecord, width: usize) -> bool {
    row.len() != width && row.get(0).is_some_and(|cell| cell.trim_start().starts_with('#'))
}

/// A row that has another number of columns than the lines before it; `second` if that is only one.
fn ragged(row: &StringRecord, width: usize, second: bool, path: &Path) -> Error {
    let columns = counted(row.len(), "column");
    let problem = format!("line {} has {columns}, but the lines before it have {width}", line(row));
    let hint = match second && width < row.len() {
        true => "every row needs every column; if the first line is a title, remove it, or begin it with `#`",
        false => {
            "every row needs every column: a missing value is an empty cell, text with the separator in it needs quotes, and remarks \
             have to go"
        }
    };
    Error::file(path, problem, hint)
}

/// Whether numbers have commas and none has a point.
fn has_decimal_commas(rows: &[StringRecord], is_decimal: fn(&str) -> bool) -> bool {
    let cells = || rows.iter().flatten().map(str::trim);
    let has_point = |text: &str| text.contains('.') && text.parse::<f64>().is_ok();
    cells().any(is_decimal) && !cells().any(has_point)
}

/// The names in a comment.
fn names_in(comment: &str, separator: Separator) -> StringRecord {
    match separator {
        Separator::Blanks => comment.split_whitespace().collect::<Vec<_>>().into(),
        other => comment.split(char::from(other.byte())).map(str::trim).collect::<Vec<_>>().into(),
    }
}
