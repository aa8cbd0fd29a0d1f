//! Lines to standard output and standard error. A reader that stops reading (`gpu-mlp … | head`) is not an error: the
//! command continues and writes its files.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::error::{Error, Message, Result, Setting};
pub(super) use crate::words::numerals::{duration, thousands};

/// Whether this process has nothing to say: another speaks for it.
static MUTE: AtomicBool = AtomicBool::new(false);

/// Leaves speaking to another process.
pub(super) fn mute() {
    MUTE.store(true, Ordering::Relaxed);
}

/// A line to standard output.
pub(super) fn say(line: &str) {
    if MUTE.load(Ordering::Relaxed) {
        return;
    }
    let _ = writeln!(std::io::stdout().lock(), "{}", harmless(line));
}

/// Text to standard output; false if nobody reads it any more, so that endless output can stop.
///
/// # Errors
/// [`Error::Io`] if it cannot be written for another reason.
pub(super) fn write(text: &str) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(Error::io("write to", "standard output")),
    }
}

/// A line to standard error, or to the holder of the terminal.
pub(super) fn complain(line: &str) {
    if MUTE.load(Ordering::Relaxed) {
        return;
    }
    let line = harmless(line);
    match holder().as_mut() {
        Some(held) => held.lines.push(line.trim_start_matches('\n').to_owned()),
        None => drop(writeln!(std::io::stderr().lock(), "{line}")),
    }
}

/// Lines for standard error while something else has the terminal.
struct Held {
    lines: Vec<String>,
    /// Makes the terminal again what it was.
    give_back: fn(),
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);

fn holder() -> MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the terminal: lines for standard error are kept until it is given back.
#[cfg(feature = "tui")]
pub(super) fn hold(give_back: fn()) {
    holder().get_or_insert(Held { lines: Vec::new(), give_back });
}

/// What has been kept so far.
#[cfg(feature = "tui")]
pub(super) fn held() -> Vec<String> {
    holder().as_ref().map_or(Vec::new(), |held| held.lines.clone())
}

/// Gives the terminal back, if somebody has it, and prints what was kept.
pub(super) fn release() {
    let Some(held) = holder().take() else { return };
    (held.give_back)();
    held.lines.iter().for_each(|line| complain(line));
}

/// Standard error for a logger, whose lines may have colours.
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match holder().as_mut() {
            Some(held) => {
                let text = String::from_utf8_lossy(bytes);
                let lines = console::strip_ansi_codes(&text);
                held.lines.extend(lines.lines().map(|line| harmless(line).into_owned()));
                Ok(bytes.len())
            }
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Names in files (classes, columns, arrays) may hold anything, and a terminal obeys control characters: they are
/// written out, all but the end of a line and tabs. So are those that change the direction of the text.
fn harmless(line: &str) -> Cow<'_, str> {
    let harms = |letter: char| match letter {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        letter => letter.is_control(),
    };
    if !line.contains(harms) {
        return line.into();
    }
    let spelled = |letter: char| match harms(letter) {
        true => letter.escape_unicode().to_string(),
        false => letter.to_string(),
    };
    line.chars().map(spelled).collect::<String>().into()
}

/// A note for the user, on standard error.
pub(super) fn note(text: &str) {
    complain(&format!("note: {text}"));
}

/// One line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

/// An error as the user of the command line reads it: settings are flags.
pub fn told(error: &Error) -> String {
    error.told(&flag)
}

/// A message as the user of the command line reads it.
pub(super) fn words(message: &Message) -> String {
    message.told(&flag)
}

/// A setting as the user of the command line knows it.
pub(super) fn flag(setting: Setting) -> String {
    format!("--{}", setting.name().replace('_', "-"))
}
