//! Reads a network from an ONNX graph that is a chain of fully connected layers and activations, as the exporters of PyTorch,
//! Keras and scikit-learn write it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::chain::{Chain, Line};
use super::constants::{Constant, Constants};
use super::own;
use super::proto::{GraphProto, ModelProto, NodeProto};
use crate::error::{Error, Result};
use crate::exchange::imported::{Imported, Said};
use crate::exchange::normalisation::{EPSILON, Normalisation};
use crate::files::regular_file;
use crate::network::{Activation, Task};
use crate::tensor::Tensor;
use crate::words::numerals::counted;

const EXPECTED: &str = "an ONNX file is read if it is a chain of Gemm, or MatMul and Add; BatchNormalization, Scaler, and Add, Sub, Mul or Div \
                        with a constant; Relu, Sigmoid, Tanh, LeakyRelu, Elu, Softplus, Gelu, SiLU; Flatten and Reshape; Softmax or \
                        Sigmoid at the end";

/// Operations that change no number of a row.
const NEUTRAL: [&str; 8] =
    ["Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Constant"];

/// Reads the model in an ONNX file.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::File`] if it is damaged, or no such chain.
pub fn read(path: &Path) -> Result<Imported> {
    let bytes = regular_file::read(path)?;
    let refused = |problem: String| Error::file(path, problem, EXPECTED);
    let model = ModelProto::decode(&*bytes).map_err(|error| refused(format!("not an ONNX file: {error}")))?;
    let graph = model.graph.as_ref().ok_or_else(|| refused("it has no graph".into()))?;
    if let Some(members) = own::members(&model) {
        let hint = "export one of its members: gpu-mlp export RUN/member-1 --to onnx";
        let problem = format!("an ensemble of {members} networks, and a model here is one network");
        return Err(Error::file(path, problem, hint));
    }
    let said = own::said(&model);
    if let Some(imported) = said.as_ref().and_then(|text| own::exported(graph, text)) {
        return Ok(imported);
    }
    let mut imported = Walk::new(graph).network().map_err(refused)?;
    let names = model.metadata_props.iter().find(|entry| entry.key() == "class_names");
    let names = names.and_then(|entry| serde_json::from_str::<Vec<String>>(entry.value()).ok());
    let outputs = imported.parameters.layers.last().map_or(0, |layer| layer.w.cols());
    let names = names.or(imported.said.class_names);
    imported.said.class_names = names.filter(|names| names.len() == outputs);
    Ok(match said {
        Some(text) => own::changed(imported, &text),
        None => imported,
    })
}

/// A graph that is gone through from its input.
struct Walk<'a> {
    graph: &'a GraphProto,
    constants: Constants<'a>,
    /// The nodes that take a value, by its name.
    users: HashMap<&'a str, Vec<&'a NodeProto>>,
}

/// Where the way goes on: at the value of this name, or nowhere.
enum Next {
    At(String),
    End(Option<Task>),
}

