//! Those of the system.

use std::io;
use std::path::{Path, PathBuf};

pub use std::fs::{File, Metadata, canonicalize, metadata};

/// Whether there is a file or a folder.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}

/// Whether it is a folder, or a link to one.
pub fn is_dir(path: impl AsRef<Path>) -> bool {
    path.as_ref().is_dir()
}

/// Whether it is a regular file, or a link to one.
pub fn is_file(path: impl AsRef<Path>) -> bool {
    path.as_ref().is_file()
}

/// What is in a folder, in any order.
///
/// # Errors
/// If it cannot be read.
pub fn paths(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<PathBuf>>> {
    Ok(folder.read_dir()?.map(|entry| Ok(entry?.path())))
}

/// Fills `bytes` with what stands at a place of a file, wherever others read.
///
/// # Errors
/// If it cannot be read, or ends before.
#[cfg(unix)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` with what stands at a place of a file, wherever others read.
///
/// # Errors
/// If it cannot be read, or ends before.
#[cfg(windows)]
pub fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
