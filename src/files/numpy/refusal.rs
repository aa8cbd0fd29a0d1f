//! Why an array is not read.

use crate::error::Message;

/// A problem and what to do about it.
pub type Refusal = (String, Message);
