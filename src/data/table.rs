//! Text tables, row by row: values separated by commas, semicolons or tabs, with or without a header.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use crate::error::{Error, Result, Setting, message};

/// Names that a column of labels goes by.
pub const LABELS: [&str; 6] = ["label", "labels", "class", "target", "y", "species"];

/// The most columns a table may have.
const MOST_COLUMNS: usize = 1 << 20;

/// The longest line, in bytes: a file without an end of line must not be held in memory to find out.
const LONGEST_LINE: u64 = 4 << 20;

/// A table that is being read; no more than a few rows of it are ever in memory.
pub struct Table<R> {
    reader: Reader<Line<io::Chain<Cursor<Vec<u8>>, R>>>,
    path: PathBuf,
    /// The first line.
    first: StringRecord,
    /// Whether it names the columns.
    has_header: bool,
    /// Rows of values that had to be looked at already.
    ahead: VecDeque<StringRecord>,
}

impl<R: Read> Table<R> {
    /// Begins a table, of which `start` has been read already and `rest` has not; nothing if it is empty.
    ///
    /// A second line is waited for only if the first is not all numbers: somebody who types rows gets each answered at once.
    ///
    /// # Errors
    /// [`Error::File`] if it is no table; [`Error::Io`] if it cannot be read.
    pub fn open(path: &Path, start: Vec<u8>, rest: R) -> Result<Option<Self>> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter(&start))
            .from_reader(Line { source: Cursor::new(start).chain(rest), left: LONGEST_LINE });
        let mut next = || -> Result<Option<StringRecord>> {
            let mut record = StringRecord::new();
            Ok(next_record(&mut reader, &mut record, path)?.then_some(record))
        };
        let Some(first) = next()? else { return Ok(None) };
        if first.len() > MOST_COLUMNS {
            let problem = format!("its first line has {} columns", first.len());
            return Err(Error::file(path, problem, format!("a table has at most {MOST_COLUMNS}")));
        }
        let numbers = first.iter().all(is_number);
        let second = if numbers { None } else { next()? };
        let has_header = !numbers && is_header(&first, second.as_ref());
        let ahead = (!has_header).then(|| first.clone()).into_iter().chain(second).collect();
        Ok(Some(Self { reader, path: path.to_owned(), first, has_header, ahead }))
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.first.len()
    }

    /// The names of the columns, if they have names.
    pub fn names(&self) -> Option<impl Iterator<Item = &str>> {
        self.has_header.then(|| self.first.iter().map(str::trim))
    }

    /// The column of labels: the one asked for, else the one with a usual name, else the only one of words, else,
    /// without a header, the first, as in MNIST's tables.
    ///
    /// # Errors
    /// [`Error::File`] if there is no such column.
    pub fn label(&self, asked: Option<&str>) -> Result<usize> {
        let by_name = |wanted: &str| self.names()?.position(|name| name.eq_ignore_ascii_case(wanted));
        let names = || self.first.iter().take(20).map(str::trim).collect::<Vec<_>>().join(", ");
        if let Some(asked) = asked {
            let by_place = || asked.parse().ok().filter(|&place: &usize| place < self.columns());
            return by_name(asked).or_else(by_place).ok_or_else(|| {
                let columns =
                    if self.has_header { format!(": {}", names()) } else { ", and no header".into() };
                let problem =
                    format!("it has no column `{asked}`; it has {} columns{columns}", self.columns());
                let hint = message![
                    "give a name from the header, or a position from 0, with ",
                    Setting::LabelColumn
                ];
                Error::file(&self.path, problem, hint)
            });
        }
        let values = self.ahead.front().unwrap_or(&self.first);
        let mut words = (0..values.len()).filter(|&column| !is_number(&values[column]));
        let only = words.next().filter(|_| words.next().is_none());
        let found = LABELS.iter().find_map(|name| by_name(name)).or(only);
        found.or((!self.has_header).then_some(0)).ok_or_else(|| {
            let problem = format!("no column is called {}; its columns are {}", LABELS.join(", "), names());
            Error::file(
                &self.path,
                problem,
                message!["name the column of the labels with ", Setting::LabelColumn],
            )
        })
    }

    /// The columns of targets: several that were asked for with commas between them, else the one of [`label`](Self::label).
    ///
    /// # Errors
    /// [`Error::File`] if there is no such column, or one is named twice.
    pub fn targets(&self, asked: Option<&str>) -> Result<Vec<usize>> {
        let whole = |asked: &str| self.names().is_some_and(|mut names| names.any(|name| name == asked));
        let Some(asked) = asked.filter(|asked| asked.contains(',') && !whole(asked)) else {
            return Ok(vec![self.label(asked)?]);
        };
        let columns = asked.split(',').map(|name| self.label(Some(name.trim())));
        let columns: Vec<usize> = columns.collect::<Result<_>>()?;
        match (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
            None => Ok(columns),
            Some(at) => {
                let problem = message![
                    Setting::LabelColumn.set(asked),
                    format!(" names column {} twice, from 0", columns[at])
                ];
                Err(Error::file(&self.path, problem, "name each column once"))
            }
        }
    }

    /// Whether the first column has no name: pandas writes the numbers of the rows so.
    pub fn numbers_its_rows(&self) -> bool {
        self.has_header && matches!(self.first[0].trim(), "" | "Unnamed: 0")
    }

    /// Reads the next row of values; false at the end.
    ///
    /// # Errors
    /// [`Error::File`] for a row that has another number of columns, or is no text; [`Error::Io`] if it cannot be read.
    pub fn read(&mut self, row: &mut StringRecord) -> Result<bool> {
        match self.ahead.pop_front() {
            Some(ahead) => *row = ahead,
            None => return next_record(&mut self.reader, row, &self.path),
        }
        Ok(true)
    }

    /// What is wrong with a cell.
    pub fn wrong(&self, row: &StringRecord, column: usize, what: &str) -> Error {
        let line = line(row);
        let name = if self.has_header { format!(" (`{}`)", &self.first[column]) } else { String::new() };
        let hint = message![
            "fill in or remove such rows, and replace names by numbers; ",
            Setting::LabelColumn,
            " names the label column"
        ];
        Error::file(&self.path, format!("line {line}, column {column}{name}: {what}"), hint)
    }
}

