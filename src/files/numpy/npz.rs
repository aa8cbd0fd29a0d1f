//! An `.npz` file: a zip archive of named `.npy` entries, stored or deflated.

use std::fmt::Display;
use std::io::{Read, Seek, Write};

use zip::read::ZipFile;
use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::refusal::Refusal;

/// The most entries a file may have.
const MAX_ENTRIES: usize = 4096;

/// An archive that is open for reading.
pub struct Archive<R> {
    zip: ZipArchive<R>,
    names: Vec<String>,
}

fn not_a_zip(error: &ZipError) -> Refusal {
    let hint = "save with numpy.savez(\"file.npz\", name=array, ...)";
    Refusal::new(format!("is not an .npz file (a zip archive of arrays) or not all of one: {error}"), hint)
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// The problem and a hint: not an archive, or one of too many entries.
    pub fn open(source: R) -> Result<Self, Refusal> {
        let mut zip = ZipArchive::new(source).map_err(|error| not_a_zip(&error))?;
        if zip.len() > MAX_ENTRIES {
            let problem = format!("has {} entries, more than {MAX_ENTRIES}", zip.len());
            return Err(Refusal::new(problem, "save only the arrays that are needed"));
        }
        let count = zip.len();
        let name =
            |index| zip.by_index_raw(index)?.name().map(|name| name.trim_end_matches(".npy").to_owned());
        let names = (0..count).map(name).collect::<ZipResult<_>>().map_err(|error| not_a_zip(&error))?;
        Ok(Self { zip, names })
    }

    /// The names of the entries, without `.npy`, in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The bytes of an entry, unpacked as they are read: the reader decides how many.
    ///
    /// # Errors
    /// The problem and a hint, if the entry cannot be unpacked.
    ///
    /// # Panics
    /// If there is no entry of that number, as slice indexing does.
    pub fn entry(&mut self, index: usize) -> Result<ZipFile<'_, R>, Refusal> {
        let damaged = |error| not_a_zip(&error).of(format!("`{}`", self.names[index]));
        self.zip.by_index(index).map_err(damaged)
    }
}

/// Writes entries, compressed.
///
/// # Errors
/// Those of the target.
pub fn write<N: Display>(
    target: impl Write + Seek,
    entries: impl IntoIterator<Item = (N, Vec<u8>)>,
) -> std::io::Result<()> {
    write_by(CompressionMethod::Deflated, target, entries)
}

/// Writes entries as they are, for quick reading.
///
/// # Errors
/// Those of the target.
pub fn store<N: Display>(
    target: impl Write + Seek,
    entries: impl IntoIterator<Item = (N, Vec<u8>)>,
) -> std::io::Result<()> {
    write_by(CompressionMethod::Stored, target, entries)
}

fn write_by<N: Display>(
    method: CompressionMethod,
    target: impl Write + Seek,
    entries: impl IntoIterator<Item = (N, Vec<u8>)>,
) -> std::io::Result<()> {
    let mut archive = ZipWriter::new(target);
    // Sizes beyond 4 GiB take other fields.
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        let options = options.large_file(bytes.len() as u64 > u64::from(u32::MAX));
        archive.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)?;
        archive.write_all(&bytes)?;
    }
    archive.finish().map_err(std::io::Error::other)?.flush()
}
