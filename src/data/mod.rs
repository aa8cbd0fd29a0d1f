//! Data sets: rows of bytes or numbers with a class label each, from files and folders of several formats, built in, or
//! downloaded.
//!
//! Rows are held in memory up to a limit, and beyond it left in their file (`row_file`) and read ahead of their use
//! (`reader`). [`load`] turns what the user asked for into a [`Dataset`], in any format (`source`);
//! [`inspect()`] describes it; [`fetch`] is the only code that goes online; nothing here prints.

mod builtin;
pub mod catalog;
mod classes;
mod columns;
mod dataset;
pub mod digits;
pub mod fetch;
mod fingerprint;
pub mod folder;
mod format;
pub mod idx;
mod idx_names;
pub mod inputs;
pub mod inspect;
mod listed;
mod locate;
pub mod make;
#[cfg(not(feature = "parquet"))]
mod no_parquet;
#[cfg(feature = "parquet")]
mod parquet;
pub mod parts;
pub mod picture;
mod picture_options;
mod preparation;
mod reader;
pub mod row_file;
mod samples;
mod scaling;
mod schema;
mod shares;
mod source;
pub mod table;
mod table_options;
mod targets;

pub use builtin::built_in;
pub use dataset::{Dataset, MEMORY_LIMIT, Split};
pub use fingerprint::Fingerprint;
pub use format::Format;
pub use inspect::inspect;
pub use locate::{DATA_DIR_VARIABLE, Loaded, Places, Request, load, load_from};

pub use columns::{DateOrder, DatePart, Input, Kind};
#[cfg(feature = "parquet")]
pub use parquet::THREAD as PARQUET_THREAD;
pub use picture_options::{Frame, PictureOptions};
pub use preparation::{Outputs, Preparation};
pub use reader::{Chunk, Reader};
pub use samples::Samples;
pub use scaling::{Scale, Scaling};
pub use schema::{Layout, Schema};
pub use shares::Fold;
pub use source::{Fitted, LoadOptions};
pub use table_options::{Missing, Separator, TableOptions};
pub use targets::Targets;
