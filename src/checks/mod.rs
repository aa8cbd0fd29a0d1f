//! What a user can ask of this program about itself: are the kernels right, are the gradients right, how fast is it.

pub mod bench;
pub mod gradcheck;
pub mod selftest;
