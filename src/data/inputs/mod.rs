//! Inputs for a trained network: images, `.npy` arrays and tables, recognised by their content, batch by batch.
//!
//! Everything is read in order and at most one batch is in memory, so a stream may have any length.

mod csv;
mod drawing;
mod expected;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod picture;

use std::io::{BufReader, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use drawing::Drawing;
pub use expected::{Expected, Look};
pub use picture::normalise;

use self::expected::Source;

use super::idx;
use super::picture::is_one as is_picture;
use super::samples::Samples;
use super::scaling::{Scaling, unscalable};
use super::table::unreadable_source;
use crate::error::{Error, Result, Setting, message};
use crate::files::folder::{files_below, is_shard};
use crate::files::fs::{self, File};
use crate::files::numpy::npy::MAGIC;

/// What stands for standard input.
const STDIN: &str = "-";

/// As much of an input as is looked at to tell what it is.
const LONGEST_START: usize = 1 << 16;

/// Files that are known and are not read here: how they begin, what they are, what to do.
const OTHERS: [(&[u8], &str, &str); 4] = [
    (
        b"PK\x03\x04",
        "a zip archive or an .npz file",
        "save the array of rows alone: numpy.save(\"rows.npy\", X)",
    ),
    (
        b"\x00\x00\x08",
        "an IDX file",
        "measure a set with `gpu-mlp eval --data FOLDER`, or save its rows with numpy.save",
    ),
    (b"\xff\xfe", "UTF-16 text", "save the table as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save the table as UTF-8"),
];

/// Where a sample is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The file, as it was named.
    pub input: Arc<str>,
    /// The row in it, from 0; none of a picture.
    pub row: Option<u64>,
    /// What the row calls itself, if that was asked for and it does.
    pub id: Option<String>,
    /// What was done to a picture.
    pub prepared: Option<Arc<str>>,
}

/// Some samples in order, scaled as the network wants them.
pub struct Batch {
    /// Where each is from.
    pub names: Vec<Name>,
    /// The samples, whose labels mean nothing; none if all inputs are broken.
    pub samples: Option<Samples>,
    /// What is to be said of how an input that begins here is read.
    pub notes: Vec<String>,
    /// Inputs among them that cannot be read to their end.
    pub broken: Vec<Error>,
}

/// The inputs that are being read.
pub struct Inputs {
    pending: std::vec::IntoIter<PathBuf>,
    expected: Expected,
    current: Option<Open>,
    /// Whether there are others beside one that cannot be read.
    are_several: bool,
    /// What is to be reported once the rows before it are dealt with.
    last_words: Option<Error>,
    /// What is to be said with the next samples.
    notes: Vec<String>,
    /// What is to be reported with them.
    broken: Vec<Error>,
    /// What is to be said at the end.
    closing: Vec<String>,
}

/// An input whose reading has begun.
struct Open {
    source: Box<dyn Source>,
    name: Arc<str>,
    path: PathBuf,
    /// Rows read.
    rows: u64,
}

impl Inputs {
    /// These files, where `-` is standard input.
    pub fn new(paths: Vec<PathBuf>, expected: Expected) -> Self {
        Self {
            are_several: paths.len() > 1,
            pending: paths.into_iter(),
            expected,
            current: None,
            last_words: None,
            notes: Vec::new(),
            broken: Vec::new(),
            closing: Vec::new(),
        }
    }

    /// What is to be said once everything is read.
    pub fn closing_notes(self) -> Vec<String> {
        self.closing
    }

