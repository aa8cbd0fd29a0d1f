//! How the values of samples are stored.

use serde::{Deserialize, Serialize};

/// What a row's values are stored as, and how a network sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A byte each, divided by 255.
    Bytes,
    /// An f32 each, in this machine's order of bytes, as it is.
    Floats,
}

impl Format {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Floats => size_of::<f32>(),
        }
    }
}
