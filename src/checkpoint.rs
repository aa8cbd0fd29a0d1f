//! Models and training states on disk, as safetensors: parameters under PyTorch's names and in its layout.
//!
//! `layers.N.weight` is `[out, in]` and `layers.N.bias` `[out]`, f32, as `torch.nn.Linear` keeps them; in memory weights
//! are `[in, out]`. A training state has velocities too, as `velocity.layers.N.…`. What else is needed stands in the
//! metadata under the one key `gpu_mlp`, as JSON, so that the same training gives the same bytes.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::atomic_file::AtomicFile;
use crate::data::{Preparation, Scaling};
use crate::error::{Error, Result};
use crate::metrics::Sums;
use crate::model::{Dense, MlpSpec, Parameters};
use crate::tensor::Tensor;

/// The metadata's key of what a file says of itself.
pub const METADATA_KEY: &str = "gpu_mlp";

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Inputs, hidden layers, classes.
    pub layers: MlpSpec,
    /// After every layer but the last.
    pub activation: String,
    /// What inputs are multiplied by before they enter the network, after the preparation if there is one.
    pub input_scale: f64,
    /// Of a table: how its values are scaled, and the names of its classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<Preparation>,
}

impl ModelInfo {
    /// A ReLU network on bytes scaled to 0..1, or on a table.
    pub fn new(layers: MlpSpec, preparation: Option<Preparation>) -> Self {
        let input_scale = input_scale(preparation.as_ref());
        Self { layers, activation: "relu".into(), input_scale, preparation }
    }

    /// How inputs are scaled, and the names of the classes, of images too.
    pub fn preparation(&self) -> Preparation {
        self.preparation.clone().unwrap_or_else(|| Preparation::of_images(self.layers.classes()))
    }
}

fn input_scale(preparation: Option<&Preparation>) -> f64 {
    match preparation {
        Some(Preparation { scaling: Scaling::None | Scaling::Columns { .. }, .. }) => 1.0,
        Some(Preparation { scaling: Scaling::Bytes, .. }) | None => 1.0 / 255.0,
    }
}

/// How far a run has come; with the parameters, all that it takes to go on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs finished.
    pub epochs: usize,
    /// Samples of the next epoch already trained on: not 0 only if the run was interrupted.
    pub samples: usize,
    /// Loss and hits of those samples.
    pub sums: Sums,
}

/// A training state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// How far.
    pub progress: Progress,
    /// Weights and biases.
    pub parameters: Parameters,
    /// The optimiser's velocities, if there is momentum.
    pub velocities: Option<Parameters>,
}

/// Writes a model; the file is whole or, after a crash, as it was before.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be written to.
pub fn save_model(path: &Path, parameters: &Parameters, preparation: Option<&Preparation>) -> Result<()> {
    let info = ModelInfo::new(parameters.spec()?, preparation.cloned());
    write(path, &tensors(|n| format!("layers.{n}"), parameters), &info)
}

/// Writes a model under the names that it has in a `torch.nn.Sequential` of linear layers with an activation after each
/// but the last: `0.weight`, `0.bias`, `2.weight`, …
///
/// # Errors
/// As [`save_model`].
pub fn save_sequential(path: &Path, parameters: &Parameters, info: &ModelInfo) -> Result<()> {
    write(path, &tensors(|n| (2 * n).to_string(), parameters), info)
}

/// Reads a model, and how its inputs are prepared if they come from a table.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] if it is no model of ours, or a damaged one.
pub fn load_model(path: &Path) -> Result<(Parameters, Option<Preparation>)> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let (info, file) = parse::<ModelInfo>(path, &bytes)?;
    if info.activation != "relu" || info.input_scale != input_scale(info.preparation.as_ref()) {
        let problem =
            format!("it wants activation \"{}\" and inputs times {}", info.activation, info.input_scale);
        return Err(Error::file(path, problem, "this version knows relu and 1/255"));
    }
    Ok((read_parameters(path, &file, "", &info.layers)?, info.preparation))
}

