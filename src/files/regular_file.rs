//! Files that are read whole, or from several places: a pipe in their place would be waited for without end, and a device
//! such as `/dev/zero` has none.

use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::fs::{self, File};

/// Opens what is a regular file, or a link to one.
///
/// # Errors
/// [`Error::File`] if it is a folder, a pipe or a device; [`Error::Io`] if it cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    let kind = fs::metadata(path).map_err(Error::io("read", path))?;
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(Error::file(path, format!("expected a file, got {what}"), "name a file"));
    }
    File::open(path).map_err(Error::io("read", path))
}

/// All of a regular file.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// All of a regular file of text.
///
/// # Errors
/// As [`open`], and [`Error::Io`] if it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text).map_err(Error::io("read", path))?;
    Ok(text)
}
