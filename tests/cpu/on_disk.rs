//! Sets larger than the memory they may take: rows are left in their file, and nothing else changes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use gpu_mlp::data::folder::{self, STEMS};
use gpu_mlp::data::{Dataset, MEMORY_LIMIT, Reader, Split};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::training::TrainConfig;
use pollster::block_on;

use crate::data::{gzip, refusal, says};
use crate::program::{Place, Ran, untimed_epochs};
use crate::tiny;

/// The tiny set with so much memory.
fn tiny_within(folder: &Path, memory: u64) -> Dataset {
    tiny::write(folder);
    folder::load(folder, "tiny", None, memory).unwrap()
}

#[test]
fn training_images_come_first_and_what_does_not_fit_stays_on_the_disk() {
    let place = tempfile::tempdir().unwrap();
    // 60 and 20 images of 16 bytes.
    for (memory, on_disk) in [
        (MEMORY_LIMIT, (false, false)),
        (1280, (false, false)),
        (1279, (false, true)),
        (959, (true, false)),
        (319, (true, true)),
    ] {
        let set = tiny_within(place.path(), memory);
        assert_eq!((set.train.is_on_disk(), set.test.is_on_disk()), on_disk, "{memory} bytes");
        let made = tiny::dataset();
        let order: Vec<u32> = [59, 3, 4, 5, 0, 1, 1, 58].into();
        assert_eq!(set.train.read(&order).unwrap(), made.train.read(&order).unwrap());
        assert_eq!(set.test.inputs(&[19, 0]).unwrap(), made.test.inputs(&[19, 0]).unwrap());
        assert_eq!((set.train.labels(), set.test.labels()), (made.train.labels(), made.test.labels()));
    }
}

#[test]
fn a_reader_gives_what_is_wanted_whatever_was_announced() {
    let place = tempfile::tempdir().unwrap();
    let (set, made) = (tiny_within(place.path(), 0), tiny::dataset());
    let mut reader = Reader::default();
    let all: Vec<u32> = (0..200).map(|i| (i * 7 % 60) as u32).collect();
    // Announced and taken; longer and shorter than announced; something else; announced again and not taken.
    let calls: [(&[u32], &[u32]); 7] = [
        (&all[..10], &all[10..20]),
        (&all[10..20], &all[20..30]),
        (&all[20..45], &all[45..60]),
        (&all[45..50], &all[50..55]),
        (&all[100..120], &[]),
        (&all[120..121], &all[50..55]),
        (&all[0..200], &[]),
    ];
    for (wanted, next) in calls {
        let chunk = reader.chunk(&set.train, wanted, next).unwrap();
        assert_eq!(chunk.indices().len(), wanted.len());
        for (&index, &sample) in chunk.indices().iter().zip(wanted) {
            assert_eq!(chunk.row(index as usize), made.train.read(&[sample]).unwrap());
            assert_eq!(chunk.labels()[index as usize], made.train.labels()[sample as usize]);
        }
    }
}

#[test]
fn a_run_from_the_disk_ends_with_the_same_bits() {
    let place = Place::new();
    let common = ["--validation-fraction", "0.25", "--momentum", "0.5", "--epochs", "3"];
    let plain = place.trained("memory", &common);
    let small = ["--memory-limit", "100B"];
    let disk = place.trained("disk", &[&common[..], &small].concat());
    assert_eq!(untimed_epochs(&disk), untimed_epochs(&plain));
    place.trained("resumed", &[&common[..4], &["--epochs", "1"], &small].concat());
    place.train(&[&["--resume", "resumed", "--epochs", "3"], &small[..]].concat()).ok();
    for run in ["disk", "resumed"] {
        for file in ["model.safetensors", "checkpoint.safetensors"] {
            assert!(
                place.read(&format!("{run}/{file}")) == place.read(&format!("memory/{file}")),
                "{run}/{file}"
            );
        }
    }
    let eval = |more: &[&str]| {
        place.run(&[&["eval", "memory", "--backend", "cpu", "--split", "train"], more].concat()).ok()
    };
    assert_eq!(eval(&small), eval(&[]));
}

fn train_on_disk(place: &Place) -> Ran {
    place.train(&["--batch-size", "8", "--memory-limit", "0B"])
}

#[test]
fn a_file_that_cannot_stay_on_the_disk_is_refused() {
    let place = Place::new();
    let path = place.path("tiny").join(STEMS[0]);
    let whole = fs::read(&path).unwrap();
    for (bytes, words) in [
        (whole[..500].to_vec(), vec!["it ends after 484 of the 960 bytes (60 x 4 x 4)"]),
        ([&whole[..], b"x"].concat(), vec!["more bytes in it than the 960 bytes"]),
        (whole[..16].to_vec(), vec!["it ends after 0 of the 960 bytes"]),
        (gzip(&whole), vec!["its images take 960 B", "may take at most 0 B", "gunzip", "--memory-limit"]),
    ] {
        fs::write(&path, bytes).unwrap();
        train_on_disk(&place).fails(2, &[&[STEMS[0]], &words[..]].concat());
        assert!(!place.path("runs").exists(), "a mistake leaves no folder behind");
    }
    let ran = place.train(&["--memory-limit", "much"]);
    assert_eq!(ran.code, Some(2));
    says(&ran.err, &["--memory-limit", "much"]);
}

#[test]
fn a_file_cut_short_after_it_was_opened_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let set = tiny_within(place.path(), 0);
    let config = TrainConfig { hidden: vec![], batch_size: 8, ..TrainConfig::default() };
    let mut engine = CpuEngine::new(&config.spec(&set).unwrap(), config.step_options(&set).unwrap());
    block_on(engine.load_dataset(&set)).unwrap();
    for stem in [STEMS[0], STEMS[2]] {
        File::options().write(true).open(place.path().join(stem)).unwrap().set_len(16 + 16 * 10).unwrap();
    }
    assert_eq!(block_on(engine.train(&[0, 9])).unwrap(), 2, "what is still there can be used");
    let words = [STEMS[0], "it now ends before image 10 of 60", "do not change it"];
    says(&refusal(block_on(engine.train(&[0, 10]))), &words);
    says(&refusal(block_on(engine.evaluate(Split::Test, &[19]))), &[STEMS[2], "before image 19 of 20"]);
    says(&refusal(set.train.inputs(&[59])), &[STEMS[0], "before image 59"]);
}

#[test]
fn a_file_cut_short_in_the_midst_of_training_ends_the_run() {
    let place = Place::new();
    let args = ["train", "--backend", "cpu", "--data", "tiny", "--hidden", "7", "--batch-size", "8"];
    let more = ["--memory-limit", "0B", "--epochs", "1000000", "--json", "--out", "cut"];
    let mut command = place.command(&[&args[..], &more].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().contains("\"epoch\":2,"))
        .expect("the epoch is reported")
        .unwrap();
    let images = place.path("tiny").join(STEMS[0]);
    File::options().write(true).open(images).unwrap().set_len(300).unwrap();
    lines.for_each(|line| drop(line.unwrap()));
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(2), "{ran:?}");
    says(&ran.err, &[STEMS[0], "it now ends before image", "restore the file"]);
    assert!(place.path("cut/checkpoint.safetensors").exists(), "the epochs before are kept");
}
