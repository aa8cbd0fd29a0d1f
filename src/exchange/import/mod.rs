//! Imports a model from another program's file: weights and biases of fully connected layers, by name, in either layout.

mod folding;
mod layer;
mod names;
mod order;
mod place;
mod refused;

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use self::folding::{Named, folded};
use self::layer::{EXPECTED, Layers, listed, stem};
use self::names::Kind;
pub use self::names::NameMap;
use self::order::ordered;
use self::place::Place;
use super::imported::{Imported, Said};
use super::normalisation::Normalisation;
use super::onnx;
use crate::error::{Error, Result, Setting, message};
use crate::files::numpy::dtype::half;
use crate::files::numpy::npy::{Header, Refusal, row_major};
use crate::files::numpy::npz::Archive;
use crate::files::regular_file;
use crate::tensor::Tensor;
use crate::training::checkpoint::{METADATA_KEY, ModelInfo};

/// What a file has: layers by their places, and normalisations.
#[derive(Default)]
struct Tensors {
    layers: Layers,
    normalisations: BTreeMap<Place, (String, Normalisation)>,
    /// What the file says of itself, if it was exported by this program.
    text: Option<String>,
}

/// As much of a file as is looked at to tell what it is, and how ONNX begins: with the version of its representation.
const START: u64 = 16;
const ONNX_START: u8 = 0x08;

/// Reads the model in the file at `path`: safetensors, `.npz` or ONNX; its content tells. `map` says what tensors are called, and
/// `epsilon` what batch normalisations add to the variance; ONNX says so itself.
///
/// Weights are `[out, in]` under PyTorch's names and `[in, out]` as `W1`, `W2`, …, unless only the other way round do the
/// layers fit to each other and to their biases. A layer without a bias gets zeros.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] if it has no such layers, or others too; [`Error::Usage`] for an
/// `epsilon` that nothing takes.
pub fn read(path: &Path, map: &NameMap, epsilon: Option<f64>) -> Result<Imported> {
    let mut start = Vec::new();
    let file = regular_file::open(path)?;
    file.take(START).read_to_end(&mut start).map_err(Error::io("read", path))?;
    if let Some(refused) = refused::by_start(&start, path) {
        return Err(refused);
    }
    let is_onnx = start.first() == Some(&ONNX_START) && start.get(8) != Some(&b'{');
    if is_onnx {
        return match epsilon {
            None => onnx::read(path),
            Some(epsilon) => {
                let problem = ": an ONNX file says itself what its normalisations add to the variance";
                Err(Error::usage(message![Setting::Eps.set(epsilon), problem]).hint(Setting::Eps.without()))
            }
        };
    }
    let tensors = if start.starts_with(b"PK") { from_npz(path, map) } else { from_safetensors(path, map) }?;
    if tensors.layers.is_empty() {
        return Err(Error::file(path, "it has no weights", EXPECTED));
    }
    let Tensors { layers, normalisations, text } = tensors;
    let normalisations: Vec<Named> =
        normalisations.into_iter().map(|(place, (name, own))| (place, name, own)).collect();
    let (parameters, notes) = folded(ordered(layers, path)?, &normalisations, epsilon, path)?;
    let refused =
        |problem| Error::file(path, format!("its `{METADATA_KEY}`: {problem}"), "export the model again");
    let info = text.map(|text| ModelInfo::parse(&text, &parameters)).transpose().map_err(refused)?;
    Ok(Imported { parameters, info, said: Said::default(), notes })
}

