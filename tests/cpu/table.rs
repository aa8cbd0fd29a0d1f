//! Tables of text: told by their content, split, scaled by the training part, named classes, and every error worded.

use std::fs;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpu_mlp::data::{
    self, Format, LoadOptions, Loaded, Places, Preparation, Request, Samples, Scale, Scaling,
};
use gpu_mlp::{Error, Tensor};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::data::{refusal, says};
use crate::program::Place;

fn file(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("flowers.csv");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn load_with(bytes: impl AsRef<[u8]>, options: &LoadOptions, memory: Option<u64>) -> Result<Loaded, Error> {
    let (_folder, path) = file(bytes);
    let request =
        Request { data: path.to_str(), options: Some(options), memory_limit: memory, ..Request::default() };
    data::load_from(request, &Places::default())
}

/// Loads with half of the rows for testing.
fn load(bytes: impl AsRef<[u8]>) -> Result<Loaded, Error> {
    load_with(bytes, &halves(), None)
}

fn halves() -> LoadOptions {
    LoadOptions { test_fraction: 0.5, ..LoadOptions::default() }
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, fragments: &[&str]) {
    let text = refusal(load(bytes));
    says(&text, &["flowers.csv", "hint:"]);
    says(&text, fragments);
}

fn all(samples: &Samples) -> Tensor<f64> {
    samples.inputs(&(0..samples.len() as u32).collect::<Vec<_>>()).unwrap()
}

/// Class, then two values that tell the classes apart; 3 classes of words.
fn flowers(rows: usize) -> String {
    let line = |i: usize| {
        let (name, at) = [("iris", 0), ("rose", 40), ("aster", 80)][i % 3];
        format!("{}.5,{},{name}\n", at + i % 7, 300 - at - i % 5)
    };
    format!("width,height,species\n{}", (0..rows).map(line).collect::<String>())
}

#[test]
fn every_spelling_of_a_table_is_the_same_table() {
    let plain = load(flowers(60)).unwrap();
    let notice = plain.notice.unwrap();
    says(&notice, &["a text table: 60 rows of 2 values", "`species`"]);
    let set = plain.dataset;
    assert_eq!((set.name.as_str(), set.classes, set.image_shape), ("flowers", 3, [1, 2]));
    assert_eq!((set.train.len(), set.test.len(), set.train.format()), (30, 30, Format::Floats));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut gzip, flowers(60).as_bytes()).unwrap();
    let headless = flowers(60).lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    let spellings = [
        gzip.finish().unwrap(),
        flowers(60).replace(',', ";").into_bytes(),
        flowers(60).replace(',', "\t").replace('\n', "\r\n").into_bytes(),
        flowers(60).replace(',', " , ").into_bytes(),
        headless.into_bytes(),
    ];
    for bytes in spellings {
        let other = load(&bytes).unwrap().dataset;
        assert_eq!((&other.train, &other.test), (&set.train, &set.test));
        // But for names, if there is no header.
        let named =
            |preparation: &Preparation| preparation.schema.as_ref().unwrap().layout.as_ref().unwrap().named;
        let schema = match named(&other.preparation) {
            true => other.preparation.schema.clone(),
            false => set.preparation.schema.clone(),
        };
        assert_eq!(Preparation { schema, ..other.preparation }, set.preparation);
    }
}

