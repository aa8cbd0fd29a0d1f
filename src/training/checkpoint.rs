//! Models and training states on disk, as safetensors: parameters under PyTorch's names and in its layout.
//!
//! `layers.N.weight` is `[out, in]` and `layers.N.bias` `[out]`, f32, as `torch.nn.Linear` keeps them; in memory weights
//! are `[in, out]`. A training state has the optimiser's moments too, as `velocity.layers.N.…` and `square.layers.N.…`,
//! and with early stopping the best parameters so far, as `best.layers.N.…`. What else is needed stands in the
//! metadata under the one key `gpu_mlp`, as JSON, so that the same training gives the same bytes.
//!
//! That JSON begins with `sha256`: of all bytes of the file, with the 64 digits of this very number as zeros. A file
//! that does not match it is refused. Files of version 0.1.0 have none.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{Outputs, Preparation, Scaling};
use crate::error::{Error, Message, Result};
use crate::files::atomic_file::AtomicFile;
use crate::files::regular_file;
use crate::network::{Activations, Dense, Loss, MlpSpec, OptimizerState, Parameters, Task};
use crate::step::metrics::Sums;
use crate::tensor::Tensor;

/// The metadata's key of what a file says of itself.
pub const METADATA_KEY: &str = "gpu_mlp";

/// What a model is, beside its parameters; as JSON, what its file says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(into = "ModelText")]
pub struct ModelInfo {
    /// The network.
    pub spec: MlpSpec,
    /// How values are scaled before they enter it, and the names of the classes.
    pub preparation: Preparation,
}

/// What a model's file says of itself.
#[derive(Clone, Serialize, Deserialize)]
struct ModelText {
    /// Inputs, hidden layers, outputs.
    layers: Vec<usize>,
    /// After every layer but the last.
    activation: Activations,
    /// Absent in files of version 0.1.0, whose networks are all classifiers.
    #[serde(default, skip_serializing_if = "is_softmax")]
    loss: Loss,
    /// What inputs are multiplied by before they enter the network, after the preparation if there is one.
    input_scale: f64,
    /// Absent in files of version 0.1.0, whose models take images and number their classes.
    #[serde(default)]
    preparation: Option<Preparation>,
}

fn is_softmax(loss: &Loss) -> bool {
    *loss == Loss::SoftmaxCrossEntropy
}

impl ModelText {
    /// The network that is claimed.
    fn spec(&self) -> Result<MlpSpec, String> {
        let spec = MlpSpec::new(self.layers.clone());
        if !self.activation.fit(self.layers.len().saturating_sub(2)) {
            return Err("it does not have one activation for each hidden layer".into());
        }
        Ok(spec
            .map_err(|error| format!("its layers are no network: {error}"))?
            .with_activation(self.activation.clone())
            .with_loss(self.loss))
    }

    /// What is said of a network that there is. Not before: this makes something for each class, and how many there are
    /// is a claim until the tensors confirm it.
    fn about(self, spec: MlpSpec) -> Result<ModelInfo, String> {
        if self.input_scale != input_scale(self.preparation.as_ref()) {
            return Err(format!(
                "it wants inputs times {}, and this version knows 1/255 for bytes and 1 for tables",
                self.input_scale
            ));
        }
        let preparation = self.preparation.unwrap_or_else(|| Preparation::of_images(spec.classes()));
        preparation.check(spec.inputs(), spec.classes())?;
        let (task, loss) = (preparation.task(), spec.loss());
        if loss.task() != task {
            return Err(format!("it was trained by {loss}, and its outputs are those of {}", task.name()));
        }
        Ok(ModelInfo { spec, preparation })
    }
}

