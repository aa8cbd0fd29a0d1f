//! Sets in `.npz` files: every type and order of values and labels, and what is refused.

use std::fs;

use gpu_mlp::Error;
use gpu_mlp::data::{Format, LoadOptions, Loaded, Scale, Scaling};
use gpu_mlp::network::Task;
use tempfile::tempdir;

use crate::data::{refusal, says};
use crate::forms::{array, load, load_with, write_npz};

/// 6 rows of 2 values and the given labels.
fn labelled(labels: (&str, &[u8])) -> Result<Loaded, Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let x: Vec<u8> = (0..12).flat_map(|i| (i as f32 * 10.0).to_le_bytes()).collect();
    let y = array(labels.0, &[6], labels.1);
    write_npz(&path, &[("X", array("<f4", &[6, 2], &x)), ("y", y)]);
    load_with(&path, &LoadOptions { test_fraction: 0.5, ..LoadOptions::default() })
}

#[test]
fn npz_labels_are_numbers_words_or_truth() {
    let names = |descr: &str, body: &[u8]| labelled((descr, body)).unwrap().dataset.preparation.class_names;
    assert_eq!(names("|u1", &[7, 10, 9, 7, 10, 9]), ["7", "9", "10"]);
    assert_eq!(names("|b1", &[0, 1, 0, 1, 1, 0]), ["0", "1"]);
    let whole: Vec<u8> = [2.0_f64, 1.0, 2.0, 1.0, 1.0, 2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    assert_eq!(names(">f8", &whole), ["1", "2"]);
    let words: Vec<u8> = "äöäöäö".chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    assert_eq!(names("<U1", &words), ["ä", "ö"]);
    let prices: Vec<u8> = [2.5_f32, 1.0, 2.0, 1.0, 1.0, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let loaded = labelled(("<f4", &prices)).unwrap();
    assert_eq!(loaded.dataset.preparation.task(), Task::Regression);
    says(
        &loaded.notice.unwrap(),
        &["1 target (target)", "numbers with fractions, so the task is regression"],
    );
    says(&refusal(labelled(("|S1", b"ab cab"))), &["`y` has no label for row 2"]);
}

#[test]
fn npz_values_of_every_order_and_type() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let half = LoadOptions { test_fraction: 0.5, scale: Scale::None, ..LoadOptions::default() };
    let y = || ("y", array("|u1", &[4], &[0, 1, 0, 1]));
    let rows = |descr: &str, shape: &[usize], body: Vec<u8>| {
        write_npz(&path, &[("x", array(descr, shape, &body)), y()]);
        load_with(&path, &half).unwrap().dataset
    };
    let floats = |values: &[f64]| values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let values: Vec<f64> = (0..12).map(f64::from).collect();
    let plain = rows("<f4", &[4, 3], floats(&values));
    assert_eq!(plain.preparation.scaling, Scaling::None);
    let doubles = rows("<f8", &[4, 3], values.iter().flat_map(|v| v.to_le_bytes()).collect());
    let shorts = rows(">i2", &[4, 3], (0..12_i16).flat_map(i16::to_be_bytes).collect());
    let bytes = rows("|u1", &[4, 3], (0..12).collect());
    assert!([&doubles, &shorts, &bytes].iter().all(|set| set.train == plain.train && set.test == plain.test));
    // The first index running fastest.
    let columns: Vec<f64> = (0..3).flat_map(|c| (0..4).map(move |r| f64::from(r * 3 + c))).collect();
    let mut fortran = array("<f4", &[4, 3], &floats(&columns));
    let at = fortran.windows(5).position(|window| window == b"False").unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    write_npz(&path, &[("x", fortran), y()]);
    assert_eq!(load_with(&path, &half).unwrap().dataset.train, plain.train);
    // Images of bytes, grey and in colours; bytes as numbers if that is asked for.
    let auto = LoadOptions { test_fraction: 0.5, ..LoadOptions::default() };
    write_npz(
        &path,
        &[
            ("images", array("|u1", &[4, 2, 1, 3], &(0..24).map(|i| i * 11).collect::<Vec<u8>>())),
            ("labels", y().1),
        ],
    );
    let images = load_with(&path, &auto).unwrap().dataset;
    assert_eq!(
        (images.train.format(), images.image_shape, images.train.features()),
        (Format::Bytes, [2, 1], 6)
    );
    let standard = load_with(&path, &LoadOptions { scale: Scale::Standard, ..auto }).unwrap().dataset;
    assert!(matches!(standard.preparation.scaling, Scaling::Columns { .. }));
    assert_eq!(
        standard.train.inputs(&[0]).unwrap().at(0, 0).abs(),
        1.0,
        "two rows: one above the mean, one below"
    );
}

#[test]
fn npz_files_that_hold_no_set_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let y = array("|u1", &[3], &[0, 1, 0]);
    let x = || array("<f4", &[3, 1], &[0; 12]);
    let refused = |arrays: &[(&str, Vec<u8>)], fragments: &[&str]| {
        write_npz(&path, arrays);
        let text = refusal(load(&path));
        says(&text, &["a.npz", "hint:"]);
        says(&text, fragments);
    };
    refused(
        &[("W1", x()), ("b1", y.clone())],
        &["neither the arrays x_train and y_train nor X and y; it has W1 [3, 1], b1 [3]"],
    );
    refused(&[], &["it has none"]);
    refused(&[("x", x()), ("y", array("|u1", &[2], &[0, 1]))], &["`y` has 2 labels, but `x` has 3 rows"]);
    refused(
        &[("x", x()), ("y", array("|u1", &[3, 2, 1], &[0; 6]))],
        &["`y` has shape [3, 2, 1]", "several numbers"],
    );
    refused(
        &[("x", x()), ("y", array("<U1", &[3, 2], &[0; 24]))],
        &["`y` has shape [3, 2]", "one label per row"],
    );
    refused(&[("x", array("<f4", &[3], &[0; 12])), ("y", y.clone())], &["`x` has shape [3]"]);
    refused(
        &[("x", array("<f4", &[3, 2], &[0; 12])), ("y", y.clone())],
        &["`x` says shape [3, 2]", "12 bytes"],
    );
    refused(
        &[("x", array("<f4", &[3, 1], &[0; 13])), ("y", y.clone())],
        &["`x` says shape [3, 1]", "more than 12"],
    );
    refused(
        &[("x", array("<f4", &[1 << 40, 8], &[0; 12])), ("y", y.clone())],
        &["`x` has shape", "bytes of memory left"],
    );
    refused(&[("x", array("<f4", &[usize::MAX, 8], &[])), ("y", y.clone())], &["`x` has shape"]);
    refused(
        &[("x", array("|O", &[3, 1], &[0; 24])), ("y", y.clone())],
        &["`x` holds pickled Python objects"],
    );
    let nan: Vec<u8> = [1.0, f32::NAN, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    refused(&[("x", array("<f4", &[3, 1], &nan)), ("y", y.clone())], &["`x` has NaN", "in row 1, value 0"]);
    let huge: Vec<u8> = [1.0, 1e300, 2.0_f64].iter().flat_map(|v| v.to_le_bytes()).collect();
    refused(&[("x", array("<f8", &[3, 1], &huge)), ("y", y.clone())], &["not a finite f32"]);
    let test = [("x_test", array("<f4", &[3, 2], &[0; 24])), ("y_test", y.clone())];
    let both = [&[("x_train", x()), ("y_train", y)][..], &test].concat();
    refused(&both, &["it has 2 values per sample", "has 1"]);
    // Damage is refused in words, or does not matter, such as that of a time stamp.
    write_npz(&path, &both[..2]);
    let (whole, mut damaged) = (fs::read(&path).unwrap(), 0);
    for at in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        fs::write(&path, broken).unwrap();
        if load(&path).is_err() {
            refusal(load(&path));
            damaged += 1;
        }
    }
    assert!(damaged > 30, "{damaged}");
}

