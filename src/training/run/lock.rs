//! One process at a time trains in a run's folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result, Setting, message};
use crate::files::atomic_file;

/// A folder's lock. The system holds it for this process and lets go of it when the process ends, however it ends: what
/// stays behind is an empty claim, a file that nobody holds.
#[derive(Debug)]
pub(super) struct Lock {
    _held: File,
}

impl Lock {
    /// Takes the lock of a folder, and removes what killed processes have left half written there.
    ///
    /// # Errors
    /// [`Error::File`] if another process has it; [`Error::Io`] if the folder cannot be written to.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(".lock");
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = opened.map_err(Error::io("write", &path))?;
        match patiently(|| file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(folder, file)),
            // Some network file systems have no locks: no reason not to train there.
            Err(TryLockError::Error(error)) => log::warn!("{} cannot be locked: {error}", path.display()),
        }
        // For the next process's error message; the lock holds without it.
        let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(Error::io("write", &path))?;
        atomic_file::remove_leftovers(folder, Duration::ZERO);
        Ok(Self { _held: file })
    }
}

/// Whether a process trains in a folder now. Nothing is written there.
pub(super) fn is_held(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(".lock")) else { return false };
    // Shared, so that who looks at the same time sees nobody who trains.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Tries again a few times: a process that only checks whether a folder is taken holds its lock for a moment.
fn patiently(attempt: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    for _ in 0..4 {
        match attempt() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            tried => return tried,
        }
    }
    attempt()
}

fn taken(folder: &Path, file: File) -> Error {
    let mut holder = String::new();
    // On Windows nobody else can read a locked file.
    let _ = file.take(20).read_to_string(&mut holder);
    let process = match holder.parse::<u32>() {
        Ok(number) => format!("another process ({number}) is training"),
        Err(_) => "another process is training".to_owned(),
    };
    let hint = message![
        "wait until it ends, or stop it with Ctrl-C; ",
        Setting::Out,
        " with another folder starts a separate run"
    ];
    Error::file(folder, format!("{process} in this folder"), hint)
}
