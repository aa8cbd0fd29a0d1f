//! Parquet files: their columns, which the format calls leaves, and values. A set may lie in several files, as data hubs shard it.

mod delta;
mod first_rows;
mod header;
mod leaf;
mod pages;
mod schema;
mod value;

use std::path::Path;

pub use self::first_rows::first_rows;
pub use self::leaf::{Column, Leaves, NEW_COPY};
pub use self::schema::Kind;
pub use self::value::Value;
use crate::error::{Error, Result};

/// The name of the thread that reads. The crate panics at some damage, and a thread makes an error of it; a program may
/// want to keep quiet about panics of this name.
pub const THREAD: &str = "parquet";

/// What `read` gives, which runs on a thread of its own.
///
/// # Errors
/// Those of `read`; [`Error::File`] if it panics.
pub fn on_thread<T: Send>(path: &Path, read: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name(THREAD.to_owned());
        let reader = builder.spawn_scoped(scope, read).map_err(Error::io("read", path))?;
        let damaged = |_| Err(Error::file(path, "cannot be read as Parquet: it is damaged", NEW_COPY));
        reader.join().unwrap_or_else(damaged)
    })
}
