//! The rows of parts: whole parts are read, a few are kept, and those that are wanted soon are read on threads of their own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::file::Opened;
use crate::data::format::Format;
use crate::error::Result;

/// Threads that read and unpack parts before they are wanted.
const THREADS: usize = 2;

/// Of the samples that are wanted soon, every so many are looked at: a new part has an eighth of them.
const LOOKED_AT: usize = 64;

/// The parts of one split.
#[derive(Debug)]
pub struct Parts {
    shared: Arc<Shared>,
    threads: OnceLock<Option<ThreadPool>>,
    /// Whether rows were read since something was [`expect`](Parts::expect)ed: what lies on a device needs none.
    in_use: AtomicBool,
}

#[derive(Debug)]
struct Shared {
    format: Format,
    features: usize,
    files: Vec<PathBuf>,
    /// The first row of each part, and how many rows there are in all.
    bounds: Vec<usize>,
    digest: u64,
    /// How many parts are kept.
    room: usize,
    /// Those in memory or being read, the one that was wanted last at the end.
    kept: Mutex<Vec<(usize, Arc<Slot>)>>,
}

/// The place of a part in memory. Whoever locks it first reads it.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Arc<Vec<u8>>>>);

/// What panics in another thread leaves nothing half done here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Parts {
    /// Files with their numbers of rows, of which `room` are kept in memory. The digest stands for their content.
    pub fn new(
        format: Format,
        features: usize,
        files: Vec<(PathBuf, usize)>,
        room: usize,
        digest: u64,
    ) -> Self {
        let mut bounds = vec![0];
        bounds.extend(files.iter().scan(0, |end, (_, rows)| {
            *end += rows;
            Some(*end)
        }));
        let files = files.into_iter().map(|(path, _)| path).collect();
        let (room, kept) = (room.max(1), Mutex::default());
        let shared = Shared { format, features, files, bounds, digest, room, kept };
        Self { shared: Arc::new(shared), threads: OnceLock::new(), in_use: AtomicBool::new(false) }
    }

    /// What a value is stored as.
    pub fn format(&self) -> Format {
        self.shared.format
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.shared.features
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.shared.bounds[self.shared.files.len()]
    }

    /// A number that stands for the content of the files.
    pub fn digest(&self) -> u64 {
        self.shared.digest
    }

    /// Samples by the part that they are in.
    pub fn grouped(&self, samples: &[u32]) -> Vec<Vec<u32>> {
        let mut groups = vec![Vec::new(); self.shared.files.len()];
        samples.iter().for_each(|&sample| groups[self.shared.part_of(sample)].push(sample));
        groups.retain(|group| !group.is_empty());
        groups
    }

    /// These rows, one after another.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File) for a damaged part, [`Error::Io`](crate::error::Error::Io) for one that cannot be
    /// read.
    ///
    /// # Panics
    /// If there is no such row, as slice indexing does.
    pub fn read(&self, wanted: &[u32]) -> Result<Vec<u8>> {
        self.in_use.store(true, Ordering::Relaxed);
        let shared = &*self.shared;
        let size = shared.row_bytes();
        let mut rows = Vec::with_capacity(wanted.len() * size);
        // However many parts the rows are in, no more are held than there is room for.
        let mut held: Vec<(usize, Arc<Vec<u8>>)> = Vec::with_capacity(shared.room);
        for &row in wanted {
            let part = shared.part_of(row);
            let place = match held.iter().position(|(own, _)| *own == part) {
                Some(place) => place,
                None => {
                    if held.len() == shared.room {
                        held.remove(0);
                    }
                    held.push((part, shared.bytes(part)?));
                    held.len() - 1
                }
            };
            let at = (row as usize - shared.bounds[part]) * size;
            rows.extend_from_slice(&held[place].1[at..at + size]);
        }
        Ok(rows)
    }

    /// Begins to read the parts of samples that are wanted soon, in the order in which they will be, as far ahead as a part has
    /// samples. There is room for one part more than are in use, so nothing runs ahead any further.
    pub fn prefetch(&self, soon: &[u32]) {
        if !self.in_use.swap(false, Ordering::Relaxed) {
            return;
        }
        let far = self.rows() / self.shared.files.len();
        for &sample in soon.iter().take(far.max(1)).step_by(LOOKED_AT) {
            let part = self.shared.part_of(sample);
            let (slot, is_new) = self.shared.slot(part);
            if !is_new {
                continue;
            }
            let Some(threads) = self.threads() else { return };
            let shared = self.shared.clone();
            // Whoever wants the part meets the error again.
            threads.spawn(move || drop(shared.filled(part, &slot)));
        }
    }

    fn threads(&self) -> Option<&ThreadPool> {
        let pool = || ThreadPoolBuilder::new().num_threads(THREADS).thread_name(|n| format!("parts {n}"));
        self.threads.get_or_init(|| pool().build().ok()).as_ref()
    }
}

impl Shared {
    fn row_bytes(&self) -> usize {
        self.features * self.format.size()
    }

    fn part_of(&self, row: u32) -> usize {
        self.bounds.partition_point(|&bound| bound <= row as usize) - 1
    }

    /// The place of a part, and whether it was given none before. The part that was wanted longest ago makes room for it.
    fn slot(&self, part: usize) -> (Arc<Slot>, bool) {
        let mut kept = locked(&self.kept);
        let known = kept.iter().position(|(own, _)| *own == part).map(|place| kept.remove(place));
        let is_new = known.is_none();
        if is_new && kept.len() >= self.room {
            kept.remove(0);
        }
        let (_, slot) = known.unwrap_or_default();
        kept.push((part, slot.clone()));
        (slot, is_new)
    }

    fn bytes(&self, part: usize) -> Result<Arc<Vec<u8>>> {
        self.filled(part, &self.slot(part).0)
    }

    /// The bytes in a slot, read if they are not there yet.
    fn filled(&self, part: usize, slot: &Slot) -> Result<Arc<Vec<u8>>> {
        let mut held = locked(&slot.0);
        if let Some(bytes) = &*held {
            return Ok(bytes.clone());
        }
        let rows = self.bounds[part + 1] - self.bounds[part];
        let bytes = Arc::new(Opened::open(&self.files[part], rows)?.values(self.format, self.features)?);
        *held = Some(bytes.clone());
        Ok(bytes)
    }
}

/// Two are the same if they are the same parts of the same files.
impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        let key =
            |parts: &Self| (parts.shared.files.clone(), parts.shared.digest, parts.shared.bounds.clone());
        key(self) == key(other)
    }
}

impl Eq for Parts {}
