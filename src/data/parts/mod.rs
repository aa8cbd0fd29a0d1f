//! Sets in parts: a folder of files that are read one after another, so that memory holds a few of them at a time.
//!
//! ```text
//! parts.json       what the parts are: rows, SHA-256, the preparation of the values
//! train-00000.npz  X: [rows, values] as a network sees them, u8 (x / 255) or f32; y: [rows] u32, the class, or [rows, outputs] f32;
//!                  w: [rows] f32, what each sample counts, if not all count the same
//! ```
//!
//! [`shard()`] makes such a folder, [`verify()`] checks it.

mod file;
mod gather;
mod load;
mod manifest;
mod order;
mod shard;
mod stage;
mod store;
mod verify;

pub use manifest::{Entry, MANIFEST, Manifest, is_parts};
pub use order::{WINDOW, windowed};
pub use shard::{PART_BYTES, Sharding, shard};
pub use verify::{Verdict, verify};

pub(super) use load::open;
pub(super) use store::Parts;
