//! Rows in the order of use: those left in a file are read while the caller still computes on
//! the ones before.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Targets;
use super::format::Format;
use super::samples::{Rows, Samples};
use crate::error::{Error, Result};

/// Threads that read. They do little but wait for the disk, and a disk is the faster the more it is asked for at once.
const THREADS: usize = 8;

/// Reads the rows of one split ahead of their use. Of rows in memory it is no more than a look-up.
#[derive(Default)]
pub struct Reader {
    threads: Option<ThreadPool>,
    ahead: Option<Ahead>,
}

/// Rows being read.
struct Ahead {
    wanted: Arc<[u32]>,
    rows: Receiver<Result<Vec<u8>>>,
}

/// Some samples of a split, their rows in memory: all of the split's where they are there anyway, else just these.
pub struct Chunk<'a> {
    format: Format,
    row_bytes: usize,
    pixels: Cow<'a, [u8]>,
    labels: Cow<'a, [u32]>,
    targets: &'a Targets,
    /// None where all count the same.
    weights: Cow<'a, [f32]>,
    indices: Cow<'a, [u32]>,
}

impl<'a> Chunk<'a> {
    /// These samples under their own numbers, for callers that need only their labels: there are no rows.
    pub fn unread(samples: &'a Samples, wanted: &'a [u32]) -> Self {
        let (pixels, labels) = (Cow::default(), samples.labels().into());
        let weights = samples.weights().unwrap_or_default().into();
        let (format, row_bytes) = (samples.format(), samples.row_bytes());
        Self {
            format,
            row_bytes,
            pixels,
            labels,
            targets: samples.targets(),
            weights,
            indices: wanted.into(),
        }
    }

    /// The samples that were asked for, in that order, as numbers for [`row`](Self::row) and [`labels`](Self::labels).
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The bytes of one of the [`indices`](Self::indices).
    ///
    /// # Panics
    /// If there is no such row, as slice indexing does.
    pub fn row(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.row_bytes..(index + 1) * self.row_bytes]
    }

    /// What the bytes of a row are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// One number for each row, as [`Samples::labels`] has them.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// What one of the [`indices`](Self::indices) counts in training: 1 where all count the same.
    pub fn weight(&self, index: u32) -> f32 {
        self.weights.get(index as usize).copied().unwrap_or(1.0)
    }

    /// What is to be multiplied by [`weight`](Self::weight) so that the samples of a batch count 1 together.
    pub fn scale(&self, batch: &[u32]) -> f32 {
        match self.weights.is_empty() {
            true => 1.0 / batch.len() as f32,
            false => 1.0 / batch.iter().map(|&index| self.weight(index)).sum::<f32>(),
        }
    }

    /// The targets of one of the [`labels`](Self::labels), where they are numbers.
    ///
    /// # Panics
    /// If there is no such sample, as slice indexing does.
    pub fn target(&self, label: u32) -> &[f32] {
        self.targets.row(label as usize)
    }
}

impl Reader {
    /// The samples `wanted`, at least one. Those of `next` are then read in the background; they should be what is
    /// wanted in the next call, or its beginning.
    ///
    /// # Errors
    /// As [`Samples::read`].
    pub fn chunk<'a>(&mut self, samples: &'a Samples, wanted: &'a [u32], next: &[u32]) -> Result<Chunk<'a>> {
        let labels = samples.labels();
        if let Rows::Memory(pixels) = samples.rows() {
            return Ok(Chunk { pixels: pixels.as_slice().into(), ..Chunk::unread(samples, wanted) });
        }
        let stored = (samples.rows(), samples.row_bytes());
        let pixels = self.read(stored, wanted)?.into();
        self.begin(stored, next)?;
        let labels = wanted.iter().map(|&sample| labels[sample as usize]).collect();
        let weights = samples.weights().map_or(Cow::default(), |weights| {
            wanted.iter().map(|&sample| weights[sample as usize]).collect()
        });
        let indices = (0..wanted.len() as u32).collect();
        Ok(Chunk { pixels, labels, weights, indices, ..Chunk::unread(samples, wanted) })
    }

    /// Takes what was read ahead, as far as it is what is wanted, and reads the rest.
    fn read(&mut self, (stored, size): (&Rows, usize), wanted: &[u32]) -> Result<Vec<u8>> {
        let mut rows = Vec::new();
        if let Some(ahead) = self.ahead.take() {
            let both = ahead.wanted.len().min(wanted.len());
            if ahead.wanted[..both] == wanted[..both] {
                rows = ahead
                    .rows
                    .recv()
                    .map_err(|_| Error::Internal("a thread that reads has died".into()))??;
                rows.truncate(both * size);
            }
        }
        let missing = &wanted[rows.len() / size..];
        if !missing.is_empty() {
            rows.extend(self.threads()?.install(|| stored.read(missing, size))?);
        }
        Ok(rows)
    }

    fn begin(&mut self, (stored, size): (&Rows, usize), next: &[u32]) -> Result<()> {
        if next.is_empty() {
            return Ok(());
        }
        let (sender, rows) = channel();
        let (stored, wanted) = (stored.clone(), Arc::<[u32]>::from(next));
        self.ahead = Some(Ahead { wanted: wanted.clone(), rows });
        self.threads()?.spawn(move || {
            // Nobody listens any more if the reader was dropped, or something else became wanted.
            let _ = sender.send(stored.read(&wanted, size));
        });
        Ok(())
    }

    /// The threads, which are not there before something is read from a file.
    fn threads(&mut self) -> Result<&ThreadPool> {
        let threads = &mut self.threads;
        match threads {
            Some(threads) => Ok(threads),
            None => {
                let pool =
                    ThreadPoolBuilder::new().num_threads(THREADS).thread_name(|n| format!("reader {n}"));
                let refused = |error| Error::Internal(format!("no threads to read with: {error}"));
                Ok(threads.insert(pool.build().map_err(refused)?))
            }
        }
    }
}
