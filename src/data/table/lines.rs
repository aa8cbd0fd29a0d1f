//! The lines of a table before they are cut into cells: what stands above the table, and lines of a bounded length.

use std::io::{self, Cursor, Read};
use std::path::Path;

use crate::data::table_options::Separator;
use crate::error::Error;

/// The longest line, in bytes: a file without an end of line must not be held in memory to find out.
pub const LONGEST_LINE: u64 = 4 << 20;

/// The most columns a table may have.
pub const MOST_COLUMNS: usize = 1 << 20;

/// Bytes that are asked for at once while the first lines are looked at.
const PIECE: usize = 1 << 16;

/// Complete lines that are looked at to find the separator.
const LINES: usize = 30;

/// What stands above a table.
#[derive(Debug, Default)]
pub struct Preamble {
    /// The separator that a line `sep=;` names, as Excel writes it.
    pub separator: Option<Separator>,
    /// The last comment, without its `#`.
    pub comment: Option<String>,
}

/// Takes comments, empty lines and a line `sep=` off the `start` of a table. More is read only if no other line has begun.
pub fn preamble(start: &mut Vec<u8>, rest: &mut impl Read) -> io::Result<Preamble> {
    let mut preamble = Preamble::default();
    if start.starts_with("\u{feff}".as_bytes()) {
        start.drain(..3);
    }
    let mut begin = 0;
    loop {
        let end = loop {
            if let Some(end) = start[begin..].iter().position(|&byte| byte == b'\n') {
                break Some(begin + end + 1);
            }
            let before = start.len();
            let room = (LONGEST_LINE as usize).saturating_sub(before - begin).min(PIECE);
            rest.by_ref().take(room as u64).read_to_end_or_some(start)?;
            if start.len() == before {
                break None;
            }
        };
        let line = &start[begin..end.unwrap_or(start.len())];
        let line = line.trim_ascii();
        let separator = line.strip_prefix(b"sep=").and_then(|separator| match separator {
            b"," => Some(Separator::Comma),
            b";" => Some(Separator::Semicolon),
            b"" | b"\\t" => Some(Separator::Tab),
            _ => None,
        });
        match (separator, line.strip_prefix(b"#")) {
            (Some(separator), _) => preamble.separator = Some(separator),
            (None, Some(comment)) => {
                preamble.comment = Some(String::from_utf8_lossy(comment).trim().to_owned());
            }
            (None, None) if line.is_empty() && end.is_some() => {}
            (None, None) => break,
        }
        begin = end.unwrap_or(start.len());
        if end.is_none() {
            break;
        }
    }
    start.drain(..begin);
    Ok(preamble)
}

/// Reads what is there, and no more: somebody who types rows wants each answered at once.
trait ReadSome: Read {
    fn read_to_end_or_some(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let count = loop {
            match self.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        bytes.extend_from_slice(&piece[..count]);
        Ok(())
    }
}

impl<R: Read> ReadSome for R {}

/// The separator of the lines in `start`: the first of tab, semicolon and comma that all lines have equally often, outside of
/// quotes, else the one that the first line has most of; blanks, if there is none of them.
pub fn separator(start: &[u8]) -> Separator {
    let mut lines: Vec<&[u8]> = start.split(|&byte| byte == b'\n').take(LINES + 1).collect();
    // The last one may be cut short.
    if lines.len() > 1 {
        lines.pop();
    }
    let counts = |separator: Separator| -> Vec<usize> {
        let count = |line: &&[u8]| {
            let mut quoted = false;
            let outside = line.iter().filter(|&&byte| {
                quoted ^= byte == b'"';
                !quoted && byte == separator.byte()
            });
            outside.count()
        };
        lines.iter().filter(|line| !line.trim_ascii().is_empty()).map(count).collect()
    };
    let candidates = [Separator::Tab, Separator::Semicolon, Separator::Comma];
    let counted = candidates.map(|separator| (separator, counts(separator)));
    let same = |counts: &[usize]| {
        counts.len() > 1 && counts[0] > 0 && counts.iter().all(|count| *count == counts[0])
    };
    let first = |counts: &Vec<usize>| counts.first().copied().unwrap_or(0);
    // A title has none of them, and is cut into other pieces by blanks than the lines below it.
    let blanks = |line: Option<&&[u8]>| {
        line.map(|line| line.split(u8::is_ascii_whitespace).filter(|piece| !piece.is_empty()).count())
    };
    let has_title =
        counted.iter().all(|(_, counts)| first(counts) == 0) && blanks(lines.first()) != blanks(lines.get(1));
    let below = |counts: &Vec<usize>| has_title && counts.len() > 2 && same(&counts[1..]);
    let even = counted
        .iter()
        .find(|(_, counts)| same(counts))
        .or_else(|| counted.iter().find(|(_, counts)| below(counts)));
    // Of equally many the first in the list.
    let most =
        counted.iter().rev().max_by_key(|(_, counts)| first(counts)).filter(|(_, counts)| first(counts) > 0);
    match even.or(most) {
        Some((separator, _)) => *separator,
        None => {
            let line = lines.first().copied().unwrap_or_default().trim_ascii();
            if line.contains(&b' ') { Separator::Blanks } else { Separator::Comma }
        }
    }
}

/// A source that gives no more bytes than a line may have, until it is told that the next line begins.
pub struct Lines<R> {
    source: io::Chain<Cursor<Vec<u8>>, R>,
    /// Bytes that the line may still have.
    pub left: u64,
    /// If runs of blanks separate values.
    blanks: Option<Blanks>,
}

/// Where a text of runs of blanks was left.
#[derive(Default)]
struct Blanks {
    quoted: bool,
    /// Whether a line has begun.
    inside: bool,
    /// Whether a run of blanks was the last.
    run: bool,
}

impl<R: Read> Lines<R> {
    pub fn new(start: Vec<u8>, rest: R, separator: Separator) -> Self {
        let blanks = (separator == Separator::Blanks).then(Blanks::default);
        Self { source: Cursor::new(start).chain(rest), left: LONGEST_LINE, blanks }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.left == 0 {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            // A run of blanks that is left over becomes a tab before what follows.
            let begin = usize::from(self.blanks.is_some());
            let count = self.source.by_ref().take(self.left).read(&mut buffer[begin..])?;
            self.left -= count as u64;
            let Some(blanks) = &mut self.blanks else { return Ok(count) };
            let written = blanks.joined(buffer, begin, count);
            if written > 0 || count == 0 {
                return Ok(written);
            }
        }
    }
}

impl Blanks {
    /// Makes one tab of each run of blanks among the bytes from `begin`, moves all to the front, and says how many are left.
    fn joined(&mut self, buffer: &mut [u8], begin: usize, count: usize) -> usize {
        let mut to = 0;
        for from in begin..begin + count {
            let byte = buffer[from];
            self.quoted ^= byte == b'"';
            if !self.quoted && matches!(byte, b' ' | b'\t') {
                self.run = self.inside;
                continue;
            }
            let ends = matches!(byte, b'\n' | b'\r');
            if self.run && !ends {
                buffer[to] = b'\t';
                to += 1;
            }
            (self.run, self.inside) = (false, !ends);
            buffer[to] = byte;
            to += 1;
        }
        to
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
