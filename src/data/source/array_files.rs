//! Sets in `.npz` files of one array each, as KMNIST is published: `kmnist-train-imgs.npz` and `kmnist-train-labels.npz`.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::roles::Roles;
use super::{Part, Reading, Source, npz};
use crate::error::{Error, Result};
use crate::files::folder::{around, entries};
use crate::files::fs::{self, File};
use crate::files::numpy::npy::Refusal;
use crate::files::numpy::npz::Archive;
use crate::words::numerals::counted;

/// What stands behind the name of a part: of the images, and of the labels.
const ENDINGS: [&str; 2] = ["-imgs.npz", "-labels.npz"];

/// The set that `path` leads to: a folder that has such files, or one of them. Nothing if there is none.
///
/// # Errors
/// [`Error::File`] for arrays that do not fit, and for several sets in a folder; [`Error::Io`] if they cannot be read.
pub fn read(path: &Path, reading: Reading<'_>) -> Result<Option<Source>> {
    if reading.npz_keys.is_some() {
        return Ok(None);
    }
    let folder = if fs::is_dir(path) { path } else { around(path) };
    let Ok(entries) = entries(folder) else { return Ok(None) };
    let files: Vec<PathBuf> = entries.into_iter().filter(|path| fs::is_file(path)).collect();
    let pair = |set: &str, part: &str| {
        let named =
            |ending: &str| files.iter().position(|path| name_of(path) == format!("{set}{part}{ending}"));
        Some([named(ENDINGS[0])?, named(ENDINGS[1])?])
    };
    let set = |path: &PathBuf| Some(name_of(path).strip_suffix(&format!("train{}", ENDINGS[0]))?.to_owned());
    let is_meant = |set: &String| {
        let mut own = ["train", "test"].into_iter().filter_map(|part| pair(set, part)).flatten();
        fs::is_dir(path) || own.any(|own| files[own].file_name() == path.file_name())
    };
    let sets: BTreeSet<String> = files.iter().filter_map(set).filter(is_meant).collect();
    let sets: Vec<String> = sets.into_iter().collect();
    let set = match &sets[..] {
        [] => return Ok(None),
        [set] => set,
        [one, two, ..] => {
            let problem = format!("it holds several sets of arrays: {one}… and {two}…");
            return Err(Error::file(path, problem, "name a file of the set that you mean"));
        }
    };
    let Some(train) = pair(set, "train") else { return Ok(None) };
    let roles = Roles { train, test: pair(set, "test"), validation: None };
    let what = format!("a set of files of one array each, {set}…");
    let source = roles.source(&what, Vec::new(), reading, |[values, labels], reading| {
        together(&files[values], &files[labels], folder, reading)
    })?;
    Ok(Some(source))
}

/// The part whose values and labels are the only arrays of two files.
fn together(values: &Path, labels: &Path, folder: &Path, reading: Reading<'_>) -> Result<Part> {
    let (mut x, mut y) = (opened(values)?, opened(labels)?);
    let (mut x_entry, mut y_entry) = (
        x.entry(0).map_err(|refusal| refusal.at(values))?,
        y.entry(0).map_err(|refusal| refusal.at(labels))?,
    );
    npz::part_of((&mut x_entry, &name_of(values)), (&mut y_entry, &name_of(labels)), folder, reading)
}

fn opened(path: &Path) -> Result<Archive<BufReader<File>>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let archive = Archive::open(BufReader::new(file)).map_err(|refusal: Refusal| refusal.at(path))?;
    match archive.names().len() {
        1 => Ok(archive),
        count => {
            let hint = "save images and labels in a file each, or both in one as X and y";
            Err(Error::file(path, format!("it has {}: expected one", counted(count, "array")), hint))
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}
