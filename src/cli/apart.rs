//! Files that a command writes are none that it reads.

use std::path::{Path, PathBuf};

use super::choice::{DataChoice, LoadChoice};
use crate::error::{Error, Result};
use crate::training::run::ensemble::{EnsembleDir, first_run};

/// Endings of files in which samples are kept.
const KEPT: [&str; 7] = ["npy", "npz", "png", "jpg", "jpeg", "parquet", "gz"];

/// Names, without their endings, of the tables in a folder of tables.
const TABLES: [&str; 7] = ["train", "training", "test", "testing", "val", "valid", "validation"];

/// What a run keeps in its folder.
const RUN: [&str; 7] = [
    "config.json",
    "metrics.jsonl",
    "model.safetensors",
    "checkpoint.safetensors",
    "init.safetensors",
    "folds.json",
    "ensemble.json",
];

/// Refuses to write to what is read.
///
/// # Errors
/// [`Error::Usage`] if `out` is one of the inputs, or samples in a folder that is one.
pub(super) fn check(flag: &str, out: &Path, inputs: &[PathBuf]) -> Result<()> {
    let Ok(own) = out.canonicalize() else { return Ok(()) };
    let is_input = |input: &&PathBuf| {
        let input = input.canonicalize().ok();
        input.is_some_and(|input| own == input || (own.starts_with(&input) && may_be_samples(&own)))
    };
    match inputs.iter().find(is_input) {
        None => Ok(()),
        Some(input) => {
            let input = input.display();
            let problem = format!("{flag} {} would replace what is read from {input}", out.display());
            Err(Error::usage(problem).hint("name another file"))
        }
    }
}

/// Whether a file in a folder of data is of them, by its name.
fn may_be_samples(path: &Path) -> bool {
    let lower = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().to_lowercase();
    let (stem, ending) = (lower(path.file_stem()), lower(path.extension()));
    KEPT.contains(&ending.as_str())
        || TABLES.contains(&stem.as_str())
        || stem.contains("-idx")
        || ending.starts_with("idx")
}

/// What a command reads that measures a model: the files of the model or its run, and data.
pub(super) fn of_model(model: &Path, choice: &DataChoice) -> Result<Vec<PathBuf>> {
    let mut inputs = of_run(model);
    inputs.extend(of_data(choice.data.as_deref(), &choice.loading));
    if model.is_dir() && choice.data.is_none() {
        let own = first_run(model)?.config()?;
        inputs.extend(
            [PathBuf::from(own.data)]
                .into_iter()
                .chain(own.loading.test_data)
                .chain(own.loading.validation_data),
        );
    }
    Ok(inputs)
}

/// The files of a run, of an ensemble those of its members too, or the model's file.
pub(super) fn of_run(model: &Path) -> Vec<PathBuf> {
    if !model.is_dir() {
        return vec![model.to_owned()];
    }
    let members = EnsembleDir::open(model).ok().flatten().map_or(Vec::new(), |own| own.dir.runs());
    let folders = std::iter::once(model.to_owned()).chain(members);
    folders.flat_map(|folder| RUN.map(|name| folder.join(name))).collect()
}

/// The data that were named.
pub(super) fn of_data(data: Option<&str>, loading: &LoadChoice) -> Vec<PathBuf> {
    let options = loading.options();
    data.map(PathBuf::from).into_iter().chain(options.test_data).chain(options.validation_data).collect()
}
