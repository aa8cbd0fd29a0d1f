//! Tests that need no adapter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checkpoint;
mod compare;
mod data;
#[cfg(feature = "fetch")]
mod fetch;
mod house;
mod idx;
#[cfg(feature = "fetch")]
mod mirror;
mod model;
mod reference;
mod shaders;
mod tiny;
mod trainer;
mod trainer_resume;
