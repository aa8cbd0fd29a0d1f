//! `gpu-mlp runs`: the table of a folder's runs, and how they compare.

use std::fs;

use serde_json::{Value, json};

use crate::data::says;
use crate::program::Place;

/// A place with a finished run, one stopped early, and one whose last words are missing.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("runs")).unwrap();
    place.trained("runs/first", &["--epochs", "2"]);
    let early = ["--validation-fraction", "0.3", "--early-stopping", "1", "--epochs", "2000", "--lr", "0.9"];
    place.trained("runs/second", &early);
    place.trained("runs/third", &["--epochs", "3", "--momentum", "0.5"]);
    let metrics = place.text("runs/third/metrics.jsonl");
    let cut: Vec<&str> = metrics.lines().take(2).collect();
    fs::write(place.path("runs/third/metrics.jsonl"), cut.join("\n") + "\n").unwrap();
    place
}

/// The objects of the runs by their folders.
fn listed(place: &Place) -> Vec<Value> {
    place.run(&["runs", "--json"]).lines()
}

#[test]
fn the_newest_comes_first_with_its_scores_and_its_state() {
    let place = place();
    let runs = listed(&place);
    let folders: Vec<&str> = runs.iter().map(|run| run["run_dir"].as_str().unwrap()).collect();
    assert_eq!(
        folders,
        ["runs/third", "runs/second", "runs/first"]
            .map(|run| run.replace('/', std::path::MAIN_SEPARATOR_STR))
    );
    let [third, second, first] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!(
        (&third["status"], &third["epochs"], &third["epochs_asked"]),
        (&json!("unfinished"), &json!(1), &json!(3))
    );
    assert_eq!(
        (&first["status"], &first["epochs"], &first["data"]),
        (&json!("finished"), &json!(2), &json!("tiny"))
    );
    // What the run itself says at its end.
    for (run, folder) in [(second, "runs/second"), (first, "runs/first")] {
        let end: Value =
            serde_json::from_str(place.text(&format!("{folder}/metrics.jsonl")).lines().last().unwrap())
                .unwrap();
        for score in ["model_epoch", "test_accuracy", "test_loss"] {
            assert_eq!(run[score], end[score], "{folder}: {score}");
        }
        assert_eq!(run["status"], end["outcome"]);
    }
    assert_eq!(second["status"], "stopped_early");

    let table = place.run(&["runs"]).ok();
    assert_eq!(table.lines().count(), 4, "{table}");
    says(&table, &["test acc.", "16-7-3", "1/3", "unfinished", "stopped early", "2/2", "cpu: "]);
    assert!(!table.contains('\u{1b}') && !table.contains('…'), "a pipe gets plain text, all of it: {table}");
    // One run alone.
    assert_eq!(place.run(&["runs", "runs/first"]).ok().lines().count(), 2);
}

#[test]
fn before_its_end_a_run_with_early_stopping_has_the_model_of_its_best_epoch() {
    let place = place();
    let metrics = place.text("runs/second/metrics.jsonl");
    let end = metrics.lines().last().unwrap().to_owned();
    fs::write(place.path("runs/second/metrics.jsonl"), metrics.replace(&end, "")).unwrap();
    let runs = listed(&place);
    let second = runs.iter().find(|run| run["epochs_asked"] == 2000).unwrap();
    let end: Value = serde_json::from_str(&end).unwrap();
    assert_eq!(second["status"], "unfinished");
    assert_eq!((&second["model_epoch"], &second["test_loss"]), (&end["model_epoch"], &end["test_loss"]));
    assert_ne!(second["model_epoch"], second["epochs"], "the newest epoch is not the best");
}

#[test]
fn who_trains_is_seen_and_not_disturbed() {
    let place = place();
    let lock = fs::File::options().write(true).open(place.path("runs/first/.lock")).unwrap();
    lock.lock().unwrap();
    let training = |runs: &[Value]| runs.iter().filter(|run| run["status"] == "training").count();
    let before = place.read("runs/first/.lock");
    assert_eq!(training(&listed(&place)), 1);
    assert!(place.read("runs/first/.lock") == before);
    drop(lock);
    assert_eq!(training(&listed(&place)), 0);
}

#[test]
fn damaged_and_foreign_folders_are_named_and_stop_nothing() {
    let place = place();
    fs::create_dir(place.path("runs/photos")).unwrap();
    fs::create_dir(place.path("runs/.hidden")).unwrap();
    fs::write(place.path("runs/list.txt"), "").unwrap();
    fs::write(place.path("runs/first/config.json"), "{").unwrap();
    let ran = place.run(&["runs"]);
    says(&ran.err, &["note: left out: ", "config.json", "photos contains no run"]);
    assert!(!ran.err.contains("hidden") && !ran.err.contains("list.txt"), "{}", ran.err);
    assert_eq!(ran.ok().lines().count(), 3);
    fs::create_dir(place.path("runs/letters")).unwrap();
    says(&place.run(&["runs"]).err, &["2 folders in runs contain no run, such as "]);
}

