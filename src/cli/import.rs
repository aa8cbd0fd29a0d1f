//! `gpu-mlp import`: somebody else's network as a model of ours.

use std::path::PathBuf;

use clap::ValueEnum;

use super::export::beside;
use super::output::{note, say, thousands};
use crate::data::Scaling;
use crate::error::{Error, Result};
use crate::exchange::{self, Imported};
use crate::network::{Activations, Task};
use crate::training::checkpoint::{self, ModelInfo};

const EXAMPLES: &str = "\
Reads safetensors with a torch.nn.Sequential's names (0.weight, 0.bias, 2.weight, …) or any that end in a number and
.weight or .bias (layers.0.weight, fc1.bias), or an .npz of W1, b1, W2, … Weights are [out, in] under PyTorch's names and
[in, out] as W1, unless the layers fit only the other way round. A layer without a bias gets zeros. A file of
`gpu-mlp export` says the rest itself; of any other, say what is not so: ReLU between the layers, pixels 0..255 divided
by 255 as inputs, classes that are called by their numbers.

Examples:
  gpu-mlp import mlp.safetensors                    writes mlp-imported.safetensors
  gpu-mlp import weights.npz --activation tanh --inputs values --class-names setosa,versicolor,virginica
  gpu-mlp import weights.npz --task regression --inputs values --class-names price,rent
  gpu-mlp eval mlp-imported.safetensors --data mnist
  gpu-mlp train --init mlp-imported.safetensors --data mnist --lr 0.01

What comes out is a model for eval, predict, export, trace and train --init.";

/// Take a network over from PyTorch (safetensors) or NumPy (.npz).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// A .safetensors or .npz file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model to write [default: beside FILE, as NAME-imported.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Names of the classes, labels or targets, in the order of the outputs, separated by commas [default: numbers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    class_names: Option<Vec<String>>,
    /// What the outputs are: logits of classes, logits of labels, or numbers [default: what the file says, else
    /// classification]
    #[arg(long, value_name = "TASK", value_parser = super::choice::task)]
    task: Option<Task>,
    /// What follows every hidden layer [default: what the file says, else relu]
    #[arg(long, value_name = "NAMES", value_parser = super::choice::activations)]
    activation: Option<Activations>,
    /// What the network was trained on [default: what the file says, else bytes]
    #[arg(long, value_enum)]
    inputs: Option<Inputs>,
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
    let path = args.out.clone().unwrap_or_else(|| beside(&args.file, "-imported.safetensors"));
    if let (Ok(a), Ok(b)) = (args.file.canonicalize(), path.canonicalize())
        && a == b
    {
        let problem = format!("--out {} is the file to import: name another", path.display());
        return Err(Error::usage(problem));
    }
    let Imported { parameters, info } = exchange::read(&args.file)?;
    let unsaid = info.is_none();
    let mut info = match info {
        Some(info) => info,
        None => {
            let spec = parameters.spec()?;
            if spec.classes() == 1 && matches!(args.task, None | Some(Task::Classification)) {
                let problem = "the network has one output, and classes need two: say what it is";
                let hint = "--task multilabel: the logit of yes; --task regression: a number";
                return Err(Error::usage(problem).hint(hint));
            }
            ModelInfo::foreign(spec, args.task.unwrap_or_default())
        }
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
    if unsaid {
        let inputs = match args.inputs.unwrap_or(Inputs::Bytes) {
            Inputs::Bytes => "pixels 0..255, to be divided by 255 (--inputs values: as they are)",
            Inputs::Values => "values as they are",
        };
        let activation = spec.activation();
        let task = info.preparation.task().name();
        note(&format!(
            "the file has nothing but numbers: taken as {activation} between the layers (--activation), inputs as {inputs}, \
             outputs as those of {task} (--task)"
        ));
    }
    Ok(())
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
        "--class-names gives {} names{}, and the network has {outputs} outputs: each needs one of its own",
        names.len(),
        twice.map(|pair| format!(" and `{}` twice", pair[0])).unwrap_or_default()
    )))
}
