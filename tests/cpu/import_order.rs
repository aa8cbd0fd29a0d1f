//! In which order the layers of a file stand, and where its batch normalisations: by names, by sizes, or as the user says.

use std::fs;

use gpu_mlp::exchange::{Imported, NameMap};
use gpu_mlp::{Result, exchange};
use safetensors::tensor::Dtype;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::exchange::write_safetensors;
use crate::program::Place;

/// Layers by name with their outputs and inputs; every weight of the first one is 1, of the second one 2, and so on. And
/// normalisations of so many values.
fn imported(
    layers: &[(&str, [usize; 2])],
    normalisations: &[(&str, usize)],
    map: &[&str],
) -> Result<Imported> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model");
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for (at, (name, [outs, ins])) in layers.iter().enumerate() {
        tensors.push((format!("{name}.weight"), vec![*outs, *ins], vec![at as f32 + 1.0; outs * ins]));
        tensors.push((format!("{name}.bias"), vec![*outs], vec![0.0; *outs]));
    }
    for (name, width) in normalisations {
        // 10 times as much.
        for (part, value) in
            [("weight", 10.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0 - 1e-5)]
        {
            tensors.push((format!("{name}.{part}"), vec![*width], vec![value; *width]));
        }
    }
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let views: Vec<(&str, Dtype, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, shape, values)| (name.as_str(), Dtype::F32, shape.as_slice(), bytes(values)))
        .collect();
    write_safetensors(&path, &views);
    let map: Vec<String> = map.iter().map(|&pair| pair.to_owned()).collect();
    exchange::read(&path, &NameMap::of(&map)?, None)
}

/// The first weight of each layer, in the network's order.
fn weights(imported: &Imported) -> Vec<f32> {
    imported.parameters.layers.iter().map(|layer| layer.w.data()[0].round()).collect()
}

