//! The IDX format of MNIST: a big-endian magic number, one `u32` for each dimension, then the bytes.
//!
//! A file may be damaged or hostile: the header is trusted only as an upper bound, memory grows with the bytes that really
//! arrive, and expansion stops one byte after the size in the header.

mod array;
mod body;
mod writer;

pub use array::{Array, Element, kind};
pub use writer::{Writer, write_images, write_labels};

use std::io::Read;
use std::path::Path;

#[cfg(feature = "fetch")]
pub(super) use self::body::GZIP_MAGIC;
pub use self::body::expand;
use self::body::{Body, announced, ends_early, open, too_long};
use self::writer::{IMAGES_MAGIC, LABELS_MAGIC};
use super::row_file::RowFile;
use crate::error::{Error, Result};
use crate::files::fs::File;

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

/// The element and the number of dimensions of a file, plain or gzip; nothing of one that is not IDX.
///
/// # Errors
/// [`Error::Io`] if it cannot be opened or read.
pub fn kind_of(path: &Path) -> Result<Option<(Element, u8)>> {
    let (mut source, _) = expand(open(path)?).map_err(Error::io("read", path))?;
    let mut start = Vec::new();
    // What is damaged is no such file, and whoever reads it says so.
    let read = source.by_ref().take(4).read_to_end(&mut start);
    Ok(kind(&start).filter(|_| read.is_ok()))
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
