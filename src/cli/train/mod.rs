//! `gpu-mlp train`: a new run, or a resumed one.

mod args;
pub mod config_file;
mod configuration;
mod face;
mod options;
mod recorder;
mod recovery;
mod session;
mod sitting;

use std::time::Instant;

use clap::ValueEnum;
use clap::parser::ValueSource;

pub use args::TrainArgs;

use self::configuration::conflict;
use self::session::Session;
use super::choice::{self, BackendChoice, DeviceChoice};
use super::interrupt;
use super::output::note;
use crate::data::{Dataset, Fitted};
use crate::error::{Error, Result};
use crate::training::Plan;
use crate::training::run::{self, RunDir};

/// The options that the user gave, as opposed to defaults.
pub(super) fn given(matches: &clap::ArgMatches) -> Vec<String> {
    let explicit = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    // Two flags give one option.
    let name = |id: &clap::Id| if id == "no_header" { "header".to_owned() } else { id.as_str().to_owned() };
    matches.ids().filter(explicit).map(name).collect()
}

/// Runs `gpu-mlp train`; `given` names the options that the user gave.
///
/// # Errors
/// What reading the data, the device, training or writing the run reports.
pub fn run(args: &TrainArgs, given: &[String]) -> Result<u8> {
    let begun = Instant::now();
    let face = face::wanted(args)?;
    let resumed = args.resumed()?;
    let mut config = match &resumed {
        Some(run) => configuration::resumed(run.config()?, args, given)?,
        None => configuration::configured(args, given)?,
    };
    let init = match (&resumed, &config.init) {
        (Some(run), Some(_)) => Some(run.init()?),
        (None, Some(path)) => Some(run::load_model(path)?),
        (_, None) => None,
    };
    if let (None, Some((_, info))) = (&resumed, &init) {
        configuration::begin_with(&info.spec, &mut config, given)?;
    }
    config.train.check()?;
    if let Some(out) = args.out.as_ref().filter(|_| resumed.is_none() && !args.overwrite) {
        RunDir::check_free(out)?;
    }
    let device = DeviceChoice {
        backend: BackendChoice::from_str(&config.backend, true).map_err(Error::usage)?,
        adapter: config.adapter.clone(),
        checked: args.device.checked,
    };
    device.check()?;
    let data = args.data.data.clone().or_else(|| Some(config.data.clone()).filter(|data| !data.is_empty()));
    // A resumed run reads its data as it did: what was fitted to them is in its model, once there is one.
    let same_data = |named: &str| choice::same_data(&config.data, named);
    let own = match &resumed {
        Some(run) if run.model().is_file() && args.data.data.as_deref().is_none_or(same_data) => {
            Some(run::load_model(run.path())?)
        }
        _ => None,
    };
    let fitted = own.as_ref().or(init.as_ref()).map(|(_, info)| Fitted {
        preparation: &info.preparation,
        inputs: info.spec.inputs(),
        whole: false,
    });
    let dataset = choice::load(data.as_deref(), &args.data, &config.loading, fitted, args.quiet)?;
    let place = place(&dataset);
    if resumed.is_some() && place != config.data {
        return Err(conflict("data", &place, &config.data));
    }
    config.data = place;
    let plan = Plan::new(&config.train, &dataset)?;
    if plan.train.len() < config.train.batch_size && !args.quiet {
        note(&format!(
            "--batch-size {} is more than the {} training samples, so each epoch is one step with all of them; a smaller \
             --batch-size makes more steps",
            config.train.batch_size,
            plan.train.len()
        ));
    }
    interrupt::listen("saving and stopping; Ctrl-C again stops at once, without saving");
    let session = Session { args, config, dataset, plan, init, begun, face };
    pollster::block_on(recovery::run(&session, device, resumed))
}

/// Where a data set is. A name may come to mean another set, once that has been fetched; a place may not.
fn place(dataset: &Dataset) -> String {
    match std::path::absolute(&dataset.origin) {
        Ok(path) if path.exists() => path.display().to_string(),
        _ => dataset.name.clone(),
    }
}
