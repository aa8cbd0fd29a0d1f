//! The ONNX graph of a network, operation by operation.

use super::proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::data::{Outputs, Preparation, Scaling};
use crate::network::{Activation, Dense, MlpSpec, Parameters};
use crate::training::checkpoint::ModelInfo;

/// The graph of a network.
pub fn graph(parameters: &Parameters, info: &ModelInfo, softmax: bool) -> GraphProto {
    let ModelInfo { spec, preparation: Preparation { scaling, outputs: kind, .. } } = info;
    let mut graph = Graph::default();
    let x = graph.scaled("input", scaling);
    let last = if matches!(kind, Outputs::Numbers { .. }) { "standardised" } else { "logits" };
    graph.network("", parameters, spec, x, last);
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
            graph.predictions(mean, deviation);
            outputs = vec![value("predictions", spec.classes())];
        }
    }
    graph.finish(spec.inputs(), outputs)
}

/// The graph of an ensemble: its members side by side, and the mean of what they say.
pub fn of_ensemble(members: &[Parameters], info: &ModelInfo) -> GraphProto {
    let ModelInfo { spec, preparation: Preparation { scaling, outputs: kind, .. } } = info;
    let mut graph = Graph::default();
    let x = graph.scaled("input", scaling);
    let mut said = Vec::new();
    for (parameters, number) in members.iter().zip(1..) {
        let prefix = format!("members.{number}.");
        let z = graph.network(&prefix, parameters, spec, x.clone(), "logits");
        let probabilities = format!("{prefix}probabilities");
        said.push(match kind {
            Outputs::Classes => {
                let probabilities = graph.node("Softmax", &[&z], probabilities);
                graph.attribute("axis", 1);
                probabilities
            }
            Outputs::Labels => graph.node("Sigmoid", &[&z], probabilities),
            Outputs::Numbers { .. } => z,
        });
    }
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    let output = match kind {
        Outputs::Classes | Outputs::Labels => graph.node("Mean", &said, "probabilities".into()),
        Outputs::Numbers { mean, deviation } => {
            graph.node("Mean", &said, "standardised".into());
            graph.predictions(mean, deviation)
        }
    };
    graph.finish(spec.inputs(), vec![value(&output, spec.classes())])
}

/// A graph that grows.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Graph {
    /// The layers of a network from its scaled inputs to the value `last`; what is its own has names that begin with `prefix`.
    fn network(
        &mut self,
        prefix: &str,
        parameters: &Parameters,
        spec: &MlpSpec,
        mut x: String,
        last: &str,
    ) -> String {
        let layers = parameters.layers.len();
        for (l, Dense { w, b }) in parameters.layers.iter().enumerate() {
            let w = self.constant(&format!("{prefix}layers.{l}.weight"), w.shape(), w.data());
            let b = self.constant(&format!("{prefix}layers.{l}.bias"), b.shape(), b.data());
            let z = if l + 1 == layers { format!("{prefix}{last}") } else { format!("{prefix}z{l}") };
            x = self.node("Gemm", &[&x, &w, &b], z);
            if l + 1 < layers {
                x = self.activation(spec.activation().of(l), x, prefix, l);
            }
        }
        x
    }

    /// `standardised` in the targets' own unit.
    fn predictions(&mut self, mean: &[f32], deviation: &[f32]) -> String {
        let deviation = self.constant("deviation", &[deviation.len()], deviation);
        let mean = self.constant("mean", &[mean.len()], mean);
        let wide = self.node("Mul", &["standardised", &deviation], "wide".into());
        self.node("Add", &[&wide, &mean], "predictions".into())
    }

    /// The graph, with these outputs.
    fn finish(self, inputs: usize, output: Vec<ValueInfoProto>) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: Some("mlp".into()),
            initializer: self.constants,
            input: vec![value("input", inputs)],
            output,
        }
    }

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
    fn activation(&mut self, activation: Activation, z: String, prefix: &str, l: usize) -> String {
        let a = format!("{prefix}a{l}");
        match activation {
            Activation::Relu => self.node("Relu", &[&z], a),
            Activation::Sigmoid => self.node("Sigmoid", &[&z], a),
            Activation::Tanh => self.node("Tanh", &[&z], a),
            Activation::Gelu => self.gelu(&z, &format!("{prefix}gelu{l}"), a),
            // The format's own defaults: 0.01 and 1.
            Activation::LeakyRelu => self.node("LeakyRelu", &[&z], a),
            Activation::Elu => self.node("Elu", &[&z], a),
            Activation::Softplus => self.node("Softplus", &[&z], a),
            Activation::Identity => self.node("Identity", &[&z], a),
            Activation::Silu => {
                let gate = self.node("Sigmoid", &[&z], format!("{prefix}silu{l}.gate"));
                self.node("Mul", &[&z, &gate], a)
            }
        }
    }

    /// z · (1 + erf(z / √2)) / 2: operators of their own for it came only with version 20.
    fn gelu(&mut self, z: &str, name: &str, a: String) -> String {
        let mut constant = |name: &str, value| match self.constants.iter().any(|c| c.name() == name) {
            true => name.to_owned(),
            false => self.constant(name, &[], &[value]),
        };
        let (half, one) = (constant("half", 0.5), constant("one", 1.0));
        let root = constant("sqrt_half", std::f32::consts::FRAC_1_SQRT_2);
        let steps = |step: &str| format!("{name}.{step}");
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
