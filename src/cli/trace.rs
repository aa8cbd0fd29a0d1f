//! `gpu-mlp trace`: the correct values of every tensor of a step, written to a file or compared with the user's file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::apart;
use super::choice::{self, DataChoice, Hidden};
use super::loading;
use super::number;
use super::output::{json, note, say};
use crate::data::Dataset;
use crate::doctor::beside::comparison::{self, Comparison, Row};
use crate::doctor::beside::trace;
use crate::doctor::file::forms;
use crate::doctor::file::npz::{self, Entries};
use crate::error::{Error, Result};
use crate::network::{Loss, MlpSpec, Parameters};
use crate::reference::{Matrix, Mlp};
use crate::training::{Aims, run};

const EXAMPLES: &str = "\
Examples:
  gpu-mlp trace --data digits --hidden 30 --out right.npz      a new network, 37 samples
  gpu-mlp trace runs/mine --batch 5                            a trained one
  gpu-mlp trace --compare mine.npz                             compares your file with the correct values

Exit codes of --compare: 0 all tensors agree, 1 something differs, 2 the file cannot be read.";

/// Write the correct values of every tensor of a step, or compare your own with them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TraceArgs {
    /// Folder of a run, or a model.safetensors [default: a new network]
    #[arg(value_name = "RUN_OR_MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    data: DataChoice,
    /// Part of the data set to take samples from
    #[arg(long, value_parser = ["train", "test"], default_value = "train")]
    split: String,
    /// Sizes of the new network's hidden layers, separated by commas; "" for none
    #[arg(long, value_name = "SIZES", default_value = "300,75", value_parser = choice::hidden)]
    #[arg(conflicts_with = "model")]
    hidden: Hidden,
    /// Seed of the new network's weights
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "model")]
    #[arg(value_parser = number::whole::<u64>)]
    seed: u64,
    /// Number of samples, counted from the first
    #[arg(long, value_name = "N", default_value_t = 37, value_parser = number::whole::<usize>)]
    batch: usize,
    /// Learning rate of the step [default: 0.1; with --compare, the one in the file]
    #[arg(long, value_name = "RATE", value_parser = number::real::<f64>)]
    lr: Option<f64>,
    /// The file to write [default: trace.npz]
    #[arg(long, value_name = "FILE.npz", conflicts_with = "compare")]
    out: Option<PathBuf>,
    /// Write nothing, but compare this file with the correct values, for its own W, b, X and y if it has them
    #[arg(long, value_name = "FILE.npz")]
    compare: Option<PathBuf>,
    /// Print the comparison as JSON
    #[arg(long, requires = "compare")]
    json: bool,
}

/// A network and a batch.
struct Setting {
    mlp: Mlp,
    x: Matrix,
    loss: Loss,
    aims: Aims,
    /// For people: which network, which samples.
    what: String,
}

/// Runs `gpu-mlp trace`; returns the exit code: 0 fine, 1 something differs.
///
/// # Errors
/// What reading the model, the data or the file, or writing, reports.
pub fn run(args: &TraceArgs) -> Result<u8> {
    if let Some(lr) = args.lr.filter(|lr| !lr.is_finite()) {
        return Err(Error::usage(format!("--lr must be a finite number, got {lr}")));
    }
    match &args.compare {
        Some(file) => compare(args, file),
        None => write(args).map(|()| 0),
    }
}

fn write(args: &TraceArgs) -> Result<()> {
    let path = args.out.as_deref().unwrap_or(Path::new("trace.npz"));
    let inputs = match &args.model {
        Some(model) => apart::of_model(model, &args.data)?,
        None => apart::of_data(args.data.data.as_deref(), &args.data.loading),
    };
    apart::check("--out", path, &inputs)?;
    let Setting { mlp, x, loss, aims, what } = setting(args)?;
    let entries = trace::entries_for(loss, &mlp, &x, aims.aim(), args.lr.unwrap_or(0.1));
    npz::write(path, entries.iter().map(|(name, value)| (name.as_str(), value)))?;
    say(&format!("{}: {} tensors and settings of {what}", path.display(), entries.len()));
    Ok(())
}

/// The network and the batch that the options describe.
fn setting(args: &TraceArgs) -> Result<Setting> {
    let (spec, parameters, dataset) = match &args.model {
        Some(model) => {
            let (parameters, info) = run::load_model(model)?;
            let dataset = loading::load_for(model, &info, &args.data)?;
            (info.spec, parameters, dataset)
        }
        None => {
            let dataset = loading::load(
                args.data.data.as_deref(),
                &args.data,
                &args.data.loading.options(),
                None,
                false,
            )?;
            let spec = MlpSpec::with_hidden(dataset.train.features(), &args.hidden.0, dataset.classes)?;
            let spec = spec.with_loss(dataset.preparation.task().loss());
            fits(&spec, args.batch)?;
            let parameters = Parameters::he_uniform(&spec, args.seed);
            (spec, parameters, dataset)
        }
    };
    fits(&spec, args.batch)?;
    let indices = batch(args, &dataset)?;
    let samples = dataset.split(choice::split(&args.split))?;
    let aims = Aims::of(samples, &indices)?;
    let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
    let what =
        format!("{} on the first {} {} samples of {}", sizes.join("-"), args.batch, args.split, dataset.name);
    let (mlp, loss) = (parameters.in_f64(spec.activation().clone()), spec.loss());
    Ok(Setting { mlp, x: samples.inputs(&indices)?, loss, aims, what })
}

