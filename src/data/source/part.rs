//! One part of a data set as its files have it: unscaled rows, each with a label.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Answers;
use crate::data::columns::{Cells, Tally, Value};
use crate::data::preparation::Preparation;
use crate::data::row_file::RowFile;
use crate::data::scaling::{LEAST_PIXELS, Scaling, unscalable};
use crate::data::schema::Schema;
use crate::data::{Format, Samples, Targets, shares};
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;
use crate::words::numerals::counted;

/// Rows that were read, or left in their file, which then has bytes.
#[derive(Debug)]
pub enum Rows {
    /// Values in their format, one row after another.
    Memory(Vec<u8>),
    /// Bytes.
    Disk(RowFile),
    /// The raw columns of a table, whose way into a network is yet to be fitted.
    Columns(Vec<Cells>),
}

/// Rows, not empty, and an answer each.
#[derive(Debug)]
pub struct Part {
    /// The file or folder, as errors name it.
    pub path: PathBuf,
    /// What a value is stored as.
    pub format: Format,
    /// Values in a row: at least 1.
    pub features: usize,
    /// Rows and columns of an image, if rows are images.
    pub image_shape: Option<[usize; 2]>,
    /// What the values of a row are called, if they have names.
    pub columns: Option<Vec<String>>,
    /// The values.
    pub rows: Rows,
    /// As many as rows.
    pub answers: Answers,
    /// What each row counts in training, if the source says so.
    pub weights: Option<Vec<f32>>,
    /// Which row of its file each is, from 0, if they are not all rows in their order.
    pub origins: Option<Vec<u32>>,
    /// Where rows are files: what each of all rows is called.
    pub files: Option<Arc<Vec<String>>>,
}

/// The f32 values of rows of [`Format::Floats`].
pub fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + Clone + '_ {
    bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
}

impl Part {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Bytes that the rows take in memory.
    pub fn memory(&self) -> u64 {
        match &self.rows {
            Rows::Memory(bytes) => bytes.len() as u64,
            Rows::Disk(_) => 0,
            Rows::Columns(columns) => columns.iter().map(|cells| cells.memory() as u64).sum(),
        }
    }

    /// Splits off these rows; both they and the others keep their order. The rows never lie in memory twice.
    pub fn split_off(mut self, rows: &[usize]) -> (Self, Self) {
        let (taken, kept) = shares::sides(self.len(), rows);
        let Rows::Memory(bytes) = &mut self.rows else { return (self.part(&kept), self.part(&taken)) };
        let size = self.features * self.format.size();
        let mut split = Vec::with_capacity(taken.len() * size);
        taken.iter().for_each(|&row| split.extend_from_slice(&bytes[row * size..(row + 1) * size]));
        for (to, &row) in kept.iter().enumerate() {
            bytes.copy_within(row * size..(row + 1) * size, to * size);
        }
        bytes.truncate(kept.len() * size);
        bytes.shrink_to_fit();
        let bytes = std::mem::take(bytes);
        let part = |rows: &[usize], bytes| Self { rows: Rows::Memory(bytes), ..self.part(rows) };
        (part(&kept, bytes), part(&taken, split))
    }

