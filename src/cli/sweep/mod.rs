//! `gpu-mlp sweep`: many trainings, one for each combination of options, side by side.

mod board;
mod plan;
mod shard;
mod table;
mod trials;
mod varied;

use std::path::PathBuf;
use std::time::Instant;

use self::board::Board;
use self::shard::Shard;
use self::trials::Trials;
use self::varied::Varied;
use super::choice::{DataChoice, DeviceChoice};
use super::interrupt;
use super::number;
use super::output::note;
use crate::error::Result;

const EXAMPLES: &str = "\
Values: 0.01,0.03,0.1 are three, 1..5 five, 0..0.5:6 six at equal distances, log:1e-4..1:5 five at equal factors; with --trials
also log:1e-4..1, any number in between. --hidden and --activation are given once for each value, since theirs have commas.
The best trial is the one with the best score on the validation part (by default a tenth of the training samples), or with
--folds on the parts that were held out. Nothing is chosen on the test set. On the CPU each trial has a thread of its own, and
its figures are those of `gpu-mlp train --threads 1`; a GPU takes one trial after another.

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
    varied: Varied,
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    /// Draw N combinations at random instead of taking all of them; --seed draws others
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    trials: Option<usize>,
    /// Successive halving: train all trials for a few epochs, the best third three times as long, and so on up to --epochs
    #[arg(long, conflicts_with = "shard")]
    halving: bool,
    /// Cross-validation: train each trial on N folds, and compare the mean of the scores
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>)]
    folds: Option<usize>,
    /// Train the best trial again, on the training and the validation part together
    #[arg(long)]
    refit: bool,
    /// Train every N-th trial only, from the I-th on: for jobs that run at the same time with the same --out
    #[arg(long, value_name = "I/N", requires = "out")]
    shard: Option<Shard>,
    /// Read options from a file: TOML, or the config.json of a run; the command line overrides it
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Folder of the sweep [default: runs/<time>-<data>-sweep]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the sweep that --out already holds
    #[arg(long, conflicts_with_all = ["resume", "shard"])]
    overwrite: bool,
    /// Continue a sweep: trials that are done stay as they are
    #[arg(long, value_name = "SWEEP", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Print JSON lines on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// Show no progress and no notes
    #[arg(long, short)]
    quiet: bool,
}

/// Runs `gpu-mlp sweep`.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) for options that cannot be meant; what reading the data, the device, or writing the
/// runs reports. A trial that diverges is no error.
pub fn run(args: &SweepArgs, given: &[String]) -> Result<u8> {
    let begun = Instant::now();
    let plan = plan::of(args, given)?;
    let (device, notice) = pollster::block_on(plan.device.open())?;
    if let Some(notice) = notice.filter(|_| !args.quiet) {
        note(&notice);
    }
    interrupt::listen("saving and stopping; Ctrl-C again stops at once, without saving");
    let board = Board::new(args.json, args.quiet, &plan, &device)?;
    let trials = Trials { args, plan: &plan, device: &device, board: &board };
    let ended = trials.run();
    board.pause();
    ended?;
    let scores = plan.sweep.scores()?;
    plan.sweep.keep(&scores)?;
    if interrupt::asked() {
        table::tell(args, &plan.sweep, &scores)?;
        let path = plan.sweep.path().display();
        note(&format!("the trials that are done are kept; to continue: gpu-mlp sweep --resume {path}"));
        return Ok(interrupt::exit_code());
    }
    if scores.done < scores.trials && args.shard.is_some() {
        board.shard_is_done(&scores);
        return Ok(0);
    }
    let best = match scores.best {
        Some(best) if args.refit => trials.refit(best)?,
        Some(best) if plan.sweep.sweep.folds.is_none() => {
            plan.sweep.keep_best(best)?;
            true
        }
        _ => false,
    };
    table::tell(args, &plan.sweep, &scores)?;
    table::page(&plan.sweep, &scores)?;
    table::end(args, &plan.sweep, &scores, best, begun.elapsed().as_secs_f64())?;
    Ok(if interrupt::asked() { interrupt::exit_code() } else { 0 })
}
