//! Tables of JSON: records one after another (JSON lines), or an array of them. Records are read one by one and are flat.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{BufRead, BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

use csv::{Position, StringRecord};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::lines::{LONGEST_LINE, MOST_COLUMNS, unreadable_source};
use crate::error::{Error, Result};

const FLAT: &str = "write one flat record for each sample, such as {\"width\": 1.5, \"species\": \"setosa\"}; pandas does so with \
     df.to_json(path, orient=\"records\", lines=True)";

/// What Python's `json` writes for a missing number.
const NAN: &[u8] = b"NaN";

/// What Python and JavaScript write for what is no number.
const NO_NUMBERS: [&str; 2] = ["Infinity", "undefined"];

const NO_NUMBER: &str = "write null for a missing value: pandas does so with df.to_json(path, orient=\"records\", lines=True); \
     infinite values have no place in a table";

/// Records that are being read.
pub struct Records<R> {
    source: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    path: PathBuf,
    /// Whether they are in an array that has not ended.
    array: bool,
    /// Whether only blanks may follow.
    ended: bool,
    /// The line that is read, from 1.
    line: u64,
    /// Of an array: what may come next.
    due: Due,
    /// The columns, once they are known.
    keys: Vec<String>,
    /// Where each of them stands.
    places: HashMap<String, usize>,
}

/// What may come next in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A record, or the end: it has just begun, or there was a comma.
    RecordOrEnd,
    /// A comma, or the end.
    CommaOrEnd,
}

/// One record: its keys and values, and the line that it begins on.
struct Record {
    line: u64,
    pairs: Vec<(String, String)>,
}

/// Whether a text that begins like this is JSON: an object, or an array.
pub fn is_json(start: &[u8]) -> bool {
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    let mut bytes = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match bytes.next() {
        Some(b'{') => matches!(bytes.next(), None | Some(b'"' | b'}')),
        Some(b'[') => matches!(bytes.next(), None | Some(b'{' | b'[' | b']')),
        _ => false,
    }
}

