//! One value of a column of a Parquet file.

/// A value as the file has it.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Number(f64),
    Bytes(&'a [u8]),
    Missing,
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
