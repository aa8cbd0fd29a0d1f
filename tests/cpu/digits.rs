//! The digits the program draws itself: the same bytes for ever, and hard enough to be worth training on.

use gpu_mlp::data::digits::draw;
use gpu_mlp::data::{self, Request, Split};
use sha2::{Digest, Sha256};

const PIXELS: usize = 784;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_built_in_set_is_what_its_name_loads() {
    let loaded = data::load(Request { data: Some("digits"), ..Request::default() }).unwrap();
    assert_eq!(data::built_in().unwrap(), loaded.dataset);
}

#[test]
fn same_seed_gives_the_same_bytes() {
    assert_eq!(draw(0..300, Split::Train, 7), draw(0..300, Split::Train, 7));
}

/// Also for counts that end within a block of ten labels.
#[test]
fn a_larger_set_starts_with_the_smaller_one_and_can_be_drawn_in_pieces() {
    let (images, labels) = draw(0..500, Split::Test, 3);
    for count in [0, 1, 9, 10, 123, 499] {
        let (fewer, their_labels) = draw(0..count, Split::Test, 3);
        assert_eq!(fewer, images[..count * PIXELS], "{count} images");
        assert_eq!(their_labels, labels[..count], "{count} labels");
        let (rest, rest_labels) = draw(count..500, Split::Test, 3);
        assert_eq!((rest, rest_labels), (images[count * PIXELS..].to_vec(), labels[count..].to_vec()));
    }
}

#[test]
fn thread_count_does_not_matter() {
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let several = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
    let set = || draw(0..205, Split::Train, 11);
    assert_eq!(alone.install(set), several.install(set));
}

#[test]
fn splits_and_seeds_share_no_image() {
    let sets = [(Split::Train, 1), (Split::Test, 1), (Split::Train, 2), (Split::Test, 2)];
    let drawn: Vec<_> = sets.iter().map(|&(split, seed)| draw(0..500, split, seed)).collect();
    let mut images: Vec<&[u8]> = drawn.iter().flat_map(|(images, _)| images.chunks(PIXELS)).collect();
    images.sort_unstable();
    images.dedup();
    assert_eq!(images.len(), 4 * 500);
}

#[test]
fn labels_are_balanced_but_do_not_repeat() {
    let (_, labels) = draw(0..1003, Split::Train, 5);
    for digit in 0..10 {
        let times = labels.iter().filter(|&&label| label == digit).count();
        assert!((100..=101).contains(&times), "{times} of {digit}");
    }
    assert!(labels.iter().all(|&label| label < 10));
    let repeats = labels.iter().zip(&labels[10..]).filter(|(a, b)| a == b).count();
    assert!((50..200).contains(&repeats), "{repeats} of 993 labels equal the one ten places before");
}

/// If this fails, every `digits` file that anyone made before is another one: change the recipe only on purpose.
#[test]
fn the_bytes_never_change() {
    let (train, train_labels) = draw(0..1000, Split::Train, 1);
    let (test, test_labels) = draw(0..1000, Split::Test, 1);
    assert_eq!(sha256(&train), "37c6beb8da63cd76c85fd3b3c7244b05aa349b81c315dac70809c7a8457d6467");
    assert_eq!(sha256(&train_labels), "ceb6cb6feb19537ad0139c3bff4e8b2466dd724eb2ffa202270e1b43333c9d5d");
    assert_eq!(sha256(&test), "d548c5e191deabffde5c9b66d291d1bee1338966ad39149819cd6a3304890006");
    assert_eq!(sha256(&test_labels), "ed92dbbb2d1aba053655ca82c44e16ea2f2c0d6503a9723402de5c6011c8b85b");
}

#[test]
fn every_image_shows_a_whole_digit_in_the_middle() {
    let (images, _) = draw(0..3000, Split::Train, 9);
    for (index, image) in images.chunks(PIXELS).enumerate() {
        let ink: u64 = image.iter().map(|&pixel| u64::from(pixel)).sum();
        assert!((15 * 255..300 * 255).contains(&ink), "image {index} has {ink} ink");
        let mean = |place: fn(usize) -> usize| {
            image.iter().enumerate().map(|(k, &pixel)| place(k) as u64 * u64::from(pixel)).sum::<u64>() / ink
        };
        let (row, column) = (mean(|k| k / 28), mean(|k| k % 28));
        assert!((7..21).contains(&row) && (7..21).contains(&column), "image {index}: {row}, {column}");
        // Nothing darker than the blurred rim of a stroke may reach the edge: no digit is cut off.
        let edge = (0..28).flat_map(|k| [k, 756 + k, 28 * k, 28 * k + 27]).map(|at| image[at]).max();
        assert!(edge < Some(128), "image {index} is {edge:?} dark at the edge");
    }
}

/// Softmax regression by gradient descent, one image at a time: enough to bring out a set that is too easy.
#[test]
fn a_linear_classifier_stays_below_95_percent() {
    let (images, labels) = draw(0..10_000, Split::Train, 1);
    let (unseen, answers) = draw(0..2_000, Split::Test, 1);
    let mut weights = vec![[0f32; PIXELS + 1]; 10];
    for _ in 0..12 {
        for (image, &label) in images.chunks(PIXELS).zip(&labels) {
            let input = with_bias(image);
            let shares = softmax(scores(&weights, &input));
            for (digit, row) in weights.iter_mut().enumerate() {
                let step = 0.003 * (f32::from(u8::from(digit == usize::from(label))) - shares[digit]);
                row.iter_mut().zip(&input).for_each(|(weight, x)| *weight += step * x);
            }
        }
    }
    let right = unseen.chunks(PIXELS).zip(&answers).filter(|(image, answer)| {
        let scores = scores(&weights, &with_bias(image));
        (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])) == Some(usize::from(**answer))
    });
    let right = right.count();
    assert!((1760..1900).contains(&right), "{right} of 2000 right");
}

fn with_bias(image: &[u8]) -> Vec<f32> {
    image.iter().map(|&pixel| f32::from(pixel) / 255.0).chain([1.0]).collect()
}

fn scores(weights: &[[f32; PIXELS + 1]], input: &[f32]) -> Vec<f32> {
    // Eight sums side by side, so that the compiler can use vector instructions.
    let dot = |row: &[f32; PIXELS + 1]| {
        let mut sums = [0f32; 8];
        for (w, x) in row.chunks(8).zip(input.chunks(8)) {
            sums.iter_mut().zip(w.iter().zip(x)).for_each(|(sum, (w, x))| *sum += w * x);
        }
        sums.iter().sum()
    };
    weights.iter().map(dot).collect()
}

fn softmax(mut scores: Vec<f32>) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - top).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter().map(|score| score / sum).collect()
}

/// To look at the digits: `cargo test --release --test cpu contact_sheet -- --ignored` writes 200 of them as a
/// PGM picture, and says where.
#[test]
#[ignore = "writes a picture for people to look at"]
fn contact_sheet() {
    let (columns, rows) = (20, 10);
    let (images, _) = draw(0..columns * rows, Split::Train, 1);
    let mut picture = format!("P5\n{} {}\n255\n", columns * 28, rows * 28).into_bytes();
    for (y, column, x) in
        (0..rows * 28).flat_map(|y| (0..columns).flat_map(move |c| (0..28).map(move |x| (y, c, x))))
    {
        picture.push(255 - images[(y / 28 * columns + column) * PIXELS + y % 28 * 28 + x]);
    }
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("digits.pgm");
    std::fs::write(&path, picture).unwrap();
    println!("{}", path.display());
}
