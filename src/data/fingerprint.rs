//! What tells whether data are still those that a network was trained on.
//!
//! ```text
//! hash = Σ mix(origin, crc32c(origin, target, values))      over the samples, modulo 2⁶⁴
//! ```
//!
//! A sum, so it does not matter which samples are held out. Of large sets only some rows are read, all of the targets. Of sets in parts
//! the checksums of the files stand for the samples, and no row is read.

use serde::{Deserialize, Serialize};

use super::samples::Rows;
use super::{Dataset, Samples, Targets};
use crate::error::Result;

/// Of the rows of a set at most about so many bytes are looked at: 256 MiB.
const MOST_BYTES: usize = 256 << 20;

/// Rows that are read from the disk at once.
const PIECE: usize = 1024;

/// What the samples of a set are, in all of its parts together. Other scaling or classes make it another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many there are.
    pub samples: usize,
    /// The hash of their values and targets, in hexadecimal.
    pub hash: String,
}

impl Dataset {
    /// The fingerprint of its samples.
    ///
    /// # Errors
    /// What reading rows that stay on the disk reports.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        let test = Some(&self.test).filter(|test| !test.is(&self.train));
        let parts = || [Some(&self.train), test, self.validation.as_ref()].into_iter().flatten();
        let samples: usize = parts().map(Samples::len).sum();
        let stride = samples.saturating_mul(self.train.row_bytes()).div_ceil(MOST_BYTES).max(1);
        let mut sum = 0_u64;
        for part in parts() {
            sum = sum.wrapping_add(hash(part, stride as u32)?);
        }
        Ok(Fingerprint { samples, hash: format!("{sum:016x}") })
    }
}

/// The sum over the samples of a part, with the values of every row whose place in its file is a multiple of `stride`.
fn hash(samples: &Samples, stride: u32) -> Result<u64> {
    if let Rows::Parts(parts) = samples.rows() {
        return Ok(mix(parts.digest()));
    }
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let size = samples.row_bytes();
    let mut sum = 0_u64;
    for piece in all.chunks(PIECE) {
        let looked_at: Vec<u32> =
            piece.iter().copied().filter(|&sample| samples.origin(sample).is_multiple_of(stride)).collect();
        let read;
        let mut rows = match samples.rows() {
            Rows::Memory(bytes) if stride == 1 => {
                bytes[piece[0] as usize * size..][..piece.len() * size].chunks_exact(size)
            }
            _ => {
                read = samples.read(&looked_at)?;
                read.chunks_exact(size)
            }
        };
        for &sample in piece {
            let origin = samples.origin(sample);
            let mut crc = crc32c::crc32c(&origin.to_le_bytes());
            crc = match samples.targets() {
                Targets::Classes(classes) => {
                    crc32c::crc32c_append(crc, &classes[sample as usize].to_le_bytes())
                }
                targets => targets
                    .row(sample as usize)
                    .iter()
                    .fold(crc, |crc, value| crc32c::crc32c_append(crc, &value.to_le_bytes())),
            };
            if origin.is_multiple_of(stride) {
                crc = crc32c::crc32c_append(crc, rows.next().unwrap_or_default());
            }
            sum = sum.wrapping_add(mix(u64::from(origin) << 32 | u64::from(crc)));
        }
    }
    Ok(sum)
}

/// Spreads a number over all bits, so that changes do not add up to nothing: the end of SplitMix64 (Steele, Lea, Flood, *Fast
/// Splittable Pseudorandom Number Generators*, 2014).
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
