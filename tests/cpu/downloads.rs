//! Sets as they are downloaded and unpacked: under their publishers' names, in folders within folders, as pairs of arrays.

use std::fs;
use std::path::Path;

use gpu_mlp::data::{LoadOptions, Loaded, PictureOptions, Split};
use image::{ColorType, ImageFormat};
use tempfile::tempdir;

use crate::data::{idx_bytes, refusal, says};
use crate::forms::{array, encoded, load, load_with, write_npz};
use crate::program::Place;
use crate::tiny;

/// Six images of 2 x 3 pixels, and their labels.
fn images() -> Vec<u8> {
    idx_bytes(0x0803, &[6, 2, 3], &(0..36).map(|at| 7 * at).collect::<Vec<u8>>())
}

fn write(folder: &Path, files: &[(&str, Vec<u8>)]) {
    fs::create_dir_all(folder).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
}

fn labels(first: u8) -> Vec<u8> {
    idx_bytes(0x0801, &[6], &[first, first + 1, first + 2, first, first + 1, first + 2])
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.dataset.preparation.class_names.iter().map(String::as_str).collect()
}

#[test]
fn emnist_has_its_own_names_begins_at_one_and_lies_on_its_side() {
    let place = Place::new();
    let folder = place.path("emnist");
    for set in ["letters", "digits"] {
        let name = |kind: &str| format!("emnist-{set}-{kind}-ubyte");
        for part in ["train", "test"] {
            let files = [
                (&*name(&format!("{part}-images-idx3")), images()),
                (&*name(&format!("{part}-labels-idx1")), labels(u8::from(set == "letters"))),
            ];
            write(&folder, &files);
        }
    }
    says(
        &refusal(load(&folder)),
        &["several sets", "emnist-digits-, emnist-letters-", "name a file of the set that you mean"],
    );
    let one = folder.join("emnist-letters-train-images-idx3-ubyte");
    let loaded = load(&one).unwrap();
    assert_eq!(names(&loaded), ["1", "2", "3"], "no class that nothing has");
    assert_eq!(loaded.dataset.train.labels(), [0, 1, 2, 0, 1, 2]);
    says(&crate::data::lines(&loaded.notes), &["transpose"]);
    let pictures = PictureOptions { transpose: true, ..PictureOptions::default() };
    let upright = load_with(&one, &LoadOptions { pictures, ..LoadOptions::default() }).unwrap();
    assert_eq!(upright.dataset.image_shape, [3, 2]);
    assert_eq!(upright.dataset.train.read(&[0]).unwrap(), [0, 21, 7, 28, 14, 35]);
    assert!(!crate::data::lines(&upright.notes).contains("transpose"), "{:?}", upright.notes);
    assert_eq!(names(&load(&folder.join("emnist-digits-test-labels-idx1-ubyte")).unwrap()), ["0", "1", "2"]);
    // macOS puts a hidden file beside each into an archive.
    for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match name.contains("digits") {
            true => fs::remove_file(&path).unwrap(),
            false => fs::write(folder.join(format!("._{name}")), b"Mac OS X").unwrap(),
        }
    }
    assert_eq!(names(&load(&folder).unwrap()), ["1", "2", "3"]);
}

#[test]
fn sets_are_found_where_their_downloads_put_them() {
    let place = Place::new();
    for (folder, below) in [("torch", "MNIST/raw"), ("fashion", "raw")] {
        let files = [
            ("train-images-idx3-ubyte", images()),
            ("train-labels-idx1-ubyte", labels(0)),
            ("t10k-images-idx3-ubyte", images()),
            ("t10k-labels-idx1-ubyte", labels(0)),
        ];
        write(&place.path(folder).join(below), &files);
        assert_eq!(load(&place.path(folder)).unwrap().dataset.train.len(), 6, "{folder}");
    }
    let png = |grey: u8| encoded(&[grey; 12], [3, 4], ColorType::L8, ImageFormat::Png);
    for class in ["cats", "dogs"] {
        let folder = place.path("archive/pets/pets");
        write(
            &folder.join("training").join(class),
            &[("1.png", png(1)), ("2.png", png(2)), (".DS_Store", vec![0])],
        );
        write(&folder.join("test").join(class), &[("1.png", png(3))]);
        fs::create_dir_all(folder.join("training/empty")).unwrap();
    }
    write(&place.path("archive/__MACOSX/pets"), &[("._1.png", vec![0])]);
    let loaded = load(&place.path("archive")).unwrap();
    assert_eq!(names(&loaded), ["cats", "dogs"]);
    assert_eq!((loaded.dataset.train.len(), loaded.dataset.test.len()), (4, 2));
    says(&crate::data::lines(&loaded.notes), &["folders without an image are left out: empty"]);
}

