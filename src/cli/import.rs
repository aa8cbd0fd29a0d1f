//! `gpu-mlp import`: converts another program's network into a model of gpu-mlp.

use std::path::PathBuf;

use clap::ValueEnum;

use super::apart;
use super::export::beside;
use super::number;
use super::output::{note, say, thousands, words};
use crate::data::Scaling;
use crate::error::{Error, Result};
use crate::exchange::{self, Imported, NameMap, Said};
use crate::network::{Activations, Parameters, Task};
use crate::training::checkpoint::{self, ModelInfo};
use crate::words::numerals::counted;

const EXAMPLES: &str = "\
Reads safetensors with a torch.nn.Sequential's names (0.weight, 0.bias, 2.weight, …) or any others that end in .weight and
.bias (layers.0.weight, features.1.weight, classifier.0.weight, output.weight); an .npz with W1, b1, W2, …; or an ONNX file that
is a chain of Gemm (or MatMul and Add), activations and Flatten. The order of layers comes from their names, else from their
sizes, and --map says what neither does. Weights are [out, in] under PyTorch's names and [in, out] as W1, unless the layers fit
only the other way round. A layer without a bias gets zeros. Batch normalisation is folded into the layer beside it: a note
says where. torch.save, pickle, Keras and HDF5 files are refused with the lines that convert them.

A file from `gpu-mlp export` describes its network, and an ONNX file its activations and scaling. Any other file is taken to
have ReLU between the layers, pixels 0..255 divided by 255 as inputs, and classes without names. Use the options if something
is different.

Examples:
  gpu-mlp import mlp.safetensors                    writes mlp-imported.safetensors
  gpu-mlp import mlp.safetensors --mean 0.1307 --std 0.3081
  gpu-mlp import mlp.safetensors --map encoder=layers.0,decoder=layers.1
  gpu-mlp import model.onnx --class-names cat,dog
  gpu-mlp import weights.npz --activation tanh --inputs values --class-names setosa,versicolor,virginica
  gpu-mlp import weights.npz --task regression --inputs values --class-names price,rent
  gpu-mlp eval mlp-imported.safetensors --data mnist
  gpu-mlp train --init mlp-imported.safetensors --data mnist --lr 0.01

The result is a model for eval, predict, export, trace and train --init.";

