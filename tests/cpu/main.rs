//! Tests that need no adapter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod data;
#[cfg(feature = "fetch")]
mod fetch;
mod idx;
#[cfg(feature = "fetch")]
mod mirror;
