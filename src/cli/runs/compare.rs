//! `gpu-mlp runs compare`: how runs differ, and which is the best.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::folder::{RUNS, missing};
use super::glance::{Glance, NONE, Run, loss};
use crate::cli::output::{duration, json, note, say, thousands};
use crate::cli::table::{self, Column};
use crate::error::Result;
use crate::step::metrics::{Measure, Score};
use crate::training::run::spelled;

const ABOUT: &str = "\
Shows the options that differ, then the scores. The best test scores are marked, unless the runs have different data:
then scores cannot be compared. Name a run by its folder, or by its name in `runs`.

Examples:
  gpu-mlp runs compare runs/2026-01-31T12-00-00Z-mnist runs/2026-02-01T12-00-00Z-mnist
  gpu-mlp runs compare small large larger --json";

/// Compare runs: the options that differ, side by side, and the scores.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct CompareArgs {
    /// Folders of two or more runs
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    runs: Vec<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Comparison<'a> {
    event: &'static str,
    /// Whether all were tested on the same samples, as far as their configurations tell.
    comparable: bool,
    /// Of options that are not the same in all runs, the value in each.
    differences: Map<String, Value>,
    /// Places in `runs`, from 0; several where they did equally well.
    best: Best,
    runs: Vec<Glance<'a>>,
}

#[derive(Serialize, Default)]
struct Best {
    /// Of the first measure that all runs have.
    #[serde(flatten)]
    measures: BTreeMap<String, Vec<usize>>,
    test_loss: Vec<usize>,
}

/// What says which samples a run is tested on.
const TESTED_ON: [&str; 7] =
    ["data", "label_column", "test_data", "test_fraction", "split_seed", "fold", "dry_run"];

/// Runs `gpu-mlp runs compare`.
///
/// # Errors
/// [`Error::Usage`] for a run that is not there; what reading one reports.
pub(super) fn run(args: &CompareArgs) -> Result<()> {
    let runs: Vec<Run> = args.runs.iter().map(|path| Run::read(&named(path)?)).collect::<Result<_>>()?;
    let differences = differences(&runs)?;
    let glances: Vec<Glance<'_>> = runs.iter().map(Run::glance).collect();
    let tested: Vec<_> =
        runs.iter().filter_map(|run| run.history.start.as_ref()).map(|start| start.test_samples).collect();
    let comparable = TESTED_ON.iter().all(|option| !differences.contains_key(*option))
        && tested.windows(2).all(|pair| pair[0] == pair[1]);
    let best = if comparable { best(&glances) } else { Best::default() };
    let comparison = Comparison { event: "comparison", comparable, differences, best, runs: glances };
    match args.json {
        true => say(&json(&comparison)?),
        false => print(&comparison, &runs, table::terminal_width()),
    }
    if !comparable {
        note("these runs have different data, so their test scores cannot be compared");
    }
    Ok(())
}

/// The folder that is meant: as it is named, or in the usual place.
fn named(path: &Path) -> Result<PathBuf> {
    let usual = Path::new(RUNS).join(path);
    match (path.exists(), usual.exists()) {
        (true, _) => Ok(path.to_owned()),
        (false, true) => Ok(usual),
        (false, false) if path.components().count() == 1 && Path::new(RUNS).exists() => Err(missing(&usual)),
        (false, false) => Err(missing(path)),
    }
}

/// The options that are not the same in all runs, with the value of each run.
fn differences(runs: &[Run]) -> Result<Map<String, Value>> {
    let all: Vec<Map<String, Value>> = runs.iter().map(|run| run.config.values()).collect::<Result<_>>()?;
    let Some(first) = all.first() else { return Ok(Map::new()) };
    let differing = first.keys().filter(|option| all.iter().any(|values| values[*option] != first[*option]));
    let each = |option: &String| Value::Array(all.iter().map(|values| values[option].clone()).collect());
    Ok(differing.map(|option| (option.clone(), each(option))).collect())
}

