//! Parquet files: a table of plain numbers with a column of labels, or a column of encoded images with one, as data hubs
//! publish them (`image: {bytes, path}`, `label`).

mod schema;

use std::fs::File;
use std::path::Path;

use parquet::basic::{LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value as Json;

use self::schema::{inside, is_number, is_text, targets};
use super::pictures::{Picture, Pictures};
use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
use crate::data::table::LABELS;
use crate::data::{Format, Schema};
use crate::error::{Error, Message, Result, Setting, message};

/// Records read between two looks at the memory left.
const PIECE: usize = 512;

const NEW_COPY: &str = "download the file again, or write it again";

/// The key under which data hubs keep the classes' names.
const HUB_KEY: &str = "huggingface";

/// The name of the thread that reads. The crate panics at some damage, and a thread makes an error of it; a program may
/// want to keep quiet about panics of this name.
pub const THREAD: &str = "parquet";

pub(super) fn read(path: &Path, reading: Reading<'_>) -> Result<Source> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name(THREAD.to_owned());
        let reader =
            builder.spawn_scoped(scope, || read_here(path, reading)).map_err(Error::io("read", path))?;
        let damaged = |_| Err(Error::file(path, "cannot be read as Parquet: it is damaged", NEW_COPY));
        reader.join().unwrap_or_else(damaged)
    })
}

fn read_here(path: &Path, reading: Reading<'_>) -> Result<Source> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let reader = SerializedFileReader::new(file).map_err(|error| unreadable(error, path))?;
    inside(reader.metadata(), length)
        .map_err(|problem| Error::file(path, format!("cannot be read as Parquet: {problem}"), NEW_COPY))?;
    let table = Table::new(path, &reader, reading)?;
    let classes = table.class_names();
    let (mut labels, mut columns) = (Labels::default(), vec![Vec::new(); table.targets.len()]);
    let (mut rows, mut pictures) = (Vec::new(), Pictures::default());
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| unreadable(error, path))?;
        match table.targets[..] {
            [label] => table.labels(&*group, label, classes.as_deref(), &mut labels)?,
            _ => table.numbers(&*group, &mut columns)?,
        }
        match table.image {
            Some(column) => table.images(&*group, column, &mut pictures)?,
            None => table.values(&*group, &mut rows)?,
        }
    }
    let target = table.name(table.targets[0]);
    let answers = table.answers(labels, columns)?;
    if answers.len() == 0 {
        return Err(Error::file(path, "it has no rows", "use a file with a row for each sample"));
    }
    let (format, features, image_shape, rows, columns) = match table.image {
        Some(_) => (Format::Bytes, pictures.features(), pictures.shape, pictures.bytes, None),
        None => {
            let (features, names) =
                (table.values.len(), table.values.iter().map(|&leaf| table.name(leaf)).collect());
            (Format::Floats, features, part::square(&rows, features), rows, Some(names))
        }
    };
    let count = answers.len();
    // No values a row: the images have no rows, whatever the labels have.
    if features == 0 || rows.len() != count * features * format.size() {
        let problem = format!("it has {count} labels, and {} bytes of rows of {features} values", rows.len());
        return Err(Error::file(path, problem, "the file is damaged: download it again"));
    }
    let kind = if table.image.is_some() { "images" } else { "a table" };
    let row = part::row_words(image_shape, features);
    let names: Vec<String> = table.targets.iter().map(|&leaf| table.name(leaf)).collect();
    let named = match &names[..] {
        [name] => format!("labels in column `{name}`"),
        names => format!("targets in columns {}", names.join(", ")),
    };
    let order = table.note.map(|note| format!(", {note}")).unwrap_or_default();
    let what = format!("a Parquet file of {kind}: {count} rows of {row}, {named}{order}");
    let schema = columns.clone().and_then(|inputs| Schema::new(inputs, names, None));
    let rows = Rows::Memory(rows);
    let train =
        Part { path: path.to_owned(), format, features, image_shape, columns, rows, answers, weights: None };
    Ok(Source { what, train, test: None, classes, target: Some(target), schema })
}

