//! The page of several runs side by side.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::chart::RUNAWAY;
use super::epochs::decimals;
use super::layout::{document, scrolling};
use super::run_page::left_out;
use super::{Run, configuration, curves, epochs, folds};
use crate::data::LoadOptions;
use crate::error::Result;
use crate::step::metrics::{EpochRecord, Measure};
use crate::training::run::folds::FoldScores;
use crate::words::numerals::{duration, thousands};

/// The page of several runs, as HTML; with the scores of the cross-validations that they are of.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal) if their options cannot be listed.
pub fn comparison(runs: &[Run], cross_validations: &[FoldScores]) -> Result<String> {
    let title = format!("{} runs compared", runs.len());
    let names = names(runs);
    let body = html! {
        h1 { (title) }
        @if on_folds(runs) {
            p.note { "Each run of a cross-validation is tested on another fold of the same samples." }
        } @else if !same_data(runs) {
            aside.omitted {
                p { "These runs were not all tested on the same data, so their losses and scores cannot be compared directly." }
            }
        }
        @for scores in cross_validations { (folds::table(scores)) }
        @for run in runs { (left_out(run.left_out())) }
        (summary(runs, &names))
        h2 id="options" { "Options" }
        (configuration::of_runs(runs, &names)?)
        h2 id="curves" { "Curves" }
        p.note { "A chart is cut off at " (RUNAWAY) " times the height of the first run's line." }
        (curves::of_runs(runs, &names))
        h2 id="epochs" { "Epochs" }
        @for (run, name) in runs.iter().zip(&names) {
            details {
                summary { (name) }
                (epochs::table(&run.name, &run.history, run.of_model()))
            }
        }
    };
    Ok(document(&title, &body))
}

/// The names of runs: the last part of their folder if that is unique.
fn names(runs: &[Run]) -> Vec<String> {
    let short: BTreeSet<&str> = runs.iter().map(Run::short_name).collect();
    let name =
        |run: &Run| if short.len() == runs.len() { run.short_name().to_owned() } else { run.name.clone() };
    runs.iter().map(name).collect()
}

/// Whether all were tested on the same data, as far as the runs tell.
fn same_data(runs: &[Run]) -> bool {
    let data = |run: &Run| {
        let samples = run.history.start.as_ref().map(|start| start.test_samples);
        let (data, loading) = (run.config.data.clone(), run.config.loading.clone());
        // What is chosen by is not tested on.
        let (validation_data, validation_fraction, validation_seed) = Default::default();
        (data, LoadOptions { validation_data, validation_fraction, validation_seed, ..loading }, samples)
    };
    runs.windows(2).all(|pair| data(&pair[0]) == data(&pair[1]))
}

/// Whether all are folds of the same samples, as far as the runs tell.
fn on_folds(runs: &[Run]) -> bool {
    let data =
        |run: &Run| (run.config.data.clone(), LoadOptions { fold: None, ..run.config.loading.clone() });
    let folds = |run: &Run| run.config.loading.fold.map(|fold| fold.of);
    runs.iter().all(|run| folds(run).is_some())
        && runs.windows(2).all(|pair| folds(&pair[0]) == folds(&pair[1]) && data(&pair[0]) == data(&pair[1]))
}

/// One row per run.
fn summary(runs: &[Run], names: &[String]) -> Markup {
    let headlines: BTreeSet<&str> =
        runs.iter().filter_map(|run| headline(run.of_model()?)).map(|(measure, _)| measure.title()).collect();
    // Scores of different kinds stand under a name that fits all.
    let measure = match headlines.len() {
        1 => headlines.first().copied().unwrap_or_default(),
        _ => "score",
    };
    let value = |run: &Run| headline(run.of_model()?).map(|(_, value)| value);
    let best = runs.iter().filter_map(value).fold(f64::NEG_INFINITY, f64::max);
    let comparable = same_data(runs) && headlines.len() == 1;
    let content = html! {
        table.summary {
            thead {
                tr {
                    th scope="col" { "run" } th scope="col" { "test " (measure) } th scope="col" { "test loss" }
                    th scope="col" { "highest " (measure) } th scope="col" { "lowest loss" } th scope="col" { "epochs" }
                    th scope="col" { "time" } th scope="col" { "samples/s" } th scope="col" { "parameters" }
                    th scope="col" { "network" } th.words scope="col" { "data" } th.words scope="col" { "device" }
                    th scope="col" { "end" }
                }
            }
            tbody {
                @for (run, name) in runs.iter().zip(names) {
                    tr class=[(comparable && value(run) == Some(best)).then_some("chosen")] { (row(run, name)) }
                }
            }
        }
    };
    let caption = html! {
        "Test scores are those of the epoch that the model comes from"
        @if comparable { "; the highest " (measure) " is in bold" } ". The time does not include evaluation."
    };
    scrolling("Runs", &caption, &content)
}

/// The main score.
fn headline(record: &EpochRecord) -> Option<(Measure, f64)> {
    record.test.headline()
}

fn row(run: &Run, name: &str) -> Markup {
    let (history, record, start) = (&run.history, run.of_model(), run.history.start.as_ref());
    let or_dash = |text: Option<String>| text.unwrap_or("-".into());
    let at = |record: &EpochRecord, text: String| format!("{text} (epoch {})", record.epoch);
    let value = |record: &EpochRecord| headline(record).map_or(f64::NEG_INFINITY, |(_, value)| value);
    let shown = |record: &EpochRecord| headline(record).map(|(measure, value)| measure.shown(value));
    let highest = history.epochs.iter().rev().max_by(|a, b| value(a).total_cmp(&value(b)));
    let lowest = history.epochs.iter().min_by(|a, b| a.test.loss.total_cmp(&b.test.loss));
    html! {
        th.narrow scope="row" title=(run.name) { (name) }
        td { (or_dash(record.and_then(shown))) }
        td { (or_dash(record.map(|record| decimals(record.test.loss)))) }
        td { (or_dash(highest.and_then(|record| Some(at(record, shown(record)?))))) }
        td { (or_dash(lowest.map(|record| at(record, decimals(record.test.loss))))) }
        td { (thousands(history.epochs.len())) }
        td { (or_dash(record.map(|_| duration(history.training_seconds())))) }
        td { (or_dash(history.samples_per_second().map(|speed| thousands(speed as usize)))) }
        td { (or_dash(start.map(|start| thousands(start.parameters)))) }
        td { (or_dash(run.network())) }
        td.words { (run.data()) }
        td.words { (or_dash(start.map(|start| start.engine.adapter.clone()))) }
        td { (run.outcome()) }
    }
}
