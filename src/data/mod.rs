//! Data sets: rows of bytes or numbers with a class label each, from IDX files, from a table, built in, or fetched.
//!
//! Rows are held in memory up to a limit, and beyond it left in their file (`row_file`) and read ahead of their use
//! (`reader`). [`load`] turns what the user asked for into a [`Dataset`]; [`fetch`] is the only code that uses the
//! network; nothing here prints.

mod builtin;
pub mod catalog;
pub mod digits;
pub mod fetch;
pub mod folder;
pub mod idx;
mod locate;
pub mod make;
mod preparation;
mod reader;
pub mod row_file;
mod samples;
pub(crate) mod table;

pub use locate::{DATA_DIR_VARIABLE, Loaded, Places, Request, load, load_from};

pub use preparation::{Preparation, Scale, Scaling};
pub use reader::{Chunk, Reader};
pub use samples::{Format, Samples};
pub use table::TableOptions;

/// Bytes of samples that are held in memory, if nobody says otherwise: 4 GiB.
pub const MEMORY_LIMIT: u64 = 4 << 30;

/// A named set of images with a training and a test split that agree in shape and classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// `mnist`, `digits`, … or the name of the folder it came from.
    pub name: String,
    /// The folder it was read from, or `built in`.
    pub origin: String,
    /// Rows and columns of one image, in pixels; their product is the number of features.
    pub image_shape: [usize; 2],
    /// The number of classes: the highest label of both splits + 1, and at least 2.
    pub classes: usize,
    /// What was done to a table's values, and its classes' names; nothing for images.
    pub preparation: Option<Preparation>,
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