/// The first samples of the split.
fn batch(args: &TraceArgs, dataset: &Dataset) -> Result<Vec<u32>> {
    let samples = dataset.split(choice::split(&args.split))?.len();
    if args.batch == 0 || args.batch > samples {
        return Err(Error::usage(format!(
            "--batch {} samples: the {} split of {} has 1 to {samples}",
            args.batch, args.split, dataset.name
        )));
    }
    Ok((0..args.batch as u32).collect())
}

/// Bytes that the arrays of a trace may have: compressed as far as weights can be, that is a file that is read again.
const MOST_BYTES: u64 = 2 * npz::MEMORY;

/// Whether the file will be one that can be read again.
fn fits(spec: &MlpSpec, batch: usize) -> Result<()> {
    // W, dW, W_new of every parameter; z, a, dz, da of every unit, and X.
    let rows = spec.sizes().iter().sum::<usize>().saturating_mul(batch).saturating_mul(4);
    let bytes = spec.parameter_count().saturating_mul(3).saturating_add(rows).saturating_mul(8);
    if bytes as u64 <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::usage(format!(
        "a trace of a network of sizes {:?} with {batch} samples takes about {} MiB, and at most {} MiB are read \
         back\n  hint: fewer samples (37 are plenty) with --batch, or smaller --hidden",
        spec.sizes(),
        bytes >> 20,
        MOST_BYTES >> 20
    )))
}

fn compare(args: &TraceArgs, file: &Path) -> Result<u8> {
    let (entries, loss) = completed(args, forms::read(file)?)?;
    let comparison = comparison::compare(&entries, args.lr, loss).map_err(|refusal| refusal.at(file))?;
    let text = if args.json { json(&comparison)? } else { human(&comparison) };
    say(text.trim_end());
    Ok(u8::from(!comparison.agree))
}

/// The file's entries; a network or a batch that it lacks is the one that the options describe, and so is the loss then.
fn completed(args: &TraceArgs, mut entries: Entries) -> Result<(Entries, Option<Loss>)> {
    let (network, batch) = (comparison::has_network(&entries), comparison::has_batch(&entries));
    if network && batch {
        if let Some(model) = &args.model {
            note(&format!("the file has its own network and batch, so {} is not used", model.display()));
        }
        return Ok((entries, None));
    }
    let Setting { mlp, x, loss, aims, what } = setting(args)?;
    let lacks = if network { "batch" } else { "network" };
    note(&format!("the file has no {lacks}; it is compared with {what}"));
    let own = |mut ours: Entries, theirs: Entries| {
        ours.extend(theirs);
        ours
    };
    if !network {
        entries = own(trace::network(&mlp), entries);
    }
    if !batch {
        entries = own(trace::batch(&x, aims.aim()), entries);
    }
    Ok((entries, Some(loss)))
}

/// The headline, the table, the notes.
fn human(comparison: &Comparison) -> String {
    let mut text = match &comparison.first_difference {
        None => format!("All {} tensors agree.\n", comparison.tensors.len()),
        Some(first) => format!(
            "First difference: {first}. Everything computed from it differs too; gpu-mlp doctor looks for the cause.\n"
        ),
    };
    let _ = writeln!(
        text,
        "\n{:<10} {:<8} {:>10}  {:<12} {:>14} {:>14}",
        "tensor", "", "difference", "at", "got", "right"
    );
    for row in &comparison.tensors {
        text.push_str(line(row).trim_end());
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\nDifferences are relative to a tensor's largest value; {:.0e} counts as equal.",
        comparison.tolerance
    );
    for note in &comparison.notes {
        let _ = writeln!(text, "  - {note}");
    }
    text
}

fn line(row: &Row) -> String {
    let status = if row.ok { "ok" } else { "DIFFERS" };
    let mut line = format!("{:<10} {status:<8} {:>10.1e}", row.tensor, row.difference.0);
    let (false, Some(at), Some(got), Some(want)) = (row.ok, &row.at, row.got, row.want) else {
        let _ = write!(line, "  {}", row.pattern.as_deref().unwrap_or_default());
        return line;
    };
    let at = format!("{at:?}");
    let _ = write!(line, "  {at:<12} {:>14.6e} {:>14.6e}", got.0, want.0);
    let _ = write!(line, "  {}", row.pattern.as_deref().unwrap_or_default());
    line
}
