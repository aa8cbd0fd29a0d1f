//! Whether the parts of a folder are what they were when they were made.

use std::io::{ErrorKind, Read};
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::manifest::{Entry, Manifest};
use crate::error::{Error, Result};
use crate::files::fs::{self, File};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// What there is to say of a folder of parts.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it says of its parts.
    pub manifest: Manifest,
    /// The parts that are damaged, and what is wrong with each.
    pub damaged: Vec<(String, String)>,
}

/// Reads every part of a folder, and compares length and SHA-256 with those in its list.
///
/// # Errors
/// As [`Manifest::read`]. What is wrong with a part is no error: it is in the [`Verdict`].
pub fn verify(folder: &Path) -> Result<Verdict> {
    let manifest = Manifest::read(folder)?;
    let entries: Vec<&Entry> = manifest.entries().collect();
    let wrong = |entry: &&Entry| {
        let problem = problem(&folder.join(&entry.file), entry)?;
        Some((entry.file.clone(), problem))
    };
    let damaged = entries.par_iter().filter_map(wrong).collect();
    Ok(Verdict { manifest, damaged })
}

fn problem(path: &Path, entry: &Entry) -> Option<String> {
    let bytes = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Some("it is not there".into()),
        Err(error) => return Some(format!("it cannot be read: {error}")),
        Ok(metadata) if !metadata.is_file() => return Some("it is not a file".into()),
        Ok(metadata) => metadata.len(),
    };
    if bytes != entry.bytes {
        return Some(format!("it has {bytes} bytes, expected {}", entry.bytes));
    }
    match digest(path) {
        Err(error) => Some(error.to_string()),
        Ok(own) if own != entry.sha256 => Some(format!("its SHA-256 is {own}, expected {}", entry.sha256)),
        Ok(_) => None,
    }
}

fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece).map_err(Error::io("read", path))? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

/// As checksums are written.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
