//! What a sweep trains: a new one from the options, or the one that is continued.

use std::path::Path;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::args::SweepArgs;
use crate::cli::choice::{BackendChoice, DeviceChoice};
use crate::cli::loading;
use crate::cli::output::note;
use crate::cli::train::{Options, TrainArgs, configuration, place, unused_folder};
use crate::data::{Dataset, Fold, LoadOptions};
use crate::error::{Error, Result};
use crate::training::run::sweep::{Sweep, SweepDir};
use crate::training::run::{RunConfig, RunDir};
use crate::training::sweep::{Axis, Rung, drawn, grid, rungs};
use crate::words::numerals::counted;

/// The part of the training samples that trials are compared by, if there is no such part.
const HELD_OUT: f64 = 0.1;

/// A sweep, and what it takes to train its trials.
pub(super) struct Plan {
    pub sweep: SweepDir,
    pub device: DeviceChoice,
    /// The data, or of folds those of the first.
    pub dataset: Dataset,
}

impl Plan {
    /// The configuration of a trial.
    pub fn config(&self, trial: usize, fold: Option<Fold>) -> Result<RunConfig> {
        let config = self.sweep.config(trial)?;
        Ok(match fold {
            Some(fold) => config.of_fold(fold),
            None => config,
        })
    }

    /// How many trials are trained up to which epoch; without halving all of them to their end.
    pub fn rungs(&self) -> Vec<Rung> {
        let Sweep { config, trials, halving, .. } = &self.sweep.sweep;
        match halving {
            true => rungs(trials.len(), config.train.total_epochs()),
            false => vec![Rung { trials: trials.len(), epochs: usize::MAX }],
        }
    }

    /// The data of a fold.
    pub fn dataset(&self, args: &SweepArgs, fold: Option<Fold>) -> Result<Dataset> {
        match fold {
            Some(fold) if fold.number > 1 => {
                let config = self.sweep.sweep.config.clone().of_fold(fold);
                loading::load(Some(&config.data), &args.data, &config.loading, None, true)
            }
            _ => Ok(self.dataset.clone()),
        }
    }
}

/// What the arguments ask for.
///
/// # Errors
/// [`Error::Usage`] for options that cannot be meant; what reading the data reports.
pub(super) fn of(args: &SweepArgs, given: &[String]) -> Result<Plan> {
    match &args.resume {
        None => begin(args, given),
        Some(path) => resume(args, path),
    }
}

fn resume(args: &SweepArgs, path: &Path) -> Result<Plan> {
    let Some(sweep) = SweepDir::open(path)? else {
        let hint = "name the folder of a sweep; a run is continued with gpu-mlp train --resume";
        return Err(Error::file(path, "no sweep here: it has no sweep.json", hint));
    };
    let (axes, fixed) = args.varied.axes()?;
    if !axes.is_empty() || !fixed.is_empty() || args.trials.is_some() || args.folds.is_some() || args.halving
    {
        let problem = "--resume continues a sweep as it was begun";
        return Err(
            Error::usage(problem).hint("leave the training options, --trials, --folds and --halving out")
        );
    }
    join(args, sweep)
}

/// A sweep that there is, with the device and the data of this process.
///
/// # Errors
/// What reading the data reports.
pub(super) fn join(args: &SweepArgs, sweep: SweepDir) -> Result<Plan> {
    let config = &sweep.sweep.config;
    let backend = match args.device.backend {
        BackendChoice::Auto => BackendChoice::from_str(&config.backend, true).map_err(Error::usage)?,
        other => other,
    };
    let adapter = args.device.adapter.clone().or(config.adapter.clone());
    let device = DeviceChoice { backend, adapter, precision: config.precision, ..args.device.clone() };
    device.check()?;
    let config = match sweep.folds()?.first().copied().flatten() {
        Some(fold) => config.clone().of_fold(fold),
        None => config.clone(),
    };
    let dataset = loading::load(Some(&config.data), &args.data, &config.loading, None, args.quiet)?;
    if let Some(run) = sweep.runs()?.first() {
        let why = "a sweep is continued with the samples that it began with";
        loading::require_same(&RunDir::open(run)?, &dataset, why)?;
    }
    Ok(Plan { sweep, device, dataset })
}