#[test]
fn npz_targets_may_be_several() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let x = || ("x", array("<f4", &[4, 1], &[0; 16]));
    let half = LoadOptions { test_fraction: 0.5, ..LoadOptions::default() };
    write_npz(&path, &[x(), ("y", array("|u1", &[4, 2], &[0, 1, 1, 1, 0, 0, 1, 0]))]);
    let set = load_with(&path, &half).unwrap().dataset;
    assert_eq!((set.preparation.task(), set.classes), (Task::MultiLabel, 2));
    let numbers: Vec<u8> =
        [1.5_f64, 2.0, 3.0, 8.0, 5.5, 6.0, 7.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    write_npz(&path, &[x(), ("y", array("<f8", &[4, 2], &numbers))]);
    let set = load_with(&path, &half).unwrap().dataset;
    assert_eq!(
        (set.preparation.task(), set.preparation.class_names),
        (Task::Regression, vec!["0".into(), "1".into()])
    );
    let one_hot = LoadOptions { task: Some(Task::Classification), ..half };
    write_npz(&path, &[x(), ("y", array("|u1", &[4, 2], &[0, 1, 1, 0, 1, 0, 0, 1]))]);
    let set = load_with(&path, &one_hot).unwrap().dataset;
    assert_eq!(
        (set.preparation.task(), set.preparation.class_names),
        (Task::Classification, vec!["0".into(), "1".into()])
    );
}