impl ModelInfo {
    /// That of somebody else's network for `task`: its usual loss, pixels 0..255 divided by 255 as inputs, outputs that are
    /// called by their numbers, and of a regression in the targets' own unit.
    pub fn foreign(spec: MlpSpec, task: Task) -> Self {
        let outputs = match task {
            Task::Classification => Outputs::Classes,
            Task::MultiLabel => Outputs::Labels,
            Task::Regression => {
                Outputs::Numbers { mean: vec![0.0; spec.classes()], deviation: vec![1.0; spec.classes()] }
            }
        };
        let preparation = Preparation { outputs, ..Preparation::of_images(spec.classes()) };
        Self { spec: spec.with_loss(task.loss()), preparation }
    }

    /// Understands what a file says of itself, if it is about the network of these parameters.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, parameters: &Parameters) -> Result<Self, String> {
        let text: ModelText =
            serde_json::from_str(text).map_err(|error| format!("it cannot be understood: {error}"))?;
        let (said, spec) = (text.spec()?, parameters.spec().map_err(|error| error.to_string())?);
        if said.sizes() != spec.sizes() {
            return Err(format!("it says sizes {:?}, and the tensors have {:?}", said.sizes(), spec.sizes()));
        }
        text.about(said)
    }
}

impl From<ModelInfo> for ModelText {
    fn from(info: ModelInfo) -> Self {
        Self {
            layers: info.spec.sizes().to_vec(),
            activation: info.spec.activation().clone(),
            loss: info.spec.loss(),
            input_scale: input_scale(Some(&info.preparation)),
            preparation: Some(info.preparation),
        }
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
    /// Times that the learning rate was halved because the run had diverged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lr_halvings: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A training state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// How far.
    pub progress: Progress,
    /// Weights and biases.
    pub parameters: Parameters,
    /// What the optimiser remembers.
    pub optimizer: OptimizerState,
    /// Weights and biases after the epoch with the lowest validation loss, if that may stop the run.
    pub best: Option<Parameters>,
}

impl State {
    /// What a model is made of: the best parameters where they are kept, else the newest.
    pub fn model(&self) -> &Parameters {
        self.best.as_ref().unwrap_or(&self.parameters)
    }
}

/// What the metadata of a state say.
#[derive(Serialize, Deserialize)]
struct StateInfo {
    #[serde(flatten)]
    progress: Progress,
    /// Steps taken: absent in states of version 0.1.0, whose optimiser did not depend on them.
    #[serde(default)]
    steps: u64,
}

/// Names of the optimiser's moments, in their order.
const MOMENTS: [&str; 2] = ["velocity.", "square."];

/// Name of the best parameters.
const BEST: &str = "best.";

/// The metadata as they stand in a file.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    /// See the module's words.
    #[serde(default)]
    sha256: Option<String>,
    #[serde(flatten)]
    info: T,
}

/// What stands for the checksum while the checksum is taken.
const NO_DIGITS: [u8; 64] = [b'0'; 64];

/// Writes a model; the file is whole or, after a crash, as it was before.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be written to.
pub fn save_model(path: &Path, parameters: &Parameters, info: &ModelInfo) -> Result<()> {
    write(path, &tensors(own_name(""), parameters), info)
}

/// Writes a model under the names that it has in a `torch.nn.Sequential` of linear layers with an activation after each
/// but the last: `0.weight`, `0.bias`, `2.weight`, …
///
/// # Errors
/// As [`save_model`].
pub fn save_sequential(path: &Path, parameters: &Parameters, info: &ModelInfo) -> Result<()> {
    write(path, &tensors(|layer| (2 * layer).to_string(), parameters), info)
}

/// Reads a model, and what it says of itself.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] if it is no model of ours, or a damaged one.
pub fn load_model(path: &Path) -> Result<(Parameters, ModelInfo)> {
    let bytes = regular_file::read(path)?;
    let (text, file) = parse::<ModelText>(path, &bytes)?;
    let spec = text.spec().map_err(|problem| damaged(path, problem))?;
    let parameters = read_parameters(path, &file, "", &spec)?;
    let info = text.about(spec).map_err(|problem| damaged(path, problem))?;
    Ok((parameters, info))
}