#[test]
fn columns_are_scaled_by_what_the_training_part_has() {
    let set = load(flowers(60)).unwrap().dataset;
    let (train, test) = (all(&set.train), all(&set.test));
    for column in 0..2 {
        let values: Vec<f64> = (0..30).map(|r| train.at(r, column)).collect();
        let mean = values.iter().sum::<f64>() / 30.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 30.0;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
        let test_mean = (0..30).map(|r| test.at(r, column)).sum::<f64>() / 30.0;
        assert!(test_mean.abs() > 1e-6, "the test part has its own mean");
    }
    let minmax = LoadOptions { scale: Scale::Minmax, ..halves() };
    let values = all(&load_with(flowers(60), &minmax, None).unwrap().dataset.train);
    let ends = |column| {
        (0..30).map(|r| values.at(r, column)).fold((9.0, -9.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)))
    };
    assert_eq!((ends(0), ends(1)), ((0.0, 1.0), (0.0, 1.0)));
    let none = LoadOptions { scale: Scale::None, ..halves() };
    let raw = all(&load_with(flowers(60), &none, None).unwrap().dataset.train);
    assert!(raw.data().iter().all(|&v| (0.5..=300.0).contains(&v)) && raw.data().iter().any(|&v| v > 200.0));
    let constant = load("a,b,y\n5,100.5,0\n5,200,1\n5,300,1\n5,400,0\n").unwrap().dataset;
    assert!((0..2).all(|r| all(&constant.train).at(r, 0) == 0.0), "a constant column says nothing");
}

#[test]
fn mnist_as_a_table_is_bytes_with_the_label_first() {
    let row = |i: usize, top: usize, count: usize| {
        let pixels = (0..count).map(|p| if p == 1 { top } else { (i * p) % (top / 2) }.to_string());
        format!("{},{}\n", i % 4, pixels.collect::<Vec<_>>().join(","))
    };
    let rows = |top, count| (0..8).map(|i| row(i, top, count)).collect::<String>();
    let names: Vec<String> = (0..64).map(|p| format!("{}x{}", p / 8 + 1, p % 8 + 1)).collect();
    for text in [rows(255, 64), format!("label,{}\n{}", names.join(","), rows(255, 64))] {
        let Loaded { dataset: set, notice, .. } = load(text).unwrap();
        says(&notice.unwrap(), &["4 training and 4 test samples, 4 classes; values: bytes, scaled by 1/255"]);
        assert_eq!((set.train.format(), set.image_shape, set.classes), (Format::Bytes, [8, 8], 4));
        assert_eq!(set.preparation.class_names, ["0", "1", "2", "3"].map(String::from));
        assert!(set.train.read(&[0]).unwrap()[1] == 255 && all(&set.train).at(0, 1) == 1.0);
    }
    // Few columns, or small numbers: these are no pixels, and are scaled as other numbers are.
    let first = LoadOptions { label_column: Some("0".into()), ..halves() };
    for text in [rows(16, 64), rows(255, 63)] {
        let set = load_with(text, &first, None).unwrap().dataset;
        assert!(matches!(set.preparation.scaling, Scaling::Columns { .. }), "{:?}", set.preparation.scaling);
    }
}

#[test]
fn classes_are_sorted_numbers_or_words() {
    let names = |text: &str| load(text).unwrap().dataset.preparation.class_names;
    assert_eq!(names("x,y\n1,10\n2,9\n3,10\n4,9\n5,9.0\n6,10\n"), ["9", "10"]);
    assert_eq!(names("x,y\n1,no\n2,yes\n3,no\n4,yes\n5,no\n6,yes\n"), ["no", "yes"]);
    let one = |label: &str| {
        let options = LoadOptions { label_column: Some(label.into()), ..halves() };
        load_with("kind,x,z\n7,1,4\n8,2,5\n7,3,4\n8,4,5\n", &options, None)
    };
    for label in ["kind", "KIND", "0"] {
        assert_eq!(one(label).unwrap().dataset.preparation.class_names, ["7", "8"], "{label}");
    }
    assert_eq!(one("z").unwrap().dataset.preparation.class_names, ["4", "5"]);
    says(&refusal(one("absent")), &["no column `absent`", "kind, x, z"]);
    says(&refusal(one("3")), &["no column `3`", "3 columns"]);
}

