//! One array in NumPy's `.npy` format, versions 1 to 3: header and values, checked before anything is believed.
//!
//! Source: the format's description in NumPy's documentation, `numpy.lib.format`.

use std::io::{self, Read};

/// How the values were stored: what precision can be expected of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whole numbers or truth values.
    Whole,
    /// 16-bit floats.
    F16,
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

/// A numeric array: its values in row-major order, widened to f64.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The dimensions, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub data: Vec<f64>,
    /// How they were stored.
    pub kind: Kind,
}

/// What an entry of an archive holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Numbers.
    Numbers(Array),
    /// A text, from an array of strings with one element.
    Text(String),
}

/// A problem and what to do about it.
pub type Refusal = (String, String);

/// The most values one array may have.
pub const MAX_VALUES: usize = 16 << 20;

/// The most dimensions an array may have.
const MAX_DIMS: usize = 8;

/// The most letters of one text.
const MAX_TEXT: usize = 16 << 20;

/// The longest header: NumPy reads none of more than 10,000 bytes unless it is told to.
const MAX_HEADER: u32 = 1 << 16;

const EXPORT_AGAIN: &str = "write it again with numpy.savez";

/// Reads one array from the bytes of a `.npy` file.
///
/// # Errors
/// The problem and a hint: not an array, objects, a dtype that is not a number, or sizes that disagree.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut body = bytes;
    // Reading from memory cannot fail but for want of bytes.
    let Header { shape, fortran, format } =
        Header::read(&mut body).unwrap_or_else(|_| Err(not_an_array()))?;
    let count = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    let expected = count.and_then(|count| count.checked_mul(format.size));
    if expected != Some(body.len()) {
        let problem = format!("says shape {shape:?} of {}, but holds {} bytes", format.descr, body.len());
        return Err((problem, EXPORT_AGAIN.to_owned()));
    }
    if count.is_none_or(|count| count > MAX_VALUES) {
        let problem = format!("has shape {shape:?}: more than {MAX_VALUES} values");
        return Err((problem, "export one small batch: 37 samples are plenty".to_owned()));
    }
    if format.letter == 'U' || format.letter == 'S' {
        return Ok(Value::Text(format.text(body)));
    }
    let data: Vec<f64> = body.chunks_exact(format.size).map(|bytes| format.number(bytes)).collect();
    let data = if fortran { row_major(&shape, &data) } else { data };
    Ok(Value::Numbers(Array { shape, data, kind: format.kind() }))
}

/// The bytes of a `.npy` file, version 1, that holds `value`: numbers in C order, or a text as NumPy's `str_`.
pub fn render(value: &Value) -> Vec<u8> {
    match value {
        Value::Numbers(array) => {
            let descr = match array.kind {
                Kind::Whole => "<i8",
                Kind::F16 | Kind::F32 => "<f4",
                Kind::F64 => "<f8",
            };
            let mut bytes = header(descr, &array.shape);
            for &value in &array.data {
                match array.kind {
                    Kind::Whole => bytes.extend_from_slice(&(value as i64).to_le_bytes()),
                    Kind::F16 | Kind::F32 => bytes.extend_from_slice(&(value as f32).to_le_bytes()),
                    Kind::F64 => bytes.extend_from_slice(&value.to_le_bytes()),
                }
            }
            bytes
        }
        Value::Text(text) => {
            let mut bytes = header(&format!("<U{}", text.chars().count()), &[]);
            bytes.extend(text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()));
            bytes
        }
    }
}

/// Magic, version and header, filled up with blanks to a multiple of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
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

/// What a file says of its array before the values begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The dimensions, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// Whether the first index runs fastest, and not the last.
    pub fortran: bool,
    format: Format,
}

impl Header {
    /// Reads a header, up to the first value.
    ///
    /// # Errors
    /// The reader's own but for an early end; inside, as [`parse`].
    pub fn read(source: &mut impl Read) -> io::Result<Result<Self, Refusal>> {
        let text = match Self::text(source) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            text => text?,
        };
        Ok(text.ok_or_else(not_an_array).and_then(|text| Self::parse(&text)))
    }

    /// The header's dictionary; nothing if the file is not in this format.
    fn text(source: &mut impl Read) -> io::Result<Option<String>> {
        let mut start = [0; 8];
        source.read_exact(&mut start)?;
        let mut length = [0; 4];
        match (start.strip_prefix(b"\x93NUMPY"), start[6]) {
            (Some(_), 1) => source.read_exact(&mut length[..2])?,
            (Some(_), 2 | 3) => source.read_exact(&mut length)?,
            _ => return Ok(None),
        }
        let length = u32::from_le_bytes(length);
        if length > MAX_HEADER {
            return Ok(None);
        }
        let mut text = vec![0; length as usize];
        source.read_exact(&mut text)?;
        Ok(String::from_utf8(text).ok())
    }

    fn parse(header: &str) -> Result<Self, Refusal> {
        let descr = field(header, "descr").ok_or_else(|| unclear("descr"))?;
        let shape = shape(field(header, "shape").ok_or_else(|| unclear("shape"))?)?;
        let fortran = field(header, "fortran_order").ok_or_else(|| unclear("fortran_order"))?;
        Ok(Self { shape, fortran: fortran.starts_with("True"), format: Format::parse(descr)? })
    }

    /// Whether the values are numbers, and no text.
    pub fn is_number(&self) -> bool {
        !matches!(self.format.letter, 'U' | 'S')
    }

    /// Bytes of a value: at least 1.
    pub fn value_size(&self) -> usize {
        self.format.size
    }

    /// Appends the numbers in `bytes` as f32.
    pub fn append(&self, bytes: &[u8], values: &mut Vec<f32>) {
        match (self.format.letter, self.format.size, self.format.big_endian) {
            // The usual kinds have no need to pass through f64.
            ('u', 1, _) => values.extend(bytes.iter().map(|&byte| f32::from(byte))),
            ('f', 4, false) => {
                values.extend(bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)))
            }
            (_, size, _) => {
                values.extend(bytes.chunks_exact(size).map(|bytes| self.format.number(bytes) as f32));
            }
        }
    }
}

