//! Ctrl-C: the first asks for an orderly end; another, a second or more later, ends at once.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::output::complain;

static ASKED: OnceLock<Instant> = OnceLock::new();

/// Whoever passes a signal on to a whole group of processes may deliver it twice: that is no second wish.
const ECHO: Duration = Duration::from_secs(1);

/// The exit code of a program that Ctrl-C ended: 128 + SIGINT.
pub(super) const EXIT_CODE: u8 = 130;

/// Listens from now on; says `answer` when asked for the first time.
pub(super) fn listen(answer: &'static str) {
    let listening = ctrlc::set_handler(move || match ASKED.get() {
        None => {
            ASKED.get_or_init(Instant::now);
            complain(&format!("\n{answer}"));
        }
        Some(first) if first.elapsed() > ECHO => std::process::exit(i32::from(EXIT_CODE)),
        Some(_) => {}
    });
    if let Err(error) = listening {
        log::warn!("Ctrl-C will end the program at once: {error}");
    }
}

/// Whether the program was asked to end.
pub(super) fn asked() -> bool {
    ASKED.get().is_some()
}
