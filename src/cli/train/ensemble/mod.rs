//! `train --ensemble`: a run for each member, and what they are worth together.

mod members;
mod table;

use std::time::Instant;

use self::members::Members;
use super::args::TrainArgs;
use super::sitting::unused_folder;
use super::{circumstances, configuration};
use crate::cli::loading::check_side_by_side;
use crate::cli::output::note;
use crate::error::{Error, Result};
use crate::training::run::RunDir;
use crate::training::run::ensemble::{EnsembleDir, first_run};

/// The ensemble to go on with, if the user wants that and there is one.
///
/// # Errors
/// [`Error::Usage`] if there is something else, or an ensemble of another size.
pub(super) fn resumed(args: &TrainArgs) -> Result<Option<EnsembleDir>> {
    let Some(path) = args.resume.as_ref().and_then(|run| run.as_ref().or(args.out.as_ref())) else {
        return Ok(None);
    };
    match (EnsembleDir::open(path)?, args.ensemble) {
        (Some(own), Some(members)) if own.dir.count != members => {
            Err(configuration::conflict("ensemble", &members, &own.dir.count))
        }
        (Some(_), None) if args.folds.is_some() => {
            let problem = format!("--folds: {} holds an ensemble", path.display());
            Err(Error::usage(problem).hint("leave --folds out, or name another folder"))
        }
        (None, Some(members)) if RunDir::open(path).is_ok() => {
            let problem = format!("--ensemble {members}: {} holds a single run", path.display());
            Err(Error::usage(problem).hint("leave --ensemble out, or name another folder with --out"))
        }
        (own, _) => Ok(own),
    }
}

/// Trains a new ensemble, and returns the exit code.
///
/// # Errors
/// What reading the data, the device, training or writing the runs reports; [`Error::Diverged`] if all members do.
pub(super) fn begin(args: &TrainArgs, given: &[String], members: usize) -> Result<u8> {
    let begun = Instant::now();
    let mut config = configuration::configured(args, given)?;
    config.train.check()?;
    EnsembleDir::check(members, &config)?;
    if let Some(out) = args.out.as_ref().filter(|_| !args.overwrite) {
        RunDir::check_free(out)?;
    }
    let choice = circumstances::device(args, &config)?;
    let dataset = circumstances::data(args, &mut config, None, None, args.quiet)?;
    check_side_by_side(&dataset, "--ensemble")?;
    let plan = circumstances::plan(&config, &dataset, args.quiet)?;
    let (device, notice) = pollster::block_on(choice.open())?;
    notice.filter(|_| !args.quiet).iter().for_each(|text| note(text));
    let path = match &args.out {
        Some(out) => out.clone(),
        None => unused_folder(&format!("{}-ensemble", dataset.name))?,
    };
    let own = EnsembleDir::create(&path, members, config, args.overwrite)?;
    Members { args, own, dataset, plan, choice, device, begun }.train()
}

/// Trains on, and returns the exit code.
///
/// # Errors
/// As [`begin`], and [`Error::Usage`] for options that differ from the ensemble's.
pub(super) fn go_on(args: &TrainArgs, given: &[String], mut own: EnsembleDir) -> Result<u8> {
    let begun = Instant::now();
    let mut config = configuration::resumed(own.dir.config.clone(), args, given)?;
    config.train.check()?;
    let choice = circumstances::device(args, &config)?;
    let first = first_run(own.dir.path()).ok();
    let dataset = circumstances::data(args, &mut config, first.as_ref(), None, args.quiet)?;
    let plan = circumstances::plan(&config, &dataset, args.quiet)?;
    let (device, notice) = pollster::block_on(choice.open())?;
    notice.filter(|_| !args.quiet).iter().for_each(|text| note(text));
    own.dir.config = config;
    own.dir.write()?;
    Members { args, own, dataset, plan, choice, device, begun }.train()
}
