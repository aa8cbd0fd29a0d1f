//! The arrays of an exported batch: small, and widened to f64 whatever they were stored as.

use crate::files::numpy::dtype::Dtype;
use crate::files::numpy::npy::{Header, header, row_major};
use crate::reference::Matrix;

pub use crate::files::numpy::npy::Refusal;

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

impl Array {
    /// Its two sides as a matrix, turned unless it lies `direct`; nothing if it has not two, or no values.
    pub fn matrix(&self, direct: bool) -> Option<Matrix> {
        let &[rows, cols] = self.shape.as_slice() else { return None };
        let matrix = Matrix::new([rows, cols], self.data.clone()).ok().filter(|m| !m.data().is_empty())?;
        Some(if direct { matrix } else { matrix.transposed() })
    }

    /// Whether at most one side is longer than 1.
    pub fn is_flat(&self) -> bool {
        self.shape.iter().filter(|&&side| side > 1).count() <= 1
    }
}

/// What an entry of an archive holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Numbers.
    Numbers(Array),
    /// A text, from an array of strings with one element.
    Text(String),
    /// Something else, and why it is not read.
    Unreadable(String),
}

impl Kind {
    fn of(dtype: &Dtype) -> Self {
        match (dtype.letter, dtype.size) {
            ('f', 2) => Self::F16,
            ('f', 4) => Self::F32,
            ('f', _) => Self::F64,
            _ => Self::Whole,
        }
    }
}

/// Reads one array of at most so many values from the bytes of a `.npy` file.
///
/// # Errors
/// The problem and a hint: not an array, objects, a dtype that is not a number, or sizes that disagree.
pub fn parse(mut bytes: &[u8], most: usize) -> Result<Value, Refusal> {
    let header = Header::read(&mut bytes)?;
    let (dtype, body) = (&header.dtype, bytes);
    if header.bytes() != Some(body.len()) {
        return Err(header.wrong_length(body.len()));
    }
    let shape = header.shape;
    // An array without values may claim any side.
    if body.len() / dtype.size > most || shape.iter().any(|&side| side > most) {
        let problem =
            format!("has shape {shape:?}: more than the {most} values that a file of this size may have");
        return Err(Refusal::new(problem, "export one small batch: 37 samples are plenty"));
    }
    if dtype.is_text() {
        return Ok(Value::Text(dtype.text(body)));
    }
    let data: Vec<f64> = body.chunks_exact(dtype.size).map(|bytes| dtype.number(bytes)).collect();
    let data = if header.fortran { row_major(&shape, &data) } else { data };
    Ok(Value::Numbers(Array { shape, data, kind: Kind::of(dtype) }))
}

/// The bytes of a `.npy` file, version 1, that holds `value`: numbers in C order, or a text as NumPy's `str_`; the reason
/// for what was not read.
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
        Value::Text(text) | Value::Unreadable(text) => {
            let mut bytes = header(&format!("<U{}", text.chars().count()), &[]);
            bytes.extend(text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()));
            bytes
        }
    }
}