impl<R: Read> Records<R> {
    /// Begins with the `start` of a text, and its `rest`.
    pub fn new(start: Vec<u8>, rest: R, path: &Path) -> Self {
        let start = start.strip_prefix("\u{feff}".as_bytes()).map(<[u8]>::to_vec).unwrap_or(start);
        let array = start.trim_ascii_start().starts_with(b"[");
        let mut source = BufReader::new(Cursor::new(start).chain(rest));
        let mut line = 1;
        if array {
            // What `new` has looked at is in memory.
            let before = take_until(&mut source, b'[');
            line += before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
        let (path, keys, places) = (path.to_owned(), Vec::new(), HashMap::new());
        Self { source, path, array, ended: false, line, due: Due::RecordOrEnd, keys, places }
    }

    /// Reads the first `rows` records, or as many as have so many bytes, and fixes the columns: all keys that those have, in
    /// their order.
    ///
    /// # Errors
    /// [`Error::File`] for what is no flat record, with its line.
    pub fn look(&mut self, rows: usize, bytes: usize) -> Result<Vec<StringRecord>> {
        let (mut records, mut left) = (Vec::new(), bytes);
        // Each record becomes a row of all keys.
        while records.len() < rows && left > 0 && records.len() * self.keys.len() <= bytes {
            let Some(record) = self.next()? else { break };
            for (key, value) in &record.pairs {
                left = left.saturating_sub(key.len() + value.len());
                if !self.places.contains_key(key) {
                    self.places.insert(key.clone(), self.keys.len());
                    self.keys.push(key.clone());
                }
            }
            if self.keys.len() > MOST_COLUMNS {
                let problem = format!("its first records have {} keys", self.keys.len());
                return Err(Error::file(&self.path, problem, format!("a table has at most {MOST_COLUMNS}")));
            }
            records.push(record);
        }
        records.into_iter().map(|record| self.row(record)).collect()
    }

    /// The columns.
    pub fn keys(&self) -> StringRecord {
        self.keys.iter().map(String::as_str).collect::<Vec<_>>().into()
    }

    /// Reads the next record as a row of the columns; false at the end.
    ///
    /// # Errors
    /// As [`look`](Self::look), and for a key that is none of the columns.
    pub fn read(&mut self, row: &mut StringRecord) -> Result<bool> {
        let Some(record) = self.next()? else { return Ok(false) };
        *row = self.row(record)?;
        Ok(true)
    }

    /// A record as a row: what it lacks is empty.
    fn row(&self, record: Record) -> Result<StringRecord> {
        let mut cells = vec![String::new(); self.keys.len()];
        for (key, value) in record.pairs {
            let Some(&place) = self.places.get(&key) else {
                let problem = format!("line {}: none of the first records has the key `{key}`", record.line);
                return Err(Error::file(
                    &self.path,
                    problem,
                    "give the first record all keys; null is a missing value",
                ));
            };
            cells[place] = value;
        }
        let mut row = StringRecord::from(cells);
        let mut position = Position::new();
        position.set_line(record.line);
        row.set_position(Some(position));
        Ok(row)
    }

    fn next(&mut self) -> Result<Option<Record>> {
        let Some((line, bytes)) = self.object()? else { return Ok(None) };
        let bytes = with_null(bytes);
        let pairs = serde_json::from_slice::<Pairs>(&bytes).map_err(|error| {
            // The place is within the record.
            let line = line + (error.line() as u64).saturating_sub(1);
            if let Some(word) = no_number(&bytes) {
                let problem = format!("line {line}: JSON has no `{word}`");
                return Error::file(&self.path, problem, NO_NUMBER);
            }
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            Error::file(&self.path, format!("line {line}: {what}"), FLAT)
        })?;
        Ok(Some(Record { line, pairs: pairs.0 }))
    }

    /// The bytes of the next object, and the line that it begins on.
    fn object(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let (mut bytes, mut begun) = (Vec::new(), 0);
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        loop {
            let piece = self.source.fill_buf().map_err(|error| unreadable_source(error, &self.path))?;
            if piece.is_empty() {
                let problem = match (depth, self.array) {
                    (0, false) => return Ok(None),
                    (0, true) => "it ends before the array does".to_owned(),
                    _ => format!("line {begun}: it ends within a record"),
                };
                return Err(Error::file(&self.path, problem, "download or save the file again"));
            }
            let (mut used, mut whole) = (0, false);
            for &byte in piece {
                used += 1;
                self.line += u64::from(byte == b'\n');
                if depth == 0 {
                    match byte {
                        _ if byte.is_ascii_whitespace() => {}
                        b',' if self.array && self.due == Due::CommaOrEnd => self.due = Due::RecordOrEnd,
                        b']' if self.array => (self.array, self.ended) = (false, true),
                        b'{' if !self.ended && (!self.array || self.due != Due::CommaOrEnd) => {
                            (depth, begun, self.due) = (1, self.line, Due::CommaOrEnd);
                            bytes.push(byte);
                        }
                        _ => {
                            let expected = match self.due {
                                _ if self.ended => "nothing after the array",
                                Due::CommaOrEnd if self.array => "a comma or `]`",
                                Due::CommaOrEnd | Due::RecordOrEnd => "a record in braces",
                            };
                            let got = char::from(byte).escape_default();
                            let problem = format!("line {}: expected {expected}, and got `{got}`", self.line);
                            return Err(Error::file(&self.path, problem, FLAT));
                        }
                    }
                    continue;
                }
                bytes.push(byte);
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'{' | b'[' if !quoted => depth += 1,
                    b'}' | b']' if !quoted => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    whole = true;
                    break;
                }
            }
            self.source.consume(used);
            if whole {
                return Ok(Some((begun, bytes)));
            }
            if bytes.len() as u64 > LONGEST_LINE {
                let problem = format!("line {begun}: the record takes more than {} MiB", LONGEST_LINE >> 20);
                return Err(Error::file(&self.path, problem, FLAT));
            }
        }
    }
}

/// The places in a record that are outside of texts.
fn bare(record: &[u8]) -> impl Iterator<Item = usize> {
    let (mut quoted, mut escaped) = (false, false);
    (0..record.len()).filter(move |&at| {
        match record[at] {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => return !quoted,
        }
        false
    })
}

/// A word outside of texts that programs write for what is no number.
fn no_number(record: &[u8]) -> Option<&'static str> {
    bare(record).find_map(|at| NO_NUMBERS.into_iter().find(|word| record[at..].starts_with(word.as_bytes())))
}

/// A record with null for each NaN outside of texts.
fn with_null(record: Vec<u8>) -> Vec<u8> {
    if !record.windows(NAN.len()).any(|bytes| bytes == NAN) {
        return record;
    }
    let mut with_null = Vec::with_capacity(record.len());
    let mut done = 0;
    for at in bare(&record).filter(|&at| record[at..].starts_with(NAN)) {
        with_null.extend_from_slice(&record[done..at]);
        with_null.extend_from_slice(b"null");
        done = at + NAN.len();
    }
    with_null.extend_from_slice(&record[done..]);
    with_null
}

fn take_until(source: &mut impl BufRead, end: u8) -> Vec<u8> {
    let mut taken = Vec::new();
    // In memory: nothing can go wrong.
    let _ = source.read_until(end, &mut taken);
    taken
}

/// The keys of a flat object and its values as text; null is empty.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record in braces")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let (mut pairs, mut seen) = (Vec::new(), HashSet::new());
                while let Some(key) = map.next_key::<String>()? {
                    let value = match map.next_value::<serde_json::Value>()? {
                        serde_json::Value::Null => String::new(),
                        serde_json::Value::String(text) => text,
                        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                            return Err(A::Error::custom(format!(
                                "the value of `{key}` is nested, and not a number, a text, true, false or null"
                            )));
                        }
                        plain => plain.to_string(),
                    };
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format!("the key `{key}` occurs twice in the record")));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