fn begin(args: &SweepArgs, given: &[String]) -> Result<Plan> {
    let (axes, fixed) = args.varied.axes()?;
    if axes.is_empty() {
        let problem = "no option has several values, so there is nothing to compare";
        return Err(Error::usage(problem).hint("give some: --lr 0.01,0.03,0.1, or --seed 1..5"));
    }
    args.device.check()?;
    let mut config = configured(args, given, &fixed)?;
    let combinations = match args.trials {
        Some(count) => drawn(&axes, count, config.train.seed)?,
        None => grid(&axes)?,
    };
    if let Some(out) = args.out.as_ref().filter(|_| !args.overwrite && args.shard.is_none()) {
        RunDir::check_free(out)?;
    }
    let first = args.folds.map(|folds| Fold::new(1, folds)).transpose()?;
    let dataset = load(args, &mut config, first)?;
    let mut trials = Vec::new();
    for combination in &combinations {
        trials.push(trial(args, given, (&axes, &fixed), &config, combination)?);
    }
    let options = axes.iter().map(|axis| axis.option.replace('-', "_")).collect();
    let sweep = Sweep { config, options, trials, folds: args.folds, halving: args.halving };
    if args.halving && sweep.options.iter().any(|option| option == "epochs") {
        let problem =
            "--halving trains trials for different numbers of epochs, so --epochs cannot have several";
        return Err(Error::usage(problem).hint("give one number: that of the best trials"));
    }
    let path = match &args.out {
        Some(out) => out.clone(),
        None => unused_folder(&format!("{}-sweep", dataset.name))?,
    };
    let sweep = SweepDir::create(&path, sweep, args.overwrite)?;
    Ok(Plan { sweep, device: args.device.clone(), dataset })
}

/// The arguments with which `train` would train it.
fn train_args(args: &SweepArgs, options: Options) -> TrainArgs {
    TrainArgs::silent(&args.data, &args.device, options, args.config.clone())
}

impl SweepArgs {
    /// The arguments of a run whose configuration is known.
    pub fn of_run(&self) -> Result<TrainArgs> {
        Ok(train_args(self, self.varied.parsed(&[])?))
    }
}

/// The configuration that words of a command line stand for, beside the data and the device.
fn configured(args: &SweepArgs, given: &[String], words: &[String]) -> Result<RunConfig> {
    let name = |word: &String| {
        let option = word.trim_start_matches('-');
        option.split_once('=').map_or(option, |(option, _)| option).replace('-', "_")
    };
    let beside = given.iter().filter(|name| !args.varied.has(name)).cloned();
    let given: Vec<String> = beside.chain(words.iter().map(name)).collect();
    configuration::configured(&train_args(args, args.varied.parsed(words)?), &given)
}

/// What a trial has otherwise than the sweep.
fn trial(
    args: &SweepArgs,
    given: &[String],
    (axes, fixed): (&[Axis], &[String]),
    base: &RunConfig,
    combination: &[String],
) -> Result<Map<String, Value>> {
    let varied =
        axes.iter().zip(combination).flat_map(|(axis, value)| args.varied.words(&axis.option, value));
    let words: Vec<String> = fixed.iter().cloned().chain(varied).collect();
    let own = configured(args, given, &words)?;
    own.train.check()?;
    let (own, base) = (own.values()?, base.values()?);
    let is_axis = |name: &String| axes.iter().any(|axis| axis.option.replace('-', "_") == *name);
    let common = ["data", "validation_fraction"];
    let differs =
        |name: &String, value: &Value| !common.contains(&name.as_str()) && base.get(name) != Some(value);
    Ok(own.into_iter().filter(|(name, value)| is_axis(name) || differs(name, value)).collect())
}

/// The data. Without a part to compare trials by, one is taken from the training samples.
fn load(args: &SweepArgs, config: &mut RunConfig, fold: Option<Fold>) -> Result<Dataset> {
    let data = Some(config.data.clone()).filter(|data| !data.is_empty());
    let read = |loading: &LoadOptions| loading::load(data.as_deref(), &args.data, loading, None, args.quiet);
    let own = LoadOptions { fold, ..config.loading.clone() };
    let mut dataset = read(&own)?;
    loading::check_side_by_side(&dataset, "sweep")?;
    if dataset.validation.is_none() && fold.is_none() {
        config.loading.validation_fraction = HELD_OUT;
        dataset = loading::load(data.as_deref(), &args.data, &config.loading, None, true)?;
        if !args.quiet {
            let held_out = dataset.validation.as_ref().map_or(0, |samples| samples.len());
            note(&format!(
                "trials are compared by {} taken from the training part (--validation-fraction {HELD_OUT})",
                counted(held_out, "sample")
            ));
        }
    }
    config.data = place(&dataset);
    Ok(dataset)
}