/// Writes a training state; the file is whole or, after a crash, as it was before.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be written to.
pub fn save_state(path: &Path, state: &State) -> Result<()> {
    let mut all = tensors(|n| format!("layers.{n}"), &state.parameters);
    if let Some(velocities) = &state.velocities {
        all.extend(tensors(|n| format!("velocity.layers.{n}"), velocities));
    }
    write(path, &all, &state.progress)
}

/// Reads the training state of a network of these sizes.
///
/// # Errors
/// As [`load_model`].
pub fn load_state(path: &Path, spec: &MlpSpec) -> Result<State> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let (progress, file) = parse::<Progress>(path, &bytes)?;
    let parameters = read_parameters(path, &file, "", spec)?;
    let has_velocities = file.names().iter().any(|name| name.starts_with("velocity."));
    let velocities = has_velocities.then(|| read_parameters(path, &file, "velocity.", spec)).transpose()?;
    Ok(State { progress, parameters, velocities })
}

/// A tensor as the file has it.
struct Named {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Weights and biases under the layers' names.
fn tensors(name: impl Fn(usize) -> String, parameters: &Parameters) -> Vec<Named> {
    let named = |name: String, tensor: &Tensor| Named {
        name,
        shape: tensor.shape().to_vec(),
        // safetensors is little-endian on every machine.
        bytes: tensor.data().iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let layer = |(n, Dense { w, b }): (usize, &Dense)| {
        let name = name(n);
        [named(format!("{name}.weight"), &w.transposed()), named(format!("{name}.bias"), b)]
    };
    parameters.layers.iter().enumerate().flat_map(layer).collect()
}

fn write(path: &Path, tensors: &[Named], info: &impl Serialize) -> Result<()> {
    let internal = |error: &dyn std::fmt::Display| Error::Internal(format!("{}: {error}", path.display()));
    let info = serde_json::to_string(info).map_err(|error| internal(&error))?;
    let views = tensors
        .iter()
        .map(|t| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), &t.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| internal(&error))?;
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), info)]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| internal(&error))?;
    let mut file = AtomicFile::create(path)?;
    file.write_all(&bytes).map_err(Error::io("write", path))?;
    file.finish()
}

fn damaged(path: &Path, problem: impl Into<String>) -> Error {
    Error::file(
        path,
        problem,
        "it was not written by gpu-mlp, or is damaged: use another copy, or train again",
    )
}

fn parse<'a, T: DeserializeOwned>(path: &Path, bytes: &'a [u8]) -> Result<(T, SafeTensors<'a>)> {
    let not = |error| damaged(path, format!("not a safetensors file: {error}"));
    let file = SafeTensors::deserialize(bytes).map_err(not)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
    let text = text.ok_or_else(|| damaged(path, format!("its metadata has no \"{METADATA_KEY}\"")))?;
    let info = serde_json::from_str(text)
        .map_err(|error| damaged(path, format!("its metadata cannot be understood: {error}")))?;
    Ok((info, file))
}

fn read_parameters(path: &Path, file: &SafeTensors<'_>, prefix: &str, spec: &MlpSpec) -> Result<Parameters> {
    let tensor = |name: String, shape: Vec<usize>| {
        let view = file.tensor(&name).map_err(|_| damaged(path, format!("it has no tensor {name}")))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            let problem =
                format!("{name}: expected F32 {shape:?}, got {:?} {:?}", view.dtype(), view.shape());
            return Err(damaged(path, problem));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Tensor::new(shape, values.collect())
    };
    let layer = |(n, (ins, outs))| {
        let w = tensor(format!("{prefix}layers.{n}.weight"), vec![outs, ins])?.transposed();
        Ok(Dense { w, b: tensor(format!("{prefix}layers.{n}.bias"), vec![outs])? })
    };
    Ok(Parameters { layers: spec.layers().enumerate().map(layer).collect::<Result<_>>()? })
}
