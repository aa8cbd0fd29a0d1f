//! Imports a model from another program's file: weights and biases of fully connected layers, by name, in either layout.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::doctor::file::keys::{self, Key};
use crate::doctor::file::slot::{Param, Slot};
use crate::error::{Error, Result};
use crate::files::numpy::dtype::half;
use crate::files::numpy::npy::{Header, Refusal, row_major};
use crate::files::numpy::npz::Archive;
use crate::files::regular_file;
use crate::network::{Dense, Parameters};
use crate::tensor::Tensor;
use crate::training::checkpoint::{METADATA_KEY, ModelInfo};

/// What a file has of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Weights and biases.
    pub parameters: Parameters,
    /// Activation, scaling and class names, if the file was exported by this program.
    pub info: Option<ModelInfo>,
}

/// What a layer is called in a file, for errors, and its tensors as the file has them.
#[derive(Default)]
struct Layer {
    name: String,
    w: Option<Tensor>,
    b: Option<Tensor>,
}

/// How a file's weights lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Orientation {
    /// `[out, in]`, as PyTorch keeps them.
    OutIn,
    /// `[in, out]`, as in `x @ W`.
    InOut,
}

const EXPECTED: &str = "expected weights and biases of fully connected layers: `0.weight`, `0.bias`, `2.weight`, … of a \
                        torch.nn.Sequential in safetensors, or `W1`, `b1`, … in .npz";

/// Reads the model in the file at `path`: safetensors, or `.npz`; its content tells.
///
/// Weights are `[out, in]` under PyTorch's names and `[in, out]` as `W1`, `W2`, …, unless only the other way round do the
/// layers fit to each other and to their biases. A layer without a bias gets zeros.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] if it has no such layers, or others too.
pub fn read(path: &Path) -> Result<Imported> {
    let mut start = Vec::new();
    let file = regular_file::open(path)?;
    file.take(4).read_to_end(&mut start).map_err(Error::io("read", path))?;
    let (layers, text) = if start.starts_with(b"PK") { from_npz(path) } else { from_safetensors(path) }?;
    if layers.is_empty() {
        return Err(Error::file(path, "it has no weights", EXPECTED));
    }
    let parameters = chain(layers).map_err(|problem| Error::file(path, problem, EXPECTED))?;
    let refused =
        |problem| Error::file(path, format!("its `{METADATA_KEY}`: {problem}"), "export the model again");
    let info = text.map(|text| ModelInfo::parse(&text, &parameters)).transpose().map_err(refused)?;
    Ok(Imported { parameters, info })
}

/// Layers by their places.
type Layers = BTreeMap<usize, Layer>;

fn from_safetensors(path: &Path) -> Result<(Layers, Option<String>)> {
    let bytes = regular_file::read(path)?;
    let not = |error| {
        let problem = format!("not a safetensors file and not an .npz: {error}");
        Error::file(path, problem, "save with safetensors.torch.save_file(model.state_dict(), FILE)")
    };
    let file = SafeTensors::deserialize(&bytes).map_err(not)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(not)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY)).cloned();
    let mut layers = Layers::new();
    for (name, view) in file.tensors() {
        let Some((place, weight, "")) = keys::torch(&name) else {
            let problem = format!("its tensor `{name}` is not a weight or bias of a numbered layer");
            return Err(Error::file(path, problem, EXPECTED));
        };
        let values = values(&view).ok_or_else(|| {
            let problem = format!("{name}: expected F32, F64, F16 or BF16, got {:?}", view.dtype());
            Error::file(path, problem, "save the model in one of them: model.float()")
        })?;
        put(&mut layers, place, weight, &name, Tensor::new(view.shape(), values)?)
            .map_err(|problem| Error::file(path, problem, EXPECTED))?;
    }
    Ok((layers, text))
}

/// A tensor's values as f32, if they are floats.
fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::BF16 => {
            let widened = |&[low, high]: &[u8; 2]| f32::from_le_bytes([0, 0, low, high]);
            data.as_chunks().0.iter().map(widened).collect()
        }
        Dtype::F16 => {
            let widened = |&bytes: &[u8; 2]| half(u16::from_le_bytes(bytes)) as f32;
            data.as_chunks().0.iter().map(widened).collect()
        }
        _ => return None,
    })
}

/// The most bytes that the arrays of a small `.npz` may unpack to; of a larger one, so many times its size. Weights
/// hardly compress, so what unpacks to more is no network.
const UNPACKED: u64 = 64 << 20;
const RATIO: u64 = 32;

