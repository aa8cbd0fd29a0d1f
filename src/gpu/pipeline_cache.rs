//! Compiled pipelines, kept in a file from one run to the next if the driver provides them (Vulkan).
//!
//! The file only saves time: one that is damaged, too long, or from another driver is ignored, and if it cannot be written,
//! the program continues without it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::atomic_file::AtomicFile;

/// Begins every file; the number changes with the format.
const MAGIC: &[u8] = b"gpu-mlp pipelines 1\n";

/// Bytes of a SHA-256.
const SUM: usize = 32;

/// No driver's pipelines of these few kernels come near it.
const MAX_BYTES: u64 = 64 << 20;

/// wgpu's cache, and the file it is kept in.
pub(super) struct PipelineCache {
    pub raw: wgpu::PipelineCache,
    file: CacheFile,
    /// What the file held, if it was any good.
    found: Option<Vec<u8>>,
}

impl PipelineCache {
    /// The cache of this adapter in a folder, or nothing where the device keeps none.
    pub fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let name = format!("{}-{}", wgpu::util::pipeline_cache_key(adapter)?, env!("CARGO_PKG_VERSION"));
        let driver = format!("{} {} {}", adapter.name, adapter.driver, adapter.driver_info);
        let file = CacheFile::new(&folder.join(name), &driver);
        let found = file.read();
        Some(Self { raw: create(device, found.as_deref()), file, found })
    }

    /// Whether there was a file, and a sound one of this driver.
    pub fn is_warm(&self) -> bool {
        self.found.is_some()
    }

    /// Writes the file anew if the driver has something new to keep.
    pub fn save(&self) {
        let data = self.raw.get_data().filter(|data| self.found.as_ref() != Some(data));
        if let Some(Err(error)) = data.map(|data| self.file.write(&data)) {
            log::info!("compiled pipelines are not kept: {error}");
        }
    }
}

/// wgpu's cache, filled with what an earlier run kept.
#[allow(unsafe_code)]
fn create(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    // SAFETY: the data must come from `PipelineCache::get_data`. They are what `CacheFile` reads: bytes that this
    // program got from there, under this driver's name, and whose SHA-256 shows that they are still the same. wgpu
    // then checks its own header, of device and driver, and starts afresh (`fallback`) where that does not fit.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// A file of a driver's data: magic, SHA-256 of driver and data, data.
pub struct CacheFile {
    path: PathBuf,
    driver: String,
}

impl CacheFile {
    /// The file at `path` with the data of a driver, of whatever name.
    pub fn new(path: &Path, driver: &str) -> Self {
        Self { path: path.to_owned(), driver: driver.to_owned() }
    }

    fn sum(&self, data: &[u8]) -> [u8; SUM] {
        let hash = Sha256::new().chain_update(self.driver.as_bytes()).chain_update([0]).chain_update(data);
        hash.finalize().into()
    }

    /// The data, if the file is whole and of this driver.
    pub fn read(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(&self.path).ok()?.take(MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
        let (sum, data) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<SUM>()?;
        let sound = bytes.len() as u64 <= MAX_BYTES && *sum == self.sum(data);
        sound.then(|| data.to_vec())
    }

    /// Replaces the file, and makes its folder.
    ///
    /// # Errors
    /// [`Error::Io`] if either cannot be written.
    pub fn write(&self, data: &[u8]) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut file = AtomicFile::create(&self.path)?;
        let parts = [MAGIC, &self.sum(data), data];
        parts.iter().try_for_each(|part| file.write_all(part)).map_err(Error::io("write", &self.path))?;
        file.finish()
    }
}
