//! `gpu-mlp train --resume`: whatever ended a run, what follows equals a straight run bit for bit.

use std::fs;

use serde_json::json;

use crate::program::{Place, events, lines, untimed_epochs};

/// With everything that has a state.
const FULL: [&str; 6] = ["--momentum", "0.9", "--validation-fraction", "0.1", "--lr", "0.05"];

#[track_caller]
fn trained(place: &Place, out: &str, epochs: &str) {
    place.trained(out, &[&FULL[..], &["--epochs", epochs]].concat());
}

/// The model, the state and the metrics of two runs agree, but for what a clock says.
#[track_caller]
pub fn same(place: &Place, one: &str, other: &str) {
    for file in ["model.safetensors", "checkpoint.safetensors"] {
        assert!(place.read(&format!("{one}/{file}")) == place.read(&format!("{other}/{file}")), "{file}");
    }
    let [one, other] = [one, other].map(|run| lines(&place.text(&format!("{run}/metrics.jsonl"))));
    assert_eq!(untimed_epochs(&one), untimed_epochs(&other));
    assert_eq!(events(&one), events(&other));
    assert_eq!(one.last().unwrap()["test_loss"], other.last().unwrap()["test_loss"]);
}

#[test]
fn more_epochs_equal_a_straight_run() {
    let place = Place::new();
    trained(&place, "straight", "5");
    trained(&place, "a", "2");
    let printed = place.run(&["train", "--resume", "a", "--epochs", "5", "--json"]).lines();
    assert_eq!(events(&printed), ["start", "epoch", "epoch", "epoch", "end"], "only what is new");
    assert_eq!(printed[1]["epoch"], 3);
    same(&place, "a", "straight");
    assert!(place.text("a/config.json").contains("\"epochs\": 5"), "what it is now");
    // From another folder, and with options that say what the run says.
    trained(&place, "b", "4");
    let ran =
        place.run(&["train", "--resume", "b", "--epochs", "5", "--lr", "0.05", "--data", "tiny", "--quiet"]);
    assert_eq!(ran.err, "");
    ran.ok();
    same(&place, "b", "straight");
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let place = Place::new();
    trained(&place, "a", "3");
    trained(&place, "straight", "3");
    for _ in 0..2 {
        let printed = place.run(&["train", "--resume", "a", "--json"]).lines();
        assert_eq!(events(&printed), ["start", "end"]);
        assert_eq!((&printed[1]["outcome"], &printed[1]["epochs"]), (&json!("finished"), &json!(3)));
        same(&place, "a", "straight");
    }
    let out = place.run(&["train", "--resume", "a"]).ok();
    assert!(out.contains("test accuracy"), "{out}");
}

#[test]
fn a_run_that_never_saved_a_state_starts_from_the_beginning() {
    let place = Place::new();
    trained(&place, "straight", "3");
    trained(&place, "a", "3");
    // As a crash in the first epoch leaves it: a configuration and the first line.
    fs::create_dir(place.path("b")).unwrap();
    fs::copy(place.path("a/config.json"), place.path("b/config.json")).unwrap();
    fs::write(place.path("b/metrics.jsonl"), place.text("a/metrics.jsonl").lines().next().unwrap()).unwrap();
    let ran = place.run(&["train", "--resume", "b", "--json"]);
    assert!(
        ran.err.contains("note: b has no checkpoint, so training starts from the beginning"),
        "{}",
        ran.err
    );
    ran.lines();
    same(&place, "b", "straight");
}

#[test]
fn a_finished_epoch_without_its_checkpoint_is_not_thrown_away() {
    let place = Place::new();
    trained(&place, "a", "2");
    fs::remove_file(place.path("a/checkpoint.safetensors")).unwrap();
    let (model, metrics) =
        (fs::read(place.path("a/model.safetensors")).unwrap(), place.text("a/metrics.jsonl"));
    place
        .run(&["train", "--resume", "a"])
        .fails(2, &["checkpoint.safetensors", "finished epochs", "--overwrite"]);
    assert_eq!(fs::read(place.path("a/model.safetensors")).unwrap(), model);
    assert_eq!(place.text("a/metrics.jsonl"), metrics);
}

