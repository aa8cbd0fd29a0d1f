//! What a path holds, told by its content, and how it is read: every form gives the same [`Source`], and there is one way
//! from there to a data set.

mod class_folders;
mod csv;
mod form;
mod labels;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod pictures;
mod set;

use std::path::Path;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::Dataset;
use super::preparation::Preparation;
use crate::error::{Error, Result, Setting, message};

pub(super) use form::read;
pub(super) use labels::Labels;
#[cfg(feature = "parquet")]
pub use parquet::THREAD as PARQUET_THREAD;
pub(super) use part::{Part, Rows, floats};
pub use set::LoadOptions;
pub(super) use set::{Reading, Source};

impl Source {
    /// Adds the part to test on, where the source has none: from `--test-data`, or split off.
    fn with_test(self, options: &LoadOptions, reading: Reading<'_>) -> Result<Self> {
        let source = self.with_given_test(options, reading)?;
        if source.test.is_some() {
            return Ok(source);
        }
        // A class is known even if chance leaves no sample of it to train on.
        let classes = Some(source.class_names());
        let test = chosen(source.train.len(), options.test_fraction)?;
        let (train, test) = source.train.split_off(&test)?;
        Ok(Self { train, test: Some(test), classes, what: source.what })
    }

    /// Adds the part to test on that `test_data` names.
    pub fn with_given_test(self, options: &LoadOptions, reading: Reading<'_>) -> Result<Self> {
        let given =
            options.test_data.is_some() || options.test_fraction != LoadOptions::default().test_fraction;
        match (&self.test, &options.test_data) {
            (Some(_), _) if given => Err(Error::usage(message![
                format!("{} has a test part of its own: leave ", self.train.path.display()),
                Setting::TestData,
                " and ",
                Setting::TestFraction,
                " out"
            ])),
            (Some(_), _) => Ok(self),
            (None, Some(path)) => {
                let left = reading.memory.saturating_sub(self.train.memory());
                // Its own test part, if it has one, is more of the same.
                let test = read(path, Reading { memory: left, ..reading })?;
                let classes = Some(self.class_names());
                Ok(Self { test: Some(test.train), classes, ..self })
            }
            (None, None) => Ok(self),
        }
    }

    /// Makes a data set of it, and says in a line what it was taken for. What a model was trained with comes as `fitted`;
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
        fitted: Option<(&Preparation, usize)>,
        reading: Reading<'_>,
    ) -> Result<(Dataset, String)> {
        let source = self.with_test(options, reading)?;
        let features = source.train.features;
        if let Some((_, inputs)) = fitted.filter(|&(_, inputs)| inputs != features) {
            return Err(Error::usage(format!(
                "the model takes {inputs} inputs, but {name} has {features} features"
            ))
            .hint(message!["name the data that it was trained for with ", Setting::Data]));
        }
        let preparation = match fitted {
            Some((preparation, _)) => preparation.clone(),
            None => Preparation { scaling: source.scaling(options.scale), class_names: source.class_names() },
        };
        if let [only] = preparation.class_names.as_slice() {
            let problem =
                format!("{}: all have the label `{only}`, and there is nothing to learn", source.what);
            let hint = message![
                "add samples of other classes; of a table, name the column of the labels with ",
                Setting::LabelColumn
            ];
            return Err(Error::file(&source.train.path, problem, hint));
        }
        let Self { what, train, test: Some(test), .. } = source else {
            return Err(Error::Internal("a set without a test part".into()));
        };
        same_shape(&train, &test)?;
        let left = reading.memory;
        let image_shape = train.image_shape.unwrap_or([1, features]);
        let what = format!(
            "{what}; {} samples to train and {} to test on, {} classes; values: {}",
            train.len(),
            test.len(),
            preparation.class_names.len(),
            preparation.scaling.words()
        );
        let dataset = Dataset {
            name: name.to_owned(),
            origin: origin.display().to_string(),
            image_shape,
            classes: preparation.class_names.len(),
            train: train.samples(&preparation, left)?,
            test: test.samples(&preparation, left)?,
            preparation,
        };
        Ok((dataset, what))
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
        let problem = format!("it has {} values a sample, and {one} has {}", test.features, train.features);
        return Err(Error::file(&test.path, problem, "use training and test files of one set"));
    }
    Ok(())
}

/// A random part of the rows to test on, the same every time.
fn chosen(rows: usize, fraction: f64) -> Result<Vec<usize>> {
    let count = (fraction * rows as f64).round() as usize;
    if !(fraction > 0.0 && fraction < 1.0) || count == 0 || count >= rows {
        return Err(Error::usage(message![
            Setting::TestFraction.set(fraction),
            format!(" takes {count} of {rows} samples to test on: both parts need one")
        ])
        .hint(message![
            "a fraction between 0 and 1, or a file or folder of its own with ",
            Setting::TestData
        ]));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    order.truncate(count);
    Ok(order)
}
