//! Ctrl-C: the first asks for an orderly end, the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit code of a program that Ctrl-C ended: 128 + SIGINT.
pub(super) const EXIT_CODE: u8 = 130;

/// Listens from now on.
pub(super) fn listen() {
    let listening = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_CODE));
        }
    });
    if let Err(error) = listening {
        log::warn!("Ctrl-C will end the program at once: {error}");
    }
}

/// Whether the program was asked to end.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
