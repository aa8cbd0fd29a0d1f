//! Ensembles: their members are the trainings that `train` does alone, and what they say together is the mean of what each says.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Place, Ran, lines};

impl Place {
    /// `train --ensemble` on the CPU and the tiny set.
    fn ensemble(&self, args: &[&str]) -> Ran {
        let small = ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8"];
        self.run(&[&small, args].concat())
    }

    fn eval_json(&self, model: &str, args: &[&str]) -> Value {
        self.run(&[&["eval", model, "--backend", "cpu", "--json"], args].concat()).lines().remove(0)
    }
}

/// The columns of a CSV file that begin so, as numbers, row by row.
fn numbers(text: &str, column: &str) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let wanted: Vec<usize> = (0..)
        .zip(reader.headers().unwrap())
        .filter(|(_, name)| name.starts_with(column))
        .map(|(at, _)| at)
        .collect();
    assert!(!wanted.is_empty(), "{text}");
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    rows.iter()
        .flat_map(|row| wanted.iter().map(|&at| row[at].parse().unwrap()).collect::<Vec<f64>>())
        .collect()
}

/// That the answers of an ensemble of three are the mean of its members'.
#[track_caller]
fn check_mean(place: &Place, folder: &str, column: &str) {
    let answers = |model: &str| {
        place.run(&["eval", model, "--backend", "cpu", "--predictions", "answers.csv"]).ok();
        numbers(&place.text("answers.csv"), column)
    };
    let together = answers(folder);
    let each: Vec<Vec<f64>> = (1..=3).map(|member| answers(&format!("{folder}/member-{member}"))).collect();
    for (at, value) in together.iter().enumerate() {
        let mean = each.iter().map(|own| own[at]).sum::<f64>() / 3.0;
        assert!((value - mean).abs() <= 1e-5 * mean.abs().max(1.0), "{column} {at}: {value} {mean}");
    }
}

#[test]
fn a_member_is_the_training_that_train_does_with_its_seed_and_one_thread() {
    let place = Place::new();
    let printed = place.ensemble(&["--ensemble", "3", "--seed", "5", "--epochs", "3", "--out", "e"]).ok();
    assert!(printed.contains("3 members, with the seeds 5 to 7"), "{printed}");
    assert!(printed.contains("member 2 of 3: test accuracy"), "{printed}");
    for (member, seed) in [(1, "5"), (2, "6"), (3, "7")] {
        let alone = format!("alone-{member}");
        place.trained(&alone, &["--seed", seed, "--epochs", "3", "--threads", "1"]);
        let model = |folder: &str| place.read(&format!("{folder}/model.safetensors"));
        assert!(model(&alone) == model(&format!("e/member-{member}")), "member {member}");
    }
    let scores: Value = serde_json::from_slice(&place.read("e/scores.json")).unwrap();
    let loss = |value: &Value| value["test_loss"].as_f64().unwrap();
    let each: Vec<f64> = scores["scores"].as_array().unwrap().iter().map(loss).collect();
    assert!((loss(&scores["mean"]) - each.iter().sum::<f64>() / 3.0).abs() < 1e-12, "{scores}");
    assert!(loss(&scores["lowest"]) <= loss(&scores["mean"]) && loss(&scores["deviation"]) > 0.0, "{scores}");
    // By Jensen's inequality the loss of mean probabilities is at most the mean of the losses.
    assert!(loss(&scores) < loss(&scores["mean"]), "{scores}");
    let found = place.eval_json("e", &[]);
    assert!((found["loss"].as_f64().unwrap() - loss(&scores)).abs() < 1e-9, "{found}");
    assert_eq!(found["ensemble"]["members"].as_array().unwrap().len(), 3);
    let second = place.eval_json("e/member-2", &[]);
    assert_eq!(found["ensemble"]["members"][1]["loss"], second["loss"]);
    assert_eq!(second.get("ensemble"), None);
    check_mean(&place, "e", "probability");
    assert!(place.run(&["runs", "e"]).ok().contains("member-3"));
}

