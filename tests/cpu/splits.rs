//! The parts of a data set: what is held out is never fitted to, files and arrays of their own are taken for what they are,
//! and folds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use gpu_mlp::data::{Dataset, Fold, LoadOptions, Loaded, Samples, Split};
use image::{ColorType, ImageFormat};
use serde_json::Value;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::{array, encoded, load, load_with, write_npz};
use crate::program::{Place, Ran, events};

/// A table of numbers that grow with the row, a word that is different in each tenth of the rows, and three classes.
fn flowers(rows: usize) -> String {
    let mut text = String::from("width,height,colour,species\n");
    for row in 0..rows {
        let (width, height) = (row as f64 * 0.37 % 7.0 + (row * row) as f64, (row * 31 % 17) as f64);
        let species = ["setosa", "versicolor", "virginica"][row % 3];
        writeln!(text, "{width:.2},{height:.1},colour{},{species}", row * 10 / rows).unwrap();
    }
    text
}

fn table(text: &str, options: &LoadOptions) -> Loaded {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.csv");
    fs::write(&path, text).unwrap();
    load_with(&path, options).unwrap()
}

fn rows(samples: &Samples) -> Vec<Vec<f64>> {
    let inputs = samples.inputs(&(0..samples.len() as u32).collect::<Vec<_>>()).unwrap();
    inputs.data().chunks(samples.features()).map(<[f64]>::to_vec).collect()
}

fn sizes(set: &Dataset) -> [usize; 3] {
    [set.train.len(), set.validation.as_ref().map_or(0, Samples::len), set.test.len()]
}

#[test]
fn nothing_is_fitted_to_what_is_held_out() {
    let held_out = LoadOptions { validation_fraction: 0.25, ..LoadOptions::default() };
    let loaded = table(&flowers(200), &held_out);
    let set = &loaded.dataset;
    assert_eq!(sizes(set), [120, 40, 40]);
    says(&loaded.notice.unwrap(), &["120 training, 40 validation and 40 test samples"]);
    let train = rows(&set.train);
    for column in 0..2 {
        let values = || train.iter().map(|row| row[column]);
        let mean = values().sum::<f64>() / 120.0;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / 120.0;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "column {column}: {mean}, {variance}");
    }
    // A colour is an input if a training row has it: that of a single row comes and goes with the seed.
    let text = flowers(40) + "1,1,green,setosa\n";
    let mut known = BTreeSet::new();
    for split_seed in 0..12 {
        let set = table(&text, &LoadOptions { split_seed, ..held_out.clone() }).dataset;
        let names = set.preparation.schema.as_ref().unwrap().features();
        let place = names.iter().position(|name| name == "colour=green");
        assert!(
            place.is_none_or(|at| rows(&set.train).iter().any(|row| row[at] == 1.0)),
            "seed {split_seed}"
        );
        known.insert(place.is_some());
    }
    assert_eq!(known.len(), 2, "it was held out at times");
    for (class, name) in set.preparation.class_names.iter().enumerate() {
        let count =
            |split| set.split(split).unwrap().labels().iter().filter(|&&own| own as usize == class).count();
        let counts = [Split::Train, Split::Validation, Split::Test].map(count);
        assert!((39..=41).contains(&counts[0]) && (13..=14).contains(&counts[1]), "{name}: {counts:?}");
    }
}

