//! The names under which sets of four IDX files are published: MNIST's, and those of its relatives, which put a word before
//! them: `emnist-letters-train-images-idx3-ubyte`, `qmnist-test-labels-idx2-int.gz`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::folder::entries;
use crate::files::fs;

/// Words for the part to train on, and for those to test on, the usual one first.
const TRAIN: [&str; 1] = ["train"];
const TEST: [&str; 5] = ["t10k", "test", "test10k", "test50k", "test60k"];

/// Where a set lies below the folder that holds it.
const BELOW: [&str; 3] = ["", "raw", "MNIST/raw"];

/// A part of a set, in the order of [`STEMS`](super::folder::STEMS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Role {
    is_test: bool,
    is_labels: bool,
    /// Of several the first is taken.
    rank: usize,
}

/// The word before a file's name, and what the file is; nothing of any other file.
fn parsed(name: &str) -> Option<(&str, Role)> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let (before, kind, is_labels) =
        ["-images", "-labels"].into_iter().zip([false, true]).find_map(|(word, is)| {
            let at = name.find(word)?;
            Some((&name[..at], &name[at + word.len()..], is))
        })?;
    if !(kind.starts_with("-idx") || kind.starts_with(".idx")) {
        return None;
    }
    let part = |words: &[&str], is_test| {
        let found = words.iter().enumerate().filter_map(move |(rank, word)| {
            let set = before.strip_suffix(word)?;
            (set.is_empty() || set.ends_with(['-', '_', '.'])).then_some((set, rank))
        });
        found.map(|(set, rank)| (set, Role { is_test, is_labels, rank })).next()
    };
    part(&TRAIN, false).or_else(|| part(&TEST, true))
}

/// Whether a file of this name is one of a set's.
fn is_of_set(name: &str, set: &str) -> bool {
    parsed(name).is_some_and(|(own, _)| own == set)
}

/// The four files of the set that `path` leads to: a folder that holds one, or one of its files. Nothing if there is none.
///
/// # Errors
/// [`Error::File`] if there are several sets, or a part is missing.
pub fn find(path: &Path) -> Result<Option<[PathBuf; 4]>> {
    if fs::is_file(path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (Some((set, _)), Some(folder)) = (parsed(&name), path.parent()) else { return Ok(None) };
        let is_wrapper = folder.file_name().is_some_and(|own| is_of_set(&own.to_string_lossy(), set));
        let folder = if is_wrapper { folder.parent().unwrap_or(folder) } else { folder };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let files = sets(folder).remove(set).unwrap_or_default();
        return whole(folder, set, files).map(Some);
    }
    for below in BELOW {
        let folder = path.join(below);
        let mut found = sets(&folder);
        if let Some(files) = found.remove("") {
            return whole(&folder, "", files).map(Some);
        }
        match found.len() {
            0 => {}
            1 => {
                return found.pop_first().map(|(set, files)| whole(&folder, &set, files)).transpose();
            }
            _ => {
                let names: Vec<&str> = found.keys().map(String::as_str).collect();
                let problem = format!("it holds several sets of IDX files: {}", names.join(", "));
                let one = found.values().find_map(|files| files.values().next());
                let one = one.map(|path| path.display().to_string()).unwrap_or_default();
                return Err(Error::file(
                    &folder,
                    problem,
                    format!("name a file of the set that you mean, such as {one}"),
                ));
            }
        }
    }
    Ok(None)
}

/// The sets in a folder, by the word before their names. Plain files come before gzip: they load faster.
fn sets(folder: &Path) -> BTreeMap<String, BTreeMap<Role, PathBuf>> {
    let mut sets: BTreeMap<String, BTreeMap<Role, PathBuf>> = BTreeMap::new();
    let Ok(paths) = entries(folder) else { return sets };
    // Archives are unpacked into folders of their own names.
    let inner = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match parsed(&name).is_some() && fs::is_dir(&path) {
            true => entries(&path).unwrap_or_default(),
            false => vec![path],
        }
    };
    for path in paths.into_iter().flat_map(inner) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((set, role)) = parsed(&name).filter(|_| fs::is_file(&path)) else { continue };
        let files = sets.entry(set.to_owned()).or_default();
        let plain = |path: &PathBuf| path.extension().is_none_or(|ending| ending != "gz");
        if files.get(&role).is_none_or(|before| !plain(before) && plain(&path)) {
            files.insert(role, path);
        }
    }
    sets
}

/// The four files, if they are all there.
fn whole(folder: &Path, set: &str, files: BTreeMap<Role, PathBuf>) -> Result<[PathBuf; 4]> {
    let find = |is_test: bool, is_labels: bool| {
        let own = files.iter().find(|(role, _)| (role.is_test, role.is_labels) == (is_test, is_labels));
        own.map(|(_, path)| path.clone()).ok_or_else(|| {
            let (part, kind) = (
                if is_test { "t10k" } else { "train" },
                if is_labels { "labels-idx1" } else { "images-idx3" },
            );
            let stem = format!("{set}{part}-{kind}-ubyte");
            let problem = format!("{stem} is missing (looked for {stem} and {stem}.gz)");
            Error::file(
                folder,
                problem,
                "put all four files there: images and labels to train on and to test on",
            )
        })
    };
    Ok([find(false, false)?, find(false, true)?, find(true, false)?, find(true, true)?])
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn names_of_the_relatives_are_known() {
        for (name, set, is_test, is_labels) in [
            ("train-images-idx3-ubyte", "", false, false),
            ("t10k-labels.idx1-ubyte.gz", "", true, true),
            ("emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters-", true, false),
            ("qmnist-test-labels-idx2-int.gz", "qmnist-", true, true),
            ("qmnist-train-images-idx3-ubyte", "qmnist-", false, false),
        ] {
            let own = parsed(name).map(|(own, role)| (own, role.is_test, role.is_labels));
            assert_eq!(own, Some((set, is_test, is_labels)), "{name}");
        }
        for name in
            ["images-idx3-ubyte", "contrast-images.png", "retrain-images-idx3-ubyte", "train-images.zip"]
        {
            assert!(parsed(name).is_none(), "{name}");
        }
    }
}
