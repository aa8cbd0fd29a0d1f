//! A data set and its parts.

use super::shares;
use super::{Preparation, Samples, Targets};
use crate::error::{Error, Result, Setting, message};

/// Bytes of samples that are held in memory, if nobody says otherwise: 4 GiB.
pub const MEMORY_LIMIT: u64 = 4 << 30;

/// A named set whose parts agree in shape and classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// `mnist`, `digits`, … or the name of the folder it came from.
    pub name: String,
    /// The folder it was read from, or `built in`.
    pub origin: String,
    /// Rows and columns of one image, in pixels; their product, times 3 if there are colours, is the number of
    /// features. Samples that are no images have one row.
    pub image_shape: [usize; 2],
    /// The number of classes, at least 2; of IDX files the highest label of both splits + 1.
    pub classes: usize,
    /// How values were scaled, and the classes' names.
    pub preparation: Preparation,
    /// What the network learns from.
    pub train: Samples,
    /// What the network of the best epoch is chosen by, if there is such a part: nothing is fitted to it.
    pub validation: Option<Samples>,
    /// What it is measured on.
    pub test: Samples,
}

/// One of the parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// To learn from.
    Train = 0,
    /// To measure on.
    Test = 1,
    /// To choose by.
    Validation = 2,
}

impl Split {
    /// Every one, at its number.
    pub const ALL: [Self; 3] = [Self::Train, Self::Test, Self::Validation];

    /// `training`, `test` or `validation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }
}

impl Dataset {
    /// Whether training and test part are the whole set: nothing of it was split off.
    pub fn is_whole(&self) -> bool {
        self.train.is(&self.test) && self.validation.is_none()
    }

    /// The samples of a part.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such part.
    pub fn split(&self, split: Split) -> Result<&Samples> {
        let samples = match split {
            Split::Train => Some(&self.train),
            Split::Test => Some(&self.test),
            Split::Validation => self.validation.as_ref(),
        };
        samples.ok_or_else(|| {
            let hint = message!["hold some out with ", Setting::ValidationFraction.set(0.1)];
            Error::usage(format!("the data have no {} samples", split.name())).hint(hint)
        })
    }

    /// The same set, in which a random part of the training samples is for validation; the same for the same seed. Of classes
    /// each gives about the same part.
    ///
    /// # Errors
    /// [`Error::Usage`] if nothing would be left on either side; what reading samples from their file reports.
    pub fn hold_out(self, fraction: f64, seed: u64) -> Result<Self> {
        let rows = self.train.len();
        let count = shares::count(Setting::ValidationFraction, fraction, rows)?;
        let classes = match self.train.targets() {
            Targets::Classes(classes) => Some(classes.as_slice()),
            Targets::Values { .. } => None,
        };
        let (held_out, kept) = shares::sides(rows, &shares::chosen(rows, classes, count, seed));
        let (train, validation) = (self.train.part(&kept)?, self.train.part(&held_out)?);
        Ok(Self { train, validation: Some(validation), ..self })
    }
}
