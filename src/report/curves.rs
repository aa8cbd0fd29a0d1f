//! Loss and accuracy by epoch: of one run on all its parts, or of several runs on one part each.

use maud::{Markup, html};

use super::chart::{Figure, Line, Mark, Panel, Series, XAxis};
use super::layout::chart;
use super::{Run, epochs};
use crate::step::metrics::{EpochRecord, Measure, Score};
use crate::words::numerals::{percent, short};

/// The score of a part of the data, where it was measured.
type Measured = fn(&EpochRecord) -> Option<Score>;

/// What is drawn of a score: the loss, or a measure beside it.
#[derive(Clone, Copy)]
enum Of {
    Loss,
    Measure(Measure),
}

impl Of {
    fn value(self, score: Score) -> Option<f64> {
        match self {
            Self::Loss => Some(score.loss),
            Self::Measure(measure) => score.get(measure),
        }
    }

    fn shown(self, value: f64) -> String {
        match self {
            Self::Measure(measure) if measure.is_share() => percent(value),
            _ => short(value),
        }
    }

    /// What stands above a chart.
    fn title(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Measure(measure) => measure.title(),
        }
    }

    /// What stands above its axis.
    fn axis(self) -> &'static str {
        match self {
            Self::Loss => "mean loss",
            Self::Measure(Measure::Accuracy) => "accuracy",
            Self::Measure(measure) => measure.title(),
        }
    }

    /// What an element of the page is called.
    fn key(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Measure(measure) => measure.key(),
        }
    }
}

/// A part of the data.
struct Part {
    name: &'static str,
    score: Measured,
}

const PARTS: [Part; 3] = [
    Part { name: "training", score: |record| Some(record.train) },
    Part { name: "test", score: |record| Some(record.test) },
    Part { name: "validation", score: |record| record.validation },
];

impl Part {
    fn is_in(&self, run: &Run, of: Of) -> bool {
        run.history
            .epochs
            .iter()
            .any(|record| (self.score)(record).is_some_and(|score| of.value(score).is_some()))
    }
}

/// A line of a chart before it is drawn.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    mark: Option<Mark>,
}

impl Curve {
    fn of(run: &Run, name: &str, part: &Part, of: Of) -> Self {
        let value = |record| of.value((part.score)(record)?);
        let points = epochs::shown(&run.history, run.of_model()).into_iter();
        let points = points.map(|record| (record.epoch as f64, value(record).unwrap_or(f64::NAN)));
        Self { name: name.to_owned(), points: points.collect(), mark: None }
    }

    /// How it begins and ends, in words.
    fn words(&self, shown: impl Fn(f64) -> String) -> Option<String> {
        let mut known = self.points.iter().filter(|point| point.1.is_finite());
        let first = known.next()?;
        let begin = format!("{}: {} after epoch {}", self.name, shown(first.1), first.0);
        Some(known.next_back().map_or(format!("{begin}."), |last| {
            format!("{begin}, {} after epoch {}.", shown(last.1), last.0)
        }))
    }
}

/// The chart of some curves.
fn figure(title: &str, of: Of, curves: Vec<Curve>) -> Figure {
    let words: Vec<String> = curves.iter().filter_map(|curve| curve.words(|value| of.shown(value))).collect();
    let is_share = matches!(of, Of::Measure(measure) if measure.is_share());
    Figure {
        title: title.to_owned(),
        description: format!("A line chart over the epochs. {}", words.join(" ")),
        series: curves.iter().map(|curve| Series { name: curve.name.clone() }).collect(),
        panels: vec![Panel {
            title: of.axis().into(),
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
    let curves = |of: Of| -> Vec<Curve> {
        let parts = PARTS.iter().filter(|part| part.is_in(run, of));
        parts.map(|part| Curve::of(run, part.name, part, of)).collect()
    };
    let mut losses = curves(Of::Loss);
    if run.config.train.early_stopping.is_some()
        && let (Some(best), Some(line)) = (run.of_model(), losses.last_mut())
        && let Some(loss) = best.validation.map(|score| score.loss)
    {
        line.mark =
            Some(Mark { at: (best.epoch as f64, loss), text: format!("lowest: epoch {}", best.epoch) });
    }
    html! {
        div.charts {
            (chart(&figure("Loss", Of::Loss, losses), "loss"))
            @for of in measures([run]) {
                (chart(&figure(&capital(of.title()), of, curves(of)), of.key()))
            }
        }
    }
}

/// Curves of runs, each under its name, over one another: two charts for each part of the data that any of them measured.
pub(super) fn of_runs(runs: &[Run], names: &[String]) -> Markup {
    let curves = |part: &Part, of: Of| {
        runs.iter().zip(names).map(|(run, name)| Curve::of(run, &shortened(name), part, of)).collect()
    };
    let all: Vec<Of> = std::iter::once(Of::Loss).chain(measures(runs)).collect();
    html! {
        div.charts {
            // What was not trained on comes first.
            @for part in [&PARTS[1], &PARTS[2], &PARTS[0]] {
                @for &of in all.iter().filter(|&&of| runs.iter().any(|run| part.is_in(run, of))) {
                    (chart(&figure(&format!("{} {}", capital(part.name), of.title()), of, curves(part, of)),
                        &format!("{}-{}", part.name, of.key())))
                }
            }
        }
    }
}

/// What is drawn beside the loss: the measure that tells most in each of the runs.
fn measures<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<Of> {
    let of_run = |run: &'a Run| run.history.epochs.last()?.test.headline().map(|(measure, _)| measure);
    let mut all: Vec<Measure> = runs.into_iter().filter_map(of_run).collect();
    all.dedup();
    all.into_iter().map(Of::Measure).collect()
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
