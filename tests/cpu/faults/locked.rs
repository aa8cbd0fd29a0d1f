//! Two processes and one folder.

use super::{Running, busy, epochs_kept};
use crate::cli_resume::same;
use crate::program::Place;

#[test]
fn a_folder_that_is_trained_in_is_refused_until_its_process_is_dead() {
    let place = Place::new();
    let long = |out| busy(&["--json", "--epochs", "1000000", "--out", out]);
    let mut running = Running::after_epoch(place.command(&long("a")), 1);
    let number = running.child.id().to_string();
    let problem = format!("another process ({number}) is training in this folder");
    let resume = ["train", "--resume", "a", "--epochs", "1000001"];
    place.run(&resume).fails(2, &["a: ", &problem, "wait until it ends, or stop it with Ctrl-C"]);
    let overwrite = busy(&["--epochs", "1", "--out", "a", "--overwrite"]);
    place.run(&overwrite).fails(2, &[&problem]);
    place.run(&busy(&["--epochs", "1", "--out", "a"])).fails(2, &["already holds a run"]);
    // Whoever only reads is welcome, and the run does not notice any of them.
    assert!(place.run(&["eval", "a", "--backend", "cpu"]).ok().contains("accuracy"));
    running.wait_for_epoch(10);
    // Dead without a chance to clean up.
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(place.path("a/.lock").exists(), "the file stays, and nobody holds it");
    let epochs = (epochs_kept(&place, "a") + 2).to_string();
    place.run(&["train", "--resume", "a", "--epochs", &epochs, "--quiet"]).ok();
    place.run(&busy(&["--quiet", "--epochs", &epochs, "--out", "straight"])).ok();
    same(&place, "a", "straight");
}

#[test]
fn of_two_that_begin_at_once_one_trains() {
    let place = Place::new();
    let args = busy(&["--quiet", "--epochs", "40", "--out", "a", "--resume"]);
    let start = |_| place.command(&args).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let codes: Vec<_> = (0..4)
        .map(start)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    let done = codes.iter().filter(|output| output.status.success()).count();
    assert!(done >= 1, "{codes:?}");
    for output in codes.iter().filter(|output| !output.status.success()) {
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("is training in this folder") || text.contains("already holds a run"),
            "{text}"
        );
    }
    place.run(&busy(&["--quiet", "--epochs", "40", "--out", "straight"])).ok();
    same(&place, "a", "straight");
}

#[test]
fn what_a_killed_process_left_half_written_goes_with_the_next() {
    let place = Place::new();
    place.run(&busy(&["--quiet", "--epochs", "1", "--out", "a"])).ok();
    for name in [".gpu-mlp-aaaaaa.part", ".gpu-mlp-bbbbbb.part"] {
        std::fs::write(place.path("a").join(name), "half").unwrap();
    }
    std::fs::write(place.path("a/notes.part"), "mine").unwrap();
    place.run(&["train", "--resume", "a", "--epochs", "2", "--quiet"]).ok();
    let parts: Vec<String> = place.names("a").into_iter().filter(|name| name.ends_with(".part")).collect();
    assert_eq!(parts, ["notes.part"]);
}
