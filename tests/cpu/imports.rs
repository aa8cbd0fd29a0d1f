//! Models of other programs: under names without numbers, with batch normalisation, as ONNX, and files that are never opened.

use std::fs;
use std::path::Path;

use gpu_mlp::data::{Outputs, Scaling};
use gpu_mlp::exchange::onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use gpu_mlp::exchange::{Format, Imported, NameMap, export};
use gpu_mlp::network::{Activation, Activations, Parameters, Task};
use gpu_mlp::reference::Matrix;
use gpu_mlp::training::checkpoint::{ModelInfo, load_model};
use prost::Message;
use safetensors::tensor::Dtype;
use serde_json::Value;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::exchange::{columns, model, read, write_safetensors};
use crate::forms::{array, write_npz};
use crate::program::Place;

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What a network without activations makes of a row.
fn applied(parameters: &Parameters, row: &[f64]) -> Vec<f64> {
    let mut x = Matrix::from_fn(1, row.len(), |_, c| row[c]);
    for layer in &parameters.layers {
        let w = Matrix::from_fn(layer.w.rows(), layer.w.cols(), |r, c| {
            f64::from(layer.w.data()[r * layer.w.cols() + c])
        });
        let z = Matrix::from_fn(1, w.cols(), |_, c| {
            (0..w.rows()).map(|r| x.at(0, r) * w.at(r, c)).sum::<f64>() + f64::from(layer.b.data()[c])
        });
        x = z;
    }
    x.row(0).to_vec()
}

#[track_caller]
fn close(got: &[f64], wanted: &[f64]) {
    let near = got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + b.abs()));
    assert!(near && got.len() == wanted.len(), "{got:?} is not {wanted:?}");
}

#[test]
fn the_last_layer_may_be_called_output_and_others_as_the_user_says() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let named = |names: [&str; 3]| {
        let names = names.map(|name| format!("{name}.weight"));
        write_safetensors(
            &path,
            &[
                (names[2].as_str(), Dtype::F32, &[2, 3], bytes(&[1.0; 6])),
                (names[0].as_str(), Dtype::F32, &[3, 4], bytes(&[2.0; 12])),
                (names[1].as_str(), Dtype::F32, &[3, 3], bytes(&[3.0; 9])),
            ],
        );
    };
    let sizes = |imported: Imported| imported.parameters.spec().unwrap().sizes().to_vec();
    for last in ["output", "head", "model.classifier"] {
        named(["fc1", "fc2", last]);
        assert_eq!(sizes(read(&path).unwrap()), [4, 3, 3, 2], "{last}");
    }
    named(["encoder", "middle", "decoder"]);
    assert_eq!(sizes(read(&path).unwrap()), [4, 3, 3, 2]);
    let map =
        |pairs: &[&str]| NameMap::of(&pairs.iter().map(|pair| pair.to_string()).collect::<Vec<_>>()).unwrap();
    let all = map(&["encoder=layers.0", "middle=layers.1", "decoder=output"]);
    assert_eq!(sizes(gpu_mlp::exchange::read(&path, &all, None).unwrap()), [4, 3, 3, 2]);
    let more = map(&["encoder=layers.0", "middle=layers.1", "decoder=layers.2", "absent=layers.3"]);
    says(
        &refusal(gpu_mlp::exchange::read(&path, &more, None)),
        &["no tensor or layer `absent`", "decoder.weight"],
    );
    let arrays = [
        ("k", array("<f4", &[3, 4], &bytes(&[1.0; 12]))),
        ("last", array("<f4", &[4, 2], &bytes(&[1.0; 8]))),
    ];
    write_npz(&path, &arrays);
    assert_eq!(sizes(gpu_mlp::exchange::read(&path, &map(&["k=W1", "last=W2"]), None).unwrap()), [3, 4, 2]);
}

