//! Writes IDX files.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;

/// Unsigned bytes (0x08) in 3 dimensions.
pub(super) const IMAGES_MAGIC: u32 = 0x0803;
/// Unsigned bytes (0x08) in 1 dimension.
pub(super) const LABELS_MAGIC: u32 = 0x0801;

/// Writes an IDX file piece by piece; the file appears under its name only when it is whole.
pub struct Writer {
    sink: Sink,
    left: u64,
}

enum Sink {
    Plain(AtomicFile),
    Gzip(flate2::write::GzEncoder<AtomicFile>),
}

impl Writer {
    /// Begins an images file of `count` images of `shape` (rows, columns); gzip if `path` ends in `.gz`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn images(path: &Path, count: u32, shape: [u32; 2]) -> Result<Self> {
        Self::begin(path, IMAGES_MAGIC, &[count, shape[0], shape[1]])
    }

    /// Begins a labels file of `count` labels; gzip if `path` ends in `.gz`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn labels(path: &Path, count: u32) -> Result<Self> {
        Self::begin(path, LABELS_MAGIC, &[count])
    }

    fn begin(path: &Path, magic: u32, dims: &[u32]) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let sink = if path.extension().is_some_and(|extension| extension == "gz") {
            // No name, no time, no operating system: the same samples make the same file.
            Sink::Gzip(GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::best()))
        } else {
            Sink::Plain(file)
        };
        let mut writer = Self { sink, left: 4 * (1 + dims.len() as u64) };
        for word in [&[magic], dims].concat() {
            writer.write(&word.to_be_bytes())?;
        }
        writer.left = dims.iter().map(|&dim| u64::from(dim)).product();
        Ok(writer)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written; [`Error::Shape`] if the header announced fewer.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.file().path().to_owned();
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(Error::shape(path.display().to_string(), self.left, bytes.len()));
        };
        self.left = left;
        match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Gzip(file) => file.write_all(bytes),
        }
        .map_err(Error::io("write", path))
    }

    /// Writes the file out to the disk and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] if that fails; [`Error::Shape`] if fewer bytes came than the header announced.
    pub fn finish(self) -> Result<()> {
        let path = self.file().path().to_owned();
        if self.left != 0 {
            return Err(Error::shape(path.display().to_string(), "0 bytes left to write", self.left));
        }
        match self.sink {
            Sink::Plain(file) => file.finish(),
            Sink::Gzip(file) => file.finish().map_err(Error::io("write", path))?.finish(),
        }
    }

    fn file(&self) -> &AtomicFile {
        match &self.sink {
            Sink::Plain(file) => file,
            Sink::Gzip(file) => file.get_ref(),
        }
    }
}

/// Writes all `pixels` as images of `shape` (rows, columns) to `path`; gzip if it ends in `.gz`.
///
/// # Errors
/// As [`Writer`]; [`Error::Shape`] if `pixels` is not a whole number of images.
pub fn write_images(path: &Path, shape: [u32; 2], pixels: &[u8]) -> Result<()> {
    let size = u64::from(shape[0]) * u64::from(shape[1]);
    let count = (pixels.len() as u64).checked_div(size).and_then(|count| u32::try_from(count).ok());
    let mut writer = Writer::images(path, count.unwrap_or(0), shape)?;
    writer.write(pixels)?;
    writer.finish()
}

/// Writes all `labels` to `path`; gzip if it ends in `.gz`.
///
/// # Errors
/// As [`Writer`].
pub fn write_labels(path: &Path, labels: &[u8]) -> Result<()> {
    let mut writer = Writer::labels(path, u32::try_from(labels.len()).unwrap_or(u32::MAX))?;
    writer.write(labels)?;
    writer.finish()
}
