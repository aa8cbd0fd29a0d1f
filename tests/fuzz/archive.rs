//! Mutation of `.npz` files: members are edited and put together again with right checksums, or the archive itself is.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::mutate::{LONGEST, NUMBERS, Rng, below, edited, one_in, pick};

type Members = Vec<(String, Vec<u8>)>;

const WORDS: [&str; 24] = [
    "'<f4'",
    "'<f8'",
    "'<f2'",
    "'>f4'",
    "'|u1'",
    "'<i8'",
    "'|b1'",
    "'<U4'",
    "'|S3'",
    "'<U1024'",
    "'|O'",
    "(",
    ")",
    ",",
    "True",
    "False",
    "'descr': ",
    "'shape': ",
    "'fortran_order': ",
    "(0,)",
    "(1, 0, 9223372036854775807)",
    "(4611686018427387904,)",
    "(1,)",
    "(2, 2, 2, 2, 2, 2, 2, 2, 2)",
];

const NAMES: [&str; 20] = [
    "X.npy",
    "y.npy",
    "x_train.npy",
    "y_test.npy",
    "W1.npy",
    "W2.npy",
    "W999.npy",
    "b1.npy",
    "dz1.npy",
    "p.npy",
    "logits.npy",
    "act.npy",
    "layout.npy",
    "lr.npy",
    "fc1.weight.npy",
    "../../x.npy",
    "/etc/passwd",
    "",
    "\u{1b}[2J.npy",
    "loss.npy",
];

/// The first `most` members of an archive.
pub fn unpacked(archive: &[u8], most: usize) -> Option<Members> {
    let mut zip = ZipArchive::new(Cursor::new(archive)).ok()?;
    let mut members = Members::new();
    for index in 0..zip.len().min(most) {
        let mut file = zip.by_index(index).ok()?;
        let mut bytes = Vec::new();
        file.by_ref().take(LONGEST as u64).read_to_end(&mut bytes).ok()?;
        let name = file.name().ok()?.into_owned();
        members.push((name, bytes));
    }
    Some(members)
}

pub fn packed(members: &Members, method: CompressionMethod) -> Option<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        zip.start_file(name.as_str(), options).ok()?;
        zip.write_all(bytes).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    let raw = |rng: &mut Rng| edited(rng, input, other, &[]);
    if one_in(rng, 4) {
        return raw(rng);
    }
    let Some(mut members) = unpacked(input, 64).filter(|members| !members.is_empty()) else {
        return raw(rng);
    };
    for _ in 0..=below(rng, 3) {
        let place = below(rng, members.len());
        let second = members[below(rng, members.len())].clone();
        match below(rng, 12) {
            0 if members.len() > 1 => drop(members.remove(place)),
            1 => members[place].0 = (*pick(rng, &NAMES)).to_owned(),
            2 => members[place].1 = second.1,
            3 if members.len() < 64 => {
                members.push((format!("{}_new.npy", second.0.trim_end_matches(".npy")), second.1))
            }
            4 => members[place].1 = edited(rng, &members[place].1, &second.1, &WORDS),
            5 => body(rng, &mut members[place].1),
            _ => header(rng, &mut members[place].1, &second.1),
        }
    }
    let method = if one_in(rng, 16) { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    packed(&members, method).unwrap_or_else(|| raw(rng))
}

/// Edits the header's text, and mostly sets its length right.
fn header(rng: &mut Rng, array: &mut Vec<u8>, other: &[u8]) {
    let Some(length) = array.get(8..10).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]]))) else {
        return;
    };
    let end = (10 + length).min(array.len());
    let mut text = edited(rng, &array[10..end], &other[10.min(other.len())..], &WORDS);
    if one_in(rng, 2) {
        text = shaped(rng, text);
    }
    let length = if one_in(rng, 8) { below(rng, 1 << 16) } else { text.len() };
    array.splice(10..end, text);
    array[8..10].copy_from_slice(&(length as u16).to_le_bytes());
}

/// Another shape.
fn shaped(rng: &mut Rng, text: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&text).into_owned();
    let (Some(open), Some(close)) = (text.find('('), text.find(')')) else { return text.into_bytes() };
    if open > close {
        return text.into_bytes();
    }
    let small = ["0", "1", "2", "3", "4", "6", "12"];
    let dims: Vec<&str> = (0..below(rng, 5))
        .map(|_| if one_in(rng, 4) { *pick(rng, &NUMBERS) } else { *pick(rng, &small) })
        .collect();
    format!("{}({},){}", &text[..open], dims.join(", "), &text[close + 1..]).into_bytes()
}

/// Sets one value to an awkward one: NaN, infinity, the largest.
fn body(rng: &mut Rng, array: &mut [u8]) {
    let values = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0, 1e300, 0.5, 1e15];
    let value = *pick(rng, &values);
    let bytes =
        if one_in(rng, 2) { value.to_le_bytes().to_vec() } else { (value as f32).to_le_bytes().to_vec() };
    if array.len() >= 128 + bytes.len() {
        let at = 128 + below(rng, (array.len() - 128 - bytes.len()) / bytes.len() + 1) * bytes.len();
        array[at..at + bytes.len()].copy_from_slice(&bytes);
    }
}
