//! What happens when ranks differ, die or stop, and what is asked for cannot be.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::place::{PROGRAM, Place, finish, lines, run, until};

/// Enough for everybody to end after a rank is gone.
const SOON: Duration = Duration::from_secs(30);

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

/// A training of a small table.
const TRAIN: [&str; 10] =
    ["train", "--backend", "cpu", "--data", "classes.csv", "--batch-size", "8", "--hidden", "7", "--json"];

/// The same, long enough for a signal to come in time.
fn long() -> Vec<&'static str> {
    [&TRAIN[..], &["--epochs", "3000", "--out", "out"]].concat()
}

#[test]
fn a_rank_that_dies_ends_the_others_and_the_run_goes_on_with_three() {
    let place = Place::new();
    let child = place.ranks(2, &long()).spawn().unwrap();
    until("a checkpoint", || place.path("out/checkpoint.safetensors").exists());
    signal("-KILL", &place.process_of(1).unwrap());
    let ran = finish(child);
    assert!(ran.took < SOON && ran.code != Some(0) && ran.err.contains("rank 1"), "{ran:#?}");
    let done = place.lines("out/metrics.jsonl").len() - 1;
    assert!((1..3000).contains(&done), "it was too fast: {done}");
    // The run's own epochs would take too long: it goes on for a few.
    let epochs = (done + 5).to_string();
    let printed = run(place.ranks(3, &["train", "--resume", "out", "--epochs", &epochs, "--json"])).ok();
    assert_eq!(lines(&printed).last().unwrap()["epochs"], done + 5);
    let whole = run(place.alone(&[&TRAIN[..], &["--epochs", &epochs, "--out", "whole"]].concat())).ok();
    let loss = |printed: &str| lines(printed).last().unwrap()["test_loss"].as_f64().unwrap();
    assert!((loss(&printed) - loss(&whole)).abs() < 0.01 * loss(&whole), "{printed}\n{whole}");
}

#[test]
fn a_rank_that_stops_is_noticed_and_named() {
    for stopped in [1, 0] {
        let place = Place::new();
        let child = place.ranks(3, &long()).spawn().unwrap();
        until("a checkpoint", || place.path("out/checkpoint.safetensors").exists());
        signal("-STOP", &place.process_of(stopped).unwrap());
        let ran = finish(child);
        assert!(ran.took < SOON && ran.code != Some(0), "{ran:#?}");
        assert!(ran.err.contains(&format!("rank {stopped} has not been heard of")), "{ran:#?}");
        let done = place.lines("out/metrics.jsonl").len() - 1;
        run(place.alone(&["train", "--resume", "out", "--epochs", &done.to_string(), "--quiet"])).ok();
    }
}

#[test]
fn a_run_that_rank_0_is_asked_to_end_is_saved() {
    let place = Place::new();
    let child = place.ranks(2, &long()).spawn().unwrap();
    until("a checkpoint", || place.path("out/checkpoint.safetensors").exists());
    signal("-INT", &place.process_of(0).unwrap());
    let ran = finish(child);
    assert!(ran.took < SOON && ran.err.contains("saved now if all ranks still answer"), "{ran:#?}");
    assert_eq!(place.lines("out/metrics.jsonl").last().unwrap()["outcome"], "interrupted", "{ran:#?}");
}

/// `mpirun` ends the ranks' connections before they can agree on anything.
#[test]
fn a_run_whose_mpirun_is_ended_goes_on_from_its_checkpoint() {
    let place = Place::new();
    let child = place.ranks(2, &long()).spawn().unwrap();
    until("a checkpoint", || place.path("out/checkpoint.safetensors").exists());
    signal("-INT", &child.id().to_string());
    let ran = finish(child);
    assert!(ran.took < SOON && ran.code != Some(0), "{ran:#?}");
    let done = place.lines("out/metrics.jsonl").len() - 1;
    run(place.alone(&["train", "--resume", "out", "--epochs", &(done + 1).to_string(), "--quiet"])).ok();
}

#[test]
fn a_rank_with_other_data_options_or_another_build_is_named() {
    let place = Place::new();
    place.table("other.csv", 61, "species", |x| if x[0] > x[2] { "a" } else { "b" }.to_owned());
    let other = place.path("other-build");
    let mut program = fs::read(PROGRAM).unwrap();
    program.push(0);
    fs::write(&other, program).unwrap();
    run({
        let mut command = Command::new("chmod");
        command
            .args(["+x", other.to_str().unwrap()])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
    })
    .ok();
    let plain = ["train", "--backend", "cpu", "--hidden", "7", "--epochs", "1", "--out", "out", "--data"];
    let with =
        |program, data, rest: &[&'static str]| [&["-n", "1", program], &plain[..], &[data], rest].concat();
    let first = [&with(PROGRAM, "classes.csv", &[])[..], &[":"]].concat();
    for (second, fragments) in [
        (with(PROGRAM, "other.csv", &[]), &["rank 1 on", "other data than rank 0", "61 samples"][..]),
        (with(PROGRAM, "classes.csv", &["--lr", "0.2"]), &["rank 1 on", "--lr 0.2, not 0.1"]),
        (with(other.to_str().unwrap(), "classes.csv", &[]), &["rank 1 on", "another build"]),
        (with(PROGRAM, "nowhere.csv", &[]), &["rank 1: on", "nowhere.csv"]),
        (vec!["-n", "1", PROGRAM, "devices"], &["different things"]),
    ] {
        let ran = run(place.mpirun(&[&first[..], &second].concat()));
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        for fragment in fragments {
            assert!(ran.err.contains(fragment), "{fragment}: {ran:#?}");
        }
        assert!(!place.path("out").exists(), "{ran:#?}");
    }
    // What each computes on is its own affair.
    let backend = ["-n", "1", PROGRAM, "train", "--threads", "1"];
    let second = [&backend[..], &plain[1..], &["classes.csv"]].concat();
    run(place.mpirun(&[&first[..], &second].concat())).ok();
}

#[test]
fn what_cannot_be_meant_is_refused_once() {
    let place = Place::new();
    let small = ["train", "--backend", "cpu", "--data", "few.csv", "--out", "out"];
    place.table("few.csv", 4, "species", |x| if x[0] > x[1] { "a" } else { "b" }.to_owned());
    for (ranks, options, fragments) in [
        (5, &small[..], &["5 ranks for 3 training samples", "at most 3"][..]),
        (2, &["train", "--data", "classes.csv", "--folds", "3"], &["--folds 3 trains one run after another"]),
        (2, &["train", "--data", "classes.csv", "--sync-every", "0"], &["'--sync-every <STEPS>'"]),
        (2, &["train", "--data", "nowhere.csv"], &["nowhere.csv"]),
        (2, &["sweep", "--data", "classes.csv", "--lr", "0.1,0.2", "--halving"], &["--halving compares"]),
    ] {
        run(place.ranks(ranks, options)).fails(2, fragments);
    }
    assert!(!place.path("out").exists() && !place.path("runs").exists());
}
