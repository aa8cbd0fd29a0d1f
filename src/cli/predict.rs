//! `gpu-mlp predict`: predicts classes, labels or numbers for a stream of images and rows.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use serde::Serialize;

use super::choice::{BackendChoice, DeviceChoice, TextChoice};
use super::output::{self, json, note};
use crate::data::inputs::{Batch, Expected, Inputs, Name};
use crate::data::{Outputs, Split};
use crate::engine::{self, Engine, Residency};
use crate::error::{Error, Result};
use crate::network::{Parameters, Task};
use crate::reference::{self, Matrix};
use crate::step::StepOptions;
use crate::training::checkpoint::ModelInfo;
use crate::training::run;
use crate::words::numerals::short;

const DETAILS: &str = "\
Inputs, recognised by their content:
  PNG, JPEG    for models trained on square grey images. The image is made grey, inverted if the paper is bright, cropped
               to the ink, scaled into 20 x 20 of 28 x 28 and centred by mass, like MNIST's digits. --raw takes the pixels
               as they are; the image must have the size of the model's inputs, and colours if the model has colours
  .npy         rows of numbers [N, features], or images [N, height, width]
  CSV          one row per sample, with or without a header, plain or gzip. Columns are found by the names in the training
               table, in any order; others are left out. Without names, one column too many is taken for the labels
  -            any of them on standard input

Give values as they are in the data that the model was trained on (images: 0..255); the model scales them. Inputs are read
as a stream, so there may be any number of rows. Standard output has one line for each input.

Examples:
  gpu-mlp predict runs/2026-01-31T12-00-00Z-mnist seven.png photo.jpg --top 3
  gpu-mlp predict model.safetensors rows.npy --json
  zcat big.csv.gz | gpu-mlp predict model.safetensors -";

/// Predict classes, labels or numbers for inputs: images, .npy, CSV, or a stream of rows.
#[derive(Debug, clap::Args)]
#[command(after_help = DETAILS)]
pub struct PredictArgs {
    /// Folder of a run, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    /// Images, .npy files, tables (CSV), or - for standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Print the K most probable classes of each input
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = positive)]
    top: usize,
    /// Take the pixels of images as they are; the images must have the size of the model's inputs
    #[arg(long)]
    raw: bool,
    /// For tables: the column of labels, which is left out, by name or by position from 0
    #[arg(long, value_name = "NAME|INDEX", allow_hyphen_values = true)]
    label_column: Option<String>,
    #[command(flatten)]
    text: TextChoice,
    /// Rows that are read and predicted together; with 1 each row is answered at once
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = positive)]
    batch_size: usize,
    /// Device type to compute on; reading takes longer than most networks, so the CPU is the default
    #[arg(long, value_enum)]
    backend: Option<BackendChoice>,
    /// Adapter, by its index or by part of its name; `gpu-mlp devices` lists them
    #[arg(long, value_name = "NAME-PART|INDEX")]
    adapter: Option<String>,
    /// Print one JSON object for each input
    #[arg(long)]
    json: bool,
}

/// A count from 1.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "expected a whole number from 1".to_owned())
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    input: &'a str,
    /// From 0; pictures have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    #[serde(flatten)]
    first: Answer<'a>,
    /// The most probable classes, with --top.
    #[serde(skip_serializing_if = "Option::is_none")]
    top: Option<Vec<Answer<'a>>>,
}

/// What a network of labels or numbers says of an input.
#[derive(Serialize)]
struct ValuesLine<'a> {
    event: &'static str,
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    outputs: Vec<OutputLine<'a>>,
}

/// One of its outputs.
#[derive(Serialize)]
struct OutputLine<'a> {
    name: &'a str,
    /// That the input has the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// In the target's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

#[derive(Serialize, Clone, Copy)]
struct Answer<'a> {
    class: &'a str,
    /// Of the network's output.
    index: usize,
    probability: f64,
}

/// Batches on their way from the thread that reads.
type Batches = Receiver<Result<Batch>>;

/// Runs `gpu-mlp predict`.
///
/// # Errors
/// What reading the model or an input, or the device, reports.
pub fn run(args: &PredictArgs) -> Result<()> {
    let (parameters, info) = run::load_model(&args.model)?;
    let ModelInfo { spec, preparation } = &info;
    let expected = Expected {
        features: spec.inputs(),
        preparation: preparation.clone(),
        label_column: args.label_column.clone(),
        table: args.text.options(),
        raw: args.raw,
    };
    let (mut inputs, rows) = (Inputs::new(args.inputs.clone(), expected), args.batch_size);
    // One batch waits while one is classified and one is read.
    let (sender, batches) = sync_channel(1);
    let reader = std::thread::spawn(move || {
        while let Some(batch) = inputs.next(rows).transpose() {
            let last = batch.is_err();
            if sender.send(batch).is_err() || last {
                break;
            }
        }
        inputs.closing_notes()
    });
    if args.top > 1 && preparation.task() != Task::Classification {
        let problem = "--top ranks classes, but this model predicts every output: leave it out";
        return Err(Error::usage(problem));
    }
    let (classes, outputs) = (preparation.class_names.as_slice(), &preparation.outputs);
    let printer = Printer { args, classes, outputs, width: 0, told: args.raw };
    if pollster::block_on(classify(args, &info, &parameters, batches, printer))? == Output::Gone {
        // The thread may be waiting for input that never comes.
        return Ok(());
    }
    let closing = reader.join().map_err(|_| Error::Internal("the thread that reads has died".into()))?;
    closing.iter().for_each(|text| note(text));
    Ok(())
}

