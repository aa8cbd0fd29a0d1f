//! What `eval` prints: lines for people, or one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::output::{say, thousands};
use crate::cli::spread::{self, Members, Row};
use crate::cli::table::{Column, lines};
use crate::network::Task;
use crate::step::metrics::{Measure, Score};
use crate::training::binary_scores::BinaryScores;
use crate::training::evaluation::Evaluation;
use crate::training::figures::{LabelScore, TargetScore};

/// What was measured, and of what.
pub(super) struct Measured<'a> {
    pub data: &'a str,
    pub part: &'a str,
    pub samples: usize,
    pub task: Task,
    /// Of the classes, labels or targets.
    pub names: &'a [String],
    pub evaluation: &'a Evaluation,
    /// From which probability on the answer is yes, if that was asked for.
    pub thresholds: Option<&'a [f64]>,
    /// Of how many classes one has to be the right one, if that was asked for.
    pub top: Option<usize>,
    /// The members of an ensemble, and the score of each.
    pub members: &'a [(usize, Score)],
}

#[derive(Serialize)]
pub(super) struct Report<'a> {
    event: &'static str,
    data: &'a str,
    split: &'a str,
    samples: usize,
    loss: f64,
    /// `accuracy` for classes, or the task's own measures.
    #[serde(flatten)]
    measures: BTreeMap<String, Option<f64>>,
    /// Of two classes the one that `precision` and the others are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// Of an ensemble: how its members differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    ensemble: Option<Members>,
    #[serde(flatten)]
    detail: Detail<'a>,
}

/// For each output.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Classes {
        /// Row: actual class; column: predicted class, which has the largest logit.
        confusion_matrix: &'a [Vec<u64>],
        /// The names of the rows and columns.
        classes: &'a [String],
        class_scores: Vec<Named<'a, BinaryScores>>,
    },
    Labels {
        labels: Vec<Label<'a>>,
    },
    Targets {
        targets: Vec<Named<'a, TargetScore>>,
    },
}

/// The scores of an output.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    score: T,
}

/// The scores of a label.
#[derive(Serialize)]
struct Label<'a> {
    name: &'a str,
    accuracy: f64,
    samples: u64,
    answers: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(flatten)]
    scores: BinaryScores,
}

fn named<'a, T: Copy>(names: &'a [String], scores: &[T]) -> Vec<Named<'a, T>> {
    names.iter().zip(scores).map(|(name, &score)| Named { name, score }).collect()
}

