//! A disk that is full, a folder that is gone or may not be written to, while a run is at work.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{Running, busy, epochs_kept, leftovers};
use crate::cli_resume::same;
use crate::program::{Place, Ran};

/// Runs a script as a user would; `$1` is the program.
fn shell(place: &Place, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_gpu-mlp")]);
    command.current_dir(place.path("")).env("HOME", place.path("home"));
    command
}

fn straight(place: &Place, epochs: &str) {
    place.run(&busy(&["--quiet", "--epochs", epochs, "--out", "straight"])).ok();
}

/// It ended for want of room, said what is kept, and left what was there before as it was.
#[track_caller]
fn kept_whole(place: &Place, ran: &Ran, before: &[u8], reason: &str) {
    let sign = "2 epochs are saved; to continue: gpu-mlp train --resume";
    ran.fails(2, &["cannot write ", "checkpoint.safetensors", reason, sign]);
    assert!(place.read("a/checkpoint.safetensors") == before);
    assert_eq!(leftovers(place, "a"), 0);
}

#[test]
fn a_file_that_may_not_grow_loses_nothing() {
    let place = Place::new();
    place.run(&busy(&["--quiet", "--epochs", "2", "--out", "a"])).ok();
    let before = place.read("a/checkpoint.safetensors");
    // 100 blocks of 512 bytes, or in some shells of 1024: the checkpoint has more, the metrics fewer.
    assert!(before.len() > 110_000, "{}", before.len());
    let script = r#"ulimit -f 100 && exec "$1" train --resume a --epochs 4 --quiet"#;
    let ran: Ran = shell(&place, script).output().unwrap().into();
    kept_whole(&place, &ran, &before, "File too large");
    place.run(&["train", "--resume", "a", "--epochs", "4", "--quiet"]).ok();
    straight(&place, "4");
    same(&place, "a", "straight");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    place.run(&busy(&["--quiet", "--epochs", "2", "--out", "first"])).ok();
    // A disk of 1 MB in a mount namespace of its own; two epochs' files are put on it, then it is filled up.
    let script = r#"
        mount -t tmpfs -o size=1m none disk || exit 99
        cp -r first disk/a || exit 98
        dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null
        "$1" train --resume disk/a --epochs 4 --quiet 2>full.err; echo $? >full.code
        cp -r disk/a full
        rm disk/filler
        "$1" train --resume disk/a --epochs 4 --quiet 2>room.err; echo $? >room.code
        cp -r disk/a a
    "#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_gpu-mlp")).current_dir(place.path("")).env("HOME", place.path("home"));
    let code = command.status().ok().and_then(|status| status.code());
    if code != Some(0) {
        return eprintln!("skipped: no disk can be mounted here (unshare: {code:?})");
    }
    let full = place.text("full.err");
    assert_eq!(place.text("full.code"), "2\n", "{full}");
    assert!(
        full.contains("No space left on device") && full.contains("gpu-mlp train --resume disk/a"),
        "{full}"
    );
    assert!(place.read("full/checkpoint.safetensors") == place.read("first/checkpoint.safetensors"));
    assert_eq!(leftovers(&place, "full"), 0);
    assert_eq!(place.text("room.code"), "0\n", "{}", place.text("room.err"));
    straight(&place, "4");
    same(&place, "a", "straight");
}

#[test]
fn a_folder_removed_under_a_run_ends_it() {
    let place = Place::new();
    let command = place.command(&busy(&["--json", "--epochs", "1000000", "--out", "a"]));
    let running = Running::after_epoch(command, 2);
    // Renamed first: a folder that a process still writes to is not removed in one go.
    fs::rename(place.path("a"), place.path("gone")).unwrap();
    let ran = running.end();
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let problem = "error: cannot ";
    assert!(ran.err.contains(problem) && ran.err.contains("No such file or directory"), "{}", ran.err);
    assert!(ran.err.contains("the folder of the run is gone, so nothing is kept"), "{}", ran.err);
    assert!(!place.path("a").exists(), "and no other is made in its place");
    // What was taken away is a whole run.
    let epochs = (epochs_kept(&place, "gone") + 2).to_string();
    place.run(&["train", "--resume", "gone", "--epochs", &epochs, "--quiet"]).ok();
    straight(&place, &epochs);
    same(&place, "gone", "straight");
}

/// Nobody: whom permissions apply to, where the tests run as root.
const NOBODY: u32 = 65534;

/// Gives everything in a folder to a user.
fn give(path: &std::path::Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), user));
    }
}

#[test]
fn a_folder_made_read_only_under_a_run_ends_it() {
    let place = Place::new();
    let mut command = place.command(&busy(&["--json", "--epochs", "1000000", "--out", "a"]));
    if fs::metadata(place.path("")).unwrap().uid() == 0 {
        // Root may write everywhere, so the run is somebody else's.
        let program = place.path("program");
        fs::copy(env!("CARGO_BIN_EXE_gpu-mlp"), &program).unwrap();
        give(&place.path(""), NOBODY);
        let mut other = Command::new(program);
        other.args(command.get_args()).current_dir(place.path("")).env("HOME", place.path("home"));
        other.uid(NOBODY).gid(NOBODY);
        let can = Command::new(place.path("program")).arg("--version").uid(NOBODY).gid(NOBODY).output();
        if !can.is_ok_and(|output| output.status.success()) {
            return eprintln!("skipped: root cannot start a program as somebody else here");
        }
        command = other;
    }
    let running = Running::after_epoch(command, 2);
    let writable = |may: bool| {
        let mode = if may { 0o755 } else { 0o555 };
        fs::set_permissions(place.path("a"), fs::Permissions::from_mode(mode)).unwrap();
    };
    writable(false);
    let ran = running.end();
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("Permission denied"), "{}", ran.err);
    assert!(ran.err.contains(" saved; to continue: gpu-mlp train --resume a"), "{}", ran.err);
    writable(true);
    let epochs = (epochs_kept(&place, "a") + 2).to_string();
    place.run(&["train", "--resume", "a", "--epochs", &epochs, "--quiet"]).ok();
    straight(&place, &epochs);
    same(&place, "a", "straight");
    assert_eq!(leftovers(&place, "a"), 0, "what could not be removed then is removed now");
}
