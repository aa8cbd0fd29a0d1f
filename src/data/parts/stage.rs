//! Samples on their way into parts: each goes to a part at random, so every part is like the whole set.
//!
//! A part that is being filled is a file of records, which is only added to: its row, then its targets, then its weight.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use super::file::Content;
use super::manifest::Entry;
use super::verify::hexadecimal;
use crate::data::format::Format;
use crate::data::samples::Samples;
use crate::data::{Split, Targets};
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;

/// Bytes of samples that are read before they are dealt out.
const PIECE: usize = 32 << 20;

/// The parts of a split that are being filled.
pub struct Stage {
    split: Split,
    /// Where the records are.
    folder: PathBuf,
    /// How many samples each part has.
    counts: Vec<usize>,
    kind: Option<Kind>,
    rng: ChaCha8Rng,
}

/// What a record is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    format: Format,
    features: usize,
    /// Targets of a sample that are numbers, if they are.
    width: Option<usize>,
    weighted: bool,
}

impl Kind {
    fn of(samples: &Samples) -> Self {
        let width = match samples.targets() {
            Targets::Classes(_) => None,
            Targets::Values { width, .. } => Some(*width),
        };
        let (format, features) = (samples.format(), samples.features());
        Self { format, features, width, weighted: samples.weights().is_some() }
    }

    /// Bytes of the row, the targets and the weight.
    fn sizes(self) -> [usize; 3] {
        [self.features * self.format.size(), 4 * self.width.unwrap_or(1), 4 * usize::from(self.weighted)]
    }
}

impl Stage {
    /// Of so many parts, dealt out by a seed.
    pub fn new(split: Split, folder: &Path, parts: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(split as u64);
        Self { split, folder: folder.to_owned(), counts: vec![0; parts.max(1)], kind: None, rng }
    }

    fn path(&self, part: usize) -> PathBuf {
        self.folder.join(format!("{}-{part}", self.split.name()))
    }

    /// Adds samples.
    ///
    /// # Errors
    /// [`Error::Usage`] if they are of another kind than those before; what reading and writing report.
    pub fn add(&mut self, samples: &Samples) -> Result<()> {
        let kind = Kind::of(samples);
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Error::usage(
                "the files have values of different kinds: bytes and numbers, or with and without weights",
            )
            .hint("make the parts of files of one kind"));
        }
        let all: Vec<u32> = (0..samples.len() as u32).collect();
        let [row, ..] = kind.sizes();
        for piece in all.chunks((PIECE / row).max(1)) {
            let rows = samples.read(piece)?;
            let mut records = vec![Vec::new(); self.counts.len()];
            for (&sample, row) in piece.iter().zip(rows.chunks_exact(row)) {
                let part = self.rng.random_range(0..records.len());
                self.counts[part] += 1;
                let record = &mut records[part];
                record.extend_from_slice(row);
                match samples.targets() {
                    Targets::Classes(classes) => record.extend(classes[sample as usize].to_ne_bytes()),
                    targets => record.extend_from_slice(bytemuck::cast_slice(targets.row(sample as usize))),
                }
                record.extend(
                    samples.weights().iter().flat_map(|weights| weights[sample as usize].to_ne_bytes()),
                );
            }
            for (part, records) in records.iter().enumerate().filter(|(_, records)| !records.is_empty()) {
                let path = self.path(part);
                let file = File::options().create(true).append(true).open(&path);
                file.and_then(|mut file| file.write_all(records)).map_err(Error::io("write", &path))?;
            }
        }
        Ok(())
    }

    /// What the rows are stored as, if there are any.
    pub fn kind(&self) -> Option<(Format, usize)> {
        self.kind.map(|Kind { format, features, .. }| (format, features))
    }

    /// Writes the parts to a folder, the samples of each in a random order. Chance may leave one without samples, which is none.
    ///
    /// # Errors
    /// [`Error::Io`] if something cannot be read or written.
    pub fn finish(mut self, folder: &Path) -> Result<Vec<Entry>> {
        let Some(kind) = self.kind else { return Ok(Vec::new()) };
        let filled: Vec<usize> = (0..self.counts.len()).filter(|&part| self.counts[part] > 0).collect();
        let mut entries = Vec::with_capacity(filled.len());
        let name = ["train", "test", "validation"][self.split as usize];
        for (number, &part) in filled.iter().enumerate() {
            let staged = self.path(part);
            let records = fs::read(&staged).map_err(Error::io("read", &staged))?;
            let file = format!("{name}-{number:05}.npz");
            let path = folder.join(&file);
            let bytes = kind.part(&records, &mut self.rng)?.bytes().map_err(Error::io("write", &path))?;
            let mut target = AtomicFile::create(&path)?;
            target.write_all(&bytes).map_err(Error::io("write", &path))?;
            target.finish()?;
            fs::remove_file(&staged).map_err(Error::io("remove", &staged))?;
            let sha256 = hexadecimal(&Sha256::digest(&bytes));
            entries.push(Entry { file, rows: self.counts[part], bytes: bytes.len() as u64, sha256 });
        }
        Ok(entries)
    }
}

impl Kind {
    /// Records in a random order.
    fn part(self, records: &[u8], rng: &mut ChaCha8Rng) -> Result<Content> {
        let [row, target, weight] = self.sizes();
        let mut shuffled: Vec<&[u8]> = records.chunks_exact(row + target + weight).collect();
        shuffled.shuffle(rng);
        let field = |from: usize, size: usize| -> Vec<u8> {
            shuffled.iter().flat_map(|record| &record[from..from + size]).copied().collect()
        };
        let targets = field(row, target);
        let targets = match self.width {
            None => Targets::Classes(bytemuck::pod_collect_to_vec(&targets)),
            Some(width) => Targets::values(width, bytemuck::pod_collect_to_vec(&targets))?,
        };
        let weights = bytemuck::pod_collect_to_vec(&field(row + target, weight));
        Ok(Content { format: self.format, features: self.features, rows: field(0, row), targets, weights })
    }
}
