//! A folder with the tables `train.csv`, `val.csv` and `test.csv`, as competitions hand them out: the last one often has no labels.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::Reading;
use super::set::{TEST, TRAIN, VALIDATION};
use crate::data::idx;
use crate::data::table::{Look, Table, unreadable_source};
use crate::error::{Error, Result};
use crate::files::folder::entries;
use crate::files::fs::{self, File};

/// What stands behind the name of a part.
const ENDINGS: [&str; 4] = ["csv", "csv.gz", "tsv", "tsv.gz"];

/// The tables of a set.
pub struct Tables {
    /// To train on.
    pub train: PathBuf,
    /// To choose by.
    pub validation: Option<PathBuf>,
    /// To test on.
    pub test: Option<PathBuf>,
}

/// The tables in a folder; nothing if there is none to train on.
pub fn find(folder: &Path) -> Option<Tables> {
    let files: Vec<PathBuf> = entries(folder).ok()?.into_iter().filter(|path| fs::is_file(path)).collect();
    // Whatever the case of its name.
    let table = |part: &str| {
        let is = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            ENDINGS.iter().any(|ending| name == format!("{part}.{ending}"))
        };
        files.iter().find(is).cloned()
    };
    let of = |parts: &[&str]| parts.iter().find_map(|part| table(part));
    Some(Tables { train: of(&TRAIN)?, validation: of(&VALIDATION), test: of(&TEST) })
}

/// Whether the first line of a table names these columns, or there is none that names columns.
///
/// # Errors
/// What reading it reports.
pub fn has_labels(path: &Path, targets: &[String], reading: Reading<'_>) -> Result<bool> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let refused = |error| unreadable_source(error, path);
    let (source, _) = idx::expand(BufReader::new(file)).map_err(refused)?;
    let table = Table::open(path, Vec::new(), source, reading.table, Look::Rows)?;
    let Some(table) = table else { return Ok(false) };
    let Some(names) = table.names() else { return Ok(true) };
    let names: Vec<&str> = names.collect();
    Ok(targets.iter().all(|target| names.contains(&target.as_str())))
}
