//! `gpu-mlp predict`: predicts classes, labels or numbers for a stream of images and rows.

mod printer;
mod submission;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use self::printer::Printer;
use self::submission::Submission;
use super::choice::{BackendChoice, DeviceChoice};
use super::measure::opened;
use super::output::{self, complain, note, told};
use super::text_tables::TextChoice;
use crate::data::Split;
use crate::data::inputs::{Batch, Expected, InFolder, Inputs, Look, in_folder};
use crate::error::{Error, Result};
use crate::network::Task;
use crate::training::Model;
use crate::training::checkpoint::ModelInfo;
use crate::training::ensemble::Answers as Said;
use crate::training::run::networks::Networks;
use crate::words::numerals::counted;

const DETAILS: &str = "\
Inputs, recognised by their content:
  PNG, JPEG    prepared as the model's training images were: stretched to their size, in their colours; for a model that
               was trained on MNIST's digits or images like them made grey, bright on black, cropped to the ink, scaled
               into 20 x 20 of 28 x 28 and centred by mass. --as-digits does that for any model, --raw nothing
  a folder     all PNG and JPEG images in it and in its folders, or all Parquet files
  .npy         rows of numbers [N, features], or images [N, height, width]
  CSV          one row per sample, with or without a header, plain or gzip. Columns are found by the names in the training
               table, in any order; others are left out. Without names, one column too many is taken for the labels
  Parquet      as CSV; or a column of encoded images, for a model of images
  -            any of them but Parquet on standard input

If one of several inputs cannot be read, that is reported, and the others are predicted; the exit code is then 1.

Give values as they are in the data that the model was trained on (images: 0..255); the model scales them. Inputs are read
as a stream, so there may be any number of rows. Standard output has one line for each input. Of an ensemble it is the mean of
what the members say, and behind ± the deviation between them.

Examples:
  gpu-mlp predict runs/2026-01-31T12-00-00Z-mnist seven.png photo.jpg --top 3
  gpu-mlp predict runs/2026-01-31T12-00-00Z-photos new-photos --json
  gpu-mlp predict model.safetensors rows.npy --json
  gpu-mlp predict runs/2026-01-31T12-00-00Z-train test.csv --submission ImageId,Label > submission.csv
  zcat big.csv.gz | gpu-mlp predict model.safetensors -";

/// Predict classes, labels or numbers for inputs: images, .npy, CSV, Parquet, or a stream of rows.
#[derive(Debug, clap::Args)]
#[command(after_help = DETAILS)]
pub struct PredictArgs {
    /// Folder of a run or of an ensemble, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    /// Images, folders of images, .npy files, tables (CSV, Parquet), or - for standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Print the K most probable classes of each input
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = positive)]
    top: usize,
    /// Take the pixels of images as they are; the images must have the size of the model's inputs
    #[arg(long)]
    raw: bool,
    /// Make images look like MNIST's digits, whatever the model was trained on
    #[arg(long, conflicts_with = "raw")]
    as_digits: bool,
    /// Print a CSV file with these columns: the row's own value in the first if it has such a column, whatever
    /// the case of its name; else its number from 1, and a note says so (of an image its name without the ending). In the second
    /// the predicted class or number. With one name more than the model has outputs, each output has its column: its
    /// probability, or number
    #[arg(long, value_name = "ID,ANSWER", value_delimiter = ',', conflicts_with_all = ["json", "top"])]
    submission: Option<Vec<String>>,
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

/// Batches on their way from the thread that reads.
type Batches = Receiver<Result<Batch>>;

/// Runs `gpu-mlp predict`.
///
/// # Errors
/// What reading the model or an input, or the device, reports.
pub fn run(args: &PredictArgs) -> Result<u8> {
    let networks = Networks::load(&args.model)?;
    let ModelInfo { spec, preparation } = &networks.info;
    let expected = Expected {
        features: spec.inputs(),
        preparation: preparation.clone(),
        label_column: args.label_column.clone(),
        table: args.text.options(),
        look: match (args.raw, args.as_digits) {
            (true, _) => Look::Raw,
            (_, true) => Look::Digits,
            _ => Look::AsTrained,
        },
        id_column: args.submission.as_ref().and_then(|names| names.first().cloned()),
    };
    let (mut inputs, rows) = (Inputs::new(files(args)?, expected), args.batch_size);
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
    let answers = match &args.submission {
        Some(names) => Answers::Submission(Submission::new(names, preparation)?),
        None => Answers::Lines(Printer::new(args.top, args.json, preparation)),
    };
    let output = pollster::block_on(classify(args, &networks, batches, answers))?;
    // The thread may be waiting for input that never comes.
    let Output::Open { answered, broken } = output else { return Ok(0) };
    let closing = reader.join().map_err(|_| Error::Internal("the thread that reads has died".into()))?;
    closing.iter().for_each(|text| note(text));
    if broken > 0 {
        note(&format!("{} could not be read", counted(broken, "input")));
    }
    Ok(match (broken, answered) {
        (0, _) => 0,
        (_, 0) => 2,
        _ => 1,
    })
}

/// The inputs, with the images or the Parquet files of a folder in its place.
fn files(args: &PredictArgs) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in &args.inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let InFolder { files: own, kind, others } = in_folder(input)?;
        if others > 0 {
            let (input, others) = (input.display(), counted(others, "file"));
            note(&format!("{input}: {others} left out: only {kind} is answered"));
        }
        files.extend(own);
    }
    Ok(files)
}

/// How answers are printed.
enum Answers<'a> {
    /// A line for people, or of JSON, for each.
    Lines(Printer<'a>),
    /// The lines of a CSV file.
    Submission(Submission<'a>),
}

/// Whether somebody still reads standard output.
enum Output {
    /// So many samples were answered, and so many inputs could not be read.
    Open {
        answered: usize,
        broken: usize,
    },
    Gone,
}

async fn classify(
    args: &PredictArgs,
    networks: &Networks,
    batches: Batches,
    mut answers: Answers<'_>,
) -> Result<Output> {
    let backend = match (args.backend, &args.adapter) {
        (Some(backend), _) => backend,
        (None, Some(_)) => BackendChoice::Auto,
        (None, None) => BackendChoice::Cpu,
    };
    let device = DeviceChoice { backend, adapter: args.adapter.clone(), ..DeviceChoice::cpu() };
    let mut model = opened(&device, networks).await?;
    let (mut answered, mut broken) = (0, 0);
    for batch in batches {
        let Batch { names, samples, notes, broken: unreadable } = batch?;
        notes.iter().for_each(|text| note(text));
        broken += unreadable.len();
        for error in unreadable {
            complain(&format!("error: {}", told(&error)));
        }
        let Some(samples) = samples else { continue };
        answered += samples.len();
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        model.load(Split::Test, samples).await?;
        let Said { logits, deviation } = model.answers(Split::Test, &all).await?;
        let logits = logits.map(f64::from);
        let text = match &mut answers {
            Answers::Lines(printer) => printer.lines(&names, &logits, deviation.as_deref())?,
            Answers::Submission(submission) => submission.lines(&names, &logits)?,
        };
        if !output::write(&text)? {
            return Ok(Output::Gone);
        }
    }
    Ok(Output::Open { answered, broken })
}
