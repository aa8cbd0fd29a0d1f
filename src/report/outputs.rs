//! The scores of labels or regression targets, for each output; for targets also plots of predictions and residuals.

use maud::{Markup, PreEscaped, html};

use super::chart::{Scatter, scatter};
use super::layout::scrolling;
use super::run::class_name;
use crate::step::metrics::Measure;
use crate::training::evaluation::{Evaluation, Point};
use crate::words::numerals::{short, thousands};

/// Targets that have pictures.
const DRAWN: usize = 12;

/// The section's content.
pub(super) fn outputs(evaluation: &Evaluation, names: &[String], thresholds: &[f64]) -> Markup {
    if evaluation.targets.is_empty() {
        labels(evaluation, names, thresholds)
    } else {
        targets(evaluation, names)
    }
}

fn labels(evaluation: &Evaluation, names: &[String], thresholds: &[f64]) -> Markup {
    let content = html! {
        table {
            thead {
                tr {
                    th.name scope="col" { "label" } th scope="col" { "actual" } th scope="col" { "predicted" }
                    th scope="col" { "accuracy" } th scope="col" { "precision" } th scope="col" { "recall" }
                    th scope="col" { "F1" } @if !thresholds.is_empty() { th scope="col" { "threshold" } }
                }
            }
            tbody {
                @for (label, score) in evaluation.labels.iter().enumerate() {
                    tr {
                        th.name scope="row" { bdi { (class_name(names, label)) } }
                        td { (thousands(score.samples as usize)) } td { (thousands(score.answers as usize)) }
                        td { (Measure::LabelAccuracy.shown(score.accuracy)) }
                        td { (Measure::MacroF1.shown(score.precision)) } td { (Measure::MacroF1.shown(score.recall)) }
                        td { (Measure::MacroF1.shown(score.f1)) }
                        @if let Some(threshold) = thresholds.get(label) { td { (short(*threshold)) } }
                    }
                }
            }
        }
    };
    let caption = html! { "Actual: test samples that have the label. Predicted: test samples for which the network predicts it." };
    scrolling("Labels", &caption, &content)
}

fn targets(evaluation: &Evaluation, names: &[String]) -> Markup {
    let content = html! {
        table {
            thead {
                tr {
                    th.name scope="col" { "target" } th scope="col" { "R²" } th scope="col" { "RMSE" } th scope="col" { "MAE" }
                }
            }
            tbody {
                @for (target, score) in evaluation.targets.iter().enumerate() {
                    tr {
                        th.name scope="row" { bdi { (class_name(names, target)) } }
                        td { (Measure::R2.shown(score.r2)) } td { (short(score.rmse)) } td { (short(score.mae)) }
                    }
                }
            }
        }
    };
    let count = evaluation.targets.len();
    html! {
        (scrolling("Targets", &html! { "RMSE and MAE are in the target's own unit." }, &content))
        @for target in 0..count.min(DRAWN) { (pictures(evaluation, target, &class_name(names, target))) }
        @if count > DRAWN { p { "Only the first " (DRAWN) " of " (thousands(count)) " targets are drawn." } }
    }
}

/// Predicted against actual values, and residuals.
fn pictures(evaluation: &Evaluation, target: usize, name: &str) -> Markup {
    let own = || evaluation.points.iter().filter(|point| point.target == target);
    let points = |of: fn(&Point) -> (f64, f64)| own().map(of).collect::<Vec<_>>();
    let (both, residuals) = (
        points(|point| (point.actual, point.predicted)),
        points(|point| (point.predicted, point.predicted - point.actual)),
    );
    let count = thousands(both.len());
    let about = |what: &str| format!("{what} of `{name}` for {count} test samples.");
    let left = Scatter {
        title: &format!("{name}: predicted against actual"),
        description: &about("Each point has the actual and the predicted value"),
        labels: ["actual", "predicted"],
        points: &both,
        right: |actual| actual,
    };
    let right = Scatter {
        title: &format!("{name}: residuals"),
        description: &about("Each point has the predicted value and the residual (predicted - actual)"),
        labels: ["predicted", "predicted - actual"],
        points: &residuals,
        right: |_| 0.0,
    };
    html! {
        div.charts {
            figure.chart { (PreEscaped(scatter(&left, &format!("actual{target}")))) }
            figure.chart { (PreEscaped(scatter(&right, &format!("residual{target}")))) }
        }
    }
}
