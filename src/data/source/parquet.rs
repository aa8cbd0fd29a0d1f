//! Parquet files: a table of plain numbers with a column of labels, or a column of encoded images with one, as data hubs
//! publish them (`image: {bytes, path}`, `label`).

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::labels::placeholders_in_words;
use super::pictures::{self, Picture, Pictures, Sizes};
use super::raw::{RawTable, Roles};
use super::{Answers, Labels, Numbers, Part, Reading, Rows, Source, part};
use crate::data::listed::some;
use crate::data::parquet::{Kind, Leaves, NEW_COPY, Value, first_rows, on_thread};
use crate::data::schema::{Found, unique};
use crate::data::table::{Head, Spelling};
use crate::data::{Format, PictureOptions, picture};
use crate::error::{Error, Message, Result, Setting, message};

/// The key under which data hubs keep the classes' names.
const HUB_KEY: &str = "huggingface";

/// Reads the set at `path`, which lies in these files; nothing if no row has a label.
///
/// # Errors
/// [`Error::File`] for files that are damaged or do not fit; [`Error::Io`] if one cannot be read.
pub(super) fn read(path: &Path, files: &[PathBuf], reading: Reading<'_>) -> Result<Option<Source>> {
    on_thread(path, || read_here(path, files, reading))
}

/// Whether the files have these columns.
///
/// # Errors
/// As [`read`].
pub(super) fn has_columns(path: &Path, files: &[PathBuf], names: &[String]) -> Result<bool> {
    let own = on_thread(path, || Ok(Leaves::open(path, files)?.names()))?;
    Ok(names.iter().all(|name| own.contains(name)))
}

fn read_here(path: &Path, files: &[PathBuf], reading: Reading<'_>) -> Result<Option<Source>> {
    let table = Table::new(Leaves::open(path, files)?, path, reading)?;
    let classes = table.class_names();
    let (answers, labelled) = match table.targets[..] {
        [label] => table.labels(label, classes.as_deref())?,
        _ => table.numbers()?,
    };
    if answers.len() == 0 {
        return Ok(None);
    }
    let unlabelled = labelled.iter().filter(|&&labelled| !labelled).count();
    match table.image {
        Some(column) => table.image_set(column, answers, &labelled, classes).map(Some),
        None => {
            let mut raw = RawTable::new(path, reading, table.roles(), table.found.clone(), "row")?;
            raw.spelling(&table.spelling);
            table.values(&labelled, &mut raw)?;
            let what = format!("{} of a table", table.files_in_words());
            let mut source = raw.source(&what, answers, None, (kept(&labelled), unlabelled))?;
            source.notes.extend(placeholders_in_words(&table.placeholders).map(Message::from));
            Ok(Some(Source { classes, ..source }))
        }
    }
}

/// What the schema of the files says, by the numbers of its leaves.
struct Table<'a> {
    leaves: Leaves,
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
    spelling: Spelling,
    /// Words that stand for a missing label.
    placeholders: Vec<String>,
}

impl<'a> Table<'a> {
    fn new(leaves: Leaves, path: &Path, reading: Reading<'a>) -> Result<Self> {
        let (names, image) = (leaves.names(), leaves.image());
        let known = reading.schema.filter(|_| image.is_none());
        let found = known.map(|schema| schema.find(Some(&names), names.len(), path)).transpose()?;
        let mut spelling = Spelling::of(reading.table);
        spelling.na_values.extend(known.iter().flat_map(|schema| schema.na_values.iter().cloned()));
        let columns: Vec<usize> = (0..names.len()).filter(|&leaf| leaves.is_plain(leaf)).collect();
        let rows = first_rows(&leaves, &columns, &spelling)?;
        let head = Head {
            path,
            names: Some(names.iter().map(String::as_str).collect()),
            width: names.len(),
            columns,
            rows: &rows,
            spelling: &spelling,
        };
        let targets = match (reading.label_column, &found, known) {
            (None, Some(found), Some(schema)) => found.wanted_targets(schema, path)?,
            (asked, ..) => head.targets(asked, reading.table.exclude.as_deref())?,
        };
        // Where the columns are known already, these options have been followed.
        let places = |asked: &Option<String>| {
            asked.as_deref().filter(|_| found.is_none()).map(|asked| head.listed(asked)).transpose()
        };
        let (asked, excluded) = (places(&reading.table.columns)?, places(&reading.table.exclude)?);
        let placeholders = head.placeholders(targets[0]);
        if image.is_none() && names.len() < targets.len() + 1 {
            let problem =
                format!("it has a column of labels and no others; its columns are {}", some(&names));
            return Err(Error::file(path, problem, "a table needs a column of labels and columns of values"));
        }
        Ok(Self { leaves, reading, names, targets, image, found, asked, excluded, spelling, placeholders })
    }