    /// These rows, in this order; none of those in memory.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        let values = match &self.rows {
            Rows::Columns(columns) => Rows::Columns(columns.iter().map(|cells| cells.part(rows)).collect()),
            Rows::Disk(file) => Rows::Disk(file.part(rows)),
            Rows::Memory(_) => Rows::Memory(Vec::new()),
        };
        let weights = self.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect());
        let (path, columns, answers) = (self.path.clone(), self.columns.clone(), self.answers.part(rows));
        let (origins, files) = (Some(self.origins_of(rows)), self.files.clone());
        Self { path, columns, rows: values, answers, weights, origins, files, ..*self }
    }

    /// Which rows of their file these are.
    fn origins_of(&self, rows: &[usize]) -> Vec<u32> {
        let origin = |&row: &usize| self.origins.as_ref().map_or(row as u32, |origins| origins[row]);
        rows.iter().map(origin).collect()
    }

    /// Leaves out the rows of raw columns that lack a value, and says how many.
    ///
    /// # Errors
    /// [`Error::File`] if no row is left.
    pub fn drop_missing(&mut self) -> Result<Option<String>> {
        let Rows::Columns(columns) = &self.rows else { return Ok(None) };
        let is_whole = |&row: &usize| columns.iter().all(|cells| cells.value(row) != Value::Missing);
        let rows: Vec<usize> = (0..self.len()).filter(is_whole).collect();
        let dropped = self.len() - rows.len();
        if rows.is_empty() {
            let hint = message![Setting::Missing.set("impute"), " fills them in"];
            return Err(Error::file(&self.path, "each of its rows lacks a value", hint));
        }
        if dropped > 0 {
            *self = self.part(&rows);
        }
        Ok((dropped > 0).then(|| format!("{} left out, where a value is missing", counted(dropped, "row"))))
    }

    /// Scaled samples, with the classes in the order of their names. Raw columns become inputs as `schema` says, and `tally`
    /// counts what had to be done to them.
    ///
    /// # Errors
    /// [`Error::File`] for a label that is no class, and for values that cannot be scaled so.
    pub fn samples(
        self,
        preparation: &Preparation,
        schema: Option<&Schema>,
        memory: u64,
        tally: &mut Tally,
    ) -> Result<Samples> {
        let (path, scaling) = (self.path.as_path(), &preparation.scaling);
        let features = schema.map_or(self.features, Schema::width);
        let finished = Finished::of(&self.answers, preparation, path)?;
        let (format, bytes) = match (scaling, self.format, self.rows) {
            (Scaling::Bytes, Format::Bytes, Rows::Disk(file)) => {
                let (labels, classes) = finished.labels();
                let samples = finished.finish(Samples::on_disk(file, labels, classes)?)?;
                return Ok(samples.with_origins(self.origins).with_files(self.files));
            }
            (_, _, Rows::Columns(columns)) => {
                let schema = schema.ok_or_else(|| Error::Internal("columns without a schema".into()))?;
                inputs(&columns, schema, scaling, memory, path, tally)?
            }
            (Scaling::Bytes, Format::Bytes, Rows::Memory(bytes)) => (Format::Bytes, bytes),
            (Scaling::Bytes, Format::Floats, Rows::Memory(bytes)) => {
                (Format::Bytes, narrowed(bytes, features, path)?)
            }
            (_, Format::Bytes, Rows::Memory(bytes)) => {
                let mut bytes = widened(&bytes, memory, path)?;
                scaling.apply(&mut bytes, features, path)?;
                (Format::Floats, bytes)
            }
            (_, Format::Floats, Rows::Memory(mut bytes)) => {
                scaling.apply(&mut bytes, features, path)?;
                (Format::Floats, bytes)
            }
            (_, _, Rows::Disk(_)) => {
                let hint = message![
                    "allow more with ",
                    Setting::MemoryLimit,
                    ", or use ",
                    Setting::Scale.set("auto")
                ];
                return Err(Error::file(
                    path,
                    "samples that stay on the disk can only be scaled as bytes",
                    hint,
                ));
            }
        };
        let (labels, classes) = finished.labels();
        let samples = finished.finish(Samples::in_format(format, features, bytes, labels, classes)?)?;
        Ok(samples.with_origins(self.origins).with_files(self.files))
    }
}

/// Answers as samples take them.
enum Finished {
    /// A class each, of so many.
    Classes(Vec<u32>, usize),
    /// Numbers.
    Values(Targets),
}

impl Finished {
    fn of(answers: &Answers, preparation: &Preparation, path: &Path) -> Result<Self> {
        let Preparation { class_names, outputs, .. } = preparation;
        let task = preparation.task();
        if task == Task::Classification {
            let classes = answers.one_hot(path)?.classes(class_names, path)?;
            return Ok(Self::Classes(classes, class_names.len()));
        }
        let name = class_names.first().map(String::as_str).unwrap_or_default();
        let numbers = answers.numbers(task, name, path)?;
        Ok(Self::Values(numbers.targets(outputs, class_names, path)?))
    }

    /// A class for each sample; where they have numbers, one that says nothing.
    fn labels(&self) -> (Vec<u32>, usize) {
        match self {
            Self::Classes(labels, classes) => (labels.clone(), *classes),
            Self::Values(targets) => (vec![0; targets.len()], 1),
        }
    }

    fn finish(self, samples: Samples) -> Result<Samples> {
        match self {
            Self::Classes(..) => Ok(samples),
            Self::Values(targets) => samples.with_targets(targets),
        }
    }
}

