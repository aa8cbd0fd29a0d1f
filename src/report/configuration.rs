//! The options of a run: those that were changed, and those that differ between runs.

use maud::{Markup, html};
use serde_json::Value;

use super::Run;
use super::layout::scrolling;
use crate::error::Result;
use crate::training::run::{RunConfig, spelled};

/// An option's name and value, as people write them.
struct Choice {
    name: String,
    value: String,
}

/// All options of a configuration, by name.
fn choices(config: &RunConfig) -> Result<Vec<Choice>> {
    let choice =
        |(name, value): (String, Value)| Choice { name: name.replace('_', "-"), value: spelled(&value) };
    Ok(config.values()?.into_iter().map(choice).collect())
}

/// The options of a run.
///
/// # Errors
/// [`Error::Internal`] if they cannot be listed.
pub(super) fn of_run(run: &Run) -> Result<Markup> {
    let defaults = choices(&RunConfig::for_optimizer(run.config.train.optimizer))?;
    let pairs: Vec<(Choice, Choice)> = choices(&run.config)?.into_iter().zip(defaults).collect();
    let (same, changed): (Vec<_>, Vec<_>) =
        pairs.iter().partition(|(own, default)| own.value == default.value);
    let table = |pairs: &[&(Choice, Choice)], caption: &str, with_default: bool| {
        scrolling(
            caption,
            &html! { (caption) },
            &html! {
                table {
                    thead {
                        tr {
                            th scope="col" { "option" } th.words scope="col" { "value" }
                            @if with_default { th.words scope="col" { "default" } }
                        }
                    }
                    tbody {
                        @for (own, default) in pairs {
                            tr {
                                th scope="row" { code { "--" (own.name) } }
                                td.words { (own.value) }
                                @if with_default { td.words { (default.value) } }
                            }
                        }
                    }
                }
            },
        )
    };
    Ok(html! {
        (table(&changed, "Options that differ from the defaults", true))
        details { summary { "Other options" } (table(&same, "Options with their default values", false)) }
        p.note { "To train this network again: " code { "gpu-mlp train --config " (run.name) "/config.json" } }
    })
}

/// The options that differ between runs, and those that do not.
///
/// # Errors
/// As [`of_run`].
pub(super) fn of_runs(runs: &[Run], names: &[String]) -> Result<Markup> {
    let all: Vec<Vec<Choice>> = runs.iter().map(|run| choices(&run.config)).collect::<Result<_>>()?;
    let count = all.first().map_or(0, Vec::len);
    let value = |run: usize, option: usize| all[run].get(option).map_or("", |choice| &choice.value);
    let differs = |&option: &usize| (1..runs.len()).any(|run| value(run, option) != value(0, option));
    let (different, same): (Vec<usize>, Vec<usize>) = (0..count).partition(differs);
    Ok(html! {
        @if different.is_empty() {
            p { "The runs have the same options." }
        } @else {
            (scrolling("Options that differ", &html! { "Options that differ" }, &html! {
                table.options {
                    thead {
                        tr {
                            th scope="col" { "option" }
                            @for name in names { th.words scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for &option in &different {
                            tr {
                                th scope="row" { code { "--" (all[0][option].name) } }
                                @for run in 0..runs.len() { td.words { (value(run, option)) } }
                            }
                        }
                    }
                }
            }))
        }
        details {
            summary { "Options that are the same" }
            (scrolling("Options that are the same", &html! { "Options that are the same in all runs" }, &html! {
                table {
                    tbody {
                        @for &option in &same {
                            tr { th scope="row" { code { "--" (all[0][option].name) } } td.words { (value(0, option)) } }
                        }
                    }
                }
            }))
        }
    })
}
