//! Ctrl-C, SIGTERM and a closed terminal: the first requests a save and a stop; another, a second or more later, stops at once.

use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::output::{complain, release};

/// When a stop was first requested, and the exit code of that request.
static ASKED: OnceLock<(Instant, u8)> = OnceLock::new();

/// A signal that is passed on to a whole group of processes may arrive twice; that is not a second request.
const ECHO: Duration = Duration::from_secs(1);

/// The message at the first request.
static ANSWER: OnceLock<&str> = OnceLock::new();

/// Listens from now on; says `answer` when asked for the first time.
pub(super) fn listen(answer: &'static str) {
    ANSWER.get_or_init(|| answer);
    if let Err(error) = on_signal(ask) {
        log::warn!("Ctrl-C will stop the program at once: {error}");
    }
}

/// Requests a stop, with the exit code of the request.
pub(super) fn ask(exit_code: u8) {
    match ASKED.get() {
        None => {
            ASKED.get_or_init(|| (Instant::now(), exit_code));
            complain(&format!("\n{}", ANSWER.get().unwrap_or(&"ending")));
        }
        Some((first, _)) if first.elapsed() > ECHO => {
            release();
            std::process::exit(i32::from(exit_code))
        }
        Some(_) => {}
    }
}

/// Whether the program was asked to end.
pub(super) fn asked() -> bool {
    ASKED.get().is_some()
}

/// The exit code of a program that was asked to end: 128 and the signal's number; 130 for Ctrl-C.
pub(super) fn exit_code() -> u8 {
    ASKED.get().map_or(130, |(_, exit_code)| *exit_code)
}

/// Calls `heard` with an exit code for every wish to end, in a thread of its own.
#[cfg(unix)]
fn on_signal(heard: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

    // With somebody listening, a file that reaches the limit of `ulimit -f` is an error to its writer and not the end.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    let listener = std::thread::Builder::new().name("signals".into());
    listener.spawn(move || signals.forever().for_each(|signal| heard((128 + signal) as u8)))?;
    Ok(())
}

/// Whether the parent process, such as `nohup`, made the program ignore a signal. Only Linux tells without unsafe code.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Calls `heard` with an exit code for every wish to end, in a thread of its own.
#[cfg(windows)]
fn on_signal(heard: impl Fn(u8) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || heard(130)).map_err(io::Error::other)
}
