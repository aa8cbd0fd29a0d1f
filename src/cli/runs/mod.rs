//! `gpu-mlp runs`: what runs there are in a folder, and how they compare.

mod compare;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::output::{duration, json, note, say};
use super::table::{self, Column};
use crate::engine::EngineInfo;
use crate::error::{Error, Result};
use crate::step::metrics::EpochRecord;
use crate::training::run::history::History;
use crate::training::run::status::Status;
use crate::training::run::{RunConfig, RunDir};
use crate::words::{numerals, spelling};

/// Where `train` puts runs.
const RUNS: &str = "runs";

const ABOUT: &str = "\
The run that was trained last comes first. Scores are of the epoch that the model is of; time is what its epochs took.
A run that is `unfinished` was killed, or ended by an error: `train --resume` goes on with it. Columns that a narrow
terminal has no room for are left out.

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
    /// A folder with runs in it, or a run
    #[arg(value_name = "DIR", default_value = RUNS)]
    dir: PathBuf,
    /// JSON lines on standard output, one a run
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show where runs differ: their options side by side, and their scores
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

/// A run as its files tell it.
struct Run {
    path: PathBuf,
    config: RunConfig,
    history: History,
    status: Status,
}

impl Run {
    fn read(path: &Path) -> Result<Self> {
        let run = RunDir::open(path)?;
        let config = run.config()?;
        let (status, history) = run.status()?;
        Ok(Self { path: path.to_owned(), config, history, status })
    }

    /// The record of the epoch that the model is of.
    fn model(&self) -> Option<&EpochRecord> {
        self.history.of_model(self.config.train.early_stopping.is_some())
    }

    fn glance(&self) -> Glance<'_> {
        let (start, model) = (self.history.start.as_ref(), self.model());
        Glance {
            event: "run",
            run_dir: &self.path,
            status: self.status,
            data: start.map_or(&self.config.data, |start| &start.data),
            layers: start.map(|start| start.layers.as_slice()),
            parameters: start.map(|start| start.parameters),
            engine: start.map(|start| &start.engine),
            epochs: self.history.epochs.len(),
            epochs_asked: self.config.train.total_epochs(),
            model_epoch: model.map(|record| record.epoch),
            test_accuracy: model.map(|record| record.test_accuracy),
            test_loss: model.map(|record| record.test_loss),
            validation_accuracy: model.and_then(|record| record.validation_accuracy),
            validation_loss: model.and_then(|record| record.validation_loss),
            training_seconds: self.history.training_seconds(),
            recoveries: self.history.recoveries.len(),
        }
    }
}

/// What is shown of a run.
#[derive(Serialize)]
struct Glance<'a> {
    event: &'static str,
    run_dir: &'a Path,
    status: Status,
    data: &'a str,
    layers: Option<&'a [usize]>,
    parameters: Option<usize>,
    #[serde(flatten)]
    engine: Option<&'a EngineInfo>,
    epochs: usize,
    epochs_asked: usize,
    model_epoch: Option<usize>,
    test_accuracy: Option<f64>,
    test_loss: Option<f64>,
    validation_accuracy: Option<f64>,
    validation_loss: Option<f64>,
    training_seconds: f64,
    recoveries: usize,
}

/// What stands where there is no number.
const NONE: &str = "-";

fn percent(part: Option<f64>) -> String {
    part.map_or(NONE.into(), numerals::percent)
}

fn loss(loss: Option<f64>) -> String {
    loss.map_or(NONE.into(), |loss| format!("{loss:.4}"))
}

impl Glance<'_> {
    fn network(&self) -> String {
        let sizes: Option<Vec<String>> =
            self.layers.map(|layers| layers.iter().map(usize::to_string).collect());
        sizes.map_or(NONE.into(), |sizes| sizes.join("-"))
    }

    fn device(&self) -> String {
        self.engine.map_or(NONE.into(), |engine| format!("{}: {}", engine.backend, engine.adapter))
    }

    fn epochs(&self) -> String {
        format!("{}/{}", self.epochs, self.epochs_asked)
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.run_dir.display().to_string(),
            self.data.to_owned(),
            self.network(),
            self.epochs(),
            percent(self.test_accuracy),
            loss(self.test_loss),
            self.status.name().into(),
            duration(self.training_seconds),
            self.device(),
        ]
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
        [one] => note(&format!("{one} holds no run")),
        [first, ..] => {
            note(&format!("{} folders in {} hold no run, such as {first}", foreign.len(), dir.display()))
        }
    }
    if runs.is_empty() {
        note(&format!("no runs in {}; `gpu-mlp train` makes one", dir.display()));
    }
    Ok(())
}

struct Found {
    /// The newest first.
    runs: Vec<Run>,
    /// Folders that hold none.
    foreign: Vec<String>,
}

/// The runs in a folder, or the one that the folder is. One that cannot be read is told of in a note.
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
    for path in folders(dir)? {
        match RunDir::open(&path).map(|_| Run::read(&path)) {
            Err(_) => found.foreign.push(path.display().to_string()),
            Ok(Err(error)) => note(&format!("left out: {error}")),
            Ok(Ok(run)) => found.runs.push(run),
        }
    }
    found.runs.sort_by_cached_key(|run| std::cmp::Reverse((trained(&run.path), run.path.clone())));
    Ok(found)
}

/// The folders in a folder, by name, but for hidden ones.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(Error::io("read", dir))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(Error::io("read", dir))?;
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    paths.retain(|path| path.is_dir() && !hidden(path));
    paths.sort();
    Ok(paths)
}

/// When a run last had something to tell.
fn trained(run: &Path) -> Option<SystemTime> {
    let modified = |name: &str| std::fs::metadata(run.join(name)).and_then(|file| file.modified()).ok();
    modified("metrics.jsonl").or_else(|| modified("config.json"))
}

/// There is no such folder; perhaps one that is called nearly so.
fn missing(path: &Path) -> Error {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = folders(parent.unwrap_or(Path::new("."))).unwrap_or_default();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = beside.iter().map(|path| name(path)).collect();
    let meant = spelling::nearest(&name(path), names.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| {
        let meant = parent.map_or(PathBuf::from(meant), |parent| parent.join(meant));
        format!("; did you mean `{}`?", meant.display())
    });
    Error::Usage(format!(
        "there is no folder {}{meant}\n  hint: `gpu-mlp runs` lists those in {RUNS}",
        path.display()
    ))
}
