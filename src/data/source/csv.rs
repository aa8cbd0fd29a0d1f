//! Tables of text: values separated by commas, semicolons or tabs, with a header or without, plain or gzip.

use std::io::{self, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{Labels, Part, Reading, Rows, Source, part};
use crate::data::Format;
use crate::error::{Error, Result};

/// Names that a column of labels goes by.
pub(super) const LABELS: [&str; 6] = ["label", "labels", "class", "target", "y", "species"];

/// The most columns a table may have.
const MOST_COLUMNS: usize = 1 << 20;

/// The longest line, in bytes: a file without an end of line must not be held in memory to find out.
const LONGEST_LINE: u64 = 4 << 20;

/// What stands where a value is missing.
const MISSING: [&str; 6] = ["", "?", "na", "n/a", "nan", "null"];

/// Reads a table from its `start` and the `rest` of it.
pub(super) fn read(path: &Path, start: Vec<u8>, rest: impl Read, reading: Reading<'_>) -> Result<Source> {
    let delimiter = delimiter(&start);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(Line { source: io::Cursor::new(start).chain(rest), left: LONGEST_LINE });
    let mut next = |record: &mut StringRecord| {
        reader.get_mut().left = LONGEST_LINE;
        reader.read_record(record).map_err(|error| unreadable(error, path))
    };
    let mut record = StringRecord::new();
    if !next(&mut record)? {
        return Err(Error::file(path, "it is empty", "use a file with a row for each sample"));
    }
    if record.len() < 2 || record.len() > MOST_COLUMNS {
        let problem = format!("its first line has {} columns", record.len());
        return Err(Error::file(path, problem, "a table has a column of labels, and columns of values"));
    }
    let first = record.clone();
    let mut more = next(&mut record)?;
    let header = is_header(&first, more.then_some(&record));
    let label =
        label(reading.label_column, &first, header, if more && header { &record } else { &first }, path)?;
    // pandas writes the numbers of the rows as a column without a name.
    let index = header && matches!(first[0].trim(), "" | "Unnamed: 0") && label != 0 && first.len() > 2;
    let skipped = index.then_some(0);
    let columns = first.len() - 1 - usize::from(index);
    let labels = Labels::default();
    let mut rows =
        Table { path, reading, label, skipped, columns, first: &first, header, values: Vec::new(), labels };
    if !header {
        rows.push(&first, 1)?;
    }
    while more {
        rows.push(&record, record.position().map_or(0, csv::Position::line))?;
        more = next(&mut record)?;
    }
    let Table { values, labels, .. } = rows;
    if labels.len() == 0 {
        let hint = "use a file with a row for each sample";
        return Err(Error::file(path, "it has a header and nothing else", hint));
    }
    labels.check(path)?;
    let named = if header {
        format!("`{}`", first[label].trim())
    } else {
        format!("{label}, from 0, without a header")
    };
    let without = if index { ", the first column left out as row numbers" } else { "" };
    let what = format!(
        "a table of text: {} rows of {columns} values, labels in column {named}{without}",
        labels.len()
    );
    let names = || {
        let kept = |&(column, _): &(usize, &str)| column != label && Some(column) != skipped;
        first.iter().enumerate().filter(kept).map(|(_, name)| name.trim().to_owned()).collect()
    };
    let train = Part {
        path: path.to_owned(),
        format: Format::Floats,
        features: columns,
        image_shape: part::square(&values, columns),
        columns: header.then(names),
        rows: Rows::Memory(values),
        labels,
    };
    Ok(Source { what, train, test: None, classes: None })
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

/// What is read so far.
struct Table<'a> {
    path: &'a Path,
    reading: Reading<'a>,
    label: usize,
    skipped: Option<usize>,
    columns: usize,
    first: &'a StringRecord,
    header: bool,
    /// f32 values in this machine's order of bytes.
    values: Vec<u8>,
    labels: Labels,
}

impl Table<'_> {
    fn push(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        let memory = self.reading.memory;
        if (self.values.len() + 4 * self.columns) as u64 > memory {
            let problem = format!("its values up to line {line} take more than {memory} bytes of memory");
            return Err(Error::file(self.path, problem, "allow more with --memory-limit, or use fewer rows"));
        }
        for (column, text) in record.iter().enumerate().filter(|&(column, _)| Some(column) != self.skipped) {
            let text = text.trim();
            if column == self.label {
                if text.is_empty() {
                    return Err(self.wrong(line, column, "the label is missing"));
                }
                self.labels.push(text).map_err(|problem| self.wrong(line, column, &problem))?;
                continue;
            }
            let value = match text.parse::<f32>() {
                Ok(value) if value.is_finite() => value,
                Ok(_) if self.reading.keep_missing => f32::NAN,
                Err(_) if self.reading.keep_missing && MISSING.contains(&text.to_lowercase().as_str()) => {
                    f32::NAN
                }
                _ if text.is_empty() => return Err(self.wrong(line, column, "the value is missing")),
                _ => return Err(self.wrong(line, column, &format!("`{text}` is not a finite number"))),
            };
            self.values.extend_from_slice(&value.to_ne_bytes());
        }
        Ok(())
    }
    fn wrong(&self, line: u64, column: usize, what: &str) -> Error {
        let name = if self.header { format!(" (`{}`)", &self.first[column]) } else { String::new() };
        let hint = "fill in or remove such rows, and turn names into numbers; --label-column names the labels' column";
        Error::file(self.path, format!("line {line}, column {column}{name}: {what}"), hint)
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

/// The column of labels: the one asked for, else the one with a usual name, else the only one of words, else, without a
/// header, the first, as in MNIST's tables.
fn label(
    asked: Option<&str>,
    first: &StringRecord,
    header: bool,
    values: &StringRecord,
    path: &Path,
) -> Result<usize> {
    let by_name =
        |wanted: &str| first.iter().position(|name| header && name.trim().eq_ignore_ascii_case(wanted));
    let names = || first.iter().take(20).map(|name| name.trim().to_owned()).collect::<Vec<_>>().join(", ");
    if let Some(asked) = asked {
        let by_place = || asked.parse().ok().filter(|&place: &usize| place < first.len());
        return by_name(asked).or_else(by_place).ok_or_else(|| {
            let columns = if header { format!(": {}", names()) } else { ", and no header".into() };
            let problem = format!("it has no column `{asked}`; it has {} columns{columns}", first.len());
            Error::file(path, problem, "give a name from the header, or a place from 0, with --label-column")
        });
    }
    let mut words = (0..values.len()).filter(|&column| !is_number(&values[column]));
    let only = words.next().filter(|_| words.next().is_none());
    let found = LABELS.iter().find_map(|name| by_name(name)).or(only).or((!header).then_some(0));
    found.ok_or_else(|| {
        let problem = format!("no column is called {}; its columns are {}", LABELS.join(", "), names());
        Error::file(path, problem, "name the column of the labels with --label-column")
    })
}

/// A source that cannot be read: gzip data cut short or damaged, or a refusal of the system's.
pub(super) fn unreadable_source(error: io::Error, path: &Path) -> Error {
    let hint = "get the file again from where it came from";
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
            Error::file(
                path,
                problem,
                "a table has a line for each sample; a quote that is never closed makes one of many",
            )
        }
        ErrorKind::Io(error) => unreadable_source(error, path),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let problem = format!("line {line} has {len} columns, and the lines before have {expected_len}");
            Error::file(path, problem, "every row needs every column")
        }
        ErrorKind::Utf8 { .. } => {
            Error::file(path, format!("line {line} is not UTF-8 text"), "save the table as UTF-8")
        }
        other => {
            Error::file(path, format!("cannot be read as a table: {other:?}"), "get or save the file again")
        }
    }
}
