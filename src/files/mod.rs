//! Files: those of the system, or of a browser's page; written as a whole, read only if they are regular, and NumPy's forms of them.

pub mod atomic_file;
pub mod folder;
pub mod fs;
pub mod numpy;
pub mod regular_file;
