//! Sets in `.npy` files: an array of values and one of labels beside it, under the names that sets in `.npz` use.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::{Part, Reading, Source, npz, part};
use crate::error::{Error, Result};

/// Names of the values and of the labels, in lower case, with those to train on and to test on where there are both.
const PAIRS: [([&str; 2], [&str; 2]); 5] = [
    (["x_train", "y_train"], ["x_test", "y_test"]),
    (["train_images", "train_labels"], ["test_images", "test_labels"]),
    (["x", "y"], ["x_test", "y_test"]),
    (["images", "labels"], ["test_images", "test_labels"]),
    (["data", "target"], ["data_test", "target_test"]),
];

/// The set that `path` leads to: a folder that has such files, or the file of the values. Nothing if there is none.
///
/// # Errors
/// [`Error::File`] for arrays that do not fit; [`Error::Io`] if they cannot be read.
pub fn read(path: &Path, reading: Reading<'_>) -> Result<Option<Source>> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
    let files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    let named = |name: &str| {
        let wanted = format!("{name}.npy");
        files.iter().find(|path| {
            path.file_name().is_some_and(|own| own.to_string_lossy().eq_ignore_ascii_case(&wanted))
        })
    };
    let both = |names: &[&str; 2]| Some([named(names[0])?.clone(), named(names[1])?.clone()]);
    let is_meant =
        |pair: &[PathBuf; 2]| path.is_dir() || pair.iter().any(|own| own.file_name() == path.file_name());
    let found = PAIRS.iter().find_map(|(train, test)| Some((both(train).filter(is_meant)?, both(test))));
    let Some((train, test)) = found else { return Ok(None) };
    let mut names: Vec<String> = Vec::new();
    let mut pair = |[values, labels]: &[PathBuf; 2], memory: u64| {
        let open = |path: &Path| File::open(path).map(BufReader::new).map_err(Error::io("read", path));
        let (mut x, mut y) = (open(values)?, open(labels)?);
        let own =
            [values, labels].map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        names.extend(own.clone());
        npz::part_of((&mut x, &own[0]), (&mut y, &own[1]), folder, Reading { memory, ..reading })
    };
    let train = pair(&train, reading.memory)?;
    let left = reading.memory.saturating_sub(train.memory());
    let test = test.map(|test| pair(&test, left)).transpose()?;
    let rows = train.len() + test.as_ref().map_or(0, Part::len);
    let what = format!(
        "a set of the arrays {}: {rows} rows of {}",
        names.join(", "),
        part::row_words(train.image_shape, train.features)
    );
    Ok(Some(Source { what, notes: Vec::new(), train, test, classes: None, target: None, schema: None }))
}