/// What the file's schema says, by the numbers of its leaves.
struct Table<'a> {
    path: &'a Path,
    reading: Reading<'a>,
    reader: &'a SerializedFileReader<File>,
    /// One column of labels, or several of numbers.
    targets: Vec<usize>,
    image: Option<usize>,
    /// Of a table of numbers: all columns but the labels', or those of the model in its order.
    values: Vec<usize>,
    /// What is to be said of that order.
    note: Option<String>,
}

impl<'a> Table<'a> {
    fn new(path: &'a Path, reader: &'a SerializedFileReader<File>, reading: Reading<'a>) -> Result<Self> {
        let schema = reader.metadata().file_metadata().schema_descr();
        let leaves = schema.columns();
        let top = |leaf: &ColumnDescriptor| leaf.path().parts().len() == 1;
        let all: Vec<String> = leaves.iter().map(|leaf| leaf.path().string()).collect();
        let names = || all[..all.len().min(20)].join(", ");
        let targets = match (reading.label_column, reading.schema) {
            (None, Some(schema)) => Some(schema.target_places(&all, path)?),
            (asked, _) => targets(leaves, asked),
        };
        let Some(targets) = targets else {
            let asked = reading.label_column.map_or_else(|| LABELS.join(", "), str::to_owned);
            let problem = format!("no column is called {asked}; its columns are {}", names());
            return Err(Error::file(
                path,
                problem,
                message!["name the column of the labels with ", Setting::LabelColumn],
            ));
        };
        let bytes = |leaf: &ColumnDescriptor| leaf.physical_type() == Type::BYTE_ARRAY && !is_text(leaf);
        let image = leaves.iter().position(|leaf| {
            let parts = leaf.path().parts();
            bytes(leaf)
                && leaf.max_rep_level() == 0
                && (parts.len() == 1 || parts[parts.len() - 1] == "bytes")
        });
        let (values, note) = match reading.schema.filter(|_| image.is_none()) {
            Some(schema) => {
                let places = schema.places(&all, path)?;
                let note = places.note();
                (places.inputs, note)
            }
            None => (
                (0..leaves.len()).filter(|&leaf| image.is_none() && !targets.contains(&leaf)).collect(),
                None,
            ),
        };
        let table = Self { path, reading, reader, targets, image, values, note };
        for &leaf in &table.values {
            if !(top(&leaves[leaf]) && leaves[leaf].max_rep_level() == 0 && is_number(&leaves[leaf])) {
                let kind = if is_text(&leaves[leaf]) { "text" } else { "no plain numbers" };
                let hint = "turn it into columns of numbers, or leave it out";
                return Err(Error::file(path, format!("column `{}` has {kind}", table.name(leaf)), hint));
            }
        }
        if image.is_none() && table.values.is_empty() {
            let problem = format!("it has a column of labels and no others; its columns are {}", names());
            return Err(Error::file(path, problem, "a table needs a column of labels and columns of values"));
        }
        Ok(table)
    }

    fn name(&self, leaf: usize) -> String {
        self.reader.metadata().file_metadata().schema_descr().column(leaf).path().string()
    }

    /// The classes' names, where a data hub has put them into the file.
    fn class_names(&self) -> Option<Vec<String>> {
        let metadata = self.reader.metadata().file_metadata().key_value_metadata()?;
        let hub = metadata.iter().find(|entry| entry.key == HUB_KEY)?.value.as_ref()?;
        let features: Json = serde_json::from_str(hub).ok()?;
        let names = features["info"]["features"][self.name(self.targets[0])]["names"].as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    }

