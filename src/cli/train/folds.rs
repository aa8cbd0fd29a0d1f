//! `train --folds`: a run for each fold, and a table of their scores.

use std::path::Path;

use serde::Serialize;

use super::args::TrainArgs;
use super::{configuration, single, sitting};
use crate::cli::choice::absolute;
use crate::cli::output::{json, note, say};
use crate::cli::table::{self, Column};
use crate::data::Fold;
use crate::error::{Error, Result};
use crate::step::record::TestScore;
use crate::training::run::RunDir;
use crate::training::run::folds::{FoldScore, FoldScores, FoldsDir};

/// The line of the table for programs.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    scores: &'a FoldScores,
}

/// The cross-validation to go on with, if the user wants that and there is one.
pub(super) fn resumed(args: &TrainArgs) -> Result<Option<FoldsDir>> {
    let Some(path) = args.resume.as_ref().and_then(|run| run.as_ref().or(args.out.as_ref())) else {
        return Ok(None);
    };
    match (FoldsDir::open(path)?, args.folds) {
        (Some(own), Some(folds)) if own.dir.count != folds => {
            Err(configuration::conflict("folds", &folds, &own.dir.count))
        }
        (None, Some(folds)) if RunDir::open(path).is_ok() => {
            let hint = "leave --folds out, or name another folder with --out";
            let problem = format!("--folds {folds}: {} holds a run, and no folds", path.display());
            Err(Error::usage(problem).hint(hint))
        }
        (own, _) => Ok(own),
    }
}

/// Trains on each fold that is not done yet, and shows all scores; `own` is what to go on with.
pub(super) fn run(args: &TrainArgs, given: &[String], own: Option<FoldsDir>, folds: usize) -> Result<u8> {
    let mut own = match own {
        Some(mut own) => {
            own.dir.config = configuration::resumed(own.dir.config, args, given)?;
            own
        }
        None => begin(args, given, folds)?,
    };
    own.dir.write()?;
    for number in 1..=own.dir.count {
        if own.score(number)?.is_some() {
            continue;
        }
        if !(args.json || args.quiet) {
            say(&format!("{}fold     {number} of {}", if number == 1 { "" } else { "\n" }, own.dir.count));
        }
        let fold = Fold::new(number, own.dir.count)?;
        let resume = args.resume.as_ref().map(|_| None);
        let out = Some(own.dir.run(number));
        let fold_args = TrainArgs { out, resume, folds: None, ..args.clone() };
        let code = single::train(&fold_args, given, Some((&own.dir.config, fold)))
            .inspect_err(|_| own.dir.withdraw())?;
        if code != 0 {
            tell(args, &own)?;
            let path = own.dir.path().display();
            note(&format!("the folds that are done are kept; to go on: gpu-mlp train --resume {path}"));
            return Ok(code);
        }
        // What the data were called may come to mean others.
        own.dir.config.data = RunDir::open(&own.dir.run(number))?.config()?.data;
        own.dir.write()?;
    }
    tell(args, &own)?;
    Ok(0)
}

fn begin(args: &TrainArgs, given: &[String], folds: usize) -> Result<FoldsDir> {
    let mut config = configuration::configured(args, given)?;
    config.train.check()?;
    Fold::new(1, folds)?;
    if Path::new(&config.data).exists() {
        config.data = absolute(Path::new(&config.data)).display().to_string();
    }
    let path = match &args.out {
        Some(out) => out.clone(),
        None => {
            let stem = Path::new(&config.data).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            sitting::unused_folder(&stem.map_or("folds".to_owned(), |stem| format!("{stem}-folds")))?
        }
    };
    FoldsDir::create(&path, folds, config, args.overwrite)
}

/// The scores of the folds that are done, on the terminal and in the folder.
fn tell(args: &TrainArgs, own: &FoldsDir) -> Result<()> {
    let scores = own.scores()?;
    own.dir.keep(&scores)?;
    if args.json {
        say(&json(&Line { event: "folds", scores: &scores })?);
    } else if !args.quiet && scores.done > 0 {
        say("");
        for line in lines(&scores) {
            say(&line);
        }
        say(&format!(
            "\n{} of {} folds, each tested on samples that it was not trained on; deviation: between the folds",
            scores.done, scores.folds
        ));
        say(&format!("runs     {}", own.dir.path().join("fold-*").display()));
    }
    Ok(())
}

fn lines(scores: &FoldScores) -> Vec<String> {
    let measures: Vec<_> =
        scores.mean.0.iter().flat_map(|mean| mean.all()).map(|(measure, _)| measure).collect();
    let mut columns = vec![Column::text("fold", 0), Column::number("test loss", 0)];
    columns.extend(measures.iter().map(|measure| Column::number(measure.title(), 0)));
    let row = |name: String, score: &TestScore| {
        let mut row = vec![name, score.0.map_or("-".to_owned(), |score| format!("{:.4}", score.loss))];
        row.extend(measures.iter().map(|&measure| {
            score.0.and_then(|score| score.get(measure)).map_or("-".to_owned(), |value| measure.shown(value))
        }));
        row
    };
    let mut rows: Vec<Vec<String>> =
        scores.scores.iter().map(|FoldScore { fold, test, .. }| row(fold.to_string(), test)).collect();
    rows.push(row("mean".into(), &scores.mean));
    rows.push(row("deviation".into(), &scores.deviation));
    table::lines(&columns, &rows, table::terminal_width())
}