impl<'a> Walk<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let mut users: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
        // The shape of a value says nothing of its numbers.
        for node in graph.node.iter().filter(|node| node.op_type() != "Shape") {
            let names: HashSet<&str> = node.input.iter().map(String::as_str).collect();
            names.into_iter().for_each(|name| users.entry(name).or_default().push(node));
        }
        Self { graph, constants: Constants::of(graph), users }
    }

    fn network(&self) -> Result<Imported, String> {
        let inputs: Vec<&str> = self
            .graph
            .input
            .iter()
            .map(|input| input.name())
            .filter(|name| !self.constants.has(name))
            .collect();
        let [input] = inputs[..] else {
            return Err(format!("it has {}, and a network here has one", counted(inputs.len(), "input")));
        };
        self.check_weights()?;
        let (mut chain, mut at, mut said) = (Chain::default(), input.to_owned(), Said::default());
        let mut passed = HashSet::new();
        loop {
            if !passed.insert(at.clone()) {
                return Err(format!("it goes in a circle: `{at}` comes out of itself"));
            }
            match self.step(&at, &mut chain)? {
                Next::At(next) => at = next,
                Next::End(task) => {
                    said.task = task;
                    break;
                }
            }
        }
        if !chain.has_layers() {
            return Err("it has no fully connected layer".into());
        }
        if said.task == Some(Task::MultiLabel) && chain.width() == Some(1) && self.is_one_of_two(&at) {
            chain.split_output()?;
            said.task = Some(Task::Classification);
        }
        let (parameters, activations, scaling) = chain.finish()?;
        parameters.spec().map_err(|error| error.to_string())?;
        (said.activation, said.scaling) = (Some(activations), Some(scaling));
        said.class_names = self.constants.has("classes").then(|| self.constants.names("classes")).flatten();
        Ok(Imported { parameters, info: None, said, notes: Vec::new() })
    }

    /// A weight belongs to one layer. So a small file cannot become a large network.
    fn check_weights(&self) -> Result<(), String> {
        let layers = self.graph.node.iter().filter(|node| ["Gemm", "MatMul"].contains(&node.op_type()));
        let mut seen = HashSet::new();
        let twice = layers.filter_map(|node| node.input.get(1)).find(|name| !seen.insert(name.as_str()));
        twice.map_or(Ok(()), |name| Err(format!("two of its layers share the weight `{name}`")))
    }

    /// Whether the probability of this value is that of the second of two classes: the first one's is computed from it.
    fn is_one_of_two(&self, name: &str) -> bool {
        let sigmoid = self.users_of(name).iter().find(|node| node.op_type() == "Sigmoid");
        let users = sigmoid.and_then(|node| node.output.first()).map(|name| self.users_of(name));
        users.is_some_and(|users| users.iter().any(|node| ["Sub", "Concat"].contains(&node.op_type())))
    }

    fn users_of(&self, name: &str) -> &[&'a NodeProto] {
        self.users.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a fully connected layer follows.
    fn has_layer_behind(&self, name: &str) -> bool {
        let (mut seen, mut left) = (HashSet::new(), vec![name]);
        while let Some(name) = left.pop() {
            for node in self.users_of(name) {
                if ["Gemm", "MatMul"].contains(&node.op_type()) {
                    return true;
                }
                left.extend(node.output.iter().map(String::as_str).filter(|name| seen.insert(*name)));
            }
        }
        false
    }

    /// From a value to the next one.
    fn step(&self, at: &str, chain: &mut Chain) -> Result<Next, String> {
        let users = self.users_of(at);
        if let Some((activation, next)) = self.gated(at, users) {
            chain.activation(activation)?;
            return Ok(Next::At(next));
        }
        // What is made of the outputs, such as the most probable class.
        if chain.has_layers()
            && !self.has_layer_behind(at)
            && let Some(task) = users.iter().find_map(|node| task_of(node.op_type()))
        {
            return Ok(Next::End(Some(task)));
        }
        let node = match users {
            [] => return Ok(Next::End(None)),
            [node] => *node,
            users => {
                let kinds: Vec<&str> = users.iter().map(|node| node.op_type()).collect();
                return Err(format!("it branches: `{at}` goes into {}", kinds.join(", ")));
            }
        };
        let kind = node.op_type();
        self.apply(node, at, chain).map_err(|problem| match node.name() {
            "" => format!("{kind}: {problem}"),
            name => format!("{kind} `{name}`: {problem}"),
        })?;
        node.output.first().map(|next| Next::At(next.clone())).ok_or_else(|| format!("{kind} has no output"))
    }

    fn apply(&self, node: &NodeProto, at: &str, chain: &mut Chain) -> Result<(), String> {
        let number =
            |name: &str, default: f64| attribute(node, name).and_then(|own| own.f).map_or(default, f64::from);
        let whole = |name: &str| attribute(node, name).map_or(0, |own| own.i());
        let input = |place: usize| node.input.get(place).map(String::as_str).filter(|name| !name.is_empty());
        let constant = |place: usize| self.constants.get(input(place).unwrap_or_default());
        let usual = |name: &str, default: f64, activation| match number(name, default) {
            own if (own - f64::from(default as f32)).abs() < 1e-6 => Ok(activation),
            own => Err(format!("{name} is {own}, and {default} here")),
        };
        let activation = match node.op_type() {
            "Gemm" if input(0) == Some(at) && whole("transA") == 0 => {
                let (alpha, beta) = (number("alpha", 1.0), number("beta", 1.0));
                let w = matrix(&constant(1)?, whole("transB") != 0, alpha)?;
                let b = input(2).map(|_| constant(2)).transpose()?;
                let outs = w.cols();
                let b = b.map(|b| {
                    let values = b.values.iter().map(|value| (value * beta) as f32);
                    if b.values.len() == 1 {
                        vec![(b.values[0] * beta) as f32; outs]
                    } else {
                        values.collect()
                    }
                });
                return chain.layer(w, b);
            }
            "MatMul" if input(0) == Some(at) => return chain.layer(matrix(&constant(1)?, false, 1.0)?, None),
            "Add" | "Sub" | "Mul" | "Div" => return chain.line(&self.line(node, at)?),
            "BatchNormalization" => {
                let vector = |place| {
                    let values: Vec<f32> =
                        constant(place)?.values.iter().map(|&value| value as f32).collect();
                    Tensor::new([values.len()], values).map(Some).map_err(|error| error.to_string())
                };
                let (gamma, beta, mean, variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
                let width = mean.as_ref().map_or(0, |mean| mean.data().len());
                let epsilon = number("epsilon", EPSILON);
                let (factor, summand) = Normalisation { gamma, beta, mean, variance }.line(width, epsilon)?;
                return chain.line(&Line { factor, summand });
            }
            "Scaler" => {
                let of = |name: &str, default: f64| match attribute(node, name) {
                    Some(own) if !own.floats.is_empty() => {
                        own.floats.iter().map(|&value| f64::from(value)).collect()
                    }
                    _ => vec![default],
                };
                let (offset, factor) = (of("offset", 0.0), of("scale", 1.0));
                let pairs =
                    factor.iter().cycle().zip(offset.iter().cycle()).take(factor.len().max(offset.len()));
                let summand = pairs.map(|(factor, offset)| -factor * offset).collect();
                return chain.line(&Line { factor, summand });
            }
            kind if NEUTRAL.contains(&kind) => return Ok(()),
            "Relu" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "Tanh" => Activation::Tanh,
            "Softplus" => Activation::Softplus,
            "LeakyRelu" => usual("alpha", 0.01, Activation::LeakyRelu)?,
            "Elu" => usual("alpha", 1.0, Activation::Elu)?,
            "Gelu" => match attribute(node, "approximate").map(|own| own.s()) {
                None | Some(b"none") => Activation::Gelu,
                Some(_) => return Err("its approximation is not known here, only the exact form".into()),
            },
            _ => return Err("this operation is not known here".into()),
        };
        chain.activation(activation)
    }

    /// An operation with a constant as a line.
    fn line(&self, node: &NodeProto, at: &str) -> Result<Line, String> {
        let [a, b] = &node.input[..] else { return Err("it does not have two operands".into()) };
        let (other, is_first) = if a == at { (b, true) } else { (a, false) };
        let Constant { dims, values } = self.constants.get(other)?;
        if dims.iter().filter(|&&dim| dim != 1).count() > 1 {
            return Err(format!(
                "its constant has the dimensions {dims:?}: expected one number for each value"
            ));
        }
        let all = |value: f64| vec![value; values.len()];
        let (factor, summand) = match (node.op_type(), is_first) {
            ("Add", _) => (all(1.0), values.clone()),
            ("Sub", true) => (all(1.0), values.iter().map(|value| -value).collect()),
            ("Sub", false) => (all(-1.0), values.clone()),
            ("Mul", _) => (values.clone(), all(0.0)),
            ("Div", true) if values.iter().all(|&value| value != 0.0) => {
                (values.iter().map(|value| 1.0 / value).collect(), all(0.0))
            }
            _ => return Err("it divides by a value or by 0".into()),
        };
        Ok(Line { factor, summand })
    }

    /// An activation that is built of several operations: SiLU, z · σ(z), and GELU, z · (1 + erf(z / √2)) / 2; and where it ends.
    fn gated(&self, at: &str, users: &[&'a NodeProto]) -> Option<(Activation, String)> {
        let [a, b] = users else { return None };
        let (gate, product) = if a.op_type() == "Mul"
            && a.input.len() == 2
            && self.other(a, at).is_some_and(|name| !self.constants.has(name))
        {
            (b, a)
        } else {
            (a, b)
        };
        if product.op_type() != "Mul" {
            return None;
        }
        if gate.op_type() == "Sigmoid" && product.input.contains(gate.output.first()?) {
            return Some((Activation::Silu, product.output.first()?.clone()));
        }
        // z / √2, its error function, 1 more, and then times z and one half in any order.
        let root = self.line(gate, at).ok()?.factor;
        let is_root = root.iter().all(|factor| (factor - std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-6);
        let erf = self.only_user(gate, "Erf").filter(|_| is_root)?;
        let sum = self.only_user(erf, "Add")?;
        self.other(sum, erf.output.first()?).filter(|name| self.is_all(name, 1.0))?;
        let (mut value, mut half, mut times) = (sum.output.first()?.clone(), false, false);
        while !(half && times) {
            let [next] = self.users_of(&value) else { return None };
            let other = self.other(next, &value).filter(|_| next.op_type() == "Mul")?;
            match other == at {
                true if !times => times = true,
                false if !half && self.is_all(other, 0.5) => half = true,
                _ => return None,
            }
            value.clone_from(next.output.first()?);
        }
        Some((Activation::Gelu, value))
    }

    /// Whether a value is a constant of this number alone.
    fn is_all(&self, name: &str, wanted: f64) -> bool {
        self.constants.get(name).is_ok_and(|own| own.values.iter().all(|&value| value == wanted))
    }

    /// The other one of two operands.
    fn other<'n>(&self, node: &'n NodeProto, at: &str) -> Option<&'n str> {
        match &node.input[..] {
            [a, b] => Some(if a == at { b } else { a }),
            _ => None,
        }
    }

    fn only_user(&self, node: &NodeProto, kind: &str) -> Option<&'a NodeProto> {
        match self.users_of(node.output.first()?) {
            [user] if user.op_type() == kind => Some(user),
            _ => None,
        }
    }
}

/// What a network is for whose outputs go into such an operation.
fn task_of(kind: &str) -> Option<Task> {
    match kind {
        "Softmax" | "LogSoftmax" | "ArgMax" => Some(Task::Classification),
        "Sigmoid" => Some(Task::MultiLabel),
        _ => None,
    }
}

fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n super::proto::AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name() == name)
}

/// A weight as `[in, out]`, times a factor.
fn matrix(constant: &Constant, transposed: bool, factor: f64) -> Result<Tensor, String> {
    let [rows, cols] = constant.dims[..] else {
        return Err(format!("its weight has the dimensions {:?}: expected two", constant.dims));
    };
    let values = constant.values.iter().map(|value| (value * factor) as f32).collect();
    let w = Tensor::new([rows, cols], values).map_err(|error| error.to_string())?;
    Ok(if transposed { w.transposed() } else { w })
}
