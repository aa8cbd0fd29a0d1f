//! `gpu-mlp train` with other optimisers, schedules and activations, and `--config`: what holds, and what is refused.

use gpu_mlp::network::Activation;
use std::fs;

use serde_json::{Value, json};

use crate::program::{Place, lines, untimed_epochs};

fn config(place: &Place, run: &str) -> Value {
    serde_json::from_str(&place.text(&format!("{run}/config.json"))).unwrap()
}

#[track_caller]
fn same_model(place: &Place, one: &str, other: &str) {
    let read = |run: &str| place.read(&format!("{run}/model.safetensors"));
    assert!(read(one) == read(other), "{one} and {other} have other models");
}

/// Every option that is not as by default.
const EVERYTHING: [&str; 18] = [
    "--optimizer",
    "adamw",
    "--activation",
    "gelu",
    "--dropout",
    "0.25",
    "--label-smoothing",
    "0.1",
    "--clip-norm",
    "0.5",
    "--lr-schedule",
    "step",
    "--lr-step-epochs",
    "2",
    "--lr-gamma",
    "0.5",
    "--warmup-epochs",
    "0.5",
];

#[test]
fn an_optimiser_brings_its_own_defaults() {
    let place = Place::new();
    for (optimizer, lr, weight_decay) in [("sgd", 0.1, 0.0), ("adam", 0.001, 0.0), ("adamw", 0.001, 0.01)] {
        let start = place.trained(optimizer, &["--optimizer", optimizer, "--epochs", "1"]).remove(0);
        for from in [&start, &config(&place, optimizer)] {
            let near = |key: &str, want: f64| (from[key].as_f64().unwrap() - want).abs() < 1e-8;
            assert!(near("lr", lr) && near("weight_decay", weight_decay), "{from}");
            assert_eq!(from["optimizer"], optimizer);
        }
    }
    place.trained("own", &["--optimizer", "adam", "--lr", "0.01", "--epochs", "1"]);
    assert!((config(&place, "own")["lr"].as_f64().unwrap() - 0.01).abs() < 1e-8);
}

#[test]
fn a_file_of_options_and_flags_make_the_same_run() {
    let place = Place::new();
    place.trained("flags", &[&EVERYTHING[..], &["--epochs", "3"]].concat());
    let file = "# dashes or underscores\nbatch-size = 8\nhidden = [7]\noptimizer = \"adamw\"\nactivation = \"gelu\"\n\
                dropout = 0.25\nlabel_smoothing = 0.1\nclip-norm = 0.5\nlr-schedule = \"step\"\nlr-step-epochs = 2\n\
                lr-gamma = 0.5\nwarmup-epochs = 0.5\nepochs = 3\ndata = \"tiny\"\nbackend = \"cpu\"\n";
    fs::write(place.path("mine.toml"), file).unwrap();
    place.run(&["train", "--config", "mine.toml", "--out", "file"]).ok();
    same_model(&place, "flags", "file");
    assert_eq!(config(&place, "flags"), config(&place, "file"));
    // What a run wrote is read again, too.
    place.run(&["train", "--config", "flags/config.json", "--out", "again"]).ok();
    same_model(&place, "flags", "again");
    // Flags win; a default of the command line is no flag.
    place.run(&["train", "--config", "mine.toml", "--epochs", "1", "--seed", "9", "--out", "won"]).ok();
    let won = config(&place, "won");
    assert_eq!((&won["epochs"], &won["seed"], &won["dropout"]), (&json!(1), &json!(9), &json!(0.25)));
    // The file's optimiser has its defaults, and a flag's has its own.
    fs::write(place.path("adam.toml"), "optimizer = 'adam'\nbatch-size = 8").unwrap();
    place.train(&["--config", "adam.toml", "--epochs", "1", "--out", "adam"]).ok();
    place.train(&["--config", "adam.toml", "--optimizer", "sgd", "--epochs", "1", "--out", "sgd"]).ok();
    let lr = |run| config(&place, run)["lr"].as_f64().unwrap();
    assert!((lr("adam") - 0.001).abs() < 1e-8 && (lr("sgd") - 0.1).abs() < 1e-8);
}

