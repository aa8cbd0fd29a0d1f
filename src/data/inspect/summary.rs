//! The description of a data set.

use std::path::PathBuf;

use serde::Serialize;

use super::columns::Column;
use crate::data::classes::Class;
use crate::error::Message;
use crate::network::Task;

/// What there is to say about a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Its name, or that of its file or folder.
    pub name: String,
    /// Where it was read from.
    pub origin: PathBuf,
    /// What it was taken for.
    pub form: String,
    /// What else is to be said of how a table was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Message>,
    /// What the inputs of a network are called, if they are columns of a table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// What it is for, as asked or as its targets look.
    pub task: Task,
    /// Why, if nobody asked.
    pub why: Option<&'static str>,
    /// Samples to train on, or all, if there is no test part.
    pub train_samples: usize,
    /// Samples to choose by, if the set has such a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_samples: Option<usize>,
    /// Samples to test on, if the set has such a part.
    pub test_samples: Option<usize>,
    /// Values of a sample.
    pub features: usize,
    /// Rows and columns, if samples are images.
    pub image_shape: Option<[usize; 2]>,
    /// Bytes or numbers.
    pub values: &'static str,
    /// What training does to the values; nothing if some are missing.
    pub scaling: Option<&'static str>,
    /// All values of the training part together.
    pub range: Column,
    /// Columns, or pixels, that have one value in all training samples.
    pub constant: usize,
    /// Every class, in the order of a network's outputs.
    pub classes: Vec<Class>,
    /// The targets, if they are labels or numbers.
    pub targets: Vec<Column>,
    /// The columns of a table; none for images.
    pub columns: Vec<Column>,
    /// What may go wrong.
    pub warnings: Vec<String>,
}
