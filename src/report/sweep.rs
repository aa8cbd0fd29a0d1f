//! The page of a sweep: what each option does to the score, the best trials' curves, and a table of all trials.

use maud::{Markup, PreEscaped, html};

use super::chart::{Dots, Places, dots};
use super::epochs::decimals;
use super::layout::{document, scrolling};
use super::{Run, curves};
use crate::error::Result;
use crate::step::metrics::Measure;
use crate::training::run::sweep::{SweepDir, SweepScores, TrialScore};
use crate::words::numerals::{counted, duration, thousands};

/// The best trials have their curves drawn: as many as there are colours.
const DRAWN: usize = 6;

/// Values of an option beside one another, at most; with more, numbers have an axis.
const LISTED: usize = 12;

/// Numbers whose largest is so many times the one in the middle, or more, have a logarithmic axis.
const UNEVEN: f64 = 5.0;

/// The page of a sweep, as HTML.
///
/// # Errors
/// What reading the best runs reports.
pub fn sweep(sweep: &SweepDir, scores: &SweepScores) -> Result<String> {
    let ranked = scores.ranked();
    let measure = ranked.first().and_then(|first| first.validation.0?.headline()).map(|(measure, _)| measure);
    let (runs, names) = best_runs(sweep, &ranked)?;
    let title = format!("Sweep of {}", counted(scores.trials, "trial"));
    let body = html! {
        h1 { (title) }
        p.lead { code { (scores.run_dir) } }
        (lead(sweep, scores, measure))
        h2 id="options" { "Options" }
        p.note { "Each dot is a trial; the ring is the best one." }
        div.charts {
            @for (number, name) in sweep.sweep.options.iter().enumerate() {
                figure.chart { (PreEscaped(panel(sweep, scores, &name.replace('_', "-"), number, measure))) }
            }
        }
        @if !runs.is_empty() {
            h2 id="curves" { "Curves of the best trials" }
            (curves::of_runs(&runs, &names))
        }
        h2 id="trials" { "Trials" }
        (table(sweep, scores, &ranked, measure))
    };
    Ok(document(&title, &body))
}

/// What trials are compared by.
fn part(sweep: &SweepDir) -> &'static str {
    if sweep.sweep.folds.is_some() { "held-out" } else { "validation" }
}

fn lead(sweep: &SweepDir, scores: &SweepScores, measure: Option<Measure>) -> Markup {
    let by = measure.map_or("loss", Measure::title);
    let how = match sweep.sweep.folds {
        Some(folds) => format!("the mean {by} on {} that were held out", counted(folds, "fold")),
        None => format!("the {by} on the validation part"),
    };
    let best = scores.best.and_then(|best| scores.scores.get(best - 1));
    html! {
        p {
            (thousands(scores.done)) " of " (counted(scores.trials, "trial")) " are at their end. They are compared by " (how)
            "; the test set decided nothing."
            @if sweep.sweep.halving { " Successive halving: only the better trials were trained to the end." }
        }
        @if let Some(best) = best {
            p {
                "The best is " strong { "trial " (best.trial) } ": "
                @for (index, (name, value)) in best.options.iter().enumerate() {
                    @if index > 0 { ", " } code { "--" (name) " " (value) }
                }
                "."
            }
        }
    }
}

/// The score by which trials are compared.
fn value(score: &TrialScore, measure: Option<Measure>) -> Option<f64> {
    let score = score.validation.0?;
    measure.map_or(Some(score.loss), |measure| score.get(measure))
}

