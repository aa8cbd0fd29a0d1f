//! `gpu-mlp sweep`: many trainings, one for each combination of options, side by side.

mod args;
mod board;
mod plan;
mod shard;
mod table;
mod team;
mod trials;
mod varied;

use std::time::Instant;

pub use self::args::SweepArgs;
use self::board::Board;
use self::trials::Trials;
use super::company::Company;
use super::interrupt;
use super::output::note;
use super::side_by_side;
use crate::error::Result;

/// Runs `gpu-mlp sweep`. Processes in company share the trials; rank 0 begins and ends the sweep.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) for options that cannot be meant; what reading the data, the device, or writing the
/// runs reports. A trial that diverges is no error.
pub fn run(args: &SweepArgs, given: &[String], company: Option<Company<'_>>) -> Result<u8> {
    let begun = Instant::now();
    let plan = match company {
        None => plan::of(args, given)?,
        Some(company) => match team::plan(args, given, company.teamwork)? {
            Ok(plan) => plan,
            Err(exit_code) => return Ok(exit_code),
        },
    };
    let (device, notice) = pollster::block_on(plan.device.open())?;
    if let Some(notice) = notice.filter(|_| !args.quiet) {
        note(&notice);
    }
    if !args.quiet {
        side_by_side::note_alone(&device, plan.sweep.sweep.trials.len());
    }
    interrupt::listen("saving and stopping; Ctrl-C again stops at once, without saving");
    let board = Board::new(args.json, args.quiet, &plan, &device)?;
    let dealer = company.map(|company| company.dealer);
    let ranks = company.map_or(1, |company| company.teamwork.team.size());
    let trials = Trials { args, plan: &plan, device: &device, board: &board, dealer, ranks };
    let ended = trials.run();
    board.progress.end();
    match company {
        None => ended?,
        Some(company) => {
            if let Some(exit_code) = team::ended(ended, company.teamwork)? {
                return Ok(exit_code);
            }
        }
    }
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