#[test]
fn batch_normalisation_is_folded_into_the_layer_beside_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let (gamma, beta, mean, variance) = ([2.0_f32, 0.5], [0.25_f32, -1.0], [0.5_f32, -2.0], [4.0_f32, 0.25]);
    let normal = |name: &str| -> Vec<(String, Vec<f32>)> {
        let parts = [("weight", gamma), ("bias", beta), ("running_mean", mean), ("running_var", variance)];
        parts.map(|(part, values)| (format!("{name}.{part}"), values.to_vec())).into()
    };
    let line = |x: &[f64]| -> Vec<f64> {
        let of = |at: usize| {
            let root = (f64::from(variance[at]) + 1e-5).sqrt();
            f64::from(gamma[at]) * (x[at] - f64::from(mean[at])) / root + f64::from(beta[at])
        };
        vec![of(0), of(1)]
    };
    let layer = |x: &[f64], w: &[f32], b: &[f32]| -> Vec<f64> {
        let row = |(w, b): (&[f32], &f32)| {
            w.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum::<f64>() + f64::from(*b)
        };
        w.chunks(x.len()).zip(b).map(row).collect()
    };
    let (w0, b0, w1, b1) = ([1.0, -2.0, 0.5, 3.0], [0.1, 0.2], [0.3, 0.7, -0.9, 1.5], [-0.4, 0.6]);
    let write = |names: [&str; 3]| {
        let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = vec![
            (format!("{}.weight", names[0]), vec![2, 2], w0.to_vec()),
            (format!("{}.bias", names[0]), vec![2], b0.to_vec()),
            (format!("{}.weight", names[2]), vec![2, 2], w1.to_vec()),
            (format!("{}.bias", names[2]), vec![2], b1.to_vec()),
        ];
        tensors.extend(normal(names[1]).into_iter().map(|(name, values)| (name, vec![2], values)));
        let counter = format!("{}.num_batches_tracked", names[1]);
        let mut views: Vec<(&str, Dtype, &[usize], Vec<u8>)> = tensors
            .iter()
            .map(|(name, shape, values)| (name.as_str(), Dtype::F32, shape.as_slice(), bytes(values)))
            .collect();
        views.push((counter.as_str(), Dtype::I64, &[], 7_i64.to_le_bytes().to_vec()));
        write_safetensors(&path, &views);
        read(&path).unwrap()
    };
    let x = [0.7, -1.3];
    for names in [["0", "1", "3"], ["fc1", "bn1", "fc2"]] {
        let imported = write(names);
        close(&applied(&imported.parameters, &x), &layer(&line(&layer(&x, &w0, &b0)), &w1, &b1));
        let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        says(&notes[0], &[&format!("`{}`", names[1]), "layer 1 before its activation"]);
        says(notes.last().unwrap(), &["eps", "1e-5 is taken, PyTorch's default"]);
        // In a Sequential the numbers say it; else it is a guess, and said.
        assert_eq!(notes.len(), if names[1] == "1" { 2 } else { 3 }, "{notes:?}");
        if names[1] == "bn1" {
            says(&notes[1], &["is a guess by its name", "map fc1=net.0,bn1=net.2,fc2=net.3"]);
        }
    }
    // Behind the activation of one layer it stands in front of the next; in front of all, it is that of the inputs.
    let imported = write(["0", "2", "3"]);
    close(&applied(&imported.parameters, &x), &layer(&line(&layer(&x, &w0, &b0)), &w1, &b1));
    says(&imported.notes[0].to_string(), &["layer 2 in front of it"]);
    let imported = write(["1", "0", "3"]);
    close(&applied(&imported.parameters, &x), &layer(&layer(&line(&x), &w0, &b0), &w1, &b1));
}

fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: Some(kind.into()),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

