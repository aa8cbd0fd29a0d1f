//! Rows of a NumPy array: `[rows, features]`, or `[rows, height, width]` of images; numbers of any kind.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Expected, Source, wanted};
use crate::doctor::npy::Header;
use crate::error::{Error, Result};

/// How a file of this kind begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// An array that is being read.
pub(super) struct Rows<R> {
    source: R,
    path: PathBuf,
    header: Header,
    features: usize,
    /// How many rows the header announces, and how many have come.
    rows: u64,
    read: u64,
}

impl<R: Read + Send> Rows<R> {
    pub fn open(mut source: R, path: &Path, expected: &Expected) -> Result<Self> {
        let refused = |(problem, hint): (String, String)| Error::file(path, format!("it {problem}"), hint);
        let header = Header::read(&mut source).map_err(Error::io("read", path))?.map_err(refused)?;
        let shape = &header.shape;
        let product = |dims: &[usize]| dims.iter().try_fold(1_usize, |all, &dim| all.checked_mul(dim));
        let features = expected.features;
        let rows = match shape.split_first() {
            Some((&rows, row)) if !row.is_empty() && product(row) == Some(features) => rows as u64,
            Some(_) if product(shape) == Some(features) => 1,
            _ => return Err(wanted(path, &format!("it has shape {shape:?}"), expected)),
        };
        if header.fortran && shape.iter().filter(|&&dim| dim > 1).count() > 1 {
            let problem = "it is in Fortran order: rows do not follow one another";
            return Err(Error::file(path, problem, "save numpy.ascontiguousarray(X)"));
        }
        if !header.is_number() {
            return Err(Error::file(path, "it holds text", "save an array of numbers"));
        }
        Ok(Self { source, path: path.to_owned(), header, features, rows, read: 0 })
    }
}

impl<R: Read + Send> Source for Rows<R> {
    fn read(&mut self, rows: usize, values: &mut Vec<f32>) -> Result<usize> {
        let rows = (rows as u64).min(self.rows - self.read);
        let row_bytes = self.features * self.header.value_size();
        // Memory grows with the bytes that really come.
        let mut bytes = Vec::new();
        let source = self.source.by_ref().take(rows * row_bytes as u64);
        { source }.read_to_end(&mut bytes).map_err(Error::io("read", &self.path))?;
        let whole = bytes.len() / row_bytes;
        if (whole as u64) < rows {
            let problem = format!(
                "it ends after {} of the {} rows that its header announces",
                self.read + whole as u64,
                self.rows
            );
            return Err(Error::file(&self.path, problem, "save the array again"));
        }
        self.header.append(&bytes, values);
        self.read += rows;
        Ok(whole)
    }

    fn has_rows(&self) -> bool {
        true
    }
}
