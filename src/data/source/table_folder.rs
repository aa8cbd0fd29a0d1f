//! A folder with the tables `train.csv` and `test.csv`, as competitions hand them out: the second one often has no labels.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::Reading;
use crate::data::idx;
use crate::data::table::{Look, Table, unreadable_source};
use crate::error::{Error, Result};

/// What tables are called behind `train` and `test`.
const ENDINGS: [&str; 4] = ["csv", "csv.gz", "tsv", "tsv.gz"];

/// The tables to train on and to test on; nothing if the first is not there.
pub fn find(folder: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    Some((table(folder, "train")?, table(folder, "test")))
}

/// The table of a part, whatever the case of its name.
fn table(folder: &Path, part: &str) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let is = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        path.is_file() && ENDINGS.iter().any(|ending| name == format!("{part}.{ending}"))
    };
    entries.iter().find(is).cloned()
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