/// What an option does to the score.
fn panel(
    sweep: &SweepDir,
    scores: &SweepScores,
    option: &str,
    number: usize,
    measure: Option<Measure>,
) -> String {
    let of = |score: &TrialScore| score.options.get(option).cloned().unwrap_or_default();
    let mut values: Vec<String> = scores.scores.iter().map(of).collect();
    let numbers: Vec<Option<f64>> = values.iter().map(|value| value.parse::<f64>().ok()).collect();
    let are_numbers = numbers.iter().all(Option::is_some);
    values.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    values.dedup();
    let mut sorted: Vec<f64> = numbers.into_iter().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let places = match &sorted[..] {
        _ if values.len() <= LISTED || !are_numbers => Places::Listed(&values),
        // Were they spread evenly, the one in the middle would be half of the largest.
        [least, .., most] if *least > 0.0 && sorted[sorted.len() / 2] * UNEVEN < *most => Places::Logarithms,
        _ => Places::Numbers,
    };
    let place = |score: &TrialScore| match places {
        Places::Listed(values) => values.iter().position(|value| *value == of(score)).unwrap_or(0) as f64,
        Places::Numbers | Places::Logarithms => of(score).parse().unwrap_or(f64::NAN),
    };
    let points: Vec<(f64, f64)> =
        scores.scores.iter().map(|score| (place(score), value(score, measure).unwrap_or(f64::NAN))).collect();
    let title = format!("{} {}", part(sweep), measure.map_or("loss", Measure::title));
    let best = scores.best.map(|best| best - 1);
    let told =
        best.map_or(String::new(), |best| format!(" The best trial has {}.", of(&scores.scores[best])));
    let description = format!(
        "The {title} of each trial over --{option}, which has {}.{told}",
        counted(values.len(), "value")
    );
    let x_label = format!("--{option}");
    let percent = measure.is_some_and(Measure::is_share);
    let panel = Dots {
        title: &title,
        description: &description,
        x_label: &x_label,
        places,
        points: &points,
        marked: best,
        percent,
    };
    dots(&panel, &format!("option-{number}"))
}

/// The runs of the best trials, with their names; none of folds, which have several.
fn best_runs(sweep: &SweepDir, ranked: &[&TrialScore]) -> Result<(Vec<Run>, Vec<String>)> {
    if sweep.sweep.folds.is_some() {
        return Ok((Vec::new(), Vec::new()));
    }
    let best = ranked.iter().filter(|score| score.validation.0.is_some()).take(DRAWN);
    let name = |score: &TrialScore| {
        let options: Vec<String> =
            score.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        format!("{}: {}", score.trial, options.join(", "))
    };
    let mut runs = (Vec::new(), Vec::new());
    for score in best {
        runs.0.push(Run::read(&sweep.trial(score.trial))?);
        runs.1.push(name(score));
    }
    Ok(runs)
}

fn table(sweep: &SweepDir, scores: &SweepScores, ranked: &[&TrialScore], measure: Option<Measure>) -> Markup {
    let names: Vec<String> = sweep.sweep.options.iter().map(|name| name.replace('_', "-")).collect();
    let dash = || "-".to_owned();
    let content = html! {
        table.trials {
            thead {
                tr {
                    th scope="col" { "trial" }
                    @for name in &names { th scope="col" { "--" (name) } }
                    @if let Some(measure) = measure { th scope="col" { (part(sweep)) " " (measure.title()) } }
                    th scope="col" { (part(sweep)) " loss" }
                    th scope="col" { "epochs" } th scope="col" { "training time" } th scope="col" { "state" }
                }
            }
            tbody {
                @for score in ranked {
                    tr class=[(scores.best == Some(score.trial)).then_some("chosen")] {
                        th scope="row" { (score.trial) }
                        @for name in &names { td { (score.options.get(name).cloned().unwrap_or_else(dash)) } }
                        @if let Some(measure) = measure {
                            td { (value(score, Some(measure)).map_or_else(dash, |value| measure.shown(value))) }
                        }
                        td { (score.validation.0.map_or_else(dash, |score| decimals(score.loss))) }
                        td { (thousands(score.epochs)) }
                        td { (duration(score.training_seconds)) }
                        td { (score.stand.name()) }
                    }
                }
            }
        }
    };
    let caption = html! { "The best trial first. Training time does not include evaluation." };
    scrolling("Trials", &caption, &content)
}
