//! Checks of the program itself: whether kernels and gradients are correct, and how fast they are.

pub mod bench;
pub mod gradcheck;
pub mod selftest;
