//! The targets of a batch, in the form of the reference.

use crate::data::{Samples, Targets};
use crate::error::Result;
use crate::reference::{Aim, Matrix};

/// What some samples are to be answered with, for the reference.
pub enum Aims {
    /// A class each.
    Classes(Vec<u32>),
    /// Numbers each.
    Values(Matrix),
}

impl Aims {
    /// Of these samples of a split.
    ///
    /// # Errors
    /// None that samples of a split could cause.
    pub fn of(samples: &Samples, indices: &[u32]) -> Result<Self> {
        let targets = samples.targets();
        let rows = || indices.iter().flat_map(|&i| targets.row(i as usize)).map(|&value| f64::from(value));
        Ok(match targets {
            Targets::Classes(classes) => {
                Self::Classes(indices.iter().map(|&i| classes[i as usize]).collect())
            }
            Targets::Values { width, .. } => {
                Self::Values(Matrix::new([indices.len(), *width], rows().collect())?)
            }
        })
    }

    /// As the reference takes them.
    pub fn aim(&self) -> Aim<'_> {
        match self {
            Self::Classes(classes) => classes.into(),
            Self::Values(values) => values.into(),
        }
    }
}
