//! The readers under test: everything that takes bytes from outside.

pub mod data;
pub mod dump;
pub mod exchange;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod parts;
pub mod run;

use std::io::{Read as _, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::driver::{Mutate, Read, Target};
use crate::mutate::{Rng, edited, one_in};

fn target(name: &'static str, seeds: Vec<Vec<u8>>, mutate: Mutate, read: Read) -> Target {
    Target { name, seeds, mutate, read }
}

/// All of them.
pub fn all() -> Vec<fn() -> Target> {
    vec![
        data::idx,
        data::npz,
        data::table,
        data::images,
        parts::parts,
        run::model,
        run::checkpoint,
        run::config,
        run::options,
        run::metrics,
        dump::arrays,
        dump::dump,
        exchange::import,
        exchange::inputs,
        #[cfg(feature = "parquet")]
        parquet::parquet,
    ]
}

pub fn gzip(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Edits what is inside a gzip file, or the file.
fn mutate_gzip(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    if !input.starts_with(&[0x1f, 0x8b]) || one_in(rng, 4) {
        return edited(rng, input, other, words);
    }
    let mut plain = Vec::new();
    match MultiGzDecoder::new(input).take(1 << 16).read_to_end(&mut plain) {
        Ok(_) => gzip(&edited(rng, &plain, other, words), Compression::none()),
        Err(_) => edited(rng, input, other, words),
    }
}
