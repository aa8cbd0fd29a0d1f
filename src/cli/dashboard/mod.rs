//! The dashboard of a run in training, as values and as a picture of them. Here is no terminal: `train --tui` has one.

mod draw;

use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::step::metrics::EpochRecord;

/// What the dashboard shows.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Data, network, device.
    pub title: String,
    /// The folder of the run.
    pub run: String,
    /// Options that are not as by default.
    pub options: String,
    /// Epochs that are done, from the first.
    pub epochs: Vec<EpochRecord>,
    /// Epochs that the run will have.
    pub total_epochs: usize,
    /// The epoch under way, counted from 1; 0 before the first step.
    pub epoch: usize,
    /// Samples of it that are trained on.
    pub samples: usize,
    /// Samples that it has.
    pub of: usize,
    /// Speed, once it is known.
    pub samples_per_second: Option<f64>,
    /// Until the last epoch's end, once that can be told.
    pub seconds_left: Option<f64>,
    /// Whether the end was asked for.
    pub ending: bool,
    /// What the user should know, the newest last.
    pub notes: Vec<String>,
    /// Whether colours may be used.
    pub colors: bool,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To end, and save.
    Stop,
    /// To save and go on.
    Save,
    /// As Ctrl-C elsewhere: to end and save, and if that takes too long, to end.
    Interrupt,
}

/// What something that happened in the terminal asks for, if anything.
pub fn wish(event: &Event) -> Option<Wish> {
    let Event::Key(key) = event else { return None };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Interrupt),
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
        KeyCode::Char('q' | 'Q') => Some(Wish::Stop),
        KeyCode::Char('s' | 'S') => Some(Wish::Save),
        _ => None,
    }
}
