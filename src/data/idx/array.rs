//! IDX files of any element type and number of dimensions.

use std::path::Path;

use super::body::{Body, NEW_COPY, open};
use crate::error::{Error, Result, Setting, message};

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Unsigned byte.
    U8,
    /// Signed byte.
    I8,
    /// Two bytes.
    I16,
    /// Four bytes.
    I32,
    /// A float of four bytes.
    F32,
    /// A float of eight bytes.
    F64,
}

/// The most dimensions of an array.
const MOST_DIMS: u8 = 8;

impl Element {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Whether it has fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// The element and the number of dimensions of a file that begins so; nothing of a file that is not IDX.
pub fn kind(start: &[u8]) -> Option<(Element, u8)> {
    match start {
        [0, 0, code, dims @ 1..=MOST_DIMS, ..] => Some((Element::of(*code)?, *dims)),
        _ => None,
    }
}

/// An array.
#[derive(Debug)]
pub struct Array {
    /// Its size in each dimension; none is 0.
    pub dims: Vec<usize>,
    /// The type of its elements.
    pub element: Element,
    /// The elements as they are in the file, in its order of bytes.
    bytes: Vec<u8>,
}

impl Array {
    /// Reads a file, plain or gzip, of at most so many bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened or read; [`Error::File`] if it is not a whole IDX file, or too large.
    pub fn read(path: &Path, memory: u64) -> Result<Self> {
        let mut body = Body::open(open(path)?, path)?;
        let magic = body.word()?.to_be_bytes();
        let Some((element, count)) = kind(&magic) else {
            let problem = format!("wrong magic number: got {:#010x}", u32::from_be_bytes(magic));
            return Err(Error::file(path, problem, NEW_COPY));
        };
        let dims: Vec<u32> = (0..count).map(|_| body.word()).collect::<Result<_>>()?;
        let size = element.size() as u32;
        let needed = dims.iter().fold(u64::from(size), |all, &dim| all.saturating_mul(dim.into()));
        if needed > memory {
            let problem = format!("its {needed} bytes are more than the {memory} bytes of memory left");
            return Err(Error::file(path, problem, message!["allow more with ", Setting::MemoryLimit]));
        }
        let all: Vec<u32> = if size == 1 { dims.clone() } else { [&dims[..], &[size]].concat() };
        let bytes = body.bytes(&all)?;
        Ok(Self { dims: dims.into_iter().map(|dim| dim as usize).collect(), element, bytes })
    }

    /// The elements in order.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let number = |element: &[u8]| match (self.element, element) {
            (Element::I8, &[a]) => f64::from(a as i8),
            (_, &[a]) => f64::from(a),
            (_, &[a, b]) => f64::from(i16::from_be_bytes([a, b])),
            (Element::F32, &[a, b, c, d]) => f64::from(f32::from_be_bytes([a, b, c, d])),
            (_, &[a, b, c, d]) => f64::from(i32::from_be_bytes([a, b, c, d])),
            (_, element) => element.try_into().map_or(f64::NAN, f64::from_be_bytes),
        };
        self.bytes.chunks_exact(self.element.size()).map(number)
    }

    /// The elements, if they are unsigned bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