#[test]
fn labels_and_numbers_are_averaged_too() {
    let place = Place::new();
    place.write_labels_and_prices("set.csv");
    let train = |out: &str, args: &[&str]| {
        let common =
            ["train", "--backend", "cpu", "--data", "set.csv", "--hidden", "8", "--batch-size", "16"];
        place.run(&[&common[..], &["--epochs", "4", "--ensemble", "3", "--out", out], args].concat()).ok()
    };
    let printed = train("labels", &["--label-column", "p,q", "--exclude", "price"]);
    assert!(printed.contains("exact match"), "{printed}");
    check_mean(&place, "labels", "probability");
    let printed = train("price", &["--label-column", "price", "--exclude", "p,q"]);
    assert!(printed.contains("R²"), "{printed}");
    check_mean(&place, "price", "predicted");
    let evaluated = place.run(&["eval", "price", "--backend", "cpu"]).ok();
    assert!(evaluated.contains("RMSE") && evaluated.contains("ensemble"), "{evaluated}");
    // Behind each number stands how far the members are from one another.
    let printed = place.run(&["predict", "price", "set.csv", "--json"]).lines();
    let answers: Vec<f64> = (1..=3)
        .map(|member| place.run(&["predict", &format!("price/member-{member}"), "set.csv", "--json"]).lines())
        .map(|lines| lines[7]["outputs"][0]["value"].as_f64().unwrap())
        .collect();
    let mean = answers.iter().sum::<f64>() / 3.0;
    let deviation = (answers.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    let said = printed[7]["outputs"][0]["deviation"].as_f64().unwrap();
    assert!((said - deviation).abs() < 1e-3 * deviation, "{said} {deviation}");
    let text = place.run(&["predict", "labels", "set.csv"]).ok();
    assert!(text.lines().next().unwrap().contains(" ± "), "{text}");
    for (folder, charts) in [("labels", "Labels"), ("price", "Targets")] {
        place.run(&["report", folder, "--backend", "cpu"]).ok();
        let page = place.text("report.html");
        assert!(page.contains("Ensemble") && page.contains("deviation") && page.contains(charts), "{folder}");
    }
}

#[test]
fn what_is_left_is_done_when_an_ensemble_is_continued() {
    let place = Place::new();
    let options = ["--ensemble", "3", "--epochs", "300", "--quiet"];
    place.ensemble(&[&options[..], &["--out", "whole"]].concat()).ok();
    let common = ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8"];
    let mut child =
        place.command(&[&common[..], &options, &["--out", "e", "--threads", "1"]].concat()).spawn().unwrap();
    let begun = Instant::now();
    while !place.path("e/member-2/checkpoint.safetensors").exists()
        && begun.elapsed() < Duration::from_secs(60)
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let code = child.wait().unwrap().code();
    // It may have been faster than the signal.
    assert!([Some(130), Some(0)].contains(&code), "{code:?}");
    let printed = place.run(&["train", "--resume", "e", "--json"]).lines();
    let last = printed.last().unwrap();
    assert_eq!((&last["event"], &last["done"]), (&json!("ensemble"), &json!(3)));
    let same = |member: usize| {
        let model = |folder: &str| place.read(&format!("{folder}/member-{member}/model.safetensors"));
        model("e") == model("whole")
    };
    assert!((1..=3).all(same));
    // More epochs are more epochs for each of them.
    place.run(&["train", "--resume", "e", "--epochs", "301", "--quiet"]).ok();
    let ends: Vec<Value> = (1..=3)
        .map(|member| lines(&place.text(&format!("e/member-{member}/metrics.jsonl"))).pop().unwrap())
        .collect();
    assert!(ends.iter().all(|end| end["epochs"] == 301), "{ends:?}");
    place.run(&["train", "--resume", "e", "--ensemble", "4"]).fails(2, &["--ensemble 4 differs"]);
    place.run(&["train", "--resume", "e", "--lr", "1"]).fails(2, &["--lr 1"]);
}

#[test]
fn a_member_that_diverged_is_left_out_and_said() {
    let place = Place::new();
    let options = ["--ensemble", "3", "--epochs", "2", "--out", "e", "--json"];
    place.ensemble(&options).ok();
    let whole = place.eval_json("e", &[]);
    fs::write(place.path("e/member-2/diverged.txt"), "training diverged in epoch 2\n").unwrap();
    let ran = place.run(&["eval", "e", "--backend", "cpu", "--json"]);
    assert!(ran.err.contains("member 2 diverged and is left out"), "{ran:?}");
    let without = ran.lines().remove(0);
    let members: Vec<&Value> =
        without["ensemble"]["members"].as_array().unwrap().iter().map(|member| &member["member"]).collect();
    assert_eq!(members, [1, 3]);
    assert_ne!(without["loss"], whole["loss"]);
    // It stays as it is, unless its learning rate is to be halved.
    let resumed = place.run(&["train", "--resume", "e", "--json"]).lines();
    assert_eq!(resumed.last().unwrap()["scores"][1]["stand"], "diverged");
    place.run(&["train", "--resume", "e", "--on-divergence", "lower-lr", "--quiet"]).ok();
    assert!(!place.path("e/member-2/diverged.txt").exists());
    assert_eq!(place.eval_json("e", &[]), whole);

    let nobody = place.ensemble(&["--ensemble", "2", "--lr", "1e30", "--out", "none"]);
    assert_eq!(nobody.code, Some(5), "{nobody:?}");
    assert!(
        nobody.out.contains("diverged") && nobody.err.contains("training diverged in epoch 1"),
        "{nobody:?}"
    );
    place.run(&["eval", "none"]).fails(2, &["no member of this ensemble has a model"]);
    place
        .run(&["train", "--resume", "none", "--quiet"])
        .fails(2, &["every member of this ensemble has diverged"]);
}

#[test]
fn every_member_stops_for_itself() {
    let place = Place::new();
    // A fifth of the labels is wrong, so networks that learn them by heart get worse.
    let mut table = String::from("a,b,species\n");
    for row in 0..150 {
        let (a, b) = (row * 37 % 101, row * 53 % 97);
        table += &format!("{a},{b},{}\n", ["u", "v"][usize::from((a > 50) != (row * 29 % 103 < 20))]);
    }
    fs::write(place.path("set.csv"), table).unwrap();
    let options = ["--epochs", "200", "--validation-fraction", "0.2", "--early-stopping", "2", "--lr", "0.5"];
    let args = ["train", "--backend", "cpu", "--data", "set.csv", "--hidden", "32", "--batch-size", "8"];
    let printed =
        place.run(&[&args[..], &options, &["--ensemble", "3", "--out", "e", "--json"]].concat()).lines();
    let last = printed.last().unwrap();
    let epochs: Vec<u64> =
        last["scores"].as_array().unwrap().iter().map(|score| score["epochs"].as_u64().unwrap()).collect();
    assert!(epochs.iter().all(|&epochs| epochs < 200), "{epochs:?}");
    assert!(last["validation_loss"].is_number(), "{last}");
    let validation = place.eval_json("e", &["--split", "validation"]);
    assert!((validation["loss"].as_f64().unwrap() - last["validation_loss"].as_f64().unwrap()).abs() < 1e-9);
    // The threshold is the ensemble's, and its members are measured with it.
    let best = place.eval_json("e", &["--threshold", "best"]);
    let member = place.eval_json("e/member-1", &["--threshold", &best["threshold"].to_string()]);
    assert_eq!(best["ensemble"]["members"][0]["accuracy"], member["accuracy"], "{best}");
}

#[test]
fn an_ensemble_is_exported_as_one_model_or_member_by_member() {
    let place = Place::new();
    place.ensemble(&["--ensemble", "2", "--epochs", "1", "--out", "e"]).ok();
    let out = place.run(&["export", "e", "--to", "onnx"]).ok();
    assert!(out.contains("e/model.onnx: input [batch, 16] to probabilities [batch, 3]"), "{out}");
    for to in ["npz", "safetensors"] {
        let hint = format!("gpu-mlp export e/member-1 --to {to}");
        place.run(&["export", "e", "--to", to]).fails(2, &["an ensemble of 2", &hint]);
    }
    place.run(&["import", "e/model.onnx"]).fails(2, &["an ensemble of 2 networks", "member-1 --to onnx"]);
    let inside = ["export", "e", "--to", "onnx", "--out", "e/member-1/model.safetensors"];
    place.run(&inside).fails(2, &["would replace what is read"]);
    place.run(&["trace", "e"]).fails(2, &["the folder of an ensemble", "name one of them"]);
}

#[test]
fn a_folder_is_an_ensemble_or_a_run_and_never_both() {
    let place = Place::new();
    place.ensemble(&["--epochs", "1", "--out", "x"]).ok();
    place.ensemble(&["--ensemble", "2", "--epochs", "1", "--out", "x"]).fails(2, &["already holds a run"]);
    place.run(&["train", "--resume", "x", "--ensemble", "2"]).fails(2, &["holds a single run"]);
    place.ensemble(&["--ensemble", "3", "--epochs", "1", "--out", "x", "--overwrite"]).ok();
    assert!(!place.path("x/config.json").exists());
    place.ensemble(&["--ensemble", "2", "--epochs", "1", "--out", "x", "--overwrite"]).ok();
    assert!(!place.path("x/member-3").exists(), "the older ensemble's");
    place.ensemble(&["--epochs", "1", "--out", "x", "--overwrite"]).ok();
    assert!(!place.path("x/ensemble.json").exists() && !place.path("x/member-1").exists());
}

#[test]
fn what_cannot_be_an_ensemble_is_refused() {
    let place = Place::new();
    fs::write(place.path("o.toml"), "init = \"m.safetensors\"\n").unwrap();
    for (args, fragments) in [
        (&["--ensemble", "1"][..], &["--ensemble 1", "2 to 1000"][..]),
        (&["--ensemble", "1001"], &["--ensemble 1001"]),
        (&["--ensemble", "2", "--folds", "3"], &["--folds", "cannot be used with"]),
        (&["--ensemble", "2", "--init", "m"], &["--init", "cannot be used with"]),
        (&["--ensemble", "2", "--config", "o.toml"], &["have to differ", "leave --init out"]),
        (&["--ensemble", "2", "--seed", "18446744073709551615"], &["member 2 would have none"]),
        (&["--ensemble", "2", "--early-stopping", "2"], &["--validation-fraction"]),
    ] {
        place.ensemble(args).fails(2, fragments);
    }
    assert_eq!(place.names("."), ["home", "o.toml", "tiny"], "nothing was begun");
}
