//! The samples of one split: rows of bytes, in memory or left in their file, and a class label each.

use std::sync::Arc;

use super::row_file::RowFile;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// `len` rows of `features` bytes, and a class label each. A clone shares the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    features: usize,
    rows: Rows,
    labels: Vec<u32>,
}

/// Where rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    Memory(Arc<Vec<u8>>),
    File(Arc<RowFile>),
}

impl Samples {
    /// Samples over `pixels` (row-major, `features` bytes a row) and `labels`, each less than `classes`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are no samples, no features, or not one row for each label;
    /// [`Error::Usage`] if a label is not less than `classes`.
    pub fn new(features: usize, pixels: Vec<u8>, labels: Vec<u32>, classes: usize) -> Result<Self> {
        if features == 0 || labels.is_empty() {
            return Err(Error::shape("samples", "[at least 1, at least 1]", [labels.len(), features]));
        }
        if labels.len().checked_mul(features) != Some(pixels.len()) {
            let got = format!("{} bytes", pixels.len());
            return Err(Error::shape("samples", [labels.len(), features], got));
        }
        Self { features, rows: Rows::Memory(Arc::new(pixels)), labels }.checked(classes)
    }

    /// Samples whose rows stay in their file until they are wanted.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on_disk(file: RowFile, labels: Vec<u32>, classes: usize) -> Result<Self> {
        let (features, rows) = (file.row_bytes(), file.rows());
        if features == 0 || labels.is_empty() || rows != labels.len() {
            return Err(Error::shape("samples", [labels.len().max(1), features.max(1)], [rows, features]));
        }
        Self { features, rows: Rows::File(Arc::new(file)), labels }.checked(classes)
    }

    fn checked(self, classes: usize) -> Result<Self> {
        match (0_usize..).zip(&self.labels).find(|&(_, &label)| label as usize >= classes) {
            None => Ok(self),
            Some((index, label)) => Err(Error::Usage(format!(
                "label {index} is {label}, but the labels of {classes} classes go from 0 to {}",
                classes.saturating_sub(1)
            ))),
        }
    }

    /// How many samples: at least 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true: the constructors refuse an empty set.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes in a row: at least 1.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Whether the rows are left in their file.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.rows, Rows::File(_))
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The rows of these samples, one after another: a copy. To read many while something else computes, see
    /// [`Reader`](super::Reader).
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Io`] if they cannot be read from their file.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn read(&self, indices: &[u32]) -> Result<Vec<u8>> {
        match &self.rows {
            Rows::File(file) => file.read(indices),
            Rows::Memory(pixels) => {
                let row = |&i: &u32| &pixels[i as usize * self.features..(i as usize + 1) * self.features];
                Ok(indices.iter().flat_map(row).copied().collect())
            }
        }
    }

    /// These samples as a network sees them, in double precision: `[indices, features]`, bytes / 255.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn inputs(&self, indices: &[u32]) -> Result<Tensor<f64>> {
        let values = self.read(indices)?.into_iter().map(|byte| f64::from(byte) / 255.0);
        Tensor::new([indices.len(), self.features], values.collect())
    }

    /// One class number for each row.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}