    /// The next samples, `rows` of them as long as there are as many; nothing at the end. Of several inputs one that cannot be read
    /// does not keep the others from being read.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] for the only input if it cannot be read or is not what the network takes, after
    /// everything before it; [`Error::Usage`] for options that do not fit an input.
    pub fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        if let Some(error) = self.last_words.take() {
            return Err(error);
        }
        let (mut names, mut values) = (Vec::new(), Vec::new());
        while names.len() < rows {
            match self.extend(rows - names.len(), &mut names, &mut values) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if names.is_empty() => return Err(error),
                Err(error) => {
                    self.last_words = Some(error);
                    break;
                }
            }
        }
        let (notes, broken) = (std::mem::take(&mut self.notes), std::mem::take(&mut self.broken));
        if names.is_empty() && broken.is_empty() {
            return Ok(None);
        }
        let samples =
            if names.is_empty() { None } else { Some(self.expected.samples(&values, names.len())?) };
        Ok(Some(Batch { names, samples, notes, broken }))
    }

    /// Takes rows from one input; false if there is none left. What came before an error is kept.
    fn extend(&mut self, rows: usize, names: &mut Vec<Name>, values: &mut Vec<f64>) -> Result<bool> {
        let open = match &mut self.current {
            Some(open) => open,
            None => match self.pending.next() {
                Some(path) => {
                    let open = match Open::new(path, &self.expected) {
                        Err(error) => return self.failed(error),
                        Ok(open) => open,
                    };
                    self.notes
                        .extend(open.source.notes().iter().map(|note| format!("{}: {note}", open.name)));
                    self.current.insert(open)
                }
                None => return Ok(false),
            },
        };
        let (start, features, first) = (values.len(), self.expected.features, open.rows);
        let mut outcome = open.source.read(rows, values).map(|_| ());
        for row in values[start..].chunks_exact_mut(features) {
            if let Err(error) = open.scale(row, &self.expected) {
                outcome = Err(error);
                break;
            }
            open.rows += 1;
        }
        let count = (open.rows - first) as usize;
        values.truncate(start + count * features);
        let numbered = open.source.has_rows();
        let prepared: Option<Arc<str>> = open.source.prepared().map(Arc::from);
        let mut ids = open.source.ids().map(Vec::into_iter);
        let name = |row| Name {
            input: open.name.clone(),
            row: numbered.then_some(row),
            id: ids.as_mut().and_then(Iterator::next),
            prepared: prepared.clone(),
        };
        names.extend((first..open.rows).map(name));
        if let Err(error) = outcome {
            self.current = None;
            return self.failed(error);
        }
        if count == 0 {
            let empty = (open.rows == 0).then(|| "it has no rows".to_owned());
            let closing = open.source.closing_notes().into_iter().chain(empty);
            self.closing.extend(closing.map(|note| format!("{}: {note}", open.name)));
            self.current = None;
        }
        Ok(true)
    }

    /// An input that cannot be read: the end, or one of several that are broken.
    fn failed(&mut self, error: Error) -> Result<bool> {
        if self.are_several && matches!(error, Error::File { .. } | Error::Io { .. }) {
            self.broken.push(error);
            return Ok(true);
        }
        Err(error)
    }
}

/// Whether a regular file is a picture, by its content or, where that is damaged, by its name.
fn is_picture_file(path: &Path) -> bool {
    if !fs::is_file(path) {
        return false;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    read.is_ok() && (is_picture(&start) || has_picture_name(path))
}

fn has_picture_name(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ["png", "jpg", "jpeg"].contains(&ending.as_str()))
}

/// What is read of a folder and the folders in it.
#[derive(Debug)]
pub struct InFolder {
    /// The files, by their names.
    pub files: Vec<PathBuf>,
    /// What they are, for people.
    pub kind: &'static str,
    /// How many others there are.
    pub others: usize,
}

/// The pictures in a folder and the folders in it; the Parquet files, if there is no picture.
///
/// # Errors
/// [`Error::Io`] if a folder cannot be read; [`Error::File`] if there is neither.
pub fn in_folder(folder: &Path) -> Result<InFolder> {
    let all = files_below(folder)?;
    let of = |kind: &'static str, is_one: fn(&Path) -> bool| {
        let files: Vec<PathBuf> = all.iter().filter(|path| is_one(path)).cloned().collect();
        let others = all.len() - files.len();
        (!files.is_empty()).then_some(InFolder { files, kind, others })
    };
    if let Some(found) = of("PNG or JPEG", is_picture_file).or_else(|| of("Parquet", is_shard)) {
        return Ok(found);
    }
    let hint = "name files, or a folder with PNG or JPEG images or Parquet files";
    Err(Error::file(folder, "there is no image and no Parquet file in this folder", hint))
}

/// The rows of a Parquet file, which has to lie on a disk: its table of contents is at its end.
fn parquet_rows(path: &Path, expected: &Expected) -> Result<Box<dyn Source>> {
    if path.as_os_str() == STDIN {
        let problem = "this is a Parquet file, which cannot be read as a stream";
        return Err(Error::file(path, problem, "name the file"));
    }
    open_parquet(path, expected)
}