fn not_an_array() -> Refusal {
    ("is not a NumPy array (no .npy header)".to_owned(), EXPORT_AGAIN.to_owned())
}

/// What stands behind `'name':` in the header's dictionary.
fn field<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let quoted = [format!("'{name}'"), format!("\"{name}\"")];
    let (at, key) = quoted.iter().find_map(|key| header.find(key.as_str()).map(|at| (at, key)))?;
    Some(header[at + key.len()..].trim_start().strip_prefix(':')?.trim_start())
}

fn unclear(name: &str) -> Refusal {
    (format!("has a header without a readable `{name}`"), EXPORT_AGAIN.to_owned())
}

/// The dimensions of `(3, 4), …`.
fn shape(text: &str) -> Result<Vec<usize>, Refusal> {
    let inside = text.strip_prefix('(').and_then(|text| text.split_once(')')).map(|(inside, _)| inside);
    let dims =
        inside.ok_or_else(|| unclear("shape"))?.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    let dims: Vec<usize> = dims.map(str::parse).collect::<Result<_, _>>().map_err(|_| unclear("shape"))?;
    if dims.len() > MAX_DIMS { Err(unclear("shape")) } else { Ok(dims) }
}

/// A dtype.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Format {
    descr: String,
    big_endian: bool,
    letter: char,
    size: usize,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: String, hint: &str| Err((what, hint.to_owned()));
        let quote = text.chars().next().unwrap_or(' ');
        let descr = match text.get(1..).and_then(|rest| rest.split_once(quote)) {
            Some((descr, _)) if quote == '\'' || quote == '"' => descr,
            _ => return refuse("is a structured array, not numbers".into(), "export plain arrays"),
        };
        let bare = descr.trim_start_matches(['<', '>', '|', '=']);
        let letter = bare.chars().next().unwrap_or(' ');
        let size = bare.get(1..).and_then(|size| size.parse::<usize>().ok()).unwrap_or(0);
        if letter == 'O' {
            let hint = "an array of Python objects (often lists of different lengths, or None); \
                        convert it with numpy.asarray(..., dtype=float) before saving";
            return refuse("holds pickled Python objects, which are never loaded".into(), hint);
        }
        let bytes = match (letter, size) {
            ('f', 2 | 4 | 8) | ('i' | 'u', 1 | 2 | 4 | 8) | ('b', 1) => size,
            ('U', 1..=MAX_TEXT) => size * 4,
            ('S', 1..=MAX_TEXT) => size,
            _ => {
                let hint = "export float32, float64 or integers";
                return refuse(format!("has dtype `{descr}`, which is not a number read here"), hint);
            }
        };
        Ok(Self { descr: descr.to_owned(), big_endian: descr.starts_with('>'), letter, size: bytes })
    }

    fn kind(&self) -> Kind {
        match (self.letter, self.size) {
            ('f', 2) => Kind::F16,
            ('f', 4) => Kind::F32,
            ('f', _) => Kind::F64,
            _ => Kind::Whole,
        }
    }

    /// One value, from exactly `size` bytes.
    fn number(&self, bytes: &[u8]) -> f64 {
        let mut eight = [0_u8; 8];
        for (to, &from) in eight.iter_mut().zip(bytes) {
            *to = from;
        }
        if self.big_endian {
            eight[..self.size.min(8)].reverse();
        }
        let bits = u64::from_le_bytes(eight);
        match (self.letter, self.size) {
            ('f', 2) => half(bits as u16),
            ('f', 4) => f64::from(f32::from_bits(bits as u32)),
            ('f', _) => f64::from_bits(bits),
            ('i', 1) => f64::from(bits as i8),
            ('i', 2) => f64::from(bits as i16),
            ('i', 4) => f64::from(bits as i32),
            ('i', _) => bits as i64 as f64,
            ('b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }

    fn text(&self, body: &[u8]) -> String {
        if self.letter == 'S' {
            return String::from_utf8_lossy(body).trim_end_matches('\0').to_owned();
        }
        let code = |four: &[u8]| {
            let four = [four[0], four[1], four[2], four[3]];
            let code = if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
            char::from_u32(code).unwrap_or('?')
        };
        body.chunks_exact(4).map(code).filter(|&letter| letter != '\0').collect()
    }
}

/// An IEEE 754 half as f64: sign, 5 bits of exponent, 10 of fraction.
pub fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

/// Values stored with the first index running fastest, in the order where the last one does.
fn row_major(shape: &[usize], data: &[f64]) -> Vec<f64> {
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
