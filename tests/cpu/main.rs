//! Tests that need no adapter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod doctor;
