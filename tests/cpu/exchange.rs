//! Models out and in again: the same bits by way of every format, other people's names and layouts, the ONNX graph.

use std::fs;
use std::path::Path;

use gpu_mlp::Result;
use gpu_mlp::data::{Outputs, Preparation, Scaling};
use gpu_mlp::exchange::onnx::proto::{DataType, DimensionValue, ModelProto, ValueInfoProto};
use gpu_mlp::exchange::{Format, Imported, NameMap, export};
use gpu_mlp::network::{Activation, MlpSpec, Parameters};
use gpu_mlp::training::checkpoint::{ModelInfo, save_model};
use prost::Message;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::tempdir;

use crate::forms::{array, write_npz};

/// Reads a file whose names are usual ones.
pub fn read(path: &Path) -> Result<Imported> {
    gpu_mlp::exchange::read(path, &NameMap::default(), None)
}

/// A network of these sizes with biases too, and values that are easily lost: -0, and the smallest above 0.
pub fn model(sizes: &[usize], activation: Activation, scaling: Scaling) -> (Parameters, ModelInfo) {
    let spec = MlpSpec::new(sizes.to_vec()).unwrap().with_activation(activation);
    let mut parameters = Parameters::he_uniform(&spec, 3);
    for layer in &mut parameters.layers {
        let slope: Vec<f32> = (0..layer.b.data().len()).map(|i| ((i % 7) as f32 - 3.0) / 20.0).collect();
        layer.b.data_mut().copy_from_slice(&slope);
        layer.w.data_mut()[0] = -0.0;
        layer.w.data_mut()[1] = f32::from_bits(1);
    }
    let class_names = (0..spec.classes()).map(|class| format!("Größe \"{class}\"")).collect();
    (
        parameters,
        ModelInfo {
            spec,
            preparation: Preparation {
                scaling,
                class_names,
                outputs: Outputs::Classes,
                schema: None,
                frame: None,
            },
        },
    )
}

pub fn columns(count: usize) -> Scaling {
    let shift = (0..count).map(|i| i as f64 * 10.0 - 5.0).collect();
    Scaling::Columns { shift, factor: (0..count).map(|i| 1.0 / (i as f64 + 3.0)).collect() }
}

