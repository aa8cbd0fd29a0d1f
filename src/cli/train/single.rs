//! One run, new or resumed.

use std::time::Instant;

use clap::ValueEnum;

use super::args::TrainArgs;
use super::configuration::{self, conflict};
use super::face;
use super::recovery;
use super::session::Session;
use crate::cli::choice::{BackendChoice, DeviceChoice};
use crate::cli::interrupt;
use crate::cli::loading;
use crate::cli::output::note;
use crate::data::{Dataset, Fitted, Fold};
use crate::engine::team::Teamwork;
use crate::error::{Error, Result};
use crate::training::Plan;
use crate::training::run::{self, RunConfig, RunDir};

/// Trains one run; a new one of a cross-validation has its configuration and its fold from there.
///
/// # Errors
/// What reading the data, the device, training or writing the run reports.
pub fn train(args: &TrainArgs, given: &[String], fold: Option<(&RunConfig, Fold)>) -> Result<u8> {
    let Ready { session, device, resumed } = prepare(args, given, fold, None)?;
    interrupt::listen("saving and stopping; Ctrl-C again stops at once, without saving");
    pollster::block_on(recovery::run(&session, device, None, resumed))
}

/// A run that can begin: its options are checked, and its data are read.
pub(super) struct Ready<'a> {
    pub session: Session<'a>,
    pub device: DeviceChoice,
    pub resumed: Option<RunDir>,
}

/// Reads options and data. Of a team only rank 0 takes the folder of a run that goes on, and only it shows the run.
///
/// # Errors
/// As [`train`].
pub(super) fn prepare<'a>(
    args: &'a TrainArgs,
    given: &[String],
    fold: Option<(&RunConfig, Fold)>,
    teamwork: Option<Teamwork<'a>>,
) -> Result<Ready<'a>> {
    let begun = Instant::now();
    let leads = teamwork.is_none_or(|teamwork| teamwork.leads());
    let face = if leads { face::wanted(args)? } else { face::none() };
    let mut resumed = args.resumed()?;
    if leads {
        resumed = resumed.map(RunDir::to_train).transpose()?;
    }
    let mut config = match (&resumed, fold) {
        (Some(run), _) => configuration::resumed(run.config()?, args, given)?,
        (None, Some((config, fold))) => config.clone().of_fold(fold),
        (None, None) => configuration::configured(args, given)?,
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
    if let Some(out) = args.out.as_ref().filter(|_| leads && resumed.is_none() && !args.overwrite) {
        RunDir::check_free(out)?;
    }
    let device = DeviceChoice {
        backend: BackendChoice::from_str(&config.backend, true).map_err(Error::usage)?,
        adapter: config.adapter.clone(),
        precision: config.precision,
        checked: args.device.checked,
        threads: args.device.threads,
        turn: teamwork.map_or(0, |teamwork| teamwork.team.local_rank()),
    };
    device.check()?;
    let own = Some(config.data.clone()).filter(|data| !data.is_empty());
    let data = if fold.is_some() { own } else { args.data.data.clone().or(own) };
    // A resumed run reads its data as it did: what was fitted to them is in its model, once there is one.
    let same_data = |named: &str| loading::same_data(&config.data, named);
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
    // What is said of the data has been said at the first fold.
    let later = fold.is_some_and(|(_, fold)| fold.number > 1);
    let dataset = loading::load(data.as_deref(), &args.data, &config.loading, fitted, args.quiet || later)?;
    let place = place(&dataset);
    if resumed.is_some() && place != config.data {
        return Err(conflict("data", &place, &config.data));
    }
    if let Some(run) = resumed.as_ref().filter(|run| run.has_state()) {
        loading::require_same(run, &dataset, "a resumed run needs the samples that it began with")?;
    }
    config.data = place;
    let plan = Plan::new(&config.train, &dataset)?;
    if plan.train.len() < config.train.batch_size && !(args.quiet || later) {
        note(&format!(
            "there are {} training samples, fewer than a batch of {}, so each epoch is one step with all of them; a smaller \
             --batch-size makes more steps",
            plan.train.len(),
            config.train.batch_size
        ));
    }
    let session = Session { args, config, dataset, plan, init, begun, face, teamwork };
    Ok(Ready { session, device, resumed })
}

/// Where a data set is. A name may come to mean another set, once that has been fetched; a place may not.
pub(in crate::cli) fn place(dataset: &Dataset) -> String {
    match std::path::absolute(&dataset.origin) {
        Ok(path) if path.exists() => path.display().to_string(),
        _ => dataset.name.clone(),
    }
}