fn best(runs: &[Glance<'_>]) -> Best {
    // What is largest; of losses and errors their negatives.
    let largest = |score: &dyn Fn(&Glance<'_>) -> Option<f64>| {
        let scores: Vec<Option<f64>> = runs.iter().map(score).collect();
        let largest = scores.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        (0..runs.len()).filter(|&at| scores[at] == Some(largest)).collect::<Vec<_>>()
    };
    let of = |measure: Measure| {
        let sign = if measure.rises() { 1.0 } else { -1.0 };
        let best = largest(&|run| Some(sign * run.scores.test()?.get(measure)?));
        (format!("test_{}", measure.key()), best)
    };
    Best {
        measures: measures(runs).into_iter().map(of).collect(),
        test_loss: largest(&|run| run.scores.test().map(|score| -score.loss)),
    }
}

/// What is measured in any of the runs; accuracy where none has an epoch yet.
fn measures(runs: &[Glance<'_>]) -> Vec<Measure> {
    let scores = || runs.iter().filter_map(|run| run.scores.test());
    let any = |measure: &Measure| scores().any(|score| score.get(*measure).is_some());
    match scores().next() {
        None => vec![Measure::Accuracy],
        Some(_) => Measure::ALL.into_iter().filter(any).collect(),
    }
}

fn print(comparison: &Comparison<'_>, runs: &[Run], width: Option<usize>) {
    for (at, run) in runs.iter().enumerate() {
        say(&format!("run {}  {}", at + 1, run.path.display()));
    }
    let (options, scores) = (option_rows(&comparison.differences), score_rows(comparison, runs));
    if options.is_empty() {
        say("\nall options are the same");
    }
    for runs in groups(&[&options[..], &scores[..]].concat(), runs.len(), width) {
        let mut columns = vec![Column::text("", 0)];
        columns.extend(runs.clone().map(|at| Column::number(unmarked(format!("run {}", at + 1)), 0)));
        let part = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
            let cells = |row: &Vec<String>| [&row[..1], &row[1 + runs.start..1 + runs.end]].concat();
            rows.iter().map(cells).collect()
        };
        let blank = vec![String::new(); columns.len()];
        let rows = [part(&options), vec![blank; usize::from(!options.is_empty())], part(&scores)].concat();
        say("");
        table::lines(&columns, &rows, width).iter().for_each(|line| say(line));
    }
    if comparison.comparable {
        say("\n* the best");
    }
}

/// Runs that fit beside each other, one after the other: a wide comparison is several tables.
fn groups(rows: &[Vec<String>], runs: usize, width: Option<usize>) -> Vec<std::ops::Range<usize>> {
    let width = width.unwrap_or(usize::MAX);
    let widest = |at: usize| rows.iter().map(|row| console::measure_text_width(&row[at])).max().unwrap_or(0);
    let title = widest(0);
    let (mut groups, mut begin, mut taken) = (Vec::new(), 0, title);
    for at in 0..runs {
        let more = widest(at + 1).max("run 10  ".len()) + 2;
        if taken + more > width && at > begin {
            groups.push(begin..at);
            (begin, taken) = (at, title);
        }
        taken += more;
    }
    groups.push(begin..runs);
    groups
}

/// Leaves the place of the mark empty, so that everything in a column stands below each other.
fn unmarked(cell: String) -> String {
    cell + "  "
}

fn option_rows(differences: &Map<String, Value>) -> Vec<Vec<String>> {
    let row = |(option, values): (&String, &Value)| {
        let values = values.as_array().into_iter().flatten().map(|value| unmarked(spelled(value)));
        std::iter::once(option.replace('_', "-")).chain(values).collect()
    };
    differences.iter().map(row).collect()
}

fn score_rows(comparison: &Comparison<'_>, runs: &[Run]) -> Vec<Vec<String>> {
    let row = |title: &str, cell: &dyn Fn(usize) -> String| -> Vec<String> {
        std::iter::once(title.to_owned()).chain((0..runs.len()).map(cell)).collect()
    };
    let Comparison { best, runs: glances, .. } = comparison;
    let marked = |score: String, best: &[usize], at| {
        if best.contains(&at) { score + " *" } else { unmarked(score) }
    };
    let mut rows = vec![
        row("state", &|at| unmarked(glances[at].status.name().into())),
        row("epochs done", &|at| unmarked(glances[at].epochs())),
        row("epoch of the model", &|at| {
            unmarked(glances[at].model_epoch.map_or(NONE.into(), |epoch| epoch.to_string()))
        }),
    ];
    let shown = |score: Option<&Score>, measure: Measure| {
        let value = score.and_then(|score| score.get(measure));
        value.map_or(NONE.into(), |value| measure.shown(value))
    };
    for measure in measures(glances) {
        let best = best.measures.get(&format!("test_{}", measure.key())).map_or(&[][..], Vec::as_slice);
        rows.push(row(&format!("test {}", measure.title()), &|at| {
            marked(shown(glances[at].scores.test(), measure), best, at)
        }));
    }
    rows.push(row("test loss", &|at| marked(loss(glances[at].scores.test()), &best.test_loss, at)));
    if glances.iter().any(|glance| glance.scores.validation().is_some()) {
        for measure in measures(glances) {
            rows.push(row(&format!("validation {}", measure.title()), &|at| {
                unmarked(shown(glances[at].scores.validation(), measure))
            }));
        }
        rows.push(row("validation loss", &|at| unmarked(loss(glances[at].scores.validation()))));
    }
    let speed =
        |run: &Run| run.history.epochs.last().map(|record| thousands(record.samples_per_second as usize));
    rows.push(row("time", &|at| unmarked(duration(glances[at].training_seconds))));
    rows.push(row("samples/s, last epoch", &|at| unmarked(speed(&runs[at]).unwrap_or(NONE.into()))));
    rows.push(row("parameters", &|at| unmarked(glances[at].parameters.map_or(NONE.into(), thousands))));
    rows.push(row("device", &|at| unmarked(glances[at].device())));
    rows
}
