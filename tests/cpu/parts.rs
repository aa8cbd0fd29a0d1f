//! Sets in parts: what is made of files is what they hold, whole parts are told from damaged ones, and training on them is what it is
//! elsewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use gpu_mlp::data::parts::{Manifest, PART_BYTES, Sharding, shard, windowed};
use gpu_mlp::data::{self, Dataset, LoadOptions, MEMORY_LIMIT, Places, Request, Samples, Scaling};
use gpu_mlp::error::Result;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::data::{lines, refusal, says};
use crate::program::{Place, untimed_epochs};
use crate::tiny;

const SMALL: [&str; 2] = ["--part-size", "128B"];

/// Makes parts of files, and says what was said.
fn sharded(folder: &Path, files: &[&str], sharding: Sharding<'_>) -> Result<(Manifest, String)> {
    let data: Vec<String> = files.iter().map(|file| folder.join(file).display().to_string()).collect();
    let (manifest, notes) =
        shard(&folder.join("parts"), &Sharding { data: &data, ..sharding }, &Places::default())?;
    Ok((manifest, lines(&notes)))
}

fn with(options: &LoadOptions) -> Sharding<'_> {
    let (memory_limit, part_bytes) = (MEMORY_LIMIT, 400);
    Sharding { data: &[], options, data_dir: None, memory_limit, part_bytes }
}

fn load(path: &Path, options: &LoadOptions, memory: u64) -> Result<Dataset> {
    let (data, memory_limit) = (path.to_str(), Some(memory));
    let request = Request { data, memory_limit, options: Some(options), ..Request::default() };
    Ok(data::load(request)?.dataset)
}

/// The inputs, targets and weight of every sample, sorted.
fn content(samples: &Samples) -> Vec<String> {
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let inputs = samples.inputs(&all).unwrap();
    let row = |(&sample, inputs): (&u32, &[f64])| {
        let label = if samples.targets().row(0).is_empty() { samples.labels()[sample as usize] } else { 0 };
        let weight = samples.weights().map(|weights| weights[sample as usize]);
        format!("{inputs:?} {label} {:?} {weight:?}", samples.targets().row(sample as usize))
    };
    let mut rows: Vec<String> = all.iter().zip(inputs.data().chunks(samples.features())).map(row).collect();
    rows.sort();
    rows
}

/// A table with a word, two inputs, a weight, a class and a price.
fn table(rows: std::ops::Range<usize>) -> String {
    let mut text = String::from("colour,a,b,count,kind,price\n");
    for row in rows {
        let (a, b) = ((row * 37 % 101) as f64 / 50.0, (row * 53 % 97) as f64 * 3.0);
        let (colour, kind) = (["red", "blue", "green"][row * 7 % 3], ["low", "high"][usize::from(row > 90)]);
        writeln!(text, "{colour},{a},{b},{},{kind},{}", 1 + row % 3, 1000.0 + a * b + 0.5).unwrap();
    }
    text
}

#[test]
fn parts_hold_every_sample_of_the_set_once() {
    let place = Place::new();
    let said = place.run(&[&["data", "shard", "tiny", "--out", "parts"], &SMALL[..]].concat()).ok();
    says(&said, &["16 bytes a sample", "60 samples in 8 parts", "test     20 samples in 3 parts"]);
    says(&place.run(&["data", "verify", "parts"]).ok(), &["11 parts", "whole"]);
    let (parts, own) =
        (load(&place.path("parts"), &LoadOptions::default(), 1 << 20).unwrap(), tiny::dataset());
    assert!(parts.train.is_in_parts() && parts.test.is_in_parts());
    assert_eq!(content(&parts.train), content(&own.train));
    assert_eq!(content(&parts.test), content(&own.test));
    assert_eq!((parts.image_shape, parts.classes), (own.image_shape, own.classes));
    // A part is an ordinary file of arrays, and like the whole set.
    let one = load(&place.path("parts/train-00000.npz"), &LoadOptions::default(), MEMORY_LIMIT).unwrap();
    assert_eq!((one.train.features(), one.classes), (16, 3));
}

