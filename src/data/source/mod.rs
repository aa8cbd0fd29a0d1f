//! Recognises the format of a path by its content and reads it: every format gives the same [`Source`], and there is one
//! way from there to a data set.

mod answers;
mod array_files;
mod class_folders;
mod csv;
mod form;
mod labels;
pub(super) mod misplaced;
mod npy_pair;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod parquet_folder;
mod part;
mod pictures;
mod pooled;
mod raw;
mod roles;
mod set;
mod split;
mod table_folder;
mod weights;

use std::path::Path;

use super::classes::{self, Class};
use super::columns::{Tally, constant, of_words};
use super::dataset::Dataset;
use super::format::Format;
use super::listed::listed;
use super::picture_options::Frame;
use super::preparation::Preparation;
use super::samples::Samples;
use super::scaling::{BRIGHT, Scale, Scaling};
use super::schema::Schema;
use super::table::may_be_missing;
use crate::error::{Error, Message, Result, Setting, message};
use crate::network::Task;
use crate::words::numerals::counted;

pub(super) use answers::{Answers, Numbers};
pub(super) use form::read;
pub(super) use labels::{Labels, sort};
pub(super) use part::{Part, Rows, floats, row_words};
pub use set::{Fitted, LoadOptions};
pub(super) use set::{Reading, Source};
pub(super) use weights::weighted;

/// Values beyond this are too large for the rates and the weights that networks begin with.
pub(super) const LARGE: f32 = 10.0;

/// Images that are looked at to tell whether they are bright.
const LOOKED_AT: usize = 500;

impl Source {
    /// The same set, whose targets are of the kind that it is for.
    ///
    /// # Errors
    /// [`Error::File`] if they are not.
    pub fn of_task(mut self, task: Task) -> Result<Self> {
        if task == Task::Classification {
            let labels = self.train.answers.one_hot(&self.train.path)?;
            if self.classes.is_none() {
                labels.check(&self.train.path)?;
            }
            self.train.answers = Answers::One(labels);
        } else {
            // Before anything is split off, so that a sample's number is its row in the file.
            let name = self.target.as_deref().unwrap_or("target");
            self.train.answers.numbers(task, name, &self.train.path)?;
        }
        Ok(self)
    }

    /// Makes a data set of it, describes it in one line, and says what else is to be said. The preparation of a trained model comes as `fitted`;
    /// else it is fitted here, to the training part alone.
    ///
    /// # Errors
    /// [`Error::File`] for parts that do not fit each other or the model; [`Error::Usage`] for options that cannot be
    /// meant.
    pub fn dataset(
        self,
        name: &str,
        origin: &Path,
        options: &LoadOptions,
        fitted: Option<Fitted<'_>>,
        reading: Reading<'_>,
    ) -> Result<(Dataset, String, Vec<Message>)> {
        let (task, why) = match fitted {
            Some(model) => (model.preparation.task(), None),
            None => self.task(options.task),
        };
        let source = self.of_task(task)?.with_given(options, reading, task)?;
        let all = options.test_fraction == 0.0 && source.test.is_none() && options.fold.is_none();
        let whole = all || (fitted.is_some_and(|model| model.whole) && source.test.is_none());
        let source = source.with_shares(options, task, !whole)?;
        let schema = match (fitted, &source.schema, &source.train.rows) {
            (Some(model), Some(draft), Rows::Columns(_)) => {
                Some(model.preparation.schema.as_ref().unwrap_or(draft).clone())
            }
            (None, Some(draft), Rows::Columns(columns)) => Some(draft.fitted(columns, &options.table)),
            _ => None,
        };
        let features = schema.as_ref().map_or(source.train.features, Schema::width);
        if let Some(Fitted { inputs, .. }) = fitted.filter(|model| model.inputs != features) {
            return Err(Error::usage(format!(
                "the model has {}, but {name} has {}",
                counted(inputs, "input"),
                counted(features, "feature")
            ))
            .hint(message!["use ", Setting::Data, " to name the data that it was trained on"]));
        }
        let columns = match (fitted, &schema, &source.train.rows) {
            (None, Some(schema), Rows::Columns(columns)) => Some((&schema.inputs, columns)),
            _ => None,
        };
        let of_columns: Vec<String> = columns
            .map(|(inputs, columns)| {
                of_words(inputs, columns).into_iter().chain(constant(inputs, columns)).collect()
            })
            .unwrap_or_default();
        let mut preparation = match fitted {
            Some(model) => model.preparation.clone(),
            None => {
                let (outputs, class_names) = source.outputs(task)?;
                let scaling = source.scaling(options.scale, schema.as_ref(), reading.memory);
                // Pixels without names are an image, in whatever form.
                let is_image = |schema: &&Schema| !schema.is_named() && source.train.image_shape.is_some();
                let schema = schema.as_ref().filter(|schema| !is_image(schema)).cloned();
                Preparation { scaling, class_names, outputs, schema, frame: None }
            }
        };
        let Self { what, mut notes, mut train, validation, test, .. } = source;
        notes.extend(of_columns.into_iter().map(Message::from));
        if all {
            notes.push("there is no test set: what is called the test set is the training set".into());
        }
        let left = reading.memory;
        let image_shape = train.image_shape.unwrap_or([1, features]);
        let what = format!(
            "{what}; {}, {}; values: {}{}",
            parts_in_words(&train, validation.as_ref(), test.as_ref()),
            outputs_in_words(task, &preparation.class_names),
            preparation.scaling.words(),
            taken_for(task, why)
        );
        let (column, names) = (train.weights.take(), &preparation.class_names);
        let class_weight = options.class_weight.as_deref();
        for part in test.iter().chain(&validation) {
            same_shape(&train, part)?;
        }
        let mut tally = Tally::default();
        let train = train.samples(&preparation, schema.as_ref(), left, &mut tally)?;
        let train = weighted(train, column, class_weight, task, names)?;
        let test = match test {
            Some(test) => test.samples(&preparation, schema.as_ref(), left, &mut tally)?,
            None => train.clone(),
        };
        let validation = validation
            .map(|part| part.samples(&preparation, schema.as_ref(), left, &mut tally))
            .transpose()?;
        if fitted.is_none() {
            let doubtful = preparation.class_names.iter().filter(|name| may_be_missing(name)).cloned();
            let doubtful: Vec<String> = doubtful.filter(|_| task == Task::Classification).collect();
            notes.extend((!doubtful.is_empty()).then(|| {
                format!("taken as classes, though they may be missing labels: {}; name them as missing values if they are", listed(&doubtful)).into()
            }));
            notes.extend(warnings(&train, &test, &preparation, options.scale).into_iter().map(Message::from));
            notes.extend(brightness(&train, &preparation.scaling)?.map(Message::from));
        }
        notes.extend(schema.iter().flat_map(|schema| tally.notes(&schema.inputs)).map(Message::from));
        if fitted.is_none() && image_shape[0] > 1 {
            preparation.frame = Some(Frame::of(&train, image_shape)?);
        }
        let dataset = Dataset {
            name: name.to_owned(),
            origin: origin.display().to_string(),
            image_shape,
            classes: preparation.class_names.len(),
            train,
            validation,
            test,
            preparation,
        };
        Ok((dataset, what, notes))
    }
}

