//! The dashboard of a run in training: its values and its drawing. It does not need a terminal; `train --tui` has one.

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
    /// Options that differ from the defaults.
    pub options: String,
    /// Epochs that are done, from the first.
    pub epochs: Vec<EpochRecord>,
    /// Epochs that the run will have.
    pub total_epochs: usize,
    /// The current epoch, counted from 1; 0 before the first step.
    pub epoch: usize,
    /// Samples of the epoch that are done.
    pub samples: usize,
    /// All samples of the epoch.
    pub of: usize,
    /// Speed, if known.
    pub samples_per_second: Option<f64>,
    /// Time until the end of the last epoch, if known.
    pub seconds_left: Option<f64>,
    /// Whether a stop was requested.
    pub ending: bool,
    /// Notes for the user, the newest last.
    pub notes: Vec<String>,
    /// Whether colours may be used.
    pub colors: bool,
}

/// The command of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Save and stop.
    Stop,
    /// Save and continue.
    Save,
    /// Like Ctrl-C: save and stop; if that takes too long, stop at once.
    Interrupt,
}

/// The command of a terminal event, if any.
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
