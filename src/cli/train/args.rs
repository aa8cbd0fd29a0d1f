//! The arguments of `gpu-mlp train`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::options::Options;
use crate::cli::choice::{DataChoice, DeviceChoice};
use crate::cli::number;
use crate::error::{Error, Result};
use crate::training::run::RunDir;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp train                                  MNIST if it is here, else the built-in digits
  gpu-mlp train --data mnist --backend vulkan --hidden 512,256 --momentum 0.9
  gpu-mlp train --data flowers.csv --label-column species --hidden 16
  gpu-mlp train --data houses.csv --label-column price --task regression --loss huber --optimizer adam
  gpu-mlp train --data photos --test-data more-photos --scale standard
  gpu-mlp train --validation-fraction 0.1 --early-stopping 3 --epochs 100
  gpu-mlp train --data flowers.csv --folds 5     cross-validation
  gpu-mlp train --ensemble 5                     five networks that answer together
  gpu-mlp train --optimizer adam --activation gelu --dropout 0.2 --lr-schedule one-cycle
  gpu-mlp train --tui --epochs 100               with a dashboard
  gpu-mlp train --tensorboard                    then: tensorboard --logdir runs
  gpu-mlp train --config mine.toml --epochs 20
  gpu-mlp train --init mlp-imported.safetensors --data mnist --lr 0.01
  gpu-mlp train --resume runs/2026-01-31T12-00-00Z-digits

`gpu-mlp --help` lists the exit codes.";

/// Train a network, or resume a run.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    #[command(flatten)]
    pub(in crate::cli) data: DataChoice,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceChoice,
    #[command(flatten)]
    pub(in crate::cli) options: Options,
    /// Cross-validation: train N networks, each tested on another of N equal parts of the samples, and show the mean of their
    /// scores; with classes, every part has about the same share of each. Other test sets are left out
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    #[cfg_attr(feature = "tui", arg(conflicts_with = "tui"))]
    pub(in crate::cli) folds: Option<usize>,
    /// Train N networks that differ in their seed alone, and keep them as one: its answers are the mean of theirs. Member k has
    /// the seed --seed + k - 1. On the CPU members are trained side by side
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>, conflicts_with_all = ["folds", "init"])]
    #[cfg_attr(feature = "tui", arg(conflicts_with = "tui"))]
    pub(in crate::cli) ensemble: Option<usize>,
    /// Run one batch through everything, then stop
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Read options from a file: TOML, or the config.json of a run; the command line overrides it
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Start with the weights of a run or of a model (such as an imported one) instead of random weights
    #[arg(long, value_name = "RUN_OR_MODEL", conflicts_with = "resume")]
    pub(in crate::cli) init: Option<PathBuf>,
    /// Folder of the run [default: runs/<time>-<data>]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Replace the run that --out already holds
    #[arg(long, conflicts_with = "resume")]
    pub(in crate::cli) overwrite: bool,
    /// Resume a run from its newest checkpoint; without RUN, resume the run in --out if there is one
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    pub(in crate::cli) resume: Option<Option<PathBuf>>,
    /// If the GPU is lost: stop, resume from the newest checkpoint when the GPU is back, or resume from it on the CPU
    #[arg(long, value_enum, default_value_t = OnDeviceLost::Fail)]
    pub(in crate::cli) on_device_lost: OnDeviceLost,
    /// If training diverges: stop, or halve the learning rate and resume from the newest checkpoint, up to 8 times
    #[arg(long, value_enum, default_value_t = OnDivergence::Stop)]
    pub(in crate::cli) on_divergence: OnDivergence,
    /// Write event files for TensorBoard into the folder of the run; a resumed run that has some continues them
    #[arg(long)]
    pub(in crate::cli) tensorboard: bool,
    /// Show a dashboard with curves, speed and time left; q saves and stops, s saves and continues
    #[cfg(feature = "tui")]
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    pub(in crate::cli) tui: bool,
    /// Print JSON lines on standard output, and nothing else there
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Show no progress and no notes
    #[arg(long, short)]
    pub(in crate::cli) quiet: bool,
}

impl TrainArgs {
    /// Those of a training that is one of several and shows nothing.
    pub(in crate::cli) fn silent(
        data: &DataChoice,
        device: &DeviceChoice,
        options: Options,
        config: Option<PathBuf>,
    ) -> Self {
        Self {
            data: data.clone(),
            device: device.clone(),
            options,
            folds: None,
            ensemble: None,
            dry_run: false,
            config,
            init: None,
            out: None,
            overwrite: false,
            resume: None,
            on_device_lost: OnDeviceLost::Fail,
            on_divergence: OnDivergence::Stop,
            tensorboard: false,
            #[cfg(feature = "tui")]
            tui: false,
            json: false,
            quiet: true,
        }
    }

    /// The run to resume, if the user wants that and there is one.
    pub(in crate::cli) fn resumed(&self) -> Result<Option<RunDir>> {
        match (&self.resume, &self.out) {
            (None, _) => Ok(None),
            (Some(Some(run)), Some(out)) if run != out => Err(Error::usage(format!(
                "--resume {} continues in that folder, so --out {} must be left out",
                run.display(),
                out.display()
            ))),
            (Some(Some(run)), _) => RunDir::open(run).map(Some),
            (Some(None), Some(out)) => Ok(RunDir::open(out).ok()),
            (Some(None), None) => {
                Err(Error::usage("--resume needs the folder of a run: --resume RUN, or --out RUN --resume"))
            }
        }
    }
}

/// If the GPU is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnDeviceLost {
    Fail,
    Retry,
    Cpu,
}

/// If training diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnDivergence {
    Stop,
    LowerLr,
}