fn constant(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (name, data_type) = (Some(name.to_owned()), Some(1));
    TensorProto {
        name,
        data_type,
        dims: dims.to_vec(),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn write_onnx(path: &Path, node: Vec<NodeProto>, initializer: Vec<TensorProto>) {
    let input = vec![ValueInfoProto { name: Some("x".into()), ..ValueInfoProto::default() }];
    let graph = Some(GraphProto { node, initializer, input, ..GraphProto::default() });
    let model = ModelProto { ir_version: Some(8), graph, ..ModelProto::default() };
    fs::write(path, model.encode_to_vec()).unwrap();
}

/// Takes away what a file of ours says of itself in our words.
fn unsaid(path: &Path) {
    let mut file = ModelProto::decode(&*fs::read(path).unwrap()).unwrap();
    file.metadata_props.retain(|entry| entry.key() != "gpu_mlp");
    fs::write(path, file.encode_to_vec()).unwrap();
}

#[test]
fn every_export_of_ours_as_onnx_comes_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let scalings = [Scaling::Bytes, Scaling::None, columns(5)];
    for (at, activation) in Activation::ALL.into_iter().enumerate() {
        let (parameters, info) = model(&[5, 4, 4, 3], activation, scalings[at % 3].clone());
        export(&path, &parameters, &info, Format::Onnx { softmax: at % 2 == 0 }).unwrap();
        let own = read(&path).unwrap();
        assert_eq!((own.info.as_ref(), &own.parameters.layers), (Some(&info), &parameters.layers));
        // Without what it says of itself, as of any other program.
        unsaid(&path);
        let imported = read(&path).unwrap();
        assert_eq!(imported.said.activation, Some(Activations::Same(activation)));
        assert_eq!(imported.said.class_names.as_ref(), Some(&info.preparation.class_names));
        assert_eq!(imported.parameters.layers, parameters.layers, "{}", activation.name());
        match (&imported.said.scaling, &info.preparation.scaling) {
            (Some(Scaling::Columns { shift, factor }), Scaling::Columns { shift: s, factor: f }) => {
                close(shift, s);
                close(factor, f);
            }
            (said, own) => assert_eq!(said.as_ref(), Some(own)),
        }
    }
    let (parameters, mut info) = model(&[2, 2], Activation::Relu, Scaling::None);
    info.preparation.outputs = Outputs::Numbers { mean: vec![10.0, -3.0], deviation: vec![4.0, 0.5] };
    let info = ModelInfo { spec: info.spec.clone().with_loss(Task::Regression.loss()), ..info };
    export(&path, &parameters, &info, Format::Onnx { softmax: false }).unwrap();
    let own = read(&path).unwrap();
    assert_eq!((own.info.as_ref(), &own.parameters), (Some(&info), &parameters));
    // In a graph that was changed a regression's outputs are unscaled: that goes into its last layer, and the names stay.
    let mut file = ModelProto::decode(&*fs::read(&path).unwrap()).unwrap();
    file.graph.as_mut().unwrap().name = Some("changed".into());
    fs::write(&path, file.encode_to_vec()).unwrap();
    let z = applied(&parameters, &[0.3, 0.9]);
    let changed = read(&path).unwrap();
    close(&applied(&changed.parameters, &[0.3, 0.9]), &[4.0 * z[0] + 10.0, 0.5 * z[1] - 3.0]);
    let own = changed.info.unwrap().preparation;
    assert_eq!(own.class_names, info.preparation.class_names);
    assert_eq!(own.outputs, Outputs::Numbers { mean: vec![0.0; 2], deviation: vec![1.0; 2] });
    unsaid(&path);
    assert_eq!(read(&path).unwrap().info, None);
}

/// As scikit-learn's exporter writes it: MatMul and Add, and behind the probabilities the class.
#[test]
fn graphs_of_other_exporters_are_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let names = TensorProto {
        name: Some("classes".into()),
        data_type: Some(7),
        dims: vec![2],
        int64_data: vec![4, 9],
        ..TensorProto::default()
    };
    let one =
        [constant("w0", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), constant("b0", &[1, 3], &[0.1, 0.2, 0.3])];
    let two = [constant("w1", &[3, 1], &[1.0, -1.0, 2.0]), constant("b1", &[1], &[0.5]), names];
    let nodes = vec![
        node("Cast", &["x"], "cast"),
        node("MatMul", &["cast", "w0"], "m0"),
        node("Add", &["m0", "b0"], "z0"),
        node("Relu", &["z0"], "a0"),
        node("MatMul", &["a0", "w1"], "m1"),
        node("Add", &["b1", "m1"], "z1"),
        node("Sigmoid", &["z1"], "p"),
        node("Sub", &["unit", "p"], "q"),
        node("Concat", &["q", "p"], "probabilities"),
        node("ArgMax", &["probabilities"], "label"),
    ];
    write_onnx(&path, nodes, [&one[..], &two].concat());
    let imported = read(&path).unwrap();
    assert_eq!(imported.said.task, Some(Task::Classification), "two classes with one output");
    assert_eq!(imported.said.class_names.unwrap(), ["4", "9"]);
    let z = applied(&imported.parameters, &[1.0, 1.0]);
    close(&z, &[0.0, 5.1 - 7.2 + 18.6 + 0.5]);
    // Normalisations of inputs, in several steps, and a Gemm as PyTorch writes it.
    let mut gemm = node("Gemm", &["scaled", "w", "b"], "y");
    gemm.attribute =
        vec![AttributeProto { name: Some("transB".into()), i: Some(1), ..AttributeProto::default() }];
    let nodes = vec![
        node("Flatten", &["x"], "flat"),
        node("Div", &["flat", "byte"], "unit"),
        node("Sub", &["unit", "mean"], "centred"),
        node("Div", &["centred", "std"], "scaled"),
        gemm,
        node("Softmax", &["y"], "p"),
    ];
    let constants = vec![
        constant("byte", &[], &[255.0]),
        constant("mean", &[1], &[0.25]),
        constant("std", &[2], &[0.5, 0.125]),
        constant("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]),
        constant("b", &[2], &[0.0, 1.0]),
    ];
    write_onnx(&path, nodes, constants);
    let imported = read(&path).unwrap();
    let Some(Scaling::Columns { shift, factor }) = imported.said.scaling else { panic!("not scaled") };
    close(&shift, &[63.75, 63.75]);
    close(&factor, &[1.0 / 127.5, 1.0 / 31.875]);
    assert_eq!(imported.parameters.layers[0].w.data(), [1.0, 3.0, 2.0, 4.0], "[in, out]");
    assert_eq!(imported.said.task, Some(Task::Classification));
}

#[test]
fn graphs_that_are_no_chain_of_layers_are_refused_in_words() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let w = || constant("w", &[2, 2], &[1.0; 4]);
    let refused = |nodes: Vec<NodeProto>, constants: Vec<TensorProto>, fragments: &[&str]| {
        write_onnx(&path, nodes, constants);
        says(&refusal(read(&path)), fragments);
    };
    refused(
        vec![node("Conv", &["x", "w"], "y")],
        vec![w()],
        &["Conv: this operation is not known", "a chain of Gemm"],
    );
    refused(vec![node("Relu", &["x"], "y")], vec![], &["relu does not follow a layer"]);
    refused(vec![node("MatMul", &["x", "w"], "y")], vec![], &["`w` is not a constant"]);
    refused(vec![], vec![], &["no fully connected layer"]);
    let short = TensorProto { float_data: vec![1.0], ..w() };
    refused(vec![node("MatMul", &["x", "w"], "y")], vec![short], &["dimensions [2, 2], but 1 numbers"]);
    let torn = TensorProto { float_data: vec![], raw_data: Some(vec![0; 17]), ..w() };
    refused(vec![node("MatMul", &["x", "w"], "y")], vec![torn], &["ends within a number: it has 17 bytes"]);
    let far = TensorProto { data_location: Some(1), ..w() };
    refused(vec![node("MatMul", &["x", "w"], "y")], vec![far], &["lies in another file"]);
    let branches = vec![
        node("MatMul", &["x", "w"], "y"),
        node("MatMul", &["y", "u"], "a"),
        node("MatMul", &["y", "v"], "b"),
    ];
    refused(branches, vec![w()], &["it branches: `y` goes into MatMul, MatMul"]);
    let shared = vec![node("MatMul", &["x", "w"], "y"), node("MatMul", &["y", "w"], "z")];
    refused(shared, vec![w()], &["two of its layers share the weight `w`"]);
    let end = vec![node("MatMul", &["x", "w"], "y"), node("Tanh", &["y"], "z")];
    refused(end, vec![w()], &["its outputs go through tanh"]);
    let circle = vec![node("Identity", &["x"], "y"), node("Identity", &["y"], "y")];
    refused(circle, vec![], &["it goes in a circle: `y`"]);
}