#[test]
fn a_validation_table_of_its_own_is_read_by_the_names_of_its_columns() {
    let place = Place::new();
    fs::write(place.path("set.csv"), flowers(90)).unwrap();
    fs::write(
        place.path("own.csv"),
        "species,height,colour,width\nsetosa,3,colour1,4\nvirginica,5,colour7,6\n",
    )
    .unwrap();
    let train = |more: &[&str]| {
        let small = ["--hidden", "4", "--batch-size", "8", "--epochs", "2", "--overwrite", "--out", "run"];
        place.run(&[&["train", "--backend", "cpu", "--data", "set.csv", "--json"], &small[..], more].concat())
    };
    let ran = train(&["--validation-data", "own.csv", "--early-stopping", "1"]);
    says(
        &ran.err,
        &[
            "72 training, 2 validation and 18 test samples",
            "own.csv: its columns are taken in the model's order",
        ],
    );
    let printed = ran.lines();
    assert_eq!(printed[0]["validation_samples"], 2);
    // What `eval` says of the part is what training said.
    let eval = |part: &str| place.run(&["eval", "run", "--backend", "cpu", "--json", "--split", part]);
    let best = printed.last().unwrap()["model_epoch"].as_u64().unwrap() as usize;
    for (part, key) in [("validation", "validation_loss"), ("test", "test_loss")] {
        let loss = eval(part).lines().remove(0)["loss"].as_f64().unwrap();
        assert!((loss - printed[best][key].as_f64().unwrap()).abs() < 1e-6, "{part}");
    }
    train(&[]).ok();
    eval("validation").fails(2, &["the data have no validation samples", "--validation-fraction 0.1"]);
    let of = |model: &str| {
        place.run(&["eval", model, "--data", "own.csv", "--split", "validation", "--backend", "cpu"])
    };
    of("run").fails(2, &["no validation samples", "leave --data out", "--validation-data"]);
    of("run/model.safetensors").fails(2, &["no validation samples", "name the folder of the run"]);
    fs::write(place.path("own.csv"), "species,height,colour,width\nrose,3,colour1,4\n").unwrap();
    train(&["--validation-data", "own.csv"])
        .fails(2, &["own.csv", "the label `rose` is not one of the 3 known classes"]);
    let both = ["--validation-data", "own.csv", "--validation-fraction", "0.1"];
    train(&both).fails(2, &["both say what to validate on", "leave one of them out"]);
}

/// Arrays of rows of two numbers and a class, under these names.
fn arrays(parts: &[(&str, &str, usize)]) -> Vec<(String, Vec<u8>)> {
    let mut arrays = Vec::new();
    for (x, y, rows) in parts {
        let values: Vec<u8> = (0..rows * 2).flat_map(|i| (i as f32 * 1.5).to_le_bytes()).collect();
        arrays.push(((*x).to_owned(), array("<f4", &[*rows, 2], &values)));
        if !y.is_empty() {
            let labels: Vec<u8> = (0..*rows).map(|row| (row % 2) as u8).collect();
            arrays.push(((*y).to_owned(), array("|u1", &[*rows], &labels)));
        }
    }
    arrays
}

fn npz(parts: &[(&str, &str, usize)]) -> Loaded {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let arrays = arrays(parts);
    let arrays: Vec<(&str, Vec<u8>)> =
        arrays.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    write_npz(&path, &arrays);
    load(&path).unwrap()
}

#[test]
fn validation_arrays_are_the_validation_set() {
    for val in ["val", "valid", "validation"] {
        let (x, y) = (format!("X_{val}"), format!("y_{val}"));
        let parts = [("X_train", "y_train", 12), (&x, &y, 4), ("X_test", "y_test", 6)];
        assert_eq!(sizes(&npz(&parts).dataset), [12, 4, 6]);
    }
    let medical = [
        ("train_images", "train_labels", 12),
        ("val_images", "val_labels", 4),
        ("test_images", "test_labels", 6),
    ];
    assert_eq!(sizes(&npz(&medical).dataset), [12, 4, 6]);
    let loaded = npz(&[("x_train", "y_train", 12), ("x_val", "y_val", 4)]);
    assert_eq!(sizes(&loaded.dataset), [12, 0, 4]);
    says(&crate::data::lines(&loaded.notes), &["the validation set is taken as the test set"]);
    let loaded = npz(&[("X", "y", 12), ("X_test", "y_test", 6), ("X_val", "y_val", 4)]);
    assert_eq!(sizes(&loaded.dataset), [12, 4, 6], "X and y are the training set of what else there is");
    // Half a part is no part, and that is said.
    let loaded = npz(&[("x_train", "y_train", 20), ("x_test", "", 4)]);
    assert_eq!(sizes(&loaded.dataset), [16, 0, 4]);
    says(&crate::data::lines(&loaded.notes), &["arrays that are left out: `x_test`"]);
}

