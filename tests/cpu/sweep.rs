//! Sweeps: their trials, and that each of them is the training that `train` would do alone.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use gpu_mlp::training::sweep::{Axis, Range, Rung, Values, drawn, grid, rungs};
use serde_json::{Value, json};

use crate::program::{Place, Ran, lines};

fn axis(option: &str, text: &str) -> Axis {
    let whole = ["seed", "batch-size"].contains(&option);
    Axis { option: option.to_owned(), values: Values::parse(&[text.to_owned()], whole).unwrap() }
}

#[test]
fn values_are_what_people_write() {
    for (text, whole, expected) in [
        ("0.1", false, "0.1"),
        ("0.1,0.03, 0.1", false, "0.1 0.03"),
        ("1..5", true, "1 2 3 4 5"),
        ("3..3,9", true, "3 9"),
        ("0..0.5:6", false, "0 0.1 0.2 0.3 0.4 0.5"),
        ("0..1:5", false, "0 0.25 0.5 0.75 1"),
        ("log:1e-4..1:5", false, "0.0001 0.001 0.01 0.1 1"),
        ("log:16..256:5", true, "16 32 64 128 256"),
        ("1..3:9", true, "1 2 3"),
        ("-1..1:3", false, "-1 0 1"),
        ("sgd,adam", false, "sgd adam"),
    ] {
        let Values::Listed(values) = Values::parse(&[text.to_owned()], whole).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(values.join(" "), expected, "{text}");
    }
    let between = Values::parse(&["log:1e-4..1".to_owned()], false).unwrap();
    assert_eq!(between, Values::Between(Range { from: 1e-4, to: 1.0, log: true, whole: false }));
}

#[test]
fn ranges_that_cannot_be_meant_are_refused() {
    for (text, whole, fragment) in [
        ("5..1", true, "is empty"),
        ("log:0..1:3", false, "greater than 0"),
        ("log:3", false, "no `..`"),
        ("a..b", false, "with a number"),
        ("0..1:1", false, "no number of values"),
        ("1..1000000", true, "1,000,000 values"),
        ("0.5..3", true, "whole numbers"),
        ("0.1,log:1e-3..1", false, "beside others"),
    ] {
        let why = Values::parse(&[text.to_owned()], whole).unwrap_err();
        assert!(why.contains(fragment) && why.contains(".."), "{text}: {why}");
    }
}

#[test]
fn a_grid_has_every_combination() {
    let axes = [axis("lr", "0.1,0.2"), axis("seed", "1..3")];
    let all: Vec<String> = grid(&axes).unwrap().iter().map(|trial| trial.join("/")).collect();
    assert_eq!(all, ["0.1/1", "0.1/2", "0.1/3", "0.2/1", "0.2/2", "0.2/3"]);
    let million = [axis("lr", "0..1:1000"), axis("seed", "1..1000")];
    let refusal = grid(&million).map(|trials| trials.len()).unwrap_err().to_string();
    assert!(refusal.contains("1,000,000 trials"), "{refusal}");
}

#[test]
fn trials_at_random_are_different_and_the_same_for_the_same_seed() {
    let axes = [axis("lr", "log:1e-4..1"), axis("batch-size", "log:8..64"), axis("seed", "1..9")];
    let trials = drawn(&axes, 300, 7).unwrap();
    assert_eq!(trials.iter().collect::<BTreeSet<_>>().len(), 300);
    assert_eq!(trials, drawn(&axes, 300, 7).unwrap());
    assert_ne!(trials, drawn(&axes, 300, 8).unwrap());
    let rates: Vec<f64> = trials.iter().map(|trial| trial[0].parse().unwrap()).collect();
    assert!(rates.iter().all(|rate| (1e-4..=1.0).contains(rate)));
    // Of a logarithmic range half lies below the geometric mean.
    let low = rates.iter().filter(|&&rate| rate < 1e-2).count();
    assert!((110..190).contains(&low), "{low}");
    assert!(trials.iter().all(|trial| trial[1].parse::<u32>().is_ok_and(|size| (8..=64).contains(&size))));
    let few = [axis("lr", "0.1,0.2")];
    assert_eq!(drawn(&few, 50, 1).unwrap(), grid(&few).unwrap(), "there are no more");
}

#[test]
fn halving_has_hyperbands_numbers() {
    let numbers = |trials, epochs| {
        rungs(trials, epochs).into_iter().map(|Rung { trials, epochs }| (trials, epochs)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(81, 81), [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)], "table 1 of Li et al.");
    assert_eq!(numbers(27, 9), [(27, 1), (9, 3), (3, 9)]);
    assert_eq!(numbers(5, 100), [(5, 33), (1, 100)]);
    assert_eq!(numbers(2, 10), [(2, 10)]);
    assert_eq!(numbers(9, 1), [(9, 1)]);
}

