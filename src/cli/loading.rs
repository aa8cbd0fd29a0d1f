//! Data for a command; those for a trained model are told apart from what it was trained on.

use std::path::Path;

use super::choice::DataChoice;
use super::output::{note, thousands, words};
use crate::data::{self, Dataset, Fitted, LoadOptions, Loaded};
use crate::error::{Error, Result};
use crate::files::folder::around;
use crate::training::checkpoint::ModelInfo;
use crate::training::run::RunDir;
use crate::training::run::ensemble::first_run;

/// Loads a data set, and shows a note about the choice.
pub(super) fn load(
    data: Option<&str>,
    choice: &DataChoice,
    options: &LoadOptions,
    fitted: Option<Fitted<'_>>,
    quiet: bool,
) -> Result<Dataset> {
    Ok(shown(read(data, choice, options, fitted)?, quiet))
}

fn read(
    data: Option<&str>,
    choice: &DataChoice,
    options: &LoadOptions,
    fitted: Option<Fitted<'_>>,
) -> Result<Loaded> {
    let (data_dir, memory_limit) = (choice.data_dir.as_deref(), Some(choice.memory_limit.0));
    data::load(data::Request { data, data_dir, memory_limit, options: Some(options), fitted })
}

fn shown(loaded: Loaded, quiet: bool) -> Dataset {
    if !quiet {
        loaded.notice.iter().for_each(|text| note(text));
        loaded.notes.iter().for_each(|text| note(&words(text)));
    }
    loaded.dataset
}

/// The data for a trained model: a run's own, unless others are named. They have to fit it. A run's own are split as the run
/// split them, under whatever path they lie now; of others the model has seen nothing, and without a test part of their own
/// they are taken as a whole. So are a run's own that have changed: nobody knows which of them the model has seen.
pub(super) fn load_for(model: &Path, info: &ModelInfo, choice: &DataChoice) -> Result<Dataset> {
    let options = choice.loading.options();
    options.check_for_model()?;
    let fitted = |whole| Some(Fitted { preparation: &info.preparation, inputs: info.spec.inputs(), whole });
    let splits = options.splits();
    let Some(run) = run_of(model)? else {
        return load(choice.data.as_deref(), choice, &options, fitted(!splits), false);
    };
    let (own, is_run) = (run.config()?, model.is_dir());
    let as_own = LoadOptions {
        label_column: options.label_column.clone().or(own.loading.label_column.clone()),
        weight_column: options.weight_column.clone().or(own.loading.weight_column.clone()),
        ..own.loading.clone()
    };
    let named = choice.data.as_deref();
    if is_run && named.is_none_or(|named| same_data(&own.data, named) && !splits) {
        let data = named.unwrap_or(&own.data);
        let loaded = read(Some(data), choice, &as_own, fitted(false))?;
        let Some(how) = changed(&run, &loaded.dataset)? else { return Ok(shown(loaded, false)) };
        let whole = LoadOptions { fold: None, validation_fraction: 0.0, ..as_own };
        let dataset = load(Some(data), choice, &whole, fitted(true), false)?;
        let taken = match dataset.is_whole() {
            true => format!(
                "which samples were held out is not known, so all {} are taken, and the network may have been trained on \
                 some of them",
                thousands(dataset.test.len())
            ),
            false => "its own test set is taken as it is now".to_owned(),
        };
        note(&format!("{data} has changed since training ({how}): {taken}"));
        return Ok(dataset);
    }
    let loaded = read(named, choice, &options, fitted(!splits))?;
    let was = if splits || !loaded.dataset.is_whole() { None } else { run.fingerprint()? };
    match was {
        Some(was) if was == loaded.dataset.fingerprint()? => {}
        _ => return Ok(shown(loaded, false)),
    }
    let data = named.unwrap_or(&loaded.dataset.name).to_owned();
    if !is_run {
        let run = run.path().display();
        let dataset = shown(loaded, false);
        note(&format!(
            "{data} has the samples that {run} was trained on: name the run to measure those held out"
        ));
        return Ok(dataset);
    }
    let dataset = load(Some(&data), choice, &as_own, fitted(false), false)?;
    note(&format!("{data} has the samples of the run's own data, so it is split as the run split them"));
    Ok(dataset)
}

/// A run's own data, split as the run split them.
///
/// # Errors
/// [`Error::File`] if they have changed; what reading them reports.
pub(super) fn load_own(path: &Path, info: &ModelInfo, choice: &DataChoice, quiet: bool) -> Result<Dataset> {
    let run = first_run(path)?;
    let own = run.config()?;
    let fitted = Fitted { preparation: &info.preparation, inputs: info.spec.inputs(), whole: false };
    let loaded = read(Some(&own.data), choice, &own.loading, Some(fitted))?;
    require_same(&run, &loaded.dataset, "which samples were held out is not known")?;
    Ok(shown(loaded, quiet))
}

/// Whether a run's data are those that it was trained on.
///
/// # Errors
/// [`Error::File`] if they are not, for a reason why they have to be.
pub(super) fn require_same(run: &RunDir, dataset: &Dataset, why: &str) -> Result<()> {
    let Some(how) = changed(run, dataset)? else { return Ok(()) };
    let problem = format!("the data have changed since training ({how}): {why}");
    let hint = format!(
        "put the data back as they were; or begin a new run with its network: gpu-mlp train --init {}",
        run.path().display()
    );
    Err(Error::file(Path::new(&dataset.origin), problem, hint))
}

/// How a run's data have changed since it was trained, if they have. Runs of earlier versions do not say.
fn changed(run: &RunDir, dataset: &Dataset) -> Result<Option<String>> {
    let Some(was) = run.fingerprint()? else { return Ok(None) };
    let now = dataset.fingerprint()?;
    let samples = match now.samples == was.samples {
        true => format!("there are {} samples as before, but not the same", thousands(now.samples)),
        false => format!("there were {} samples, now {}", thousands(was.samples), thousands(now.samples)),
    };
    Ok((now != was).then_some(samples))
}

/// The run that a model is of: a folder, or the one that holds the file; of an ensemble its first member.
fn run_of(model: &Path) -> Result<Option<RunDir>> {
    if model.is_dir() {
        return first_run(model).map(Some);
    }
    Ok(RunDir::open(around(model)).ok().filter(|run| run.model().file_name() == model.file_name()))
}

/// Whether data can be trained on side by side, which `what` does.
///
/// # Errors
/// [`Error::Usage`] if they are a set in parts.
pub(super) fn check_side_by_side(dataset: &Dataset, what: &str) -> Result<()> {
    if !dataset.train.is_in_parts() {
        return Ok(());
    }
    let problem = format!(
        "{what}: {} is a set in parts, which is read in the order of one training, and {what} has several at once",
        dataset.origin
    );
    Err(Error::usage(problem).hint("name some of the files that the parts were made of"))
}

/// Whether a run's data are what was named: the same name, or the same file.
pub(super) fn same_data(own: &str, named: &str) -> bool {
    let file = |path: &str| Path::new(path).canonicalize().ok();
    own == named || file(own).is_some_and(|own| file(named) == Some(own))
}
