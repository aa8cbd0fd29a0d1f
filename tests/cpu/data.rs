//! Data sets: folders, names, the look-up and the built-in set, with every error worded.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use gpu_mlp::Error;
use gpu_mlp::data::Split;
use gpu_mlp::data::digits::draw;
use gpu_mlp::data::folder::{self, STEMS};
use gpu_mlp::data::{Dataset, MEMORY_LIMIT, Places, Request, Samples, make};
use gpu_mlp::error::Message;
use tempfile::{TempDir, tempdir};

/// A set with as much memory as it likes.
fn load(folder: &Path, name: &str, classes: Option<usize>) -> Result<Dataset, Error> {
    folder::load(folder, name, classes, MEMORY_LIMIT)
}

fn load_from(data: Option<&str>, places: &Places) -> Result<gpu_mlp::data::Loaded, Error> {
    gpu_mlp::data::load_from(Request { data, ..Request::default() }, places)
}

/// All rows of a split, one after another.
fn pixels(samples: &Samples) -> Vec<u8> {
    samples.read(&(0..samples.len() as u32).collect::<Vec<_>>()).unwrap()
}

pub fn idx_bytes(magic: u32, dims: &[u32], body: &[u8]) -> Vec<u8> {
    let words = [&[magic], dims].concat();
    [words.iter().flat_map(|word| word.to_be_bytes()).collect(), body.to_vec()].concat()
}

pub fn images(count: u32, rows: u32, cols: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count * rows * cols).map(|at| (at * 7) as u8).collect();
    idx_bytes(0x803, &[count, rows, cols], &pixels)
}