/// Raw columns as rows of inputs, scaled.
fn inputs(
    columns: &[Cells],
    schema: &Schema,
    scaling: &Scaling,
    memory: u64,
    path: &Path,
    tally: &mut Tally,
) -> Result<(Format, Vec<u8>)> {
    let rows = columns.first().map_or(0, Cells::len);
    let format = if *scaling == Scaling::Bytes { Format::Bytes } else { Format::Floats };
    let needed = (rows as u64).saturating_mul((schema.width() * format.size()) as u64);
    if needed > memory {
        let problem = format!("as inputs its values take more than {memory} bytes of memory");
        let hint = message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"];
        return Err(Error::file(path, problem, hint));
    }
    let (mut bytes, mut row_inputs) = (Vec::with_capacity(needed as usize), Vec::new());
    for row in 0..rows {
        row_inputs.clear();
        for (at, (input, cells)) in schema.inputs.iter().zip(columns).enumerate() {
            tally.push(at, input, cells.value(row), &mut row_inputs).map_err(|problem| {
                let problem = format!("sample {row}, from 0, column `{}`: {problem}", input.name);
                let hint = message![
                    "correct or remove such rows; ",
                    Setting::Missing.set("impute"),
                    " fills them in"
                ];
                Error::file(path, problem, hint)
            })?;
        }
        for (column, &value) in row_inputs.iter().enumerate() {
            match format {
                Format::Bytes if is_byte(value) => bytes.push(value as u8),
                Format::Bytes => return Err(no_byte(row, column, value, path)),
                Format::Floats => {
                    let scaled =
                        scaling.scaled(column, value).map_err(|problem| unscalable(path, problem))?;
                    bytes.extend_from_slice(&scaled.to_ne_bytes());
                }
            }
        }
    }
    Ok((format, bytes))
}

fn is_byte(value: f64) -> bool {
    (0.0..=255.0).contains(&value) && value.fract() == 0.0
}

/// A value that cannot be a byte, where a model takes bytes.
fn no_byte(row: usize, column: usize, value: f64, path: &Path) -> Error {
    let problem = format!(
        "sample {row}, value {column}, both from 0: {value} is not a byte, and the training data are bytes, scaled \
         by 1/255"
    );
    let hint = message!["use data of the same kind, or train with ", Setting::Scale.another()];
    Error::file(path, problem, hint)
}

/// Floats that are all whole numbers from 0 to 255, as bytes, in the same memory.
fn narrowed(mut bytes: Vec<u8>, features: usize, path: &Path) -> Result<Vec<u8>> {
    let count = bytes.len() / 4;
    for i in 0..count {
        let value = f32::from_ne_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
        if !is_byte(value.into()) {
            return Err(no_byte(i / features, i % features, value.into(), path));
        }
        bytes[i] = value as u8;
    }
    bytes.truncate(count);
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Bytes as floats of the same values.
fn widened(bytes: &[u8], memory: u64, path: &Path) -> Result<Vec<u8>> {
    if 4 * bytes.len() as u64 > memory {
        let problem =
            format!("as numbers its samples take {} bytes of memory, more than {memory}", 4 * bytes.len());
        return Err(Error::file(
            path,
            problem,
            message!["allow more with ", Setting::MemoryLimit, ", or use ", Setting::Scale.set("auto")],
        ));
    }
    Ok(bytes.iter().flat_map(|&byte| f32::from(byte).to_ne_bytes()).collect())
}

/// The shape of rows of numbers that look like square images: whole numbers that bytes hold, at least 8 x 8.
pub fn square(rows: &[u8], columns: usize) -> Option<[usize; 2]> {
    let side = columns.isqrt();
    let are_bytes = || floats(rows).all(|value| is_byte(value.into()));
    (columns >= LEAST_PIXELS && side * side == columns && are_bytes()).then_some([side, side])
}

/// A row in words.
pub fn row_words(image_shape: Option<[usize; 2]>, features: usize) -> String {
    match image_shape {
        None => counted(features, "value"),
        Some([rows, cols]) if rows * cols == features => format!("{rows} x {cols} pixels"),
        Some([rows, cols]) => format!("{rows} x {cols} pixels of {} colours", features / (rows * cols)),
    }
}
