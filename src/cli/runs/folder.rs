//! Folders of runs.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::folder::around;
use crate::words::spelling;

/// Where `train` puts runs.
pub(super) const RUNS: &str = "runs";

/// The folders in a folder, by name, but for hidden ones.
pub(super) fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(Error::io("read", dir))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(Error::io("read", dir))?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    paths.retain(|path| path.is_dir() && !hidden(path));
    paths.sort();
    Ok(paths)
}

/// There is no such folder; perhaps one that is called nearly so.
pub(super) fn missing(path: &Path) -> Error {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = folders(around(path)).unwrap_or_default();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = beside.iter().map(|path| name(path)).collect();
    let meant = spelling::nearest(&name(path), names.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| {
        let meant = parent.map_or(PathBuf::from(meant), |parent| parent.join(meant));
        format!("; did you mean `{}`?", meant.display())
    });
    Error::usage(format!(
        "there is no folder {}{meant}\n  hint: `gpu-mlp runs` lists those in {RUNS}",
        path.display()
    ))
}
