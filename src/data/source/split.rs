//! The parts of a source: to train on, to choose by, and to test on.

use std::path::Path;

use super::{Part, Reading, Source, form};
use crate::data::{Fold, LoadOptions, shares};
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;

impl Source {
    /// Adds the parts that options name: files to test and to validate on.
    ///
    /// # Errors
    /// [`Error::Usage`] for a part that the source has itself, or that is asked for in two ways; what reading reports.
    pub fn with_given(mut self, options: &LoadOptions, reading: Reading<'_>, task: Task) -> Result<Self> {
        let default = LoadOptions::default();
        let fraction = options.test_fraction != default.test_fraction;
        let held_out = options.validation_fraction != default.validation_fraction;
        if options.fold.is_some() && (options.test_data.is_some() || fraction) {
            let problem = message![Setting::Folds, " tests on folds of the training samples"];
            let hint = message!["leave ", Setting::TestData, " and ", Setting::TestFraction, " out"];
            return Err(Error::usage(problem).hint(hint));
        }
        if options.validation_data.is_some() && held_out {
            let problem = message![Setting::ValidationData, " and ", Setting::ValidationFraction];
            return Err(
                Error::usage(problem.and(" both say what to validate on")).hint("leave one of them out")
            );
        }
        let path = &self.train.path;
        let own = |kind: &str, one: Setting, other: Setting| {
            let problem =
                message![format!("{} has its own {kind} set: leave ", path.display()), one, " and "];
            Err(Error::usage(problem.and(other).and(" out")))
        };
        if self.test.is_some() && (options.test_data.is_some() || fraction) {
            return own("test", Setting::TestData, Setting::TestFraction);
        }
        if self.validation.is_some() && (options.validation_data.is_some() || held_out) {
            return own("validation", Setting::ValidationData, Setting::ValidationFraction);
        }
        if let Some(path) = &options.test_data {
            self.test = Some(self.read_part(path, reading, task)?);
        }
        if let Some(path) = &options.validation_data {
            self.validation = Some(self.read_part(path, reading, task)?);
        }
        Ok(self)
    }

    /// Another file as a part of the same set; a part of its own to test on is left out.
    fn read_part(&mut self, path: &Path, reading: Reading<'_>, task: Task) -> Result<Part> {
        let parts = [Some(&self.train), self.test.as_ref()];
        let taken: u64 = parts.into_iter().flatten().map(Part::memory).sum();
        let memory = reading.memory.saturating_sub(taken);
        let schema = reading.schema.or(self.schema.as_ref());
        let size = reading.size.or(self.train.image_shape);
        let part = form::read(path, Reading { memory, schema, size, ..reading })?;
        self.classes = self.known_classes(task);
        self.notes.extend(part.notes.into_iter().map(|note| note.of(path)));
        Ok(part.train)
    }

    /// The classes, which are known even if chance leaves no sample of one to train on.
    fn known_classes(&self, task: Task) -> Option<Vec<String>> {
        Some(self.class_names()).filter(|_| task == Task::Classification)
    }

    /// Splits off what to test on and what to choose by, as far as the source has no such parts and the options ask for
    /// them. `tested` says whether there has to be something to test on.
    ///
    /// # Errors
    /// [`Error::Usage`] if nothing would be left in a part.
    pub fn with_shares(self, options: &LoadOptions, task: Task, tested: bool) -> Result<Self> {
        let classes = self.known_classes(task);
        let Self { mut train, mut test, mut validation, mut notes, .. } = self;
        if let Some(fold) = options.fold {
            if test.take().is_some() {
                notes.push(
                    "its own test set is left out: each fold is tested on samples of the training set".into(),
                );
            }
            let rows = of_fold(&train, options, fold, task)?;
            let (kept, taken) = train.split_off(&rows);
            (train, test) = (kept, Some(taken));
        } else if test.is_none() && tested {
            let rows = to_test(&train, options, task)?;
            let (kept, taken) = train.split_off(&rows);
            (train, test) = (kept, Some(taken));
        }
        if validation.is_none() && options.validation_fraction != 0.0 {
            let rows = to_validate(&train, options, task)?;
            let (kept, taken) = train.split_off(&rows);
            (train, validation) = (kept, Some(taken));
        }
        Ok(Self { train, test, validation, notes, classes, ..self })
    }
}

/// A number for each row by which the choice is stratified, if it is.
fn groups<'p>(part: &'p Part, options: &LoadOptions, task: Task) -> Option<&'p [u32]> {
    let labels = part.answers.labels().filter(|_| options.stratified && task == Task::Classification);
    labels.and_then(|labels| labels.groups())
}

fn to_test(part: &Part, options: &LoadOptions, task: Task) -> Result<Vec<usize>> {
    let count = shares::count(Setting::TestFraction, options.test_fraction, part.len()).map_err(|error| {
        error.hint(message![
            "give a fraction between 0 and 1, such as 0.2 for a fifth of the samples, or a test set with ",
            Setting::TestData,
            "; ",
            Setting::TestFraction.set(0),
            " trains on all samples"
        ])
    })?;
    Ok(shares::chosen(part.len(), groups(part, options, task), count, options.split_seed))
}

fn to_validate(part: &Part, options: &LoadOptions, task: Task) -> Result<Vec<usize>> {
    let count = shares::count(Setting::ValidationFraction, options.validation_fraction, part.len())?;
    Ok(match options.validation_seed {
        Some(seed) => shares::chosen_of_earlier(part.len(), count, seed),
        None => shares::chosen(part.len(), groups(part, options, task), count, options.split_seed),
    })
}

fn of_fold(part: &Part, options: &LoadOptions, fold: Fold, task: Task) -> Result<Vec<usize>> {
    let rows = part.len();
    if fold.of > rows {
        let problem = message![Setting::Folds.set(fold.of), format!(": there are only {rows} samples")];
        return Err(Error::usage(problem).hint("use fewer folds than samples"));
    }
    Ok(shares::of_fold(rows, groups(part, options, task), fold, options.split_seed))
}
