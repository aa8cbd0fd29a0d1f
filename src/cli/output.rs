//! Lines to standard output and standard error. A reader that has gone away (`gpu-mlp … | head`) is no error: what is
//! under way goes on and is kept in its files.

use std::borrow::Cow;
use std::io::Write;

use serde::Serialize;

use crate::error::{Error, Result};

/// A line to standard output.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", harmless(line));
}

/// Text to standard output; false if nobody reads it any more, so that whatever has no end can stop.
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

/// A line to standard error.
pub(super) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(line));
}

/// Names in files (classes, columns, arrays) may hold anything, and a terminal obeys control characters: they are
/// written out, all but the end of a line and tabs. So are those that turn the direction of what follows.
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

/// Something that the user should know, on standard error.
pub(super) fn note(text: &str) {
    complain(&format!("note: {text}"));
}

/// One line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

/// 60000 as 60,000.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}
