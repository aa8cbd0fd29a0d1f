//! The device: opened, asked, given up.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use web_time::Duration;

use super::adapter::{Adapter, AdapterSummary, Backend, DeviceType, Limits};
use super::kernel::Kernel;
use super::pipeline_cache::PipelineCache;
use super::precision::Precision;
use super::shader::Shader;
use crate::error::{Error, Result, Setting, message};

/// An opened device: cheap to clone, all clones are the same device.
#[derive(Clone)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) summary: Arc<AdapterSummary>,
    pub(super) pipeline_cache: Option<Arc<PipelineCache>>,
    /// Lanes of a subgroup, if shaders can speak of subgroups and all have the same size: then as many invocations, alone
    /// in a workgroup, are one.
    pub(super) lanes: Option<u32>,
    /// Time spent compiling pipelines so far.
    pub(super) compiling: Arc<Mutex<Duration>>,
    /// Kernels that are compiled already, by where their WGSL lies, the entry point, and whether they check.
    pub(super) compiled: Arc<Mutex<Compiled>>,
    /// Whether kernels check every index and every loop.
    pub(super) checks: bool,
    /// Rows and columns of the matrices that the device multiplies in f16, if it was opened for that.
    pub(super) matrices: Option<u32>,
    /// Operations of a launch at most.
    pub(super) longest_launch: u64,
    /// The first complaint of the device, kept until somebody asks: wgpu reports through callbacks.
    pub(super) fault: Arc<Mutex<Option<String>>>,
    /// What stands in for one of the program's shaders.
    pub(super) substitute: Option<Shader>,
    /// Bytes that may still be allocated.
    pub(super) memory_left: Arc<Mutex<u64>>,
}

/// Operations that the slowest GPUs in use, of 0.15 TFLOP/s, do in 250 ms; one with its own memory has ten times their speed at
/// least. Windows takes a GPU for hung, and resets it, whose launch lasts 2 s; a screen that it draws stands still meanwhile.
const LONGEST_LAUNCH: u64 = 37_500_000_000;

fn longest_launch(summary: &AdapterSummary) -> u64 {
    match (summary.device_type, summary.backend) {
        // OpenGL only guesses what kind of device it is.
        (DeviceType::DiscreteGpu, Backend::Vulkan | Backend::Metal | Backend::Dx12) => 10 * LONGEST_LAUNCH,
        _ => LONGEST_LAUNCH,
    }
}

type Compiled = HashMap<(usize, String, bool), Kernel>;

/// What compiling kernels took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pipelines {
    /// Time spent on it.
    pub pipeline_seconds: f64,
    /// Whether an earlier run's pipelines were at hand: a sound file of this driver.
    pub pipelines_cached: bool,
}

impl Gpu {
    /// Opens the adapter with the limits it offers.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if the adapter has no compute shaders or refuses to open.
    pub async fn open(adapter: &Adapter) -> Result<Self> {
        Self::open_as(adapter, Limits::NONE, Precision::F32, None).await
    }

    /// As [`open`](Self::open), for large products of a precision; compiled pipelines are kept in a folder, if one is given
    /// and the driver hands them out.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::NoAdapter`] also if the adapter does not offer the precision. A folder that cannot
    /// be used is none.
    pub async fn open_with(adapter: &Adapter, precision: Precision, folder: Option<&Path>) -> Result<Self> {
        Self::open_as(adapter, Limits::NONE, precision, folder).await
    }

