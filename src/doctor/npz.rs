//! The `.npz` file of an exported batch, read whole and written.
//!
//! Nothing is allocated because a header claims a size: entries are unpacked as far as they really go, and at most
//! [`MAX_BYTES`] in all.

use super::npy::{self, Refusal, Value};
use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use crate::numpy::npz::{self, Archive};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek};
use std::path::Path;

/// The most bytes a file may unpack to.
pub const MAX_BYTES: u64 = 128 << 20;

/// The entries of a file by their names, without `.npy`.
pub type Entries = BTreeMap<String, Value>;

/// Reads all arrays of the file at `path`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::File`] if it is not an archive of arrays or too large.
pub fn read(path: &Path) -> Result<Entries> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    read_from(BufReader::new(file)).map_err(|(problem, hint)| Error::file(path, problem, hint))
}

/// Reads all arrays of an archive.
///
/// # Errors
/// The problem and a hint.
pub fn read_from(source: impl Read + Seek) -> Result<Entries, Refusal> {
    let help = |(problem, _)| {
        let hint =
            "save with numpy.savez(\"dump.npz\", W1=..., ...); `gpu-mlp doctor --template numpy` shows how";
        (problem, hint.to_owned())
    };
    let mut archive = Archive::open(source).map_err(help)?;
    let (mut entries, mut left) = (Entries::new(), MAX_BYTES);
    for index in 0..archive.names().len() {
        let name = archive.names()[index].clone();
        let mut entry = archive.entry(index).map_err(help)?;
        let named = |(problem, hint)| (format!("`{name}` {problem}"), hint);
        let bytes = unpack(&mut entry, left).map_err(named)?;
        left -= bytes.len() as u64;
        let value = npy::parse(&bytes).map_err(named)?;
        entries.insert(name, value);
    }
    Ok(entries)
}

/// At most `left` bytes of an entry; more is a refusal.
fn unpack(entry: &mut impl Read, left: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let broken =
        |error| (format!("cannot be unpacked: {error}"), "the file is damaged; save it again".to_owned());
    entry.take(left + 1).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 > left {
        let problem = format!("unpacks to more than the {} MiB allowed for a whole file", MAX_BYTES >> 20);
        return Err((problem, "export one small batch: 37 samples are plenty".to_owned()));
    }
    Ok(bytes)
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
