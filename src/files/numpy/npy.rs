//! The header of one array in NumPy's `.npy` format, versions 1 to 3, read from any source and checked before anything
//! is believed: it allocates nothing for the values.
//!
//! Source: the format's description in NumPy's documentation, `numpy.lib.format`.

use std::io::Read;

use super::dtype::Dtype;
pub use super::refusal::Refusal;

/// The first bytes of every array.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The most dimensions an array may have.
const MAX_DIMS: usize = 8;

/// The most bytes a header may have: those of real arrays have about a hundred.
const MAX_HEADER: u64 = 1 << 16;

/// Values read at once.
const PIECE: usize = 1 << 16;

/// What to do about a damaged array.
pub const EXPORT_AGAIN: &str = "write it again with numpy.savez";

/// What an array is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its values.
    pub dtype: Dtype,
    /// The dimensions, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// Whether the first index runs fastest.
    pub fortran: bool,
}

impl Header {
    /// Reads a header; the values follow in the source.
    ///
    /// # Errors
    /// The problem and a hint: not an array, objects, or a dtype that is not read here.
    pub fn read(source: &mut impl Read) -> Result<Self, Refusal> {
        let text = text(source)
            .ok_or_else(|| Refusal::new("is not a NumPy array (no .npy header)", EXPORT_AGAIN))?;
        let descr = field(&text, "descr").ok_or_else(|| unclear("descr"))?;
        let shape = shape(field(&text, "shape").ok_or_else(|| unclear("shape"))?)?;
        let fortran =
            field(&text, "fortran_order").ok_or_else(|| unclear("fortran_order"))?.starts_with("True");
        Ok(Self { dtype: Dtype::parse(descr)?, shape, fortran })
    }

    /// How many values; nothing if that is beyond counting.
    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim))
    }

    /// Bytes of all values; nothing if that is beyond counting.
    pub fn bytes(&self) -> Option<usize> {
        self.count()?.checked_mul(self.dtype.size)
    }

    /// Hands on the bytes of each value in the file's order: as many as the header says, no fewer and no more. Memory is
    /// needed for a piece of them only.
    ///
    /// # Errors
    /// The problem and a hint: what `take` refuses, a source that cannot be read, or sizes that disagree.
    pub fn each(
        &self,
        source: &mut impl Read,
        mut take: impl FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let size = self.dtype.size;
        let expected = self.bytes().ok_or_else(|| self.wrong_length("fewer"))?;
        let broken = |error| {
            Refusal::new(format!("cannot be unpacked: {error}"), "the file is damaged; save it again")
        };
        let (mut piece, mut done) = (Vec::new(), 0);
        while done < expected {
            piece.clear();
            let wanted = (expected - done).min(PIECE * size);
            source.take(wanted as u64).read_to_end(&mut piece).map_err(broken)?;
            done += piece.len();
            if piece.len() < wanted {
                return Err(self.wrong_length(done));
            }
            piece.chunks_exact(size).try_for_each(&mut take)?;
        }
        // Reading on also checks the sum of an archive's entry.
        match source.take(1).read_to_end(&mut piece).map_err(broken)? {
            0 => Ok(()),
            _ => Err(self.wrong_length(format!("more than {expected}"))),
        }
    }

    /// An array whose values are not as many as it says.
    pub fn wrong_length(&self, got: impl std::fmt::Display) -> Refusal {
        let problem = format!("says shape {:?} of {}, but holds {got} bytes", self.shape, self.dtype.descr);
        Refusal::new(problem, EXPORT_AGAIN)
    }
}

/// The header's dictionary; nothing if the source is not in this format.
fn text(source: &mut impl Read) -> Option<String> {
    let mut start = [0; 8];
    source.read_exact(&mut start).ok()?;
    let [major, _] = start.strip_prefix(MAGIC)? else { return None };
    let mut length = [0; 4];
    let size = match major {
        1 => 2,
        2 | 3 => 4,
        _ => return None,
    };
    source.read_exact(&mut length[..size]).ok()?;
    let length = u64::from(u32::from_le_bytes(length));
    let mut text = String::new();
    source.take(length.min(MAX_HEADER)).read_to_string(&mut text).ok()?;
    (text.len() as u64 == length).then_some(text)
}

/// Magic, version and header of an array in C order, filled up with blanks to a multiple of 64 bytes.
pub fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    let total = (10 + header.len() + 1).next_multiple_of(64);
    header.extend(std::iter::repeat_n(' ', total - 10 - header.len() - 1));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

/// What stands behind `'name':` in the header's dictionary.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let quoted = [format!("'{name}'"), format!("\"{name}\"")];
    let (at, key) = quoted.iter().find_map(|key| header.find(key.as_str()).map(|at| (at, key)))?;
    Some(header[at + key.len()..].trim_start().strip_prefix(':')?.trim_start())
}

fn unclear(name: &str) -> Refusal {
    Refusal::new(format!("has a header without a readable `{name}`"), EXPORT_AGAIN)
}

/// The dimensions of `(3, 4), …`.
fn shape(text: &str) -> Result<Vec<usize>, Refusal> {
    let inside = text.strip_prefix('(').and_then(|text| text.split_once(')')).map(|(inside, _)| inside);
    let dims =
        inside.ok_or_else(|| unclear("shape"))?.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    let dims: Vec<usize> = dims.map(str::parse).collect::<Result<_, _>>().map_err(|_| unclear("shape"))?;
    if dims.len() > MAX_DIMS { Err(unclear("shape")) } else { Ok(dims) }
}

/// Values stored with the first index running fastest, in the order where the last one does.
pub fn row_major<T: Copy>(shape: &[usize], data: &[T]) -> Vec<T> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &dim| {
            let own = *stride;
            *stride *= dim;
            Some(own)
        })
        .collect();
    let position = |mut index: usize| {
        let mut at = 0;
        for (&dim, &stride) in shape.iter().zip(&strides).rev() {
            at += index % dim * stride;
            index /= dim;
        }
        at
    };
    (0..data.len()).map(|index| data[position(index)]).collect()
}
