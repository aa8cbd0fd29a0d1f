//! `train --tensorboard`: event files, read back here by the letter, and by TensorBoard itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use gpu_mlp::training::tensorboard::proto::{Content, Event, SessionStatus, What};
use gpu_mlp::training::tensorboard::{EventFile, files};
use prost::Message;

use crate::cli_resume::same;
use crate::data::says;
use crate::program::{Place, lines};

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cpu/check_tensorboard.py");

/// CRC-32C bit by bit: the polynomial 0x1edc6f41, reflected.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn masked(bytes: &[u8]) -> u32 {
    let crc = crc(bytes);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The events of a file whose frames and checksums are right.
#[track_caller]
fn events(path: &Path) -> Vec<Event> {
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut events) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let (length, after) = rest.split_at(8);
        let (length_crc, after) = after.split_at(4);
        assert_eq!(length_crc, masked(length).to_le_bytes());
        let (message, after) = after.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (message_crc, after) = after.split_at(4);
        assert_eq!(message_crc, masked(message).to_le_bytes());
        events.push(Event::decode(message).unwrap());
        rest = after;
    }
    events
}

/// The scalars of a file: step, tag, value.
fn scalars(path: &Path) -> Vec<(i64, String, f32)> {
    let mut scalars = Vec::new();
    for event in events(path) {
        let Some(What::Summary(summary)) = event.what else { continue };
        for value in summary.value {
            if let Some(Content::SimpleValue(number)) = value.content {
                scalars.push((event.step, value.tag, number));
            }
        }
    }
    scalars
}

/// The step from which on a file speaks.
fn begins(path: &Path) -> i64 {
    let events = events(path);
    assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
    let Some(What::SessionLog(log)) = &events[1].what else { panic!("{:?}", events[1]) };
    assert_eq!(log.status(), SessionStatus::Start);
    events[1].step
}

#[test]
fn the_checksum_is_the_standards() {
    // RFC 3720, B.4, and the check value of the catalogues.
    assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc(b"123456789"), 0xe306_9283);
    // An empty file of TensorFlow's begins with a record of 24 bytes: this is the checksum of that length.
    assert_eq!(masked(&24_u64.to_le_bytes()), u32::from_le_bytes([0xa3, 0x7f, 0x4b, 0x22]));
}

#[test]
fn an_epoch_is_a_step_with_its_scalars() {
    let place = Place::new();
    let schedule =
        ["--lr-schedule", "step", "--lr-step-epochs", "1", "--epochs", "3", "--validation-fraction", "0.2"];
    let printed = place.trained("a", &[&schedule[..], &["--tensorboard"]].concat());
    let found = files(&place.path("a")).unwrap();
    let [file] = &found[..] else { panic!("{found:?}") };
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("events.out.tfevents."));
    assert_eq!(begins(file), 1);
    let scalars = scalars(file);
    let value = |epoch: i64, tag: &str| {
        let mut found = scalars.iter().filter(|(step, name, _)| *step == epoch && name == tag);
        let value = found.next().unwrap_or_else(|| panic!("{tag} of {epoch}: {scalars:?}")).2;
        assert!(found.next().is_none(), "{tag} of {epoch} is there twice");
        value
    };
    for epoch in 1..=3 {
        let line = &printed[epoch as usize];
        assert_eq!(line["epoch"], epoch);
        for part in ["train", "test", "validation"] {
            for what in ["loss", "accuracy"] {
                let expected = line[format!("{part}_{what}")].as_f64().unwrap() as f32;
                assert_eq!(value(epoch, &format!("{what}/{part}")), expected);
            }
        }
        assert_eq!(value(epoch, "samples_per_second"), line["samples_per_second"].as_f64().unwrap() as f32);
        let rate = 0.1_f32 * 0.1_f32.powi(epoch as i32 - 1);
        assert!((value(epoch, "learning_rate") / rate - 1.0).abs() < 1e-6, "{scalars:?}");
    }
    assert_eq!(scalars.len(), 3 * 8);
}

