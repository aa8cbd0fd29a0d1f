//! Data that cannot be trained on: every way that a set can be wrong ends the program with code 2 and names the file.

use std::fs;

use gpu_mlp::data::folder::STEMS;

use crate::data::{gzip, idx_bytes, images, labels};
use crate::program::{Place, Ran};

/// Trains on the tiny set with one of its files replaced, or removed.
fn train_with(stem: &str, bytes: Option<&[u8]>) -> Ran {
    let place = Place::new();
    let path = place.path("tiny").join(stem);
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    let ran = place.train(&["--batch-size", "8"]);
    assert!(!place.path("runs").exists(), "a mistake leaves no folder behind");
    ran
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let place = Place::new();
    let train = |data: &str| place.run(&["train", "--backend", "cpu", "--data", data]);
    train("./absent").fails(2, &["./absent", "there is no such folder"]);
    train("absent").fails(2, &["there is no data set called `absent`", "mnist, fashion-mnist"]);
    fs::copy(place.path("tiny/train-images-idx3-ubyte"), place.path("alone")).unwrap();
    train("alone").fails(2, &["this is an IDX file", "name the folder"]);
    train("mnist").fails(2, &["mnist is not on this machine", "gpu-mlp data fetch mnist"]);
    let ran = place.run(&["train", "--backend", "cpu", "--data-dir", "absent"]);
    ran.fails(2, &["absent", "--data-dir: there is no such folder"]);
    for stem in STEMS {
        train_with(stem, None).fails(2, &[&format!("{stem} is missing"), "put all four files there"]);
    }
}

#[test]
fn files_that_are_not_what_their_header_says() {
    let whole = images(60, 4, 4);
    let cases: [(usize, Vec<u8>, &str); 12] = [
        (0, idx_bytes(0x0703, &[60, 4, 4], &[0; 960]), "wrong magic number: expected 0x00000803"),
        (1, whole.clone(), "seem to be swapped"),
        (3, b"<html>".to_vec(), "wrong magic number"),
        (0, gzip(&whole)[..100].to_vec(), "cut short"),
        (1, gzip(&labels(&[1; 60]))[..12].to_vec(), "cut short"),
        (0, whole[..500].to_vec(), "it ends after 484 of the 960 bytes (60 x 4 x 4)"),
        (0, [&whole[..], b"x"].concat(), "there are more bytes in it than the 960 bytes"),
        (2, idx_bytes(0x803, &[u32::MAX, 4, 4], &[0; 100]), "it ends after 100 of the 68719476720 bytes"),
        (1, labels(&[1; 59]), "it has 59 labels, but there are 60 images in"),
        (3, labels(&[]), "the set is empty"),
        (0, idx_bytes(0x803, &[0, 4, 4], &[]), "the set is empty"),
        (2, images(20, 4, 5), "its images are 4 x 5 pixels"),
    ];
    for (file, bytes, fragment) in cases {
        train_with(STEMS[file], Some(&bytes)).fails(2, &[STEMS[file], fragment]);
    }
}

#[test]
fn a_label_beyond_the_classes_of_a_known_set_is_named() {
    let place = Place::new();
    crate::tiny::write(&place.path("sets/mnist"));
    let mut wrong = vec![3; 20];
    wrong[7] = 10;
    fs::write(place.path("sets/mnist").join(STEMS[3]), labels(&wrong)).unwrap();
    let ran = place.run(&["train", "--backend", "cpu", "--data", "mnist", "--data-dir", "sets"]);
    ran.fails(2, &[STEMS[3], "label 7 is 10, but mnist has 10 classes, 0 to 9", "gpu-mlp data fetch mnist"]);
}
