//! `gpu-mlp train`: what it prints, what it keeps, and that it repeats.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use gpu_mlp::training::checkpoint::load_model;
use serde_json::{Value, json};

use crate::program::{Place, events, lines, untimed_epochs};

#[test]
fn people_read_what_is_trained_and_how_it_goes() {
    let place = Place::new();
    let ran = place.train(&["--hidden", "7", "--epochs", "2", "--batch-size", "8", "--out", "a"]);
    assert_eq!(ran.err, "", "no bar off a terminal, and nothing to note");
    let out = ran.ok();
    let first: Vec<&str> = out.lines().take(6).collect();
    assert!(first[0].starts_with("data     tiny (") && first[0].contains("60 training, 20 test"), "{out}");
    assert_eq!(first[1], "network  16-7-3, 143 parameters");
    assert!(first[2].starts_with("device   cpu: "), "{out}");
    assert_eq!((first[3], first[4]), ("run      a", ""));
    assert!(first[5].starts_with("epoch ") && first[5].contains("samples/s"), "{out}");
    let epochs: Vec<&str> =
        out.lines().skip(6).take(2).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(epochs, ["1", "2"]);
    assert!(out.contains("\ntest accuracy ") && out.contains("after 2 epochs"), "{out}");
    assert!(out.contains("model.safetensors") && !out.contains('\u{1b}'), "{out}");
}