    /// As [`open`](Self::open), with less than the adapter offers: as a smaller one would be.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_within(adapter: &Adapter, limits: Limits) -> Result<Self> {
        Self::open_as(adapter, limits, Precision::F32, None).await
    }

    async fn open_as(
        adapter: &Adapter,
        limits: Limits,
        precision: Precision,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let matrices = adapter.matrices_for(precision)?;
        let refused = |reason: String| {
            Error::no_adapter(format!("adapter \"{}\" cannot be used: {reason}", adapter.summary.name)).hint(
                message![
                    "`gpu-mlp devices` lists the others; `",
                    Setting::Backend.set("cpu"),
                    "` needs none"
                ],
            )
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gpu-mlp"),
            required_limits: adapter.limits_to_request(limits).map_err(refused)?,
            // The first three are useful but not required: no adapter is refused without them.
            required_features: adapter.raw.features()
                & (wgpu::Features::PIPELINE_CACHE
                    | wgpu::Features::TIMESTAMP_QUERY
                    | wgpu::Features::SUBGROUP
                    | precision.features()),
            experimental_features: Adapter::experiments(precision),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let opened = adapter.raw.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|error| refused(error.to_string()))?;
        let info = adapter.raw.get_info();
        let pipeline_cache = folder.and_then(|folder| PipelineCache::open(&device, &info, folder));
        let one_size = info.subgroup_min_size == info.subgroup_max_size;
        let lanes = (one_size && device.features().contains(wgpu::Features::SUBGROUP))
            .then_some(info.subgroup_min_size);
        let gpu = Self {
            device,
            queue,
            summary: Arc::new(adapter.summary.clone()),
            pipeline_cache: pipeline_cache.map(Arc::new),
            lanes,
            compiling: Arc::default(),
            compiled: Arc::default(),
            checks: cfg!(debug_assertions),
            matrices,
            longest_launch: longest_launch(&adapter.summary),
            fault: Arc::default(),
            substitute: None,
            memory_left: Arc::new(Mutex::new(limits.memory)),
        };
        gpu.listen_for_faults();
        Ok(gpu)
    }

    fn listen_for_faults(&self) {
        let keep_first = |fault: &Arc<Mutex<Option<String>>>| {
            let fault = fault.clone();
            move |text: String| {
                fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
            }
        };
        let (lost, error) = (keep_first(&self.fault), keep_first(&self.fault));
        self.device.set_device_lost_callback(move |reason, message| {
            // Dropping the last handle also "loses" the device; that is no fault, and nobody is left to hear of it.
            if reason != wgpu::DeviceLostReason::Destroyed || !message.is_empty() {
                log::error!("{reason:?}: {message}");
            }
            lost(format!("the device was lost ({reason:?}) {message}").trim_end().to_owned());
        });
        self.device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            log::error!("{e}");
            error(e.to_string());
        }));
    }

    /// The same device, whose kernels check every index and every loop, or trust the checks of shapes. Tests and debug builds
    /// check; release builds do not unless asked to.
    pub fn with_checks(&self, checks: bool) -> Self {
        Self { checks, ..self.clone() }
    }

    /// The same device, whose launches are cut so that none has more operations.
    pub fn with_longest_launch(&self, flops: u64) -> Self {
        Self { longest_launch: flops, ..self.clone() }
    }

    /// Additions and multiplications of a launch at most.
    pub fn longest_launch(&self) -> u64 {
        self.longest_launch
    }

    /// The same device, taken for one of another type: kernels are chosen, and launches cut, as they would be there.
    pub fn taken_for(&self, device_type: DeviceType) -> Self {
        let summary = AdapterSummary { device_type, ..self.summary().clone() };
        Self { longest_launch: longest_launch(&summary), summary: Arc::new(summary), ..self.clone() }
    }

    /// The same device, on which a file of WGSL stands in for the one of its name: what a kernel that is wrong would do.
    pub fn substituting(&self, shader: Shader) -> Self {
        Self { substitute: Some(shader), ..self.clone() }
    }

    /// What the operands of large products are rounded to.
    pub fn precision(&self) -> Precision {
        if self.matrices.is_some() { Precision::F16 } else { Precision::F32 }
    }

    /// What is known of the adapter.
    pub fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    /// What compiling kernels has taken so far.
    pub fn pipelines(&self) -> Pipelines {
        let seconds = self.compiling.lock().unwrap_or_else(PoisonError::into_inner).as_secs_f64();
        let cached = self.pipeline_cache.as_ref().is_some_and(|cache| cache.is_warm());
        Pipelines { pipeline_seconds: seconds, pipelines_cached: cached }
    }

    /// Keeps what was compiled for the next run, where there is a cache.
    pub fn keep_pipelines(&self) {
        if let Some(cache) = &self.pipeline_cache {
            cache.save();
        }
    }

    /// The largest buffer a kernel can be given, in bytes.
    pub fn max_binding_size(&self) -> u64 {
        let limits = self.device.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// Gives the device up, for all clones: from now on they find it lost.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Raises what the device has complained of, if it has.
    ///
    /// # Errors
    /// [`Error::Device`] with the device's first complaint: what was computed since is in doubt.
    pub fn check(&self) -> Result<()> {
        match self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(fault) => Err(Error::Device(fault)),
            None => Ok(()),
        }
    }
}
