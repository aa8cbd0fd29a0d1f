//! Parquet files: a table of plain numbers with a column of labels, or a column of encoded images with one, as data hubs
//! publish them (`image: {bytes, path}`, `label`).

mod leaf;
mod schema;

use std::fs::File;
use std::path::Path;

use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value as Json;

use self::leaf::{Groups, Leaves, NEW_COPY, Value, unreadable};
use self::schema::{inside, is_number, is_text, targets};
use super::pictures::{Picture, Pictures, Wanted};
use super::raw::{RawTable, Roles};
use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
use crate::data::columns::Value as Cell;
use crate::data::schema::{Found, unique};
use crate::data::table::{LABELS, Spelling};
use crate::data::{Format, PictureOptions};
use crate::error::{Error, Result, Setting, message};

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
    let groups = (0..reader.num_row_groups())
        .map(|group| reader.get_row_group(group).map_err(|error| unreadable(error, path)))
        .collect::<Result<Vec<_>>>()?;
    let (answers, labelled) = match table.targets[..] {
        [label] => table.labels(&groups, label, classes.as_deref())?,
        _ => table.numbers(&groups)?,
    };
    if answers.len() == 0 {
        return Err(Error::file(
            path,
            "it has no rows with a label",
            "use a file with a row for each sample",
        ));
    }
    let unlabelled = labelled.iter().filter(|&&labelled| !labelled).count();
    match table.image {
        Some(column) => table.image_set(&groups, column, answers, &labelled, classes),
        None => {
            let mut raw = RawTable::new(path, reading, table.roles(), table.found.clone(), "row")?;
            table.values(&groups, &labelled, &mut raw)?;
            let source = raw.source("a Parquet file of a table", answers, None, unlabelled)?;
            Ok(Source { classes, ..source })
        }
    }
}

/// What the file's schema says, by the numbers of its leaves.
struct Table<'a> {
    leaves: Leaves<'a>,
    reading: Reading<'a>,
    /// The names of all columns.
    names: Vec<String>,
    /// One column of labels, or several of numbers.
    targets: Vec<usize>,
    image: Option<usize>,
    /// Of a table whose schema is known: how its columns lie here.
    found: Option<Found>,
    /// Columns that were asked for, and columns that were not.
    asked: Option<Vec<usize>>,
    excluded: Option<Vec<usize>>,
}

impl<'a> Table<'a> {
    fn new(path: &'a Path, reader: &'a SerializedFileReader<File>, reading: Reading<'a>) -> Result<Self> {
        let schema = reader.metadata().file_metadata().schema_descr();
        let leaves = schema.columns();
        let names: Vec<String> = leaves.iter().map(|leaf| leaf.path().string()).collect();
        let first = || names[..names.len().min(20)].join(", ");
        let bytes = |leaf: &ColumnDescriptor| leaf.physical_type() == Type::BYTE_ARRAY && !is_text(leaf);
        let image = leaves.iter().position(|leaf| {
            let parts = leaf.path().parts();
            bytes(leaf)
                && leaf.max_rep_level() == 0
                && (parts.len() == 1 || parts[parts.len() - 1] == "bytes")
        });
        let known = reading.schema.filter(|_| image.is_none());
        let found = known.map(|schema| schema.find(Some(&names), names.len(), path)).transpose()?;
        let targets = match (reading.label_column, &found, known) {
            (None, Some(found), Some(schema)) => Some(found.wanted_targets(schema, path)?),
            (asked, ..) => targets(leaves, asked),
        };
        let Some(targets) = targets else {
            let asked = reading.label_column.map_or_else(|| LABELS.join(", "), str::to_owned);
            let problem = format!("no column is called {asked}; its columns are {}", first());
            return Err(Error::file(
                path,
                problem,
                message!["name the column of the labels with ", Setting::LabelColumn],
            ));
        };
        let listed = |asked: &Option<String>| -> Result<Option<Vec<usize>>> {
            let Some(asked) = asked else { return Ok(None) };
            let place = |name: &str| {
                names.iter().position(|own| own == name).ok_or_else(|| {
                    let problem = format!("it has no column `{name}`; its columns are {}", first());
                    Error::file(path, problem, "name columns of the file")
                })
            };
            asked.split(',').map(|name| place(name.trim())).collect::<Result<_>>().map(Some)
        };
        let (asked, excluded) = (listed(&reading.table.columns)?, listed(&reading.table.exclude)?);
        if image.is_none() && names.len() < targets.len() + 1 {
            let problem = format!("it has a column of labels and no others; its columns are {}", first());
            return Err(Error::file(path, problem, "a table needs a column of labels and columns of values"));
        }
        Ok(Self { leaves: Leaves { path, reader }, reading, names, targets, image, found, asked, excluded })
    }

