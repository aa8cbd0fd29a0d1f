//! What a trained network is to classify: pictures, `.npy` arrays and tables, told by their content, batch by batch.
//!
//! Everything is read in order and no more than a batch is ever in memory, so a stream may be as long as it likes.

mod csv;
mod npy;
mod picture;

use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use picture::normalise;

use crate::data::{Preparation, Samples, Scaling, idx};
use crate::error::{Error, Result};

/// What stands for standard input.
const STDIN: &str = "-";

/// As much of an input as is looked at to tell what it is.
const LONGEST_START: usize = 1 << 16;

/// What a network takes, and how inputs become it.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Values a sample.
    pub features: usize,
    /// How they are scaled.
    pub preparation: Preparation,
    /// Of tables: the column to leave out, by name or place from 0; if there is one too many, the usual names are known.
    pub label_column: Option<String>,
    /// Whether pictures are taken as they are, and not made like MNIST's digits.
    pub raw: bool,
}

impl Expected {
    /// The width and height of the grey images that the network was trained on, if it can have been square ones.
    fn side(&self) -> Option<usize> {
        let side = self.features.isqrt();
        (self.preparation.scaling == Scaling::Bytes && side * side == self.features).then_some(side)
    }
}

/// Where a sample is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The file, as it was named.
    pub input: Arc<str>,
    /// The row in it, from 0; none of a picture.
    pub row: Option<u64>,
}

/// Some samples in order, scaled as the network wants them.
pub struct Batch {
    /// Where each is from.
    pub names: Vec<Name>,
    /// The samples; their labels mean nothing.
    pub samples: Samples,
}

/// Something that rows can be read from.
trait Source: Send {
    /// Appends up to `rows` rows of unscaled values and says how many; none are left if that is 0.
    fn read(&mut self, rows: usize, values: &mut Vec<f32>) -> Result<usize>;

    /// Whether its rows have numbers.
    fn has_rows(&self) -> bool;
}

/// The inputs that are being read.
pub struct Inputs {
    pending: std::vec::IntoIter<PathBuf>,
    expected: Expected,
    current: Option<Open>,
    /// What is to be reported once the rows before it are dealt with.
    failed: Option<Error>,
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
        Self { pending: paths.into_iter(), expected, current: None, failed: None }
    }

    /// The next samples, `rows` of them as long as there are as many; nothing at the end.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] for an input that cannot be read or is not what the network takes, after
    /// everything before it.
    pub fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let (mut names, mut values) = (Vec::new(), Vec::new());
        while names.len() < rows {
            match self.extend(rows - names.len(), &mut names, &mut values) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if names.is_empty() => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let (features, unlabelled) = (self.expected.features, vec![0; names.len()]);
        let samples = Samples::of_floats(features, &values, unlabelled, 1)?;
        Ok(Some(Batch { names, samples }))
    }

    /// Takes rows from one input; false if there is none left.
    fn extend(&mut self, rows: usize, names: &mut Vec<Name>, values: &mut Vec<f32>) -> Result<bool> {
        let open = match &mut self.current {
            Some(open) => open,
            None => match self.pending.next() {
                Some(path) => self.current.insert(Open::new(path, &self.expected)?),
                None => return Ok(false),
            },
        };
        let start = values.len();
        let read = open
            .source
            .read(rows, values)
            .and_then(|count| scale(&mut values[start..], &self.expected, open).map(|()| count));
        let count = match read {
            Ok(count) => count,
            Err(error) => {
                values.truncate(start);
                return Err(error);
            }
        };
        let numbered = open.source.has_rows();
        let name = |row| Name { input: open.name.clone(), row: numbered.then_some(row) };
        names.extend((open.rows..open.rows + count as u64).map(name));
        open.rows += count as u64;
        if count == 0 {
            self.current = None;
        }
        Ok(true)
    }
}

impl Open {
    fn new(path: PathBuf, expected: &Expected) -> Result<Self> {
        let refused = |error| Error::io("read", &path)(error);
        let file: Box<dyn Read + Send> = if path.as_os_str() == STDIN {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(&path).map_err(refused)?)
        };
        let (mut plain, _) = idx::expand(BufReader::new(file)).map_err(refused)?;
        let start = start(&mut plain).map_err(refused)?;
        let reader = BufReader::with_capacity(1 << 16, Cursor::new(start.clone()).chain(plain));
        let source: Box<dyn Source> = if start.starts_with(npy::MAGIC) {
            Box::new(npy::Rows::open(reader, &path, expected)?)
        } else if picture::is_one(&start) {
            Box::new(picture::Picture::open(reader, &path, expected)?)
        } else {
            Box::new(csv::Rows::open(reader, &start, &path, expected)?)
        };
        let name = if path.as_os_str() == STDIN { "stdin".into() } else { path.display().to_string().into() };
        Ok(Self { source, name, path, rows: 0 })
    }
}

/// The first line, and no more than that needs to be there: whoever types rows wants them answered one by one.
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

/// Scales rows as the network wants them.
fn scale(values: &mut [f32], expected: &Expected, open: &Open) -> Result<()> {
    let wrong = |index: usize, problem: String, hint: &str| {
        let row = open.rows + (index / expected.features) as u64;
        Error::file(&open.path, format!("row {row}: {problem}"), hint)
    };
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        let hint = "fill in or remove such rows";
        return Err(wrong(index, format!("{} is not a finite number", values[index]), hint));
    }
    let scaling = &expected.preparation.scaling;
    if *scaling != Scaling::Bytes {
        return scaling.apply(values, expected.features);
    }
    let hint = "give pixels as they were before any scaling: 0 for black to 255 for white";
    if let Some(index) = values.iter().position(|value| !(0.0..=255.0).contains(value)) {
        return Err(wrong(index, format!("{} is no pixel of 0 to 255", values[index]), hint));
    }
    let fraction = values.iter().position(|value| value.fract() != 0.0);
    if let Some(index) = fraction.filter(|_| values.iter().all(|&value| value <= 1.0)) {
        let problem = "all values lie in 0..1, as if they had been divided by 255 already".into();
        return Err(wrong(index, problem, hint));
    }
    values.iter_mut().for_each(|value| *value *= 1.0 / 255.0);
    Ok(())
}

/// What the network takes, for errors.
fn wanted(path: &Path, got: &str, expected: &Expected) -> Error {
    let problem = format!("{got}, and the model takes {} values a sample", expected.features);
    Error::file(path, problem, "use data of the kind that the model was trained on")
}