    fn labels(
        &self,
        group: &dyn RowGroupReader,
        label: usize,
        names: Option<&[String]>,
        labels: &mut Labels,
    ) -> Result<()> {
        self.each(group, label, &mut |value| {
            let row = labels.len();
            let refuse = |problem: String| Err(self.wrong(row, label, &problem, "fix or remove such rows"));
            if 4 * row as u64 > self.reading.memory {
                return refuse("the labels up to here take more memory than is allowed".into());
            }
            match (value, names) {
                (Value::Missing, _) => return refuse("the label is missing".into()),
                (Value::Number(number), Some(names)) => {
                    let name = names.get(number as usize).filter(|_| number >= 0.0 && number.fract() == 0.0);
                    match name {
                        Some(name) => labels.push_name(name.clone()),
                        None => {
                            return refuse(format!(
                                "the label {number} is not one of the file's {} names",
                                names.len()
                            ));
                        }
                    }
                }
                (Value::Number(number), None) => return labels.push(&number.to_string()).or_else(refuse),
                (Value::Bytes(bytes), _) => match std::str::from_utf8(bytes).map(str::trim) {
                    Ok(text) if !text.is_empty() => return labels.push(text).or_else(refuse),
                    _ => return refuse("the label is empty or not UTF-8 text".into()),
                },
            }
            Ok(())
        })
    }

    /// Several targets: a number in each column.
    fn numbers(&self, group: &dyn RowGroupReader, columns: &mut [Vec<f64>]) -> Result<()> {
        for (&leaf, column) in self.targets.iter().zip(columns) {
            self.each(group, leaf, &mut |value| match value {
                Value::Number(number) if 8 * column.len() as u64 <= self.reading.memory => {
                    column.push(number);
                    Ok(())
                }
                _ => {
                    let problem = "the target is missing or not a number, or there is no memory for it";
                    Err(self.wrong(column.len(), leaf, problem, "fill in or remove such rows"))
                }
            })?;
        }
        Ok(())
    }

    /// What the rows are to be answered with.
    fn answers(&self, labels: Labels, columns: Vec<Vec<f64>>) -> Result<Answers> {
        if self.targets.len() == 1 {
            return Ok(Answers::One(labels));
        }
        let rows = columns[0].len();
        if columns.iter().any(|column| column.len() != rows) {
            return Err(Error::file(self.path, "its targets have different numbers of rows", NEW_COPY));
        }
        let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        let names = self.targets.iter().map(|&leaf| self.name(leaf)).collect();
        Ok(Answers::Many(Numbers { names, values }))
    }

    fn images(&self, group: &dyn RowGroupReader, column: usize, pictures: &mut Pictures) -> Result<()> {
        let mut row = pictures.count();
        self.each(group, column, &mut |value| {
            let hint = message![
                "bring all images to one size, as PNG or JPEG; ",
                Setting::MemoryLimit,
                " allows more memory"
            ];
            let refuse = |problem: String| self.wrong(row, column, &problem, hint.clone());
            let Value::Bytes(bytes) = value else { return Err(refuse("the image is missing".into())) };
            let picture = Picture::decode(bytes, pictures.shape).map_err(refuse)?;
            let picture = picture.ok_or_else(|| refuse("these bytes are not a PNG or JPEG image".into()))?;
            pictures.push(&picture, self.reading.memory).map_err(refuse)?;
            row += 1;
            Ok(())
        })
    }

