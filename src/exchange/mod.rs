//! Models to and from other programs: ONNX, safetensors as PyTorch names it, and NumPy's `.npz`.
//!
//! What the file of a format cannot say of itself (the activation, the scaling of inputs, the names of the classes) goes
//! with it as the JSON that our own models have, under [`METADATA_KEY`]; programs that do not know it pass it by. In an
//! `.npz` it is an array of bytes.

mod import;
mod imported;
mod normalisation;
pub mod onnx;

use std::io::{BufWriter, Write};
use std::path::Path;

pub use import::{NameMap, read};
pub use imported::{Imported, Said};

use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::files::numpy::{npy, npz};
use crate::network::Parameters;
use crate::tensor::Tensor;
use crate::training::checkpoint::{METADATA_KEY, ModelInfo, save_sequential};

/// A file format that a model can be exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tensors under the names of a `torch.nn.Sequential`: weights `[out, in]`.
    Safetensors,
    /// A graph with the scaling of inputs inside, and probabilities as a second output if wanted.
    Onnx {
        /// Whether they are.
        softmax: bool,
    },
    /// NumPy arrays `W1 [in, out]`, `b1 [out]`, …, as `gpu-mlp doctor` names them.
    Npz,
}

/// Writes a model to a file; it is there as a whole or not at all.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; [`Error::Usage`] if the format cannot hold the model.
pub fn export(path: &Path, parameters: &Parameters, info: &ModelInfo, format: Format) -> Result<()> {
    match format {
        Format::Safetensors => save_sequential(path, parameters, info),
        Format::Onnx { softmax } => write(path, &onnx::encode(parameters, info, softmax)?),
        Format::Npz => write_npz(path, parameters, info),
    }
}

/// Writes the members of an ensemble as one ONNX model, whose output is the mean of their probabilities, or of their numbers; it is
/// there as a whole or not at all.
///
/// # Errors
/// As [`export`].
pub fn export_ensemble(path: &Path, members: &[Parameters], info: &ModelInfo) -> Result<()> {
    write(path, &onnx::encode_ensemble(members, info)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.finish()
}

fn write_npz(path: &Path, parameters: &Parameters, info: &ModelInfo) -> Result<()> {
    let json = serde_json::to_string(info).map_err(|error| Error::Internal(error.to_string()))?;
    let array = |name: String, tensor: &Tensor| {
        let mut bytes = npy::header("<f4", tensor.shape());
        bytes.extend(tensor.data().iter().flat_map(|value| value.to_le_bytes()));
        (name, bytes)
    };
    let layers = parameters.layers.iter().zip(1..);
    let mut entries: Vec<(String, Vec<u8>)> = layers
        .flat_map(|(layer, n)| [array(format!("W{n}"), &layer.w), array(format!("b{n}"), &layer.b)])
        .collect();
    let text = [npy::header("|u1", &[json.len()]), json.into_bytes()].concat();
    entries.push((METADATA_KEY.to_owned(), text));
    let mut file = AtomicFile::create(path)?;
    npz::write(BufWriter::new(file.file_mut()), entries).map_err(Error::io("write", path))?;
    file.finish()
}
