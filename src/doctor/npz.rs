//! Named arrays in one `.npz` file: a zip archive of `.npy` entries, stored or deflated.
//!
//! Nothing is allocated because a header claims a size: entries are unpacked as far as they really go, and at most
//! [`MAX_BYTES`] in all.

use super::npy::{self, Refusal, Value};
use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The most bytes a file may unpack to.
pub const MAX_BYTES: u64 = 128 << 20;

/// The most entries a file may have.
const MAX_ENTRIES: usize = 4096;

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
    let not_a_zip = |error: zip::result::ZipError| {
        let hint =
            "save with numpy.savez(\"dump.npz\", W1=..., ...); `gpu-mlp doctor --template numpy` shows how";
        (format!("is not an .npz file (a zip archive of arrays): {error}"), hint.to_owned())
    };
    let mut archive = ZipArchive::new(source).map_err(not_a_zip)?;
    if archive.len() > MAX_ENTRIES {
        let problem = format!("has {} entries, more than {MAX_ENTRIES}", archive.len());
        return Err((problem, "export only the keys of `gpu-mlp doctor --template numpy`".to_owned()));
    }
    let (mut entries, mut left) = (Entries::new(), MAX_BYTES);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(not_a_zip)?;
        let name = entry.name().map_err(not_a_zip)?.trim_end_matches(".npy").to_owned();
        let bytes =
            unpack(&mut entry, left).map_err(|(problem, hint)| (format!("`{name}` {problem}"), hint))?;
        left -= bytes.len() as u64;
        let value = npy::parse(&bytes).map_err(|(problem, hint)| (format!("`{name}` {problem}"), hint))?;
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
    let mut archive = ZipWriter::new(BufWriter::new(file.file_mut()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, value) in entries {
        let started = archive.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other);
        started.and_then(|()| archive.write_all(&npy::render(value))).map_err(Error::io("write", path))?;
    }
    let finished = archive.finish().map_err(std::io::Error::other);
    finished.and_then(|mut file| file.flush()).map_err(Error::io("write", path))?;
    file.finish()
}
