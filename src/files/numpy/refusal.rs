//! Why an array is not read.

use std::path::Path;

use crate::error::{Error, Message};

/// A problem and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong; a sentence without its subject, as `lacks W1`.
    pub problem: String,
    /// What to do.
    pub hint: Message,
}

impl Refusal {
    /// A problem and what to do about it.
    pub fn new(problem: impl Into<String>, hint: impl Into<Message>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// The same with its subject.
    pub fn of(self, subject: impl std::fmt::Display) -> Self {
        Self { problem: format!("{subject} {}", self.problem), ..self }
    }

    /// The error of a file.
    pub fn at(self, path: &Path) -> Error {
        Error::file(path, self.problem, self.hint)
    }
}
