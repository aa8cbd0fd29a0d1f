//! Asked to end, in every way there is, a run saves and says how to go on.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Running, busy, leftovers};
use crate::cli_resume::same;
use crate::program::{Place, lines};

/// The run goes on from where it is and ends as one that was left alone.
fn goes_on(place: &Place) {
    let end = lines(&place.text("a/metrics.jsonl")).pop().unwrap();
    assert_eq!((&end["event"], &end["outcome"]), (&"end".into(), &"interrupted".into()));
    let epochs = (end["epochs"].as_u64().unwrap() + 2).to_string();
    place.run(&["train", "--resume", "a", "--epochs", &epochs, "--quiet"]).ok();
    place.run(&busy(&["--quiet", "--epochs", &epochs, "--out", "straight"])).ok();
    same(place, "a", "straight");
    assert_eq!(leftovers(place, "a"), 0);
}

/// The same command, not deaf to SIGHUP, as it would be where these tests are run under `nohup`.
fn heeding_hangup(command: &Command) -> Command {
    let mut heeding = Command::new("env");
    #[cfg(target_os = "linux")] // whose `env` can do that
    heeding.arg("--default-signal=HUP");
    heeding.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    heeding.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => heeding.env(name, value),
            None => heeding.env_remove(name),
        };
    }
    heeding
}

#[test]
fn every_signal_to_end_saves_and_explains() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let place = Place::new();
        let command = place.command(&busy(&["--json", "--epochs", "1000000", "--out", "a"]));
        let running = Running::after_epoch(heeding_hangup(&command), 2);
        running.send(signal);
        let ran = running.end();
        assert_eq!(ran.code, Some(code), "{signal}: {}", ran.err);
        assert!(
            ran.err.contains("interrupted and saved. To continue: gpu-mlp train --resume a"),
            "{}",
            ran.err
        );
        goes_on(&place);
    }
}

#[test]
fn a_reader_that_is_gone_is_no_reason_to_end() {
    let place = Place::new();
    let mut command = place.command(&busy(&["--json", "--epochs", "200", "--out", "a"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    while !place.path("a/checkpoint.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // And the signal itself, from somebody who means it.
    Command::new("kill").args(["-PIPE", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    place.run(&busy(&["--quiet", "--epochs", "200", "--out", "straight"])).ok();
    same(&place, "a", "straight");
}

#[cfg(target_os = "linux")] // where a process can be asked what it ignores
#[test]
fn nohup_outlives_its_terminal() {
    let place = Place::new();
    let args = busy(&["--json", "--epochs", "1000000", "--out", "a"]);
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_gpu-mlp")).args(args);
    command.current_dir(place.path("")).env("HOME", place.path("home")).stdin(Stdio::null());
    let mut running = Running::after_epoch(command, 2);
    running.send("-HUP");
    running.wait_for_epoch(50);
    running.send("-TERM");
    assert_eq!(running.end().code, Some(143));
    goes_on(&place);
}

#[cfg(target_os = "linux")] // whose `script` gives a program a terminal
#[test]
fn a_closed_terminal_saves() {
    let place = Place::new();
    let program = format!(
        "env --default-signal=HUP {} {}",
        env!("CARGO_BIN_EXE_gpu-mlp"),
        busy(&["--epochs", "1000000", "--out", "a"]).join(" ")
    );
    let mut command = Command::new("script");
    command.args(["-qefc", &program, "/dev/null"]).current_dir(place.path(""));
    command.env("HOME", place.path("home")).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut terminal) = command.spawn() else { return eprintln!("skipped: there is no `script`") };
    let wait = |done: &dyn Fn() -> bool, what: &str| {
        let found = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            done()
        });
        assert!(found, "{what}");
    };
    let metrics = || std::fs::read_to_string(place.path("a/metrics.jsonl")).unwrap_or_default();
    wait(&|| metrics().contains("\"epoch\":2,"), "two epochs");
    // With the terminal's master goes the terminal, as when its window is closed.
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    wait(&|| metrics().contains("\"outcome\":\"interrupted\""), "the run ends and says so in its metrics");
    wait(
        &|| std::fs::File::open(place.path("a/.lock")).unwrap().try_lock().is_ok(),
        "it lets go of its folder",
    );
    goes_on(&place);
}
