//! The IDX format of MNIST: a big-endian magic number, one `u32` for each dimension, then the bytes.
//!
//! A file is read as what it may be, damaged or hostile: the header is believed only as an upper bound, memory
//! grows with the bytes that really arrive, and expansion stops one byte after what the header announces.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};

use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};

/// Unsigned bytes (0x08) in 3 dimensions.
const IMAGES_MAGIC: u32 = 0x0803;
/// Unsigned bytes (0x08) in 1 dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// The first bytes of every gzip file.
pub(super) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How much is read between two looks at the memory left.
const PIECE: u64 = 1 << 20;
/// What to do about a file that is damaged in some way that only a new copy mends.
const NEW_COPY: &str = "get the file again from where it came from";

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
    images_from(open(path)?, path)
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
pub fn images_from(source: impl Read, path: &Path) -> Result<Images> {
    let mut body = Body::open(source, path)?;
    let [count, rows, cols] = body.header(IMAGES_MAGIC)?;
    let pixels = body.bytes(&[count, rows, cols])?;
    Ok(Images { shape: [rows as usize, cols as usize], pixels })
}

/// [`read_labels`] from any source; `path` is the name that errors give it.
///
/// # Errors
/// As [`read_labels`].
pub fn labels_from(source: impl Read, path: &Path) -> Result<Vec<u8>> {
    let mut body = Body::open(source, path)?;
    let [count] = body.header(LABELS_MAGIC)?;
    body.bytes(&[count])
}

/// A source of the uncompressed bytes: gzip is expanded, anything else passed through.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn expand<'a>(mut source: impl Read + 'a) -> std::io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::with_capacity(2);
    source.by_ref().take(2).read_to_end(&mut start)?;
    let gzip = start == GZIP_MAGIC;
    let whole = std::io::Cursor::new(start).chain(source);
    Ok(if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

fn open(path: &Path) -> Result<impl Read> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// An IDX file on its way in.
struct Body<'a> {
    source: Box<dyn Read + 'a>,
    path: &'a Path,
}

impl<'a> Body<'a> {
    fn open(source: impl Read + 'a, path: &'a Path) -> Result<Self> {
        let source = expand(source).map_err(Error::io("read", path))?;
        Ok(Self { source, path })
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

    /// Everything after the header: as many bytes as `dims` announce, no fewer and no more.
    fn bytes(&mut self, dims: &[u32]) -> Result<Vec<u8>> {
        let text = dims.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
        if dims.contains(&0) {
            let problem = format!("the set is empty: its header announces {text}");
            return Err(Error::file(
                self.path,
                problem,
                "use a file with at least one image of at least one pixel",
            ));
        }
        // Three u32 overflow a u64 when multiplied; no real file comes near.
        let expected = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim.into()));
        let Some(expected) = expected.filter(|&bytes| usize::try_from(bytes).is_ok()) else {
            let problem = format!("its header announces {text} bytes, more than this machine can address");
            return Err(Error::file(self.path, problem, NEW_COPY));
        };
        let announced = format!("the {expected} bytes ({text}) that its header announces");
        let bytes = self.exactly(expected, &announced)?;
        // This read also makes the gzip decoder check the sum at the end of the stream.
        match self.source.by_ref().take(1).read_to_end(&mut Vec::new()) {
            Ok(0) => Ok(bytes),
            Ok(_) => {
                Err(Error::file(self.path, format!("there are more bytes in it than {announced}"), NEW_COPY))
            }
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
                let problem = format!("it ends after {before} of {announced}");
                return Err(Error::file(self.path, problem, NEW_COPY));
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
            IMAGES_MAGIC | LABELS_MAGIC => "the images and labels files seem to be swapped: rename them",
            _ => {
                "only IDX files of unsigned bytes are read, plain or gzip: get the file again, or convert it"
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

/// Writes an IDX file piece by piece; the file appears under its name only when it is whole.
pub struct Writer {
    sink: Sink,
    left: u64,
}

enum Sink {
    Plain(AtomicFile),
    Gzip(flate2::write::GzEncoder<AtomicFile>),
}

impl Writer {
    /// Begins an images file of `count` images of `shape` (rows, columns); gzip if `path` ends in `.gz`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn images(path: &Path, count: u32, shape: [u32; 2]) -> Result<Self> {
        Self::begin(path, IMAGES_MAGIC, &[count, shape[0], shape[1]])
    }

    /// Begins a labels file of `count` labels; gzip if `path` ends in `.gz`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to.
    pub fn labels(path: &Path, count: u32) -> Result<Self> {
        Self::begin(path, LABELS_MAGIC, &[count])
    }

    fn begin(path: &Path, magic: u32, dims: &[u32]) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let sink = if path.extension().is_some_and(|extension| extension == "gz") {
            // No name, no time, no operating system: the same samples make the same file.
            Sink::Gzip(GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::best()))
        } else {
            Sink::Plain(file)
        };
        let mut writer = Self { sink, left: 4 * (1 + dims.len() as u64) };
        for word in [&[magic], dims].concat() {
            writer.write(&word.to_be_bytes())?;
        }
        writer.left = dims.iter().map(|&dim| u64::from(dim)).product();
        Ok(writer)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written; [`Error::Shape`] if the header announced fewer.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.file().path().to_owned();
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(Error::shape(path.display().to_string(), self.left, bytes.len()));
        };
        self.left = left;
        match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Gzip(file) => file.write_all(bytes),
        }
        .map_err(Error::io("write", path))
    }

    /// Writes the file out to the disk and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] if that fails; [`Error::Shape`] if fewer bytes came than the header announced.
    pub fn finish(self) -> Result<()> {
        let path = self.file().path().to_owned();
        if self.left != 0 {
            return Err(Error::shape(path.display().to_string(), "0 bytes left to write", self.left));
        }
        match self.sink {
            Sink::Plain(file) => file.finish(),
            Sink::Gzip(file) => file.finish().map_err(Error::io("write", path))?.finish(),
        }
    }

    fn file(&self) -> &AtomicFile {
        match &self.sink {
            Sink::Plain(file) => file,
            Sink::Gzip(file) => file.get_ref(),
        }
    }
}

/// Writes all `pixels` as images of `shape` (rows, columns) to `path`; gzip if it ends in `.gz`.
///
/// # Errors
/// As [`Writer`]; [`Error::Shape`] if `pixels` is not a whole number of images.
pub fn write_images(path: &Path, shape: [u32; 2], pixels: &[u8]) -> Result<()> {
    let size = u64::from(shape[0]) * u64::from(shape[1]);
    let count = (pixels.len() as u64).checked_div(size).and_then(|count| u32::try_from(count).ok());
    let mut writer = Writer::images(path, count.unwrap_or(0), shape)?;
    writer.write(pixels)?;
    writer.finish()
}

/// Writes all `labels` to `path`; gzip if it ends in `.gz`.
///
/// # Errors
/// As [`Writer`].
pub fn write_labels(path: &Path, labels: &[u8]) -> Result<()> {
    let mut writer = Writer::labels(path, u32::try_from(labels.len()).unwrap_or(u32::MAX))?;
    writer.write(labels)?;
    writer.finish()
}
