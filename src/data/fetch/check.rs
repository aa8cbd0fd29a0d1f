//! Whether a file is the one that the catalog knows: length and SHA-256 of its uncompressed bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::data::catalog::KnownFile;
use crate::data::idx;

/// Checks the file at `path`; the error says what is wrong with it.
pub(super) fn stored(path: &Path, file: &KnownFile) -> Result<(), String> {
    let source = File::open(path).map_err(|error| error.to_string())?;
    bytes(BufReader::new(source), file)
}

/// Checks what has just been written to `part`, and says whether it is gzip.
#[cfg(feature = "fetch")]
pub(super) fn received(part: &mut File, file: &KnownFile) -> Result<bool, String> {
    use std::io::Seek;

    let text = |error: io::Error| error.to_string();
    let mut start = Vec::with_capacity(2);
    part.rewind().map_err(text)?;
    part.by_ref().take(2).read_to_end(&mut start).map_err(text)?;
    part.rewind().map_err(text)?;
    bytes(BufReader::new(&mut *part), file)?;
    Ok(start == idx::GZIP_MAGIC)
}

fn bytes(source: impl Read + Send, file: &KnownFile) -> Result<(), String> {
    let damaged = |error: io::Error| format!("damaged or cut short: {error}");
    // One byte more than expected is enough to know, and all that a hostile archive gets to expand.
    let (source, _) = idx::expand(source).map_err(damaged)?;
    let mut source = source.take(file.bytes + 1);
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(error)),
        };
        sum.update(&buffer[..count]);
        length += count as u64;
    }
    if length != file.bytes {
        let got = if length > file.bytes { "more".to_owned() } else { length.to_string() };
        return Err(format!("wrong length: expected {} uncompressed bytes, got {got}", file.bytes));
    }
    let got: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if got != file.sha256 {
        return Err(format!("wrong checksum: expected SHA-256 {}, got {got}", file.sha256));
    }
    Ok(())
}