#[test]
fn quiet_says_nothing_but_does_everything() {
    let place = Place::new();
    let ran = place.run(&[
        "train",
        "--backend",
        "cpu",
        "--data",
        "tiny",
        "--quiet",
        "--epochs",
        "1",
        "--out",
        "a",
        "--batch-size",
        "8",
    ]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(events(&lines(&place.text("a/metrics.jsonl"))), ["start", "epoch", "end"]);
    // Nothing about the choice of data either.
    let ran = place.run(&["train", "--backend", "cpu", "--quiet", "--dry-run"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
}

#[test]
fn json_lines_have_the_documented_keys() {
    let place = Place::new();
    let printed = place.trained("a", &["--epochs", "3", "--seed", "5"]);
    assert_eq!(events(&printed), ["start", "epoch", "epoch", "epoch", "end"]);
    let start = &printed[0];
    let want = json!({
        "backend": "cpu", "device_type": "cpu", "layers": [16, 7, 3], "parameters": 143,
        "train_samples": 60, "test_samples": 20, "data": "tiny", "seed": 5,
    });
    for (key, value) in want.as_object().unwrap() {
        assert_eq!(&start[key], value, "{key}");
    }
    assert!(start["adapter"].as_str().unwrap().contains("thread"));
    let epoch_keys = [
        "epoch",
        "event",
        "samples_per_second",
        "seconds",
        "test_accuracy",
        "test_loss",
        "train_accuracy",
        "train_loss",
        "validation_accuracy",
        "validation_loss",
    ];
    for (i, line) in printed[1..4].iter().enumerate() {
        let mut keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, epoch_keys);
        assert_eq!(line["epoch"], i + 1);
        assert_eq!((&line["validation_loss"], &line["validation_accuracy"]), (&Value::Null, &Value::Null));
        for part in ["train_accuracy", "test_accuracy"] {
            assert!((0.0..=1.0).contains(&line[part].as_f64().unwrap()), "{line}");
        }
        assert!(
            ["train_loss", "test_loss", "seconds", "samples_per_second"]
                .iter()
                .all(|key| line[key].as_f64().unwrap() > 0.0)
        );
    }
    let (last, end) = (&printed[3], &printed[4]);
    assert_eq!((&end["test_accuracy"], &end["test_loss"]), (&last["test_accuracy"], &last["test_loss"]));
    assert_eq!((&end["run_dir"], end["seconds"].as_f64().unwrap() > 0.0), (&json!("a"), true));
    let held_out = place.trained("b", &["--epochs", "1", "--validation-fraction", "0.2"]);
    assert!(
        held_out[1]["validation_loss"].as_f64().unwrap() > 0.0
            && held_out[1]["validation_accuracy"].is_number()
    );
}

#[test]
fn a_run_keeps_its_configuration_metrics_and_model() {
    let place = Place::new();
    let ran = place.train(&[
        "--hidden",
        "6,5",
        "--batch-size",
        "9",
        "--epochs",
        "2",
        "--momentum",
        "0.5",
        "--json",
        "--out",
        "a/b",
    ]);
    assert_eq!(ran.err, "");
    let out = ran.ok();
    assert_eq!(
        place.names("a/b"),
        [".lock", "checkpoint.safetensors", "config.json", "metrics.jsonl", "model.safetensors"]
    );
    assert_eq!(place.text("a/b/metrics.jsonl"), out, "the lines that were printed");
    let config: Value = serde_json::from_str(&place.text("a/b/config.json")).unwrap();
    let want = json!({
        "backend": "cpu", "adapter": null, "hidden": [6, 5], "batch_size": 9, "epochs": 2, "momentum": 0.5,
        "weight_decay": 0.0, "seed": 1, "validation_fraction": 0.0, "early_stopping": null,
        "overfit_batches": null, "dry_run": false,
    });
    for (key, value) in want.as_object().unwrap() {
        assert_eq!(&config[key], value, "{key}");
    }
    assert!((config["lr"].as_f64().unwrap() - 0.1).abs() < 1e-7);
    let data = config["data"].as_str().unwrap();
    assert!(data.ends_with("tiny") && fs::metadata(data).unwrap().is_dir(), "{data} is a place, not a name");
    let (model, _) = load_model(&place.path("a/b/model.safetensors")).unwrap();
    assert_eq!(model.spec().unwrap().sizes(), [16, 6, 5, 3]);
}

#[test]
fn the_default_folder_has_the_time_and_the_data_in_its_name() {
    let place = Place::new();
    for _ in 0..2 {
        place.train(&["--dry-run", "--batch-size", "8", "--quiet"]).ok();
    }
    let names = place.names("runs");
    assert_eq!(names.len(), 2, "{names:?}: a second run in the same second has a folder of its own");
    for name in names {
        let (time, data) = name.split_at(20);
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00-00-00Z", "{name}");
        assert!(data.starts_with("-tiny"), "{name}");
    }
}

#[test]
fn a_folder_that_holds_a_run_is_not_overwritten_unasked() {
    let place = Place::new();
    place.trained("a", &["--epochs", "2"]);
    let (model, metrics) = (place.read("a/model.safetensors"), place.read("a/metrics.jsonl"));
    let refused = place.train(&["--out", "a", "--epochs", "1", "--batch-size", "8"]);
    refused.fails(2, &["a already holds a run", "--resume", "--overwrite"]);
    assert!(place.read("a/model.safetensors") == model && place.read("a/metrics.jsonl") == metrics);
    place.trained("a", &["--epochs", "1", "--overwrite", "--seed", "2"]);
    assert_eq!(
        events(&lines(&place.text("a/metrics.jsonl"))),
        ["start", "epoch", "end"],
        "nothing of the old run"
    );
    assert!(place.read("a/model.safetensors") != model);
    // A folder with other things in it is no run.
    fs::create_dir(place.path("b")).unwrap();
    fs::write(place.path("b/notes.txt"), "mine").unwrap();
    place.trained("b", &["--epochs", "1"]);
    assert_eq!(place.text("b/notes.txt"), "mine");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let place = Place::new();
    let args = ["--epochs", "3", "--momentum", "0.9", "--validation-fraction", "0.1", "--lr", "0.05"];
    let (a, b) = (place.trained("a", &args), place.trained("b", &args));
    assert_eq!(untimed_epochs(&a), untimed_epochs(&b));
    for file in ["model.safetensors", "checkpoint.safetensors"] {
        assert!(place.read(&format!("a/{file}")) == place.read(&format!("b/{file}")), "{file}");
    }
    let c = place.trained("c", &[&args[..], &["--seed", "2"]].concat());
    assert_ne!(untimed_epochs(&a), untimed_epochs(&c));
    assert!(place.read("a/model.safetensors") != place.read("c/model.safetensors"));
}

#[test]
fn no_hidden_layer_is_softmax_regression() {
    let place = Place::new();
    let printed = place.train(&["--hidden", "", "--batch-size", "8", "--epochs", "20", "--json"]).lines();
    assert_eq!((&printed[0]["layers"], &printed[0]["parameters"]), (&json!([16, 3]), &json!(51)));
    assert!(printed.last().unwrap()["test_accuracy"].as_f64().unwrap() > 0.8);
    let default = place.train(&["--dry-run", "--batch-size", "8", "--json"]).lines();
    assert_eq!(default[0]["layers"], json!([16, 300, 75, 3]));
}

#[test]
fn early_stopping_says_so() {
    let place = Place::new();
    // So large a step that the validation loss soon gets worse.
    let args = ["--validation-fraction", "0.3", "--early-stopping", "1", "--epochs", "2000", "--lr", "0.9"];
    let printed = place.trained("a", &args);
    let end = printed.last().unwrap();
    assert_eq!((&end["event"], &end["outcome"]), (&json!("end"), &json!("stopped_early")));
    assert_eq!(end["epochs"], printed.len() - 2);
    let out = place.train(&[&args[..], &["--hidden", "7", "--batch-size", "8", "--out", "b"]].concat()).ok();
    assert!(out.contains("stopped early: no lower validation loss for 1 epoch\n"), "{out}");
}

#[test]
fn without_data_it_is_mnist_if_here_else_digits_with_a_notice() {
    let place = Place::new();
    let args = ["train", "--backend", "cpu", "--dry-run", "--json", "--batch-size", "8"];
    let ran = place.run(&args);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("digits") && ran.err.contains("gpu-mlp data fetch mnist"), "{}", ran.err);
    assert_eq!(ran.lines()[0]["data"], "digits");
    crate::tiny::write(&place.path("sets/mnist"));
    let ran: crate::program::Ran =
        place.command(&args).env("GPU_MLP_DATA_DIR", place.path("sets")).output().unwrap().into();
    // Of ten digits the tiny set has three.
    let lack = |part: &str| format!("note: there are no {part} samples of class 3, 4, 5, 6, 7 and 2 more\n");
    assert_eq!(ran.err, lack("training") + &lack("test"));
    let start = &ran.lines()[0];
    assert_eq!((&start["data"], &start["train_samples"]), (&json!("mnist"), &json!(8)));
    let ran = place.run(&[&args[..], &["--data", "mnist", "--data-dir", "sets"]].concat());
    assert_eq!(ran.lines()[0]["layers"], json!([16, 300, 75, 10]), "ten classes, whatever labels there are");
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let place = Place::new();
    let args =
        ["train", "--backend", "cpu", "--data", "tiny", "--batch-size", "8", "--epochs", "5", "--out", "a"];
    for mode in [&["--json"][..], &["--overwrite"]] {
        let args = [&args[..], mode].concat();
        let mut command = place.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ran: crate::program::Ran = child.wait_with_output().unwrap().into();
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{mode:?}");
        let kept = place.text("a/metrics.jsonl");
        assert_eq!(events(&lines(&kept)), ["start", "epoch", "epoch", "epoch", "epoch", "epoch", "end"]);
    }
}

#[test]
fn a_set_smaller_than_a_batch_is_said() {
    let place = Place::new();
    let ran = place.train(&["--hidden", "7", "--epochs", "1", "--out", "a"]);
    let note = "note: there are 60 training samples, fewer than a batch of 64";
    assert!(ran.err.contains(note), "{}", ran.err);
    ran.ok();
    let ran = place.train(&["--hidden", "7", "--epochs", "1", "--batch-size", "60", "--out", "b"]);
    assert!(!ran.err.contains("--batch-size"), "{}", ran.err);
    assert_eq!(place.read("a/model.safetensors"), place.read("b/model.safetensors"), "one step each");
}
