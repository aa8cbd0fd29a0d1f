//! What is said of a Parquet file where nothing can read it.

use std::path::Path;

use crate::error::Error;

/// The error for it.
pub fn refused(path: &Path) -> Error {
    let hint = "build it with `cargo install --path . --features parquet`, or save the table as CSV";
    Error::file(path, "this is a Parquet file, and this build of gpu-mlp cannot read Parquet", hint)
}