pub fn labels(values: &[u8]) -> Vec<u8> {
    idx_bytes(0x801, &[values.len() as u32], values)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The files of a small whole set, in the order of `STEMS`: 4 + 3 images of 3 x 2, labels up to 2.
fn small() -> [Vec<u8>; 4] {
    [images(4, 3, 2), labels(&[0, 2, 1, 0]), images(3, 3, 2), labels(&[1, 1, 0])]
}

fn folder_of(files: &[Vec<u8>; 4]) -> TempDir {
    let folder = tempdir().unwrap();
    fill(folder.path(), files);
    folder
}

fn fill(folder: &Path, files: &[Vec<u8>; 4]) {
    fs::create_dir_all(folder).unwrap();
    for (stem, bytes) in STEMS.iter().zip(files) {
        fs::write(folder.join(stem), bytes).unwrap();
    }
}

/// The error of a small set whose file `index` holds `bytes` instead; it must name that file.
pub fn broken(index: usize, bytes: Vec<u8>) -> String {
    let mut files = small();
    files[index] = bytes;
    let folder = folder_of(&files);
    let text = refusal(load(folder.path(), "small", None));
    assert!(text.contains(STEMS[index]), "the file is not named: {text}");
    text
}

/// The words of an error that ends the program with exit code 2 and says what to do.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

/// Notes as text, one line each.
pub fn lines(notes: &[Message]) -> String {
    notes.iter().map(|note| format!("{note}\n")).collect()
}

#[track_caller]
pub fn says(text: &str, fragments: &[&str]) {
    for fragment in fragments {
        assert!(text.contains(fragment), "`{fragment}` is not in: {text}");
    }
}

#[test]
fn a_folder_loads_the_same_in_every_spelling() {
    let plain = load(folder_of(&small()).path(), "small", None).unwrap();
    assert_eq!((plain.image_shape, plain.classes), ([3, 2], 3));
    assert_eq!((plain.train.len(), plain.test.len(), plain.train.features()), (4, 3, 6));
    assert_eq!(plain.train.read(&[1]).unwrap(), [42, 49, 56, 63, 70, 77]);
    assert_eq!((plain.train.labels(), plain.test.labels()), (&[0, 2, 1, 0][..], &[1, 1, 0][..]));
    for (dot, extension) in [(false, ".gz"), (true, ""), (true, ".gz")] {
        let folder = tempdir().unwrap();
        for (stem, bytes) in STEMS.iter().zip(small()) {
            let stem = if dot { stem.replace("-idx", ".idx") } else { (*stem).to_owned() };
            let bytes = if extension.is_empty() { bytes } else { gzip(&bytes) };
            fs::write(folder.path().join(format!("{stem}{extension}")), bytes).unwrap();
        }
        let other = load(folder.path(), "small", None).unwrap();
        assert_eq!((&other.train, &other.test), (&plain.train, &plain.test), "{dot} {extension}");
    }
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let folder = folder_of(&small());
    let absent = folder.path().join("absent");
    says(&refusal(load(&absent, "x", None)), &["absent", "there is no such folder", "four IDX files"]);
    let file = folder.path().join(STEMS[0]);
    says(&refusal(load(&file, "x", None)), &["not a folder"]);
    for stem in STEMS {
        let folder = folder_of(&small());
        fs::remove_file(folder.path().join(stem)).unwrap();
        let missing = format!("{stem} is missing");
        says(&refusal(load(folder.path(), "x", None)), &[&missing, "put all four files there"]);
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    says(&broken(1, labels(&[0, 1, 2])), &["3 labels", "4 images", "of one set"]);
    says(&broken(2, images(3, 2, 3)), &["2 x 3", "3 x 2", "of one set"]);
}

#[test]
fn the_number_of_classes_is_the_highest_label_of_both_splits_plus_one() {
    let mut files = small();
    files[3] = labels(&[1, 7, 0]);
    assert_eq!(load(folder_of(&files).path(), "x", None).unwrap().classes, 8);
    files[1] = labels(&[255, 0, 0, 0]);
    assert_eq!(load(folder_of(&files).path(), "x", None).unwrap().classes, 256);
    (files[1], files[3]) = (labels(&[0; 4]), labels(&[0; 3]));
    assert_eq!(load(folder_of(&files).path(), "x", None).unwrap().classes, 2);
}

#[test]
fn a_label_out_of_range_is_refused() {
    let mut files = small();
    files[3] = labels(&[1, 10, 0]);
    let text = refusal(load(folder_of(&files).path(), "mnist", Some(10)));
    says(&text, &[STEMS[3], "label 1 is 10", "mnist has 10 classes, 0 to 9"]);
}

#[test]
fn samples_check_their_shape_and_labels() {
    let new =
        |features, pixels: usize, labels: &[u32]| Samples::new(features, vec![0; pixels], labels.to_vec(), 3);
    assert_eq!(new(2, 4, &[0, 2]).unwrap().len(), 2);
    says(&refusal(new(2, 4, &[0, 3])), &["label 1 is 3", "from 0 to 2"]);
    says(&refusal(new(2, 5, &[0, 1])), &["[2, 2]", "5 bytes"]);
    refusal(new(0, 0, &[0]));
    refusal(new(2, 0, &[]));
    refusal(new(usize::MAX, 4, &[0, 0]));
}

#[test]
fn a_name_with_a_typo_gets_a_guess() {
    let nowhere = Places::default();
    let text = refusal(load_from(Some("minst"), &nowhere));
    says(&text, &["`minst`", "did you mean `mnist`?", "mnist, fashion-mnist, digits"]);
    says(&refusal(load_from(Some("fashionmnist"), &nowhere)), &["did you mean `fashion-mnist`?"]);
    says(&refusal(load_from(Some("MNIST"), &nowhere)), &["did you mean `mnist`?"]);
    says(&refusal(load_from(Some("digit"), &nowhere)), &["did you mean `digits`?"]);
    let text = refusal(load_from(Some("imagenet"), &nowhere));
    assert!(!text.contains("did you mean"), "{text}");
    let text = refusal(load_from(Some("no/such/place"), &nowhere));
    says(&text, &["no/such/place", "there is no such folder"]);
}

#[test]
fn a_path_is_loaded_under_the_name_of_its_folder() {
    let parent = tempdir().unwrap();
    let folder = parent.path().join("letters");
    fill(&folder, &small());
    let loaded = load_from(folder.to_str(), &Places::default()).unwrap();
    assert_eq!((loaded.dataset.name.as_str(), loaded.notice), ("letters", None));
    assert_eq!(loaded.dataset.origin, folder.display().to_string());
}

/// Loads `mnist` from places that hold the small set in the given folders.
fn mnist_in(folders: &[&str], places: &[&str]) -> Result<Dataset, Error> {
    let root = tempdir().unwrap();
    let at = |path: &&str| root.path().join(path);
    folders.iter().for_each(|folder| fill(&at(folder), &small()));
    let loaded = load_from(Some("mnist"), &Places::new(places.iter().map(at)))?;
    let origin = PathBuf::from(loaded.dataset.origin);
    let origin = origin.strip_prefix(root.path()).unwrap().display().to_string();
    Ok(Dataset { origin, ..loaded.dataset })
}

#[test]
fn a_known_set_is_looked_up_place_by_place() {
    assert_eq!(mnist_in(&["a/mnist", "b"], &["a", "b"]).unwrap().origin, "a/mnist");
    assert_eq!(mnist_in(&["a/mnist", "b"], &["b", "a"]).unwrap().origin, "b");
    assert_eq!(mnist_in(&["b/mnist", "b"], &["a", "b"]).unwrap().origin, "b/mnist");
    let dataset = mnist_in(&["b"], &["a", "b"]).unwrap();
    assert_eq!((dataset.name.as_str(), dataset.classes), ("mnist", 10), "known, whatever labels are there");
    let text = refusal(mnist_in(&[], &["a", "b"]));
    says(&text, &["mnist is not on this machine", "a/mnist", "`gpu-mlp data fetch mnist`", "digits"]);
    // The same four names: clothes must not pass for digits.
    says(&refusal(mnist_in(&["fashion-mnist"], &["fashion-mnist"])), &["mnist is not on this machine"]);
}

#[test]
fn a_damaged_or_incomplete_known_set_names_the_cure() {
    let root = tempdir().unwrap();
    let places = Places::new([root.path().to_owned()]);
    let folder = root.path().join("mnist");
    fill(&folder, &small());
    fs::write(folder.join(STEMS[2]), b"").unwrap();
    let cure = format!("`gpu-mlp data fetch mnist --data-dir {}` downloads it again", root.path().display());
    says(&refusal(load_from(Some("mnist"), &places)), &[STEMS[2], "cut short", &cure]);
    says(&refusal(load_from(None, &places)), &[STEMS[2], &cure]);
    fs::remove_file(folder.join(STEMS[2])).unwrap();
    says(&refusal(load_from(Some("mnist"), &places)), &[STEMS[2], "is missing", &cure]);
    assert_eq!(load_from(None, &places).unwrap().dataset.name, "digits", "half a set is none by default");
}

#[test]
fn without_a_name_mnist_comes_first_and_the_built_in_set_with_a_notice() {
    let root = tempdir().unwrap();
    let places = Places::new([root.path().to_owned()]);
    let loaded = load_from(None, &places).unwrap();
    assert_eq!(loaded.dataset.name, "digits");
    let notice = loaded.notice.unwrap();
    assert!(notice.contains("`gpu-mlp data fetch mnist`") && !notice.contains('\n'), "{notice}");
    fill(&root.path().join("mnist"), &small());
    let loaded = load_from(None, &places).unwrap();
    assert_eq!((loaded.dataset.name.as_str(), loaded.notice), ("mnist", None));
}

#[test]
fn a_data_dir_that_is_not_there_is_an_error() {
    let request =
        Request { data: Some("mnist"), data_dir: Some(Path::new("no/such/dir")), ..Request::default() };
    says(&refusal(gpu_mlp::data::load(request)), &["no/such/dir", "data_dir", "no such folder"]);
}

#[test]
fn the_built_in_set_is_what_make_draws() {
    let digits = load_from(Some("digits"), &Places::default()).unwrap().dataset;
    assert_eq!((digits.image_shape, digits.classes), ([28, 28], 10));
    assert_eq!((digits.origin.as_str(), digits.train.len(), digits.test.len()), ("built in", 10_000, 2_000));
    for (samples, split) in [(&digits.train, Split::Train), (&digits.test, Split::Test)] {
        let (drawn, labels) = draw(0..samples.len(), split, 1);
        assert!(pixels(samples) == drawn, "run: gpu-mlp data make digits --out data/digits");
        assert!(samples.labels().iter().copied().eq(labels.into_iter().map(u32::from)));
    }
}

const SMALL: make::Digits = make::Digits { train: 30, test: 20, seed: 7, plain: false };

#[test]
fn make_writes_plain_files_too_and_does_not_hide_behind_them() {
    let root = tempdir().unwrap();
    let [packed, plain] = ["packed", "plain"].map(|name| root.path().join(name));
    make::digits(&packed, &SMALL).unwrap();
    make::digits(&plain, &make::Digits { plain: true, ..SMALL }).unwrap();
    assert_eq!(fs::metadata(plain.join(STEMS[0])).unwrap().len(), 16 + 30 * 784);
    let [packed, from_plain] = [&packed, &plain].map(|folder| load(folder, "made", None).unwrap());
    assert_eq!((packed.train, packed.test), (from_plain.train, from_plain.test));
    // Plain files are found first: new archives beside them would never be read.
    says(&refusal(make::digits(&plain, &SMALL)), &[STEMS[0], "instead of", "another folder"]);
}

#[test]
fn make_writes_a_folder_that_loads_and_repeats() {
    let root = tempdir().unwrap();
    let [once, again] = ["once", "again"].map(|name| root.path().join(name));
    for folder in [&once, &again] {
        make::digits(folder, &SMALL).unwrap();
    }
    let dataset = load(&once, "made", None).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len(), dataset.image_shape), (30, 20, [28, 28]));
    for stem in STEMS {
        let name = format!("{stem}.gz");
        assert_eq!(fs::read(once.join(&name)).unwrap(), fs::read(again.join(&name)).unwrap(), "{name}");
    }
    says(&refusal(make::digits(&once, &make::Digits { train: 0, ..SMALL })), &["train 0", "1 to"]);
    says(&refusal(make::digits(&once, &make::Digits { test: usize::MAX, ..SMALL })), &["test"]);
}