/// GELU as exporters write it without an operation of its own: z · (1 + erf(z / √2)) / 2.
#[test]
fn a_gelu_of_several_operations_is_one_and_nothing_like_it_is() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let read_with = |one: f32, half: f32, last: NodeProto| {
        let nodes = vec![
            node("MatMul", &["x", "w"], "y"),
            node("Div", &["y", "root"], "s"),
            node("Erf", &["s"], "e"),
            node("Add", &["e", "one"], "u"),
            node("Mul", &["y", "u"], "t"),
            last,
            node("MatMul", &["g", "v"], "z"),
        ];
        let number = |name: &str, value: f32| constant(name, &[], &[value]);
        let w = ["w", "v"].map(|name| constant(name, &[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        let numbers = [("root", std::f32::consts::SQRT_2), ("one", one), ("half", half)];
        let numbers = numbers.map(|(name, value)| number(name, value));
        write_onnx(&path, nodes, w.into_iter().chain(numbers).collect());
        read(&path)
    };
    let last = || node("Mul", &["t", "half"], "g");
    let imported = read_with(1.0, 0.5, last()).unwrap();
    assert_eq!(imported.said.activation, Some(Activations::Same(Activation::Gelu)));
    // Another constant, the value a second time, and a circle.
    for (one, half, last) in [
        (2.0, 0.5, last()),
        (1.0, 2.0, last()),
        (1.0, 0.5, node("Mul", &["t", "y"], "g")),
        (1.0, 2.0, node("Mul", &["t", "half"], "t")),
    ] {
        says(&refusal(read_with(one, half, last)), &["it branches: `y` goes into"]);
    }
}

/// torchvision's Normalize behind ToTensor: (x / 255 - mean) / std.
#[test]
fn mean_and_deviation_scale_the_inputs() {
    let place = Place::new();
    let w = array("<f4", &[2, 2], &bytes(&[1.0, 0.0, 0.0, 1.0]));
    write_npz(&place.path("m.npz"), &[("W1", w)]);
    let ran = place.run(&["import", "m.npz", "--mean", "0.1307", "--std", "0.3081"]);
    assert!(!ran.err.contains("inputs as"), "{}", ran.err);
    ran.ok();
    let (_, info) = load_model(&place.path("m-imported.safetensors")).unwrap();
    let Scaling::Columns { shift, factor } = info.preparation.scaling else { panic!("not scaled") };
    close(&shift, &[33.3285, 33.3285]);
    close(&factor, &[1.0 / (255.0 * 0.3081); 2]);
    fs::write(place.path("rows.csv"), "255,0\n").unwrap();
    let line: Value =
        place.run(&["predict", "m-imported.safetensors", "rows.csv", "--json"]).lines().remove(0);
    let odds = 1.0 / 0.3081;
    close(&[line["probability"].as_f64().unwrap()], &[1.0 / (1.0 + f64::exp(-odds))]);
    place
        .run(&["import", "m.npz", "--inputs", "values", "--mean", "1,-2", "--std", "2,4", "--out", "v"])
        .ok();
    let (_, info) = load_model(&place.path("v")).unwrap();
    assert_eq!(
        info.preparation.scaling,
        Scaling::Columns { shift: vec![1.0, -2.0], factor: vec![0.5, 0.25] }
    );
    place.run(&["import", "m.npz", "--std", "0"]).fails(2, &["--std: expected numbers above 0"]);
    place.run(&["import", "m.npz", "--mean", "1,2,3"]).fails(2, &["--mean has 3 numbers", "2 inputs"]);
    place.run(&["import", "m.npz", "--map", "W1"]).fails(2, &["there is no =", "encoder=layers.0"]);
}