/// Whether somebody still reads standard output.
#[derive(PartialEq, Eq)]
enum Output {
    Open,
    Gone,
}

async fn classify(
    args: &PredictArgs,
    info: &ModelInfo,
    parameters: &Parameters,
    batches: Batches,
    mut printer: Printer<'_>,
) -> Result<Output> {
    let backend = match (args.backend, &args.adapter) {
        (Some(backend), _) => backend,
        (None, Some(_)) => BackendChoice::Auto,
        (None, None) => BackendChoice::Cpu,
    };
    let (device, notice) =
        DeviceChoice { backend, adapter: args.adapter.clone(), checked: false }.open().await?;
    if let Some(notice) = notice {
        note(&notice);
    }
    let mut engine = engine::open(&device, &info.spec, StepOptions::default(), Residency::Streamed).await?;
    engine.set_parameters(parameters, None).await?;
    for batch in batches {
        let Batch { names, samples, notes } = batch?;
        notes.iter().for_each(|text| note(text));
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        engine.load(Split::Test, samples).await?;
        let logits = engine.logits(Split::Test, &all).await?;
        let answers = printer.answers(&logits.map(f64::from));
        let rows = names.iter().enumerate().map(|(row, name)| (name, answers.row(row)));
        if !output::write(&printer.lines(rows)?)? {
            return Ok(Output::Gone);
        }
    }
    Ok(Output::Open)
}

/// Turns probabilities into lines.
struct Printer<'a> {
    args: &'a PredictArgs,
    classes: &'a [String],
    /// What the network's outputs stand for.
    outputs: &'a Outputs,
    /// Of the longest name so far.
    width: usize,
    /// Whether it has been said what is done to pictures, or need not be.
    told: bool,
}

impl Printer<'_> {
    /// Probabilities of classes or labels, or numbers in their own unit.
    fn answers(&self, z: &Matrix) -> Matrix {
        match self.outputs {
            Outputs::Classes => reference::softmax(z),
            Outputs::Labels => z.map(reference::sigmoid),
            numbers @ Outputs::Numbers { .. } => {
                Matrix::from_fn(z.rows(), z.cols(), |r, c| numbers.unscaled(c, z.at(r, c)))
            }
        }
    }

    /// What a network of labels or numbers says, output by output.
    fn outputs(&self, answers: &[f64]) -> Vec<OutputLine<'_>> {
        let is_label = *self.outputs == Outputs::Labels;
        self.classes
            .iter()
            .zip(answers)
            .map(|(name, &answer)| OutputLine {
                name,
                probability: is_label.then_some(answer),
                value: (!is_label).then_some(answer),
            })
            .collect()
    }

    fn lines<'b>(&mut self, rows: impl Iterator<Item = (&'b Name, &'b [f64])> + Clone) -> Result<String> {
        if !self.told && rows.clone().any(|(name, _)| name.row.is_none()) {
            note(
                "images are made to look like MNIST's digits: grey, bright on black, scaled and centred by mass (--raw takes \
                 them as they are)",
            );
            self.told = true;
        }
        let shown = |name: &Name| match name.row {
            Some(row) => format!("{}[{row}]", name.input),
            None => name.input.to_string(),
        };
        let mut text = String::new();
        if !self.args.json {
            let longest = rows.clone().map(|(name, _)| shown(name).chars().count()).max();
            self.width = self.width.max(longest.unwrap_or(0));
        }
        let class_width = self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
        for (name, probabilities) in rows {
            if !self.outputs.are_classes() {
                let outputs = self.outputs(probabilities);
                if self.args.json {
                    let (event, input, row) = ("prediction", &*name.input, name.row);
                    text.push_str(&json(&ValuesLine { event, input, row, outputs })?);
                } else {
                    let _ = write!(text, "{:width$}", shown(name), width = self.width);
                    for OutputLine { name, probability, value } in outputs {
                        let _ = match (probability, value) {
                            (Some(probability), _) => write!(text, "  {name} {:6.2} %", 100.0 * probability),
                            (None, value) => write!(text, "  {name} {}", short(value.unwrap_or_default())),
                        };
                    }
                }
                text.push('\n');
                continue;
            }
            let answers = self.ranked(probabilities);
            if self.args.json {
                let top = (self.args.top > 1).then(|| answers.clone());
                let (input, row, first) = (&*name.input, name.row, answers[0]);
                text.push_str(&json(&Line { event: "prediction", input, row, first, top })?);
            } else {
                let _ = write!(text, "{:width$}", shown(name), width = self.width);
                for Answer { class, probability, .. } in answers {
                    let _ = write!(text, "  {class:class_width$} {:6.2} %", 100.0 * probability);
                }
            }
            text.push('\n');
        }
        Ok(text)
    }

    /// The most probable classes; of equal ones the first comes first.
    fn ranked(&self, probabilities: &[f64]) -> Vec<Answer<'_>> {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let answer = |index: usize| {
            let class = self.classes.get(index).map(String::as_str).unwrap_or_default();
            Answer { class, index, probability: probabilities[index] }
        };
        order.into_iter().take(self.args.top).map(answer).collect()
    }
}
