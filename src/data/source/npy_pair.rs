//! Sets in `.npy` files: an array of values and one of labels beside it, under the names that sets in `.npz` use.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::roles::{Pair, Roles};
use super::{Reading, Source, npz};
use crate::data::listed::some;
use crate::error::{Error, Result};
use crate::files::folder::{around, entries};
use crate::files::fs::{self, File};
use crate::files::numpy::npy::Header;

/// The set that `path` leads to: a folder that has such files, or the file of the values. Nothing if there is none.
///
/// # Errors
/// [`Error::File`] for arrays that do not fit; [`Error::Io`] if they cannot be read.
pub fn read(path: &Path, reading: Reading<'_>) -> Result<Option<Source>> {
    let folder = if fs::is_dir(path) { path } else { around(path) };
    let Ok(entries) = entries(folder) else { return Ok(None) };
    let files: Vec<PathBuf> = entries.into_iter().filter(|path| is_array(path)).collect();
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    let is_meant = |pair: &Pair| {
        fs::is_dir(path) || pair.iter().any(|&place| files[place].file_name() == path.file_name())
    };
    let roles = match reading.npz_keys {
        Some(keys) if !files.is_empty() => Some(Roles::by_keys(&names, keys, || shapes(&files))?),
        _ => Roles::by_name(&names, is_meant),
    };
    let Some(roles) = roles else { return Ok(None) };
    let (roles, notes) = roles.settled(&names);
    let used: Vec<String> = roles.places().iter().map(|&place| format!("{}.npy", names[place])).collect();
    let what = format!("a set of the arrays {}", used.join(", "));
    let source = roles.source(&what, notes, reading, |[values, labels], reading| {
        let open = |place: usize| {
            let path = &files[place];
            File::open(path).map(BufReader::new).map_err(Error::io("read", path))
        };
        let (mut x, mut y) = (open(values)?, open(labels)?);
        let own = [values, labels].map(|place| format!("{}.npy", names[place]));
        npz::part_of((&mut x, &own[0]), (&mut y, &own[1]), folder, reading)
    })?;
    Ok(Some(source))
}

/// Whether a file is called as arrays are.
fn is_array(path: &Path) -> bool {
    fs::is_file(path) && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"))
}

/// The arrays of a folder, with their shapes.
fn shapes(files: &[PathBuf]) -> String {
    let one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let header = File::open(path).ok().and_then(|file| Header::read(&mut BufReader::new(file)).ok());
        header.map_or_else(|| name.clone(), |header| format!("{name} {:?}", header.shape))
    };
    some(&files.iter().map(one).collect::<Vec<_>>())
}
