//! From the words of the user (`--data`, `--data-dir`) to a loaded set. Never goes online.

use std::path::{Path, PathBuf};

use super::catalog::{self, KNOWN, Known};
use super::parts::{is_parts, open};
use super::picture_options::AS_THEY_ARE;
use super::source::{self, Fitted, LoadOptions, Reading, Source};
use super::table_options::DEFAULTS;
use super::{Dataset, MEMORY_LIMIT, builtin, folder};
use crate::error::{Error, Message, Remedy, Result, Setting, message};
use crate::files::fs;
use crate::words::spelling::did_you_mean;

/// The environment variable that names a folder of data sets.
pub const DATA_DIR_VARIABLE: &str = "GPU_MLP_DATA_DIR";

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// A known name, or a path; `None` for MNIST where it is, else the built-in set.
    pub data: Option<&'a str>,
    /// A folder of data sets to look in first.
    pub data_dir: Option<&'a Path>,
    /// Bytes of samples to hold in memory; the rest stays on the disk. [`MEMORY_LIMIT`] if `None`.
    pub memory_limit: Option<u64>,
    /// How it becomes a data set; the default if `None`.
    pub options: Option<&'a LoadOptions>,
    /// The model that the data are for: prepares them as it expects. Else that is fitted to the training part.
    pub fitted: Option<Fitted<'a>>,
}

/// A loaded set, and what the user should hear about how it was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The set.
    pub dataset: Dataset,
    /// One line, if the choice may surprise, or what a path was taken for.
    pub notice: Option<String>,
    /// What else is to be said of how a table was read, one line each.
    pub notes: Vec<Message>,
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
            let problem = format!("this machine has no cache folder to keep {} in", known.name);
            let hint = message!["name one with ", Setting::DataDir, format!(" or {DATA_DIR_VARIABLE}")];
            return Err(Error::usage(problem).hint(hint));
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
/// [`Error::Usage`] for a name that is no known set and no path, and for options that do not fit the data;
/// [`Error::File`] and [`Error::Io`] for files that are missing, damaged or unreadable.
pub fn load(request: Request<'_>) -> Result<Loaded> {
    load_from(request, &places_of(request)?)
}

/// [`load`], looking in `places` only.
///
/// # Errors
/// As [`load`].
pub fn load_from(request: Request<'_>, places: &Places) -> Result<Loaded> {
    let default = LoadOptions::default();
    let options = request.options.unwrap_or(&default);
    let reading = request.reading(false);
    if let Some(folder) = request.data.map(Path::new).filter(|path| is_parts(path)) {
        let (dataset, what) = open(folder, options, request.fitted, reading.memory)?;
        return Ok(Loaded {
            dataset,
            notice: Some(format!("{} is {what}", folder.display())),
            notes: Vec::new(),
        });
    }
    let found = find(request.data, places, reading)?;
    let (dataset, what, notes) =
        found.source.dataset(&found.name, &found.origin, options, request.fitted, reading)?;
    // MNIST's four file names leave nothing to say.
    let path = found.path.filter(|path| !folder::is_complete(Path::new(path)));
    let notice = path.map(|path| format!("{path} is {what}")).or(found.notice);
    Ok(Loaded { dataset, notice, notes })
}

/// The folders of this machine, and the one that was asked for.
pub(super) fn places_of(request: Request<'_>) -> Result<Places> {
    if let Some(data_dir) = request.data_dir.filter(|path| !fs::is_dir(path)) {
        let problem = message![Setting::DataDir, ": there is no such folder"];
        return Err(Error::file(data_dir, problem, "create it, or correct the path"));
    }
    Ok(Places::of_this_machine(request.data_dir))
}

