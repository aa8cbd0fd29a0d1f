//! `gpu-mlp eval` and `gpu-mlp devices`.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Place, Ran};

#[test]
fn eval_agrees_with_the_run_s_last_test() {
    let place = Place::new();
    let end = place.trained("a", &["--epochs", "4"]).pop().unwrap();
    let run = place.run(&["eval", "a", "--backend", "cpu", "--json"]).lines();
    let model = ["eval", "a/model.safetensors", "--backend", "cpu", "--data", "tiny", "--json"];
    assert_eq!(run, place.run(&model).lines(), "a run and its model");
    assert_eq!(run.len(), 1);
    let report = &run[0];
    assert_eq!(
        (&report["data"], &report["split"], &report["samples"]),
        (&json!("tiny"), &json!("test"), &json!(20))
    );
    assert_eq!(report["accuracy"], end["test_accuracy"]);
    assert_eq!(report["loss"], end["test_loss"]);
    check_matrix(report, 20, 3);
    let train = place.run(&[&model[..], &["--split", "train"]].concat()).lines();
    assert_eq!((&train[0]["split"], &train[0]["samples"]), (&json!("train"), &json!(60)));
    check_matrix(&train[0], 60, 3);
}

/// The matrix counts every sample, in the row of its class, and its diagonal is the accuracy.
#[track_caller]
fn check_matrix(report: &Value, samples: u64, classes: usize) {
    let matrix: Vec<Vec<u64>> = serde_json::from_value(report["confusion_matrix"].clone()).unwrap();
    assert!(matrix.len() == classes && matrix.iter().all(|row| row.len() == classes), "{matrix:?}");
    assert_eq!(matrix.iter().flatten().sum::<u64>(), samples);
    // The classes of the tiny set take turns.
    for (class, row) in matrix.iter().enumerate() {
        assert_eq!(
            row.iter().sum::<u64>(),
            (samples - class as u64).div_ceil(classes as u64),
            "class {class}"
        );
    }
    let hits: u64 = (0..classes).map(|class| matrix[class][class]).sum();
    assert_eq!(hits as f64 / samples as f64, report["accuracy"].as_f64().unwrap());
}

#[test]
fn eval_prints_a_table_for_people() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let out = place.run(&["eval", "a", "--backend", "cpu"]).ok();
    assert!(out.starts_with("tiny, 20 test samples: accuracy ") && out.contains(" %, loss "), "{out}");
    assert!(out.contains("confusion matrix") && out.lines().count() == 11, "{out}");
}

#[test]
fn eval_refuses_what_is_no_model_or_does_not_fit() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let eval = |args: &[&str]| place.run(&[&["eval", "--backend", "cpu", "--json"], args].concat());
    eval(&["absent"]).fails(2, &["cannot read absent"]);
    eval(&["tiny"]).fails(2, &["no run here"]);
    eval(&["a/config.json", "--data", "tiny"]).fails(2, &["a/config.json", "not a safetensors file"]);
    eval(&["a/checkpoint.safetensors", "--data", "tiny"]).fails(2, &["metadata cannot be understood"]);
    eval(&["a", "--data", "digits"]).fails(2, &["the model has 16 inputs", "784 features", "--data"]);
    fs::remove_file(place.path("a/model.safetensors")).unwrap();
    eval(&["a"]).fails(2, &["this run has no model yet", "--resume a"]);
    eval(&[]).fails(2, &["RUN_OR_MODEL"]);
}

/// `devices` on a machine whose Vulkan drivers cannot be found.
fn devices(place: &Place, args: &[&str]) -> Ran {
    let args = [&["devices"], args].concat();
    let hidden = place.path("nothing.json");
    place
        .command(&args)
        .env("VK_DRIVER_FILES", &hidden)
        .env("VK_ICD_FILENAMES", &hidden)
        .output()
        .unwrap()
        .into()
}

#[test]
fn devices_works_without_vulkan() {
    let place = Place::new();
    let listed = devices(&place, &["--json"]).lines();
    assert_eq!(listed.len(), 1);
    let listing = &listed[0];
    let adapters = listing["adapters"].as_array().unwrap();
    assert!(adapters.iter().all(|adapter| adapter["backend"] != "vulkan"), "{listing}");
    let mut keys: Vec<&String> = listing.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["adapters", "backends", "chosen", "notice"]);
    let out = devices(&place, &[]).ok();
    assert!(out.contains("chosen: "), "{out}");
    assert!(!adapters.is_empty() || out.contains("no adapters"), "{out}");
}

#[test]
fn devices_lists_what_matters_of_each_adapter() {
    let place = Place::new();
    let listed = place.run(&["devices", "--json"]).lines();
    for (index, adapter) in listed[0]["adapters"].as_array().unwrap().iter().enumerate() {
        assert_eq!(adapter["index"], index);
        assert!(["name", "backend", "device_type", "driver"].iter().all(|key| adapter[key].is_string()));
        assert!(adapter["max_storage_buffer_binding_size"].is_u64() && adapter["max_buffer_size"].is_u64());
        assert!(adapter["compute"].is_boolean());
    }
    let cpu = place.run(&["devices", "--json", "--backend", "cpu"]).lines();
    assert_eq!(cpu[0]["chosen"], Value::Null);
}

#[test]
fn train_takes_what_devices_says() {
    let place = Place::new();
    let chosen = &devices(&place, &["--json"]).lines()[0]["chosen"];
    let hidden = place.path("nothing.json");
    let mut command = place.command(&["train", "--data", "tiny", "--dry-run", "--batch-size", "8", "--json"]);
    let ran: Ran =
        command.env("VK_DRIVER_FILES", &hidden).env("VK_ICD_FILENAMES", &hidden).output().unwrap().into();
    if chosen.is_null() {
        let notes: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("note: ")).collect();
        assert_eq!(notes.len(), 1, "one line says so: {}", ran.err);
        assert!(notes[0].contains("the CPU is used"), "{}", ran.err);
        assert_eq!(ran.lines()[0]["backend"], "cpu");
    } else {
        assert_ne!(ran.lines()[0]["backend"], "cpu");
    }
}