impl Place {
    /// `sweep` on the CPU and the tiny set.
    fn sweep(&self, args: &[&str]) -> Ran {
        let small = ["sweep", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8"];
        self.run(&[&small, args].concat())
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }
}

#[test]
fn each_trial_is_the_training_that_train_does_with_one_thread() {
    let place = Place::new();
    let printed = place.sweep(&["--lr", "0.05,0.2", "--seed", "1..2", "--epochs", "3", "--out", "s"]).ok();
    assert!(printed.contains("4 trials of --lr, --seed"), "{printed}");
    for (trial, (lr, seed)) in (1..).zip([("0.05", "1"), ("0.05", "2"), ("0.2", "1"), ("0.2", "2")]) {
        let out = format!("alone-{trial}");
        let options =
            ["--lr", lr, "--seed", seed, "--epochs", "3", "--threads", "1", "--validation-fraction", "0.1"];
        place.trained(&out, &options);
        let model = |folder: &str| place.read(&format!("{folder}/model.safetensors"));
        assert!(model(&out) == model(&format!("s/trial-{trial}")), "trial {trial}");
    }
    let scores = place.json("s/scores.json");
    assert_eq!((&scores["trials"], &scores["done"]), (&json!(4), &json!(4)));
    // The best has the highest accuracy on the validation part, and is an ordinary run.
    let accuracy = |score: &Value| score["validation_accuracy"].as_f64().unwrap();
    let all = scores["scores"].as_array().unwrap();
    let best = &all[scores["best"].as_u64().unwrap() as usize - 1];
    assert!(all.iter().all(|score| accuracy(score) <= accuracy(best)), "{scores}");
    let folder = best["run_dir"].as_str().unwrap().to_owned();
    assert!(place.read(&format!("{folder}/model.safetensors")) == place.read("s/best/model.safetensors"));
    place.run(&["eval", "s/best", "--backend", "cpu"]).ok();
    assert!(place.run(&["runs", "s"]).ok().contains("trial-4"));
    let page = place.text("s/sweep.html");
    assert!(page.contains("--lr") && page.contains("Trials"));
}

#[test]
fn what_is_left_is_done_when_a_sweep_is_continued() {
    let place = Place::new();
    let options = ["--lr", "0.05,0.1,0.2", "--epochs", "400"];
    place.sweep(&[&options[..], &["--out", "whole", "--quiet"]].concat()).ok();
    let args = [
        &["sweep", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8"],
        &options[..],
    ];
    let mut child = place
        .command(&[&args.concat()[..], &["--out", "s", "--threads", "1", "--quiet"]].concat())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !place.path("s/trial-2/checkpoint.safetensors").exists()
        && begun.elapsed() < Duration::from_secs(60)
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let code = child.wait().unwrap().code();
    // It may have been faster than the signal.
    assert!([Some(130), Some(0)].contains(&code), "{code:?}");
    let printed = place.run(&["sweep", "--resume", "s", "--json"]).ok();
    let last = lines(&printed).pop().unwrap();
    assert_eq!((&last["event"], &last["done"]), (&json!("sweep"), &json!(3)));
    for trial in 1..=3 {
        let model = |sweep: &str| place.read(&format!("{sweep}/trial-{trial}/model.safetensors"));
        assert!(model("s") == model("whole"), "trial {trial}");
    }
    // What is done already has one line, and none of its own.
    let again = place.run(&["sweep", "--resume", "s"]).ok();
    assert!(again.contains("3 of 3 trials are done already") && !again.contains("trial 1 of 3"), "{again}");
    assert_eq!(lines(&place.run(&["sweep", "--resume", "s", "--json"]).ok()).len(), 1);
    place.run(&["sweep", "--resume", "s", "--lr", "1,2"]).fails(2, &["--resume continues"]);
}

#[test]
fn one_that_diverges_does_not_disturb_the_others() {
    let place = Place::new();
    let printed = place.sweep(&["--lr", "0.1,1e30", "--epochs", "2", "--out", "s", "--json"]).ok();
    let last = lines(&printed).pop().unwrap();
    let stand = |trial: usize| last["scores"][trial - 1]["stand"].clone();
    assert_eq!((stand(1), stand(2), &last["best"]), (json!("done"), json!("diverged"), &json!(1)));
    assert!(place.text("s/trial-2/diverged.txt").contains("diverged in epoch 1"));
    let nobody = place.sweep(&["--lr", "1e30,1e31", "--epochs", "2", "--out", "none"]);
    assert!(nobody.err.contains("all of them diverged"), "{nobody:?}");
}

#[test]
fn only_the_better_trials_are_trained_to_the_end() {
    let place = Place::new();
    let rates = "0.0001,0.0002,0.0003,0.0005,0.001,0.002,0.05,0.1,0.2";
    let printed = place.sweep(&["--lr", rates, "--epochs", "9", "--halving", "--out", "s", "--json"]).ok();
    let last = lines(&printed).pop().unwrap();
    let epochs: Vec<u64> =
        last["scores"].as_array().unwrap().iter().map(|score| score["epochs"].as_u64().unwrap()).collect();
    let mut sorted = epochs.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 1, 1, 1, 1, 1, 3, 3, 9]);
    assert!(epochs[..6].iter().all(|&epochs| epochs == 1), "small rates learn nothing: {epochs:?}");
    // The one that is left was trained as if it had been alone.
    let best = last["best"].as_u64().unwrap() as usize;
    let lr = rates.split(',').nth(best - 1).unwrap();
    place.trained("alone", &["--lr", lr, "--epochs", "9", "--threads", "1", "--validation-fraction", "0.1"]);
    assert!(place.read("alone/model.safetensors") == place.read("s/best/model.safetensors"));
}

