//! A folder of parts as a data set whose rows stay on the disk.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::file::Opened;
use super::manifest::{Entry, MANIFEST, Manifest};
use super::order::WINDOW;
use super::store::Parts;
use crate::data::samples::Samples;
use crate::data::source::{Fitted, LoadOptions, weighted};
use crate::data::{Dataset, Targets};
use crate::error::{Error, Result, Setting, message};
use crate::network::Task;
use crate::words::numerals::{counted, thousands};

/// Parts that are kept in memory of a split that is trained on: those of a stretch of the order, the next one, and one that is being
/// left. Other splits are read from their beginning to their end.
const ROOM: usize = WINDOW + 2;
const ROOM_TO_MEASURE: usize = 2;

/// Opens a folder of parts: reads what the samples are to be answered with, and leaves the rows where they are. Says in a line what it is.
///
/// # Errors
/// [`Error::Usage`] for options that had to be given when the parts were made, and if memory does not hold the parts that are in use
/// at a time; [`Error::File`] for damaged parts, and for those that were not prepared as the model that they are for.
pub fn open(
    folder: &Path,
    options: &LoadOptions,
    fitted: Option<Fitted<'_>>,
    memory: u64,
) -> Result<(Dataset, String)> {
    check(folder, options)?;
    let manifest = Manifest::read(folder)?;
    let other = fitted.filter(|model| *model.preparation != manifest.preparation);
    if other.is_some() {
        let problem =
            "its values or classes were prepared otherwise than those that the model was trained on";
        let hint =
            "measure it on the files that the parts were made of: they are prepared as the model expects";
        return Err(Error::file(folder.join(MANIFEST), problem, hint));
    }
    let room =
        [(&manifest.train, ROOM), (&manifest.validation, ROOM_TO_MEASURE), (&manifest.test, ROOM_TO_MEASURE)];
    check_memory(&manifest, &room, folder, memory)?;
    let [train, validation, test] = room.map(|(entries, room)| samples(folder, &manifest, entries, room));
    let names = &manifest.preparation.class_names;
    let class_weight = options.class_weight.as_deref();
    let Some((train, weights)) = train? else {
        return Err(Error::Internal("parts without one to train on".into()));
    };
    let train = weighted(train, weights, class_weight, manifest.preparation.task(), names)?;
    let (validation, test) = (validation?.map(|(samples, _)| samples), test?.map(|(samples, _)| samples));
    let what = in_words(&manifest, &train, validation.as_ref(), test.as_ref());
    let dataset = Dataset {
        name: manifest.name,
        origin: folder.display().to_string(),
        image_shape: manifest.image_shape,
        classes: manifest.preparation.class_names.len(),
        test: test.unwrap_or_else(|| train.clone()),
        train,
        validation,
        preparation: manifest.preparation,
    };
    Ok((dataset, what))
}

fn in_words(
    manifest: &Manifest,
    train: &Samples,
    validation: Option<&Samples>,
    test: Option<&Samples>,
) -> String {
    let count = |samples: &Samples| thousands(samples.len());
    let validation = validation.map_or(String::new(), |samples| format!(", {} validation", count(samples)));
    let test = test.map_or(String::new(), |samples| format!(", {} test", count(samples)));
    format!(
        "a set in {}, {} of which are in memory at a time: {} training{validation}{test} samples of {}",
        counted(manifest.entries().count(), "part"),
        ROOM.min(manifest.train.len()),
        count(train),
        counted(manifest.features, "value")
    )
}