#[test]
fn idx_of_every_element_is_read() {
    let place = Place::new();
    // As QMNIST has it: labels are the first of several numbers.
    let rows: Vec<u8> = (0..6_i32).flat_map(|row| [row % 3, 100 + row]).flat_map(i32::to_be_bytes).collect();
    let numbers = idx_bytes(0x0c02, &[6, 2], &rows);
    let files = [
        ("qmnist-train-images-idx3-ubyte", images()),
        ("qmnist-train-labels-idx2-int", numbers.clone()),
        ("qmnist-test-images-idx3-ubyte", images()),
        ("qmnist-test-labels-idx2-int", numbers),
    ];
    write(&place.path("qmnist"), &files);
    let loaded = load(&place.path("qmnist")).unwrap();
    assert_eq!(
        (names(&loaded), loaded.dataset.train.labels()),
        (vec!["0", "1", "2"], &[0, 1, 2, 0, 1, 2][..])
    );
    let of = |code: u32, bytes: Vec<u8>| idx_bytes(code << 8 | 2, &[6, 2], &bytes);
    let value = |i: i16| i * 300 - 1500;
    let forms: [(u32, Vec<u8>, f64); 5] = [
        (0x09, (0..12).map(|i: i16| (value(i) / 300) as i8 as u8).collect(), 1.0 / 300.0),
        (0x0b, (0..12).flat_map(|i| value(i).to_be_bytes()).collect(), 1.0),
        (0x0c, (0..12).flat_map(|i| i32::from(value(i)).to_be_bytes()).collect(), 1.0),
        (0x0d, (0..12).flat_map(|i| f32::from(value(i)).to_be_bytes()).collect(), 1.0),
        (0x0e, (0..12).flat_map(|i| f64::from(value(i)).to_be_bytes()).collect(), 1.0),
    ];
    for (code, bytes, factor) in forms {
        let files = [
            ("train-images-idx2-x", of(code, bytes.clone())),
            ("train-labels-idx1-ubyte", labels(0)),
            ("test-images-idx2-x", of(code, bytes)),
            ("test-labels-idx1-ubyte", labels(0)),
        ];
        let folder = place.path(&format!("set{code}"));
        write(&folder, &files);
        let options = LoadOptions { scale: gpu_mlp::data::Scale::None, ..LoadOptions::default() };
        let dataset = load_with(&folder, &options).unwrap().dataset;
        let wanted: Vec<f64> = (0..12).map(|i| f64::from(value(i)) * factor).map(f64::round).collect();
        let read = dataset.split(Split::Train).unwrap().inputs(&[0, 1, 2, 3, 4, 5]).unwrap();
        let read: Vec<f64> = read.data().iter().map(|value| value.round()).collect();
        assert_eq!(read, wanted, "{code:#x}");
    }
    let floats = idx_bytes(0x0d01, &[6], &[0; 24]);
    write(&place.path("set9"), &[("train-labels-idx1-ubyte", floats)]);
    says(&refusal(load(&place.path("set9"))), &["labels are whole numbers"]);
}

