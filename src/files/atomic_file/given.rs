//! Files of a page: in memory, beside those that it was given.

use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files::fs::given;

/// A file being written. Dropped before [`AtomicFile::finish`], it leaves nothing behind.
pub struct AtomicFile {
    bytes: Cursor<Vec<u8>>,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins the file that will be called `path`.
    ///
    /// # Errors
    /// Never: as that of the system.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self { bytes: Cursor::default(), path: path.to_owned() })
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is written, for callers that begin in the middle.
    pub fn file_mut(&mut self) -> &mut Cursor<Vec<u8>> {
        &mut self.bytes
    }

    /// Gives the file its name, replacing what had it.
    ///
    /// # Errors
    /// Never: as that of the system.
    pub fn finish(self) -> Result<()> {
        given::give(&self.path, self.bytes.into_inner());
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