/// What may go wrong in training on such samples.
fn warnings(train: &Samples, test: &Samples, preparation: &Preparation, scale: Scale) -> Vec<String> {
    let mut warnings = match preparation.task() {
        Task::Classification => {
            let classes = Class::counted(&preparation.class_names, train.labels(), test.labels());
            classes::warnings(&classes, true)
        }
        Task::MultiLabel | Task::Regression => Vec::new(),
    };
    let largest = train.largest().filter(|_| preparation.scaling == Scaling::None);
    warnings.extend(largest.filter(|&largest| largest > LARGE).map(|largest| match scale {
        Scale::Auto => {
            format!(
                "a few values lie far from all others and reach {largest}: correct them if they are mistakes"
            )
        }
        _ => format!(
            "the values are not scaled and reach {largest}: without scaling, training is likely to diverge"
        ),
    }));
    warnings
}

/// That bright images stayed bytes, if so.
///
/// # Errors
/// What reading samples from their file reports.
fn brightness(train: &Samples, scaling: &Scaling) -> Result<Option<String>> {
    if train.format() != Format::Bytes || *scaling != Scaling::Bytes {
        return Ok(None);
    }
    let every = train.len().div_ceil(LOOKED_AT);
    let some: Vec<u32> = (0..train.len() as u32).step_by(every).collect();
    let bytes = train.read(&some)?;
    let mean = bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>() / bytes.len() as f64;
    Ok((mean > BRIGHT * 255.0).then(|| {
        format!(
            "the images are bright (on average {mean:.0} of 255), and there is no room to standardise them: training may learn little; \
             invert them (255 - value), or allow more memory"
        )
    }))
}

/// How many samples the parts have; without another part, all of them.
fn parts_in_words(train: &Part, validation: Option<&Part>, test: Option<&Part>) -> String {
    let train = train.len();
    match (validation.map(Part::len), test.map(Part::len)) {
        (Some(validation), Some(test)) => {
            format!("{train} training, {validation} validation and {test} test samples")
        }
        (Some(validation), None) => format!("{train} training and {validation} validation samples"),
        (None, Some(test)) => format!("{train} training and {test} test samples"),
        (None, None) => format!("all {train} samples"),
    }
}

/// What the outputs of a network are, and of few how they are called.
fn outputs_in_words(task: Task, names: &[String]) -> String {
    let (count, kind) = match task {
        Task::Classification => return format!("{} classes", names.len()),
        Task::MultiLabel => (names.len(), "label"),
        Task::Regression => (names.len(), "target"),
    };
    let many = if count == 1 { "" } else { "s" };
    let named = if count <= 8 { format!(" ({})", names.join(", ")) } else { String::new() };
    format!("{count} {kind}{many}{named}")
}

/// The task that was chosen, if the user did not choose it.
fn taken_for(task: Task, why: Option<&str>) -> String {
    match why {
        None => String::new(),
        Some(why) => format!("; the targets are {why}, so the task is {}", task.name()),
    }
}

fn same_shape(train: &Part, test: &Part) -> Result<()> {
    let one = train.path.display();
    if let (Some([rows, cols]), Some([test_rows, test_cols])) = (train.image_shape, test.image_shape)
        && (rows, cols) != (test_rows, test_cols)
    {
        let problem = format!(
            "its images are {test_rows} x {test_cols} pixels, but those in {one} are {rows} x {cols}"
        );
        return Err(Error::file(&test.path, problem, "use training and test files of one set"));
    }
    if train.features != test.features {
        let problem = format!(
            "it has {} per sample, but {one} has {}",
            counted(test.features, "value"),
            train.features
        );
        return Err(Error::file(&test.path, problem, "use training and test files of one set"));
    }
    Ok(())
}
