//! `gpu-mlp eval`: loss and scores of a trained network, for each output.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::choice::{self, DataChoice, DeviceChoice};
use super::measure::measure;
use super::output::{json, say, thousands};
use crate::error::Result;
use crate::network::Task;
use crate::step::metrics::Measure;
use crate::training::figures::{LabelScore, TargetScore};
use crate::training::run;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist
  gpu-mlp eval model.safetensors --data mine.csv --label-column species
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist --split train --json";

/// Evaluate a trained network: loss, accuracy and confusion matrix, or the scores of labels and regression targets.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// Folder of a run, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    /// Part of the data set to evaluate on; other data than the run's own are evaluated whole if they have no test set
    #[arg(long, value_parser = ["train", "validation", "test"], default_value = "test")]
    split: String,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    event: &'static str,
    data: &'a str,
    split: &'a str,
    samples: usize,
    loss: f64,
    /// `accuracy` for classes, or the task's own measures.
    #[serde(flatten)]
    measures: BTreeMap<&'static str, f64>,
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
    },
    Labels {
        labels: Vec<Named<'a, LabelScore>>,
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

fn named<'a, T: Copy>(names: &'a [String], scores: &[T]) -> Vec<Named<'a, T>> {
    names.iter().zip(scores).map(|(name, &score)| Named { name, score }).collect()
}

/// Runs `gpu-mlp eval`.
///
/// # Errors
/// What reading the model or the data, or the device, reports.
pub fn run(args: &EvalArgs) -> Result<()> {
    let (parameters, info) = run::load_model(&args.model)?;
    let preparation = &info.preparation;
    let dataset = choice::load_for(&args.model, &info, &args.data)?;
    let split = choice::split(&args.split);
    let (measured, _) = measure(&args.device, (&parameters, &info), &dataset, split, 0)?;
    let (data, samples, score) = (&dataset.name, dataset.split(split)?.len(), measured.score);
    let part = if dataset.is_whole() { "all" } else { args.split.as_str() };
    let names = preparation.class_names.as_slice();
    let detail = match preparation.task() {
        Task::Classification => {
            Detail::Classes { confusion_matrix: measured.confusion.rows(), classes: names }
        }
        Task::MultiLabel => Detail::Labels { labels: named(names, &measured.labels) },
        Task::Regression => Detail::Targets { targets: named(names, &measured.targets) },
    };
    if args.json {
        let measures = score.all().map(|(measure, value)| (measure.key(), value)).collect();
        let (event, loss) = ("eval", score.loss);
        say(&json(&Report { event, data, split: part, samples, loss, measures, detail })?);
    } else {
        let measures: String = score
            .all()
            .map(|(measure, value)| format!("{} {}, ", measure.title(), measure.shown(value)))
            .collect();
        say(&format!(
            "{data}, {}: {measures}loss {:.4}",
            match part {
                "all" => format!("all {} samples", thousands(samples)),
                part => format!("{} {part} samples", thousands(samples)),
            },
            score.loss
        ));
        print_detail(&detail);
    }
    Ok(())
}

fn print_detail(detail: &Detail<'_>) {
    match detail {
        Detail::Classes { confusion_matrix, classes } => {
            print(confusion_matrix);
            for (class, name) in classes.iter().enumerate() {
                if class.to_string() != *name {
                    say(&format!("class {class} is {name}"));
                }
            }
        }
        Detail::Labels { labels } => {
            let width = width(labels);
            say(&format!(
                "{:<width$}  {:>10}  {:>10}  {:>9}  {:>7}",
                "label", "actual", "predicted", "accuracy", "F1"
            ));
            for Named { name, score: LabelScore { accuracy, samples, answers, f1 } } in labels {
                let accuracy = Measure::LabelAccuracy.shown(*accuracy);
                say(&format!("{name:<width$}  {samples:>10}  {answers:>10}  {accuracy:>9}  {f1:>7.4}"));
            }
        }
        Detail::Targets { targets } => {
            let width = width(targets);
            say(&format!("{:<width$}  {:>8}  {:>12}  {:>12}", "target", "R²", "RMSE", "MAE"));
            for Named { name, score: TargetScore { r2, rmse, mae } } in targets {
                say(&format!("{name:<width$}  {r2:>8.4}  {rmse:>12.4}  {mae:>12.4}"));
            }
        }
    }
}

fn width<T>(named: &[Named<'_, T>]) -> usize {
    named.iter().map(|named| named.name.chars().count()).max().unwrap_or(0).max("target".len())
}

fn print(matrix: &[Vec<u64>]) {
    let widest = matrix.iter().flatten().max().copied().unwrap_or(0).max(matrix.len() as u64);
    let width = widest.to_string().len() + 1;
    let row = |cells: &mut dyn Iterator<Item = String>| {
        cells.map(|cell| format!("{cell:>width$}")).collect::<String>()
    };
    say("confusion matrix (row: actual class, column: predicted class)");
    say(&format!("{:>width$} |{}", "", row(&mut (0..matrix.len()).map(|class| class.to_string()))));
    for (class, counts) in matrix.iter().enumerate() {
        say(&format!("{class:>width$} |{}", row(&mut counts.iter().map(u64::to_string))));
    }
}