/// Rows of one value, from `first` on, and their parity.
fn counted(first: usize, rows: usize) -> [Vec<u8>; 2] {
    let x: Vec<u8> = (first..first + rows).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let y: Vec<u8> = (first..first + rows).map(|i| (i % 2) as u8).collect();
    [array("<f4", &[rows, 1], &x), array("|u1", &[rows], &y)]
}

#[test]
fn arrays_of_any_name_are_what_the_user_says() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let ([x, y], [x_val, y_val], [x_test, y_test]) = (counted(0, 8), counted(10, 4), counted(20, 6));
    let arrays = [
        ("features", x),
        ("species", y),
        ("more", x_val),
        ("more species", y_val),
        ("last", x_test),
        ("last species", y_test),
        ("X", array("|u1", &[1], &[0])),
    ];
    write_npz(&path, &arrays);
    let with =
        |keys: &str| load_with(&path, &LoadOptions { npz_keys: Some(keys.into()), ..LoadOptions::default() });
    let loaded = with("features,species").unwrap();
    assert_eq!(loaded.dataset.train.len() + loaded.dataset.test.len(), 8);
    says(&crate::data::lines(&loaded.notes), &["arrays that are left out: `more`, `more species`, `last`"]);
    let all = "features=X, species=y, more=x_val, more species=y_val, last=x_test, last species=y_test";
    let set = with(all).unwrap().dataset;
    let validation = set.validation.as_ref().unwrap();
    assert_eq!((set.train.len(), validation.len(), set.test.len()), (8, 4, 6));
    let first = |samples: &gpu_mlp::data::Samples| samples.inputs(&[0]).unwrap().data()[0];
    let scaled = [0.0, 10.0, 20.0].map(|x: f64| (x - 3.5) / 5.25_f64.sqrt());
    for (samples, expected) in [&set.train, validation, &set.test].into_iter().zip(scaled) {
        assert!((first(samples) - expected).abs() < 1e-5, "{} {expected}", first(samples));
    }
    // What cannot be meant lists the arrays of the file.
    for (keys, fragments) in [
        ("feature,species", &["there is no array `feature`", "features [8, 1], species [8]"][..]),
        ("X=features,y=species", &["`features` is none of these roles", "theirs=ours", "X, y, x_test"]),
        ("features=X", &["the training set has values and no labels"]),
        ("last=x_test,last species=y_test", &["no array is called X, and none y"]),
        ("features=X,more=x,species=y", &["two arrays are given as `x`"]),
        ("features", &["expected pairs theirs=ours"]),
    ] {
        says(&refusal(with(keys)), &[fragments, &["npz_keys"]].concat());
    }
    let unnamed = refusal(load(&path));
    says(&unnamed, &["neither the arrays x_train and y_train nor X and y", "features [8, 1]", "npz_keys"]);
    let table = folder.path().join("a.csv");
    std::fs::write(&table, "a,label\n1,0\n2,1\n").unwrap();
    let options = LoadOptions { npz_keys: Some("a,b".into()), ..LoadOptions::default() };
    says(&refusal(load_with(&table, &options)), &["npz_keys", "names arrays of .npz and .npy files"]);
}

#[test]
fn npy_files_have_the_names_of_npz_arrays() {
    let place = tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path().join(name), bytes).unwrap();
    for (part, [x, y]) in [("train", counted(0, 8)), ("val", counted(10, 4)), ("test", counted(20, 6))] {
        write(&format!("x_{part}.npy"), &x);
        write(&format!("Y_{part}.npy"), &y);
    }
    write("names.npy", &array("|u1", &[1], &[0]));
    let loaded = load(place.path()).unwrap();
    let set = loaded.dataset;
    assert_eq!((set.train.len(), set.validation.unwrap().len(), set.test.len()), (8, 4, 6));
    says(&crate::data::lines(&loaded.notes), &["arrays that are left out: `names`"]);
    fs::remove_file(place.path().join("x_test.npy")).unwrap();
    let loaded = load(place.path()).unwrap();
    assert_eq!((loaded.dataset.validation, loaded.dataset.test.len()), (None, 4));
    says(
        &crate::data::lines(&loaded.notes),
        &["the validation set is taken as the test set", "`Y_test`, `names`"],
    );
    let keys = |keys: &str| LoadOptions { npz_keys: Some(keys.into()), ..LoadOptions::default() };
    let set = load_with(place.path(), &keys("x_val,Y_val")).unwrap().dataset;
    assert_eq!(set.train.len() + set.test.len(), 4);
    says(&refusal(load_with(place.path(), &keys("x_val,y"))), &["no array `y`", "x_val.npy [4, 1]"]);
}
