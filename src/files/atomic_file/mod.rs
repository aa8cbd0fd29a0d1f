//! Files that are written completely or not at all.

#[cfg(target_family = "wasm")]
mod given;
mod leftovers;
#[cfg(not(target_family = "wasm"))]
mod system;

#[cfg(target_family = "wasm")]
pub use given::AtomicFile;
pub use leftovers::{ABANDONED, remove_leftovers};
#[cfg(not(target_family = "wasm"))]
pub use system::AtomicFile;
