//! The numbers of every epoch as a table: rounded for people, exact for programs (`<data value>`).

use maud::{Markup, html};
use serde_json::Number;

use super::layout::scrolling;
use crate::step::metrics::{EpochRecord, Score};
use crate::training::run::history::History;
use crate::words::numerals::{short, thousands};

/// Epochs that a page shows, more or less: of longer runs it takes every second, third, …
const MOST: usize = 1000;

/// The distance between two epochs that are shown.
fn stride(history: &History) -> usize {
    history.epochs.len().div_ceil(MOST).max(1)
}

/// The epochs that are shown: the first and the last of all are among them, and the one that the model is of.
pub(super) fn shown<'a>(history: &'a History, model: Option<&EpochRecord>) -> Vec<&'a EpochRecord> {
    let (last, stride) = (history.epochs.len(), stride(history));
    let of_model = model.map(|record| record.epoch);
    let wanted = |record: &&EpochRecord| {
        (record.epoch - 1).is_multiple_of(stride) || record.epoch == last || Some(record.epoch) == of_model
    };
    history.epochs.iter().filter(wanted).collect()
}

/// The table of a run's epochs.
pub(super) fn table(name: &str, history: &History, model: Option<&EpochRecord>) -> Markup {
    if history.epochs.is_empty() {
        return html! { p { "No epoch is finished yet." } };
    }
    let validated = history.epochs.iter().any(|record| record.validation.is_some());
    let of_model = model.map(|record| record.epoch);
    let last = history.epochs.last();
    let caption = html! {
        "The epochs of metrics.jsonl, rounded; the page's source has all digits."
        @if stride(history) > 1 {
            " Only one in " (thousands(stride(history))) " of the " (thousands(history.epochs.len()))
            " epochs is shown, here and in the curves."
        }
        @if of_model.is_some() { " The model comes from the epoch in bold." }
    };
    let table = html! {
        table.epochs data-run=(name) {
            thead {
                tr {
                    th scope="col" { "epoch" }
                    (heads("training", last.map(|record| &record.train)))
                    @if validated { (heads("validation", last.map(|record| &record.test))) }
                    (heads("test", last.map(|record| &record.test)))
                    th scope="col" { "seconds" } th scope="col" { "samples/s" }
                }
            }
            tbody {
                @for record in shown(history, model) {
                    tr class=[(Some(record.epoch) == of_model).then_some("chosen")] { (row(record, validated)) }
                }
            }
        }
    };
    scrolling("Epochs", &caption, &table)
}

/// The columns of a part.
fn heads(part: &str, like: Option<&Score>) -> Markup {
    html! {
        th scope="col" { (part) " loss" }
        @for (measure, _) in like.iter().flat_map(|score| score.all()) { th scope="col" { (measure.title()) } }
    }
}

fn row(record: &EpochRecord, validated: bool) -> Markup {
    let scores = |score: &Score| {
        html! {
            td { (exact(score.loss, &decimals(score.loss))) }
            @for (measure, value) in score.all() { td { (exact(value, &measure.shown(value))) } }
        }
    };
    html! {
        th scope="row" { (record.epoch) }
        (scores(&record.train))
        @if validated {
            @match &record.validation {
                Some(score) => (scores(score)),
                None => { @for _ in 0..=record.test.all().count() { td { "-" } } }
            }
        }
        (scores(&record.test))
        td { (exact(record.seconds, &format!("{:.2}", record.seconds))) }
        td { (exact(record.samples_per_second, &thousands(record.samples_per_second.round() as usize))) }
    }
}

/// A number as it stands in metrics.jsonl, and as people read it.
fn exact(value: f64, shown: &str) -> Markup {
    let text = Number::from_f64(value).map(|number| number.to_string());
    html! { data value=[text] { (shown) } }
}

/// A loss to four decimals where that is neither too few nor too many.
pub(super) fn decimals(loss: f64) -> String {
    if loss == 0.0 || (5e-4..1e4).contains(&loss) { format!("{loss:.4}") } else { short(loss) }
}
