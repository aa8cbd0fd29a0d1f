//! The IDX format of MNIST: a big-endian magic number, one `u32` for each dimension, then the bytes.
//!
//! A file may be damaged or hostile: the header is trusted only as an upper bound, memory grows with the bytes that really
//! arrive, and expansion stops one byte after the size in the header.

mod writer;

pub use writer::{Writer, write_images, write_labels};

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use self::writer::{IMAGES_MAGIC, LABELS_MAGIC};
use super::row_file::RowFile;
use crate::error::{Error, Result};

/// The first bytes of every gzip file.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How much is read between two looks at the memory left.
const PIECE: u64 = 1 << 20;
/// What to do about a file that is damaged in some way that only a new copy mends.
const NEW_COPY: &str = "download the file again";

/// The images of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Rows and columns of one image, in pixels; neither is 0.
    pub shape: [usize; 2],
    /// The bytes of all images, one after another.
    pub pixels: Vec<u8>,
}

impl Images {
    /// How many images: at least 1.
    pub fn len(&self) -> usize {
        self.pixels.len() / (self.shape[0] * self.shape[1])
    }

    /// Never true: a file without images is refused.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }
}

/// Reads an images file, plain or gzip (told by its first bytes, not by its name).
///
/// # Errors
/// [`Error::Io`] if it cannot be opened or read; [`Error::File`] if it is not a whole IDX images file with at
/// least one image of at least one pixel.
pub fn read_images(path: &Path) -> Result<Images> {
    ImagesFile::open(path)?.read()
}

/// Reads a labels file, plain or gzip (told by its first bytes, not by its name).
///
/// # Errors
/// [`Error::Io`] if it cannot be opened or read; [`Error::File`] if it is not a whole IDX labels file with at
/// least one label.
pub fn read_labels(path: &Path) -> Result<Vec<u8>> {
    labels_from(open(path)?, path)
}

/// [`read_images`] from any source; `path` is the name that errors give it.
///
/// # Errors
/// As [`read_images`].
pub fn images_from(source: impl Read + Send, path: &Path) -> Result<Images> {
    ImagesFile::begin(source, path)?.read()
}

/// An images file whose header has been read, and whose images have not.
pub struct ImagesFile<'a> {
    body: Body<'a>,
    dims: [u32; 3],
}

impl<'a> ImagesFile<'a> {
    /// Reads the header of a file, plain or gzip.
    ///
    /// # Errors
    /// As [`read_images`].
    pub fn open(path: &'a Path) -> Result<Self> {
        Self::begin(open(path)?, path)
    }

    fn begin(source: impl Read + Send + 'a, path: &'a Path) -> Result<Self> {
        let mut body = Body::open(source, path)?;
        let dims = body.header(IMAGES_MAGIC)?;
        Ok(Self { body, dims })
    }

    /// Bytes of all images, if the header is right.
    pub fn bytes(&self) -> u64 {
        self.dims.iter().fold(1, |product: u64, &dim| product.saturating_mul(dim.into()))
    }

    /// Whether the images can be read only from the first to the last.
    pub fn is_gzip(&self) -> bool {
        self.body.gzip
    }

    /// Reads all images.
    ///
    /// # Errors
    /// As [`read_images`].
    pub fn read(mut self) -> Result<Images> {
        let pixels = self.body.bytes(&self.dims)?;
        Ok(Images { shape: self.shape(), pixels })
    }

    /// Leaves the images of a plain file where they are, to be read one by one.
    ///
    /// # Errors
    /// As [`read_images`]: the file's length has to be the one that the header announces.
    pub fn leave(self) -> Result<RowFile> {
        let expected = self.body.expected(&self.dims)?;
        let (path, start) = (self.body.path, 4 + 4 * self.dims.len() as u64);
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let announced = announced(expected, &self.dims);
        if length < start + expected {
            return Err(ends_early(path, length.saturating_sub(start), &announced));
        }
        if length > start + expected {
            return Err(too_long(path, &announced));
        }
        let [rows, cols] = self.shape();
        Ok(RowFile::new(file, path, start, rows * cols, self.dims[0] as usize))
    }

    /// Rows and columns of an image.
    pub fn shape(&self) -> [usize; 2] {
        [self.dims[1] as usize, self.dims[2] as usize]
    }
}

/// [`read_labels`] from any source; `path` is the name that errors give it.
///
/// # Errors
/// As [`read_labels`].
pub fn labels_from(source: impl Read + Send, path: &Path) -> Result<Vec<u8>> {
    let mut body = Body::open(source, path)?;
    let [count] = body.header(LABELS_MAGIC)?;
    body.bytes(&[count])
}

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

fn announced(bytes: u64, dims: &[u32]) -> String {
    format!("the {bytes} bytes ({}) that its header announces", times(dims))
}

fn ends_early(path: &Path, after: u64, announced: &str) -> Error {
    Error::file(path, format!("it ends after {after} of {announced}"), NEW_COPY)
}

fn too_long(path: &Path, announced: &str) -> Error {
    Error::file(path, format!("there are more bytes in it than {announced}"), NEW_COPY)
}

fn open(path: &Path) -> Result<impl Read + Send + use<>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// An IDX file on its way in.
struct Body<'a> {
    source: Box<dyn Read + Send + 'a>,
    path: &'a Path,
    gzip: bool,
}

impl<'a> Body<'a> {
    fn open(source: impl Read + Send + 'a, path: &'a Path) -> Result<Self> {
        let (source, gzip) = expand(source).map_err(Error::io("read", path))?;
        Ok(Self { source, path, gzip })
    }

    /// Checks the magic number and returns the dimensions.
    fn header<const DIMS: usize>(&mut self, expected: u32) -> Result<[u32; DIMS]> {
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

    fn word(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        match self.source.read_exact(&mut bytes) {
            Ok(()) => Ok(u32::from_be_bytes(bytes)),
            Err(error) => Err(self.unreadable(error, "inside the IDX header")),
        }
    }

    /// Bytes that the dimensions announce.
    fn expected(&self, dims: &[u32]) -> Result<u64> {
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
    fn bytes(&mut self, dims: &[u32]) -> Result<Vec<u8>> {
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
