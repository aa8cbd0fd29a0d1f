//! Rows of a NumPy array: `[rows, features]`, or `[rows, height, width]` of images; numbers of any kind.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::expected::{Expected, Source, wanted};
use crate::error::{Error, Result};
use crate::files::numpy::npy::Header;

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
        let header = Header::read(&mut source).map_err(|refusal| refusal.of("it").at(path))?;
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
        if header.dtype.is_text() {
            return Err(Error::file(path, "it holds texts, not numbers", "save an array of numbers"));
        }
        Ok(Self { source, path: path.to_owned(), header, features, rows, read: 0 })
    }
}

impl<R: Read + Send> Source for Rows<R> {
    fn read(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<usize> {
        let rows = (rows as u64).min(self.rows - self.read);
        let row_bytes = self.features * self.header.dtype.size;
        // Memory grows with the bytes that really come.
        let mut bytes = Vec::new();
        let wanted = rows.saturating_mul(row_bytes as u64);
        self.source.by_ref().take(wanted).read_to_end(&mut bytes).map_err(Error::io("read", &self.path))?;
        let whole = (bytes.len() / row_bytes) as u64;
        if whole < rows {
            let read = self.read + whole;
            let problem = format!("it ends after {read} of the {} rows that its header announces", self.rows);
            return Err(Error::file(&self.path, problem, "save the array again"));
        }
        self.header.dtype.append(&bytes, values, |number| number);
        self.read += rows;
        Ok(rows as usize)
    }

    fn has_rows(&self) -> bool {
        true
    }
}
