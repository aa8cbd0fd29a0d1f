//! From the words of the user (`--data`, `--data-dir`) to a loaded set. Never uses the network.

use std::path::{Path, PathBuf};

use super::catalog::{self, KNOWN, Known};
use super::{Dataset, MEMORY_LIMIT, Preparation, TableOptions, builtin, folder, table};
use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// The environment variable that names a folder of data sets.
pub const DATA_DIR_VARIABLE: &str = "GPU_MLP_DATA_DIR";

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// A known name, or the path of a folder or a table; `None` for MNIST where it is, else the built-in set.
    pub data: Option<&'a str>,
    /// A folder of data sets to look in first.
    pub data_dir: Option<&'a Path>,
    /// Bytes of samples to hold in memory; the rest stays on the disk. [`MEMORY_LIMIT`] if `None`.
    pub memory_limit: Option<u64>,
    /// How a table is read; the default if `None`.
    pub table: Option<&'a TableOptions>,
    /// What a table is prepared with if a model was trained with it; else it is fitted to the training part.
    pub fitted: Option<&'a Preparation>,
}

/// A loaded set, and what the user should hear about how it was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The set.
    pub dataset: Dataset,
    /// One line, if the choice may surprise.
    pub notice: Option<String>,
}

/// The folders of data sets, in the order they are looked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    folders: Vec<PathBuf>,
}

impl Places {
    /// Exactly `folders`.
    pub fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect() }
    }

    /// `data_dir`, then [`DATA_DIR_VARIABLE`], then `gpu-mlp` in the platform's cache folder, as far as each
    /// is given.
    pub fn of_this_machine(data_dir: Option<&Path>) -> Self {
        let variable =
            std::env::var_os(DATA_DIR_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = dirs::cache_dir().map(|cache| cache.join("gpu-mlp"));
        Self::new(data_dir.map(Path::to_owned).into_iter().chain(variable).chain(cache))
    }

    /// The folder that holds all four files of `known`, if there is one.
    pub fn complete(&self, known: &Known) -> Option<PathBuf> {
        self.candidates(known).into_iter().find(|path| folder::is_complete(path))
    }

    /// Where `known` is fetched to: its own folder in the first of the places, or that place itself if it
    /// holds the files.
    ///
    /// # Errors
    /// [`Error::Usage`] if the machine has no cache folder and no other folder was given.
    pub fn home(&self, known: &Known) -> Result<PathBuf> {
        let Some(first) = self.folders.first() else {
            return Err(Error::Usage(format!(
                "this machine has no cache folder to keep {} in\n  hint: name one with --data-dir or \
                 {DATA_DIR_VARIABLE}",
                known.name
            )));
        };
        let complete = Self::new([first.clone()]).complete(known);
        Ok(complete.unwrap_or_else(|| first.join(known.name)))
    }

    /// Every folder that `known` may be in.
    fn candidates(&self, known: &Known) -> Vec<PathBuf> {
        let mut candidates = Vec::new();
        for place in &self.folders {
            candidates.push(place.join(known.name));
            // MNIST may lie in the place itself, but not where that is the home of another set: all sets use
            // the same four file names.
            let other = KNOWN.iter().any(|other| other.name != known.name && place.ends_with(other.name));
            if known.name == "mnist" && !other {
                candidates.push(place.clone());
            }
        }
        candidates
    }
}

/// Loads what `request` asks for, looking in the folders of this machine.
///
/// # Errors
/// [`Error::Usage`] for a name that is no known set and no folder; [`Error::File`] and [`Error::Io`] for files
/// that are missing, damaged or unreadable.
pub fn load(request: Request<'_>) -> Result<Loaded> {
    if let Some(data_dir) = request.data_dir.filter(|path| !path.is_dir()) {
        return Err(Error::file(
            data_dir,
            "--data-dir: there is no such folder",
            "create it, or correct the path",
        ));
    }
    load_from(request, &Places::of_this_machine(request.data_dir))
}

/// [`load`], looking in `places` only.
///
/// # Errors
/// As [`load`].
pub fn load_from(request: Request<'_>, places: &Places) -> Result<Loaded> {
    let plain = |dataset| Loaded { dataset, notice: None };
    let memory = request.memory_limit.unwrap_or(MEMORY_LIMIT);
    let Some(data) = request.data else { return by_default(places, memory) };
    if data == catalog::DIGITS {
        return builtin::digits().map(plain);
    }
    if let Some(known) = catalog::find(data) {
        return by_name(known, places, memory).map(plain);
    }
    let path = Path::new(data);
    if !path.exists() && !data.contains(['/', '\\']) {
        return Err(unknown_name(data));
    }
    let name =
        path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    if path.is_file() {
        let options = request.table.cloned().unwrap_or_default();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = stem.as_deref().unwrap_or(data);
        let (dataset, what) = table::load(path, name, &options, request.fitted, memory)?;
        return Ok(Loaded { dataset, notice: Some(format!("{data} is {what}")) });
    }
    folder::load(path, name.as_deref().unwrap_or(data), None, memory).map(plain)
}

fn by_default(places: &Places, memory: u64) -> Result<Loaded> {
    if let Some(mnist) = catalog::find("mnist").filter(|mnist| places.complete(mnist).is_some()) {
        return Ok(Loaded { dataset: by_name(mnist, places, memory)?, notice: None });
    }
    let notice = "MNIST is not on this machine, so the built-in digits are used; \
                  `gpu-mlp data fetch mnist` gets it";
    Ok(Loaded { dataset: builtin::digits()?, notice: Some(notice.to_owned()) })
}

fn by_name(known: &Known, places: &Places, memory: u64) -> Result<Dataset> {
    let candidates = places.candidates(known);
    let found = places.complete(known).or_else(|| {
        // One that holds a part is worth an error that names what it lacks.
        candidates
            .iter()
            .find(|path| folder::STEMS.iter().any(|stem| folder::find(path, stem).is_some()))
            .cloned()
    });
    let Some(found) = found else {
        let looked =
            candidates.iter().map(|path| format!("\n  looked in {}", path.display())).collect::<String>();
        return Err(Error::Usage(format!(
            "{name} is not on this machine{looked}\n  hint: `gpu-mlp data fetch {name}` gets it; `--data digits` \
             needs no files",
            name = known.name
        )));
    };
    folder::load(&found, known.name, Some(known.classes), memory).map_err(|error| match error {
        Error::File { path, problem, hint } if !hint.contains("--memory-limit") => {
            Error::File { path, problem, hint: cure(known, &found) }
        }
        other => other,
    })
}

/// What mends a damaged `known` in the folder `found`.
fn cure(known: &Known, found: &Path) -> String {
    // `fetch` without --data-dir goes to the home of this machine, which may come after where this was found.
    let home = Places::of_this_machine(None).home(known).ok();
    let place = if found.ends_with(known.name) { found.parent() } else { Some(found) };
    let option = match place.filter(|_| home.as_deref() != Some(found)) {
        Some(place) => format!(" --data-dir {}", place.display()),
        None => String::new(),
    };
    format!("`gpu-mlp data fetch {}{option}` gets it again", known.name)
}

/// A name that is no set and no path.
fn unknown_name(name: &str) -> Error {
    let names: Vec<&str> = catalog::names().collect();
    Error::Usage(format!(
        "there is no data set called `{name}`, and no such folder{}\n  hint: known names are {}; anything else is \
         the path of a table (CSV), or of a folder with IDX files",
        did_you_mean(name, catalog::names()),
        names.join(", ")
    ))
}
