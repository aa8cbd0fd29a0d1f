//! `gpu-mlp train`: a new run, or the rest of one.

pub mod config_file;
mod face;
mod options;
mod recorder;
mod recovery;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use clap::parser::ValueSource;

use self::options::Options;
use self::recovery::{OnDeviceLost, OnDivergence};
use self::session::Session;
use super::choice::{self, BackendChoice, DataChoice, DeviceChoice};
use super::interrupt;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::training::Plan;
use crate::training::run::{self, RunDir};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp train                                  MNIST if it is here, else the built-in digits
  gpu-mlp train --data mnist --backend vulkan --hidden 512,256 --momentum 0.9
  gpu-mlp train --data flowers.csv --label-column species --hidden 16
  gpu-mlp train --data photos --test-data more-photos --scale standard
  gpu-mlp train --validation-fraction 0.1 --early-stopping 3 --epochs 100
  gpu-mlp train --optimizer adam --activation gelu --dropout 0.2 --lr-schedule one-cycle
  gpu-mlp train --tui --epochs 100               watched on a dashboard
  gpu-mlp train --tensorboard                    then: tensorboard --logdir runs
  gpu-mlp train --config mine.toml --epochs 20
  gpu-mlp train --init mlp-imported.safetensors --data mnist --lr 0.01
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
    #[command(flatten)]
    options: Options,
    /// One batch through everything, then stop
    #[arg(long)]
    dry_run: bool,
    /// Options from a file: TOML, or the config.json of a run; what is given here wins
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Begin with the weights of a run or a model, such as an imported one, instead of new ones
    #[arg(long, value_name = "RUN_OR_MODEL", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Folder of the run [default: runs/<time>-<data>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run that --out already holds
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on with a run, from its newest epoch; without RUN, with the one in --out if there is one
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// If the GPU is lost: end, go on from the newest checkpoint when it is back, or go on from there on the CPU
    #[arg(long, value_enum, default_value_t = OnDeviceLost::Fail)]
    on_device_lost: OnDeviceLost,
    /// If training diverges: end, or halve the learning rate and go on from the newest checkpoint, up to 8 times
    #[arg(long, value_enum, default_value_t = OnDivergence::Stop)]
    on_divergence: OnDivergence,
    /// Write event files for TensorBoard into the folder of the run; a resumed run that has some goes on with them
    #[arg(long)]
    tensorboard: bool,
    /// Show a dashboard: curves, speed, time left; q ends and saves, s saves now
    #[cfg(feature = "tui")]
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    tui: bool,
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
    /// The run to go on with, if that is what is wanted and there is one.
    fn resumed(&self) -> Result<Option<RunDir>> {
        match (&self.resume, &self.out) {
            (None, _) => Ok(None),
            (Some(Some(run)), Some(out)) if run != out => Err(Error::Usage(format!(
                "--resume {} goes on in that folder; --out {} cannot be another",
                run.display(),
                out.display()
            ))),
            (Some(Some(run)), _) => RunDir::open(run)?.to_train().map(Some),
            (Some(None), Some(out)) => RunDir::open(out).ok().map(RunDir::to_train).transpose(),
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
    let face = face::wanted(args)?;
    let resumed = args.resumed()?;
    let mut config = match &resumed {
        Some(run) => options::resumed(run.config()?, args, given)?,
        None => options::configured(args, given)?,
    };
    let init = match (&resumed, &config.init) {
        (Some(run), Some(_)) => Some(run.init()?),
        (None, Some(path)) => Some(run::load_model(path)?),
        (_, None) => None,
    };
    if let (None, Some((_, info))) = (&resumed, &init) {
        options::begin_with(&info.spec, &mut config, given)?;
    }
    config.train.check()?;
    if let Some(out) = args.out.as_ref().filter(|_| resumed.is_none() && !args.overwrite) {
        RunDir::check_free(out)?;
    }
    let device = DeviceChoice {
        backend: BackendChoice::from_str(&config.backend, true).map_err(Error::Usage)?,
        adapter: config.adapter.clone(),
    };
    device.check()?;
    let data = args.data.data.clone().or_else(|| Some(config.data.clone()).filter(|data| !data.is_empty()));
    let fitted = init.as_ref().map(|(_, info)| (&info.preparation, info.spec.inputs()));
    let dataset = choice::load(data.as_deref(), &args.data, &config.loading, fitted, args.quiet)?;
    let place = place(&dataset);
    if resumed.is_some() && place != config.data {
        return Err(conflict("data", &place, &config.data));
    }
    config.data = place;
    let plan = Plan::new(&config.train, &dataset)?;
    interrupt::listen("ending and saving; Ctrl-C again ends at once, without saving");
    let session = Session { args, config, dataset: Arc::new(dataset), plan, init, begun, face };
    pollster::block_on(recovery::run(&session, device, resumed))
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
