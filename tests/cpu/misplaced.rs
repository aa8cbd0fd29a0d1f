//! Pipes, devices, folders and links where files and folders of runs belong: an error in words, and no waiting.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Place, Ran};

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs the program, which has to end by itself within a minute.
#[track_caller]
fn ended(place: &Place, args: &[&str]) -> Ran {
    let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        child.try_wait().unwrap().is_some()
    });
    if !ended {
        child.kill().unwrap();
    }
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert!(ended, "it waits for ever: {args:?}");
    ran
}

#[test]
fn a_pipe_or_a_device_in_a_run_is_not_waited_for() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let resume = ["train", "--resume", "a", "--epochs", "2", "--backend", "cpu"];
    let eval = ["eval", "a", "--backend", "cpu"];
    for (name, args) in
        [("checkpoint.safetensors", &resume[..]), ("metrics.jsonl", &resume), ("model.safetensors", &eval)]
    {
        let (file, aside) = (place.path("a").join(name), place.path("aside"));
        fs::rename(&file, &aside).unwrap();
        pipe(&file);
        ended(&place, args).fails(2, &[name, "expected a file, got a pipe or a device"]);
        fs::remove_file(&file).unwrap();
        symlink("/dev/zero", &file).unwrap();
        ended(&place, args).fails(2, &[name, "expected a file, got a pipe or a device"]);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        ended(&place, args).fails(2, &[name, "expected a file, got a folder"]);
        fs::remove_dir(&file).unwrap();
        fs::rename(&aside, &file).unwrap();
    }
    place.run(&resume).ok();
}

#[test]
fn a_device_is_no_model_and_no_dump() {
    let place = Place::new();
    for command in [&["eval"][..], &["import"], &["doctor"], &["export", "--to", "onnx"]] {
        ended(&place, &[command, &["/dev/zero"]].concat()).fails(2, &["/dev/zero: expected a file"]);
    }
}

#[test]
fn what_is_no_folder_takes_no_run() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    symlink("one", place.path("other")).unwrap();
    symlink("other", place.path("one")).unwrap();
    symlink("nowhere", place.path("astray")).unwrap();
    for out in ["file", "one", "astray"] {
        for more in [&[][..], &["--overwrite"], &["--resume"]] {
            let ran = place.train(&[&["--batch-size", "8", "--epochs", "1", "--out", out], more].concat());
            ran.fails(2, &[out, "is not a folder", "--out must name a new folder"]);
        }
    }
    assert_eq!(place.text("file"), "mine");
    assert!(!place.path("nowhere").exists());
}

#[cfg(target_os = "linux")] // others have no such names
#[test]
fn a_folder_may_have_any_name() {
    let place = Place::new();
    let out = OsStr::from_bytes(b"\xff\xfe");
    let mut command = place.command(&["train", "--backend", "cpu", "--data", "tiny", "--batch-size", "8"]);
    let ran: Ran = command.args(["--epochs", "1", "--json", "--out"]).arg(out).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut resume = place.command(&["train", "--epochs", "2", "--json", "--resume"]);
    let ran: Ran = resume.arg(out).output().unwrap().into();
    assert_eq!(ran.lines().len(), 3, "start, epoch, end");
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_picture() {
    let place = Place::new();
    place.digits("a", &["--epochs", "1", "--hidden", "4"]).ok();
    fs::create_dir(place.path("photos")).unwrap();
    pipe(&place.path("photos/seven.png"));
    ended(&place, &["predict", "a", "photos"])
        .fails(2, &["there is no image and no Parquet file in this folder"]);
}
