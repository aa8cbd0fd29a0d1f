//! The trials of a sweep in words: a line for each, a table of all, and how it ended.

use std::io::Write as _;

use serde::Serialize;

use super::args::SweepArgs;
use crate::cli::output::{duration, json, note, say};
use crate::cli::table::{self, Column};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::report;
use crate::step::metrics::{Measure, Score};
use crate::training::run::RunDir;
use crate::training::run::sweep::{SweepDir, SweepScores, TrialScore};
use crate::words::numerals::counted;

/// Trials in the table on the terminal; the file has all.
const SHOWN: usize = 20;

/// The line of the table for programs.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    scores: &'a SweepScores,
}

fn shown(score: Option<&Score>) -> Option<String> {
    let score = score?;
    let measure =
        |(measure, value): (Measure, f64)| format!("{} {}, ", measure.title(), measure.shown(value));
    Some(format!("{}loss {:.4}", score.headline().map_or(String::new(), measure), score.loss))
}

/// A trial that is done.
pub(super) fn sentence(score: &TrialScore, of: usize) -> String {
    let options: Vec<String> = score.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let came = shown(score.validation.0.as_ref()).unwrap_or_else(|| score.stand.name().to_owned());
    let time = duration(score.training_seconds);
    format!(
        "trial {} of {of}: {}: {came} ({}, {time})",
        score.trial,
        options.join(", "),
        counted(score.epochs, "epoch")
    )
}

/// All trials, the best first.
///
/// # Errors
/// [`Error::Internal`] if they cannot be written as JSON.
pub(super) fn tell(args: &SweepArgs, sweep: &SweepDir, scores: &SweepScores) -> Result<()> {
    if args.json {
        say(&json(&Line { event: "sweep", scores })?);
        return Ok(());
    }
    if args.quiet {
        return Ok(());
    }
    say("");
    lines(sweep, scores).iter().for_each(|line| say(line));
    if scores.trials > SHOWN {
        say(&format!("… and {} more: {}", scores.trials - SHOWN, sweep.path().join("scores.json").display()));
    }
    Ok(())
}

fn lines(sweep: &SweepDir, scores: &SweepScores) -> Vec<String> {
    let ranked = scores.ranked();
    let headline =
        ranked.first().and_then(|first| first.validation.0?.headline()).map(|(measure, _)| measure);
    let part = if sweep.sweep.folds.is_some() { "held-out" } else { "valid." };
    let mut columns = vec![Column::number("trial", 0)];
    let names: Vec<String> = sweep.sweep.options.iter().map(|name| name.replace('_', "-")).collect();
    columns.extend(names.iter().map(|name| Column::text(name.clone(), 1)));
    columns.extend(headline.map(|measure| Column::number(format!("{part} {}", measure.title()), 0)));
    columns.push(Column::number(format!("{part} loss"), 2));
    columns.push(Column::number("epochs", 3));
    columns.push(Column::text("state", 4));
    let row = |score: &&TrialScore| {
        let dash = || "-".to_owned();
        let validation = score.validation.0;
        let value = |measure: Measure| {
            validation.and_then(|score| score.get(measure)).map(|value| measure.shown(value))
        };
        let mut row = vec![score.trial.to_string()];
        row.extend(names.iter().map(|name| score.options.get(name).cloned().unwrap_or_else(dash)));
        row.extend(headline.map(|measure| value(measure).unwrap_or_else(dash)));
        row.push(validation.map_or_else(dash, |score| format!("{:.4}", score.loss)));
        row.extend([score.epochs.to_string(), score.stand.name().to_owned()]);
        row
    };
    let rows: Vec<Vec<String>> = ranked.iter().take(SHOWN).map(row).collect();
    table::lines(&columns, &rows, table::terminal_width())
}

/// Writes the page.
///
/// # Errors
/// What reading the best runs reports; [`Error::Io`] if it cannot be written.
pub(super) fn page(sweep: &SweepDir, scores: &SweepScores) -> Result<()> {
    let page = report::sweep(sweep, scores)?;
    let mut file = AtomicFile::create(&sweep.page())?;
    file.write_all(page.as_bytes()).map_err(Error::io("write", sweep.page()))?;
    file.finish()
}

/// How it ended; `best` says whether there is a run of the best trial.
///
/// # Errors
/// What reading that run reports.
pub(super) fn end(
    args: &SweepArgs,
    sweep: &SweepDir,
    scores: &SweepScores,
    best: bool,
    seconds: f64,
) -> Result<()> {
    if args.json || args.quiet {
        return Ok(());
    }
    let Some(number) = scores.best else {
        note("no trial has a score: all of them diverged; try smaller learning rates");
        return Ok(());
    };
    say(&format!("\nbest     trial {number} of {}, in {}", scores.trials, duration(seconds)));
    if best {
        let run = RunDir::open(&sweep.best())?;
        let (test, _) = run.history()?.scores(run.config()?.train.early_stopping.is_some());
        match shown(test.as_ref()) {
            // It was trained on all samples: see `Trials::refit`.
            _ if run.config()?.loading.test_fraction == 0.0 => {
                say("test     none: it was trained on all samples, so expect the held-out scores above");
            }
            Some(test) => say(&format!("test     {test}, by which nothing was chosen")),
            None => {}
        }
        say(&format!("model    {}", run.model().display()));
    } else {
        say("model    none, since each fold has its own: --refit trains one on all of the training samples");
    }
    say(&format!("page     {}", sweep.page().display()));
    Ok(())
}
