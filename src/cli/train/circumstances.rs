//! The data and the device of a training, new or resumed.

use clap::ValueEnum;

use super::args::TrainArgs;
use super::configuration::conflict;
use crate::cli::choice::{BackendChoice, DeviceChoice};
use crate::cli::loading;
use crate::cli::output::note;
use crate::data::{Dataset, Fitted};
use crate::error::{Error, Result};
use crate::network::Parameters;
use crate::training::Plan;
use crate::training::checkpoint::ModelInfo;
use crate::training::run::{self, RunConfig, RunDir};

/// The device that a configuration names.
///
/// # Errors
/// [`Error::Usage`] for one that cannot be meant on this platform.
pub(in crate::cli) fn device(args: &TrainArgs, config: &RunConfig) -> Result<DeviceChoice> {
    let device = DeviceChoice {
        backend: BackendChoice::from_str(&config.backend, true).map_err(Error::usage)?,
        adapter: config.adapter.clone(),
        precision: config.precision,
        checked: args.device.checked,
        threads: args.device.threads,
        turn: 0,
    };
    device.check()?;
    Ok(device)
}

/// The data of a training, under the place where they are. `resumed` is a run that it goes on with, `init` the model that it
/// begins with.
///
/// # Errors
/// What reading the data reports; [`Error::Usage`] or [`Error::File`] if they are not those of the run.
pub(super) fn data(
    args: &TrainArgs,
    config: &mut RunConfig,
    resumed: Option<&RunDir>,
    init: Option<&(Parameters, ModelInfo)>,
    quiet: bool,
) -> Result<Dataset> {
    let own = Some(config.data.clone()).filter(|data| !data.is_empty());
    // Of a fold that is what the first one has read.
    let data = if config.loading.fold.is_some() { own } else { args.data.data.clone().or(own) };
    // A resumed run reads its data as it did: what was fitted to them is in its model, once there is one.
    let same_data = |named: &str| loading::same_data(&config.data, named);
    let own = match resumed {
        Some(run) if run.model().is_file() && args.data.data.as_deref().is_none_or(same_data) => {
            Some(run::load_model(run.path())?)
        }
        _ => None,
    };
    let fitted = own.as_ref().or(init).map(|(_, info)| Fitted {
        preparation: &info.preparation,
        inputs: info.spec.inputs(),
        whole: false,
    });
    let dataset = loading::load(data.as_deref(), &args.data, &config.loading, fitted, quiet)?;
    let place = place(&dataset);
    if resumed.is_some() && place != config.data {
        return Err(conflict("data", &place, &config.data));
    }
    if let Some(run) = resumed.filter(|run| run.has_state()) {
        loading::require_same(run, &dataset, "a resumed run needs the samples that it began with")?;
    }
    config.data = place;
    Ok(dataset)
}

/// Which samples are for what; a note says if they make less than a batch.
///
/// # Errors
/// As [`Plan::new`].
pub(super) fn plan(config: &RunConfig, dataset: &Dataset, quiet: bool) -> Result<Plan> {
    let plan = Plan::new(&config.train, dataset)?;
    if plan.train.len() < config.train.batch_size && !quiet {
        note(&format!(
            "there are {} training samples, fewer than a batch of {}, so each epoch is one step with all of them; a smaller \
             --batch-size makes more steps",
            plan.train.len(),
            config.train.batch_size
        ));
    }
    Ok(plan)
}

/// Where a data set is. A name may come to mean another set, once that has been fetched; a place may not.
pub(in crate::cli) fn place(dataset: &Dataset) -> String {
    match std::path::absolute(&dataset.origin) {
        Ok(path) if path.exists() => path.display().to_string(),
        _ => dataset.name.clone(),
    }
}
