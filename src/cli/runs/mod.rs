//! `gpu-mlp runs`: lists the runs in a folder, and compares runs.

mod compare;
mod folder;
mod glance;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::folder::{RUNS, folders, missing};
use self::glance::Run;
use super::output::{json, note, say, told};
use super::table::{self, Column};
use crate::error::Result;
use crate::training::run::RunDir;
use crate::training::run::folds::FoldsDir;
use crate::training::run::sweep::SweepDir;

const ABOUT: &str = "\
The run that was trained last comes first. Scores are those of the epoch that the model comes from. Time is that of all
epochs. An `unfinished` run was killed, or an error ended it; `train --resume` continues it. A narrow terminal gets fewer
columns.

Examples:
  gpu-mlp runs
  gpu-mlp runs experiments --json
  gpu-mlp runs compare runs/2026-01-31T12-00-00Z-mnist runs/2026-02-01T12-00-00Z-mnist";

/// List the runs in a folder, or compare some of them.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT, args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    command: Option<Command>,
    /// Folder that contains runs, or one run
    #[arg(value_name = "DIR", default_value = RUNS)]
    dir: PathBuf,
    /// Print JSON lines on standard output, one per run
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compare runs: the options that differ, side by side, and the scores
    Compare(compare::CompareArgs),
}

/// Runs `gpu-mlp runs …`.
///
/// # Errors
/// [`Error::Usage`] for a folder or a run that is not there; [`Error::Io`] if the folder cannot be read; of `compare`
/// also what reading the runs reports.
pub fn run(args: &RunsArgs) -> Result<()> {
    match &args.command {
        Some(Command::Compare(args)) => compare::run(args),
        None => list(&args.dir, args.json),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("run", 0),
        Column::text("data", 2),
        Column::text("network", 4),
        Column::number("epochs", 1),
        Column::number("test acc.", 0),
        Column::number("loss", 0),
        Column::text("state", 0),
        Column::number("time", 3),
        Column::text("device", 5),
    ]
}

fn list(dir: &Path, as_json: bool) -> Result<()> {
    let Found { runs, foreign } = find(dir)?;
    if as_json {
        for run in &runs {
            say(&json(&run.glance())?);
        }
    } else if !runs.is_empty() {
        let rows: Vec<Vec<String>> = runs.iter().map(|run| run.glance().row()).collect();
        for line in table::lines(&columns(), &rows, table::terminal_width()) {
            say(&line);
        }
    }
    match foreign.as_slice() {
        [] => {}
        [one] => note(&format!("{one} contains no run")),
        [first, ..] => {
            note(&format!("{} folders in {} contain no run, such as {first}", foreign.len(), dir.display()))
        }
    }
    if runs.is_empty() {
        note(&format!("no runs in {}; `gpu-mlp train` starts one", dir.display()));
    }
    Ok(())
}

struct Found {
    /// The newest first.
    runs: Vec<Run>,
    /// Folders without a run.
    foreign: Vec<String>,
}

/// The runs in a folder, or the one that the folder is. A note names one that cannot be read.
fn find(dir: &Path) -> Result<Found> {
    let mut found = Found { runs: Vec::new(), foreign: Vec::new() };
    if !dir.exists() {
        return match dir == Path::new(RUNS) {
            true => Ok(found),
            false => Err(missing(dir)),
        };
    }
    if RunDir::open(dir).is_ok() {
        found.runs.push(Run::read(dir)?);
        return Ok(found);
    }
    let own = match (SweepDir::open(dir)?, FoldsDir::open(dir)?) {
        (None, None) => folders(dir)?.into_iter().map(of_sweep).collect::<Result<Vec<_>>>()?,
        _ => vec![dir.to_owned()],
    };
    for path in SweepDir::each_run(&own)? {
        match RunDir::open(&path).map(|_| Run::read(&path)) {
            Err(_) => found.foreign.push(path.display().to_string()),
            Ok(Err(error)) => note(&format!("left out: {}", told(&error))),
            Ok(Ok(run)) => found.runs.push(run),
        }
    }
    found.runs.sort_by_cached_key(|run| std::cmp::Reverse((trained(&run.path), run.path.clone())));
    Ok(found)
}

/// The best run of a sweep among other folders, in the place of its many trials; each other folder as it is.
fn of_sweep(folder: PathBuf) -> Result<PathBuf> {
    Ok(match SweepDir::open(&folder)?.map(|sweep| sweep.best()) {
        Some(best) if best.is_dir() => best,
        _ => folder,
    })
}

/// When a run last had something to tell.
fn trained(run: &Path) -> Option<SystemTime> {
    let modified = |name: &str| std::fs::metadata(run.join(name)).and_then(|file| file.modified()).ok();
    modified("metrics.jsonl").or_else(|| modified("config.json"))
}
