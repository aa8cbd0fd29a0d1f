//! Memory of a run: bounded, and the same after many epochs as after two; of `predict`, after many rows as after few.
#![cfg(target_os = "linux")] // where a process's resident memory can be read from outside

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::program::Place;

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Resident memory of a run after an epoch, in KiB.
fn resident_after_an_epoch(place: &Place, args: &[&str]) -> usize {
    let args = [&["train", "--backend", "cpu", "--epochs", "1000", "--json", "--hidden", "8"], args].concat();
    let mut child = place.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("\"epoch\":1,"))
        .expect("the epoch is reported")
        .unwrap();
    let resident = resident(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    resident
}

#[test]
fn a_set_left_on_the_disk_takes_no_memory() {
    let place = Place::new();
    place
        .run(&["data", "make", "digits", "--train", "60000", "--test", "10", "--plain", "--out", "big"])
        .ok();
    let within = |limit: &str| {
        let out = format!("run-{limit}");
        resident_after_an_epoch(&place, &["--data", "./big", "--memory-limit", limit, "--out", &out])
    };
    let (all, none) = (within("1GiB"), within("1MiB"));
    assert!(none + 30 * 1024 < all, "47 MB of images: {all} KiB in memory, {none} KiB on the disk");
}

#[test]
fn resident_memory_does_not_grow_from_epoch_to_epoch() {
    let place = Place::new();
    let args = ["train", "--backend", "cpu", "--data", "digits", "--epochs", "1000", "--json", "--out", "a"];
    let mut child = place.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut after = |epoch: usize| {
        let mark = format!("\"epoch\":{epoch},");
        lines.find(|line| line.as_ref().unwrap().contains(&mark)).expect("the epoch is reported").unwrap();
        resident(child.id())
    };
    let (second, twentieth) = (after(2), after(20));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(twentieth <= second + 4096, "from {second} KiB after epoch 2 to {twentieth} after epoch 20");
    assert!(twentieth < 400 * 1024, "{twentieth} KiB");
}

#[test]
fn any_number_of_rows_is_classified_in_the_same_memory() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    let mut child =
        place.command(&["predict", "a", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    let rows = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,255\n".repeat(1000);
    let writer = std::thread::spawn(move || (0..300).try_for_each(|_| typed.write_all(rows.as_bytes())));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut after = |row: usize| {
        let mark = format!("stdin[{row}]");
        lines.find(|line| line.as_ref().unwrap().starts_with(&mark)).expect("the row is answered").unwrap();
        resident(child.id())
    };
    let (early, late) = (after(20_000), after(290_000));
    assert_eq!(lines.count(), 300_000 - 290_001);
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(late <= early + 4096, "{early} KiB after 20,000 rows, {late} KiB after 290,000");
}