impl Measured<'_> {
    fn positive_class(&self) -> Option<&str> {
        match self.names {
            [_, second] if self.task == Task::Classification => Some(second),
            _ => None,
        }
    }

    /// All of it as JSON.
    pub fn report(&self) -> Report<'_> {
        let Evaluation { score, confusion, labels, targets, .. } = self.evaluation;
        let mut measures: BTreeMap<String, Option<f64>> =
            score.all().map(|(measure, value)| (measure.key().to_owned(), Some(value))).collect();
        let positive_class = self.positive_class();
        let summary = self.evaluation.summary();
        measures.extend(summary.into_iter().map(|(measure, value)| (measure.key().to_owned(), value)));
        if let (Some(top), Some(share)) = (self.top, self.evaluation.top) {
            measures.insert(format!("top_{top}_accuracy"), Some(share));
        }
        let all_scores = self.evaluation.binary_scores();
        let label = |((name, score), (scores, at)): ((_, &LabelScore), (&BinaryScores, usize))| {
            let LabelScore { accuracy, samples, answers, .. } = *score;
            let threshold = self.thresholds.and_then(|thresholds| thresholds.get(at).copied());
            Label { name, accuracy, samples, answers, threshold, scores: *scores }
        };
        let names = self.names.iter().map(String::as_str);
        let detail = match self.task {
            Task::Classification => Detail::Classes {
                confusion_matrix: confusion.rows(),
                classes: self.names,
                class_scores: named(self.names, &all_scores),
            },
            Task::MultiLabel => {
                let labels = names.zip(labels).zip(all_scores.iter().zip(0..)).map(label).collect();
                Detail::Labels { labels }
            }
            Task::Regression => Detail::Targets { targets: named(self.names, targets) },
        };
        Report {
            event: "eval",
            data: self.data,
            split: self.part,
            samples: self.samples,
            loss: score.loss,
            measures,
            positive_class,
            threshold: positive_class.and(self.thresholds).and_then(|thresholds| thresholds.first().copied()),
            ensemble: (!self.members.is_empty()).then(|| Members::of(self.members)),
            detail,
        }
    }

    /// All of it in lines for people.
    pub fn print(&self) {
        let score = &self.evaluation.score;
        let measures: String = score
            .all()
            .map(|(measure, value)| format!("{} {}, ", measure.title(), measure.shown(value)))
            .collect();
        let samples = if self.samples == 1 { "sample" } else { "samples" };
        let samples = match self.part {
            "all" => format!("all {} {samples}", thousands(self.samples)),
            part => format!("{} {part} {samples}", thousands(self.samples)),
        };
        say(&format!("{}, {samples}: {measures}loss {:.4}", self.data, score.loss));
        let summary = self.evaluation.summary();
        if !summary.is_empty() {
            let of = match (self.positive_class(), self.thresholds, self.task) {
                (Some(class), Some([threshold]), _) => {
                    format!("class {class}, from a probability of {threshold} on")
                }
                (Some(class), ..) => format!("class {class}"),
                (None, _, Task::MultiLabel) => format!("means of {} labels", self.names.len()),
                (None, ..) => "means of the classes".to_owned(),
            };
            let scores =
                summary.iter().map(|(measure, value)| format!("{} {}", measure.title(), shown(*value)));
            say(&format!("{of}: {}", scores.collect::<Vec<_>>().join(", ")));
        }
        if let (Some(top), Some(share)) = (self.top, self.evaluation.top) {
            say(&format!("top-{top} accuracy {}", Measure::Accuracy.shown(share)));
        }
        match self.task {
            Task::Classification => {
                matrix(self.evaluation.confusion.rows());
                self.classes();
            }
            Task::MultiLabel => self.labels(),
            Task::Regression => self.targets(),
        }
        if !self.members.is_empty() {
            say("");
            let row =
                |&(member, score): &(usize, Score)| Row { member, score: Some(score), about: Vec::new() };
            let rows = self.members.iter().map(row).collect();
            spread::lines(Vec::new(), rows, Some(*score)).iter().for_each(|line| say(line));
        }
    }

    fn classes(&self) {
        let columns = ["samples", "precision", "recall", "F1", "ROC-AUC", "average precision"];
        let columns = columns.map(|title| Column::number(title, 0));
        let columns: Vec<Column> =
            [Column::number("class", 0), Column::text("name", 0)].into_iter().chain(columns).collect();
        let scores = self.evaluation.confusion.classes();
        let all_scores = self.evaluation.binary_scores();
        let row = |((class, name), (score, scores)): ((usize, &String), _)| {
            let samples: u64 = score;
            let scores: &BinaryScores = scores;
            let five = scores.measures().map(|(_, value)| shown(value));
            [class.to_string(), name.clone(), samples.to_string()].into_iter().chain(five).collect()
        };
        let samples = scores.iter().map(|score| score.samples);
        let rows: Vec<Vec<String>> =
            self.names.iter().enumerate().zip(samples.zip(&all_scores)).map(row).collect();
        lines(&columns, &rows, None).iter().for_each(|line| say(line));
    }

    fn labels(&self) {
        let titles = ["actual", "predicted", "accuracy", "threshold", "precision", "recall", "F1", "ROC-AUC"];
        let titles = titles.iter().chain(&["average precision"]);
        let columns = titles.filter(|title| **title != "threshold" || self.thresholds.is_some());
        let columns: Vec<Column> = std::iter::once(Column::text("label", 0))
            .chain(columns.map(|title| Column::number(*title, 0)))
            .collect();
        let all_scores = self.evaluation.binary_scores();
        let labels = self.names.iter().zip(&self.evaluation.labels).zip(all_scores.iter().zip(0..));
        let row = |((name, score), (scores, at)): ((&String, &LabelScore), (&BinaryScores, usize))| {
            let counts = [name.clone(), score.samples.to_string(), score.answers.to_string()];
            let accuracy = Measure::LabelAccuracy.shown(score.accuracy);
            let threshold = self.thresholds.and_then(|thresholds| thresholds.get(at));
            let threshold = threshold.map(|&threshold| shown(Some(threshold)));
            let five = scores.measures().map(|(_, value)| shown(value));
            counts.into_iter().chain([accuracy]).chain(threshold).chain(five).collect()
        };
        let rows: Vec<Vec<String>> = labels.map(row).collect();
        lines(&columns, &rows, None).iter().for_each(|line| say(line));
    }

    fn targets(&self) {
        let columns = ["R²", "RMSE", "MAE"].map(|title| Column::number(title, 0));
        let columns: Vec<Column> = std::iter::once(Column::text("target", 0)).chain(columns).collect();
        let row = |(name, score): (&String, &TargetScore)| {
            let numbers = [score.r2, score.rmse, score.mae].map(|value| shown(Some(value)));
            std::iter::once(name.clone()).chain(numbers).collect()
        };
        let rows: Vec<Vec<String>> = self.names.iter().zip(&self.evaluation.targets).map(row).collect();
        lines(&columns, &rows, None).iter().for_each(|line| say(line));
    }
}

fn shown(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

fn matrix(counts: &[Vec<u64>]) {
    let widest = counts.iter().flatten().max().copied().unwrap_or(0).max(counts.len() as u64);
    let width = widest.to_string().len() + 1;
    let row = |cells: &mut dyn Iterator<Item = String>| {
        cells.map(|cell| format!("{cell:>width$}")).collect::<String>()
    };
    say("confusion matrix (row: actual class, column: predicted class)");
    say(&format!("{:>width$} |{}", "", row(&mut (0..counts.len()).map(|class| class.to_string()))));
    for (class, counts) in counts.iter().enumerate() {
        say(&format!("{class:>width$} |{}", row(&mut counts.iter().map(u64::to_string))));
    }
}
