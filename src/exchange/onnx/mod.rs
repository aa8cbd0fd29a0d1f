//! A trained network as an ONNX graph, for any runtime that reads the format.
//!
//! ```text
//! input [batch, features] ── Sub, Mul: the scaling ── Gemm ── Relu ── Gemm ── … ── Gemm ── logits [batch, classes]
//!                                                                                    └── Softmax ── probabilities
//! ```
//!
//! `input` takes f32 values as they are in the data: pixels 0..255, or a table's columns. The scaling is in the graph, so
//! that nobody who runs it can forget it. For labels `probabilities` are the sigmoid's and always there; of a regression the
//! only output is `predictions`, numbers in the targets' own unit. An ensemble has its members side by side, and their `Mean` as its only
//! output: `probabilities` or `predictions`. The batch is free. `metadata_props` has `class_names`, a JSON array in the order
//! of the logits, and what our own models say of themselves.
//!
//! Source: the ONNX specification, operator set 17.

mod chain;
mod constants;
mod graph;
mod own;
pub mod proto;
mod reading;

pub use reading::read;

use prost::Message;

use crate::data::Preparation;
use crate::error::{Error, Result, Setting};
use crate::network::Parameters;
use crate::training::checkpoint::{METADATA_KEY, ModelInfo};
use crate::words::numerals::thousands;
use proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};

/// The operators' version: one that every runtime of the last years knows.
const OPSET: i64 = 17;
/// The format's version that came with it.
const IR_VERSION: i64 = 8;
/// A protocol buffer cannot be larger.
const MAX_BYTES: usize = i32::MAX as usize;

/// The file of a network; with a second output, the classes' probabilities, if `softmax` is set. Labels always have theirs.
///
/// # Errors
/// [`Error::Usage`] if the network is too large for the format; [`Error::Shape`] if these are not its parameters.
pub fn encode(parameters: &Parameters, info: &ModelInfo, softmax: bool) -> Result<Vec<u8>> {
    parameters.check(&info.spec)?;
    written(graph::graph(parameters, info, softmax), 1, info)
}

/// The file of an ensemble: `probabilities`, the mean of the members' own, or of a regression `predictions`, the mean of theirs.
///
/// # Errors
/// As [`encode`].
pub fn encode_ensemble(members: &[Parameters], info: &ModelInfo) -> Result<Vec<u8>> {
    members.iter().try_for_each(|parameters| parameters.check(&info.spec))?;
    written(graph::of_ensemble(members, info), members.len(), info)
}

/// A graph of so many networks as a file.
fn written(graph: GraphProto, members: usize, info: &ModelInfo) -> Result<Vec<u8>> {
    let Preparation { class_names, schema, .. } = &info.preparation;
    fn entry(key: &str, value: &impl serde::Serialize) -> Result<StringStringEntryProto> {
        let value = serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(StringStringEntryProto { key: Some(key.into()), value: Some(value) })
    }
    let mut metadata_props = vec![entry("class_names", class_names)?];
    if let Some(schema) = schema {
        metadata_props.push(entry("input_names", &schema.features())?);
        metadata_props.push(entry("columns", &schema.inputs)?);
    }
    metadata_props.push(entry(METADATA_KEY, info)?);
    if members > 1 {
        metadata_props.push(entry(own::MEMBERS_KEY, &members)?);
    }
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        producer_name: Some("gpu-mlp".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph),
        metadata_props,
    };
    if model.encoded_len() > MAX_BYTES {
        return Err(Error::usage(format!(
            "{} parameters are too many for one ONNX file, which ends at 2 GiB",
            thousands(info.spec.parameter_count().saturating_mul(members))
        ))
        .hint(Setting::To.set("safetensors")));
    }
    Ok(model.encode_to_vec())
}
