//! The folder of several runs with one configuration, but for what tells them apart: the folds of a cross-validation, or the
//! members of an ensemble. A file says how many there are and how they are configured; each has a folder.

use std::path::{Path, PathBuf};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::several_files::{Kind, clear};
use super::{RunConfig, RunDir, write_json};
use crate::error::{Error, Result};
use crate::files::regular_file;

/// A folder of several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Several {
    path: PathBuf,
    kind: &'static Kind,
    /// How many runs.
    pub count: usize,
    /// How each is configured, but for what tells them apart.
    pub config: RunConfig,
}

impl Serialize for Several {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(self.kind.count, &self.count)?;
        map.serialize_entry("config", &self.config)?;
        map.end()
    }
}

impl Several {
    /// New, in a folder that may have to be made. With `overwrite` what a run, or several, have left there goes.
    ///
    /// # Errors
    /// [`Error::Usage`] for a folder that already holds a run, unless `overwrite` is true; [`Error::Io`] if it cannot be written to.
    pub(super) fn create(
        kind: &'static Kind,
        path: &Path,
        count: usize,
        config: RunConfig,
        overwrite: bool,
    ) -> Result<Self> {
        match (overwrite, RunDir::open(path)) {
            (false, _) => RunDir::check_free(path)?,
            (true, Ok(run)) => run.to_train()?.clear()?,
            (true, Err(_)) => clear(path)?,
        }
        std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let own = Self { path: path.to_owned(), kind, count, config };
        own.write()?;
        Ok(own)
    }

    /// What there is in a folder, if it is of this kind.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if its file cannot be read or understood.
    pub(super) fn open(kind: &'static Kind, path: &Path) -> Result<Option<Self>> {
        if !kind.is_at(path) {
            return Ok(None);
        }
        let file = path.join(kind.file);
        let wrong = |problem: String| Error::file(&file, problem, "correct it, or start anew");
        let text = regular_file::read_text(&file)?;
        let mut values: Map<String, Value> =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let count = values.get(kind.count).and_then(Value::as_u64).and_then(|count| count.try_into().ok());
        let count = count.ok_or_else(|| wrong(format!("it has no whole number `{}`", kind.count)))?;
        let config = values.remove("config").ok_or_else(|| wrong("it has no `config`".into()))?;
        let config = serde_json::from_value(config).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Self { path: path.to_owned(), kind, count, config }))
    }

    /// Writes what it is.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Usage`] if it names a path that is not UTF-8.
    pub fn write(&self) -> Result<()> {
        write_json(&self.path.join(self.kind.file), self)
    }

    /// Writes the scores beside it, as `scores.json`.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written.
    pub fn keep(&self, scores: &impl Serialize) -> Result<()> {
        write_json(&self.path.join("scores.json"), scores)
    }

    /// Takes it away again, if it has no run.
    pub fn withdraw(&self) {
        if (1..=self.count).all(|number| !self.run(number).exists()) {
            let _ = std::fs::remove_file(self.path.join(self.kind.file));
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a run; the first is 1.
    pub fn run(&self, number: usize) -> PathBuf {
        self.kind.folder(&self.path, number)
    }

    /// The folders of the runs that there are.
    pub fn runs(&self) -> Vec<PathBuf> {
        (1..=self.count).map(|number| self.run(number)).filter(|run| RunDir::open(run).is_ok()).collect()
    }
}
