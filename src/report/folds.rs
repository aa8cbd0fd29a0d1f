//! The scores of a cross-validation: fold by fold, their mean, and their deviation between the folds.

use maud::{Markup, html};

use super::epochs::decimals;
use super::layout::scrolling;
use crate::step::metrics::Measure;
use crate::step::record::TestScore;
use crate::training::run::folds::FoldScores;
use crate::words::numerals::thousands;

/// The table of the folds that are done; nothing before the first is.
pub(super) fn table(scores: &FoldScores) -> Markup {
    let Some(mean) = scores.mean.0 else { return html! {} };
    let measures: Vec<Measure> = mean.all().map(|(measure, _)| measure).collect();
    let row = |name: &str, score: &TestScore| {
        let value = |measure: &Measure| score.0.and_then(|score| Some(measure.shown(score.get(*measure)?)));
        html! {
            tr {
                th scope="row" { (name) }
                td { (score.0.map_or("-".to_owned(), |score| decimals(score.loss))) }
                @for measure in &measures { td { (value(measure).unwrap_or("-".to_owned())) } }
            }
        }
    };
    let content = html! {
        table.folds {
            thead {
                tr {
                    th scope="col" { "fold" } th scope="col" { "test loss" }
                    @for measure in &measures { th scope="col" { "test " (measure.title()) } }
                }
            }
            tbody {
                @for fold in &scores.scores { (row(&fold.fold.to_string(), &fold.test)) }
                (row("mean", &scores.mean))
                (row("deviation", &scores.deviation))
            }
        }
    };
    let caption = html! {
        "Cross-validation " code { (scores.run_dir) } ": " (thousands(scores.done)) " of " (thousands(scores.folds))
        " folds are done. The deviation is that between folds."
    };
    scrolling("Cross-validation", &caption, &content)
}
