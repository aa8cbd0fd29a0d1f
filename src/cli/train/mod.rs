//! `gpu-mlp train`: a new run, or the rest of one.

mod display;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use clap::parser::ValueSource;

use self::session::Session;
use super::choice::{self, BackendChoice, DataChoice, DeviceChoice, Hidden};
use super::interrupt;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::run::{RunConfig, RunDir};
use crate::trainer::{Plan, TrainConfig};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp train                                  MNIST if it is here, else the built-in digits
  gpu-mlp train --data mnist --backend vulkan --hidden 512,256 --momentum 0.9
  gpu-mlp train --data flowers.csv --label-column species --hidden 16
  gpu-mlp train --data photos --test-data more-photos --scale standard
  gpu-mlp train --validation-fraction 0.1 --early-stopping 3 --epochs 100
  gpu-mlp train --resume runs/2026-01-31T12-00-00Z-digits

Exit codes are listed by `gpu-mlp --help`.";

/// Train a network, or go on with a run.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    /// Sizes of the hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    hidden: Hidden,
    /// Samples in a batch
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().batch_size)]
    batch_size: usize,
    /// Times that every sample is seen
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().epochs)]
    epochs: usize,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = TrainConfig::default().lr)]
    #[arg(allow_negative_numbers = true)]
    lr: f32,
    /// Momentum of gradient descent
    #[arg(long, value_name = "M", default_value_t = TrainConfig::default().momentum)]
    #[arg(allow_negative_numbers = true)]
    momentum: f32,
    /// L2 penalty on weights and biases
    #[arg(long, value_name = "D", default_value_t = TrainConfig::default().weight_decay)]
    #[arg(allow_negative_numbers = true)]
    weight_decay: f32,
    /// Seed of the weights, the shuffles and the hold-out
    #[arg(long, value_name = "N", default_value_t = TrainConfig::default().seed)]
    seed: u64,
    /// Part of the training samples held out for validation
    #[arg(long, value_name = "F", default_value_t = TrainConfig::default().validation_fraction)]
    #[arg(allow_negative_numbers = true)]
    validation_fraction: f64,
    /// Stop after so many epochs without a better validation loss
    #[arg(long, value_name = "PATIENCE")]
    early_stopping: Option<usize>,
    /// Train on so many batches only, the same in every epoch
    #[arg(long, value_name = "N")]
    overfit_batches: Option<usize>,
    /// One batch through everything, then stop
    #[arg(long)]
    dry_run: bool,
    /// Folder of the run [default: runs/<time>-<data>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run that --out already holds
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on with a run, from its newest epoch; without RUN, with the one in --out if there is one
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// JSON lines on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// No progress, no notes
    #[arg(long, short)]
    quiet: bool,
}

/// The options that the user gave, as opposed to defaults.
pub(super) fn given(matches: &clap::ArgMatches) -> Vec<String> {
    let explicit = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    matches.ids().filter(explicit).map(|id| id.as_str().to_owned()).collect()
}

impl TrainArgs {
    /// The configuration that the options describe.
    fn config(&self) -> RunConfig {
        RunConfig {
            data: self.data.data.clone().unwrap_or_default(),
            loading: self.data.loading.options(),
            backend: self.device.backend.name().into(),
            adapter: self.device.adapter.clone(),
            train: TrainConfig {
                hidden: self.hidden.0.clone(),
                batch_size: self.batch_size,
                epochs: self.epochs,
                lr: self.lr,
                momentum: self.momentum,
                weight_decay: self.weight_decay,
                seed: self.seed,
                validation_fraction: self.validation_fraction,
                early_stopping: self.early_stopping,
                overfit_batches: self.overfit_batches,
                dry_run: self.dry_run,
            },
        }
    }

    /// The run to go on with, if that is what is wanted and there is one.
    fn resumed(&self) -> Result<Option<RunDir>> {
        match (&self.resume, &self.out) {
            (None, _) => Ok(None),
            (Some(Some(run)), Some(out)) if run != out => Err(Error::Usage(format!(
                "--resume {} goes on in that folder; --out {} cannot be another",
                run.display(),
                out.display()
            ))),
            (Some(Some(run)), _) => RunDir::open(run).map(Some),
            (Some(None), Some(out)) => Ok(RunDir::open(out).ok()),
            (Some(None), None) => Err(Error::Usage(
                "--resume needs the folder of a run: --resume RUN, or --out RUN --resume".into(),
            )),
        }
    }
}

/// Runs `gpu-mlp train`; `given` names the options that are no defaults.
///
/// # Errors
/// What reading the data, the device, training or writing the run reports.
pub fn run(args: &TrainArgs, given: &[String]) -> Result<u8> {
    let begun = Instant::now();
    let resumed = args.resumed()?;
    let mut config = match &resumed {
        Some(run) => merged(run.config()?, &args.config(), given)?,
        None => args.config(),
    };
    config.train.check()?;
    if let Some(out) = args.out.as_ref().filter(|_| resumed.is_none() && !args.overwrite) {
        RunDir::check_free(out)?;
    }
    let device = DeviceChoice {
        backend: BackendChoice::from_str(&config.backend, true).map_err(Error::Usage)?,
        adapter: config.adapter.clone(),
    };
    device.check()?;
    let data = args.data.data.clone().or_else(|| resumed.is_some().then(|| config.data.clone()));
    let dataset = choice::load(data.as_deref(), &args.data, &config.loading, None, args.quiet)?;
    let place = place(&dataset);
    if resumed.is_some() && place != config.data {
        return Err(conflict("data", &place, &config.data));
    }
    config.data = place;
    let plan = Plan::new(&config.train, &dataset)?;
    interrupt::listen("ending and saving; Ctrl-C again ends at once, without saving");
    let session = Session { args, config, dataset: Arc::new(dataset), plan, resumed, begun };
    pollster::block_on(session.run(&device))
}

/// Where a data set is. A name may come to mean another set, once that has been fetched; a place may not.
fn place(dataset: &Dataset) -> String {
    match std::path::absolute(&dataset.origin) {
        Ok(path) if path.exists() => path.display().to_string(),
        _ => dataset.name.clone(),
    }
}

fn conflict(option: &str, asked: &dyn std::fmt::Display, own: &dyn std::fmt::Display) -> Error {
    Error::Usage(format!(
        "--{option} {asked} differs from the run's own {own}\n  hint: a resumed run keeps its configuration; only \
         --epochs, --backend and --adapter may change"
    ))
}

/// The configuration of a run that goes on: its own, but for options that may change.
fn merged(own: RunConfig, asked: &RunConfig, given: &[String]) -> Result<RunConfig> {
    let as_json =
        |config: &RunConfig| serde_json::to_value(config).map_err(|error| Error::Internal(error.to_string()));
    let (own_values, asked_values) = (as_json(&own)?, as_json(asked)?);
    let mut config = own;
    for option in given {
        match option.as_str() {
            "epochs" => config.train.epochs = asked.train.epochs,
            "backend" => {
                config.backend.clone_from(&asked.backend);
                // The run's adapter was one of its backend's.
                config.adapter.clone_from(&asked.adapter);
            }
            "adapter" => config.adapter.clone_from(&asked.adapter),
            "data" => {} // compared once both are places
            name => match (own_values.get(name), asked_values.get(name)) {
                (Some(own), Some(asked)) if own != asked => {
                    return Err(conflict(&name.replace('_', "-"), asked, own));
                }
                _ => {}
            },
        }
    }
    Ok(config)
}
