//! The `.npz` file of an exported batch, read whole and written.
//!
//! Nothing is allocated because a header claims a size: entries are unpacked as far as they really go, and the arrays of
//! a file may take [`MEMORY`] and twice the file, in f64.

use super::npy::{self, Refusal, Value};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::files::numpy::npz::{self, Archive};
use crate::files::regular_file;
use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::Path;

/// The memory that a file's arrays may take beside twice its own size: 2 million values.
pub const MEMORY: u64 = 16 << 20;

/// Times the memory allowed that may be unpacked in all, arrays that are left out included.
const WORK: u64 = 16;

/// The entries of a file by their names, without `.npy`.
pub type Entries = BTreeMap<String, Value>;

/// Reads all arrays of the file at `path`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::File`] if it is not an archive of arrays or too large.
pub fn read(path: &Path) -> Result<Entries> {
    let file = regular_file::open(path)?;
    read_from(BufReader::new(file)).map_err(|refusal| refusal.at(path))
}

/// Reads all arrays of an archive.
///
/// # Errors
/// The problem and a hint.
pub fn read_from(mut source: impl Read + Seek) -> Result<Entries, Refusal> {
    let help = |refusal: Refusal| {
        let hint =
            "save with numpy.savez(\"dump.npz\", W1=..., ...); `gpu-mlp doctor --template numpy` shows how";
        Refusal { hint: hint.into(), ..refusal }
    };
    let length = source.seek(SeekFrom::End(0)).map_err(|error| broken(&error))?;
    let most = MEMORY.saturating_add(length.saturating_mul(2));
    let mut archive = Archive::open(source).map_err(help)?;
    let (mut entries, mut left, mut work) = (Entries::new(), most, most.saturating_mul(WORK));
    let mut unread: Option<Refusal> = None;
    for index in 0..archive.names().len() {
        let name = archive.names()[index].clone();
        let mut entry = archive.entry(index).map_err(help)?;
        let named = |refusal: Refusal| refusal.of(format!("`{name}`"));
        let too_large = || {
            let problem = format!("takes more memory than the {} MiB allowed for this file", most >> 20);
            Refusal::new(problem, "export one small batch: 37 samples are plenty")
        };
        let bytes = unpack(&mut entry, left).map_err(named)?;
        let unpacked = bytes.as_ref().map_or(left, |bytes| bytes.len() as u64);
        work = work.checked_sub(unpacked).ok_or_else(|| named(too_large()))?;
        let value = match bytes {
            Some(bytes) => npy::parse(&bytes, (left / 8) as usize).and_then(|value| {
                left = left.checked_sub(memory(&value).max(bytes.len() as u64)).ok_or_else(too_large)?;
                Ok(value)
            }),
            None => Err(too_large()),
        };
        // One array that is no use refuses no file that has others.
        let value = value.unwrap_or_else(|refusal| {
            let problem = refusal.problem.clone();
            unread.get_or_insert(named(refusal));
            Value::Unreadable(problem)
        });
        entries.insert(name, value);
    }
    let nothing = entries.values().all(|value| matches!(value, Value::Unreadable(_)));
    match unread {
        Some(refusal) if nothing => Err(refusal),
        _ => Ok(entries),
    }
}

fn broken(error: &std::io::Error) -> Refusal {
    Refusal::new(format!("cannot be unpacked: {error}"), "the file is damaged; save it again")
}

/// Bytes that a value takes.
pub fn memory(value: &Value) -> u64 {
    match value {
        Value::Numbers(array) => size_of_val(array.data.as_slice()) as u64,
        Value::Text(text) | Value::Unreadable(text) => text.len() as u64,
    }
}

/// An entry of at most `left` bytes; nothing if it has more.
fn unpack(entry: &mut impl Read, left: u64) -> Result<Option<Vec<u8>>, Refusal> {
    let mut bytes = Vec::new();
    entry.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok((bytes.len() as u64 <= left).then_some(bytes))
}

/// Writes arrays to the file at `path`, compressed; the file is there as a whole or not at all.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write<'a>(path: &Path, entries: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    let entries = entries.into_iter().map(|(name, value)| (name, npy::render(value)));
    npz::write(BufWriter::new(file.file_mut()), entries).map_err(Error::io("write", path))?;
    file.finish()
}
