//! `gpu-mlp export`: a trained network in a format that other programs read.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::apart;
use super::output::{note, say};
use crate::data::Scaling;
use crate::error::{Error, Result};
use crate::exchange::{self, Format};
use crate::network::{Activation, Task};
use crate::training::checkpoint::ModelInfo;
use crate::training::run;
use crate::training::run::networks::Networks;

const DETAILS: &str = "\
Formats:
  safetensors  the names and layout of a torch.nn.Sequential: model.load_state_dict(safetensors.torch.load_file(FILE))
  onnx         opset 17; `input` [batch, features] takes values as they are in the data (pixels 0..255): the graph
               scales them. Its output is `logits` [batch, classes]; --softmax adds `probabilities`. Multi-label models
               always have both; regressions have `predictions`, in the target's own unit. Of an ensemble the output is
               `probabilities` (the mean of the members' own) or `predictions` alone. The metadata has `class_names` as JSON
  npz          W1 [in, out], b1 [out], W2, … for numpy.load

safetensors and npz contain the activation, the input scaling and the class names as JSON under `gpu_mlp`.
docs/models.md has ten lines of Python for each format that load the file.

Examples:
  gpu-mlp export runs/2026-01-31T12-00-00Z-mnist --to onnx --softmax
  gpu-mlp export model.safetensors --to npz --out weights.npz";

/// Export a trained network as safetensors for PyTorch, as ONNX, or as NumPy arrays.
#[derive(Debug, clap::Args)]
#[command(after_help = DETAILS)]
pub struct ExportArgs {
    /// Folder of a run or of an ensemble, or a model.safetensors
    #[arg(value_name = "RUN_OR_MODEL")]
    model: PathBuf,
    /// Format of the file
    #[arg(long, value_enum)]
    to: FormatChoice,
    /// File to write [default: model.onnx, model.npz or model-torch.safetensors beside the model]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// For ONNX: add a second output, `probabilities`
    #[arg(long)]
    softmax: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    Safetensors,
    Onnx,
    Npz,
}

/// Runs `gpu-mlp export`.
///
/// # Errors
/// What reading the model or writing the file reports; [`Error::Usage`] for invalid options.
pub fn run(args: &ExportArgs) -> Result<()> {
    if args.softmax && args.to != FormatChoice::Onnx {
        return Err(Error::usage("--softmax belongs to ONNX: use it with --to onnx"));
    }
    let networks = Networks::load(&args.model)?;
    networks.notes.iter().for_each(|text| note(text));
    let info = &networks.info;
    let own = run::model_file(&args.model);
    let (ending, format) = match args.to {
        FormatChoice::Safetensors => ("-torch.safetensors", Format::Safetensors),
        FormatChoice::Onnx => (".onnx", Format::Onnx { softmax: args.softmax }),
        FormatChoice::Npz => (".npz", Format::Npz),
    };
    let path = args.out.clone().unwrap_or_else(|| beside(&own, ending));
    // A run has to keep what it goes on with.
    apart::check("--out", &path, &apart::of_run(&args.model))?;
    if args.softmax && info.preparation.task() != Task::Classification {
        return Err(Error::usage(
            "--softmax is for classification, and this model has another task: leave it out",
        ));
    }
    match (&networks.members[..], args.to) {
        ([parameters], _) => exchange::export(&path, parameters, info, format)?,
        (members, FormatChoice::Onnx) => exchange::export_ensemble(&path, members, info)?,
        (members, to) => {
            let to = if to == FormatChoice::Npz { "npz" } else { "safetensors" };
            let member = args.model.join(format!("member-{}", networks.numbers[0]));
            let problem =
                format!("--to {to} holds one network, and this is an ensemble of {}", members.len());
            let hint = format!(
                "--to onnx writes all of them as one model; one member: gpu-mlp export {} --to {to}",
                member.display()
            );
            return Err(Error::usage(problem).hint(hint));
        }
    }
    say(&format!("{}: {}", path.display(), described(&networks, args.to)));
    if args.to != FormatChoice::Onnx {
        note(&inputs(info));
        if info.preparation.task() == Task::Regression {
            note(
                "outputs are standardised: multiply by `deviation` and add `mean`, which are in the file's `gpu_mlp`",
            );
        }
    }
    Ok(())
}

/// A file of the model's name with another ending, in the same folder.
pub(super) fn beside(model: &Path, ending: &str) -> PathBuf {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    model.with_file_name(format!("{stem}{ending}"))
}

/// What was written, and what its readers must know.
fn described(networks: &Networks, to: FormatChoice) -> String {
    let info = &networks.info;
    let sizes = info.spec.sizes();
    let (inputs, classes) = (info.spec.inputs(), info.spec.classes());
    match to {
        FormatChoice::Onnx => {
            let outputs = match info.preparation.task() {
                Task::Regression => "predictions",
                _ if networks.is_ensemble() => "probabilities",
                Task::Classification => "logits",
                Task::MultiLabel => "logits and probabilities",
            };
            let mean = match networks.members.len() {
                1 => String::new(),
                members => format!(", the mean of {members} members"),
            };
            format!("input [batch, {inputs}] to {outputs} [batch, {classes}], ONNX opset 17{mean}")
        }
        FormatChoice::Npz => format!("W1, b1 … W{n}, b{n}; z = x @ W + b", n = sizes.len() - 1),
        FormatChoice::Safetensors => {
            let activation = |l: usize| match info.spec.activation().of(l) {
                Activation::Relu => "ReLU()",
                Activation::Sigmoid => "Sigmoid()",
                Activation::Tanh => "Tanh()",
                Activation::Gelu => "GELU()",
                Activation::LeakyRelu => "LeakyReLU()",
                Activation::Elu => "ELU()",
                Activation::Silu => "SiLU()",
                Activation::Softplus => "Softplus()",
                Activation::Identity => "Identity()",
            };
            let mut parts = Vec::new();
            for (l, (ins, outs)) in info.spec.layers().enumerate() {
                parts.push(format!("Linear({ins}, {outs})"));
                parts.extend((l + 1 < info.spec.layers().len()).then(|| activation(l).to_owned()));
            }
            format!("torch.nn.Sequential({})", parts.join(", "))
        }
    }
}

/// The scaling of inputs that readers must apply.
fn inputs(info: &ModelInfo) -> String {
    match info.preparation.scaling {
        Scaling::Bytes => "inputs are pixels 0..255 divided by 255".into(),
        Scaling::None => "inputs are the values as they are".into(),
        Scaling::Columns { .. } => {
            "inputs are (value - shift) * factor for each column; both are in the file's `gpu_mlp`".into()
        }
    }
}
