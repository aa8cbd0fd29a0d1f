//! Those that a page was given: in memory, by their paths. A folder is there as long as something is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

type Files = BTreeMap<PathBuf, Arc<[u8]>>;

static FILES: Mutex<Files> = Mutex::new(BTreeMap::new());

fn with<T>(use_files: impl FnOnce(&mut Files) -> T) -> T {
    use_files(&mut FILES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A path without what says nothing: `./a//b/.` is `a/b`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

/// Puts a file into its place, where another may have been.
pub fn give(path: &Path, bytes: Vec<u8>) {
    with(|files| files.insert(plain(path), bytes.into()));
}

/// Takes all files away.
pub fn clear() {
    with(BTreeMap::clear);
}

/// Takes a file away, and gives all of it.
///
/// # Errors
/// If there is none.
pub fn take(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = with(|files| files.remove(&plain(path))).ok_or_else(missing)?;
    Ok(bytes.to_vec())
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no such file or folder was given")
}

/// What is below a folder, by path.
fn below(files: &Files, folder: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = plain(folder);
    let from = if folder.as_os_str().is_empty() { Bound::Unbounded } else { Bound::Excluded(folder.clone()) };
    let inside = files.range((from, Bound::Unbounded)).map(|(path, _)| path.clone());
    // Paths are in the order of their parts, so that what is in a folder stands together.
    inside.take_while(move |path| path.starts_with(&folder)).collect::<Vec<_>>().into_iter()
}

/// Whether there is a file or a folder.
pub fn exists(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    is_file(path) || is_dir(path)
}

/// Whether it is a folder.
pub fn is_dir(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    with(|files| below(files, path).next().is_some())
}

/// Whether it is a file.
pub fn is_file(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    with(|files| files.contains_key(&plain(path)))
}

/// What is in a folder, by name.
///
/// # Errors
/// If there is no such folder.
pub fn paths(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<PathBuf>>> {
    let depth = plain(folder).components().count();
    let own = |path: PathBuf| path.components().nth(depth).map(|name| folder.join(name));
    let names: BTreeSet<PathBuf> = with(|files| below(files, folder).filter_map(own).collect());
    if names.is_empty() { Err(missing()) } else { Ok(names.into_iter().map(Ok)) }
}

/// The path by which a file or folder is known.
///
/// # Errors
/// If there is none.
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref();
    if exists(path) { Ok(plain(path)) } else { Err(missing()) }
}

/// What is known of a file or folder.
///
/// # Errors
/// If there is none.
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref();
    match with(|files| files.get(&plain(path)).map(|bytes| bytes.len() as u64)) {
        Some(length) => Ok(Metadata { length: Some(length) }),
        None if is_dir(path) => Ok(Metadata { length: None }),
        None => Err(missing()),
    }
}

/// What is known of a file or folder.
#[derive(Debug)]
pub struct Metadata {
    /// Of a file.
    length: Option<u64>,
}

impl Metadata {
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.length.is_some()
    }

    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.length.is_none()
    }

    /// The bytes of a file; of a folder 0.
    #[allow(clippy::len_without_is_empty, reason = "as in std")]
    pub fn len(&self) -> u64 {
        self.length.unwrap_or(0)
    }
}

/// A file that is being read.
#[derive(Debug)]
pub struct File {
    bytes: Cursor<Arc<[u8]>>,
}

impl File {
    /// Begins to read a file.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let bytes = with(|files| files.get(&plain(path.as_ref())).cloned()).ok_or_else(missing)?;
        Ok(Self { bytes: Cursor::new(bytes) })
    }

    /// What is known of it.
    ///
    /// # Errors
    /// Never: as in std.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata { length: Some(self.bytes.get_ref().len() as u64) })
    }
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(bytes)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// Fills `bytes` with what stands at a place of a file.
///
/// # Errors
/// If it ends before.
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut source = Cursor::new(&file.bytes.get_ref()[..]);
    source.set_position(offset);
    source.read_exact(bytes)
}