fn from_safetensors(path: &Path, map: &NameMap) -> Result<Tensors> {
    let bytes = regular_file::read(path)?;
    let not = |error| {
        let problem = format!("not a safetensors file, not an .npz and not ONNX: {error}");
        Error::file(path, problem, "save with safetensors.torch.save_file(model.state_dict(), FILE)")
    };
    let file = SafeTensors::deserialize(&bytes).map_err(not)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(not)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY)).cloned();
    let mut tensors = Tensors { text, ..Tensors::default() };
    let names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    check_used(map, &names, path)?;
    let normalised: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".running_mean")).collect();
    for (name, view) in file.tensors() {
        let Some((place, is_torch, kind)) = map.parse(&name) else {
            let problem = format!("its tensor `{name}` is not a weight or bias of a layer");
            return Err(Error::file(path, problem, EXPECTED));
        };
        if kind == Kind::Counter {
            continue;
        }
        let values = values(&view).ok_or_else(|| {
            let problem = format!("{name}: expected F32, F64, F16 or BF16, got {:?}", view.dtype());
            Error::file(path, problem, "save the model in one of them: model.float()")
        })?;
        let tensor = Tensor::new(view.shape(), values)?;
        let refused = |problem| Error::file(path, problem, EXPECTED);
        if normalised.contains(&stem(&name)) {
            let (_, own) = tensors
                .normalisations
                .entry(place)
                .or_insert_with(|| (stem(&name).to_owned(), Normalisation::default()));
            let slot = match kind {
                Kind::Weight => &mut own.gamma,
                Kind::Bias => &mut own.beta,
                Kind::Mean => &mut own.mean,
                Kind::Variance | Kind::Counter => &mut own.variance,
            };
            *slot = Some(tensor);
        } else {
            put(&mut tensors.layers, (place, is_torch, kind), &name, tensor).map_err(refused)?;
        }
    }
    Ok(tensors)
}

/// Whether all names that the user speaks of are in the file.
fn check_used(map: &NameMap, names: &[String], path: &Path) -> Result<()> {
    match map.unused(names).first() {
        None => Ok(()),
        Some(theirs) => {
            let problem = format!("it has no tensor or layer `{theirs}`; it has {}", listed(names));
            Err(Error::file(path, problem, message!["correct ", Setting::Map]))
        }
    }
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

fn from_npz(path: &Path, map: &NameMap) -> Result<Tensors> {
    let file = regular_file::open(path)?;
    let mut left =
        file.metadata().map_err(Error::io("read", path))?.len().saturating_mul(RATIO).max(UNPACKED);
    let refused = |refusal: Refusal| refusal.of("it").at(path);
    let mut archive = Archive::open(BufReader::new(file)).map_err(refused)?;
    if let Some(refused) = refused::by_entries(&archive, path) {
        return Err(refused);
    }
    check_used(map, archive.names(), path)?;
    let mut tensors = Tensors::default();
    for index in 0..archive.names().len() {
        let name = archive.names()[index].clone();
        let at = |refusal: Refusal| refusal.of(format!("`{name}`")).at(path);
        let param = map.parse(&name).filter(|(.., kind)| matches!(kind, Kind::Weight | Kind::Bias));
        // A dump for the doctor has much more, and nothing of it is in the way.
        if param.is_none() && name != METADATA_KEY {
            continue;
        }
        let mut entry = archive.entry(index).map_err(refused)?;
        let (header, values) = array(&mut entry, &mut left).map_err(at)?;
        let Some(param) = param else {
            let bytes = values.iter().map(|&byte| byte as u8).collect();
            tensors.text = Some(String::from_utf8(bytes).map_err(|_| at(not_text()))?);
            continue;
        };
        put(&mut tensors.layers, param, &name, Tensor::new(header.shape, values)?)
            .map_err(|problem| Error::file(path, problem, EXPECTED))?;
    }
    Ok(tensors)
}

fn not_text() -> Refusal {
    Refusal::new("is not UTF-8 text", "export the model again")
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
fn put(
    layers: &mut Layers,
    (place, is_torch, kind): (Place, bool, Kind),
    name: &str,
    tensor: Tensor,
) -> Result<(), String> {
    let (layer, weight) = (layers.entry(place).or_default(), kind == Kind::Weight);
    layer.is_torch |= is_torch;
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
    if weight || layer.name.is_empty() {
        layer.name = name.to_owned();
    }
    let slot = if weight { &mut layer.w } else { &mut layer.b };
    match slot.replace(tensor) {
        None => Ok(()),
        Some(_) => Err(format!("its tensor `{name}` and another one have the same place among the layers")),
    }
}
