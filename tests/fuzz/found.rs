//! What was found: each case as the code that makes its bytes, or as a small file, and the error that it has to give now.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use gpu_mlp::numpy::npy;
use zip::CompressionMethod;

#[cfg(feature = "parquet")]
use crate::place;
use crate::targets::run::with_metadata;
use crate::targets::{data, dump, gzip, parts, run};
use crate::{archive, pictures};

/// A name, and what is read.
type NamedTrial = (&'static str, fn());

pub const TRIALS: &[NamedTrial] = &[
    ("driver_notices_every_kind_of_find", crate::driver::notices_every_kind_of_find),
    ("found_more_labels_than_can_be_counted", more_labels_than_can_be_counted),
    ("found_an_image_that_claims_to_be_large", an_image_that_claims_to_be_large),
    ("found_a_model_that_claims_to_be_large", a_model_that_claims_to_be_large),
    ("found_a_model_whose_preparation_is_of_another", a_model_whose_preparation_is_of_another),
    ("found_archives_that_unpack_without_end", archives_that_unpack_without_end),
    ("found_a_line_without_end", a_line_without_end),
    ("found_an_error_that_quotes_a_whole_file", an_error_that_quotes_a_whole_file),
    ("found_an_epoch_inside_a_recovery", an_epoch_inside_a_recovery),
    ("found_a_loss_without_a_value", a_loss_without_a_value),
    ("found_a_huber_loss_whose_border_is_zero", a_huber_loss_whose_border_is_zero),
    ("found_a_part_of_numbers_that_are_none", a_part_of_numbers_that_are_none),
    #[cfg(feature = "parquet")]
    ("found_images_without_rows", images_without_rows),
    #[cfg(feature = "parquet")]
    ("found_pages_that_claim_to_be_large", crate::pages::pages_that_claim_to_be_large),
];

/// Reads an input, which has to be refused in these words.
#[track_caller]
fn refused(mut target: crate::driver::Target, input: &[u8], words: &str) {
    let error = target.one(input).unwrap_err();
    assert!(error.contains(words), "`{words}` is not in: {error}");
}

fn zip(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let members = members.iter().map(|(name, bytes)| (format!("{name}.npy"), bytes.clone())).collect();
    archive::packed(&members, method).unwrap()
}

/// `4 * count` was beyond u64.
fn more_labels_than_can_be_counted() {
    let values = [npy::header("<f4", &[2, 1]), vec![0; 8]].concat();
    let members = [("X", values), ("y", npy::header("|i1", &[1 << 62]))];
    refused(data::npz(), &zip(&members, CompressionMethod::Stored), "more than the");
}

/// 67 million pixels in 70 bytes took 256 MB.
fn an_image_that_claims_to_be_large() {
    for (width, height) in [(8192_u32, 8191_u32), (1 << 13, 1 << 9), (1 << 22, 1), (u32::MAX >> 1, 1)] {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
        let png = pictures::png(&[(*b"IHDR", header), (*b"IDAT", vec![]), (*b"IEND", vec![])]);
        refused(data::images(), &png, "a/1");
    }
}

/// A name for each of a thousand million classes was made before the weights were looked at.
fn a_model_that_claims_to_be_large() {
    let mut target = run::model();
    let metadata =
        r#"{\"layers\":[1,1000000000],\"activation\":\"relu\",\"input_scale\":0.00392156862745098}"#;
    let file = with_metadata(&target.seeds[0], metadata);
    assert!(target.one(&file).unwrap_err().contains("expected F32 [1000000000, 1]"));
}

/// Names were dropped or missing, columns scaled by their neighbours' factors: all in silence.
fn a_model_whose_preparation_is_of_another() {
    let with = |scaling: &str, names: &str, scale: &str| {
        let target = run::model();
        let metadata = format!(
            r#"{{\"layers\":[3,2,2],\"activation\":\"relu\",\"input_scale\":{scale},\"preparation\":{{\"scaling\":{scaling},\"class_names\":{names}}}}}"#
        );
        (with_metadata(&target.seeds[0], &metadata), target)
    };
    let columns = |values: &str| format!(r#"{{\"columns\":{{\"shift\":{values},\"factor\":[1,1,1]}}}}"#);
    let two = r#"[\"a\",\"b\"]"#;
    let cases = [
        (r#"\"none\""#.to_owned(), r#"[\"a\"]"#, "it has 1 class name, but its network has 2 classes"),
        (columns("[1,1]"), two, "it has 2 shifts and 3 factors"),
    ];
    for (scaling, names, words) in cases {
        let (file, target) = with(&scaling, names, "1.0");
        refused(target, &file, words);
    }
    let (file, mut target) = with(&columns("[1,1,1]"), two, "1.0");
    target.one(&file).unwrap();
}

/// 16 million values of a byte, in 16 KB, became 128 MiB; and there could be eight of them.
fn archives_that_unpack_without_end() {
    let ones = [npy::header("|u1", &[4096, 4096]), vec![0; 1 << 24]].concat();
    let one = zip(&[("X", ones.clone())], CompressionMethod::Deflated);
    refused(dump::dump(), &one, "more than the");
    let small = [npy::header("|u1", &[1024, 1024]), vec![0; 1 << 20]].concat();
    let names: Vec<String> = (1..=40).map(|layer| format!("W{layer}")).collect();
    let many: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), small.clone())).collect();
    refused(dump::dump(), &zip(&many, CompressionMethod::Deflated), "takes more memory than the 16 MiB");
}