    fn files_in_words(&self) -> String {
        match self.leaves.files() {
            1 => "a Parquet file".to_owned(),
            files => format!("{files} Parquet files"),
        }
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
        let features: Json = serde_json::from_str(self.leaves.metadata(HUB_KEY)?).ok()?;
        let names = features["info"]["features"][self.leaves.name(self.targets[0])]["names"].as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// The labels, and which rows have one.
    fn labels(&self, label: usize, names: Option<&[String]>) -> Result<(Answers, Vec<bool>)> {
        let (mut labels, mut labelled) = (Labels::default(), Vec::new());
        let is_truth = self.leaves.kind(label) == Kind::Truth;
        let stands_for_none =
            |text: &str| self.spelling.is_missing(text) || self.placeholders.iter().any(|word| word == text);
        self.leaves.each(label, &mut |value| {
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
                Value::Number(number) if is_truth => Some(if number == 1.0 { "true" } else { "false" }),
                _ => None,
            };
            let missing = match value {
                Value::Missing => true,
                // Data hubs write -1 where a class with a name is missing.
                Value::Number(number) => number.is_nan() || (names.is_some() && number == -1.0),
                Value::Bytes(_) => text.is_none_or(stands_for_none),
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
                (Value::Number(number), None, None) => labels.push(&number.to_string()).or_else(refuse),
                (_, _, text) => labels.push(text.unwrap_or_default()).or_else(refuse),
            }
        })?;
        Ok((Answers::One(labels), labelled))
    }

