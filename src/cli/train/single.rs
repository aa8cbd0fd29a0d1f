//! One run, new or resumed.

use std::time::Instant;

use super::args::TrainArgs;
use super::circumstances;
use super::configuration;
use super::face;
use super::recovery;
use super::session::Session;
use crate::cli::choice::DeviceChoice;
use crate::cli::interrupt;
use crate::data::Fold;
use crate::engine::team::Teamwork;
use crate::error::Result;
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
        turn: teamwork.map_or(0, |teamwork| teamwork.team.local_rank()),
        ..circumstances::device(args, &config)?
    };
    // What is said of the data has been said at the first fold.
    let quiet = args.quiet || fold.is_some_and(|(_, fold)| fold.number > 1);
    let dataset = circumstances::data(args, &mut config, resumed.as_ref(), init.as_ref(), quiet)?;
    let plan = circumstances::plan(&config, &dataset, quiet)?;
    let session = Session { args, config, dataset, plan, init, begun, face, teamwork };
    Ok(Ready { session, device, resumed })
}