    fn roles(&self) -> Roles {
        Roles {
            named: true,
            names: unique(&self.names),
            targets: self.targets.clone(),
            weight: None,
            asked: self.asked.clone(),
            excluded: self.excluded.clone(),
        }
    }

    /// The classes' names, where a data hub has put them into the file.
    fn class_names(&self) -> Option<Vec<String>> {
        let metadata = self.leaves.reader.metadata().file_metadata().key_value_metadata()?;
        let hub = metadata.iter().find(|entry| entry.key == HUB_KEY)?.value.as_ref()?;
        let features: Json = serde_json::from_str(hub).ok()?;
        let names = features["info"]["features"][self.leaves.name(self.targets[0])]["names"].as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// The labels, and which rows have one.
    fn labels(
        &self,
        groups: &Groups<'_>,
        label: usize,
        names: Option<&[String]>,
    ) -> Result<(Answers, Vec<bool>)> {
        let (mut labels, mut labelled) = (Labels::default(), Vec::new());
        let spelling = Spelling::of(self.reading.table);
        self.leaves.each(groups, label, &mut |value| {
            let row = labelled.len();
            let refuse =
                |problem: String| Err(self.leaves.wrong(row, label, &problem, "fix or remove such rows"));
            if 4 * row as u64 > self.reading.memory {
                return refuse("the labels up to here take more memory than is allowed".into());
            }
            let text = match value {
                Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Some(text.trim()),
                    Err(_) => return refuse("the label is not UTF-8 text".into()),
                },
                _ => None,
            };
            let missing = match value {
                Value::Missing => true,
                Value::Number(number) => number.is_nan(),
                Value::Bytes(_) => text.is_none_or(|text| spelling.is_missing(text)),
            };
            labelled.push(!missing);
            match (value, names, text) {
                _ if missing => Ok(()),
                (Value::Number(number), Some(names), _) => {
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
                    Ok(())
                }
                (Value::Number(number), None, _) => labels.push(&number.to_string()).or_else(refuse),
                (_, _, text) => labels.push(text.unwrap_or_default()).or_else(refuse),
            }
        })?;
        Ok((Answers::One(labels), labelled))
    }

    /// Several targets, a number in each column, and which rows have them all.
    fn numbers(&self, groups: &Groups<'_>) -> Result<(Answers, Vec<bool>)> {
        let mut columns = vec![Vec::new(); self.targets.len()];
        for (&leaf, column) in self.targets.iter().zip(&mut columns) {
            self.leaves.each(groups, leaf, &mut |value| {
                let problem = match value {
                    _ if 8 * column.len() as u64 > self.reading.memory => {
                        "there is no memory for the targets up to here"
                    }
                    Value::Bytes(_) => "the target is not a number",
                    Value::Number(number) => {
                        column.push(number);
                        return Ok(());
                    }
                    Value::Missing => {
                        column.push(f64::NAN);
                        return Ok(());
                    }
                };
                Err(self.leaves.wrong(column.len(), leaf, problem, "correct or remove such rows"))
            })?;
        }
        let rows = columns[0].len();
        if columns.iter().any(|column| column.len() != rows) {
            return Err(Error::file(
                self.leaves.path,
                "its targets have different numbers of rows",
                NEW_COPY,
            ));
        }
        let labelled: Vec<bool> =
            (0..rows).map(|row| columns.iter().all(|column| !f64::is_nan(column[row]))).collect();
        let whole = (0..rows).filter(|&row| labelled[row]);
        let values = whole.flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        let names = self.targets.iter().map(|&leaf| self.leaves.name(leaf)).collect();
        Ok((Answers::Many(Numbers { names, values }), labelled))
    }

