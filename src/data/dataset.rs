//! A data set and its two parts.

use super::{Preparation, Samples};

/// Bytes of samples that are held in memory, if nobody says otherwise: 4 GiB.
pub const MEMORY_LIMIT: u64 = 4 << 30;

/// A named set of images with a training and a test split that agree in shape and classes.
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

impl Split {
    /// `training` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
}

impl Dataset {
    /// Whether both parts are the whole set: nothing of it was split off to train on.
    pub fn is_whole(&self) -> bool {
        self.train.is(&self.test)
    }

    /// The samples of a part.
    pub fn split(&self, split: Split) -> &Samples {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