    /// Several targets, a number in each column, and which rows have them all.
    fn numbers(&self) -> Result<(Answers, Vec<bool>)> {
        let mut columns = vec![Vec::new(); self.targets.len()];
        for (&leaf, column) in self.targets.iter().zip(&mut columns) {
            self.leaves.each(leaf, &mut |value| {
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
                self.leaves.path(),
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

    /// The sizes of the images, as far as their beginnings tell them.
    fn sizes(&self, column: usize) -> Result<Sizes> {
        let mut sizes = Sizes::default();
        self.leaves.each(column, &mut |value| {
            if let Value::Bytes(bytes) = value {
                sizes.count(picture::size(std::io::Cursor::new(bytes)));
            }
            Ok(())
        })?;
        Ok(sizes)
    }

    /// A set of images.
    fn image_set(
        &self,
        column: usize,
        mut answers: Answers,
        labelled: &[bool],
        classes: Option<Vec<String>>,
    ) -> Result<Source> {
        let PictureOptions { resize, skip_broken, .. } = self.reading.pictures;
        let sizes = if resize.is_some() { Sizes::default() } else { self.sizes(column)? };
        let (wanted, stretched) = sizes.wanted(self.reading);
        let (mut pictures, mut row, mut sample) = (Pictures::default(), 0, 0);
        let (mut rows, mut whole, mut broken) = (Vec::new(), Vec::new(), Vec::new());
        self.leaves.each(column, &mut |value| {
            let here = row;
            row += 1;
            if labelled.get(here) == Some(&false) {
                return Ok(());
            }
            sample += 1;
            let refuse = |problem: String| {
                let hint = message![
                    "restore the image or remove the row; ",
                    Setting::SkipBroken,
                    " leaves such images out"
                ];
                self.leaves.wrong(here, column, &problem, hint)
            };
            let decoded = match value {
                Value::Bytes(bytes) => {
                    Picture::decode(bytes, wanted.after(pictures.shape)).and_then(|picture| {
                        picture.ok_or_else(|| "these bytes are not a PNG or JPEG image".into())
                    })
                }
                _ => Err("the image is missing".to_owned()),
            };
            let picture = match decoded {
                Ok(picture) => picture,
                Err(problem) if *skip_broken => {
                    broken.push(refuse(problem));
                    return Ok(());
                }
                Err(problem) => return Err(refuse(problem)),
            };
            rows.push(here as u32);
            whole.push(sample - 1);
            pictures.push(&picture, self.reading.memory).map_err(|problem| {
                let hint = message![
                    Setting::MemoryLimit,
                    " allows more memory; ",
                    Setting::Resize,
                    " makes images smaller"
                ];
                self.leaves.wrong(here, column, &problem, hint)
            })
        })?;
        let unlabelled = labelled.len() - answers.len();
        if !broken.is_empty() && sample == answers.len() {
            answers = answers.part(&whole);
        }
        let (features, image_shape, count) = (pictures.features(), pictures.shape, answers.len());
        // No values a row: the images have no rows, whatever the labels have.
        if features == 0 || pictures.bytes.len() != count * features {
            let bytes = pictures.bytes.len();
            let problem = format!("it has {count} labels, and {bytes} bytes of rows of {features} values");
            return Err(Error::file(self.leaves.path(), problem, "the file is damaged: download it again"));
        }
        let named = match &self.targets[..] {
            &[label] => format!("labels in column `{}`", self.leaves.name(label)),
            targets => {
                let names: Vec<String> = targets.iter().map(|&leaf| self.leaves.name(leaf)).collect();
                format!("targets in columns {}", names.join(", "))
            }
        };
        let what = format!(
            "{} of images: {count} rows of {}, {named}",
            self.files_in_words(),
            part::row_words(image_shape, features)
        );
        let unlabelled = (unlabelled > 0).then(|| {
            let rows = if unlabelled == 1 { "row without a label is" } else { "rows without a label are" };
            format!("{unlabelled} {rows} left out").into()
        });
        let broken = pictures::broken_in_words(&broken).map(Message::from);
        let notes = unlabelled.into_iter().chain(stretched).chain(broken).collect();
        let train = Part {
            path: self.leaves.path().to_owned(),
            format: Format::Bytes,
            features,
            image_shape,
            columns: None,
            rows: Rows::Memory(pictures.bytes),
            answers,
            weights: None,
            origins: Some(rows),
            files: None,
        };
        let target = Some(self.leaves.name(self.targets[0]));
        Ok(Source { what, notes, train, validation: None, test: None, classes, target, schema: None })
    }

    /// The values of the rows that have a label, column by column.
    fn values(&self, labelled: &[bool], raw: &mut RawTable<'_>) -> Result<()> {
        for (at, leaf) in raw.places().into_iter().enumerate() {
            let (column, kind) = (&self.leaves.columns()[leaf], self.leaves.kind(leaf));
            if column.path().parts().len() != 1 || column.max_rep_level() != 0 || !kind.is_plain() {
                let problem =
                    format!("column `{}` has neither plain numbers, text nor dates", self.leaves.name(leaf));
                let hint = message!["turn it into numbers, or leave it out with ", Setting::Exclude];
                return Err(Error::file(self.leaves.path(), problem, hint));
            }
            let mut row = 0;
            self.leaves.each(leaf, &mut |value| {
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
                let value = kind.cell(value, &self.spelling).map_err(refuse)?;
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
                return Err(Error::file(
                    self.leaves.path(),
                    problem,
                    "the file is damaged: download it again",
                ));
            }
        }
        Ok(())
    }
}

/// The rows that have a label.
fn kept(labelled: &[bool]) -> Vec<u32> {
    (0..).zip(labelled).filter(|(_, labelled)| **labelled).map(|(row, _)| row).collect()
}