#[test]
fn what_is_no_table_is_refused() {
    refused("", &["it is empty"]);
    refused("words\nmore\n", &["1 column"]);
    refused("x,y\n", &["only a header"]);
    refused("x,y\n1,0\n2,0,3\n", &["line 3 has 3 columns, but the lines before it have 2"]);
    refused("x,z,y\n1,2,0\n2,inf,1\n", &["`inf` is not a finite number"]);
    refused("x,y\n1,\n2,NA\n", &["not one of its rows has a label"]);
    refused(
        "a,b\n1,2\n3,4\n",
        &["it is not clear which column has the labels", "`a` (2), `b` (2)", "label_column"],
    );

    refused(b"x,y\n1,\xff\xfe\n2,3\n", &["line 2 is not UTF-8"]);
    refused(b"PK\x03\x04 and so on", &["is not an .npz file (a zip archive of arrays)"]);
    refused(b"PAR1\x00\x00", &["Parquet"]);
    refused(b"\xff\xfex\x00", &["UTF-16"]);
    refused(b"\x93NUMPY\x01\x00", &["a single NumPy array", "numpy.savez"]);
    refused(b"\x89PNG\r\n", &["a PNG image"]);
    refused([0, 0, 8, 3, 0, 0], &["an IDX file"]);
    refused([1, 0, 2, 0], &["neither a folder nor a text table"]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut gzip, flowers(60_000).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    refused(&whole[..whole.len() / 2], &["cut short"]);
    let text = refusal(load_with(flowers(60), &halves(), Some(100)));
    says(&text, &["flowers.csv", "more than 100 bytes", "memory_limit"]);
    for fraction in [1.0, 0.001, f64::NAN] {
        let options = LoadOptions { test_fraction: fraction, ..halves() };
        says(&refusal(load_with(flowers(60), &options, None)), &["test_fraction", "test_data"]);
    }
}

#[test]
fn odd_spellings_are_read_right() {
    let names = |text: &str| load(text).unwrap().dataset.preparation.class_names;
    let bom = load("\u{feff}label,x\n0,1.5\n1,2.5\n0,7\n1,8\n").unwrap();
    says(&bom.notice.unwrap(), &["4 rows of 1 value, labels in column `label`"]);
    assert_eq!(names("x,\"the, \"\"label\"\"\"\n1,\"a,b\"\n2,c\n3,\"a,b\"\n4,c\n"), ["a,b", "c"]);
    assert_eq!(names("x;y\n1;Ölüm\n2;生\n3;Ölüm\n4;生\n"), ["Ölüm", "生"]);
    assert_eq!(
        names("x,y\n\"1\",\"0\"\n2,1\n\n3,0\n4,1\n\n"),
        ["0", "1"],
        "quotes and empty lines say nothing"
    );
    // pandas writes row numbers as a first column without a name.
    let numbered = load(",x,label\n0,5,a\n1,6,b\n2,7,a\n3,8,b\n").unwrap();
    says(&numbered.notice.unwrap(), &["4 rows of 1 value"]);
    assert_eq!(
        crate::data::lines(&numbered.notes),
        "left out: the row numbers (different in almost every row)\n"
    );
    let wide: String = (0..4)
        .map(|row| {
            let values: String = (0..100_000).map(|column| format!("{}.5,", (row * column) % 7)).collect();
            format!("{values}{}\n", ["no", "yes"][row % 2])
        })
        .collect();
    let set = load(wide).unwrap().dataset;
    assert_eq!((set.train.features(), set.classes, set.image_shape), (100_000, 2, [1, 100_000]));
}

#[test]
fn what_leaves_nothing_to_learn_is_refused() {
    refused("x,y\n1,3\n2,3\n3,3\n", &["all samples have the label `3`", "label_column"]);
    refused("0.5,1\n2.5,1\n1.5,1\n", &["it is not clear which column has the labels", "0 (3), 1 (1)"]);
    refused("x,z,y\n1,1e400,0\n2,3,1\n", &["line 2, column 1 (`z`): `1e400` is not a finite number"]);
    refused("x,y\n1,1e400\n2,3\n", &["the target `y` is inf, which is not a finite number"]);
    // Two values that f32 cannot hold the distance of: f64 can.
    let far = load("x,z,y\n-3e38,1,a\n3e38,2,b\n-3e38,3,a\n3e38,4,b\n").unwrap().dataset;
    assert!((0..2).all(|row| all(&far.train).at(row, 0).abs() == 1.0));
}

#[test]
fn a_test_table_of_its_own_is_scaled_as_the_training_table() {
    let (_folder, test) = file("width,height,species\n40.5,260,rose\n80,220,aster\n");
    let options = LoadOptions { test_data: Some(test.clone()), ..LoadOptions::default() };
    let set = load_with(flowers(60), &options, None).unwrap().dataset;
    assert_eq!((set.train.len(), set.test.len()), (60, 2));
    let Preparation { scaling: Scaling::Columns { shift, factor }, class_names, .. } = set.preparation else {
        panic!("columns")
    };
    let want = f64::from(((40.5 - shift[0]) * factor[0]) as f32);
    assert_eq!(set.test.inputs(&[0]).unwrap().at(0, 0), want);
    assert_eq!(class_names[set.test.labels()[1] as usize], "aster");
    fs::write(&test, "width,height,species\n40.5,260,tulip\n").unwrap();
    says(&refusal(load_with(flowers(60), &options, None)), &["`tulip` is not one of the 3 known classes"]);
    fs::write(&test, "width,species\n40.5,rose\n").unwrap();
    says(&refusal(load_with(flowers(60), &options, None)), &["it lacks the column `height`"]);
}

#[test]
fn a_run_on_a_table_learns_keeps_its_scaling_and_resumes() {
    let place = Place::new();
    fs::write(place.path("flowers.csv"), flowers(300)).unwrap();
    let train = |more: &[&str]| {
        let common = ["train", "--backend", "cpu", "--json", "--hidden", "8", "--batch-size", "8"];
        place.run(&[&common[..], more].concat())
    };
    let whole = train(&["--data", "flowers.csv", "--epochs", "4", "--out", "whole"]).lines();
    assert_eq!(whole.last().unwrap()["test_accuracy"], json!(1.0), "the classes lie apart");
    train(&["--data", "flowers.csv", "--epochs", "2", "--out", "half"]).ok();
    place.run(&["train", "--resume", "half", "--epochs", "4", "--backend", "cpu"]).ok();
    assert!(place.read("half/model.safetensors") == place.read("whole/model.safetensors"));

    let eval = place.run(&["eval", "whole", "--backend", "cpu"]).ok();
    says(
        &eval,
        &[
            "60 test samples: accuracy 100.00 %",
            "    0  aster",
            "    2  rose",
            "means of the classes: macro precision 1.0000, macro recall 1.0000, macro F1 1.0000, macro ROC-AUC 1.0000",
        ],
    );
    // Other rows of the same kind: the model's scaling, not one of their own.
    let rest: String =
        flowers(90).lines().filter(|line| !line.contains("iris")).map(|l| format!("{l}\n")).collect();
    fs::write(place.path("rest.csv"), rest).unwrap();
    let model = "whole/model.safetensors";
    let eval = place.run(&["eval", model, "--data", "rest.csv", "--backend", "cpu", "--json"]).lines();
    assert_eq!((&eval[0]["accuracy"], &eval[0]["classes"]), (&json!(1.0), &json!(["aster", "iris", "rose"])));
    place.run(&["eval", model, "--data", "tiny"]).fails(2, &["the model has 2 inputs", "16 features"]);
    let ran = train(&["--data", "tiny", "--test-fraction", "0.3"]);
    ran.fails(2, &["has its own test set", "--test-fraction"]);
    let ran = train(&["--data", "tiny", "--label-column", "y"]);
    ran.fails(2, &["--label-column", "tiny is an IDX set", "is for tables"]);
    let ran = place.run(&["train", "--resume", "half", "--scale", "none"]);
    ran.fails(2, &["--scale", "differs from the run's"]);
}
