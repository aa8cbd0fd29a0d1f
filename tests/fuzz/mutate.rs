//! Edits of bytes and of text that no format asked for: bits, integers at the edges of their types, cuts, splices.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub type Rng = ChaCha8Rng;

pub fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

/// Inputs grow no longer than this.
pub const LONGEST: usize = 1 << 16;

/// Integers that programs get wrong.
const EDGES: [u64; 22] = [
    0,
    1,
    2,
    3,
    7,
    8,
    127,
    128,
    255,
    256,
    1024,
    32_767,
    32_768,
    65_535,
    65_536,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// Numbers as text that programs get wrong.
pub const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "256",
    "65536",
    "1000000000",
    "2147483648",
    "4294967295",
    "4294967296",
    "4611686018427387904",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "-0.0",
    "1e400",
    "-1e39",
    "1e-400",
    "3.4028235e38",
    "NaN",
    "inf",
];

pub fn below(rng: &mut Rng, end: usize) -> usize {
    if end == 0 { 0 } else { rng.random_range(0..end) }
}

pub fn one_in(rng: &mut Rng, n: usize) -> bool {
    below(rng, n) == 0
}

pub fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> &'a T {
    &all[below(rng, all.len())]
}

/// A few edits; `other` is an input to take pieces from, `words` what the format is written in.
pub fn edited(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 << below(rng, 4) {
        edit(rng, &mut bytes, other, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn range(rng: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let begin = below(rng, length + 1);
    // Mostly short.
    let most = if one_in(rng, 4) { length } else { 16 };
    begin..(begin + below(rng, most + 1)).min(length)
}

fn edit(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let length = bytes.len();
    match below(rng, 12) {
        0 if length > 0 => bytes[below(rng, length)] ^= 1 << below(rng, 8),
        1 if length > 0 => bytes[below(rng, length)] = below(rng, 256) as u8,
        2 => bytes.truncate(below(rng, length + 1)),
        3 => drop(bytes.drain(range(rng, length))),
        4 => {
            let piece = bytes[range(rng, length)].to_vec();
            insert(rng, bytes, &piece);
        }
        5 => {
            let piece = &other[range(rng, other.len())];
            insert(rng, bytes, piece);
        }
        6 | 7 => integer(rng, bytes),
        8 => {
            let piece: Vec<u8> = (0..below(rng, 9)).map(|_| below(rng, 256) as u8).collect();
            insert(rng, bytes, &piece);
        }
        9 => number(rng, bytes),
        10 if !words.is_empty() => {
            let word = pick(rng, words).as_bytes();
            if one_in(rng, 2) {
                let at = range(rng, length);
                bytes.splice(at, word.iter().copied());
            } else {
                insert(rng, bytes, word);
            }
        }
        11 if one_in(rng, 8) => bytes.resize(length + below(rng, 4096), 0),
        _ => number(rng, bytes),
    }
}

fn insert(rng: &mut Rng, bytes: &mut Vec<u8>, piece: &[u8]) {
    let at = below(rng, bytes.len() + 1);
    bytes.splice(at..at, piece.iter().copied());
}

/// Sets a field of 1, 2, 4 or 8 bytes, in either order, to an edge, or to a little more or less than it was.
fn integer(rng: &mut Rng, bytes: &mut [u8]) {
    let size = 1_usize << below(rng, 4);
    if bytes.len() < size {
        return;
    }
    let at = below(rng, bytes.len() - size + 1);
    let field = &mut bytes[at..at + size];
    let big = one_in(rng, 2);
    if big {
        field.reverse();
    }
    let mut wide = [0; 8];
    wide[..size].copy_from_slice(field);
    let value = if one_in(rng, 3) {
        u64::from_le_bytes(wide).wrapping_add(below(rng, 33) as u64).wrapping_sub(16)
    } else {
        *pick(rng, &EDGES)
    };
    field.copy_from_slice(&value.to_le_bytes()[..size]);
    if big {
        field.reverse();
    }
}

/// Replaces a number that is written out.
fn number(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let start = below(rng, bytes.len() + 1);
    let Some(begin) = bytes[start..].iter().position(u8::is_ascii_digit).map(|at| start + at) else { return };
    let end =
        bytes[begin..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |n| begin + n);
    bytes.splice(begin..end, pick(rng, &NUMBERS).bytes());
}