#[cfg(feature = "parquet")]
fn open_parquet(path: &Path, expected: &Expected) -> Result<Box<dyn Source>> {
    Ok(Box::new(parquet::Rows::open(path, expected)?))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(path: &Path, _: &Expected) -> Result<Box<dyn Source>> {
    Err(super::no_parquet::refused(path))
}

impl Open {
    fn new(path: PathBuf, expected: &Expected) -> Result<Self> {
        let refused = |error| unreadable_source(error, &path);
        let file: Box<dyn Read + Send> = if path.as_os_str() == STDIN {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&path).map_err(Error::io("read", &path))?)
        };
        let (mut plain, _) = idx::expand(BufReader::new(file)).map_err(refused)?;
        let start = start(&mut plain).map_err(refused)?;
        if start.is_empty() {
            return Err(Error::file(&path, "it is empty", "give PNG, JPEG, .npy, CSV or Parquet"));
        }
        let known = |&&(magic, ..): &&(&[u8], &str, &str)| start.starts_with(magic);
        let is_parquet = start.starts_with(b"PAR1");
        let no_table = (start.contains(&0) && !is_parquet) || is_picture(&start);
        if let Some(column) = expected.label_column.as_ref().filter(|_| no_table) {
            let path = path.display();
            return Err(Error::usage(message![
                Setting::LabelColumn.set(column),
                format!(": {path} is not a table; leave the option out")
            ]));
        }
        let source: Box<dyn Source> = if is_parquet {
            parquet_rows(&path, expected)?
        } else if start.starts_with(MAGIC) {
            Box::new(npy::Rows::open(Cursor::new(start).chain(plain), &path, expected)?)
        } else if is_picture(&start) {
            Box::new(picture::Picture::open(Cursor::new(start).chain(plain), &path, expected)?)
        } else if let Some((_, what, hint)) = OTHERS.iter().find(known) {
            return Err(Error::file(&path, format!("this is {what}"), *hint));
        } else if has_picture_name(&path) {
            let problem = "its name is that of an image, but it is neither PNG nor JPEG";
            return Err(Error::file(&path, problem, "save it again as PNG or JPEG"));
        } else if no_table {
            let problem = "this is not an image, a NumPy array or a text table";
            return Err(Error::file(&path, problem, "give PNG, JPEG, .npy, CSV or Parquet"));
        } else {
            Box::new(csv::Rows::open(start, plain, &path, expected)?)
        };
        let name = if path.as_os_str() == STDIN { "stdin".into() } else { path.display().to_string().into() };
        Ok(Self { source, name, path, rows: 0 })
    }

    /// Scales a row as the network wants it; bytes stay what they are, as in a data set.
    fn scale(&self, row: &mut [f64], expected: &Expected) -> Result<()> {
        let wrong = |problem: String, hint: &str| {
            Error::file(&self.path, format!("row {}, from 0: {problem}", self.rows), hint)
        };
        if let Some(value) = row.iter().find(|value| !(**value as f32).is_finite()) {
            return Err(wrong(format!("{value} is not a finite number"), "fill in or remove such rows"));
        }
        let scaling = &expected.preparation.scaling;
        if *scaling != Scaling::Bytes {
            for (column, value) in row.iter_mut().enumerate() {
                let scaled = scaling.scaled(column, *value);
                *value = scaled.map_err(|problem| unscalable(&self.path, problem))?.into();
            }
            return Ok(());
        }
        let is_byte = |value: &f64| (0.0..=255.0).contains(value) && value.fract() == 0.0;
        let Some(value) = row.iter().find(|value| !is_byte(value)) else { return Ok(()) };
        if row.iter().all(|value| (0.0..=1.0).contains(value)) {
            let problem = format!(
                "{value} is not a byte: the values lie in 0..1, as if they were divided by 255 already"
            );
            return Err(wrong(problem, "multiply by 255 and round; the model scales the values itself"));
        }
        let hint = "give unscaled pixels: whole numbers from 0 (black) to 255 (white)";
        Err(wrong(format!("{value} is not a byte, and the model was trained on bytes"), hint))
    }
}

/// The first line, and no more than that needs to be there: somebody who types rows wants each answered at once.
fn start(source: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let (mut start, mut piece) = (Vec::new(), vec![0; LONGEST_START]);
    while start.len() < LONGEST_START && !start.contains(&b'\n') {
        match source.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => start.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(start)
}