#[test]
fn files_that_cannot_be_meant_are_refused() {
    let place = Place::new();
    let cases = [
        ("momentun = 0.9", vec!["there is no option `momentun`", "did you mean `momentum`?", "weight-decay"]),
        ("lr_shedule = 'step'", vec!["did you mean `lr-schedule`?"]),
        ("xyz = 1", vec!["there is no option `xyz`\n"]),
        ("out = 'here'", vec!["there is no option `out`"]),
        ("lr = 'fast'", vec!["lr: invalid type: string \"fast\", expected f32", "such as lr = 0.1"]),
        ("optimizer = 'adan'", vec!["unknown variant `adan`", "`sgd`", "`adam`", "`adamw`"]),
        ("hidden = '300,75'", vec!["hidden: invalid type", "such as hidden = [300,75]"]),
        ("epochs = -1", vec!["epochs: invalid value"]),
        ("epochs = 0", vec!["--epochs 0: expected 1 or more"]),
        ("dropout = 1.5", vec!["--dropout 1.5: expected"]),
        ("backend = 'cuda'", vec!["cuda"]),
        ("lr = 0.1\nlr = 0.2", vec!["mine.toml", "duplicate key"]),
        ("batch-size = 8\nbatch_size = 9", vec!["is given twice"]),
        ("lr 0.1", vec!["line 1", "one option per line"]),
    ];
    for (text, fragments) in cases {
        fs::write(place.path("mine.toml"), text).unwrap();
        place.run(&["train", "--config", "mine.toml"]).fails(2, &fragments);
    }
    place.run(&["train", "--config", "absent.toml"]).fails(2, &["cannot read absent.toml"]);
    place.run(&["train", "--config", "tiny"]).fails(2, &["cannot read tiny"]);
    fs::write(place.path("cut.json"), "{\"lr\": 0.1").unwrap();
    place.run(&["train", "--config", "cut.json"]).fails(2, &["cut.json", "EOF"]);
    fs::write(place.path("large.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    place.run(&["train", "--config", "large.toml"]).fails(2, &["larger than 1 MiB"]);
    place.run(&["train", "--config", "mine.toml", "--resume", "a"]).fails(2, &["cannot be used with"]);
    assert!(!place.path("runs").exists(), "a mistake leaves no folder behind");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let place = Place::new();
    let cases: [(&[&str], &str); 8] = [
        (&["--optimizer", "adan"], "adamw"),
        (&["--optimizer", "adam", "--momentum", "0.9"], "belong to --optimizer sgd"),
        (&["--nesterov"], "add --momentum 0.9"),
        (&["--lr-schedule", "step"], "--lr-step-epochs"),
        (&["--lr-schedule", "onecycle"], "one-cycle"),
        (&["--dropout", "-0.1"], "--dropout -0.1: expected a number from 0 to less than 1"),
        (&["--clip-norm", "0"], "--clip-norm 0: expected"),
        (&["--activation", "swish"], "gelu"),
    ];
    for (args, fragment) in cases {
        place.train(&[args, &["--batch-size", "8"]].concat()).fails(2, &[fragment]);
    }
}

#[test]
fn epochs_added_by_resuming_are_those_of_a_straight_run() {
    let place = Place::new();
    place.trained("straight", &[&EVERYTHING[..], &["--epochs", "5"]].concat());
    place.trained("cut", &[&EVERYTHING[..], &["--epochs", "2"]].concat());
    place.run(&["train", "--resume", "cut", "--epochs", "5", "--quiet"]).ok();
    same_model(&place, "straight", "cut");
    assert!(
        place.read("straight/checkpoint.safetensors") == place.read("cut/checkpoint.safetensors"),
        "moments and steps, too"
    );
    assert_eq!(
        untimed_epochs(&lines(&place.text("straight/metrics.jsonl"))),
        untimed_epochs(&lines(&place.text("cut/metrics.jsonl")))
    );
    let refused = place.run(&["train", "--resume", "cut", "--dropout", "0.5"]);
    refused.fails(2, &["--dropout 0.5 differs from the run's 0.25"]);
    // A schedule that ends with the run is another if the run is longer.
    place.trained("cosine", &["--lr-schedule", "cosine", "--epochs", "2"]);
    let ran = place.run(&["train", "--resume", "cosine", "--epochs", "4"]);
    assert!(ran.err.contains("the schedule of the learning rate now spans 4 epochs, not 2"), "{}", ran.err);
    ran.ok();
}

#[test]
fn eval_applies_the_model_s_activation() {
    let place = Place::new();
    for activation in Activation::ALL.map(Activation::name) {
        let args =
            ["--activation", activation, "--dropout", "0.2", "--label-smoothing", "0.1", "--epochs", "3"];
        let end = place.trained(activation, &args).pop().unwrap();
        let score = place.run(&["eval", activation, "--backend", "cpu", "--json"]).lines().remove(0);
        for (trained, measured) in [("test_loss", "loss"), ("test_accuracy", "accuracy")] {
            let (trained, measured) = (end[trained].as_f64().unwrap(), score[measured].as_f64().unwrap());
            assert!((trained - measured).abs() < 1e-6, "{activation}: {end} {score}");
        }
    }
}

#[test]
fn a_run_that_stops_early_keeps_its_best_network() {
    let place = Place::new();
    let args = [
        "--validation-fraction",
        "0.3",
        "--early-stopping",
        "2",
        "--epochs",
        "200",
        "--optimizer",
        "adam",
        "--lr",
        "0.3",
    ];
    let printed = place.trained("a", &args);
    let end = printed.last().unwrap();
    assert_eq!(end["outcome"], "stopped_early");
    let epochs = &printed[1..printed.len() - 1];
    let loss = |line: &Value| line["validation_loss"].as_f64().unwrap();
    let best = epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
    assert_eq!(end["model_epoch"], best["epoch"]);
    assert_eq!(end["epochs"], epochs.len());
    assert_eq!((&end["test_loss"], &end["test_accuracy"]), (&best["test_loss"], &best["test_accuracy"]));
    let score = place.run(&["eval", "a", "--backend", "cpu", "--json"]).lines().remove(0);
    assert!((score["loss"].as_f64().unwrap() - best["test_loss"].as_f64().unwrap()).abs() < 1e-6);
    // Going on with it changes nothing.
    let model = place.read("a/model.safetensors");
    let again = place.run(&["train", "--resume", "a"]).ok();
    assert!(again.contains(&format!("from epoch {}, the best", best["epoch"])), "{again}");
    assert!(place.read("a/model.safetensors") == model);
}

#[test]
fn a_run_of_the_first_version_goes_on() {
    // Its config.json had none of the newer options.
    let place = Place::new();
    place.trained("straight", &["--epochs", "4", "--momentum", "0.5"]);
    place.trained("old", &["--epochs", "2", "--momentum", "0.5"]);
    let mut old = config(&place, "old");
    let newer =
        ["activation", "optimizer", "nesterov", "lr_schedule", "lr_step_epochs", "lr_gamma", "lr_min"];
    for key in newer.into_iter().chain(["warmup_epochs", "dropout", "label_smoothing", "clip_norm"]) {
        assert!(old.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    fs::write(place.path("old/config.json"), old.to_string()).unwrap();
    place.run(&["train", "--resume", "old", "--epochs", "4"]).ok();
    same_model(&place, "straight", "old");
}
