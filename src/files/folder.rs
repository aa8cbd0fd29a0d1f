//! What is in a folder of somebody's data.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::fs;

/// Folders within folders that are gone through: links may go in circles.
pub const MOST_NESTED: usize = 8;

/// The folder that a path is in, as it was written: the current one for a bare name.
pub fn around(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files in a folder and the folders in it: of each folder first its own, by name.
///
/// # Errors
/// [`Error::Io`] if a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut left) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((inner, depth)) = left.pop() {
        let (folders, own): (Vec<PathBuf>, Vec<PathBuf>) =
            entries(&inner)?.into_iter().partition(|path| fs::is_dir(path));
        if depth < MOST_NESTED {
            left.extend(folders.into_iter().rev().map(|path| (path, depth + 1)));
        }
        files.extend(own);
    }
    Ok(files)
}

/// Whether a file is called as Parquet files are.
pub fn is_shard(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) && fs::is_file(path)
}

/// What is in a folder, by name, without hidden files and those that macOS puts into archives.
///
/// # Errors
/// [`Error::Io`] if it cannot be read.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for path in fs::paths(folder).map_err(Error::io("read", folder))? {
        let path = path.map_err(Error::io("read", folder))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') && name != "__MACOSX" {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