#[cfg(not(feature = "fetch"))]
#[test]
fn a_program_built_without_fetch_says_so() {
    use gpu_mlp::data::{catalog, fetch};

    let folder = tempdir().unwrap();
    let known = catalog::find("mnist").unwrap();
    let fetched = fetch::fetch(known, folder.path(), &[], &fetch::Limits::default(), &mut |_| ());
    says(&refusal(fetched), &["built without the `fetch` feature", "by hand"]);
}

/// The folder with real MNIST, if there is one; says so if not.
pub fn real_mnist() -> Option<PathBuf> {
    let folder = match std::env::var_os("GPU_MLP_MNIST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mnist"),
    };
    let there = folder.is_dir();
    if !there {
        eprintln!(
            "NOT TESTED: real MNIST is not in {} (GPU_MLP_MNIST_DIR names another folder)",
            folder.display()
        );
    }
    there.then_some(folder)
}

#[test]
fn real_mnist_loads_whole() {
    let Some(folder) = real_mnist() else { return };
    let loaded = load_from(Some("mnist"), &Places::new([folder])).unwrap();
    let mnist = loaded.dataset;
    assert_eq!((mnist.image_shape, mnist.classes), ([28, 28], 10));
    assert_eq!((mnist.train.len(), mnist.test.len()), (60_000, 10_000));
    assert_eq!(mnist.train.labels()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(mnist.test.labels()[..5], [7, 2, 1, 0, 4]);
    let mean = pixels(&mnist.train).into_iter().map(u64::from).sum::<u64>() as f64 / 47_040_000.0;
    // 0.1307 of 255, the mean that everyone normalises MNIST with.
    assert!((mean / 255.0 - 0.1307).abs() < 1e-4, "{mean}");
}
