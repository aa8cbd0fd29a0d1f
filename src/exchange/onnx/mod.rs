//! A trained network as an ONNX graph, for any runtime that reads the format.
//!
//! ```text
//! input [batch, features] ── Sub, Mul: the scaling ── Gemm ── Relu ── Gemm ── … ── Gemm ── logits [batch, classes]
//!                                                                                    └── Softmax ── probabilities
//! ```
//!
//! `input` takes f32 values as they are in the data: pixels 0..255, or a table's columns. The scaling is in the graph, so
//! that nobody who runs it can forget it. For labels `probabilities` are the sigmoid's and always there; of a regression the
//! only output is `predictions`, numbers in the targets' own unit. The batch is free. `metadata_props` has `class_names`, a JSON array in the order
//! of the logits, and what our own models say of themselves.
//!
//! Source: the ONNX specification, operator set 17.

mod chain;
mod constants;
mod own;
pub mod proto;
mod reading;

pub use reading::read;

use prost::Message;

use crate::data::{Outputs, Preparation, Scaling};
use crate::error::{Error, Result, Setting};
use crate::network::{Activation, Dense, Parameters};
use crate::training::checkpoint::{METADATA_KEY, ModelInfo};
use proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};

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
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        producer_name: Some("gpu-mlp".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph(parameters, info, softmax)),
        metadata_props,
    };
    if model.encoded_len() > MAX_BYTES {
        return Err(Error::usage(format!(
            "a network of {} parameters is too large for one ONNX file, which ends at 2 GiB",
            info.spec.parameter_count()
        ))
        .hint(Setting::To.set("safetensors")));
    }
    Ok(model.encode_to_vec())
}

/// The graph of a network.
fn graph(parameters: &Parameters, info: &ModelInfo, softmax: bool) -> GraphProto {
    let ModelInfo { spec, preparation: Preparation { scaling, outputs: kind, .. } } = info;
    let mut graph = Graph::default();
    let mut x = graph.scaled("input", scaling);
    let last = spec.layers().len() - 1;
    for (l, Dense { w, b }) in parameters.layers.iter().enumerate() {
        let w = graph.constant(&format!("layers.{l}.weight"), w.shape(), w.data());
        let b = graph.constant(&format!("layers.{l}.bias"), b.shape(), b.data());
        let z = match (l == last, kind) {
            (false, _) => format!("z{l}"),
            (true, Outputs::Numbers { .. }) => "standardised".to_owned(),
            (true, Outputs::Classes | Outputs::Labels) => "logits".to_owned(),
        };
        x = graph.node("Gemm", &[&x, &w, &b], z);
        if l < last {
            x = graph.activation(spec.activation().of(l), x, l);
        }
    }
    let mut outputs = vec![value("logits", spec.classes())];
    match kind {
        Outputs::Classes if softmax => {
            graph.node("Softmax", &["logits"], "probabilities".into());
            graph.attribute("axis", 1);
            outputs.push(value("probabilities", spec.classes()));
        }
        Outputs::Classes => {}
        Outputs::Labels => {
            graph.node("Sigmoid", &["logits"], "probabilities".into());
            outputs.push(value("probabilities", spec.classes()));
        }
        Outputs::Numbers { mean, deviation } => {
            let deviation = graph.constant("deviation", &[deviation.len()], deviation);
            let mean = graph.constant("mean", &[mean.len()], mean);
            let wide = graph.node("Mul", &["standardised", &deviation], "wide".into());
            graph.node("Add", &[&wide, &mean], "predictions".into());
            outputs = vec![value("predictions", spec.classes())];
        }
    }
    GraphProto {
        node: graph.nodes,
        name: Some("mlp".into()),
        initializer: graph.constants,
        input: vec![value("input", spec.inputs())],
        output: outputs,
    }
}

