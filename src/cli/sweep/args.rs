//! The arguments of `gpu-mlp sweep`.

use std::path::PathBuf;

use super::shard::Shard;
use super::varied::Varied;
use crate::cli::choice::{DataChoice, DeviceChoice};
use crate::cli::number;

const EXAMPLES: &str = "\
Values: 0.01,0.03,0.1 are three, 1..5 five whole numbers, 0..0.5:6 six numbers at equal distances, log:1e-4..1:5 five at equal
factors; with --trials also log:1e-4..1 and 0..0.5, any number in between. --hidden and --activation are given once for each value, since theirs have commas.
The best trial is the one with the best score on the validation part (by default a tenth of the training samples), or with
--folds on the parts that were held out. Nothing is chosen on the test set. On the CPU each trial has a thread of its own (more only if
there are fewer trials than threads), and its figures are those of `gpu-mlp train --threads 1`; on a GPU trials take their steps together.

Examples:
  gpu-mlp sweep --lr 0.01,0.03,0.1 --hidden 300,75 --hidden 512 --seed 1..3
  gpu-mlp sweep --data flowers.csv --lr log:1e-4..1 --dropout 0..0.5 --trials 40 --halving --epochs 81
  gpu-mlp sweep --data flowers.csv --weight-decay 0,1e-4,1e-3 --folds 5 --refit
  gpu-mlp sweep --lr log:1e-3..1:12 --out rates --shard 1/4       one of four jobs
  gpu-mlp sweep --resume rates";

/// Train with many options side by side, and compare them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SweepArgs {
    #[command(flatten)]
    pub(super) varied: Varied,
    #[command(flatten)]
    pub(super) data: DataChoice,
    #[command(flatten)]
    pub(super) device: DeviceChoice,
    /// Draw N combinations at random instead of taking all of them; --seed draws others
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    pub(super) trials: Option<usize>,
    /// Successive halving: train all trials for a few epochs, the best third three times as long, and so on up to --epochs
    #[arg(long, conflicts_with = "shard")]
    pub(super) halving: bool,
    /// Cross-validation: train each trial on N folds, and compare the mean of the scores
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    pub(super) folds: Option<usize>,
    /// Train the best trial again, on the training and the validation part together
    #[arg(long)]
    pub(super) refit: bool,
    /// Train every N-th trial only, from the I-th on: for jobs that run at the same time with the same --out
    #[arg(long, value_name = "I/N", requires = "out")]
    pub(super) shard: Option<Shard>,
    /// Read options from a file: TOML, or the config.json of a run; the command line overrides it
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the sweep [default: runs/<time>-<data>-sweep]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Replace the sweep that --out already holds
    #[arg(long, conflicts_with_all = ["resume", "shard"])]
    pub(super) overwrite: bool,
    /// Continue a sweep: trials that are done stay as they are
    #[arg(long, value_name = "SWEEP", conflicts_with = "out")]
    pub(super) resume: Option<PathBuf>,
    /// Print JSON lines on standard output, and nothing else there
    #[arg(long)]
    pub(super) json: bool,
    /// Show no progress and no notes
    #[arg(long, short)]
    pub(super) quiet: bool,
}
