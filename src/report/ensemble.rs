//! The page of an ensemble: what its members say together, how they differ, and their curves.

use maud::{Markup, html};

use super::epochs::decimals;
use super::layout::{document, scrolling};
use super::run_page::{left_out, tested, tile};
use super::{Run, Test, configuration, curves, epochs};
use crate::error::Result;
use crate::step::metrics::{Measure, Score};
use crate::step::spread::Spread;
use crate::training::checkpoint::ModelInfo;
use crate::words::numerals::{counted, duration, thousands};

/// Members whose curves are drawn: as many as there are colours.
const DRAWN: usize = 6;

/// What the page shows.
pub struct Ensemble<'a> {
    /// The folder, as the user named it.
    pub name: String,
    /// What every member is.
    pub info: &'a ModelInfo,
    /// Which members there are, from 1.
    pub numbers: &'a [usize],
    /// Their runs.
    pub runs: &'a [Run],
    /// What each of them is worth on the test samples, as it was measured for the page; empty if it was not.
    pub scores: &'a [(usize, Score)],
    /// What they are worth together.
    pub test: Option<&'a Test>,
    /// What is left out, and why.
    pub left_out: &'a [String],
}

/// The page of an ensemble, as HTML.
///
/// # Errors
/// As [`page`](super::page).
pub fn ensemble(ensemble: &Ensemble<'_>) -> Result<String> {
    let Ensemble { name, runs, numbers, test, .. } = ensemble;
    let title = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(name);
    let names: Vec<String> = numbers.iter().map(|number| format!("member {number}")).collect();
    let drawn = runs.len().min(DRAWN);
    let body = html! {
        h1 { "Ensemble " (title) }
        p.lead {
            @if let Some(run) = runs.first() {
                (run.data())
                @if let Some(network) = run.network() { ", " (network) }
                ", the mean of " (counted(runs.len(), "member")) "."
            }
            br; code { (name) }
        }
        (headline(ensemble))
        (left_out(ensemble.left_out))
        h2 id="members" { "Members" }
        (members(ensemble))
        h2 id="curves" { "Curves" }
        @if drawn < runs.len() { p.note { "Only the first " (drawn) " of " (thousands(runs.len())) " members are drawn." } }
        (curves::of_runs(&runs[..drawn], &names[..drawn]))
        @if let Some(test) = test { (tested(test)?) }
        h2 id="options" { "Options" }
        (configuration::of_runs(runs, &names)?)
        h2 id="epochs" { "Epochs" }
        @for (run, name) in runs.iter().zip(&names) {
            details {
                summary { (name) }
                (epochs::table(&run.name, &run.history, run.of_model()))
            }
        }
    };
    Ok(document(title, &body))
}

/// What each member is worth: as measured for the page, or as its run tells.
fn scores(ensemble: &Ensemble<'_>) -> Vec<Option<Score>> {
    match ensemble.scores {
        [] => ensemble.runs.iter().map(Run::test_score).collect(),
        measured => measured.iter().map(|(_, score)| Some(*score)).collect(),
    }
}

/// The most important numbers.
fn headline(ensemble: &Ensemble<'_>) -> Markup {
    let own: Vec<Score> = scores(ensemble).into_iter().flatten().collect();
    let spread = Spread::of(&own);
    let together = ensemble.test.map(|test| test.evaluation.score);
    let of_members = |value: fn(&Score) -> Option<f64>, shown: &dyn Fn(f64) -> String| {
        let (mean, lowest, highest) = spread.as_ref().map(|all| (&all.mean, &all.lowest, &all.highest))?;
        let [mean, lowest, highest] = [mean, lowest, highest].map(value);
        Some(format!("members {} ({} to {})", shown(mean?), shown(lowest?), shown(highest?)))
    };
    let first = spread.and_then(|spread| spread.mean.headline()).map(|(measure, _)| measure);
    let parameters = ensemble.info.spec.parameter_count();
    let seconds: f64 = ensemble.runs.iter().map(|run| run.history.training_seconds()).sum();
    html! {
        dl.headline {
            @if let Some(measure) = first {
                (tile(&format!("Test {}", measure.title()),
                    together.and_then(|score| score.get(measure)).map(|value| measure.shown(value)),
                    of_members(|score| score.headline().map(|(_, value)| value), &|value| measure.shown(value))))
            }
            (tile("Test loss", together.map(|score| decimals(score.loss)), of_members(|score| Some(score.loss), &decimals)))
            (tile("Members", Some(thousands(ensemble.runs.len())), None))
            (tile("Parameters", Some(thousands(parameters * ensemble.runs.len())),
                Some(format!("{} each", thousands(parameters)))))
            (tile("Training time", Some(duration(seconds)), Some("of all members together".into())))
        }
    }
}

/// A row for each member, and below them how they differ.
fn members(ensemble: &Ensemble<'_>) -> Markup {
    let scores = scores(ensemble);
    let own: Vec<Score> = scores.iter().copied().flatten().collect();
    let spread = Spread::of(&own);
    let known = spread.iter().flat_map(|spread| spread.mean.all()).map(|(measure, _)| measure);
    let measures: Vec<Measure> = known.filter(|measure| !measure.is_binary()).collect();
    let row = |name: &str, score: Option<Score>, about: [String; 3]| {
        let value = |measure: &Measure| score.and_then(|score| Some(measure.shown(score.get(*measure)?)));
        html! {
            th scope="row" { (name) }
            td { (score.map_or("-".to_owned(), |score| decimals(score.loss))) }
            @for measure in &measures { td { (value(measure).unwrap_or("-".to_owned())) } }
            @for cell in about { td { (cell) } }
        }
    };
    let below = [
        ("mean", spread.map(|spread| spread.mean)),
        ("deviation", spread.and_then(|spread| spread.deviation)),
        ("lowest", spread.map(|spread| spread.lowest)),
        ("highest", spread.map(|spread| spread.highest)),
    ];
    let content = html! {
        table.summary {
            thead {
                tr {
                    th scope="col" { "member" } th scope="col" { "test loss" }
                    @for measure in &measures { th scope="col" { "test " (measure.title()) } }
                    th scope="col" { "seed" } th scope="col" { "epochs" } th scope="col" { "end" }
                }
            }
            tbody {
                @for ((number, run), score) in ensemble.numbers.iter().zip(ensemble.runs).zip(&scores) {
                    tr {
                        (row(&number.to_string(), *score, [run.config.train.seed.to_string(),
                            thousands(run.history.epochs.len()), run.outcome().to_owned()]))
                    }
                }
                @for (name, score) in below.into_iter().filter(|(_, score)| score.is_some()) {
                    tr { (row(name, score, Default::default())) }
                }
                @if let Some(test) = ensemble.test {
                    tr.chosen { (row("ensemble", Some(test.evaluation.score), Default::default())) }
                }
            }
        }
    };
    let caption = html! {
        "The deviation is that between members. The ensemble answers with the mean of what its members say."
    };
    scrolling("Members", &caption, &content)
}
