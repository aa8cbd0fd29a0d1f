//! Rows of bytes that stay in their file and are read one by one, from any place, by any number of threads.
//!
//! Rows are read by position and not through a memory map: mapped pages that were touched count as this program's memory,
//! a truncated file kills a program that maps it, and maps need `unsafe` code. A read costs about a microsecond if the
//! operating system has the page, far less than a network spends on the row.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::files::fs::{self, File};

/// Rows that one thread reads before it looks for more work.
const PIECE: usize = 64;

/// A file of rows of one length, one after another.
#[derive(Debug)]
pub struct RowFile {
    file: Arc<File>,
    path: PathBuf,
    /// Where the first row begins.
    start: u64,
    row_bytes: usize,
    /// Of the whole file.
    rows: usize,
    /// The rows that are meant, if these are not all.
    chosen: Option<Vec<u32>>,
}

impl RowFile {
    /// `rows` rows of `row_bytes` bytes, which is not 0, from byte `start` of an open file; errors call it `path`.
    pub fn new(file: File, path: &Path, start: u64, row_bytes: usize, rows: usize) -> Self {
        Self { file: Arc::new(file), path: path.to_owned(), start, row_bytes, rows, chosen: None }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.chosen.as_ref().map_or(self.rows, Vec::len)
    }

    /// These rows of the same file.
    ///
    /// # Panics
    /// If there is no such row, as slice indexing does.
    pub fn part(&self, rows: &[usize]) -> Self {
        let chosen = rows.iter().map(|&row| self.place(row as u32)).collect();
        let (file, path) = (self.file.clone(), self.path.clone());
        Self { file, path, chosen: Some(chosen), ..*self }
    }

    /// The number of a row in the file.
    fn place(&self, row: u32) -> u32 {
        self.chosen.as_ref().map_or(row, |chosen| chosen[row as usize])
    }

    /// Bytes in a row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Reads these rows, one after another, with the threads of the present pool.
    ///
    /// # Errors
    /// [`Error::File`] if the file has become shorter since it was opened; [`Error::Io`] if it cannot be read.
    pub fn read(&self, wanted: &[u32]) -> Result<Vec<u8>> {
        let mut bytes = vec![0; wanted.len() * self.row_bytes];
        let pieces = bytes.par_chunks_mut(PIECE * self.row_bytes).zip(wanted.par_chunks(PIECE));
        pieces.try_for_each(|(bytes, wanted)| self.read_piece(wanted, bytes))?;
        Ok(bytes)
    }

    /// Rows that follow each other in the file too are one read.
    fn read_piece(&self, wanted: &[u32], mut bytes: &mut [u8]) -> Result<()> {
        let wanted: Vec<u32> = wanted.iter().map(|&row| self.place(row)).collect();
        for run in wanted.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let (target, rest) = bytes.split_at_mut(run.len() * self.row_bytes);
            let offset = self.start + u64::from(run[0]) * self.row_bytes as u64;
            fs::read_exact_at(&self.file, target, offset).map_err(|error| self.refused(error, run[0]))?;
            bytes = rest;
        }
        Ok(())
    }

    fn refused(&self, error: io::Error, row: u32) -> Error {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return Error::io("read", &self.path)(error);
        }
        let problem =
            format!("it now ends before image {} of {}, but was complete when it was opened", row, self.rows);
        Error::file(&self.path, problem, "restore the file, and do not change it while it is in use")
    }
}

/// Two are the same if they are the same part of the same file.
impl PartialEq for RowFile {
    fn eq(&self, other: &Self) -> bool {
        let key = |file: &Self| (file.path.clone(), file.start, file.row_bytes, file.rows);
        key(self) == key(other) && self.chosen == other.chosen
    }
}

impl Eq for RowFile {}
