//! Data that have changed since a run was trained on them: what was held out is no longer known.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::program::{Place, Ran};

/// A table of labels that nothing says anything of: what a network gets right of them it has seen.
fn table(rows: impl Iterator<Item = usize>) -> String {
    let mut text = String::from("a,b,label\n");
    for row in rows {
        let number = |step: usize| (row * step % 101) as f64 / 10.0;
        writeln!(text, "{},{},{}", number(37), number(53), ["no", "yes"][row * row % 7 % 2]).unwrap();
    }
    text
}

fn trained(more: &[&str]) -> Place {
    let place = Place::new();
    fs::write(place.path("set.csv"), table(0..60)).unwrap();
    let args =
        ["train", "--data", "set.csv", "--backend", "cpu", "--hidden", "4", "--epochs", "2", "--out", "run"];
    place.run(&[&args[..], more].concat()).ok();
    place
}

fn eval(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["eval", "--backend", "cpu", "--json"], args].concat())
}

/// What part was measured, and how many samples.
#[track_caller]
fn measured(ran: Ran) -> (Value, Value) {
    let report = ran.lines().remove(0);
    (report["split"].clone(), report["samples"].clone())
}

#[test]
fn data_that_are_the_same_are_split_as_before_wherever_they_lie() {
    let place = trained(&[]);
    let own = || (json!("test"), json!(12));
    let ran = eval(&place, &["run"]);
    assert!(!ran.err.contains("changed"), "{}", ran.err);
    assert_eq!(measured(ran), own());
    // A copy, and a file with another column, other ends of lines and other digits for the same numbers.
    fs::write(place.path("copy.csv"), table(0..60)).unwrap();
    let ran = eval(&place, &["run", "--data", "copy.csv"]);
    assert!(ran.err.contains("copy.csv has the samples of the run's own data"), "{}", ran.err);
    assert_eq!(measured(ran), own());
    let more: String = table(0..60)
        .lines()
        .zip(0..)
        .map(|(line, row): (&str, usize)| match row {
            0 => "more,a,b,label\r\n".to_owned(),
            row => format!("{},{line}\r\n", row % 3),
        })
        .collect();
    fs::write(place.path("set.csv"), more).unwrap();
    let ran = eval(&place, &["run"]);
    assert!(!ran.err.contains("changed"), "{}", ran.err);
    assert_eq!(measured(ran), own());
    // The model's file does not say what was held out, but that it was trained on these.
    let ran = eval(&place, &["run/model.safetensors", "--data", "copy.csv"]);
    assert!(ran.err.contains("name the run to measure those held out"), "{}", ran.err);
    assert_eq!(measured(ran), (json!("all"), json!(60)));
}

#[test]
fn all_of_changed_data_is_measured_and_that_is_said() {
    let place = trained(&[]);
    for (rows, samples, said) in [
        ((0..60).rev().collect::<Vec<_>>(), 60, "there are 60 samples as before, but not the same"),
        ((0..75).collect(), 75, "there were 60 samples, now 75"),
        ((10..60).collect(), 50, "there were 60 samples, now 50"),
    ] {
        fs::write(place.path("set.csv"), table(rows.into_iter())).unwrap();
        for args in [&["run"][..], &["run", "--data", "set.csv"]] {
            let ran = eval(&place, args);
            for words in [said, "has changed since training", "may have been trained on some of them"] {
                assert!(ran.err.contains(words), "{words}: {}", ran.err);
            }
            assert_eq!(measured(ran), (json!("all"), json!(samples)));
        }
    }
    // One number is enough.
    fs::write(place.path("set.csv"), table(0..60).replacen("3.7,", "3.8,", 1)).unwrap();
    assert_eq!(measured(eval(&place, &["run"])), (json!("all"), json!(60)));
}

#[test]
fn changed_data_are_not_trained_on_and_a_report_leaves_them_out() {
    let place = trained(&["--validation-fraction", "0.2"]);
    fs::write(place.path("set.csv"), table((0..60).rev())).unwrap();
    place.run(&["train", "--resume", "run", "--epochs", "4"]).fails(
        2,
        &["the data have changed since training", "a resumed run needs the samples", "train --init run"],
    );
    let ran = place.run(&["report", "run", "--backend", "cpu"]);
    let words = ["left out: the evaluation on the test samples", "the data have changed since training"];
    assert!(words.iter().all(|words| ran.err.contains(words)), "{}", ran.err);
    ran.ok();
    eval(&place, &["run", "--threshold", "best"]).fails(2, &["which samples were held out is not known"]);
    fs::write(place.path("set.csv"), table(0..60)).unwrap();
    place.run(&["train", "--resume", "run", "--epochs", "4"]).ok();
    eval(&place, &["run", "--threshold", "best"]).ok();
}

#[test]
fn a_test_set_of_the_data_stays_one() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let mut images = place.read("tiny/train-images-idx3-ubyte");
    *images.last_mut().unwrap() ^= 1;
    fs::write(place.path("tiny/train-images-idx3-ubyte"), images).unwrap();
    let ran = eval(&place, &["a"]);
    assert!(ran.err.contains("its own test set is taken as it is now"), "{}", ran.err);
    assert_eq!(measured(ran), (json!("test"), json!(20)));
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let place = trained(&[]);
    let before = table(0..60);
    for args in [
        &["eval", "run", "--predictions", "set.csv"][..],
        &["eval", "run", "--predictions", "./run/model.safetensors"],
        &["eval", "run", "--data", "set.csv", "--predictions", "home/../set.csv"],
        &["report", "run", "--out", "set.csv"],
        &["report", "run", "--out", "run/config.json"],
        &["export", "run", "--to", "onnx", "--out", "run/checkpoint.safetensors"],
        &["trace", "run", "--out", "set.csv"],
        &["data", "show", "set.csv", "--png", "set.csv"],
    ] {
        place.run(args).fails(2, &["would replace what is read from", "name another file"]);
        assert_eq!(place.text("set.csv"), before, "{args:?}");
    }
    // A file of a folder of data is one of them, an answer beside them is not.
    place.run(&["data", "make", "digits", "--train", "40", "--test", "20", "--out", "digits"]).ok();
    place
        .run(&[
            "train",
            "--data",
            "digits",
            "--backend",
            "cpu",
            "--hidden",
            "4",
            "--epochs",
            "1",
            "--out",
            "d",
        ])
        .ok();
    let eval =
        |out: &str| place.run(&["eval", "d", "--data", "./digits", "--backend", "cpu", "--predictions", out]);
    eval("digits/t10k-labels-idx1-ubyte.gz").fails(2, &["would replace what is read from ./digits"]);
    eval("digits/answers.csv").ok();
    eval("digits/answers.csv").ok();
}