/// Images of two classes, so many each.
fn images(folder: &Path, count: usize) {
    for (class, name) in ["circle", "square"].iter().enumerate() {
        fs::create_dir_all(folder.join(name)).unwrap();
        for number in 0..count {
            let pixels: Vec<u8> = (0..64).map(|at| (at * 3 + number + 100 * class) as u8).collect();
            let bytes = encoded(&pixels, [8, 8], ColorType::L8, ImageFormat::Png);
            fs::write(folder.join(name).join(format!("{number}.png")), bytes).unwrap();
        }
    }
}

#[test]
fn a_folder_of_validation_images_is_the_validation_set() {
    let folder = tempdir().unwrap();
    images(&folder.path().join("train"), 5);
    images(&folder.path().join("val"), 2);
    let loaded = load(folder.path()).unwrap();
    assert_eq!(sizes(&loaded.dataset), [10, 0, 4]);
    says(
        &crate::data::lines(&loaded.notes),
        &["there is no test set, so the validation set is taken as the test set"],
    );
    images(&folder.path().join("test"), 3);
    let loaded = load(folder.path()).unwrap();
    assert_eq!(sizes(&loaded.dataset), [10, 4, 6]);
    let twice = LoadOptions { validation_fraction: 0.5, ..LoadOptions::default() };
    says(&refusal(load_with(folder.path(), &twice)), &["has its own validation set"]);
}

#[test]
fn each_row_is_in_one_fold_and_classes_are_spread_evenly() {
    let of = |number| {
        let fold = Some(Fold::new(number, 4).unwrap());
        table(&flowers(58), &LoadOptions { fold, ..LoadOptions::default() }).dataset
    };
    let mut seen = BTreeSet::new();
    for number in 1..=4 {
        let set = of(number);
        assert!(set.test.len() == 14 || set.test.len() == 15, "{}", set.test.len());
        assert_eq!(set.train.len() + set.test.len(), 58);
        for class in 0..3 {
            let count = set.test.labels().iter().filter(|&&label| label == class).count();
            assert!((4..=5).contains(&count), "fold {number}, class {class}: {count}");
        }
        // A row is known by its width, back in its own unit.
        let gpu_mlp::data::Scaling::Columns { shift, factor } = &set.preparation.scaling else { panic!() };
        for row in rows(&set.test) {
            let width = row[0] / factor[0] + shift[0];
            assert!(seen.insert((width * 10.0).round() as i64), "{width} is in two folds");
        }
        assert_eq!(of(number).test, set.test, "the same for the same seed");
    }
    assert_eq!(seen.len(), 58);
}

fn folds(place: &Place, more: &[&str]) -> Ran {
    let small = ["--hidden", "4", "--batch-size", "8", "--epochs", "2"];
    place.run(&[&["train", "--backend", "cpu", "--data", "set.csv"], &small[..], more].concat())
}