/// A source that gives no more bytes than a line may have, until it is told that the next line begins.
struct Line<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Line<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.source.by_ref().take(self.left).read(buffer)?;
        self.left -= count as u64;
        Ok(count)
    }
}

fn next_record<R: Read>(
    reader: &mut Reader<Line<R>>,
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

/// A cell as a number.
///
/// # Errors
/// What is wrong with it.
pub fn number(cell: &str) -> Result<f32, String> {
    let text = cell.trim();
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ if text.is_empty() => Err("the value is missing".into()),
        _ => Err(format!("`{text}` is not a finite number")),
    }
}

/// The separator that the first line has most of, outside of quotes.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in line {
        quoted ^= byte == b'"';
        for (delimiter, count) in counts.iter_mut().filter(|_| !quoted) {
            *count += usize::from(byte == *delimiter);
        }
    }
    counts.iter().max_by_key(|(_, count)| *count).map_or(b',', |&(delimiter, _)| delimiter)
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// Whether the first line names the columns: some column of numbers begins with a word.
fn is_header(first: &StringRecord, second: Option<&StringRecord>) -> bool {
    match second {
        Some(second) => first.iter().zip(second).any(|(name, value)| !is_number(name) && is_number(value)),
        None => first.iter().all(|name| !is_number(name)),
    }
}

/// A source that cannot be read: gzip data cut short or damaged, or a refusal of the system's.
pub fn unreadable_source(error: io::Error, path: &Path) -> Error {
    let hint = "download the file again";
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::file(path, "the gzip data is cut short", hint),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::file(path, format!("damaged gzip data: {error}"), hint)
        }
        _ => Error::io("read", path)(error),
    }
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
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let problem =
                format!("line {line} has {len} columns, but the lines before it have {expected_len}");
            Error::file(path, problem, "every row needs every column")
        }
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
