//! A sweep over several processes: rank 0 begins it, all train the trials that are dealt to them, and rank 0 ends it.

use std::path::Path;

use super::args::SweepArgs;
use super::plan::{self, Plan};
use crate::cli::agreement;
use crate::cli::output::told;
use crate::engine::team::Teamwork;
use crate::error::{Error, Result};
use crate::training::run::sweep::SweepDir;

/// What the ranks sweep together; the exit code if this one has to end since rank 0 says so.
///
/// # Errors
/// On rank 0 as [`plan::of`], and what other ranks report.
pub(super) fn plan(
    args: &SweepArgs,
    given: &[String],
    Teamwork { team, .. }: Teamwork<'_>,
) -> Result<Result<Plan, u8>> {
    let led = (team.rank() == 0).then(|| check(args).and_then(|()| plan::of(args, given)));
    let mut path = match &led {
        Some(Ok(plan)) => absolute(plan.sweep.path()).into_bytes(),
        _ => Vec::new(),
    };
    team.broadcast(&mut path);
    let mut begun = led.unwrap_or_else(|| opened(args, &String::from_utf8_lossy(&path)));
    if let Ok(plan) = &mut begun {
        plan.device.turn = team.local_rank();
    }
    let what = begun.as_ref().map(|plan| (&plan.sweep.sweep.config, &plan.dataset));
    match agreement::agree(team, what)? {
        Some(exit_code) => Ok(Err(exit_code)),
        None => begun.map(Ok),
    }
}

/// What one process does alone.
fn check(args: &SweepArgs) -> Result<()> {
    let alone = [
        (args.halving, "--halving", "compares trials while it goes on"),
        (args.shard.is_some(), "--shard", "is for jobs that do not know of each other"),
    ];
    match alone.iter().find(|(asked, ..)| *asked) {
        None => Ok(()),
        Some((_, option, why)) => {
            let problem = format!("{option} {why}, and several ranks are handed the trials one by one");
            Err(Error::usage(problem).hint(format!("leave {option} out, or start one process")))
        }
    }
}

/// The sweep that rank 0 has begun.
fn opened(args: &SweepArgs, path: &str) -> Result<Plan> {
    match SweepDir::open(Path::new(path))? {
        Some(sweep) => plan::join(args, sweep),
        None => {
            let hint = "all ranks need a file system that they share, with the folder of the sweep on it";
            Err(Error::file(path, "this rank does not see the sweep that rank 0 has begun", hint))
        }
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// Waits until all ranks are done; on other ranks than rank 0 the exit code to end with.
///
/// # Errors
/// On rank 0 the first error of all.
pub(super) fn ended(own: Result<()>, Teamwork { team, .. }: Teamwork<'_>) -> Result<Option<u8>> {
    let told = own.as_ref().err().map(|error| (told(error), error.exit_code()));
    let bytes = serde_json::to_vec(&told).map_err(|error| Error::Internal(error.to_string()))?;
    let all = team.gather(&bytes);
    if team.rank() > 0 {
        return Ok(Some(told.map_or(0, |(_, exit_code)| exit_code)));
    }
    own?;
    let failed = all.iter().enumerate().find_map(|(rank, bytes)| {
        let (told, exit_code) = serde_json::from_slice::<Option<(String, u8)>>(bytes).ok()??;
        Some(Error::Rank { rank, told, exit_code })
    });
    failed.map_or(Ok(None), Err)
}