/// Whether the options leave alone what was decided when the parts were made.
fn check(folder: &Path, options: &LoadOptions) -> Result<()> {
    let default = LoadOptions::default();
    let (table, usual) = (&options.table, &default.table);
    let asked = [
        (Setting::Folds, options.fold.is_some()),
        (Setting::LabelColumn, options.label_column.is_some()),
        (Setting::WeightColumn, options.weight_column.is_some()),
        (Setting::Task, options.task.is_some()),
        (Setting::TestData, options.test_data.is_some()),
        (Setting::TestFraction, options.test_fraction != default.test_fraction),
        (Setting::ValidationData, options.validation_data.is_some()),
        (Setting::ValidationFraction, options.validation_fraction != default.validation_fraction),
        (Setting::Scale, options.scale != default.scale),
        (Setting::Columns, table.columns.is_some()),
        (Setting::Exclude, table.exclude.is_some()),
        (Setting::MaxCategories, table.max_categories != usual.max_categories),
        (Setting::Missing, table.missing != usual.missing),
        (Setting::Header, table.header.is_some()),
        (Setting::Separator, table.separator.is_some()),
        (Setting::DecimalComma, table.decimal_comma),
        (Setting::NaValues, table.na_values.is_some()),
        (Setting::Resize, options.pictures.resize.is_some()),
        (Setting::SkipBroken, options.pictures.skip_broken),
        (Setting::Transpose, options.pictures.transpose),
        (Setting::NpzKeys, options.npz_keys.is_some()),
    ];
    let folder = folder.display();
    match asked.into_iter().find(|(_, asked)| *asked) {
        None => Ok(()),
        Some((Setting::Folds, _)) => {
            let problem = message![
                Setting::Folds,
                format!(
                    ": {folder} is a set in parts, which is read in order, and folds take samples from everywhere"
                )
            ];
            Err(Error::usage(problem).hint("name the files that the parts were made of, or some of them"))
        }
        Some((setting, _)) => {
            let problem = message![
                setting,
                format!(": {folder} is a set in parts, for which this was decided when they were made")
            ];
            let hint =
                message![setting.without(), "; or make other parts: `gpu-mlp data shard` has the option"];
            Err(Error::usage(problem).hint(hint))
        }
    }
}

/// Whether memory holds the answers and the parts that are in use at a time.
fn check_memory(
    manifest: &Manifest,
    room: &[(&Vec<Entry>, usize)],
    folder: &Path,
    memory: u64,
) -> Result<()> {
    let row = (manifest.features * manifest.format.size()) as u64;
    let answer = match manifest.preparation.task() {
        Task::Classification => 1,
        Task::MultiLabel | Task::Regression => manifest.preparation.class_names.len() as u64,
    };
    let needed = room.iter().fold(0_u64, |sum, (entries, room)| {
        let largest = entries.iter().map(|entry| entry.rows as u64).max().unwrap_or(0);
        let rows: u64 = entries.iter().map(|entry| entry.rows as u64).sum();
        let parts = largest.saturating_mul(row).saturating_mul(entries.len().min(*room) as u64);
        sum.saturating_add(parts).saturating_add(rows.saturating_mul(4 * answer))
    });
    if needed <= memory {
        return Ok(());
    }
    let problem = format!(
        "{} is a set in parts: their labels and the parts that are in use at a time take {needed} bytes, more than {memory}",
        folder.display()
    );
    let hint = message![
        "allow more with ",
        Setting::MemoryLimit,
        "; or make smaller parts: `gpu-mlp data shard --part-size`"
    ];
    Err(Error::usage(problem).hint(hint))
}

/// The samples of a split and their weights, if it has parts.
fn samples(
    folder: &Path,
    manifest: &Manifest,
    entries: &[Entry],
    room: usize,
) -> Result<Option<(Samples, Option<Vec<f32>>)>> {
    let Manifest { format, features, preparation, .. } = manifest;
    let names = preparation.class_names.len();
    let (mut classes, mut numbers, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let (mut files, mut digest, mut rows) = (Vec::new(), Sha256::new(), 0);
    for Entry { file, rows: own, sha256, .. } in entries {
        let path = folder.join(file);
        let mut part = Opened::open(&path, *own)?;
        match preparation.task() {
            Task::Classification => classes.extend(part.classes(names)?),
            Task::MultiLabel | Task::Regression => numbers.extend(part.numbers(names)?),
        }
        weights.extend(part.weights()?.unwrap_or_default());
        digest.update(sha256);
        rows += own;
        files.push((path.clone(), *own));
        if !weights.is_empty() && weights.len() != rows {
            return Err(Error::file(
                path,
                "some parts have weights of samples and others have none",
                "make them again",
            ));
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    let digest = digest.finalize().iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let parts = Parts::new(*format, *features, files, room, digest);
    let samples = match preparation.task() {
        Task::Classification => Samples::in_parts(parts, classes, names)?,
        Task::MultiLabel | Task::Regression => {
            Samples::in_parts(parts, vec![0; rows], 1)?.with_targets(Targets::values(names, numbers)?)?
        }
    };
    Ok(Some((samples, Some(weights).filter(|weights| !weights.is_empty()))))
}
