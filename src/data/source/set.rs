//! A data set as its files have it, and the options for reading it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Answers;
use super::labels;
use super::part::{Part, Rows, floats};
use crate::data::columns::{Cells, Input, Kind, Value, days};
use crate::data::format::Format;
use crate::data::picture_options::PictureOptions;
use crate::data::preparation::{Outputs, Preparation};
use crate::data::scaling::{Scale, Scaling, Spread};
use crate::data::schema::Schema;
use crate::data::shares::Fold;
use crate::data::table_options::TableOptions;
use crate::error::{Error, Message, Result, Setting, message};
use crate::network::Task;

/// What the parts of a set are called in the names of their files and folders, in lower case.
pub const TRAIN: [&str; 2] = ["train", "training"];
pub const TEST: [&str; 2] = ["test", "testing"];
pub const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

/// Said where the only part beside that to train on is one to validate on.
pub const VALIDATION_AS_TEST: &str =
    "there is no test set, so the validation set is taken as the test set: nothing is chosen by it";

/// How what was read becomes a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadOptions {
    /// Of a table: the column with the labels, by its name or its place from 0; or several with commas between them.
    pub label_column: Option<String>,
    /// Of a table: the column that says how much a sample counts in training, by its name or its place from 0.
    pub weight_column: Option<String>,
    /// What classes count in training: `balanced`, or `name=weight,…`.
    pub class_weight: Option<String>,
    /// What the data are for; if `None`, what their targets look like.
    pub task: Option<Task>,
    /// What to test on, if the data have no test part of their own.
    pub test_data: Option<PathBuf>,
    /// Else this part of the samples, chosen at random, always the same.
    pub test_fraction: f64,
    /// The seed of every choice of samples.
    pub split_seed: u64,
    /// Whether each class gives the same part; runs of version 0.1.0 do not say so, and chose among all samples.
    #[serde(default = "unstratified")]
    pub stratified: bool,
    /// What to choose the network of the best epoch by, if the data have no such part of their own.
    pub validation_data: Option<PathBuf>,
    /// Else this part of the training samples, chosen as those to test on; none if 0.
    pub validation_fraction: f64,
    /// Of runs of version 0.1.0: the seed of the training, by which they chose them. It is not written.
    #[serde(skip)]
    pub validation_seed: Option<u64>,
    /// The fold to test on, in place of all else.
    pub fold: Option<Fold>,
    /// How values are scaled.
    pub scale: Scale,
    /// How a table is read.
    #[serde(flatten)]
    pub table: TableOptions,
    /// How images are read.
    #[serde(flatten)]
    pub pictures: PictureOptions,
    /// Of arrays: which are values and labels, as `theirs=ours,…`; by their names if `None`.
    pub npz_keys: Option<String>,
}

fn unstratified() -> bool {
    false
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            label_column: None,
            weight_column: None,
            class_weight: None,
            task: None,
            test_data: None,
            test_fraction: 0.2,
            split_seed: 0,
            stratified: true,
            validation_data: None,
            validation_fraction: 0.0,
            validation_seed: None,
            fold: None,
            scale: Scale::Auto,
            table: TableOptions::default(),
            pictures: PictureOptions::default(),
            npz_keys: None,
        }
    }
}

impl LoadOptions {
    /// Whether they leave alone what a trained model fixes.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the first that does not.
    pub fn check_for_model(&self) -> Result<()> {
        let default = TableOptions::default();
        let asked = [
            (Setting::Columns, self.table.columns.is_some()),
            (Setting::Exclude, self.table.exclude.is_some()),
            (Setting::MaxCategories, self.table.max_categories != default.max_categories),
            (Setting::Scale, self.scale != Scale::Auto),
            (Setting::Task, self.task.is_some()),
        ];
        match asked.into_iter().find(|(_, asked)| *asked) {
            None => Ok(()),
            Some((setting, _)) => {
                let problem =
                    message![setting, ": a trained model knows its columns, their scaling and its task"];
                Err(Error::usage(problem).hint(setting.without()))
            }
        }
    }

    /// Whether they say what is to be split off, or read beside the data.
    pub fn splits(&self) -> bool {
        let Self { test_data, test_fraction, validation_data, validation_fraction, .. } = Self::default();
        (&self.test_data, self.test_fraction) != (&test_data, test_fraction)
            || (&self.validation_data, self.validation_fraction) != (&validation_data, validation_fraction)
    }
}

/// A model that data are for.
#[derive(Debug, Clone, Copy)]
pub struct Fitted<'a> {
    /// What it was trained with.
    pub preparation: &'a Preparation,
    /// How many values it takes.
    pub inputs: usize,
    /// Whether a set without a test part of its own is taken as a whole: nothing is split off, and both parts are all of it.
    pub whole: bool,
}

/// How a path is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Of a table: the column with the labels, or several.
    pub label_column: Option<&'a str>,
    /// Of a table: the column of weights.
    pub weight_column: Option<&'a str>,
    /// Of a table: the rest of how it is read.
    pub table: &'a TableOptions,
    /// How images are read.
    pub pictures: &'a PictureOptions,
    /// Of arrays: which are values and labels.
    pub npz_keys: Option<&'a str>,
    /// Rows and columns of the images that a model, or the other part of the set, has.
    pub size: Option<[usize; 2]>,
    /// Of a table: the columns of the one that a model, or the other part of the set, has.
    pub schema: Option<&'a Schema>,
    /// Of a table: all columns are numbers, since the model that it is for knows no columns.
    pub plain: bool,
    /// Bytes that samples may take in memory.
    pub memory: u64,
    /// Keep values that are missing or not finite, as NaN, so that they can be counted.
    pub keep_missing: bool,
}