#[test]
fn folds_are_compared_by_their_mean_and_the_best_is_trained_on_all() {
    let place = Place::new();
    let mut table = String::from("width,height,species\n");
    for row in 0..60 {
        let (class, noise) = (row % 3, f64::from(row * 37 % 11) / 20.0);
        table += &format!(
            "{},{},{}\n",
            f64::from(class) + noise,
            noise - f64::from(class),
            ["a", "b", "c"][class as usize]
        );
    }
    fs::write(place.path("set.csv"), table).unwrap();
    let args = ["sweep", "--backend", "cpu", "--data", "set.csv", "--hidden", "8", "--batch-size", "8"];
    let options = ["--lr", "0.001,0.1", "--epochs", "5", "--folds", "3", "--refit", "--json", "--out", "s"];
    let printed = place.run(&[&args[..], &options].concat()).ok();
    let last = lines(&printed).pop().unwrap();
    let score = &last["scores"][1];
    let folds = place.json("s/trial-2/folds.json");
    assert_eq!((&folds["folds"], &score["epochs"], &last["best"]), (&json!(3), &json!(15), &json!(2)));
    let ends: Vec<f64> = (1..=3)
        .map(|fold| lines(&place.text(&format!("s/trial-2/fold-{fold}/metrics.jsonl"))).pop().unwrap())
        .map(|end| end["test_accuracy"].as_f64().unwrap())
        .collect();
    let mean = ends.iter().sum::<f64>() / 3.0;
    assert!((score["validation_accuracy"].as_f64().unwrap() - mean).abs() < 1e-12, "{score} {ends:?}");
    let start = lines(&place.text("s/best/metrics.jsonl")).remove(0);
    assert_eq!(start["train_samples"], 60, "all that there is");
    place.run(&["report", "s/trial-2"]).ok();
}

#[test]
fn jobs_share_a_sweep() {
    let place = Place::new();
    let options = ["--lr", "0.05,0.1,0.2", "--epochs", "2", "--out", "s"];
    let job = |shard: &str| place.sweep(&[&options[..], &["--shard", shard]].concat()).ok();
    let first = job("1/2");
    assert!(first.contains("2 of 3 trials are done") && !place.path("s/scores.html").exists(), "{first}");
    assert!(!place.path("s/best").exists());
    let second = job("2/2");
    assert!(second.contains("best     trial") && place.path("s/best/model.safetensors").exists(), "{second}");
    let other = place.sweep(&["--lr", "0.3,0.4", "--out", "s", "--shard", "1/2"]);
    other.fails(2, &["already holds a run"]);
}

#[test]
fn what_cannot_be_swept_is_refused() {
    let place = Place::new();
    for (args, fragments) in [
        (&["--lr", "0.1"][..], &["no option has several values", "--seed 1..5"][..]),
        (&["--lr", "0.1,x"], &["'x'", "--lr"]),
        (&["--seed", "1..1000000"], &["--seed", "1,000,000"]),
        (&["--seed", "1..1000", "--lr", "0..1:1000"], &["1,000,000 trials"]),
        (&["--lr", "log:1e-4..1"], &["--trials"]),
        (&["--lr", "0.1,0.2", "--trials", "0"], &["--trials 0"]),
        (&["--nesterov", "true,false"], &["--momentum"]),
        (&["--halving", "--epochs", "3,9"], &["--halving"]),
        (&["--lr", "0.1,0.2", "--folds", "1"], &["--folds 1"]),
        (&["--lr", "0.1,0.2", "--threads", "0"], &["--threads 0"]),
        (&["--resume", "tiny"], &["no sweep.json"]),
        (&["--data", "a,b"], &["cannot be used multiple times"]),
    ] {
        place.sweep(args).fails(2, fragments);
    }
    assert_eq!(place.names("."), ["home", "tiny"], "nothing was begun");
}
