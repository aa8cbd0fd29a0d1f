//! What a run shows during training: one face for people, one for programs, one that is silent.

mod events;
mod json;
#[cfg(feature = "tui")]
mod screen;
mod text;

pub(in crate::cli) use events::{Ending, Face, Opening};

pub(super) use text::heading;

use super::args::TrainArgs;
use crate::error::Result;

/// Says nothing.
struct Silence;

impl Face for Silence {}

/// One that shows nothing.
pub(super) fn none() -> Box<dyn Face> {
    Box::new(Silence)
}

/// The face that the options choose.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) if a dashboard is wanted where there is no terminal.
pub(super) fn wanted(args: &TrainArgs) -> Result<Box<dyn Face>> {
    #[cfg(feature = "tui")]
    if args.tui {
        return Ok(Box::new(screen::Screen::new()?));
    }
    Ok(match (args.json, args.quiet) {
        (true, quiet) => Box::new(json::Json { quiet }),
        (false, true) => none(),
        (false, false) => Box::new(text::Text::new()),
    })
}