/// A set as its files have it: nothing is scaled, and classes have names.
#[derive(Debug)]
pub struct Source {
    /// For people: the format of the data.
    pub what: String,
    /// For people: what else is to be said of how it was read.
    pub notes: Vec<Message>,
    /// What to learn from; or everything, if there is no part to test on.
    pub train: Part,
    /// What to choose by, if the source says so.
    pub validation: Option<Part>,
    /// What to test on, if the source says so.
    pub test: Option<Part>,
    /// The names of all classes, in order, if the source says so; else they are those of the labels.
    pub classes: Option<Vec<String>>,
    /// What the single column of targets is called, if it has a name.
    pub target: Option<String>,
    /// The columns of a table, to which nothing is fitted yet.
    pub schema: Option<Schema>,
}

impl Source {
    /// The names of all classes, in the order of the network's outputs.
    pub fn class_names(&self) -> Vec<String> {
        let parts =
            || [Some(&self.train), self.test.as_ref(), self.validation.as_ref()].into_iter().flatten();
        let names = || match &self.train.answers {
            Answers::Many(numbers) => numbers.names.clone(),
            Answers::One(_) => labels::sorted(parts().filter_map(|part| part.answers.labels())),
        };
        self.classes.clone().unwrap_or_else(names)
    }

    /// What the set is for: as asked, or as its targets look; and why, where nobody asked.
    pub fn task(&self, asked: Option<Task>) -> (Task, Option<&'static str>) {
        match asked {
            Some(task) => (task, None),
            // The classes are known, whatever they look like.
            None if self.classes.is_some() => (Task::Classification, None),
            None => {
                let (task, why) = self.train.answers.task(self.train.image_shape.is_some());
                (task, Some(why))
            }
        }
    }

    /// What a network's outputs for this set stand for, and what each is called.
    ///
    /// # Errors
    /// [`Error::File`] for targets that are none of the task.
    pub fn outputs(&self, task: Task) -> Result<(Outputs, Vec<String>)> {
        let path = &self.train.path;
        if task == Task::Classification {
            let names = self.class_names();
            if let [only] = names.as_slice() {
                let problem = format!(
                    "{}: all samples have the label `{only}`, so there is nothing to learn",
                    self.what
                );
                let hint = message![
                    "add samples of other classes; if it is a table, name the label column with ",
                    Setting::LabelColumn
                ];
                return Err(Error::file(path, problem, hint));
            }
            return Ok((Outputs::Classes, names));
        }
        let name = self.target.as_deref().unwrap_or("target");
        let numbers = self.train.answers.numbers(task, name, path)?;
        let outputs = match task {
            Task::Regression => numbers.standardised(path)?,
            Task::Classification | Task::MultiLabel => Outputs::Labels,
        };
        Ok((outputs, numbers.names))
    }

    /// How the training part is to be scaled, if its columns are those of `schema`. Bright images stay bytes if there is no room
    /// for them as numbers.
    pub fn scaling(&self, scale: Scale, schema: Option<&Schema>, memory: u64) -> Scaling {
        let Part { format, features, .. } = self.train;
        let rows = self.train.len();
        let spreads = match (&self.train.rows, format) {
            // What can be done to bytes that stay in their file; anything else is refused once they are asked for.
            (Rows::Disk(_), _) if scale == Scale::Auto => return Scaling::Bytes,
            (Rows::Disk(_), _) => return Scaling::None,
            (Rows::Columns(columns), _) => {
                schema.map_or(Vec::new(), |schema| spreads(&schema.inputs, columns))
            }
            (Rows::Memory(bytes), Format::Bytes) => {
                Spread::of_rows(bytes.iter().map(|&byte| f32::from(byte)), rows, features)
            }
            (Rows::Memory(bytes), Format::Floats) => Spread::of_rows(floats(bytes), rows, features),
        };
        let parts = [Some(&self.train), self.test.as_ref(), self.validation.as_ref()];
        let bytes: u64 = parts.into_iter().flatten().map(Part::memory).sum();
        match Scaling::fit(scale, format, &spreads) {
            // Scaled bytes take four times their memory.
            bright
                if scale == Scale::Auto
                    && bright.is_of_bright()
                    && format == Format::Bytes
                    && 4 * bytes > memory =>
            {
                Scaling::Bytes
            }
            scaling => scaling,
        }
    }
}

/// What the inputs of a network are like.
fn spreads(inputs: &[Input], columns: &[Cells]) -> Vec<Spread> {
    let of = |(input, cells): (&Input, &Cells)| {
        let mut spreads = vec![Spread::of_truth(); input.width()];
        match &input.kind {
            Kind::Number { fill } => spreads[0] = Spread::of_numbers(cells.values(), *fill),
            Kind::Date { first, parts, fill, .. } => {
                let fill = |at: usize| fill.as_ref().map(|fill| fill[at]);
                let of = |at: usize, number: &dyn Fn(f64) -> f64| {
                    let value = |value| match value {
                        Value::Date(seconds) => Value::Number(number(seconds)),
                        _ => Value::Missing,
                    };
                    Spread::of_numbers(cells.values().map(value), fill(at))
                };
                spreads[0] = of(0, &|seconds| days(seconds) - first);
                for (at, part) in (1..).zip(parts) {
                    spreads[at] = of(at, &|seconds| part.of(seconds));
                }
            }
            Kind::Boolean { .. } | Kind::Category { .. } => {}
        }
        spreads
    };
    inputs.iter().zip(columns).flat_map(of).collect()
}
