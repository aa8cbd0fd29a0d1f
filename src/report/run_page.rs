//! The page of one run.

use maud::{Markup, html};

use super::epochs::decimals;
use super::layout::{document, scrolling};
use super::{Run, Test, configuration, curves, epochs, matrix, mistakes, outputs, ranks, weights};
use crate::error::Result;
use crate::network::Task;
use crate::step::metrics::Score;
use crate::words::numerals::{duration, short, thousands};

/// The page of a run, as HTML.
///
/// # Errors
/// What reading the samples that it shows reports; [`Error::Internal`](crate::Error::Internal) if a picture cannot be made.
pub fn page(run: &Run) -> Result<String> {
    let body = html! {
        h1 { "Run " (run.short_name()) }
        p.lead { (lead(run)) }
        (headline(run))
        (left_out(run.left_out()))
        @if !run.history.epochs.is_empty() {
            h2 id="curves" { "Curves" }
            (curves::of_run(run))
        }
        (recoveries(run))
        @if let Some(test) = &run.test { (tested(test)?) }
        @if let Some(weights) = weights::weights(run)? { (weights) }
        h2 id="options" { "Options" }
        (configuration::of_run(run)?)
        h2 id="time" { "Device, data and time" }
        (circumstances(run))
        h2 id="epochs" { "Epochs" }
        (epochs::table(&run.name, &run.history, run.of_model()))
    };
    Ok(document(run.short_name(), &body))
}

/// The data, the network, and how the run ended.
fn lead(run: &Run) -> Markup {
    html! {
        (run.data())
        @if let Some(network) = run.network() { ", " (network) }
        @if !run.config.train.hidden.is_empty() { " with " (run.config.train.activation.to_string()) }
        ", " (run.state()) "." br; code { (run.name) }
    }
}

/// A number, with a word about it.
pub(super) fn tile(name: &str, value: Option<String>, about: Option<String>) -> Markup {
    html! { div { dt { (name) } dd { (value.unwrap_or("-".into())) @if let Some(about) = about { small { (about) } } } } }
}

/// The most important numbers.
fn headline(run: &Run) -> Markup {
    let (record, start) = (run.of_model(), run.history.start.as_ref());
    let of_epoch = record.map(|record| format!("after epoch {}", record.epoch));
    let parameters = match (&start, &run.model) {
        (Some(start), _) => Some(start.parameters),
        (None, Some((_, info))) => Some(info.spec.parameter_count()),
        (None, None) => None,
    };
    html! {
        dl.headline {
            @for (measure, value) in run.test_score().iter().flat_map(Score::all) {
                (tile(&format!("Test {}", measure.title()), Some(measure.shown(value)), of_epoch.clone()))
            }
            (tile("Test loss", record.map(|record| decimals(record.test.loss)), of_epoch))
            (tile("Epochs", Some(thousands(run.history.epochs.len())),
                Some(format!("of {}", thousands(run.config.train.epochs)))))
            (tile("Parameters", parameters.map(thousands), run.network()))
            (tile("Training time", record.map(|_| duration(run.history.training_seconds())),
                run.history.samples_per_second().map(|speed| format!("{} samples/s", thousands(speed as usize)))))
            div {
                dt { "Device" }
                dd.words {
                    @match start {
                        Some(start) => { (start.engine.backend) ": " (start.engine.adapter) }
                        None => "-",
                    }
                }
            }
        }
    }
}

/// The parts that are left out, and why.
pub(super) fn left_out(problems: &[String]) -> Markup {
    html! {
        @if !problems.is_empty() {
            aside.omitted aria-label="Left out" {
                @for problem in problems { p { strong { "Left out: " } (problem) } }
            }
        }
    }
}

/// Failures that would have ended the run.
fn recoveries(run: &Run) -> Markup {
    let all = &run.history.recoveries;
    if all.is_empty() {
        return html! {};
    }
    html! {
        h2 id="recoveries" { "Recoveries" }
        (scrolling("Recoveries", &html! { "Failures that would have ended the run, and how it continued." }, &html! {
            table {
                thead {
                    tr { th scope="col" { "epoch" } th.words scope="col" { "problem" } th.words scope="col" { "continued with" } }
                }
                tbody {
                    @for recovery in all {
                        tr {
                            th scope="row" { (recovery.epoch) }
                            td.words { (recovery.problem) }
                            td.words {
                                (recovery.action)
                                @if let Some(lr) = recovery.lr { ", learning rate " (short(f64::from(lr))) }
                            }
                        }
                    }
                }
            }
        }))
    }
}

/// The network on the test samples.
pub(super) fn tested(test: &Test) -> Result<Markup> {
    let dataset = &test.dataset;
    let names = &dataset.preparation.class_names;
    if dataset.preparation.task() != Task::Classification {
        return Ok(html! {
            h2 id="outputs" { @if test.evaluation.labels.is_empty() { "Targets" } @else { "Labels" } }
            (measured(test))
            (outputs::outputs(&test.evaluation, names, &test.thresholds))
            (ranks::ranks(&test.evaluation, names, &test.thresholds))
        });
    }
    Ok(html! {
        h2 id="mistakes" { "Most confident mistakes" }
        (mistakes::mistakes(test)?)
        h2 id="confusion" { "Confusion matrix" }
        (measured(test))
        (matrix::confusion(&test.evaluation.confusion, names)?)
        h2 id="classes" { "Classes" }
        (matrix::classes(&test.evaluation.confusion, names))
        (ranks::ranks(&test.evaluation, names, &test.thresholds))
    })
}

/// The scores, and the device that computed them.
fn measured(test: &Test) -> Markup {
    let (dataset, score) = (&test.dataset, &test.evaluation.score);
    html! {
        p.note {
            "For this page the model was evaluated on the " (thousands(dataset.test.len())) " test samples of "
            (dataset.name) " (" (dataset.origin) ") by " (test.device.adapter) ": "
            @for (measure, value) in score.all() { (measure.title()) " " (measure.shown(value)) ", " }
            "loss " (decimals(score.loss)) "."
            @if let (Some(threshold), Task::Classification) = (test.thresholds.first(), dataset.preparation.task()) {
                " The answer is " (super::run::class_name(&dataset.preparation.class_names, 1)) " from a probability of "
                (decimals(*threshold)) " on (the threshold)."
            }
        }
    }
}

/// Device, data and time.
fn circumstances(run: &Run) -> Markup {
    let row = |name: &str, value: String| html! { tr { th scope="row" { (name) } td.words { (value) } } };
    let history = &run.history;
    let count = history.epochs.len() as f64;
    let content = html! {
        table {
            tbody {
                @if let Some(start) = &history.start {
                    (row("device", format!("{} ({}, {})", start.engine.adapter, start.engine.backend, start.engine.device_type)))
                    (row("data", format!("{} ({})", start.data, start.data_origin)))
                    (row("training samples", thousands(start.train_samples)))
                    @if start.validation_samples > 0 { (row("validation samples", thousands(start.validation_samples))) }
                    (row("test samples", thousands(start.test_samples)))
                    (row("time to the first step", duration(start.setup_seconds)))
                }
                @if count > 0.0 {
                    (row("training time", duration(history.training_seconds())))
                    (row("mean time per epoch", format!("{} s", short(history.training_seconds() / count))))
                }
                @if let Some(speed) = history.samples_per_second() {
                    (row("samples/s, median", thousands(speed as usize)))
                }
                @if let Some(end) = &history.end { (row("whole program", duration(end.seconds))) }
            }
        }
    };
    let caption = html! { "The training time does not include the evaluation after each epoch." };
    scrolling("Device, data and time", &caption, &content)
}
