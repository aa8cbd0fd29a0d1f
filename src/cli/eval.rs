//! `gpu-mlp eval`: loss, accuracy and confusion matrix of a trained network.

use std::path::PathBuf;

use serde::Serialize;

use super::choice::{self, DataChoice, DeviceChoice};
use super::measure::measure;
use super::output::{json, say, thousands};
use crate::error::Result;
use crate::step::metrics::Score;
use crate::training::run;

const EXAMPLES: &str = "\
Examples:
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist
  gpu-mlp eval model.safetensors --data mine.csv --label-column species
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist --split train --json";

/// Measure a trained network: loss, accuracy, confusion matrix.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// The folder of a run, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    /// Which part of the data set
    #[arg(long, value_parser = ["train", "test"], default_value = "test")]
    split: String,
    /// One JSON object on standard output
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
    accuracy: f64,
    /// Row: the right class; column: the class with the largest logit.
    confusion_matrix: &'a [Vec<u64>],
    /// The names of the rows and columns.
    classes: &'a [String],
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
    let (data, samples) = (&dataset.name, dataset.split(split).len());
    let (Score { loss, accuracy }, confusion_matrix) = (measured.score, measured.confusion.rows());
    if args.json {
        let split = &args.split;
        let classes = preparation.class_names.as_slice();
        let report =
            Report { event: "eval", data, split, samples, loss, accuracy, confusion_matrix, classes };
        say(&json(&report)?);
    } else {
        let samples = thousands(samples);
        say(&format!(
            "{data}, {samples} {} samples: accuracy {:.2} %, loss {loss:.4}",
            args.split,
            100.0 * accuracy
        ));
        print(confusion_matrix);
        for (class, name) in preparation.class_names.iter().enumerate() {
            if class.to_string() != *name {
                say(&format!("class {class} is {name}"));
            }
        }
    }
    Ok(())
}

fn print(matrix: &[Vec<u64>]) {
    let widest = matrix.iter().flatten().max().copied().unwrap_or(0).max(matrix.len() as u64);
    let width = widest.to_string().len() + 1;
    let row = |cells: &mut dyn Iterator<Item = String>| {
        cells.map(|cell| format!("{cell:>width$}")).collect::<String>()
    };
    say("confusion matrix (row: the right class, column: the network's answer)");
    say(&format!("{:>width$} |{}", "", row(&mut (0..matrix.len()).map(|class| class.to_string()))));
    for (class, counts) in matrix.iter().enumerate() {
        say(&format!("{class:>width$} |{}", row(&mut counts.iter().map(u64::to_string))));
    }
}
