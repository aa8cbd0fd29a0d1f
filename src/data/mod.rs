//! Data sets: rows of bytes with a class label each, from IDX files, from the built-in set, or fetched.
//!
//! [`load`] turns what the user asked for into a [`Dataset`]; [`fetch`] is the only code that uses the
//! network; nothing here prints.

mod builtin;
pub mod catalog;
pub mod digits;
pub mod fetch;
pub mod folder;
pub mod idx;
mod locate;
pub mod make;

pub use locate::{DATA_DIR_VARIABLE, Loaded, Places, Request, load, load_from};

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The samples of one split: `len` rows of `features` bytes, and a class label each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    features: usize,
    pixels: Vec<u8>,
    labels: Vec<u32>,
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
        if let Some((index, label)) = (0_usize..).zip(&labels).find(|&(_, &label)| label as usize >= classes)
        {
            return Err(Error::Usage(format!(
                "label {index} is {label}, but the labels of {classes} classes go from 0 to {}",
                classes.saturating_sub(1)
            )));
        }
        Ok(Self { features, pixels, labels })
    }

    /// How many samples: at least 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true: the constructor refuses an empty set.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes in a row: at least 1.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The bytes of sample `i`.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn row(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.features..(i + 1) * self.features]
    }

    /// All rows, one after another.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// These samples as a network sees them, in double precision: `[indices, features]`, bytes / 255.
    ///
    /// # Panics
    /// As [`row`](Self::row).
    pub fn inputs(&self, indices: &[u32]) -> Tensor<f64> {
        Tensor::from_fn(indices.len(), self.features, |r, c| {
            f64::from(self.row(indices[r] as usize)[c]) / 255.0
        })
    }

    /// One class number for each row.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

/// A named set of images with a training and a test split that agree in shape and classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// `mnist`, `digits`, … or the name of the folder it came from.
    pub name: String,
    /// The folder it was read from, or `built in`.
    pub origin: String,
    /// Rows and columns of one image, in pixels; their product is the number of features.
    pub image_shape: [usize; 2],
    /// The number of classes: the highest label of both splits + 1, and at least 2.
    pub classes: usize,
    /// What the network learns from.
    pub train: Samples,
    /// What it is measured on.
    pub test: Samples,
}

/// One of the two parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// To learn from, and to hold out for validation.
    Train = 0,
    /// To measure on.
    Test = 1,
}

impl Dataset {
    /// The samples of a part.
    pub fn split(&self, split: Split) -> &Samples {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
