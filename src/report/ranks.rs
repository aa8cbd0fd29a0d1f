//! ROC and precision-recall curves of classes or labels.

use maud::{Markup, html};

use super::chart::{Figure, Line, Mark, Panel, Series, XAxis};
use super::layout::chart;
use super::run::class_name;
use crate::training::evaluation::Evaluation;
use crate::training::ranking::Ranking;

/// Classes or labels that are drawn, those that are ranked worst.
const DRAWN: usize = 6;
/// About as many points has a curve.
const POINTS: usize = 200;

/// A class or a label whose samples are ranked.
struct Ranked<'a> {
    name: String,
    ranking: &'a Ranking,
    /// From which probability on the answer is yes, if that was asked for.
    threshold: Option<f64>,
    roc_auc: f64,
    average_precision: f64,
}

/// The section, if there is something to rank.
pub(super) fn ranks(evaluation: &Evaluation, names: &[String], thresholds: &[f64]) -> Markup {
    // Of two classes only the second is ranked.
    let first = names.len() - evaluation.rankings.len().min(names.len());
    let mut all = Vec::new();
    for (at, ranking) in evaluation.rankings.iter().enumerate() {
        if let (Some(roc_auc), Some(average_precision)) = (ranking.roc_auc(), ranking.average_precision()) {
            let (name, threshold) = (class_name(names, first + at), thresholds.get(at).copied());
            all.push(Ranked { name, ranking, threshold, roc_auc, average_precision });
        }
    }
    let count = all.len();
    if count > DRAWN {
        all.sort_by(|a: &Ranked<'_>, b| a.roc_auc.total_cmp(&b.roc_auc));
        all.truncate(DRAWN);
    }
    html! {
        @if !all.is_empty() {
            h2 id="ranks" { "ROC and precision-recall" }
            div.charts { (chart(&roc(&all), "roc")) (chart(&precision_recall(&all), "precision-recall")) }
            @if count > DRAWN { p { "Only the " (DRAWN) " of " (count) " with the smallest ROC-AUC are drawn." } }
        }
    }
}

fn roc(all: &[Ranked<'_>]) -> Figure {
    let line =
        |own: &Ranked<'_>| (own.ranking.roc(POINTS), own.mark(|[fall_out, recall, _]| (fall_out, recall)));
    let legend = |own: &Ranked<'_>| format!("{}: ROC-AUC {:.4}", own.name, own.roc_auc);
    figure(
        ["ROC", "recall over false positives", "false positives, share of the negative samples"],
        all.iter().map(line).collect(),
        all.iter().map(legend).collect(),
    )
}

fn precision_recall(all: &[Ranked<'_>]) -> Figure {
    let line = |own: &Ranked<'_>| {
        (own.ranking.precision_recall(POINTS), own.mark(|[_, recall, precision]| (recall, precision)))
    };
    let legend = |own: &Ranked<'_>| format!("{}: average precision {:.4}", own.name, own.average_precision);
    figure(
        ["Precision and recall", "precision over recall", "recall"],
        all.iter().map(line).collect(),
        all.iter().map(legend).collect(),
    )
}

impl Ranked<'_> {
    /// The threshold as a point of a curve, made of fall-out, recall and precision.
    fn mark(&self, point: fn([f64; 3]) -> (f64, f64)) -> Option<Mark> {
        let threshold = self.threshold?;
        Some(Mark { at: point(self.ranking.at(threshold)?), text: format!("threshold {threshold:.4}") })
    }
}

/// A curve, and a point of it that is marked.
type Curve = (Vec<(f64, f64)>, Option<Mark>);

fn figure([title, panel, x_label]: [&str; 3], lines: Vec<Curve>, names: Vec<String>) -> Figure {
    Figure {
        title: title.to_owned(),
        description: names.join("; "),
        series: names.into_iter().map(|name| Series { name }).collect(),
        panels: vec![Panel {
            title: panel.to_owned(),
            x_label: x_label.to_owned(),
            x_axis: XAxis::Linear,
            percent: true,
            zoomed: false,
            lines: (0..).zip(lines).map(|(series, (points, mark))| Line { series, points, mark }).collect(),
        }],
    }
}
