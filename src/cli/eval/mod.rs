//! `gpu-mlp eval`: loss and scores of a trained network, for each output.

mod predictions;
mod report;

use std::path::PathBuf;

use self::predictions::Predictions;
use self::report::Measured;
use super::apart;
use super::choice::{self, DataChoice, DeviceChoice};
use super::loading;
use super::measure::{self, opened};
use super::output::{json, say};
use super::threshold::Threshold;
use crate::error::{Error, Result};
use crate::network::Task;
use crate::training::evaluation::{self, Question};
use crate::training::run::networks::Networks;

const EXAMPLES: &str = "\
Of two classes, precision, recall, F1, ROC-AUC and average precision are those of the second one; of several classes and
of labels the means are shown too. All are defined as in scikit-learn.

Examples:
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist
  gpu-mlp eval model.safetensors --data mine.csv --label-column species
  gpu-mlp eval runs/2026-01-31T12-00-00Z-churn --threshold best --predictions answers.csv
  gpu-mlp eval runs/2026-01-31T12-00-00Z-mnist --split train --top 3 --json";

/// Evaluate a trained network: loss, accuracy, F1, ROC-AUC and confusion matrix, or the scores of regression targets.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// Folder of a run or of an ensemble, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataChoice,
    #[command(flatten)]
    device: DeviceChoice,
    /// Part of the data set to evaluate on; other data than the run's own are evaluated whole if they have no test set
    #[arg(long, value_parser = ["train", "validation", "test"], default_value = "test")]
    split: String,
    /// For two classes and for labels: the probability from which on the answer is yes; `best` is the one with the highest F1 on
    /// the validation part of the run's data [default: the class with the larger probability]
    #[arg(long, value_name = "P|best")]
    threshold: Option<Threshold>,
    /// For classes: also count how often the right one is among the K with the largest probabilities; K is less than the number of
    /// classes
    #[arg(long, value_name = "K", value_parser = super::predict::positive)]
    top: Option<usize>,
    /// Write a CSV file with a line for each sample: its row in the file of the data (from 1, the header not counted), of images the file, the right answer,
    /// the predicted one, and the probability of each class or label
    #[arg(long, value_name = "FILE.csv")]
    predictions: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Runs `gpu-mlp eval`.
///
/// # Errors
/// What reading the model or the data, or the device, reports; [`Error::Usage`] for options of another task.
pub fn run(args: &EvalArgs) -> Result<()> {
    let networks = Networks::load(&args.model)?;
    let info = &networks.info;
    let task = info.preparation.task();
    if args.top.is_some() && task != Task::Classification {
        return Err(Error::usage("--top ranks classes, but this model predicts every output: leave it out"));
    }
    let classes = info.spec.classes();
    if let Some(top) = args.top.filter(|&top| top >= classes) {
        let problem = format!(
            "--top {top}: this model has {classes} classes, and the right one is always among the {classes} with the largest \
             probabilities"
        );
        return Err(Error::usage(problem).hint(format!("ask for 1 to {} of them", classes - 1)));
    }
    if let Some(path) = &args.predictions {
        apart::check("--predictions", path, &apart::of_model(&args.model, &args.data)?)?;
    }
    let dataset = loading::load_for(&args.model, info, &args.data)?;
    let split = choice::split(&args.split);
    if let Err(error) = dataset.split(split) {
        let whole = "leave --split out to measure all of a file, or name it with --validation-data";
        let hint = match (args.model.is_dir(), &args.data.data) {
            (true, None) => {
                "this run was trained without them: train with --validation-fraction 0.1 or --validation-data FILE".to_owned()
            }
            (true, Some(_)) => format!("leave --data out for the run's own, if it has some; {whole}"),
            (false, _) => format!("name the folder of the run, which knows its own; {whole}"),
        };
        return Err(error.hint(hint));
    }
    let (evaluation, thresholds, members) = pollster::block_on(async {
        let mut model = opened(&args.device, &networks).await?;
        let thresholds = match args.threshold {
            Some(threshold) => Some(threshold.of(&args.model, info, &args.data, &mut model).await?),
            None => None,
        };
        let question = Question { mistakes: 0, top: args.top, thresholds: thresholds.clone() };
        let evaluation =
            evaluation::evaluate(&mut model, info.spec.loss(), &dataset, split, &question).await?;
        if let Some(path) = &args.predictions {
            let samples = dataset.split(split);
            let predictions =
                Predictions { preparation: &info.preparation, thresholds: thresholds.as_deref() };
            predictions.write(path, &mut model, split, samples?).await?;
        }
        let part = (&dataset, split);
        let members = measure::members(&mut model, &networks, part, thresholds.as_deref()).await?;
        Ok::<_, Error>((evaluation, thresholds, members))
    })?;
    let measured = Measured {
        data: &dataset.name,
        part: if dataset.is_whole() { "all" } else { args.split.as_str() },
        samples: dataset.split(split)?.len(),
        task,
        names: &info.preparation.class_names,
        evaluation: &evaluation,
        thresholds: thresholds.as_deref(),
        top: args.top,
        members: &members,
    };
    if args.json {
        say(&json(&measured.report())?);
    } else {
        measured.print();
    }
    Ok(())
}