fn bits(parameters: &Parameters) -> Vec<Vec<u32>> {
    let tensors = parameters.layers.iter().flat_map(|layer| [&layer.w, &layer.b]);
    tensors.map(|tensor| tensor.data().iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn a_model_comes_back_with_the_same_bits() {
    let folder = tempdir().unwrap();
    for (activation, scaling) in
        Activation::ALL.into_iter().zip([Scaling::Bytes, columns(5), Scaling::None, columns(5)])
    {
        let (parameters, info) = model(&[5, 4, 4, 3], activation, scaling);
        for (name, format) in [("a.safetensors", Format::Safetensors), ("a.npz", Format::Npz)] {
            let path = folder.path().join(name);
            export(&path, &parameters, &info, format).unwrap();
            let imported = read(&path).unwrap();
            assert_eq!(bits(&imported.parameters), bits(&parameters), "{name}");
            assert_eq!(imported.info.as_ref(), Some(&info), "{name}");
            export(&folder.path().join("again"), &imported.parameters, &info, format).unwrap();
            if format == Format::Safetensors {
                let again = fs::read(folder.path().join("again")).unwrap();
                assert!(again == fs::read(&path).unwrap(), "the same model gives the same bytes");
            }
        }
        // Our own models are read too.
        let path = folder.path().join("model.safetensors");
        save_model(&path, &parameters, &info).unwrap();
        assert_eq!(bits(&read(&path).unwrap().parameters), bits(&parameters));
    }
}

#[test]
fn safetensors_have_the_names_of_a_sequential() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let (parameters, info) = model(&[5, 4, 3], Activation::Tanh, Scaling::Bytes);
    export(&path, &parameters, &info, Format::Safetensors).unwrap();
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> =
        file.tensors().iter().map(|(name, t)| (name.clone(), t.shape().to_vec())).collect();
    shapes.sort();
    let want = [("0.bias", vec![4]), ("0.weight", vec![4, 5]), ("2.bias", vec![3]), ("2.weight", vec![3, 4])];
    assert_eq!(
        shapes,
        want.map(|(name, shape)| (name.to_owned(), shape)),
        "an activation takes a number, too"
    );
}

/// Writes a safetensors file with the tensors of a network under other names, in another type.
pub fn write_safetensors(path: &Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// How numbers become bytes.
type Encoding<'a> = &'a dyn Fn(&[f32]) -> Vec<u8>;

#[test]
fn other_peoples_names_types_and_layouts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    // w1 [2, 3] as [in, out] is 1 2 3 / 4 5 6; w2 [3, 2] is 7 8 / 9 10 / 11 12.
    let out_in: [&[f32]; 2] = [&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0], &[7.0, 9.0, 11.0, 8.0, 10.0, 12.0]];
    let in_out: [&[f32]; 2] = [&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[7.0, 8.0, 9.0, 10.0, 11.0, 12.0]];
    let biases: [&[f32]; 2] = [&[0.5, -0.5, 1.5], &[2.0, -2.0]];
    let want = |parameters: &Parameters| {
        let got: Vec<&[f32]> =
            parameters.layers.iter().flat_map(|layer| [layer.w.data(), layer.b.data()]).collect();
        assert_eq!(got, [in_out[0], biases[0], in_out[1], biases[1]]);
    };
    let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let bf16 = |values: &[f32]| {
        values.iter().flat_map(|value| [value.to_le_bytes()[2], value.to_le_bytes()[3]]).collect()
    };
    let f64s = |values: &[f32]| values.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect();
    // Whole numbers and halves up to 12: 5 bits of exponent, 10 of fraction.
    let f16 = |values: &[f32]| {
        let half = |value: &f32| {
            let bits = value.to_bits();
            let exponent = ((bits >> 23 & 255) as i32 - 127 + 15) as u16;
            ((bits >> 16 & 0x8000) as u16 | exponent << 10 | (bits >> 13 & 1023) as u16).to_le_bytes()
        };
        values.iter().flat_map(half).collect()
    };
    for names in [["fc1", "fc2"], ["layers.0", "layers.1"], ["net.3", "net.10"], ["0", "2"]] {
        let [first, second] = names.map(|name| [format!("{name}.weight"), format!("{name}.bias")]);
        let kinds: [(Dtype, Encoding<'_>); 4] =
            [(Dtype::F32, &f32s), (Dtype::F64, &f64s), (Dtype::F16, &f16), (Dtype::BF16, &bf16)];
        for (dtype, encoded) in kinds {
            write_safetensors(
                &path,
                &[
                    (&first[0], dtype, &[3, 2], encoded(out_in[0])),
                    (&first[1], dtype, &[3], encoded(biases[0])),
                    (&second[0], dtype, &[2, 3], encoded(out_in[1])),
                    (&second[1], dtype, &[2], encoded(biases[1])),
                ],
            );
            let imported = read(&path).unwrap();
            assert!(imported.info.is_none());
            want(&imported.parameters);
        }
    }
    // In .npz: x @ W, PyTorch's names, and the other way round where nothing else fits.
    let arrays = |names: [&str; 4], weights: [&[f32]; 2], shapes: [[usize; 2]; 2], bias: [usize; 2]| {
        write_npz(
            &path,
            &[
                (names[0], array("<f4", &shapes[0], &f32s(weights[0]))),
                (names[1], array("<f4", &bias, &f32s(biases[0]))),
                (names[2], array("<f4", &shapes[1], &f32s(weights[1]))),
                (names[3], array("<f4", &[2], &f32s(biases[1]))),
                ("dW1", array("<f4", &[1], &f32s(&[f32::NAN]))),
            ],
        );
        want(&read(&path).unwrap().parameters);
    };
    arrays(["W1", "b1", "W2", "b2"], in_out, [[2, 3], [3, 2]], [1, 3]);
    arrays(["W1", "b1", "W2", "b2"], out_in, [[3, 2], [2, 3]], [3, 1]);
    arrays(["0.weight", "0.bias", "2.weight", "2.bias"], out_in, [[3, 2], [2, 3]], [1, 3]);
    // Without biases, and in Fortran order.
    let mut fortran = array("<f8", &[2, 3], &f64s(out_in[0]));
    let at = fortran.windows(5).position(|window| window == b"False").unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    write_npz(&path, &[("W1", fortran)]);
    let imported = read(&path).unwrap().parameters;
    assert_eq!((imported.layers[0].w.data(), imported.layers[0].b.data()), (in_out[0], &[0.0; 3][..]));
    // A square weight without anything to tell by lies as its name says.
    write_npz(&path, &[("W1", array("<f4", &[2, 2], &f32s(&[1.0, 2.0, 3.0, 4.0])))]);
    assert_eq!(read(&path).unwrap().parameters.layers[0].w.data(), [1.0, 2.0, 3.0, 4.0]);
    write_npz(&path, &[("0.weight", array("<f4", &[2, 2], &f32s(&[1.0, 2.0, 3.0, 4.0])))]);
    assert_eq!(read(&path).unwrap().parameters.layers[0].w.data(), [1.0, 3.0, 2.0, 4.0]);
}

/// `[batch, width]`, as names and sizes.
fn shape(value: &ValueInfoProto) -> (String, Vec<String>) {
    let tensor = value.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    assert_eq!(tensor.elem_type(), DataType::Float);
    let dims = tensor.shape.as_ref().unwrap().dim.iter().map(|dim| match dim.value.as_ref().unwrap() {
        DimensionValue::Size(size) => size.to_string(),
        DimensionValue::Name(name) => name.clone(),
    });
    (value.name().to_owned(), dims.collect())
}

#[test]
fn onnx_holds_the_same_bits_and_the_scaling() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.onnx");
    let middle: [&[&str]; 9] = [
        &["Relu"],
        &["Sigmoid"],
        &["Tanh"],
        &["Mul", "Erf", "Add", "Mul", "Mul"],
        &["LeakyRelu"],
        &["Elu"],
        &["Sigmoid", "Mul"],
        &["Softplus"],
        &["Identity"],
    ];
    let scalings: [(Scaling, &[&str]); 3] =
        [(Scaling::Bytes, &["Mul"]), (Scaling::None, &[]), (columns(5), &["Sub", "Mul"])];
    for (activation, middle) in Activation::ALL.into_iter().zip(middle) {
        for (scaling, scaled) in &scalings {
            for softmax in [false, true] {
                let (parameters, info) = model(&[5, 4, 4, 3], activation, scaling.clone());
                export(&path, &parameters, &info, Format::Onnx { softmax }).unwrap();
                let file = ModelProto::decode(&*fs::read(&path).unwrap()).unwrap();
                assert!(file.opset_import[0].version() >= 17 && file.ir_version() >= 8);
                let names: Vec<String> = serde_json::from_str(file.metadata_props[0].value()).unwrap();
                assert_eq!(
                    (file.metadata_props[0].key(), names),
                    ("class_names", info.preparation.class_names)
                );
                let graph = file.graph.unwrap();
                let last: &[&str] = if softmax { &["Softmax"] } else { &[] };
                let gemm: &[&str] = &["Gemm"];
                let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type()).collect();
                assert_eq!(operators, [*scaled, gemm, middle, gemm, middle, gemm, last].concat());
                let pair =
                    |name: &str, width: &str| (name.to_owned(), vec!["batch".to_owned(), width.to_owned()]);
                assert_eq!(shape(&graph.input[0]), pair("input", "5"));
                assert_eq!(shape(&graph.output[0]), pair("logits", "3"));
                assert_eq!(graph.output.get(1).map(shape), softmax.then(|| pair("probabilities", "3")));
                let layers = graph.initializer.iter().filter(|tensor| tensor.name().starts_with("layers."));
                let raw = |bytes: &[u8]| {
                    bytes.chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect()
                };
                let got: Vec<Vec<u32>> = layers.map(|tensor| raw(tensor.raw_data())).collect();
                assert_eq!(got, bits(&parameters));
            }
        }
    }
}
