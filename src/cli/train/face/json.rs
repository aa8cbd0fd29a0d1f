//! JSON lines, for programs.

use super::{Ending, Face, text};
use crate::cli::output::{note, say};
use crate::training::Outcome;

pub(super) struct Json {
    pub quiet: bool,
}

impl Face for Json {
    fn line(&self, json: &str) {
        say(json);
    }

    fn end(&self, ending: &Ending<'_>) {
        if ending.outcome == Outcome::Interrupted && !self.quiet {
            note(&text::interrupted(ending)); // standard output is for JSON
        }
    }
}