#[test]
fn a_model_that_a_crash_left_behind_its_checkpoint_is_brought_up_to_it() {
    let place = Place::new();
    trained(&place, "a", "2");
    trained(&place, "one", "1");
    let newest = fs::read(place.path("a/model.safetensors")).unwrap();
    fs::copy(place.path("one/model.safetensors"), place.path("a/model.safetensors")).unwrap();
    place.run(&["train", "--resume", "a", "--quiet"]).ok();
    assert_eq!(fs::read(place.path("a/model.safetensors")).unwrap(), newest);
}

#[test]
fn a_folder_with_somebody_s_model_is_taken() {
    let place = Place::new();
    fs::create_dir(place.path("precious")).unwrap();
    fs::write(place.path("precious/model.safetensors"), "mine").unwrap();
    place
        .train(&["--batch-size", "8", "--out", "precious"])
        .fails(2, &["already holds a run", "--overwrite"]);
    assert_eq!(place.text("precious/model.safetensors"), "mine");
}

#[test]
fn lines_beyond_the_checkpoint_are_forgotten() {
    let place = Place::new();
    trained(&place, "straight", "4");
    trained(&place, "a", "2");
    trained(&place, "longer", "3");
    // As a crash leaves it between the line of epoch 3 and the state, in the middle of another line.
    let epoch_3 = place.text("longer/metrics.jsonl").lines().nth(3).unwrap().to_owned();
    let kept: Vec<String> = place.text("a/metrics.jsonl").lines().take(3).map(str::to_owned).collect();
    fs::write(place.path("a/metrics.jsonl"), format!("{}\n{epoch_3}\n{{\"event\":\"ep", kept.join("\n")))
        .unwrap();
    place.run(&["train", "--resume", "a", "--epochs", "4", "--quiet"]).ok();
    same(&place, "a", "straight");
    // Lines too few are no such crash.
    fs::write(place.path("a/metrics.jsonl"), kept[..2].join("\n")).unwrap();
    place
        .run(&["train", "--resume", "a"])
        .fails(2, &["metrics.jsonl", "it has 1 epoch, but the checkpoint has 4"]);
}

#[test]
fn out_with_resume_is_fresh_at_first_and_goes_on_later() {
    let place = Place::new();
    trained(&place, "straight", "4");
    let small =
        ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8", "--quiet"];
    for epochs in ["2", "2", "4"] {
        let out = ["--out", "a", "--resume", "--epochs", epochs];
        place.run(&[&small[..], &FULL, &out].concat()).ok();
    }
    same(&place, "a", "straight");
}

#[test]
fn a_resumed_run_keeps_its_own_configuration() {
    let place = Place::new();
    trained(&place, "a", "2");
    let before = place.text("a/metrics.jsonl");
    let cases: [(&[&str], &str); 7] = [
        (&["--lr", "0.2"], "--lr 0.2 differs from the run's 0.05"),
        (&["--hidden", "8"], "--hidden"),
        (&["--seed", "2"], "--seed 2 differs from the run's 1"),
        (&["--batch-size", "16"], "--batch-size 16 differs from the run's 8"),
        (&["--momentum", "0"], "--momentum"),
        (&["--data", "digits"], "--data digits differs"),
        (&["--dry-run"], "--dry-run true differs"),
    ];
    for (args, fragment) in cases {
        let ran = place.run(&[&["train", "--resume", "a", "--epochs", "3"], args].concat());
        ran.fails(2, &[fragment, "keeps its configuration"]);
    }
    assert_eq!(place.text("a/metrics.jsonl"), before, "and is left as it was");
    place.run(&["train", "--resume", "a", "--out", "b"]).fails(2, &["--out b must be left out"]);
    place.run(&["train", "--resume"]).fails(2, &["--resume needs the folder of a run"]);
    place.run(&["train", "--resume", "absent"]).fails(2, &["absent", "no run here"]);
    place.run(&["train", "--resume", "tiny"]).fails(2, &["no run here: it has no config.json"]);
}