    /// Adds the rows of a group. Memory is asked for once the first column has shown how many there really are.
    fn values(&self, group: &dyn RowGroupReader, rows: &mut Vec<u8>) -> Result<()> {
        let (columns, begin) = (self.values.len(), rows.len());
        let first_row = begin / (4 * columns);
        let mut count = None;
        for (place, &leaf) in self.values.iter().enumerate() {
            let mut column = Vec::new();
            self.each(group, leaf, &mut |value| {
                let row = first_row + column.len();
                let refuse =
                    |problem: &str| Err(self.wrong(row, leaf, problem, "fill in or remove such rows"));
                let value = match value {
                    Value::Number(number) if (number as f32).is_finite() => number as f32,
                    _ if self.reading.keep_missing => f32::NAN,
                    Value::Number(number) => return refuse(&format!("{number} is not a finite f32")),
                    _ => return refuse("the value is missing"),
                };
                if (begin + 4 * columns * (column.len() + 1)) as u64 > self.reading.memory {
                    let problem = format!(
                        "the values up to here take more than {} bytes of memory",
                        self.reading.memory
                    );
                    return Err(self.wrong(
                        row,
                        leaf,
                        &problem,
                        message!["allow more with ", Setting::MemoryLimit, ", or use fewer rows"],
                    ));
                }
                column.push(value);
                Ok(())
            })?;
            let count = *count.get_or_insert(column.len());
            if column.len() != count {
                let problem =
                    format!("column `{}` has {} rows, and others {count}", self.name(leaf), column.len());
                return Err(Error::file(self.path, problem, "the file is damaged: download it again"));
            }
            rows.resize(begin + 4 * columns * count, 0);
            for (row, value) in rows[begin..].chunks_exact_mut(4 * columns).zip(column) {
                row[4 * place..4 * place + 4].copy_from_slice(&value.to_ne_bytes());
            }
        }
        Ok(())
    }

    fn wrong(&self, row: usize, leaf: usize, problem: &str, hint: impl Into<Message>) -> Error {
        Error::file(self.path, format!("row {row}, from 0, column `{}`: {problem}", self.name(leaf)), hint)
    }

    /// Hands on each value of a column of a group.
    fn each(
        &self,
        group: &dyn RowGroupReader,
        leaf: usize,
        take: &mut dyn FnMut(Value<'_>) -> Result<()>,
    ) -> Result<()> {
        let reader = group.get_column_reader(leaf).map_err(|error| unreadable(error, self.path))?;
        let column = self.reader.metadata().file_metadata().schema_descr().column(leaf);
        let unsigned = matches!(column.logical_type_ref(), Some(LogicalType::Integer(int)) if !int.is_signed);
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(u8::from(*v)).into(), take)
            }
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                self.drain(reader, leaf, &|v| f64::from(v.cast_unsigned()).into(), take)
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(*v).into(), take)
            }
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                self.drain(reader, leaf, &|v| (v.cast_unsigned() as f64).into(), take)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.drain(reader, leaf, &|v| (*v as f64).into(), take)
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.drain(reader, leaf, &|v| f64::from(*v).into(), take)
            }
            ColumnReader::DoubleColumnReader(reader) => self.drain(reader, leaf, &|v| (*v).into(), take),
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.drain(reader, leaf, &|v: &ByteArray| Value::Bytes(v.data()), take)
            }
            _ => {
                let problem = format!("column `{}` has values of a kind that is not read", self.name(leaf));
                Err(Error::file(self.path, problem, "turn it into numbers"))
            }
        }
    }

    fn drain<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        leaf: usize,
        value: &dyn for<'v> Fn(&'v T::T) -> Value<'v>,
        take: &mut dyn FnMut(Value<'_>) -> Result<()>,
    ) -> Result<()> {
        let whole = self.reader.metadata().file_metadata().schema_descr().column(leaf).max_def_level();
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        loop {
            levels.clear();
            values.clear();
            let read = reader.read_records(PIECE, Some(&mut levels), None, &mut values);
            let (records, ..) = read.map_err(|error| unreadable(error, self.path))?;
            if records == 0 {
                return Ok(());
            }
            let mut present = values.iter();
            for record in 0..records {
                let is_present = levels.get(record).is_none_or(|&level| level == whole);
                take(if is_present { present.next().map_or(Value::Missing, value) } else { Value::Missing })?;
            }
        }
    }
}

/// One value of a column.
enum Value<'a> {
    Number(f64),
    Bytes(&'a [u8]),
    Missing,
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

fn unreadable(error: ParquetError, path: &Path) -> Error {
    Error::file(path, format!("cannot be read as Parquet: {error}"), NEW_COPY)
}