/// 100 MB without an end of line, in 100 KB, were held in memory to look for one.
fn a_line_without_end() {
    let packed = |start: &str, piece: &[u8], pieces: usize| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(start.as_bytes()).unwrap();
        (0..pieces).for_each(|_| encoder.write_all(piece).unwrap());
        encoder.finish().unwrap()
    };
    let lines = b"\n,\n\n".repeat(1 << 18);
    let cases: [(&str, &[u8]); 3] =
        [("x,y\n1,a\n2,", &[b'a'; 1 << 20]), ("x,y\n1,\"", &lines), ("", &[b','; 1 << 20])];
    for (start, piece) in cases {
        refused(data::table(), &packed(start, piece, 100), "one of its lines takes more than 4 MiB");
    }
    // A label is no novel either, and a hundred thousand of them are no classes.
    let novel = format!("x,y\n1,a\n2,{}\n", "b".repeat(300));
    refused(
        data::table(),
        &gzip(novel.as_bytes(), Compression::fast()),
        "a label of 300 bytes is not a class name",
    );
    let words: String = (0..100_000).map(|i| format!("{i},a{i}\n")).collect();
    refused(data::table(), format!("x,y\n{words}").as_bytes(), "65537 different ones");
}

/// What could not be understood was quoted whole.
fn an_error_that_quotes_a_whole_file() {
    let cell = "x".repeat(1 << 20);
    let numbers: String = (0..80).map(|i| format!("{i},{},{}\n", 3 * i, i % 2)).collect();
    refused(
        data::table(),
        format!("x,z,y\n{numbers}1,{cell},0\n").as_bytes(),
        "has 80 numbers and 1 word: `xxx",
    );
}

/// A line of a recovery that has an epoch's figures, too, was taken for the next epoch, whatever its number.
fn an_epoch_inside_a_recovery() {
    let mut target = run::metrics();
    let seed = String::from_utf8(target.seeds[0].clone()).unwrap();
    let lines: Vec<&str> = seed.lines().collect();
    let [start, first, recovery, second] = lines[..] else { panic!("{seed}") };
    let both = second.replace(r#"{"event":"epoch","epoch":2,"#, &recovery.replace('}', ","));
    assert!(both.starts_with(recovery.trim_end_matches('}')) && both.ends_with('}'));
    refused(
        run::metrics(),
        format!("{start}\n{both}\n{second}\n").as_bytes(),
        "it has 0 epochs, but the checkpoint has 2",
    );
    target.one(format!("{start}\n{first}\n{both}\n{second}\n").as_bytes()).unwrap();
}

/// A loss or an accuracy of shape (0,) was asked for its first value; it is left out.
fn a_loss_without_a_value() {
    let target = dump::dump();
    let members = archive::unpacked(&target.seeds[0], 64).unwrap();
    for name in ["loss", "accuracy"] {
        let mut members = members.clone();
        let member = members.iter_mut().find(|(own, _)| *own == format!("{name}.npy")).unwrap();
        member.1 = npy::header("<f8", &[0]);
        let input = archive::packed(&members, CompressionMethod::Stored).unwrap();
        dump::dump().one(&input).unwrap();
    }
}

/// The border that explains the loss was 0, which has no logarithm: a number below that of any digit.
fn a_huber_loss_whose_border_is_zero() {
    dump::dump().one(include_bytes!("found/a-border-of-zero.npz")).unwrap();
}

/// An infinite input of a part whose checksums are right was trained on. Its answers and weights are held to the same.
fn a_part_of_numbers_that_are_none() {
    let whole = archive::unpacked(parts::parts().seeds.last().unwrap(), 64).unwrap();
    let cases = [
        ("X.npy", f32::INFINITY.to_le_bytes(), "`X` has a number that is not finite"),
        ("y.npy", 3_u32.to_le_bytes(), "`y` has the class 3, of 3 from 0 on"),
        ("w.npy", f32::NAN.to_le_bytes(), "`w` has a number that is not finite"),
        ("w.npy", (-1_f32).to_le_bytes(), "`w` has the weight -1, which is not above 0"),
    ];
    for (name, last, words) in cases {
        let mut members = whole.clone();
        let (_, bytes) = members.iter_mut().find(|(own, _)| own == name).unwrap();
        let end = bytes.len() - last.len();
        bytes[end..].copy_from_slice(&last);
        let input = archive::packed(&members, CompressionMethod::Stored).unwrap();
        refused(parts::parts(), &input, words);
    }
}

/// Labels had rows and images had none; no writer makes such a file.
#[cfg(feature = "parquet")]
fn images_without_rows() {
    let (_folder, path) = place::file("set.parquet");
    std::fs::write(&path, include_bytes!("found/images-without-rows.parquet")).unwrap();
    let error = place::load(&path).unwrap_err();
    assert!(error.contains("labels, and 0 bytes of rows of 0 values"), "{error}");
}
