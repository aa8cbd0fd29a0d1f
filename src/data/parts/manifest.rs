//! What a folder of parts says of them.

use std::io::{Read, Write};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::data::format::Format;
use crate::data::preparation::Preparation;
use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;
use crate::files::fs;
use crate::files::regular_file;

/// The file that says what the parts of a folder are.
pub const MANIFEST: &str = "parts.json";

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The most bytes of a manifest: those of about 400,000 parts.
const MOST_BYTES: u64 = 64 << 20;

const AGAIN: &str = "make the parts again with `gpu-mlp data shard`";

/// What the parts of a folder are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub version: u32,
    /// What the set is called.
    pub name: String,
    /// Rows and columns of an image; samples that are no images have one row.
    pub image_shape: [usize; 2],
    /// Values in a row.
    pub features: usize,
    /// What a value is stored as.
    pub format: Format,
    /// How the values were made, and what the outputs of a network stand for.
    pub preparation: Preparation,
    /// The parts to train on: at least one.
    pub train: Vec<Entry>,
    /// Those to choose by.
    pub validation: Vec<Entry>,
    /// Those to test on; if there are none, the training part is tested on.
    pub test: Vec<Entry>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of its file in the folder.
    pub file: String,
    /// How many samples it has.
    pub rows: usize,
    /// Bytes of the file.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Whether a folder says that it holds parts.
pub fn is_parts(folder: &Path) -> bool {
    fs::is_dir(folder) && fs::is_file(folder.join(MANIFEST))
}

impl Manifest {
    /// Reads that of a folder.
    ///
    /// # Errors
    /// [`Error::File`] if it is damaged, or says what cannot be; [`Error::Io`] if it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let mut text = Vec::new();
        let source = regular_file::open(&path)?;
        source.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(Error::io("read", &path))?;
        let refused = |problem: String| Error::file(&path, problem, AGAIN);
        if text.len() as u64 > MOST_BYTES {
            return Err(refused(format!("it is longer than {MOST_BYTES} bytes")));
        }
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| refused(format!("it does not say what the parts are: {error}")))?;
        manifest.check().map_err(refused)?;
        Ok(manifest)
    }

    /// Writes it to a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        let mut file = AtomicFile::create(&path)?;
        file.write_all(&text).map_err(Error::io("write", &path))?;
        file.finish()
    }

    /// All parts.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.train.iter().chain(&self.validation).chain(&self.test)
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!(
                "it has the version {}, and this program reads version {VERSION}",
                self.version
            ));
        }
        if self.train.is_empty() {
            return Err("it names no part to train on".into());
        }
        for Entry { file, rows, .. } in self.entries() {
            let mut components = Path::new(file).components();
            let is_name =
                matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
            if !is_name {
                return Err(format!("`{file}` is not the name of a file in the folder"));
            }
            if *rows == 0 {
                return Err(format!("the part {file} has no rows"));
            }
        }
        for part in [&self.train, &self.validation, &self.test] {
            let rows = part.iter().try_fold(0_usize, |sum, entry| sum.checked_add(entry.rows));
            if rows.is_none_or(|rows| u32::try_from(rows).is_err()) {
                return Err(format!("it has more than {} samples", u32::MAX));
            }
        }
        let [rows, columns] = self.image_shape;
        let pixels = rows.checked_mul(columns).ok_or("its images are too large")?;
        if self.features == 0 || (pixels != self.features && pixels.checked_mul(3) != Some(self.features)) {
            return Err(format!("rows of {} values are no images of {rows} x {columns}", self.features));
        }
        self.preparation.check(self.features, self.preparation.class_names.len())
    }
}
