//! `gpu-mlp export` and `import`: files beside the model, and a network that goes out and comes back to be measured and
//! trained on.

use std::fs;

use crate::program::{Place, untimed_epochs};

#[test]
fn what_comes_back_is_the_same_network() {
    let place = Place::new();
    place.trained("a", &["--epochs", "3", "--activation", "gelu"]);
    let eval =
        |model: &str| place.run(&["eval", model, "--data", "tiny", "--backend", "cpu", "--json"]).lines();
    for (to, file) in [("safetensors", "a/model-torch.safetensors"), ("npz", "a/model.npz")] {
        let out = place.run(&["export", "a", "--to", to]).ok();
        assert!(out.starts_with(&format!("{file}: ")), "{out}");
        if to == "safetensors" {
            assert!(out.contains("torch.nn.Sequential(Linear(16, 7), GELU(), Linear(7, 3))"), "{out}");
        }
        let out = place.run(&["import", file, "--out", "back.safetensors"]).ok();
        assert_eq!(out, "back.safetensors: 16-7-3, gelu, 143 parameters\n");
        assert!(place.read("back.safetensors") == place.read("a/model.safetensors"), "{to}: the same file");
        assert_eq!(eval("back.safetensors"), eval("a"));
    }
    let out =
        place.run(&["export", "a/model.safetensors", "--to", "onnx", "--softmax", "--out", "b.onnx"]).ok();
    assert_eq!(out, "b.onnx: input [batch, 16] to logits [batch, 3], ONNX opset 17\n");
    assert!(place.path("b.onnx").exists());
    place.run(&["import", "a/model.npz"]).ok();
    assert!(place.path("a/model-imported.safetensors").exists());
}

#[test]
fn a_run_goes_on_from_another_networks_weights() {
    let place = Place::new();
    place.trained("a", &["--epochs", "3", "--activation", "tanh"]);
    place.run(&["export", "a", "--to", "npz", "--out", "a.npz"]).ok();
    place.run(&["import", "a.npz", "--out", "m.safetensors"]).ok();
    let start = |out: &str, args: &[&str]| {
        let args = [&["--init", "m.safetensors", "--json", "--batch-size", "8", "--out", out], args].concat();
        place.train(&args).lines()
    };
    let whole = start("b", &["--epochs", "4"]);
    let loss = |lines: &[serde_json::Value]| lines.last().unwrap()["test_loss"].as_f64().unwrap();
    let fresh = place.trained("fresh", &["--epochs", "4", "--activation", "tanh"]);
    assert!(loss(&whole) < loss(&fresh), "{} and {}", loss(&whole), loss(&fresh));
    // What the run began with is its own: the model's file may go, before and after the first epoch.
    start("c", &["--epochs", "2"]);
    start("d", &["--epochs", "4", "--seed", "1"]);
    fs::remove_file(place.path("m.safetensors")).unwrap();
    let rest = place.run(&["train", "--resume", "c", "--epochs", "4", "--json"]).lines();
    assert_eq!(untimed_epochs(&rest), untimed_epochs(&whole)[2..]);
    assert!(place.read("c/model.safetensors") == place.read("b/model.safetensors"));
    for gone in ["model.safetensors", "checkpoint.safetensors"] {
        fs::remove_file(place.path("d").join(gone)).unwrap();
    }
    let again = place.run(&["train", "--resume", "d", "--json"]).lines();
    assert_eq!(untimed_epochs(&again), untimed_epochs(&whole));
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    place.run(&["export", "a", "--to", "npz", "--softmax"]).fails(2, &["--softmax", "--to onnx"]);
    place.run(&["export", "a", "--to", "pickle"]).fails(2, &["safetensors", "onnx", "npz"]);
    place.run(&["export", "a"]).fails(2, &["--to"]);
    place.run(&["export", "none", "--to", "npz"]).fails(2, &["cannot read none"]);
    place.run(&["export", "tiny", "--to", "npz"]).fails(2, &["no run here"]);
    let own = ["export", "a", "--to", "onnx", "--out", "a/model.safetensors"];
    place.run(&own).fails(2, &["--out", "would replace what is read from", "name another file"]);
    place.run(&["export", "a", "--to", "npz", "--out", "none/a.npz"]).fails(2, &["none/a.npz"]);
    place.run(&["export", "a", "--to", "npz", "--out", "a.npz"]).ok();
    place
        .run(&["import", "a.npz", "--out", "a.npz"])
        .fails(2, &["--out a.npz would replace what is read from a.npz"]);
    place.run(&["import", "a.npz", "--class-names", "a,b"]).fails(2, &["gives 2 names", "has 3 outputs"]);
    place.run(&["import", "a.npz", "--class-names", "a,b,b"]).fails(2, &["`b` twice"]);
    place.run(&["import", "a/config.json"]).fails(2, &["not a safetensors file, not an .npz and not ONNX"]);
    place.run(&["import", "none.npz"]).fails(2, &["none.npz"]);
    place.run(&["export", "a", "--to", "safetensors", "--out", "t.safetensors"]).ok();
    place.run(&["eval", "t.safetensors", "--data", "tiny"]).fails(2, &["gpu-mlp import"]);
    let init = |args: &[&str]| place.train(&[&["--init", "a", "--out", "b"], args].concat());
    init(&["--hidden", "3"]).fails(2, &["--hidden cannot be combined with --init"]);
    init(&["--activation", "relu"]).fails(2, &["--activation cannot be combined with --init"]);
    init(&["--scale", "none"]).fails(2, &["--scale cannot be combined with --init"]);
    place.train(&["--init", "none", "--out", "b"]).fails(2, &["cannot read", "none: No such file"]);
    let other = ["train", "--init", "a", "--data", "digits", "--out", "b"];
    place.run(&other).fails(2, &["the model has 16 inputs", "784"]);
    assert!(!place.path("b").exists(), "a mistake leaves no folder behind");
    // A foreign file: what is not said is taken for granted, and said.
    let said = place.run(&[
        "import",
        "a.npz",
        "--inputs",
        "values",
        "--class-names",
        "x,y,z",
        "--activation",
        "tanh",
    ]);
    assert!(said.out.contains("16-7-3, tanh") && said.err.is_empty(), "it knows all about itself: {said:?}");
}