/// A graph that grows.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    /// Adds an operation, and returns the name of its output.
    fn node(&mut self, operator: &str, inputs: &[&str], output: String) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.clone()],
            name: Some(format!("{operator}_{}", self.nodes.len())),
            op_type: Some(operator.to_owned()),
            attribute: Vec::new(),
        });
        output
    }

    /// Sets an attribute of the operation added last.
    fn attribute(&mut self, name: &str, value: i64) {
        let (name, i) = (Some(name.to_owned()), Some(value));
        let kind = Some(AttributeType::Int.into());
        let attribute = AttributeProto { name, i, r#type: kind, ..AttributeProto::default() };
        self.nodes.last_mut().into_iter().for_each(|node| node.attribute.push(attribute.clone()));
    }

    /// Adds a constant, and returns its name.
    fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(DataType::Float.into()),
            name: Some(name.to_owned()),
            raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            ..TensorProto::default()
        });
        name.to_owned()
    }

    /// (x - shift) · factor, as far as either does anything.
    fn scaled(&mut self, x: &str, scaling: &Scaling) -> String {
        match scaling {
            Scaling::None => x.to_owned(),
            Scaling::Bytes => {
                let factor = self.constant("factor", &[], &[1.0 / 255.0]);
                self.node("Mul", &[x, &factor], "scaled".into())
            }
            Scaling::Columns { shift, factor } => {
                let narrow =
                    |numbers: &[f64]| numbers.iter().map(|&number| number as f32).collect::<Vec<_>>();
                let shift = self.constant("shift", &[shift.len()], &narrow(shift));
                let factor = self.constant("factor", &[factor.len()], &narrow(factor));
                let shifted = self.node("Sub", &[x, &shift], "shifted".into());
                self.node("Mul", &[&shifted, &factor], "scaled".into())
            }
        }
    }

    /// What follows hidden layer `l`.
    fn activation(&mut self, activation: Activation, z: String, l: usize) -> String {
        let a = format!("a{l}");
        match activation {
            Activation::Relu => self.node("Relu", &[&z], a),
            Activation::Sigmoid => self.node("Sigmoid", &[&z], a),
            Activation::Tanh => self.node("Tanh", &[&z], a),
            Activation::Gelu => self.gelu(&z, l, a),
            // The format's own defaults: 0.01 and 1.
            Activation::LeakyRelu => self.node("LeakyRelu", &[&z], a),
            Activation::Elu => self.node("Elu", &[&z], a),
            Activation::Softplus => self.node("Softplus", &[&z], a),
            Activation::Identity => self.node("Identity", &[&z], a),
            Activation::Silu => {
                let gate = self.node("Sigmoid", &[&z], format!("silu{l}.gate"));
                self.node("Mul", &[&z, &gate], a)
            }
        }
    }

    /// z · (1 + erf(z / √2)) / 2: operators of their own for it came only with version 20.
    fn gelu(&mut self, z: &str, l: usize, a: String) -> String {
        let mut constant = |name: &str, value| match self.constants.iter().any(|c| c.name() == name) {
            true => name.to_owned(),
            false => self.constant(name, &[], &[value]),
        };
        let (half, one) = (constant("half", 0.5), constant("one", 1.0));
        let root = constant("sqrt_half", std::f32::consts::FRAC_1_SQRT_2);
        let steps = |step: &str| format!("gelu{l}.{step}");
        let x = self.node("Mul", &[z, &root], steps("x"));
        let erf = self.node("Erf", &[&x], steps("erf"));
        let sum = self.node("Add", &[&erf, &one], steps("sum"));
        let phi = self.node("Mul", &[&sum, &half], steps("phi"));
        self.node("Mul", &[z, &phi], a)
    }
}

/// `[batch, width]` of f32 under a name.
fn value(name: &str, width: usize) -> ValueInfoProto {
    let dim = [DimensionValue::Name("batch".into()), DimensionValue::Size(width as i64)]
        .map(|value| Dimension { value: Some(value) });
    let tensor = TensorTypeProto {
        elem_type: Some(DataType::Float.into()),
        shape: Some(TensorShapeProto { dim: dim.into() }),
    };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}
