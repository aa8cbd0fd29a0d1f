//! Models of other programs, and what a network is to classify.

use std::fs;
use std::path::Path;

use flate2::Compression;
use gpu_mlp::checkpoint::ModelInfo;
use gpu_mlp::data::{Frame, Outputs, Preparation, Scaling};
use gpu_mlp::exchange::{self, Format, NameMap};
use gpu_mlp::inputs::{Expected, Inputs, Look};
use gpu_mlp::numpy::npy;
use image::{ColorType, ImageFormat};

use super::data::encoded;
use super::run::network;
use super::{gzip, target};
use crate::driver::{Mutate, Target};
use crate::mutate::edited;
use crate::place::{self, judged};
use crate::{archive, json};

pub fn import() -> Target {
    let (folder, path) = place::file("model");
    let (spec, parameters) = network();
    let class_names = vec!["no".to_owned(), "yes".to_owned()];
    let seed = |format, scaling| {
        let preparation = Preparation {
            scaling,
            class_names: class_names.clone(),
            outputs: Outputs::Classes,
            schema: None,
            frame: None,
        };
        exchange::export(&path, &parameters, &ModelInfo { spec: spec.clone(), preparation }, format).unwrap();
        fs::read(&path).unwrap()
    };
    let columns = Scaling::Columns { shift: vec![1.0, 2.0, 3.0], factor: vec![0.5, 0.0, 4.0] };
    let seeds = [Format::Safetensors, Format::Npz, Format::Onnx { softmax: true }]
        .into_iter()
        .flat_map(|format| [seed(format, Scaling::Bytes), seed(format, columns.clone())])
        .collect();
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let imported = judged(exchange::read(&path, &NameMap::default(), None))?;
        let spec = imported.parameters.spec().unwrap();
        if let Some(info) = imported.info {
            assert_eq!(info.spec.sizes(), spec.sizes());
            info.preparation.check(spec.inputs(), spec.classes()).unwrap();
        }
        Ok(())
    };
    let mutate: Mutate = |rng, input, other| match input.starts_with(b"PK") {
        true => archive::mutate(rng, input, other),
        false if input.get(8) == Some(&b'{') => json::mutate_safetensors(rng, input, other),
        false => {
            edited(rng, input, other, &["Gemm", "MatMul", "Add", "Mul", "Relu", "input", "layers.0.weight"])
        }
    };
    target("import", seeds, mutate, Box::new(read))
}

/// A number, a truth and words: five inputs.
const COLUMNS: &str = r#"{
    "inputs": [
        "a",
        {"name": "w", "kind": "category", "values": ["x", "y"], "fill": "x", "indicator": true},
        {"name": "b", "kind": "boolean", "fill": false}
    ],
    "targets": ["label"],
    "layout": {"named": true, "width": 4, "inputs": [0, 1, 2], "targets": [3]},
    "decimal_comma": true
}"#;

/// Reads all inputs of a file, three at a time.
pub fn answered(path: &Path, features: usize, preparation: Preparation, look: Look) -> Result<(), String> {
    let (label_column, table, id_column) = (None, Default::default(), Some("a".to_owned()));
    let expected = Expected { features, preparation, label_column, table, look, id_column };
    let mut inputs = Inputs::new(vec![path.to_owned()], expected);
    while let Some(batch) = judged(inputs.next(3))? {
        if let Some(error) = batch.broken.into_iter().next() {
            return judged(Err(error));
        }
        let samples = batch.samples.unwrap();
        assert!(batch.names.len() <= 3 && batch.names.len() == samples.len());
        assert_eq!(samples.features(), features);
    }
    assert!(inputs.closing_notes().iter().all(|note| !note.is_empty()));
    Ok(())
}

pub fn inputs() -> Target {
    let floats: Vec<u8> = (0..32).flat_map(|i| (i as f32 * 0.5).to_le_bytes()).collect();
    let array =
        |descr: &str, shape: &[usize], body: &[u8]| [npy::header(descr, shape), body.to_vec()].concat();
    let mut seeds = vec![
        array("<f4", &[2, 16], &floats),
        array("|u1", &[2, 4, 4], &floats[..32]),
        array("|u1", &[16], &floats[..16]),
    ];
    let row = |label: &str| (0..16).map(|p| format!("{p},")).collect::<String>() + label + "\n";
    seeds.push((row("1") + &row("2")).into_bytes());
    seeds.push((row("label") + &row("a")).into_bytes());
    seeds.push(row("9").replace(",9\n", "\n").into_bytes());
    seeds.push(gzip(&seeds[3], Compression::fast()));
    let words = "# made by hand\nlabel;a;b;w\n1;0,5;yes;x\n0;7;?;z\n";
    seeds.extend(
        [words, "1.5,y,no\n2,,true\n", "w b a\nx t 1\n y  f  2 \n"].map(|text| text.as_bytes().to_vec()),
    );
    seeds.extend([ColorType::L8, ColorType::Rgb8].map(|colour| encoded(colour, ImageFormat::Png)));
    seeds.push(encoded(ColorType::L8, ImageFormat::Jpeg));
    let (folder, path) = place::file("input");
    let read = move |input: &[u8]| {
        let _ = &folder;
        fs::write(&path, input).unwrap();
        let columns = Scaling::Columns { shift: vec![1.0; 16], factor: vec![0.5; 16] };
        let frame = Some(Frame { rows: 4, columns: 4, colour: false, digits: false });
        let read = |scaling, frame, look| {
            let class_names = vec!["no".to_owned(), "yes".to_owned()];
            let preparation =
                Preparation { scaling, class_names, outputs: Outputs::Classes, schema: None, frame };
            answered(&path, 16, preparation, look)
        };
        let of_columns = Preparation {
            scaling: Scaling::None,
            class_names: vec!["no".to_owned(), "yes".to_owned()],
            outputs: Outputs::Classes,
            schema: Some(serde_json::from_str(COLUMNS).unwrap()),
            frame: None,
        };
        of_columns.check(5, 2).unwrap();
        // What one network takes another may refuse.
        let results = [
            read(Scaling::Bytes, None, Look::Digits),
            read(Scaling::Bytes, frame, Look::AsTrained),
            read(columns, None, Look::Raw),
            answered(&path, 5, of_columns, Look::Raw),
        ];
        results.into_iter().reduce(Result::or).unwrap_or(Ok(()))
    };
    let mutate: Mutate = |rng, input, other| {
        edited(
            rng,
            input,
            other,
            &["(", ")", "16", "\n", ",", "label", "\"", "1e400", "'<f8'", "#", "sep=", " ", "NA", "w"],
        )
    };
    target("inputs", seeds, mutate, Box::new(read))
}