#[test]
fn several_files_are_one_set() {
    for (label, weight) in [("kind", None), ("kind", Some("count")), ("price", None)] {
        let options = LoadOptions {
            label_column: Some(label.into()),
            weight_column: weight.map(str::to_owned),
            test_fraction: 0.0,
            ..LoadOptions::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // Only the last file has a row of the second class, and a word that is not in the first.
        for (name, rows) in [("whole.csv", 0..120), ("a.csv", 0..50), ("b.csv", 50..80), ("c.csv", 80..120)] {
            fs::write(path(name), table(rows)).unwrap();
        }
        let (manifest, _) = sharded(folder.path(), &["a.csv", "b.csv", "c.csv"], with(&options)).unwrap();
        let whole = load(&path("whole.csv"), &options, MEMORY_LIMIT).unwrap();
        let parts = load(&path("parts"), &LoadOptions::default(), MEMORY_LIMIT).unwrap();
        assert_eq!(manifest.preparation.class_names, whole.preparation.class_names);
        assert_eq!(parts.preparation.schema.unwrap().inputs, whole.preparation.schema.unwrap().inputs);
        assert_eq!(content(&parts.train), content(&whole.train), "{label}, {weight:?}");
        assert!(parts.train.is(&parts.test), "nothing was held out");
    }
}

#[test]
fn what_is_held_out_of_each_file_is_not_fitted_to() {
    let folder = tempfile::tempdir().unwrap();
    let options = LoadOptions {
        label_column: Some("kind".into()),
        validation_fraction: 0.25,
        ..LoadOptions::default()
    };
    fs::write(folder.path().join("a.csv"), table(0..80)).unwrap();
    fs::write(folder.path().join("b.csv"), table(80..180)).unwrap();
    sharded(folder.path(), &["a.csv", "b.csv"], with(&options)).unwrap();
    let set = load(&folder.path().join("parts"), &LoadOptions::default(), MEMORY_LIMIT).unwrap();
    let validation = set.validation.unwrap();
    assert_eq!([set.train.len(), set.test.len(), validation.len()], [108, 36, 36]);
    let inputs = set.train.inputs(&(0..108).collect::<Vec<u32>>()).unwrap();
    let features = set.preparation.schema.unwrap().features();
    let column = features.iter().position(|name| name == "b").unwrap();
    let mean = inputs.data().chunks(features.len()).map(|row| row[column]).sum::<f64>() / 108.0;
    assert!(mean.abs() < 1e-5, "{mean}");
}

#[test]
fn files_that_memory_does_not_hold_together_are_looked_at_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        LoadOptions { label_column: Some("price".into()), test_fraction: 0.0, ..LoadOptions::default() };
    fs::write(folder.path().join("a.csv"), table(0..400)).unwrap();
    fs::write(folder.path().join("b.csv"), table(400..800)).unwrap();
    // A row takes about 8 bytes a number.
    let sharding = Sharding { memory_limit: 24_000, part_bytes: PART_BYTES, ..with(&options) };
    let (manifest, said) = sharded(folder.path(), &["a.csv", "b.csv"], sharding).unwrap();
    says(&said, &["one in 2 training samples"]);
    assert_eq!(manifest.train[0].rows, 800, "all samples are there");
    let Scaling::Columns { shift, .. } = manifest.preparation.scaling else { panic!("they are scaled") };
    assert!(shift.iter().any(|shift| (130.0..160.0).contains(shift)), "{shift:?}");
}

#[test]
fn the_order_is_random_and_goes_from_part_to_part() {
    let parts = || (0..20).map(|part| (part * 50..part * 50 + 50).collect()).collect::<Vec<Vec<u32>>>();
    let order = |seed| windowed(parts(), &mut ChaCha8Rng::seed_from_u64(seed));
    let one = order(1);
    assert_eq!(one, order(1));
    assert_ne!(one, order(2));
    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), 1000, "each sample once");
    // Between the first and the last sample of a part are those of the few parts around it.
    for part in 0..20 {
        let of_part = |sample: &&u32| **sample / 50 == part;
        let first = one.iter().position(|sample| of_part(&sample)).unwrap();
        let last = one.iter().rposition(|sample| of_part(&sample)).unwrap();
        assert!(last - first < 9 * 50 + 100 && last - first > 150, "{part}: {first} to {last}");
    }
    let mixed =
        one[200..800].chunks(50).map(|some| some.iter().map(|at| at / 50).collect::<BTreeSet<_>>().len());
    assert!(mixed.min() >= Some(6), "a stretch mixes several parts");
}

#[test]
fn a_run_on_parts_that_was_interrupted_ends_with_the_same_bits() {
    let place = Place::new();
    place.run(&[&["data", "shard", "tiny", "--out", "parts"], &SMALL[..]].concat()).ok();
    let small = ["--data", "parts", "--memory-limit", "3kB", "--momentum", "0.5"];
    let train = |more: &[&str]| {
        let args = ["train", "--backend", "cpu", "--hidden", "7", "--batch-size", "4", "--json"];
        place.run(&[&args[..], &small, more].concat()).lines()
    };
    let whole = train(&["--epochs", "4", "--out", "whole"]);
    train(&["--epochs", "2", "--out", "resumed"]);
    place.run(&["train", "--resume", "resumed", "--epochs", "4", "--memory-limit", "3kB"]).ok();
    assert!(place.read("whole/model.safetensors") == place.read("resumed/model.safetensors"));
    let epochs = untimed_epochs(&whole);
    assert_eq!(epochs.len(), 4);
    assert!(epochs[3]["train_loss"].as_f64() < epochs[0]["train_loss"].as_f64());
    let eval = place.run(&["eval", "whole", "--backend", "cpu", "--json"]).lines();
    assert_eq!(eval[0]["loss"], epochs[3]["test_loss"], "{eval:?}");
}