#[test]
fn a_damaged_run_is_refused() {
    let place = Place::new();
    trained(&place, "a", "1");
    let whole = place.read("a/checkpoint.safetensors");
    fs::write(place.path("a/checkpoint.safetensors"), &whole[..whole.len() / 2]).unwrap();
    let resume = ["train", "--resume", "a", "--epochs", "2"];
    place.run(&resume).fails(2, &["checkpoint.safetensors", "not a safetensors file"]);
    fs::write(place.path("a/config.json"), "{\"data\": 3").unwrap();
    place.run(&resume).fails(2, &["config.json", "correct it, or start a new run"]);
    fs::write(place.path("a/config.json"), "").unwrap();
    place.run(&resume).fails(2, &["config.json"]);
}

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    use super::{lines, same};
    use crate::program::{Place, Ran};

    /// Long epochs, so that the signal most likely comes in the middle of one.
    const LONG: [&str; 13] = [
        "train",
        "--backend",
        "cpu",
        "--data",
        "tiny",
        "--hidden",
        "400,300",
        "--batch-size",
        "1",
        "--momentum",
        "0.5",
        "--lr",
        "0.001",
    ];

    /// Starts a run that would take for ever, and sends SIGINT once two epochs are done.
    fn interrupted(place: &Place, args: &[&str], sign: &str) -> Ran {
        let mut command = place.command(&[&LONG[..], &["--epochs", "1000000"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut out = String::new();
        while !out.lines().any(|line| line.trim_start().starts_with(sign)) {
            assert!(stdout.read_line(&mut out).unwrap() > 0, "it ended early: {out}");
        }
        std::thread::sleep(std::time::Duration::from_millis(15));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        stdout.read_to_string(&mut out).unwrap();
        let ran: Ran = child.wait_with_output().unwrap().into();
        Ran { out, ..ran }
    }

    #[test]
    fn ctrl_c_saves_says_how_to_go_on_and_loses_nothing() {
        let place = Place::new();
        let ran = interrupted(&place, &["--json", "--out", "a"], r#"{"event":"epoch","epoch":2"#);
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        assert!(ran.err.contains("gpu-mlp train --resume a"), "{}", ran.err);
        let end = lines(&ran.out).pop().unwrap();
        assert_eq!((&end["event"], &end["outcome"]), (&"end".into(), &"interrupted".into()));
        let epochs = end["epochs"].as_u64().unwrap();
        assert!(epochs >= 2);
        let epochs = (epochs + 2).to_string();
        place.run(&["train", "--resume", "a", "--epochs", &epochs, "--quiet"]).ok();
        place.run(&[&LONG[..], &["--epochs", &epochs, "--quiet", "--out", "straight"]].concat()).ok();
        same(&place, "a", "straight");
    }

    #[test]
    fn ctrl_c_tells_people_on_standard_output() {
        let place = Place::new();
        let ran = interrupted(&place, &["--out", "a"], "1 ");
        assert_eq!(ran.code, Some(130), "{}", ran.err);
        assert!(
            ran.out.contains("interrupted and saved. To continue: gpu-mlp train --resume a"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_run_in_f16_goes_on_where_there_is_none() {
    let place = Place::new();
    trained(&place, "a", "2");
    let config = place.text("a/config.json");
    assert!(config.contains("\"precision\": \"f32\""), "{config}");
    let in_f16 = config.replace("\"precision\": \"f32\"", "\"precision\": \"f16\"");
    fs::write(place.path("a/config.json"), in_f16).unwrap();
    let resume = ["train", "--resume", "a", "--epochs", "3", "--backend", "cpu", "--quiet"];
    place.run(&resume).fails(2, &["--precision f16 is for a GPU", "add --precision f32"]);
    place.run(&[&resume[..], &["--precision", "f32"]].concat()).ok();
    assert!(place.text("a/config.json").contains("\"precision\": \"f32\""), "what it is now");
}
