//! The format of a path, recognised by its content: names only help if the content does not decide.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::misplaced::{self, Kind};
use super::parquet_folder::{self, Shards};
use super::pictures::all_in_colour;
use super::set::VALIDATION_AS_TEST;
use super::table_folder::{self, Tables};
use super::{Part, Reading, Source, array_files, class_folders, csv, npy_pair, npz};
use crate::data::listed::some;
use crate::data::parts::is_parts;
use crate::data::{folder, idx, idx_names, table};
use crate::error::{Error, Result, Setting, message};
use crate::files::fs::{self, File};
use crate::files::numpy::npy::MAGIC;

/// As much of a file as is looked at to tell what it is.
const START: u64 = 1 << 16;

const FORMS: &str = "give a table (CSV or JSON lines), an .npz or Parquet file, a folder with train.csv, with train-….parquet, with X.npy and y.npy or with IDX \
                     files under MNIST's names, or a folder of class folders of PNG or JPEG images";

/// Files that are known, and are none of the forms.
const OTHERS: [(&[u8], &str); 10] = [
    (
        b"\x93NUMPY",
        "a single NumPy array; put its labels beside it (X.npy and y.npy), or save both together: numpy.savez(\"set.npz\", X=X, y=y)",
    ),
    (b"\x89PNG", "a PNG image; name the folder that has a folder of images for each class"),
    (b"\xff\xd8\xff", "a JPEG image; name the folder that has a folder of images for each class"),
    (b"\x00\x00\x08", "an IDX file; name the folder that holds the set's four files"),
    (b"\x89HDF", "an HDF5 file; save its arrays with numpy.savez"),
    (b"ARROW1", "an Arrow or Feather file; write it as Parquet"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
    (
        b"\x80\x04",
        "a Python pickle; pickles are never loaded, since they can run code; save its arrays with numpy.savez",
    ),
    (b"\xff\xfe", "UTF-16 text; save the table as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save the table as UTF-8"),
];

/// Reads what lies at `path`, whatever it is.
///
/// # Errors
/// [`Error::File`] if it has none of the formats, or is damaged, with the place in it; [`Error::Io`] if it cannot be
/// read; [`Error::Usage`] for options of another form.
pub fn read(path: &Path, reading: Reading<'_>) -> Result<Source> {
    if fs::is_dir(path) {
        if is_parts(path) {
            let problem = "these are the parts of a set, which can only be trained on and measured";
            let hint = "`gpu-mlp data verify` says what they are; name the files that they were made of";
            return Err(Error::file(path, problem, hint));
        }
        if let Some(tables) = table_folder::find(path) {
            misplaced::check(path, "a folder of tables", &[Kind::Table], reading)?;
            return of_tables(&tables, reading);
        }
        if let Some(shards) = parquet_folder::find(path)? {
            misplaced::check(path, "a folder of Parquet files", &[Kind::Table, Kind::Images], reading)?;
            return of_shards(path, &shards, reading);
        }
        if let Some(files) = idx_names::find(path)? {
            misplaced::check(path, "an IDX set", &[Kind::Idx], reading)?;
            return folder::read_files(path, &files, None, reading.pictures, reading.memory);
        }
        if let Some(source) = npy_pair::read(path, reading)? {
            misplaced::check(path, "a folder of arrays", &[Kind::Arrays], reading)?;
            return Ok(source);
        }
        if let Some(source) = array_files::read(path, reading)? {
            misplaced::check(path, "a folder of arrays", &[Kind::Arrays], reading)?;
            return Ok(source);
        }
        misplaced::check(path, "a folder of images", &[Kind::Images], reading)?;
        return class_folders::read(path, reading);
    }
    if !fs::exists(path) {
        let problem = "there is no such folder or file";
        return Err(Error::file(path, problem, format!("correct the path; {FORMS}")));
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    let (mut source, _) = idx::expand(BufReader::new(file)).map_err(Error::io("read", path))?;
    let mut start = Vec::new();
    source
        .by_ref()
        .take(START)
        .read_to_end(&mut start)
        .map_err(|error| table::unreadable_source(error, path))?;
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        misplaced::check(path, "an .npz file", &[Kind::Arrays], reading)?;
        return match array_files::read(path, reading)? {
            Some(source) => Ok(source),
            None => npz::read(path, reading),
        };
    }
    if start.starts_with(MAGIC)
        && let Some(source) = npy_pair::read(path, reading)?
    {
        misplaced::check(path, "a set of arrays", &[Kind::Arrays], reading)?;
        return Ok(source);
    }
    if start.starts_with(b"PAR1") {
        misplaced::check(path, "a Parquet file", &[Kind::Table, Kind::Images], reading)?;
        return parquet(path, &[path.to_owned()], reading);
    }
    if idx::kind(&start).is_some()
        && let Some(files) = idx_names::find(path)?
    {
        misplaced::check(path, "an IDX set", &[Kind::Idx], reading)?;
        return folder::read_files(path, &files, None, reading.pictures, reading.memory);
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Error::file(path, format!("this is {what}"), FORMS));
    }
    if start.contains(&0) {
        return Err(Error::file(path, "this is neither a folder nor a text table", FORMS));
    }
    misplaced::check(path, "a table", &[Kind::Table], reading)?;
    csv::read(path, start, source, reading)
}

