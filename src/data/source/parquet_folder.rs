//! A folder of Parquet files, as data hubs lay sets out: `train-00000-of-00002.parquet` and more, in the folder, in `data` below it, or
//! in folders called `train` and `test`.

use std::path::{Path, PathBuf};

use super::set::{TEST, TRAIN, VALIDATION};
use crate::error::Result;
use crate::files::folder::{MOST_NESTED, entries, is_shard};
use crate::files::fs;

/// What a hub's folder of files is called.
const DATA: &str = "data";

/// The files of a set.
#[derive(Debug, Default)]
pub struct Shards {
    /// To train on.
    pub train: Vec<PathBuf>,
    /// To choose by.
    pub validation: Vec<PathBuf>,
    /// To test on.
    pub test: Vec<PathBuf>,
    /// Of none of these parts.
    pub others: Vec<PathBuf>,
}

/// The files that are in a folder or in one within it; nothing if there are none to train on.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io) if a folder cannot be read.
pub fn find(folder: &Path) -> Result<Option<Shards>> {
    let mut folder = folder.to_owned();
    for _ in 0..MOST_NESTED {
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
            entries(&folder)?.into_iter().partition(|path| fs::is_dir(path));
        let files: Vec<PathBuf> = files.into_iter().filter(|path| is_shard(path)).collect();
        let mut shards = Shards::default();
        for file in &files {
            let stem = name_of(file);
            shards.of(&part_of_file(stem.strip_suffix(".parquet").unwrap_or(&stem))).push(file.clone());
        }
        for inner in &folders {
            let is_part = [&TRAIN[..], &TEST, &VALIDATION].concat().contains(&name_of(inner).as_str());
            let own = if is_part { entries(inner)? } else { Vec::new() };
            shards.of(&name_of(inner)).extend(own.into_iter().filter(|path| is_shard(path)));
        }
        if !shards.train.is_empty() {
            return Ok(Some(shards));
        }
        // Without the names of parts all files are one set, unless they lie beside something else.
        if folders.is_empty() && !files.is_empty() {
            return Ok(Some(Shards { train: files, ..Shards::default() }));
        }
        let inner = folders.iter().find(|path| name_of(path) == DATA);
        match (inner, &folders[..]) {
            (Some(only), _) | (None, [only]) => folder = only.clone(),
            _ => break,
        }
    }
    Ok(None)
}

impl Shards {
    /// The files of a part.
    fn of(&mut self, part: &str) -> &mut Vec<PathBuf> {
        match part {
            part if TRAIN.contains(&part) => &mut self.train,
            part if TEST.contains(&part) => &mut self.test,
            part if VALIDATION.contains(&part) => &mut self.validation,
            _ => &mut self.others,
        }
    }
}

/// The part that a file is called by: `train` of `train-00000-of-00002` and of `train_3`; not of `train_extra`.
fn part_of_file(stem: &str) -> String {
    let mut words = stem.split(['-', '_', '.']);
    let part = words.next().unwrap_or_default().to_owned();
    let is_number = |word: &str| word == "of" || word.contains(|letter: char| letter.is_ascii_digit());
    if words.all(is_number) { part } else { stem.to_owned() }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}
