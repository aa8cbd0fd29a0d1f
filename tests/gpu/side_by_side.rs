//! Sweeps, ensembles and searches for a learning rate on the adapter: trainings side by side are those that train does alone.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use gpu_mlp::gpu::Gpu;

use crate::NamedTrial;
use crate::program::Place;

pub const TRIALS: &[NamedTrial] = &[
    ("side_by_side::trials_are_the_trainings_that_train_does", trials),
    ("side_by_side::members_are_continued_to_the_same_bits", members),
    ("side_by_side::a_search_finds_the_same_twice", rates),
];

const NETWORK: [&str; 6] = ["--data", "tiny", "--batch-size", "8", "--momentum", "0.5"];

/// Runs a command on the adapter.
fn on(gpu: &Gpu, place: &Place, args: &[&str]) -> String {
    let summary = gpu.summary();
    let device = ["--backend", summary.backend.name(), "--adapter", &summary.name];
    place.run(&[args, &device, &NETWORK].concat()).ok()
}

/// Of other widths, one that diverges, and some that end early.
fn trials(gpu: &Gpu) {
    let place = Place::new();
    let common = ["--epochs", "6", "--early-stopping", "2"];
    let varied =
        ["sweep", "--hidden", "7", "--hidden", "20,9", "--lr", "0.1,0.4,1e30", "--out", "s", "--quiet"];
    on(gpu, &place, &[&varied[..], &common].concat());
    let mut trial = 0;
    for hidden in ["7", "20,9"] {
        for lr in ["0.1", "0.4", "1e30"] {
            trial += 1;
            let own = ["train", "--hidden", hidden, "--lr", lr, "--out", "alone", "--overwrite", "--quiet"];
            let held_out = ["--validation-fraction", "0.1"];
            let summary = gpu.summary();
            let device = ["--backend", summary.backend.name(), "--adapter", &summary.name];
            let args = [&own[..], &common, &held_out, &device, &NETWORK].concat();
            let code = if lr == "1e30" { 5 } else { 0 };
            assert_eq!(place.run(&args).code, Some(code), "{hidden}, {lr}");
            if code == 0 {
                for file in ["model.safetensors", "checkpoint.safetensors"] {
                    let same = place.read(&format!("s/trial-{trial}/{file}"))
                        == place.read(&format!("alone/{file}"));
                    assert!(same, "{hidden}, {lr}: {file}");
                }
            }
        }
    }
}

/// Those of an ensemble that was ended in the middle, too.
fn members(gpu: &Gpu) {
    let place = Place::new();
    let ensemble = ["train", "--ensemble", "3", "--hidden", "20", "--epochs", "60"];
    on(gpu, &place, &[&ensemble[..], &["--out", "whole", "--quiet"]].concat());
    let (summary, out) = (gpu.summary(), ["--out", "parts", "--json"]);
    let device = ["--backend", summary.backend.name(), "--adapter", &summary.name];
    let mut child = place
        .command(&[&ensemble[..], &out, &device, &NETWORK].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Ends once one of them has kept an epoch, or at its end where the adapter is faster than this.
    while !place.path("parts/member-1/metrics.jsonl").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    #[cfg(unix)]
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().count();
    assert!(lines > 0, "it says what came of it");
    child.wait().unwrap();
    place.run(&["train", "--resume", "parts", "--quiet"]).ok();
    for member in 1..=3 {
        for file in ["model.safetensors", "checkpoint.safetensors"] {
            let of = |out: &str| place.read(&format!("{out}/member-{member}/{file}"));
            assert!(of("parts") == of("whole"), "member {member}: {file}");
        }
    }
    // Each is the training of its seed.
    let own = ["train", "--hidden", "20", "--epochs", "60", "--seed", "2", "--out", "alone", "--quiet"];
    on(gpu, &place, &own);
    assert!(place.read("whole/member-2/model.safetensors") == place.read("alone/model.safetensors"));
}

fn rates(gpu: &Gpu) {
    let place = Place::new();
    let found = || on(gpu, &place, &["lr-find", "--hidden", "20", "--epochs", "40", "--json"]);
    let first = found();
    assert_eq!(first, found());
    assert_eq!(first.lines().count(), 23, "{first}");
}
