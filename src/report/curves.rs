//! Loss and accuracy by epoch: of one run on all its parts, or of several runs on one part each.

use maud::{Markup, html};

use super::chart::{Figure, Line, Mark, Panel, Series, XAxis};
use super::layout::chart;
use super::{Run, epochs};
use crate::step::metrics::EpochRecord;
use crate::words::numerals::{percent, short};

/// Loss or accuracy of a part of the data, where it was measured.
type Measured = fn(&EpochRecord) -> Option<f64>;

/// A part of the data.
struct Part {
    name: &'static str,
    loss: Measured,
    accuracy: Measured,
}

const PARTS: [Part; 3] = [
    Part { name: "training", loss: |r| Some(r.train_loss), accuracy: |r| Some(r.train_accuracy) },
    Part { name: "test", loss: |r| Some(r.test_loss), accuracy: |r| Some(r.test_accuracy) },
    Part { name: "validation", loss: |r| r.validation_loss, accuracy: |r| r.validation_accuracy },
];

impl Part {
    fn is_in(&self, run: &Run) -> bool {
        run.history.epochs.iter().any(|record| (self.loss)(record).is_some())
    }
}

/// A line of a chart before it is drawn.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    mark: Option<Mark>,
}

impl Curve {
    fn of(run: &Run, name: &str, measured: Measured) -> Self {
        let points = epochs::shown(&run.history, run.of_model()).into_iter();
        let points = points.map(|record| (record.epoch as f64, measured(record).unwrap_or(f64::NAN)));
        Self { name: name.to_owned(), points: points.collect(), mark: None }
    }

    /// How it begins and ends, in words.
    fn words(&self, shown: &dyn Fn(f64) -> String) -> Option<String> {
        let mut known = self.points.iter().filter(|point| point.1.is_finite());
        let first = known.next()?;
        let begin = format!("{}: {} after epoch {}", self.name, shown(first.1), first.0);
        Some(known.next_back().map_or(format!("{begin}."), |last| {
            format!("{begin}, {} after epoch {}.", shown(last.1), last.0)
        }))
    }
}

/// The chart of some curves.
fn figure(title: &str, is_share: bool, curves: Vec<Curve>) -> Figure {
    let shown: &dyn Fn(f64) -> String = if is_share { &percent } else { &short };
    let words: Vec<String> = curves.iter().filter_map(|curve| curve.words(shown)).collect();
    Figure {
        title: title.to_owned(),
        description: format!("A line chart over the epochs. {}", words.join(" ")),
        series: curves.iter().map(|curve| Series { name: curve.name.clone() }).collect(),
        panels: vec![Panel {
            title: if is_share { "part that is right" } else { "mean cross-entropy, in nats" }.into(),
            x_label: "epoch".into(),
            x_axis: XAxis::Whole,
            percent: is_share,
            zoomed: true,
            lines: (0..)
                .zip(curves)
                .map(|(series, Curve { points, mark, .. })| Line { series, points, mark })
                .collect(),
        }],
    }
}

/// A run's curves: a chart of losses and one of accuracies.
pub(super) fn of_run(run: &Run) -> Markup {
    let parts: Vec<&Part> = PARTS.iter().filter(|part| part.is_in(run)).collect();
    let mut losses: Vec<Curve> = parts.iter().map(|part| Curve::of(run, part.name, part.loss)).collect();
    let accuracies = parts.iter().map(|part| Curve::of(run, part.name, part.accuracy)).collect();
    if run.config.train.early_stopping.is_some()
        && let (Some(best), Some(line)) = (run.of_model(), losses.last_mut())
        && let Some(loss) = best.validation_loss
    {
        line.mark =
            Some(Mark { at: (best.epoch as f64, loss), text: format!("lowest: epoch {}", best.epoch) });
    }
    html! {
        div.charts {
            (chart(&figure("Loss", false, losses), "loss"))
            (chart(&figure("Accuracy", true, accuracies), "accuracy"))
        }
    }
}

/// Curves of runs, each under its name, over one another: two charts for each part of the data that any of them measured.
pub(super) fn of_runs(runs: &[Run], names: &[String]) -> Markup {
    let curves = |measured: Measured| {
        runs.iter().zip(names).map(|(run, name)| Curve::of(run, &shortened(name), measured)).collect()
    };
    html! {
        div.charts {
            // What was not trained on comes first.
            @for part in [&PARTS[1], &PARTS[2], &PARTS[0]] {
                @if runs.iter().any(|run| part.is_in(run)) {
                    (chart(&figure(&format!("{} loss", capital(part.name)), false, curves(part.loss)),
                        &format!("{}-loss", part.name)))
                    (chart(&figure(&format!("{} accuracy", capital(part.name)), true, curves(part.accuracy)),
                        &format!("{}-accuracy", part.name)))
                }
            }
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A name that fits a chart's legend: of a long one the end, which tells runs apart.
fn shortened(name: &str) -> String {
    const LETTERS: usize = 42;
    match name.chars().count() {
        count if count > LETTERS => {
            std::iter::once('…').chain(name.chars().skip(count - LETTERS + 1)).collect()
        }
        _ => name.to_owned(),
    }
}
