//! Files of the system: written beside their place, synced, then renamed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::leftovers::{PREFIX, SUFFIX};
use crate::error::{Error, Result};
use crate::files::folder::around;

/// A file being written. Dropped before [`AtomicFile::finish`], it leaves nothing behind.
pub struct AtomicFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins the file that will be called `path`; its folder must exist.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        // In the same folder, because a rename across file systems is not one step.
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            // As any new file: the user's umask decides who may read it, not the habit of temporary files.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(around(path)).map_err(Error::io("create a file beside", path))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// The name the file will have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open temporary file, for callers that read it back or start again.
    pub fn file_mut(&mut self) -> &mut std::fs::File {
        self.temporary.as_file_mut()
    }

    /// Gives the file another final name in the same folder.
    pub fn rename_to(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    /// Writes everything out to the disk and gives the file its name, replacing what had it.
    ///
    /// # Errors
    /// [`Error::Io`] if either fails; the old file, if any, is then still there.
    pub fn finish(self) -> Result<()> {
        let Self { temporary, path } = self;
        temporary.as_file().sync_all().map_err(Error::io("write", &path))?;
        temporary.persist(&path).map_err(|refused| Error::io("write", &path)(refused.error))?;
        sync_folder(&path).map_err(Error::io("write", &path))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// The rename itself survives a power cut only once the folder is on the disk too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    std::fs::File::open(around(path))?.sync_all()
}

/// Windows has no way to open a folder for this.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