/// The set of a table to train on, of one to choose by, and of one to test on if that has labels.
fn of_tables(tables: &Tables, reading: Reading<'_>) -> Result<Source> {
    let mut source = read(&tables.train, reading)?;
    source.what = format!("a folder with a table to train on, {}", source.what);
    source.test = other_table(&mut source, tables.test.as_deref(), reading)?;
    source.validation = other_table(&mut source, tables.validation.as_deref(), reading)?;
    if source.test.is_none() && source.validation.is_some() {
        source.test = source.validation.take();
        source.notes.push(VALIDATION_AS_TEST.into());
    }
    Ok(source)
}

/// The set of Parquet files to train on, to choose by, and to test on.
fn of_shards(path: &Path, shards: &Shards, reading: Reading<'_>) -> Result<Source> {
    let mut source = parquet(path, &shards.train, reading)?;
    source.what = format!("a folder with {}", source.what);
    source.test = other_shards(&mut source, &shards.test, reading)?;
    source.validation = other_shards(&mut source, &shards.validation, reading)?;
    if source.test.is_none() && source.validation.is_some() {
        source.test = source.validation.take();
        source.notes.push(VALIDATION_AS_TEST.into());
    }
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let others: Vec<String> = shards.others.iter().map(name).collect();
    if !others.is_empty() {
        source.notes.push(format!("Parquet files that are left out: {}", some(&others)).into());
    }
    let parts = [Some(&mut source.train), source.test.as_mut(), source.validation.as_mut()];
    all_in_colour(&mut parts.into_iter().flatten().collect::<Vec<_>>());
    Ok(source)
}

/// Other files of the same set, which begin with `first`; nothing if they have no labels, which is said. `read` gives nothing for files
/// that lack columns of these names.
fn other(
    source: &mut Source,
    first: &Path,
    reading: Reading<'_>,
    read: impl FnOnce(&[String], Reading<'_>) -> Result<Option<Source>>,
) -> Result<Option<Part>> {
    let taken = source.train.memory() + source.test.as_ref().map_or(0, Part::memory);
    let memory = reading.memory.saturating_sub(taken);
    let schema = reading.schema.or(source.schema.as_ref());
    let size = reading.size.or(source.train.image_shape);
    let targets = match &source.schema {
        Some(schema) => schema.targets.clone(),
        None => source.target.iter().cloned().collect(),
    };
    let Some(part) = read(&targets, Reading { memory, schema, size, ..reading })? else {
        let own = first.display();
        let note = format!("{own} has no labels, so it is left out: `gpu-mlp predict` answers it");
        source.notes.push(note.into());
        return Ok(None);
    };
    source.notes.extend(part.notes.into_iter().map(|note| note.of(first)));
    Ok(Some(part.train))
}

/// Other Parquet files of the same set.
fn other_shards(source: &mut Source, files: &[PathBuf], reading: Reading<'_>) -> Result<Option<Part>> {
    let Some(first) = files.first() else { return Ok(None) };
    other(source, first, reading, |targets, reading| labelled(first, files, targets, reading))
}

/// Another table of the same set.
fn other_table(source: &mut Source, path: Option<&Path>, reading: Reading<'_>) -> Result<Option<Part>> {
    let Some(path) = path else { return Ok(None) };
    other(source, path, reading, |targets, reading| match table_folder::has_labels(path, targets, reading)? {
        true => read(path, reading).map(Some),
        false => Ok(None),
    })
}

/// The set at `path` in these files.
fn parquet(path: &Path, files: &[PathBuf], reading: Reading<'_>) -> Result<Source> {
    if reading.weight_column.is_some() {
        let problem = message![
            Setting::WeightColumn,
            " is for text tables: save the table as CSV, or leave the option out"
        ];
        return Err(Error::usage(problem));
    }
    labelled(path, files, &[], reading)?.ok_or_else(|| {
        Error::file(path, "it has no rows with a label", "use a file with a row for each sample")
    })
}

/// The set at `path` in these files, if they have these columns and rows with labels.
#[cfg(feature = "parquet")]
fn labelled(
    path: &Path,
    files: &[PathBuf],
    columns: &[String],
    reading: Reading<'_>,
) -> Result<Option<Source>> {
    match super::parquet::has_columns(path, files, columns)? {
        true => super::parquet::read(path, files, reading),
        false => Ok(None),
    }
}

#[cfg(not(feature = "parquet"))]
fn labelled(path: &Path, _: &[PathBuf], _: &[String], _: Reading<'_>) -> Result<Option<Source>> {
    Err(crate::data::no_parquet::refused(path))
}