#[test]
fn a_cross_validation_is_a_run_for_each_fold_and_a_table() {
    let place = Place::new();
    fs::write(place.path("set.csv"), flowers(90)).unwrap();
    let printed = folds(&place, &["--folds", "3", "--out", "cv", "--json"]).lines();
    let expected = ["start", "epoch", "epoch", "end"].repeat(3);
    assert_eq!(events(&printed), [&expected[..], &["folds"]].concat());
    let table = printed.last().unwrap();
    assert_eq!((&table["folds"], &table["done"]), (&Value::from(3), &Value::from(3)));
    for key in ["test_loss", "test_accuracy", "test_macro_f1", "test_macro_roc_auc"] {
        let values: Vec<f64> = [3, 7, 11].map(|at| printed[at][key].as_f64().unwrap()).to_vec();
        let mean = values.iter().sum::<f64>() / 3.0;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        assert!((table["mean"][key].as_f64().unwrap() - mean).abs() < 1e-12, "{table}");
        assert!((table["deviation"][key].as_f64().unwrap() - deviation).abs() < 1e-12, "{table}");
    }
    place.run(&["report", "cv", "--out", "cv/folds.json"]).fails(2, &["would replace what is read from"]);
    assert_eq!(place.names("cv"), ["fold-1", "fold-2", "fold-3", "folds.json", "scores.json"]);
    // A fold is an ordinary run, which knows what it was tested on.
    let eval = place.run(&["eval", "cv/fold-2", "--backend", "cpu", "--json"]).lines().remove(0);
    assert!((eval["loss"].as_f64().unwrap() - printed[7]["test_loss"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(eval["samples"], 30);
    assert_eq!(place.run(&["runs", "cv", "--json"]).lines().len(), 3);
    says(&place.run(&["report", "cv", "--out", "cv.html"]).ok(), &["a comparison of 3 runs"]);
    let page = place.text("cv.html");
    let cells = page.split("<table class=\"folds\">").nth(1).unwrap().split("</table>").next().unwrap();
    let rows: Vec<&str> = cells.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), 5, "three folds, mean and deviation: {cells}");
    for (row, line) in
        rows.iter().zip([&printed[3], &printed[7], &printed[11], &table["mean"], &table["deviation"]])
    {
        let shown = |key: &str| line[key].as_f64().unwrap();
        says(row, &[&format!("<td>{:.4}</td>", shown("test_loss"))]);
        says(row, &[&format!("<td>{:.2} %</td>", 100.0 * shown("test_accuracy"))]);
        says(row, &[&format!("<td>{:.4}</td>", shown("test_macro_roc_auc"))]);
    }
    assert!(!page.contains("not all tested on the same data") && page.contains("another fold"), "{page}");
    place.run(&["eval", "cv"]).fails(2, &["each of its folders fold-1, fold-2", "name one of them"]);
    // What is done is kept: only the fold that is missing is trained again.
    fs::remove_dir_all(place.path("cv/fold-2")).unwrap();
    let again = place.run(&["train", "--resume", "cv", "--backend", "cpu", "--json"]).lines();
    assert_eq!(events(&again), ["start", "epoch", "epoch", "end", "folds"]);
    assert_eq!(again.last().unwrap(), table, "the same folds, the same bits");
    let shown = place.run(&["train", "--resume", "cv", "--backend", "cpu"]).ok();
    says(&shown, &["fold", "mean", "deviation", "3 of 3 folds"]);
    place.run(&["train", "--resume", "cv", "--folds", "4"]).fails(2, &["--folds 4 differs from the run's 3"]);
    folds(&place, &["--folds", "3", "--out", "cv"]).fails(2, &["already holds a run", "--overwrite"]);
    folds(&place, &["--folds", "2", "--out", "cv", "--overwrite", "--quiet"]).ok();
    assert_eq!(place.names("cv"), ["fold-1", "fold-2", "folds.json", "scores.json"], "no old fold is left");
}

#[test]
fn folds_that_cannot_be_meant_are_refused_and_leave_nothing_behind() {
    let place = Place::new();
    fs::write(place.path("set.csv"), flowers(60)).unwrap();
    for (more, fragment) in [
        (&["--folds", "1"][..], "--folds 1: expected 2 to 10000 folds\n"),
        (&["--folds", "61"], "--folds 61: there are only 60 samples"),
        (&["--folds", "3", "--test-fraction", "0.5"], "--folds tests on folds of the training samples"),
        (&["--folds", "3", "--early-stopping", "2"], "--early-stopping needs a validation loss"),
    ] {
        let args: Vec<&str> = [more, &["--out", "cv"]].concat();
        let small = ["--hidden", "4", "--epochs", "2"];
        let ran = place.run(
            &[&["train", "--backend", "cpu", "--data", "set.csv", "--quiet"], &small[..], &args].concat(),
        );
        ran.fails(2, &[fragment]);
        assert!(!place.path("cv").exists(), "{more:?}");
    }
    // A test set of the data's own stays out of it.
    let ran =
        place.train(&["--folds", "3", "--hidden", "4", "--batch-size", "8", "--epochs", "1", "--out", "own"]);
    says(&ran.err, &["its own test set is left out: each fold is tested on samples of the training set"]);
    says(&ran.ok(), &["40 training, 20 test samples"]);
}
