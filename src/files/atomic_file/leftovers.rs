//! What killed programs leave half written.

use std::path::Path;
use std::time::Duration;

/// How the names of files begin that are being written.
pub(super) const PREFIX: &str = ".gpu-mlp-";
/// How they end.
pub(super) const SUFFIX: &str = ".part";

/// Nothing that is still being written pauses for this long.
pub const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes from `folder` what killed programs have left half written, as far as that is possible: files that nobody has
/// written to for so long. That is [`ABANDONED`], but for who knows that nobody else writes there.
pub fn remove_leftovers(folder: &Path, idle: Duration) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = modified.and_then(|modified| modified.elapsed().ok());
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && age.is_some_and(|age| age >= idle) {
            // It is only clutter: if it cannot be removed, the folder can still be used.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