fn notes(imported: &Imported) -> String {
    imported.notes.iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn names_say_the_order_even_where_all_sizes_are_equal() {
    for names in [
        ["features.1", "features.3", "classifier.0"],
        ["stem.1", "head.0", "head.2"],
        ["model.encoder.0", "model.encoder.2", "model.decoder.0"],
        ["input", "hidden", "output"],
        ["body.8", "body.10", "fc_out"],
        ["in_proj", "mid", "out_proj"],
        ["blocks.0.fc1", "blocks.0.fc2", "blocks.1.fc1"],
    ] {
        let layers = names.map(|name| (name, [3, 3]));
        let mut shuffled = layers;
        shuffled.reverse();
        assert_eq!(weights(&imported(&layers, &[], &[]).unwrap()), [1.0, 2.0, 3.0], "{names:?}");
        let reversed = imported(&shuffled, &[], &[]).unwrap();
        assert_eq!(weights(&reversed), [3.0, 2.0, 1.0], "{names:?}: the order in the file says nothing");
        assert!(reversed.notes.is_empty(), "{names:?}");
    }
}

#[test]
fn sizes_say_the_order_where_names_do_not() {
    let layers = [("fc1", [6, 4]), ("fc2", [5, 6]), ("fc", [3, 5])];
    let own = imported(&layers, &[], &[]).unwrap();
    assert_eq!(weights(&own), [1.0, 2.0, 3.0]);
    says(&notes(&own), &["in the only order in which they fit: fc1, fc2, fc"]);
    // Names that would say another order, which does not fit.
    let layers = [("output", [6, 4]), ("fc1", [3, 6])];
    assert_eq!(weights(&imported(&layers, &[], &[]).unwrap()), [1.0, 2.0]);
    // Several orders fit, and none.
    let equal = [("fc1", [4, 4]), ("fc2", [4, 4]), ("fc", [4, 4])];
    let refused = refusal(imported(&equal, &[], &[]));
    says(
        &refused,
        &[
            "its names do not say in which order its layers stand",
            "map fc=layers.0,fc1=layers.1,fc2=layers.2",
        ],
    );
    let map = ["fc1=layers.0", "fc2=layers.1", "fc=layers.2"];
    assert_eq!(weights(&imported(&equal, &[], &map).unwrap()), [1.0, 2.0, 3.0]);
    let layers = [("fc1", [6, 4]), ("fc2", [5, 7])];
    says(&refusal(imported(&layers, &[], &[])), &["do not fit each other", "map fc1=layers.0,fc2=layers.1"]);
}

#[test]
fn normalisations_stand_where_names_and_sizes_say() {
    // In front of the layers of their numbers, as only that fits.
    let own = imported(&[("fc1", [6, 4]), ("fc2", [3, 6])], &[("bn1", 4), ("bn2", 6)], &[]).unwrap();
    assert_eq!(weights(&own), [100.0, 2.0]);
    says(
        &notes(&own),
        &[
            "`bn1` is folded into layer 1 in front of it",
            "`bn2` is folded into layer 1 before its activation",
        ],
    );
    // Between two layers by its number alone.
    let own = imported(&[("fc1", [4, 4]), ("fc3", [4, 4])], &[("bn2", 4)], &[]).unwrap();
    assert_eq!(weights(&own), [10.0, 2.0]);
    // Behind them, as only that fits; the one without a number only there.
    let own = imported(&[("fc1", [6, 4]), ("fc2", [3, 6])], &[("bn1", 6)], &[]).unwrap();
    says(&notes(&own), &["`bn1` is folded into layer 1 before its activation", "a guess by its name"]);
    let own = imported(&[("fc1", [6, 4]), ("fc2", [3, 6])], &[("norm", 6)], &[]).unwrap();
    says(&notes(&own), &["`norm` is folded into layer 1 before its activation"]);
    let own = imported(&[("fc1", [4, 4]), ("fc2", [4, 4])], &[("input_norm", 4)], &[]).unwrap();
    says(&notes(&own), &["`input_norm` is folded into layer 1 in front of it"]);
    // As many as layers, all of one size: either may come first.
    let layers = [("fc1", [4, 4]), ("fc2", [4, 4])];
    let normalisations = [("bn1", 4), ("bn2", 4)];
    let refused = refusal(imported(&layers, &normalisations, &[]));
    says(
        &refused,
        &[
            "behind the layers of their numbers or in front of them",
            "map fc1=net.0,bn1=net.1,fc2=net.3,bn2=net.4",
        ],
    );
    let behind = ["fc1=net.0", "bn1=net.1", "fc2=net.3", "bn2=net.4"];
    let own = imported(&layers, &normalisations, &behind).unwrap();
    says(
        &notes(&own),
        &["`bn1` is folded into layer 1 before its activation", "`bn2` is folded into layer 2 before"],
    );
    assert!(!notes(&own).contains("guess"), "{}", notes(&own));
    let before = ["bn1=net.0", "fc1=net.1", "bn2=net.3", "fc2=net.4"];
    let own = imported(&layers, &normalisations, &before).unwrap();
    says(
        &notes(&own),
        &["`bn1` is folded into layer 1 in front of it", "`bn2` is folded into layer 2 in front of it"],
    );
    says(
        &refusal(imported(&layers, &[("norm", 4)], &[])),
        &["`norm` of 4 values fits at several places or at none"],
    );
    says(
        &refusal(imported(&layers, &[("norm", 5)], &[])),
        &["`norm` of 5 values fits at several places or at none"],
    );
}

/// A table's columns are found by their names after an export as ONNX and an import; without names it is said.
#[test]
fn names_of_columns_go_through_onnx_and_their_lack_is_said() {
    let place = Place::new();
    let row = |at: usize| (at * 7 % 13, at * 5 % 11, ["cat", "dog"][at % 2]);
    let table =
        |line: &dyn Fn((usize, usize, &str)) -> String| (0..60).map(|at| line(row(at))).collect::<String>();
    fs::write(
        place.path("a.csv"),
        "a,b,kind\n".to_owned() + &table(&|(a, b, kind)| format!("{a},{b},{kind}\n")),
    )
    .unwrap();
    fs::write(
        place.path("b.csv"),
        "b,a,kind\n".to_owned() + &table(&|(a, b, kind)| format!("{b},{a},{kind}\n")),
    )
    .unwrap();
    let train =
        ["train", "--data", "a.csv", "--backend", "cpu", "--hidden", "4", "--epochs", "3", "--lr", "0.5"];
    place.run(&[&train[..], &["--out", "run"]].concat()).ok();
    place.run(&["export", "run", "--to", "onnx", "--out", "m.onnx"]).ok();
    let ran = place.run(&["import", "m.onnx"]);
    assert!(!ran.err.contains("assumed"), "{}", ran.err);
    ran.ok();
    assert_eq!(place.read("run/model.safetensors"), place.read("m-imported.safetensors"), "it is the same");
    let predict = |model: &str, file: &str| place.run(&["predict", model, file, "--json"]);
    let probabilities = |model: &str, file: &str| -> Vec<f64> {
        predict(model, file).lines().iter().map(|line| line["probability"].as_f64().unwrap()).collect()
    };
    assert_eq!(probabilities("m-imported.safetensors", "b.csv"), probabilities("run", "a.csv"));
    // Another program's model knows no names.
    let layer = [(
        "fc.weight",
        Dtype::F32,
        &[2_usize, 2][..],
        [1_f32, 0.0, 0.0, 2.0].map(f32::to_le_bytes).as_flattened().to_vec(),
    )];
    write_safetensors(&place.path("other"), &layer);
    place.run(&["import", "other", "--inputs", "values", "--class-names", "cat,dog"]).ok();
    let said = "the model knows no names of columns, so they are taken in their order: `b`, `a`";
    fs::write(place.path("c.csv"), "b,a\n1,2\n").unwrap();
    let ran = predict("other-imported.safetensors", "c.csv");
    assert!(ran.err.contains(said), "{}", ran.err);
    let ran = place.run(&["eval", "other-imported.safetensors", "--data", "b.csv", "--backend", "cpu"]);
    assert!(ran.err.contains(said), "{}", ran.err);
    ran.ok();
}

/// A file of tensors does not say what its normalisations add to the variance; the user may.
#[test]
fn what_a_normalisation_adds_to_the_variance_can_be_said() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let one = |value: f32| value.to_le_bytes().to_vec();
    let mut views = vec![
        ("0.weight", Dtype::F32, &[1, 1][..], one(1.0)),
        ("1.weight", Dtype::F32, &[1], one(1.0)),
        ("1.bias", Dtype::F32, &[1], one(0.0)),
        ("1.running_mean", Dtype::F32, &[1], one(0.0)),
        ("1.running_var", Dtype::F32, &[1], one(3.0)),
        ("3.weight", Dtype::F32, &[1, 1], one(1.0)),
    ];
    let read = |eps| exchange::read(&path, &NameMap::default(), eps);
    write_safetensors(&path, &views);
    let imported = read(Some(1.0)).unwrap();
    assert_eq!(imported.parameters.layers[0].w.data(), [0.5], "1 / √(3 + 1)");
    says(&imported.notes.last().unwrap().to_string(), &["eps of its normalisations is 1e0, as you say"]);
    says(&read(None).unwrap().notes.last().unwrap().to_string(), &["1e-5 is taken", "eps", "1e-3"]);
    views.retain(|(name, ..)| !name.starts_with('1'));
    write_safetensors(&path, &views);
    says(&refusal(read(Some(1.0))), &["eps 1", "no batch normalisation"]);
}