#[test]
fn no_runs_are_no_error_and_a_missing_folder_is_one() {
    let place = Place::new();
    let ran = place.run(&["runs"]);
    says(&ran.err, &["no runs in runs; `gpu-mlp train` starts one"]);
    assert_eq!(ran.ok(), "");
    place.run(&["runs", "tinny"]).fails(2, &["there is no folder tinny; did you mean `tiny`?"]);
    place.run(&["runs", "far/away"]).fails(2, &["there is no folder far/away\n"]);
}

#[test]
fn only_options_that_differ_are_compared_and_the_best_are_marked() {
    let place = place();
    let comparison =
        place.run(&["runs", "compare", "first", "runs/second", "third", "--json"]).lines().remove(0);
    assert_eq!(comparison["comparable"], true);
    let mut options: Vec<&str> =
        comparison["differences"].as_object().unwrap().keys().map(String::as_str).collect();
    options.sort_unstable();
    assert_eq!(options, ["early_stopping", "epochs", "lr", "momentum", "validation_fraction"]);
    assert_eq!(comparison["differences"]["epochs"], json!([2, 2000, 3]));
    let runs = comparison["runs"].as_array().unwrap();
    let best = runs.iter().map(|run| run["test_loss"].as_f64().unwrap()).fold(f64::INFINITY, f64::min);
    for (at, run) in runs.iter().enumerate() {
        let marked = comparison["best"]["test_loss"].as_array().unwrap().contains(&json!(at));
        assert_eq!(marked, run["test_loss"] == best, "{comparison}");
    }

    let table = place.run(&["runs", "compare", "first", "second", "third"]).ok();
    says(&table, &["run 1  runs", "momentum", "* the best", "unfinished"]);
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert_eq!(row("epochs  ").split_whitespace().collect::<Vec<_>>(), ["epochs", "2", "2000", "3"]);
    assert_eq!(
        row("early-stopping").split_whitespace().collect::<Vec<_>>(),
        ["early-stopping", "-", "1", "-"]
    );
    assert!(row("test loss").contains('*') && !row("validation loss").contains('*'), "{table}");
    assert!(!table.contains("batch-size") && !table.contains("hidden"), "{table}");

    let same = place.run(&["runs", "compare", "first", "first"]).ok();
    says(&same, &["all options are the same"]);
}

#[test]
fn scores_on_other_data_are_not_compared() {
    let place = place();
    fs::write(place.path("set.csv"), "a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n9,1,x\n").unwrap();
    let small = ["--hidden", "4", "--batch-size", "2", "--epochs", "1", "--quiet", "--out", "runs/table"];
    place.run(&[&["train", "--backend", "cpu", "--data", "set.csv"], &small[..]].concat()).ok();
    let ran = place.run(&["runs", "compare", "first", "table"]);
    says(&ran.err, &["these runs have different data, so their test scores cannot be compared"]);
    assert!(!ran.ok().contains('*'));
}

#[test]
fn a_run_that_is_not_there_is_guessed_at() {
    let place = place();
    place
        .run(&["runs", "compare", "first", "secnod"])
        .fails(2, &["there is no folder runs", "did you mean `runs", "second`?"]);
    place.run(&["runs", "compare", "runs/first", "runs/thrid"]).fails(2, &["did you mean `runs/third`?"]);
    place.run(&["runs", "compare", "first", "tiny"]).fails(2, &["no run here: it has no config.json"]);
    let one = place.run(&["runs", "compare", "first"]);
    assert_eq!(one.code, Some(2));
}

#[cfg(target_os = "linux")] // whose `script` gives a program a terminal
#[test]
fn a_narrow_terminal_gets_fewer_columns() {
    let place = place();
    let shown = |columns: usize, args: &str| {
        let program = format!("stty cols {columns} rows 24; {} {args}", env!("CARGO_BIN_EXE_gpu-mlp"));
        let mut command = std::process::Command::new("script");
        command.args(["-qefc", &program, "/dev/null"]).current_dir(place.path("")).env("TERM", "xterm");
        let output = command.stdin(std::process::Stdio::null()).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap().replace('\r', ""))
    };
    let Some(wide) = shown(200, "runs") else { return eprintln!("skipped: there is no `script`") };
    assert!(wide.contains("device") && wide.contains("network"), "{wide}");
    for columns in [120, 80, 60, 30] {
        let table = shown(columns, "runs").unwrap();
        assert_eq!(table.lines().count(), 4, "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= columns), "{columns}: {table}");
        assert!(table.contains("runs/second"), "{table}");
    }
    let narrow = shown(70, "runs").unwrap();
    assert!(
        !narrow.contains("device") && narrow.contains("unfinished") && narrow.contains("loss"),
        "{narrow}"
    );
    // What does not fit beside each other stands below each other.
    let compared = shown(50, "runs compare first second third").unwrap();
    assert_eq!(compared.matches("test accuracy").count(), 3, "{compared}");
    assert!(compared.lines().all(|line| line.chars().count() <= 50), "{compared}");
}
