//! The targets of samples: a class each, or numbers.

use std::sync::Arc;

use crate::error::{Error, Result};

/// What each sample of a split is to be answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A class number each.
    Classes(Vec<u32>),
    /// `width` numbers each, sample by sample, as a network is to put them out: 0 or 1 of labels, scaled of a regression.
    Values {
        /// Numbers of a sample: at least 1.
        width: usize,
        /// `samples · width` of them. A clone shares them.
        values: Arc<Vec<f32>>,
    },
}

impl Targets {
    /// Numbers for some samples.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are not `width` for each of at least one sample.
    pub fn values(width: usize, values: Vec<f32>) -> Result<Self> {
        if width == 0 || values.is_empty() || !values.len().is_multiple_of(width) {
            return Err(Error::shape("targets", ["samples".to_owned(), width.to_string()], values.len()));
        }
        Ok(Self::Values { width, values: Arc::new(values) })
    }

    /// Those of these samples, in this order.
    pub(super) fn part(&self, samples: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(samples.iter().map(|&sample| classes[sample]).collect()),
            Self::Values { width, .. } => {
                let values = samples.iter().flat_map(|&sample| self.row(sample)).copied().collect();
                Self::Values { width: *width, values: Arc::new(values) }
            }
        }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values { width, values } => values.len() / width,
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of a sample; none where it has a class.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn row(&self, sample: usize) -> &[f32] {
        match self {
            Self::Classes(_) => &[],
            Self::Values { width, values } => &values[sample * width..(sample + 1) * width],
        }
    }
}
