//! `gpu-mlp import`: somebody else's network as a model of ours.

use std::path::PathBuf;

use clap::ValueEnum;

use super::export::beside;
use super::output::{note, say};
use crate::checkpoint::{self, ModelInfo};
use crate::data::{Preparation, Scaling};
use crate::error::{Error, Result};
use crate::exchange::{self, Imported};

const EXAMPLES: &str = "\
Reads safetensors with a torch.nn.Sequential's names (0.weight, 0.bias, 2.weight, …) or any that end in a number and
.weight or .bias (layers.0.weight, fc1.bias), or an .npz of W1, b1, W2, … Weights are [out, in] in safetensors and
[in, out] in .npz, unless the layers fit only the other way round. A file of `gpu-mlp export` needs no options.

What comes out is a model for eval, predict, export and trace; training cannot be resumed from it.";

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
    /// Names of the classes, in the order of the outputs, separated by commas [default: numbers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    class_names: Option<Vec<String>>,
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
    let Imported { parameters, info } = exchange::read(&args.file)?;
    let unsaid = info.is_none();
    let spec = parameters.spec()?;
    let mut info = info.unwrap_or_else(|| ModelInfo::new(spec.clone(), None));
    if let Some(names) = &args.class_names {
        check(names, spec.classes())?;
        info.preparation = Some(Preparation { class_names: names.clone(), ..info.preparation() });
    }
    if let Some(inputs) = args.inputs {
        let scaling = match inputs {
            Inputs::Bytes => Scaling::Bytes,
            Inputs::Values => Scaling::None,
        };
        info.preparation = Some(Preparation { scaling, ..info.preparation() });
    }
    // Images have none: the two are the same.
    let preparation = info.preparation.filter(|own| *own != Preparation::of_images(spec.classes()));
    let path = args.out.clone().unwrap_or_else(|| beside(&args.file, "-imported.safetensors"));
    if let (Ok(a), Ok(b)) = (args.file.canonicalize(), path.canonicalize())
        && a == b
    {
        let problem = format!("--out {} is the file to import: name another", path.display());
        return Err(Error::Usage(problem));
    }
    checkpoint::save_model(&path, &parameters, preparation.as_ref())?;
    let sizes: Vec<String> = spec.sizes().iter().map(usize::to_string).collect();
    say(&format!("{}: {}, {} parameters", path.display(), sizes.join("-"), spec.parameter_count()));
    if unsaid {
        let inputs = match args.inputs.unwrap_or(Inputs::Bytes) {
            Inputs::Bytes => "pixels 0..255, to be divided by 255 (--inputs values: as they are)",
            Inputs::Values => "values as they are",
        };
        note(&format!(
            "the file says nothing but numbers: taken as ReLU between the layers, and inputs as {inputs}"
        ));
    }
    Ok(())
}

/// One name for each class, no two the same.
fn check(names: &[String], classes: usize) -> Result<()> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    if names.len() == classes && twice.is_none() && names.iter().all(|name| !name.trim().is_empty()) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "--class-names gives {} names{}, and the network has {classes} classes: each needs one of its own",
        names.len(),
        twice.map(|pair| format!(" and `{}` twice", pair[0])).unwrap_or_default()
    )))
}
