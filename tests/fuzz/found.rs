//! What was found: each case as the bytes that showed it, or as code that makes them.

/// A name, and what is read.
type NamedTrial = (&'static str, fn());

pub const TRIALS: &[NamedTrial] = &[];