/// Writes a training state; the file is whole or, after a crash, as it was before.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be written to.
pub fn save_state(path: &Path, state: &State) -> Result<()> {
    let mut all = tensors(own_name(""), &state.parameters);
    for (prefix, moments) in MOMENTS.iter().zip(&state.optimizer.moments) {
        all.extend(tensors(own_name(prefix), moments));
    }
    all.extend(state.best.iter().flat_map(|best| tensors(own_name(BEST), best)));
    write(path, &all, &StateInfo { progress: state.progress.clone(), steps: state.optimizer.steps })
}

/// Reads the training state of a network of these sizes.
///
/// # Errors
/// As [`load_model`].
pub fn load_state(path: &Path, spec: &MlpSpec) -> Result<State> {
    let bytes = regular_file::read(path)?;
    let (StateInfo { progress, steps }, file) = parse(path, &bytes)?;
    let parameters = read_parameters(path, &file, "", spec)?;
    let has = |prefix: &&str| file.names().iter().any(|name| name.starts_with(prefix));
    let read = |prefix: &str| read_parameters(path, &file, prefix, spec);
    if has(&MOMENTS[1]) && !has(&MOMENTS[0]) {
        return Err(damaged(path, "it has the optimiser's squares, and not its velocities"));
    }
    let moments = MOMENTS.into_iter().filter(has).map(read).collect::<Result<_>>()?;
    let best = Some(BEST).filter(has).map(read).transpose()?;
    Ok(State { progress, parameters, optimizer: OptimizerState { steps, moments }, best })
}

/// A tensor as the file has it.
struct Named {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// What a layer is called in files of our own.
fn own_name(prefix: &str) -> impl Fn(usize) -> String {
    move |layer| format!("{prefix}layers.{layer}")
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
    let sealed = Sealed { sha256: Some(String::from_utf8_lossy(&NO_DIGITS).into_owned()), info };
    let info = serde_json::to_string(&sealed).map_err(|error| internal(&error))?;
    let views = tensors
        .iter()
        .map(|t| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), &t.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| internal(&error))?;
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), info)]);
    let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| internal(&error))?;
    let digits = sha256(&[&bytes]);
    let at = find(&bytes, &NO_DIGITS).ok_or_else(|| internal(&"no place for its checksum"))?;
    bytes[at..at + digits.len()].copy_from_slice(digits.as_bytes());
    let mut file = AtomicFile::create(path)?;
    file.write_all(&bytes).map_err(Error::io("write", path))?;
    file.finish()
}

/// In hexadecimal, of the parts one after the other.
fn sha256(parts: &[&[u8]]) -> String {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a text begins in a file's header, which is small.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

/// Whether the bytes are those that were written.
fn is_sound(bytes: &[u8], digits: &str) -> bool {
    let Some(at) = find(bytes, digits.as_bytes()).filter(|_| digits.len() == NO_DIGITS.len()) else {
        return false;
    };
    sha256(&[&bytes[..at], &NO_DIGITS, &bytes[at + digits.len()..]]) == digits
}

fn damaged(path: &Path, problem: impl Into<Message>) -> Error {
    Error::file(
        path,
        problem,
        "it is no model of gpu-mlp's own, or damaged: use another copy, or take it over with `gpu-mlp import`",
    )
}

fn parse<'a, T: DeserializeOwned>(path: &Path, bytes: &'a [u8]) -> Result<(T, SafeTensors<'a>)> {
    let not = |error| damaged(path, format!("not a safetensors file: {error}"));
    let file = SafeTensors::deserialize(bytes).map_err(not)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
    let text = text.ok_or_else(|| damaged(path, format!("its metadata has no \"{METADATA_KEY}\"")))?;
    let Sealed { sha256, info } = serde_json::from_str(text)
        .map_err(|error| damaged(path, format!("its metadata cannot be understood: {error}")))?;
    if sha256.is_some_and(|digits| !is_sound(bytes, &digits)) {
        return Err(damaged(path, "its bytes are not those that were written: the checksum does not match"));
    }
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