#[test]
fn a_damaged_part_is_named() {
    let place = Place::new();
    place.run(&[&["data", "shard", "tiny", "--out", "parts"], &SMALL[..]].concat()).ok();
    let path = place.path("parts/train-00002.npz");
    let whole = fs::read(&path).unwrap();
    let mut other = whole.clone();
    // In the values, behind both headers.
    other[180] ^= 1;
    let train = || {
        place.run(&[
            "train",
            "--backend",
            "cpu",
            "--data",
            "parts",
            "--out",
            "run",
            "--epochs",
            "1",
            "--overwrite",
        ])
    };
    for (bytes, problem) in [(&other[..], "SHA-256"), (&whole[..100], "it has 100 bytes, expected")] {
        fs::write(&path, bytes).unwrap();
        let ran = place.run(&["data", "verify", "parts"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        says(&ran.out, &["damaged", "train-00002.npz", problem, "1 of 11 parts"]);
        let ran = train();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        says(&ran.err, &["train-00002.npz", "data verify"]);
    }
    fs::remove_file(&path).unwrap();
    says(&place.run(&["data", "verify", "parts"]).out, &["train-00002.npz: it is not there"]);
    fs::write(&path, &whole).unwrap();
    place.run(&["data", "verify", "parts"]).ok();
    train().ok();
}

#[test]
fn a_list_of_parts_that_says_what_cannot_be_is_refused() {
    let place = Place::new();
    place.run(&[&["data", "shard", "tiny", "--out", "parts"], &SMALL[..]].concat()).ok();
    let text = place.text("parts/parts.json");
    for (from, to, problem) in [
        ("\"version\": 1", "\"version\": 2", "version 2"),
        ("train-00000.npz", "../train-00000.npz", "not the name of a file"),
        ("train-00000.npz", "/dev/zero", "not the name of a file"),
        ("\"features\": 16", "\"features\": 17", "rows of 17 values are no images of 4 x 4"),
        ("z\",\n      \"rows\": ", "z\",\n      \"rows\": 9", "expected ["),
        ("z\",\n      \"rows\": ", "z\",\n      \"rows\": 99999999999", "more than 4294967295 samples"),
        ("\"train\"", "\"trains\"", "does not say what the parts are"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(place.path("parts/parts.json"), text.replacen(from, to, 1)).unwrap();
        place.run(&["train", "--backend", "cpu", "--data", "parts"]).fails(2, &["parts", problem]);
    }
}

#[test]
fn what_cannot_be_done_with_parts_is_refused_in_words() {
    let place = Place::new();
    place.run(&[&["data", "shard", "tiny", "--out", "parts"], &SMALL[..]].concat()).ok();
    let run = |args: &[&str]| place.run(&[args, &["--data", "parts", "--backend", "cpu"]].concat());
    for (args, words) in [
        (&["train", "--test-fraction", "0.5"][..], "--test-fraction: parts is a set in parts"),
        (&["train", "--validation-fraction", "0.5"], "this was decided when they were made"),
        (&["train", "--scale", "standard"], "leave --scale out"),
        (&["train", "--ensemble", "2"], "several at once"),
        (&["sweep", "--lr", "0.1,0.2"], "several at once"),
        (&["lr-find"], "several at once"),
        // 80 labels of 4 bytes, and the parts that are in use at a time.
        (&["train", "--memory-limit", "1kB"], "more than 1000"),
    ] {
        run(args).fails(2, &[words]);
    }
    says(&run(&["train", "--folds", "3"]).err, &["--folds: ", "folds take samples from everywhere"]);
    place.run(&["data", "show", "parts"]).fails(2, &["these are the parts of a set", "data verify"]);
    place.run(&["data", "shard", "parts", "--out", "again"]).fails(2, &["these are the parts of a set"]);
    assert!(!place.path("again").exists(), "a mistake leaves no folder behind");
    place.run(&["data", "shard", "tiny", "--out", "parts"]).fails(2, &["the folder holds something"]);
    place.run(&["data", "verify", "tiny"]).fails(2, &["parts.json"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), table(0..50)).unwrap();
    fs::write(folder.path().join("b.csv"), "x,y\n1,2\n3,4\n").unwrap();
    let options = LoadOptions { label_column: Some("kind".into()), ..LoadOptions::default() };
    let refused = refusal(sharded(folder.path(), &["a.csv", "b.csv"], with(&options)));
    says(&refused, &["b.csv", "lacks the columns"]);
}