#[test]
fn without_the_option_there_are_none() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    assert_eq!(files(&place.path("a")).unwrap(), Vec::<std::path::PathBuf>::new());
    // The other files are what they are with it.
    place.trained("b", &["--epochs", "1", "--tensorboard"]);
    same(&place, "a", "b");
}

#[test]
fn a_resumed_run_goes_on_in_a_new_file_from_its_next_epoch() {
    let place = Place::new();
    place.trained("a", &["--epochs", "2", "--tensorboard"]);
    // Nobody has to repeat the option.
    place.run(&["train", "--resume", "a", "--epochs", "4", "--quiet"]).ok();
    let found = files(&place.path("a")).unwrap();
    assert_eq!(found.iter().map(|file| begins(file)).collect::<Vec<_>>(), [1, 3]);
    let steps = |file: &Path| {
        let mut steps: Vec<i64> = scalars(file).iter().map(|(step, _, _)| *step).collect();
        steps.dedup();
        steps
    };
    assert_eq!((steps(&found[0]), steps(&found[1])), (vec![1, 2], vec![3, 4]));
    // With nothing left to do, there is nothing to tell.
    place.run(&["train", "--resume", "a", "--quiet"]).ok();
    assert_eq!(files(&place.path("a")).unwrap(), found);

    // A run that began without has all of its epochs in its first file.
    place.trained("b", &["--epochs", "2"]);
    place.run(&["train", "--resume", "b", "--epochs", "3", "--quiet", "--tensorboard"]).ok();
    let found = files(&place.path("b")).unwrap();
    assert_eq!((found.len(), steps(&found[0])), (1, vec![1, 2, 3]));

    // Another run in the folder leaves nothing of the old one.
    place.trained("a", &["--epochs", "1", "--overwrite"]);
    assert_eq!(files(&place.path("a")).unwrap().len(), 0);
}

#[test]
fn files_begun_in_the_same_second_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for first in 1..=12 {
        EventFile::create(folder.path(), first).unwrap();
    }
    let found = files(folder.path()).unwrap();
    assert_eq!(found.iter().map(|file| begins(file)).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = EventFile::create(&folder.path().join("gone"), 1).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    says(&error.to_string(), &["cannot read ", "gone"]);
}

#[test]
#[ignore = "needs GPU_MLP_PYTHON, a Python with tensorboard: scripts/test makes one"]
fn tensorboard_reads_the_metrics() {
    let python = std::env::var("GPU_MLP_PYTHON").expect("GPU_MLP_PYTHON names a Python");
    let check = |place: &Place, epochs: usize| {
        let run = place.path("a");
        assert_eq!(
            lines(&place.text("a/metrics.jsonl")).iter().filter(|line| line["event"] == "epoch").count(),
            epochs
        );
        let output = Command::new(&python).arg(CHECK).arg(run).output().unwrap();
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{said}{complaint}");
        assert!(output.status.success());
        says(&said, &["same scalars: ", &format!("{epochs} epochs")]);
    };
    let place = Place::new();
    place.trained("a", &["--epochs", "3", "--tensorboard", "--validation-fraction", "0.2"]);
    check(&place, 3);
    // A crash between the events and the checkpoint: epochs 4 and 5 are trained, and told of, twice.
    fs::create_dir(place.path("kept")).unwrap();
    for file in ["checkpoint.safetensors", "model.safetensors"] {
        fs::copy(place.path("a").join(file), place.path("kept").join(file)).unwrap();
    }
    place.run(&["train", "--resume", "a", "--epochs", "5", "--quiet"]).ok();
    check(&place, 5);
    for file in ["checkpoint.safetensors", "model.safetensors"] {
        fs::copy(place.path("kept").join(file), place.path("a").join(file)).unwrap();
    }
    // And in the middle of a record.
    let newest = files(&place.path("a")).unwrap().pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&newest, bytes).unwrap();
    place.run(&["train", "--resume", "a", "--epochs", "7", "--quiet"]).ok();
    assert_eq!(files(&place.path("a")).unwrap().len(), 3);
    check(&place, 7);
}