#[test]
fn arrays_and_their_labels_may_be_two_files() {
    let place = Place::new();
    let x: Vec<u8> = (0..16).flat_map(|i| (i as f32 - 7.5).to_le_bytes()).collect();
    let y: Vec<u8> = (0..8_i64).flat_map(|i| (i % 2).to_le_bytes()).collect();
    let (x, y) = (array("<f4", &[8, 2], &x), array("<i8", &[8], &y));
    write(&place.path("pair"), &[("X.npy", x.clone()), ("y.npy", y.clone())]);
    for path in ["pair", "pair/X.npy", "pair/y.npy"] {
        let loaded = load(&place.path(path)).unwrap();
        assert_eq!(loaded.dataset.train.len() + loaded.dataset.test.len(), 8, "{path}");
        says(&loaded.notice.unwrap(), &["a set of the arrays X.npy, y.npy: 8 rows of 2 values"]);
    }
    let four = [
        ("x_train.npy", x.clone()),
        ("y_train.npy", y.clone()),
        ("x_test.npy", x.clone()),
        ("y_test.npy", y),
    ];
    write(&place.path("four"), &four);
    let loaded = load(&place.path("four")).unwrap();
    assert_eq!((loaded.dataset.train.len(), loaded.dataset.test.len()), (8, 8));
    let unnamed = [
        ("arr_0", x.clone()),
        ("arr_1", array("<i8", &[8], &[[1, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat().repeat(4))),
    ];
    write_npz(&place.path("unnamed.npz"), &unnamed);
    says(
        &load(&place.path("unnamed.npz")).unwrap().notice.unwrap(),
        &["an .npz file of arr_0, arr_1: 8 rows"],
    );
    write(&place.path("alone"), &[("X.npy", x)]);
    says(&refusal(load(&place.path("alone/X.npy"))), &["a single NumPy array", "X.npy and y.npy"]);
}

/// Kaggle's Digit Recognizer: train.csv and test.csv without labels, to a file that the site takes.
#[test]
fn a_competition_goes_from_its_folder_to_a_submission() {
    let place = Place::new();
    let pixels = |i: usize| {
        (0..64).map(move |p| if p % 2 == i % 2 { 200 + i % 9 } else { p % 50 }).map(|p| p.to_string())
    };
    let row = |i: usize| pixels(i).collect::<Vec<_>>().join(",");
    let header = (0..64).map(|p| format!("pixel{p}")).collect::<Vec<_>>().join(",");
    let train: String = (0..60).map(|i| format!("{},{}\n", i % 2, row(i))).collect();
    let test: String = (0..5).map(|i| format!("{}\n", row(i))).collect();
    let (train, test) = (format!("label,{header}\n{train}"), format!("{header}\n{test}"));
    write(
        &place.path("digits"),
        &[("train.csv", train.into()), ("test.csv", test.into()), ("sample_submission.csv", vec![])],
    );
    let ran = place.run(&[
        "train",
        "--backend",
        "cpu",
        "--data",
        "digits/",
        "--hidden",
        "8",
        "--epochs",
        "20",
        "--batch-size",
        "8",
        "--out",
        "run",
    ]);
    assert!(ran.err.contains("test.csv has no labels, so it is left out"), "{}", ran.err);
    ran.ok();
    let out = place.run(&["predict", "run", "digits/test.csv", "--submission", "ImageId,Label"]).ok();
    assert_eq!(out, "ImageId,Label\n1,0\n2,1\n3,0\n4,1\n5,0\n");
    let each = place.run(&["predict", "run", "digits/test.csv", "--submission", "id,zero,one"]).ok();
    let last: Vec<f64> = each.lines().last().unwrap().split(',').map(|cell| cell.parse().unwrap()).collect();
    assert!(
        each.starts_with("id,zero,one\n1,") && last[0] == 5.0 && (last[1] + last[2] - 1.0).abs() < 1e-6,
        "{each}"
    );
    place
        .run(&["predict", "run", "digits/test.csv", "--submission", "a,b,c,d"])
        .fails(2, &["--submission names 4 columns", "ImageId,Label", "2 classes"]);
    place.run(&["predict", "run", "digits/test.csv", "--submission", "a,b", "--json"]).fails(2, &["--json"]);
}

/// Titanic's rows have their own numbers, which begin where the training table ends.
#[test]
fn a_submission_has_the_rows_own_names() {
    let place = Place::new();
    let row = |i: usize| format!("{},{}", (i * 37) % 11, if i.is_multiple_of(2) { "male" } else { "female" });
    let train: String = (1..80).map(|i| format!("{i},{},{}\n", i % 2, row(i))).collect();
    let test: String = (80..84).map(|i| format!("{i},{}\n", row(i))).collect();
    let files = [
        ("train.csv", format!("PassengerId,Survived,fare,sex\n{train}").into_bytes()),
        ("test.csv", format!("PassengerId,fare,sex\n{test}").into_bytes()),
    ];
    write(&place.path("titanic"), &files);
    let train =
        ["train", "--backend", "cpu", "--data", "titanic", "--hidden", "8", "--epochs", "20", "--out", "run"];
    place.run(&train).ok();
    let out = place.run(&["predict", "run", "titanic/test.csv", "--submission", "PassengerId,Survived"]).ok();
    assert_eq!(out, "PassengerId,Survived\n80,0\n81,1\n82,0\n83,1\n");
    let predict = |columns: &str| place.run(&["predict", "run", "titanic/test.csv", "--submission", columns]);
    assert_eq!(predict("passengerid,Survived").ok(), out.replace("PassengerId", "passengerid"));
    let ran = predict("Id,Survived");
    let said =
        "it has no column `Id`, so `Id` counts its rows from 1; its columns are `PassengerId`, `fare`, `sex`";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert_eq!(ran.ok(), "Id,Survived\n1,0\n2,1\n3,0\n4,1\n");
    for columns in [",", " ,Survived", ",,", "a,a"] {
        predict(columns).fails(2, &["each column needs a name of its own", "PassengerId,Survived"]);
    }
}

/// Three tables in a folder: one to train on, one to choose by, one to test on.
#[test]
fn a_folder_of_tables_has_a_part_for_each() {
    let table = |rows: std::ops::Range<usize>| -> Vec<u8> {
        let rows = rows.map(|row| format!("{},{}\n", row * 7 % 23, ["no", "yes"][row % 2]));
        format!("a,kind\n{}", rows.collect::<String>()).into_bytes()
    };
    let sizes = |files: &[(&str, Vec<u8>)]| {
        let folder = tempdir().unwrap();
        write(folder.path(), files);
        let loaded = load(folder.path()).unwrap();
        let set = &loaded.dataset;
        let validation = set.validation.as_ref().map_or(0, |part| part.len());
        ([set.train.len(), validation, set.test.len()], crate::data::lines(&loaded.notes))
    };
    for name in ["val.csv", "Validation.csv", "valid.csv"] {
        let all = [("train.csv", table(0..50)), (name, table(50..60)), ("test.csv", table(60..80))];
        assert_eq!(sizes(&all).0, [50, 10, 20], "{name}");
    }
    // Without labels to test on, the one to choose by is tested on, which is said.
    let unlabelled = b"a\n1\n2\n".to_vec();
    let (found, said) =
        sizes(&[("train.csv", table(0..50)), ("val.csv", table(50..60)), ("test.csv", unlabelled)]);
    assert_eq!(found, [50, 0, 10]);
    says(&said, &["test.csv has no labels", "the validation set is taken as the test set"]);
}

/// KMNIST is published as four archives of one array each, Kaggle's copy of MNIST in folders that are called like their files.
#[test]
fn files_of_one_array_and_files_in_folders_of_their_names_are_sets() {
    let x =
        |count: usize| array("|u1", &[count, 4, 4], &(0..count * 16).map(|i| i as u8).collect::<Vec<_>>());
    let y = |count: usize| array("|u1", &[count], &(0..count).map(|i| i as u8 % 3).collect::<Vec<_>>());
    let folder = tempdir().unwrap();
    let one = |name: &str, bytes: Vec<u8>| write_npz(&folder.path().join(name), &[("arr_0", bytes)]);
    one("kmnist-train-imgs.npz", x(30));
    one("kmnist-train-labels.npz", y(30));
    one("kmnist-test-imgs.npz", x(9));
    one("kmnist-test-labels.npz", y(9));
    let sizes = |path: &Path| {
        let set = load(path).unwrap().dataset;
        (
            [set.train.len(), set.validation.as_ref().map_or(0, |part| part.len()), set.test.len()],
            set.image_shape,
        )
    };
    for path in [folder.path().to_owned(), folder.path().join("kmnist-train-imgs.npz")] {
        assert_eq!(sizes(&path), ([30, 0, 9], [4, 4]));
    }
    one("k49-train-imgs.npz", x(6));
    one("k49-train-labels.npz", y(6));
    says(&refusal(load(folder.path())), &["it holds several sets of arrays: k49-… and kmnist-…"]);
    assert_eq!(sizes(&folder.path().join("k49-train-imgs.npz")).0, [5, 0, 1], "a fifth is held out");
    let folder = tempdir().unwrap();
    let files = ["x_train", "y_train", "x_val", "y_val", "x_test", "y_test"];
    for (name, count) in files.iter().zip([20, 20, 5, 5, 7, 7]) {
        let bytes = if name.starts_with('x') { x(count) } else { y(count) };
        fs::write(folder.path().join(format!("{name}.npy")), bytes).unwrap();
    }
    assert_eq!(sizes(folder.path()).0, [20, 5, 7]);
    let folder = tempdir().unwrap();
    tiny::write(&folder.path().join("flat"));
    for name in crate::program::names(&folder.path().join("flat")) {
        let own = folder.path().join("nested").join(&name);
        fs::create_dir_all(&own).unwrap();
        fs::copy(folder.path().join("flat").join(&name), own.join(&name)).unwrap();
    }
    let nested = folder.path().join("nested");
    let inner = crate::program::names(&nested).remove(0);
    for path in [nested.clone(), nested.join(&inner).join(&inner)] {
        let set = load(&path).unwrap().dataset;
        assert_eq!((set.train.len(), set.test.len()), (tiny::TRAIN, tiny::TEST));
    }
    says(
        &refusal(load(&folder.path().join("none"))),
        &["a folder with train.csv, with train-….parquet, with X.npy and y.npy"],
    );
    fs::create_dir(folder.path().join("empty")).unwrap();
    says(
        &refusal(load(&folder.path().join("empty"))),
        &["a folder of tables has train.csv or train.parquet, one of arrays X.npy"],
    );
}