fn from_npz(path: &Path) -> Result<(Layers, Option<String>)> {
    let file = regular_file::open(path)?;
    let mut left =
        file.metadata().map_err(Error::io("read", path))?.len().saturating_mul(RATIO).max(UNPACKED);
    let refused = |refusal: Refusal| refusal.of("it").at(path);
    let mut archive = Archive::open(BufReader::new(file)).map_err(refused)?;
    let (mut layers, mut text) = (Layers::new(), None);
    for index in 0..archive.names().len() {
        let name = archive.names()[index].clone();
        let at = |refusal: Refusal| refusal.of(format!("`{name}`")).at(path);
        let param = param(&name);
        // A dump for the doctor has much more, and nothing of it is in the way.
        if param.is_none() && name != METADATA_KEY {
            continue;
        }
        let mut entry = archive.entry(index).map_err(refused)?;
        let (header, values) = array(&mut entry, &mut left).map_err(at)?;
        let Some((place, weight)) = param else {
            let bytes = values.iter().map(|&byte| byte as u8).collect();
            text = Some(String::from_utf8(bytes).map_err(|_| at(not_text()))?);
            continue;
        };
        put(&mut layers, place, weight, &name, Tensor::new(header.shape, values)?)
            .map_err(|problem| Error::file(path, problem, EXPECTED))?;
    }
    Ok((layers, text))
}

fn not_text() -> Refusal {
    Refusal::new("is not UTF-8 text", "export the model again")
}

/// The layer's number that a name has, and whether it is the weight's.
fn param(name: &str) -> Option<(usize, bool)> {
    match (keys::parse(name), keys::torch(name)) {
        (Some(Key::Slot(Slot::Param(Param::W(place)))), _) => Some((place, true)),
        (Some(Key::Slot(Slot::Param(Param::B(place)))), _) => Some((place, false)),
        (None, Some((place, weight, ""))) => Some((place, weight)),
        _ => None,
    }
}

/// An array's numbers, row-major, as f32; they are taken off the bytes that are `left`.
fn array(source: &mut impl Read, left: &mut u64) -> Result<(Header, Vec<f32>), Refusal> {
    let header = Header::read(source)?;
    if header.dtype.is_text() {
        return Err(Refusal::new("holds texts, not numbers", "save arrays of numbers"));
    }
    let bytes = header.bytes().map(|bytes| bytes as u64).filter(|bytes| bytes <= left);
    let Some(bytes) = bytes else {
        let problem = format!("has shape {:?}: more than a file of this size can hold", header.shape);
        return Err(Refusal::new(
            problem,
            "save weights and biases alone: numpy.savez(FILE, W1=W1, b1=b1, ...)",
        ));
    };
    *left -= bytes;
    let mut values = Vec::new();
    header.each(source, |value| {
        header.dtype.append(value, &mut values, |number| number as f32);
        Ok(())
    })?;
    let values = if header.fortran { row_major(&header.shape, &values) } else { values };
    Ok((header, values))
}

/// Adds a tensor to its layer. A bias may be `[1, out]` or `[out, 1]` too.
fn put(layers: &mut Layers, place: usize, weight: bool, name: &str, tensor: Tensor) -> Result<(), String> {
    let layer = layers.entry(place).or_default();
    if tensor.data().iter().any(|value| !value.is_finite()) {
        return Err(format!("its tensor `{name}` holds a value that is not a finite f32"));
    }
    let fits = if weight {
        tensor.shape().len() == 2
    } else {
        tensor.shape().iter().filter(|&&n| n != 1).count() <= 1
    };
    if !fits {
        let what = if weight { "a weight is a matrix" } else { "a bias is a vector" };
        return Err(format!("its tensor `{name}` has shape {:?}: {what}", tensor.shape()));
    }
    if weight {
        layer.name = name.to_owned();
    }
    let slot = if weight { &mut layer.w } else { &mut layer.b };
    match slot.replace(tensor) {
        None => Ok(()),
        Some(_) => Err(format!("its tensor `{name}` and another one both belong to layer {place}")),
    }
}

/// The layers in order, in the usual orientation if that fits.
fn chain(layers: Layers) -> Result<Parameters, String> {
    if let Some((place, _)) = layers.iter().find(|(_, layer)| layer.w.is_none()) {
        return Err(format!("its layer {place} has a bias but no weight"));
    }
    let pytorch = layers.values().any(|layer| keys::torch(&layer.name).is_some());
    let ways = match pytorch {
        true => [Orientation::OutIn, Orientation::InOut],
        false => [Orientation::InOut, Orientation::OutIn],
    };
    if let Some(parameters) = ways.into_iter().find_map(|way| oriented(&layers, way)) {
        return Ok(parameters);
    }
    let shapes = layers.into_values().map(|Layer { name, w, b }| {
        let shape = |tensor: Option<Tensor>| tensor.map_or("none".into(), |t| format!("{:?}", t.shape()));
        format!("\n  {name} {}, its bias {}", shape(w), shape(b))
    });
    Err(format!("its layers do not fit each other or their biases:{}", shapes.collect::<String>()))
}

/// The network if its weights lie this way, and if they can.
fn oriented(layers: &Layers, orientation: Orientation) -> Option<Parameters> {
    let dense = |Layer { w, b, .. }: &Layer| {
        let w = match orientation {
            Orientation::OutIn => w.as_ref()?.transposed(),
            Orientation::InOut => w.clone()?,
        };
        let b = match b {
            Some(b) => Tensor::new([b.data().len()], b.data().to_vec()).ok()?,
            None => Tensor::zeros([w.cols()]),
        };
        Some(Dense { w, b })
    };
    let parameters = Parameters { layers: layers.values().map(dense).collect::<Option<_>>()? };
    parameters.spec().ok().map(|_| parameters)
}
