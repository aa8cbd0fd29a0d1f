//! The names of what a folder of several runs holds, and how it is emptied.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What several runs in one folder are.
#[derive(Debug, PartialEq)]
pub struct Kind {
    /// The file that makes a folder one of this kind.
    pub file: &'static str,
    /// What the file calls their number.
    pub count: &'static str,
    /// What their folders begin with.
    folder: &'static str,
}

/// A cross-validation: `fold-1`, `fold-2`, …
pub const OF_FOLDS: Kind = Kind { file: "folds.json", count: "folds", folder: "fold" };

/// An ensemble: `member-1`, `member-2`, …
pub const OF_MEMBERS: Kind = Kind { file: "ensemble.json", count: "members", folder: "member" };

impl Kind {
    /// The folder of a run; the first is 1.
    pub fn folder(&self, path: &Path, number: usize) -> PathBuf {
        path.join(format!("{}-{number}", self.folder))
    }

    /// Whether a folder is of this kind.
    pub fn is_at(&self, path: &Path) -> bool {
        path.join(self.file).is_file()
    }

    /// Whether a folder in it is that of a run.
    fn is_run(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_prefix(self.folder).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<usize>().is_ok()) && path.join("config.json").is_file()
    }
}

/// Takes away the folds or members in a folder: their scores would count as those of new ones.
///
/// # Errors
/// [`Error::Io`] if they cannot be removed.
pub fn clear(path: &Path) -> Result<()> {
    for kind in [&OF_FOLDS, &OF_MEMBERS].into_iter().filter(|kind| kind.is_at(path)) {
        for entry in fs::read_dir(path).map_err(Error::io("read", path))? {
            let run = entry.map_err(Error::io("read", path))?.path();
            if kind.is_run(&run) {
                fs::remove_dir_all(&run).map_err(Error::io("remove", &run))?;
            }
        }
        let file = path.join(kind.file);
        fs::remove_file(&file).map_err(Error::io("remove", &file))?;
    }
    Ok(())
}
