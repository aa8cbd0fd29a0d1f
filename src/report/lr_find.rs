//! The page of a search for a learning rate: the curve of the loss over the rate, the suggestion, and a table.

use maud::html;

use super::chart::{Figure, Line, Mark, Panel, Series, XAxis};
use super::epochs::decimals;
use super::layout::{chart, document, scrolling};
use crate::step::metrics::Measure;
use crate::training::rates::{Search, Unclear};
use crate::words::numerals::{short, thousands};

/// A loss that is so many times the one at the start, or more, is not drawn: the others would lie on one line.
const DRAWN: f64 = 1.5;

/// The page of a search, as HTML; `command` trains with the suggested rate.
pub fn lr_find(search: &Search, data: &str, command: Option<&str>) -> String {
    let (title, suggested) = ("Learning rates", search.suggested());
    let measure: Option<Measure> = search.start.headline().map(|(measure, _)| measure);
    let content = html! {
        table.trials {
            thead {
                tr {
                    th scope="col" { "learning rate" } th scope="col" { "loss" }
                    @if let Some(measure) = measure { th scope="col" { (measure.title()) } }
                }
            }
            tbody {
                @for tried in &search.tried {
                    tr class=[(suggested == Ok(tried.lr)).then_some("chosen")] {
                        th scope="row" { (format!("{:?}", tried.lr)) }
                        td { (tried.score.map_or("diverged".to_owned(), |score| decimals(score.loss))) }
                        @if let Some(measure) = measure {
                            td { (tried.score.and_then(|score| score.get(measure)).map_or("-".to_owned(), |value| measure.shown(value))) }
                        }
                    }
                }
            }
        }
    };
    let body = html! {
        h1 { (title) }
        p.lead { (data) ": " (search.tried.len()) " learning rates, " (thousands(search.steps)) " steps with each, from the same weights." }
        @match suggested {
            Ok(lr) => {
                p { "Suggested: " strong { (format!("{lr:?}")) } ", the smallest rate of those around the lowest loss that are about as good." }
                @if let Some(command) = command { p { code { (command) } } }
            }
            Err(Unclear::Diverged) => { p { "Training diverges at every rate, so there is no suggestion." } }
            Err(Unclear::Flat) => { p { "No rate lowers the loss, so there is no suggestion." } }
        }
        (chart(&figure(search), "rates"))
        p.note {
            "The loss on training samples that were held out, after the last step. Rates that diverge, or end with more than " (DRAWN)
            " times the loss at the start, are not drawn."
        }
        h2 id="rates" { "Rates" }
        (scrolling("Rates", &html! { "The suggested rate is in bold." }, &content))
    };
    document(title, &body)
}

/// The loss over the rate.
fn figure(search: &Search) -> Figure {
    let start = search.start.loss;
    let drawn = |loss: f64| if loss <= DRAWN * start { loss } else { f64::NAN };
    let point = |lr: f32, loss: f64| (f64::from(lr), loss);
    let loss = |loss: Option<f64>| loss.map_or(f64::NAN, drawn);
    let points: Vec<(f64, f64)> =
        search.tried.iter().map(|tried| point(tried.lr, loss(tried.score.map(|score| score.loss)))).collect();
    let at_start = search.tried.iter().map(|tried| point(tried.lr, start)).collect();
    let suggested = search.suggested().ok();
    let mark = points
        .iter()
        .find(|point| suggested.is_some_and(|lr| f64::from(lr) == point.0))
        .map(|&at| Mark { at, text: format!("suggested: {:?}", at.0 as f32) });
    let told = mark.as_ref().map_or(String::new(), |mark| {
        format!(" The suggested rate is {:?}, with a loss of {}.", mark.at.0 as f32, short(mark.at.1))
    });
    let name = format!("after {} steps", thousands(search.steps));
    Figure {
        title: "Loss over the learning rate".into(),
        description: format!(
            "A line chart of the loss on held-out samples over the learning rate, on a logarithmic axis. Before the first step it is {}.{told}",
            short(start)
        ),
        series: vec![Series { name: "before the first step".into() }, Series { name }],
        panels: vec![Panel {
            title: "mean loss".into(),
            x_label: "learning rate".into(),
            x_axis: XAxis::Logarithmic,
            lines: vec![Line { series: 0, points: at_start, mark: None }, Line { series: 1, points, mark }],
            ..Panel::default()
        }],
    }
}