impl<'a> Request<'a> {
    pub(super) fn reading(&self, keep_missing: bool) -> Reading<'a> {
        let label_column = self.options.and_then(|options| options.label_column.as_deref());
        let weight_column = self.options.and_then(|options| options.weight_column.as_deref());
        let schema = self.fitted.and_then(|model| model.preparation.schema.as_ref());
        let frame = self.fitted.and_then(|model| model.preparation.frame);
        Reading {
            label_column,
            weight_column,
            table: self.options.map_or(&DEFAULTS, |options| &options.table),
            pictures: self.options.map_or(&AS_THEY_ARE, |options| &options.pictures),
            npz_keys: self.options.and_then(|options| options.npz_keys.as_deref()),
            size: frame.map(|frame| [frame.rows, frame.columns]),
            plain: self.fitted.is_some() && schema.is_none(),
            schema,
            memory: self.memory_limit.unwrap_or(MEMORY_LIMIT),
            keep_missing,
        }
    }
}

/// What a request leads to, read.
pub(super) struct Found {
    pub name: String,
    pub origin: PathBuf,
    pub source: Source,
    /// The path as the user gave it, if it was no name.
    pub path: Option<String>,
    /// One line, if the choice may surprise.
    pub notice: Option<String>,
}

impl Found {
    fn named(name: &str, origin: impl Into<PathBuf>, source: Source) -> Self {
        Self { name: name.to_owned(), origin: origin.into(), source, path: None, notice: None }
    }
}

/// Reads what was asked for: a known name, or a path.
pub(super) fn find(data: Option<&str>, places: &Places, reading: Reading<'_>) -> Result<Found> {
    let known = |name: &str| source::misplaced::check(Path::new(name), "a known set", &[], reading);
    let built_in = || Ok(Found::named(catalog::DIGITS, builtin::ORIGIN, builtin::digits()?));
    let Some(data) = data else {
        if let Some(mnist) = catalog::find("mnist").filter(|mnist| places.complete(mnist).is_some()) {
            return by_name(mnist, places, reading.memory);
        }
        let notice = "MNIST is not on this machine, so the built-in digits are used; \
                      `gpu-mlp data fetch mnist` downloads it";
        return Ok(Found { notice: Some(notice.to_owned()), ..built_in()? });
    };
    if data == catalog::DIGITS {
        known(data)?;
        return built_in();
    }
    if let Some(set) = catalog::find(data) {
        known(data)?;
        return by_name(set, places, reading.memory);
    }
    let path = Path::new(data);
    if !fs::exists(path) && !data.contains(['/', '\\', '.']) {
        return Err(unknown_name(data));
    }
    let whole = fs::canonicalize(path).ok();
    let name = |path: &Path| {
        let name = if fs::is_file(path) { path.file_stem() } else { path.file_name() };
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let name = whole.as_deref().and_then(name).unwrap_or_else(|| data.to_owned());
    let source = source::read(path, reading)?;
    Ok(Found { path: Some(data.to_owned()), ..Found::named(&name, path, source) })
}

fn by_name(known: &Known, places: &Places, memory: u64) -> Result<Found> {
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
        let name = known.name;
        let hint = message![
            format!("`gpu-mlp data fetch {name}` downloads it; `"),
            Setting::Data.set(catalog::DIGITS),
            "` needs no files"
        ];
        return Err(Error::usage(format!("{name} is not on this machine{looked}")).hint(hint));
    };
    let source =
        folder::read(&found, Some((known.name, known.classes)), memory).map_err(|error| match error {
            error if error.remedies().contains(&Remedy::Choose(Setting::MemoryLimit)) => error,
            error @ Error::File { .. } => error.hint(cure(known, &found)),
            other => other,
        })?;
    Ok(Found::named(known.name, found, source))
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
    format!("`gpu-mlp data fetch {}{option}` downloads it again", known.name)
}

/// A name that is no set and no path.
fn unknown_name(name: &str) -> Error {
    let names: Vec<&str> = catalog::names().collect();
    Error::usage(format!(
        "there is no data set called `{name}`, and no such file or folder{}",
        did_you_mean(name, catalog::names())
    ))
    .hint(format!(
        "known names are {}; anything else is the path of a file (CSV, .npz, Parquet) or a folder (IDX files, class \
         folders of images)",
        names.join(", ")
    ))
}
