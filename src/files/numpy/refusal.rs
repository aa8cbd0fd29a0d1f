//! Why an array is not read.

/// A problem and what to do about it.
pub type Refusal = (String, String);
