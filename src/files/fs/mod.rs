//! Files and folders that are read: those of the system, or in a browser, which has none, those that the page was given.

#[cfg(target_family = "wasm")]
pub mod given;
#[cfg(not(target_family = "wasm"))]
mod system;

#[cfg(target_family = "wasm")]
pub use given::{File, Metadata, canonicalize, exists, is_dir, is_file, metadata, paths, read_exact_at};
#[cfg(not(target_family = "wasm"))]
pub use system::{File, Metadata, canonicalize, exists, is_dir, is_file, metadata, paths, read_exact_at};
