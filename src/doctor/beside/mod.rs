//! The right values as a file, and somebody's file laid beside them.

pub mod comparison;
pub(crate) mod rounding;
pub mod trace;
