//! Downloads a known data set from its mirrors; it is checked byte for byte, and never left incomplete.
//!
//! Progress is reported through [`Event`]s; the connection itself is in `http.rs`, which the `fetch` feature
//! leaves out.

mod check;
mod event;
#[cfg(feature = "fetch")]
mod http;

use std::path::Path;
#[cfg(feature = "fetch")]
use std::path::PathBuf;

pub use event::{Event, Limits};

use super::catalog::{Known, KnownFile};
use super::folder;
use crate::error::{Error, Result};
#[cfg(feature = "fetch")]
use crate::files::atomic_file::{ABANDONED, remove_leftovers};

/// The environment variable that replaces the list of mirrors by one base address; meant for tests, and for
/// sites with a mirror of their own.
pub const MIRROR_VARIABLE: &str = "GPU_MLP_MIRROR";

/// The base addresses that `known` is fetched from: [`MIRROR_VARIABLE`] if that is set, else those of the
/// catalog.
pub fn mirrors(known: &Known) -> Vec<String> {
    match std::env::var(MIRROR_VARIABLE) {
        Ok(mirror) if !mirror.is_empty() => vec![mirror],
        _ => known.mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
    }
}

/// Makes sure that all files of `known` are in `folder`, whole, and fetches those that are not. Returns how many
/// were fetched: 0 if all were there.
///
/// # Errors
/// [`Error::File`] if no mirror gives a file, with the reason of each; [`Error::Io`] if `folder` cannot be
/// written to; [`Error::Usage`] if this program was built without the `fetch` feature and something is missing.
pub fn fetch(
    known: &Known,
    folder: &Path,
    mirrors: &[String],
    limits: &Limits,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<usize> {
    let mut missing = Vec::new();
    for file in &known.files {
        match folder::find(folder, file.stem).filter(|path| check::stored(path, file).is_ok()) {
            Some(path) => progress(Event::Whole { path: &path }),
            None => missing.push(file),
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    std::fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
    download(&missing, folder, mirrors, limits, progress)?;
    Ok(missing.len())
}

#[cfg(not(feature = "fetch"))]
fn download(
    _missing: &[&KnownFile],
    folder: &Path,
    _mirrors: &[String],
    _limits: &Limits,
    _progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    Err(Error::usage(format!(
        "this gpu-mlp was built without the `fetch` feature and cannot download\n  hint: build it with the \
         default features, or put the four files into {} by hand",
        folder.display()
    )))
}

#[cfg(feature = "fetch")]
fn download(
    missing: &[&KnownFile],
    folder: &Path,
    mirrors: &[String],
    limits: &Limits,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    remove_leftovers(folder, ABANDONED);
    let mut mirrors: Vec<&str> = mirrors.iter().map(String::as_str).collect();
    for file in missing {
        let mut failures = String::new();
        let mut stored = None;
        for (index, mirror) in mirrors.iter().enumerate() {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.stem);
            progress(Event::Start { url: &url });
            match from_mirror(&url, file, folder, limits, progress)? {
                Ok(path) => {
                    stored = Some((index, path));
                    break;
                }
                Err(reason) => {
                    progress(Event::Failed { url: &url, reason: &reason });
                    failures.push_str(&format!("\n  {url}: {reason}"));
                }
            }
        }
        let Some((index, path)) = stored else { return Err(all_failed(file, folder, &failures)) };
        // The next file comes from the mirror that works; the silent ones are not waited for four times.
        mirrors.rotate_left(index);
        clear_the_way(&path, file, folder, progress)?;
        progress(Event::Stored { path: &path });
    }
    Ok(())
}

/// One file from one mirror: where it now lies, or why the mirror could not give it.
#[cfg(feature = "fetch")]
fn from_mirror(
    url: &str,
    file: &KnownFile,
    folder: &Path,
    limits: &Limits,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<Result<PathBuf, String>> {
    use crate::files::atomic_file::AtomicFile;

    let mut part = AtomicFile::create(&folder.join(format!("{}.gz", file.stem)))?;
    // Bytes that do not compress grow by less than a thousandth.
    let cap = file.bytes + file.bytes / 1000 + 1024;
    match http::download(url, cap, part.file_mut(), limits, progress) {
        Ok(()) => {}
        Err(http::Failure::Mirror(reason)) => return Ok(Err(reason)),
        Err(http::Failure::Disk(error)) => return Err(Error::io("write", part.path())(error)),
    }
    let gzip = match check::received(part.file_mut(), file) {
        Ok(gzip) => gzip,
        Err(reason) => return Ok(Err(reason)),
    };
    if !gzip {
        // The mirror, or something on the way, has expanded it.
        part.rename_to(file.stem);
    }
    let path = part.path().to_owned();
    part.finish()?;
    Ok(Ok(path))
}

/// Makes sure that the look-up finds the new file at `path`, and not a damaged one in another spelling.
#[cfg(feature = "fetch")]
fn clear_the_way(
    path: &Path,
    file: &KnownFile,
    folder: &Path,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    while let Some(other) = folder::find(folder, file.stem).filter(|found| found != path) {
        let mut aside = other.clone().into_os_string();
        aside.push(".damaged");
        let aside = PathBuf::from(aside);
        std::fs::rename(&other, &aside).map_err(Error::io("rename", &other))?;
        progress(Event::SetAside { path: &aside });
    }
    Ok(())
}

#[cfg(feature = "fetch")]
fn all_failed(file: &KnownFile, folder: &Path, failures: &str) -> Error {
    let problem = format!("it could not be fetched; every mirror failed{failures}");
    let hint = format!(
        "download the file by hand and put it into {}; if this machine reaches the network through a proxy, name \
         that in HTTPS_PROXY",
        folder.display()
    );
    Error::file(folder.join(format!("{}.gz", file.stem)), problem, hint)
}
