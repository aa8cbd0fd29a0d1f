//! Tables of text: values separated by commas, semicolons or tabs, with a header or without, plain or gzip.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{Labels, Table};
use crate::data::idx;
use crate::error::{Error, Result};

/// Names that a column of labels goes by.
const LABELS: [&str; 5] = ["label", "class", "target", "y", "species"];

/// As much of the file as is looked at to tell what it is.
const START: u64 = 1 << 16;

/// The most columns a table may have.
const MOST_COLUMNS: usize = 1 << 20;

/// Reads a table whose values take at most `memory` bytes, as f32.
pub(super) fn read(path: &Path, label_column: Option<&str>, memory: u64) -> Result<Table> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let (mut source, _) = idx::expand(BufReader::new(file)).map_err(Error::io("read", path))?;
    let mut start = Vec::new();
    source.by_ref().take(START).read_to_end(&mut start).map_err(Error::io("read", path))?;
    let delimiter = delimiter(&start, path)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(std::io::Cursor::new(start).chain(source));
    let refused = |error| unreadable(error, path);
    let mut record = StringRecord::new();
    if !reader.read_record(&mut record).map_err(refused)? {
        return Err(Error::file(path, "it is empty", "use a file with a row for each sample"));
    }
    let first = record.clone();
    if first.len() < 2 || first.len() > MOST_COLUMNS {
        let problem = format!("its first line has {} columns", first.len());
        return Err(Error::file(path, problem, "a table has a column of labels, and columns of values"));
    }
    let more = reader.read_record(&mut record).map_err(refused)?;
    let header = is_header(&first, if more { Some(&record) } else { None });
    let label = label(label_column, &first, header, if more && header { &record } else { &first }, path)?;
    let columns = first.len() - 1;
    let mut rows = Rows {
        path,
        label,
        columns,
        memory,
        first: &first,
        header,
        values: Vec::new(),
        labels: Labels::default(),
    };
    if !header {
        rows.push(&first, 1)?;
    }
    let mut more = more;
    while more {
        rows.push(&record, record.position().map_or(0, csv::Position::line))?;
        more = reader.read_record(&mut record).map_err(refused)?;
    }
    let Rows { values, labels, .. } = rows;
    if labels.rows.is_empty() {
        return Err(Error::file(
            path,
            "it has a header and nothing else",
            "use a file with a row for each sample",
        ));
    }
    let named =
        if header { format!("`{}`", &first[label]) } else { format!("{label}, from 0, without a header") };
    let what =
        format!("a table of text: {} rows of {columns} values, labels in column {named}", labels.rows.len());
    Ok(Table { columns, values, labels, what })
}

/// What is read so far.
struct Rows<'a> {
    path: &'a Path,
    label: usize,
    columns: usize,
    memory: u64,
    first: &'a StringRecord,
    header: bool,
    values: Vec<f32>,
    labels: Labels,
}

impl Rows<'_> {
    fn push(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        if 4 * (self.values.len() + self.columns) as u64 > self.memory {
            let problem =
                format!("its values up to line {line} take more than {} bytes of memory", self.memory);
            return Err(Error::file(self.path, problem, "allow more with --memory-limit, or use fewer rows"));
        }
        for (column, text) in record.iter().enumerate() {
            let text = text.trim();
            if column == self.label {
                if text.is_empty() {
                    return Err(self.wrong(line, column, "the label is missing"));
                }
                self.labels.push(text);
                continue;
            }
            self.values.push(value(text).map_err(|what| self.wrong(line, column, &what))?);
        }
        Ok(())
    }

    fn wrong(&self, line: u64, column: usize, what: &str) -> Error {
        wrong(self.path, self.header.then_some(self.first), line, column, what)
    }
}

/// A cell as a number.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn value(text: &str) -> Result<f32, String> {
    let text = text.trim();
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ if text.is_empty() => Err("the value is missing".into()),
        _ => Err(format!("`{text}` is not a finite number")),
    }
}

/// A cell that is not what it should be.
pub(crate) fn wrong(
    path: &Path,
    header: Option<&StringRecord>,
    line: u64,
    column: usize,
    what: &str,
) -> Error {
    let name = header.map(|header| format!(" (`{}`)", &header[column])).unwrap_or_default();
    let hint =
        "fill in or remove such rows, and turn names into numbers; --label-column names the labels' column";
    Error::file(path, format!("line {line}, column {column}{name}: {what}"), hint)
}

/// The separator that the first line has most of.
pub(crate) fn delimiter(start: &[u8], path: &Path) -> Result<u8> {
    let kinds: [(&[u8], &str); 5] = [
        (b"PK\x03\x04", "a zip archive or an .npz file"),
        (b"PAR1", "a Parquet file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"\x00\x00\x08", "an IDX file; name the folder that holds the set's four files"),
    ];
    let hint = "give a table of text (CSV), plain or gzip, or the folder of a set of IDX files";
    if let Some((_, what)) = kinds.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Error::file(path, format!("this is {what}"), hint));
    }
    if start.contains(&0) {
        return Err(Error::file(path, "this is not a folder, and not a table of text", hint));
    }
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    Ok([b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b','))
}

pub(crate) fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// Whether the first line names the columns: some column of numbers begins with a word.
pub(crate) fn is_header(first: &StringRecord, second: Option<&StringRecord>) -> bool {
    match second {
        Some(second) => first.iter().zip(second).any(|(name, value)| !is_number(name) && is_number(value)),
        None => first.iter().all(|name| !is_number(name)),
    }
}

/// The column of labels: the one asked for, else the one with a usual name, else the only one of words, else, without a
/// header, the first, as in MNIST's tables.
pub(crate) fn label(
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

pub(crate) fn unreadable(error: csv::Error, path: &Path) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::file(path, "the gzip data is cut short", "get the file again from where it came from")
        }
        ErrorKind::Io(error) if error.kind() != std::io::ErrorKind::InvalidInput => {
            Error::io("read", path)(error)
        }
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
