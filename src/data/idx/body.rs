//! The bytes of an IDX file, plain or gzip: its header, and as many bytes behind it as that announces.

use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::writer::{IMAGES_MAGIC, LABELS_MAGIC};
use crate::error::{Error, Result};
use crate::files::fs::File;

/// The first bytes of every gzip file.
pub const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How much is read between two looks at the memory left.
const PIECE: u64 = 1 << 20;
/// What to do about a file that is damaged in some way that only a new copy mends.
pub const NEW_COPY: &str = "download the file again";

/// A source of the uncompressed bytes, and whether they were compressed: gzip is expanded, anything else passed through.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn expand<'a>(mut source: impl Read + Send + 'a) -> std::io::Result<(Box<dyn Read + Send + 'a>, bool)> {
    let mut start = Vec::with_capacity(2);
    source.by_ref().take(2).read_to_end(&mut start)?;
    let gzip = start == GZIP_MAGIC;
    let whole = std::io::Cursor::new(start).chain(source);
    Ok((if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) }, gzip))
}

/// Dimensions for people: 60000 x 28 x 28.
fn times(dims: &[u32]) -> String {
    dims.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ")
}

pub fn announced(bytes: u64, dims: &[u32]) -> String {
    format!("the {bytes} bytes ({}) that its header announces", times(dims))
}

pub fn ends_early(path: &Path, after: u64, announced: &str) -> Error {
    Error::file(path, format!("it ends after {after} of {announced}"), NEW_COPY)
}

pub fn too_long(path: &Path, announced: &str) -> Error {
    Error::file(path, format!("there are more bytes in it than {announced}"), NEW_COPY)
}

pub fn open(path: &Path) -> Result<impl Read + Send + use<>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// An IDX file on its way in.
pub struct Body<'a> {
    source: Box<dyn Read + Send + 'a>,
    /// What errors call it.
    pub path: &'a Path,
    /// Whether it was compressed.
    pub gzip: bool,
}

impl<'a> Body<'a> {
    pub fn open(source: impl Read + Send + 'a, path: &'a Path) -> Result<Self> {
        let (source, gzip) = expand(source).map_err(Error::io("read", path))?;
        Ok(Self { source, path, gzip })
    }

    /// Checks the magic number and returns the dimensions.
    pub fn header<const DIMS: usize>(&mut self, expected: u32) -> Result<[u32; DIMS]> {
        let magic = self.word()?;
        if magic != expected {
            return Err(self.wrong_magic(expected, magic));
        }
        let mut dims = [0; DIMS];
        for dim in &mut dims {
            *dim = self.word()?;
        }
        Ok(dims)
    }

    pub fn word(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(u32::from_be_bytes(bytes)),
            Err(error) => Err(self.unreadable(error, "inside the IDX header")),
        }
    }

    /// Bytes that the dimensions announce.
    pub fn expected(&self, dims: &[u32]) -> Result<u64> {
        let text = times(dims);
        if dims.contains(&0) {
            let problem = format!("the set is empty: its header announces {text}");
            let hint = "use a file with at least one image of at least one pixel";
            return Err(Error::file(self.path, problem, hint));
        }
        // Three u32 overflow a u64 when multiplied; no real file comes near.
        let expected = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim.into()));
        expected.filter(|&bytes| usize::try_from(bytes).is_ok()).ok_or_else(|| {
            let problem = format!("its header announces {text} bytes, more than this machine can address");
            Error::file(self.path, problem, NEW_COPY)
        })
    }

    /// Everything after the header: as many bytes as `dims` announce, no fewer and no more.
    pub fn bytes(&mut self, dims: &[u32]) -> Result<Vec<u8>> {
        let expected = self.expected(dims)?;
        let announced = announced(expected, dims);
        let bytes = self.exactly(expected, &announced)?;
        // This read also makes the gzip decoder check the sum at the end of the stream.
        match self.source.by_ref().take(1).read_to_end(&mut Vec::new()) {
            Ok(0) => Ok(bytes),
            Ok(_) => Err(too_long(self.path, &announced)),
            Err(error) => Err(self.unreadable(error, &format!("after {announced}"))),
        }
    }

    fn exactly(&mut self, expected: u64, announced: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < expected {
            let before = bytes.len() as u64;
            let piece = PIECE.min(expected - before);
            if bytes.try_reserve(piece as usize).is_err() {
                let problem = format!("not enough memory for {announced}: {before} bytes fit");
                return Err(Error::file(
                    self.path,
                    problem,
                    "use a smaller set, or a machine with more memory",
                ));
            }
            if let Err(error) = self.source.by_ref().take(piece).read_to_end(&mut bytes) {
                return Err(self.unreadable(error, &format!("after {} of {announced}", bytes.len())));
            }
            if bytes.len() as u64 == before {
                return Err(ends_early(self.path, before, announced));
            }
        }
        Ok(bytes)
    }

    fn wrong_magic(&self, expected: u32, got: u32) -> Error {
        let kind = |magic| match magic {
            IMAGES_MAGIC => " (IDX images)",
            LABELS_MAGIC => " (IDX labels)",
            _ => "",
        };
        let problem = format!(
            "wrong magic number: expected {expected:#010x}{}, got {got:#010x}{}",
            kind(expected),
            kind(got)
        );
        let hint = match got {
            IMAGES_MAGIC | LABELS_MAGIC => {
                "the image file and the label file seem to be swapped: rename them"
            }
            _ => {
                "only IDX files of unsigned bytes can be read, plain or gzip: download the file again, or convert it"
            }
        };
        Error::file(self.path, problem, hint)
    }

    /// Tells a damaged file from an operating system that refuses to read.
    fn unreadable(&self, error: std::io::Error, place: &str) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof => Error::file(self.path, format!("cut short {place}"), NEW_COPY),
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                Error::file(self.path, format!("damaged gzip data {place}: {error}"), NEW_COPY)
            }
            _ => Error::io("read", self.path)(error),
        }
    }
}