/// Import a network from PyTorch (safetensors), ONNX or NumPy (.npz).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// File to import: .safetensors, .onnx or .npz
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Model to write [default: NAME-imported.safetensors beside FILE]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Names of the classes, labels or targets, in the order of the outputs, separated by commas [default: numbers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    class_names: Option<Vec<String>>,
    /// Task, which says what the outputs are: logits of classes, logits of labels, or numbers [default: what the file says, else
    /// classification]
    #[arg(long, value_name = "TASK", value_parser = super::choice::task)]
    task: Option<Task>,
    /// Activation after the hidden layers [default: what the file says, else relu]
    #[arg(long, value_name = "NAMES", value_parser = super::choice::activations)]
    activation: Option<Activations>,
    /// Inputs that the network was trained on [default: what the file says, else bytes]
    #[arg(long, value_enum)]
    inputs: Option<Inputs>,
    /// Subtracted from the inputs (pixels: after the division by 255), as torchvision's Normalize does: one number, or one for each
    /// input, separated by commas [default: 0]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_hyphen_values = true, value_parser = number::real::<f64>)]
    mean: Option<Vec<f64>>,
    /// The inputs are then divided by it: one number, or one for each input, separated by commas [default: 1]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = number::real::<f64>)]
    std: Option<Vec<f64>>,
    /// What batch normalisations add to the variance, which only ONNX files say [default: 1e-5, as PyTorch; Keras has 1e-3]
    #[arg(long, value_name = "E", value_parser = number::real::<f64>)]
    eps: Option<f64>,
    /// Layers and tensors under other names: theirs=ours, such as encoder=layers.0 or kernel=W1, separated by commas
    #[arg(long, value_name = "THEIRS=OURS", value_delimiter = ',')]
    map: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Inputs {
    /// Pixels 0..255, divided by 255
    Bytes,
    /// Values as they are
    Values,
}

/// Runs `gpu-mlp import`.
///
/// # Errors
/// What reading or writing a file reports; [`Error::Usage`] for names that are not one for each class.
pub fn run(args: &ImportArgs) -> Result<()> {
    if let Some(eps) = args.eps.filter(|&eps| eps < 0.0) {
        return Err(Error::usage(format!("--eps {eps}: expected a number from 0")));
    }
    let path = args.out.clone().unwrap_or_else(|| beside(&args.file, "-imported.safetensors"));
    apart::check("--out", &path, std::slice::from_ref(&args.file))?;
    let Imported { parameters, info, said, notes } =
        exchange::read(&args.file, &NameMap::of(&args.map)?, args.eps)?;
    notes.iter().for_each(|message| note(&words(message)));
    let foreign = info.is_none();
    let mut info = match info {
        Some(info) => info,
        None => described(&parameters, &said, args.task.or(said.task))?,
    };
    if let Some(task) = args.task.filter(|&task| task != info.preparation.task()) {
        let said = info.preparation.task().name();
        return Err(Error::usage(format!("--task {}: the file says that it is for {said}", task.name())));
    }
    if let Some(activation) = &args.activation {
        let hidden = info.spec.layers().len() - 1;
        if !activation.fit(hidden) {
            return Err(Error::usage(format!(
                "--activation {activation}: expected one for all, or one for each of the {hidden} hidden layers"
            )));
        }
        info.spec = info.spec.with_activation(activation.clone());
    }
    if let Some(names) = &args.class_names {
        check(names, info.spec.classes())?;
        info.preparation.class_names.clone_from(names);
    }
    match args.inputs {
        Some(Inputs::Bytes) => info.preparation.scaling = Scaling::Bytes,
        Some(Inputs::Values) => info.preparation.scaling = Scaling::None,
        None => {}
    }
    if args.mean.is_some() || args.std.is_some() {
        info.preparation.scaling = normalised(args, info.spec.inputs(), &info.preparation.scaling)?;
    }
    checkpoint::save_model(&path, &parameters, &info)?;
    let spec = &info.spec;
    let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
    say(&format!(
        "{}: {}, {}, {} parameters",
        path.display(),
        sizes.join("-"),
        spec.activation(),
        thousands(spec.parameter_count())
    ));
    let assumed = if foreign { assumed(args, &info, &said) } else { Vec::new() };
    if !assumed.is_empty() {
        note(&format!("the file does not say everything of its network; assumed: {}", assumed.join(", ")));
    }
    Ok(())
}

/// A network as far as its file describes it.
fn described(parameters: &Parameters, said: &Said, task: Option<Task>) -> Result<ModelInfo> {
    let spec = parameters.spec()?;
    if spec.classes() == 1 && matches!(task, None | Some(Task::Classification)) {
        let problem =
            "the network has one output, but classification needs two or more: say what the output is";
        let hint = "--task multilabel for the logit of a label; --task regression for a number";
        return Err(Error::usage(problem).hint(hint));
    }
    let mut info = ModelInfo::foreign(spec, task.unwrap_or_default());
    if let Some(activation) = &said.activation {
        info.spec = info.spec.with_activation(activation.clone());
    }
    if let Some(scaling) = &said.scaling {
        info.preparation.scaling = scaling.clone();
    }
    if let Some(names) = said.class_names.as_ref().filter(|names| check(names, info.spec.classes()).is_ok()) {
        info.preparation.class_names.clone_from(names);
    }
    Ok(info)
}

/// What neither the file nor an option says.
fn assumed(args: &ImportArgs, info: &ModelInfo, said: &Said) -> Vec<String> {
    let mut assumed = Vec::new();
    if said.activation.is_none() && args.activation.is_none() {
        assumed.push(format!("{} between the layers (--activation)", info.spec.activation()));
    }
    if args.inputs.is_none() && args.mean.is_none() && args.std.is_none() {
        assumed.extend(match (&info.preparation.scaling, &said.scaling) {
            (Scaling::Bytes, None) => Some(
                "inputs as pixels 0..255, to be divided by 255 (--inputs values: as they are; --mean and --std)".to_owned(),
            ),
            (Scaling::None, _) => Some(
                "inputs as they are (--inputs bytes: pixels, to be divided by 255; --mean and --std)".to_owned(),
            ),
            _ => None,
        });
    }
    if args.task.or(said.task).is_none() {
        assumed.push(format!("outputs for {} (--task)", info.preparation.task().name()));
    }
    assumed
}

/// One name for each output, no two the same.
fn check(names: &[String], outputs: usize) -> Result<()> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    if names.len() == outputs && twice.is_none() && names.iter().all(|name| !name.trim().is_empty()) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "--class-names gives {}{}, but the network has {}: each needs its own name",
        counted(names.len(), "name"),
        twice.map(|pair| format!(" and `{}` twice", pair[0])).unwrap_or_default(),
        counted(outputs, "output")
    )))
}

/// Values, or pixels divided by 255, less the mean and divided by the deviation.
fn normalised(args: &ImportArgs, inputs: usize, scaling: &Scaling) -> Result<Scaling> {
    let numbers = |option: &str, given: &Option<Vec<f64>>, default: f64| match given.as_deref() {
        None => Ok(vec![default; inputs]),
        Some(&[one]) => Ok(vec![one; inputs]),
        Some(all) if all.len() == inputs => Ok(all.to_vec()),
        Some(all) => Err(Error::usage(format!(
            "{option} has {}, but the network has {}: give one, or one for each input",
            counted(all.len(), "number"),
            counted(inputs, "input")
        ))),
    };
    let (mean, std) = (numbers("--mean", &args.mean, 0.0)?, numbers("--std", &args.std, 1.0)?);
    if std.iter().any(|&std| std <= 0.0) {
        return Err(Error::usage("--std: expected numbers above 0"));
    }
    let unit = match scaling {
        Scaling::Bytes => 255.0,
        Scaling::None => 1.0,
        Scaling::Columns { .. } => {
            return Err(Error::usage("--mean and --std: the file scales its inputs itself; leave them out"));
        }
    };
    let shift = mean.iter().map(|mean| unit * mean).collect();
    Ok(Scaling::Columns { shift, factor: std.iter().map(|std| 1.0 / (unit * std)).collect() })
}
