//! A data set so small that a test can train on it many times: 4 x 4 pixels, 3 classes, 60 training and 20 test images.

use std::fs;
use std::path::Path;

use gpu_mlp::data::{Dataset, MEMORY_LIMIT, Preparation, Samples, folder, idx};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const FEATURES: usize = 16;
pub const CLASSES: usize = 3;
pub const TRAIN: usize = 60;
pub const TEST: usize = 20;

/// Images whose class shows in a bright column, on noise.
fn split(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u8> = (0..count).map(|i| (i % CLASSES) as u8).collect();
    let mut pixel = |label: u8, at: usize| {
        let noise = (rng.next_u32() >> 24) as u8 / 2;
        if at % 4 == usize::from(label) { 128 + noise } else { noise }
    };
    let pixels = labels.iter().flat_map(|&label| (0..FEATURES).map(move |at| (label, at)));
    let pixels = pixels.map(|(label, at)| pixel(label, at)).collect();
    (pixels, labels)
}

/// The set in memory.
pub fn dataset() -> Dataset {
    let samples = |count, seed| {
        let (pixels, labels) = split(count, seed);
        Samples::new(FEATURES, pixels, labels.into_iter().map(u32::from).collect(), CLASSES).unwrap()
    };
    Dataset {
        name: "tiny".into(),
        origin: "a test".into(),
        image_shape: [4, 4],
        classes: CLASSES,
        preparation: Preparation::of_images(CLASSES),
        train: samples(TRAIN, 1),
        validation: None,
        test: samples(TEST, 2),
    }
}

/// The set with a part of its training samples held out for validation.
pub fn held_out(fraction: f64) -> Dataset {
    dataset().hold_out(fraction, 1).unwrap()
}

/// The set with labels that say nothing of the images: it can be learnt by heart, but not understood.
pub fn random_labels() -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let plain = dataset();
    let labels = (0..TRAIN).map(|_| rng.next_u32() % CLASSES as u32).collect();
    let train = Samples::new(
        FEATURES,
        plain.train.read(&(0..TRAIN as u32).collect::<Vec<_>>()).unwrap(),
        labels,
        CLASSES,
    )
    .unwrap();
    Dataset { train, ..plain }
}

/// Writes the set as IDX files to a folder, which is created.
pub fn write(path: &Path) {
    fs::create_dir_all(path).unwrap();
    for (stems, (pixels, labels)) in folder::STEMS.chunks(2).zip([split(TRAIN, 1), split(TEST, 2)]) {
        idx::write_images(&path.join(stems[0]), [4, 4], &pixels).unwrap();
        idx::write_labels(&path.join(stems[1]), &labels).unwrap();
    }
}

#[test]
fn the_written_set_is_the_one_in_memory() {
    let place = tempfile::tempdir().unwrap();
    write(place.path());
    let (read, made) = (folder::load(place.path(), "tiny", None, MEMORY_LIMIT).unwrap(), dataset());
    assert_eq!((read.train, read.test, read.classes), (made.train, made.test, made.classes));
}