    /// A set of images.
    fn image_set(
        &self,
        groups: &Groups<'_>,
        column: usize,
        answers: Answers,
        labelled: &[bool],
        classes: Option<Vec<String>>,
    ) -> Result<Source> {
        let (mut pictures, mut row) = (Pictures::default(), 0);
        let PictureOptions { resize, .. } = self.reading.pictures;
        let wanted = resize.map_or(Wanted::Any, |[width, height]| Wanted::Stretched([height, width]));
        self.leaves.each(groups, column, &mut |value| {
            let hint = message![
                "bring all images to one size, as PNG or JPEG, with ",
                Setting::Resize,
                "; ",
                Setting::MemoryLimit,
                " allows more memory"
            ];
            let here = row;
            row += 1;
            let refuse = |problem: String| self.leaves.wrong(here, column, &problem, hint.clone());
            if labelled.get(here) == Some(&false) {
                return Ok(());
            }
            let Value::Bytes(bytes) = value else { return Err(refuse("the image is missing".into())) };
            let picture = Picture::decode(bytes, wanted.after(pictures.shape)).map_err(refuse)?;
            let picture = picture.ok_or_else(|| refuse("these bytes are not a PNG or JPEG image".into()))?;
            pictures.push(&picture, self.reading.memory).map_err(refuse)
        })?;
        let (features, image_shape, count) = (pictures.features(), pictures.shape, answers.len());
        // No values a row: the images have no rows, whatever the labels have.
        if features == 0 || pictures.bytes.len() != count * features {
            let bytes = pictures.bytes.len();
            let problem = format!("it has {count} labels, and {bytes} bytes of rows of {features} values");
            return Err(Error::file(self.leaves.path, problem, "the file is damaged: download it again"));
        }
        let named = match &self.targets[..] {
            &[label] => format!("labels in column `{}`", self.leaves.name(label)),
            targets => {
                let names: Vec<String> = targets.iter().map(|&leaf| self.leaves.name(leaf)).collect();
                format!("targets in columns {}", names.join(", "))
            }
        };
        let what = format!(
            "a Parquet file of images: {count} rows of {}, {named}",
            part::row_words(image_shape, features)
        );
        let unlabelled = labelled.len() - count;
        let notes = (unlabelled > 0).then(|| format!("{unlabelled} rows without a label are left out"));
        let train = Part {
            path: self.leaves.path.to_owned(),
            format: Format::Bytes,
            features,
            image_shape,
            columns: None,
            rows: Rows::Memory(pictures.bytes),
            answers,
            weights: None,
        };
        let (notes, target) = (notes.into_iter().collect(), Some(self.leaves.name(self.targets[0])));
        Ok(Source { what, notes, train, test: None, classes, target, schema: None })
    }

    /// The values of the rows that have a label, column by column.
    fn values(&self, groups: &Groups<'_>, labelled: &[bool], raw: &mut RawTable<'_>) -> Result<()> {
        let spelling = Spelling::of(self.reading.table);
        for (at, leaf) in raw.places().into_iter().enumerate() {
            let column = &self.leaves.column(leaf);
            if !(column.path().parts().len() == 1
                && column.max_rep_level() == 0
                && (is_number(column) || is_text(column)))
            {
                let problem =
                    format!("column `{}` has neither plain numbers nor text", self.leaves.name(leaf));
                let hint = message!["turn it into numbers, or leave it out with ", Setting::Exclude];
                return Err(Error::file(self.leaves.path, problem, hint));
            }
            let is_truth = column.physical_type() == Type::BOOLEAN;
            let mut row = 0;
            self.leaves.each(groups, leaf, &mut |value| {
                let here = row;
                row += 1;
                if labelled.get(here) == Some(&false) {
                    return Ok(());
                }
                let refuse = |problem: String| {
                    let hint =
                        message!["correct or remove such rows; ", Setting::Exclude, " leaves columns out"];
                    self.leaves.wrong(here, leaf, &problem, hint)
                };
                let value = match value {
                    Value::Missing => Cell::Missing,
                    Value::Number(number) if is_truth => {
                        Cell::Word(if number == 1.0 { "true" } else { "false" })
                    }
                    Value::Number(number) if number.is_nan() => Cell::Missing,
                    Value::Number(number) => Cell::Number(number),
                    Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
                        Ok(text) => spelling.value(text),
                        Err(_) => return Err(refuse("this is not UTF-8 text".into())),
                    },
                };
                raw.push(at, value, row as u64).map_err(refuse)?;
                raw.check_memory(|| {
                    format!("the values up to row {row} of column `{}`", self.leaves.name(leaf))
                })
            })?;
            if row != labelled.len() {
                let problem = format!(
                    "column `{}` has {row} rows, and others {}",
                    self.leaves.name(leaf),
                    labelled.len()
                );
                return Err(Error::file(self.leaves.path, problem, "the file is damaged: download it again"));
            }
        }
        Ok(())
    }
}
