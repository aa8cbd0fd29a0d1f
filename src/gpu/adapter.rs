//! Finding the adapters of this machine, describing them, and choosing one.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result, Setting, message};

/// A graphics interface that wgpu can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Linux, Windows, Android.
    Vulkan,
    /// Apple.
    Metal,
    /// Windows.
    Dx12,
    /// Browsers.
    WebGpu,
    /// OpenGL ES 3.1 and later.
    Gl,
}

impl Backend {
    /// All that exist.
    pub const ALL: [Self; 5] = [Self::Vulkan, Self::Metal, Self::Dx12, Self::WebGpu, Self::Gl];

    /// The name, as options spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
            Self::WebGpu => "webgpu",
            Self::Gl => "gl",
        }
    }

    /// Whether this build can use it on this platform (whether a driver is there is another question).
    pub fn is_built_in(self) -> bool {
        wgpu::Instance::enabled_backend_features().contains(self.bits())
    }

    fn bits(self) -> wgpu::Backends {
        match self {
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
            Self::WebGpu => wgpu::Backends::BROWSER_WEBGPU,
            Self::Gl => wgpu::Backends::GL,
        }
    }

    fn of(backend: wgpu::Backend) -> Option<Self> {
        Self::ALL.into_iter().find(|b| b.bits().contains(wgpu::Backends::from(backend)))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|backend| backend.name() == name).ok_or(())
    }
}

/// What kind of thing computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    /// A GPU with its own memory.
    DiscreteGpu,
    /// A GPU that shares the machine's memory.
    IntegratedGpu,
    /// A GPU handed into a virtual machine.
    VirtualGpu,
    /// A program on the CPU that behaves as an adapter, such as lavapipe or SwiftShader.
    Cpu,
    /// Unknown to the driver.
    Other,
}

impl DeviceType {
    /// Whether what is on the device takes the machine's own memory.
    pub fn shares_memory(self) -> bool {
        matches!(self, Self::IntegratedGpu | Self::Cpu)
    }

    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DiscreteGpu => "discrete_gpu",
            Self::IntegratedGpu => "integrated_gpu",
            Self::VirtualGpu => "virtual_gpu",
            Self::Cpu => "cpu",
            Self::Other => "other",
        }
    }
}

/// What a person wants to know of an adapter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AdapterSummary {
    /// Position in the list of all adapters, as `--adapter` takes it.
    pub index: usize,
    /// The adapter's own name.
    pub name: String,
    /// The interface it is reached by.
    pub backend: Backend,
    /// Hardware or software.
    pub device_type: DeviceType,
    /// Whether Intel made it.
    #[serde(skip)]
    pub intel: bool,
    /// The driver and its version.
    pub driver: String,
    /// Whether it can run compute shaders at all.
    pub compute: bool,
    /// Bytes a kernel can see in one buffer.
    pub max_storage_buffer_binding_size: u64,
    /// Bytes in one buffer.
    pub max_buffer_size: u64,
    /// Storage buffers a kernel can see.
    pub max_storage_buffers_per_shader_stage: u32,
    /// Bytes of memory that a workgroup shares.
    pub max_compute_workgroup_storage_size: u32,
    /// Invocations in a workgroup.
    pub max_compute_invocations_per_workgroup: u32,
}

impl AdapterSummary {
    /// Whether the kernels can run on it.
    pub fn is_usable(&self) -> bool {
        self.compute && self.max_storage_buffers_per_shader_stage >= STORAGE_BUFFERS
    }
}

/// An adapter that can be opened.
pub struct Adapter {
    pub(super) raw: wgpu::Adapter,
    /// What is known of it.
    pub summary: AdapterSummary,
}

/// Storage buffers that the widest kernel binds.
const STORAGE_BUFFERS: u32 = 4;

/// Intel's number among the makers of PCI devices.
const INTEL: u32 = 0x8086;

/// Bytes that a workgroup of the largest kernel shares.
const WORKGROUP_MEMORY: u32 = 32 << 10;

/// What a device may use at most, however much the adapter offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Storage buffers that a kernel can see.
    pub storage_buffers: u32,
    /// Bytes of a buffer, and of what a kernel sees of it.
    pub binding_size: u64,
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Invocations in a workgroup.
    pub invocations: u32,
    /// Bytes of all buffers that are ever made for data.
    pub memory: u64,
}

impl Limits {
    /// All that the adapter offers.
    pub const NONE: Self = Self {
        storage_buffers: u32::MAX,
        binding_size: u64::MAX,
        workgroup_memory: u32::MAX,
        invocations: u32::MAX,
        memory: u64::MAX,
    };

    /// The least that adapters with compute shaders offer: WebGPU's, with the storage buffers of its compatibility mode.
    pub const FLOOR: Self = Self {
        storage_buffers: 4,
        binding_size: 128 << 20,
        workgroup_memory: 16 << 10,
        invocations: 256,
        memory: u64::MAX,
    };
}

impl Adapter {
    fn new(index: usize, raw: wgpu::Adapter) -> Option<Self> {
        let (info, limits) = (raw.get_info(), raw.limits());
        let compute = raw.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
        let summary = AdapterSummary {
            index,
            // Metal tells no maker but in the name.
            intel: info.vendor == INTEL || info.name.contains("Intel"),
            name: info.name,
            backend: Backend::of(info.backend)?,
            device_type: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceType::DiscreteGpu,
                wgpu::DeviceType::IntegratedGpu => DeviceType::IntegratedGpu,
                wgpu::DeviceType::VirtualGpu => DeviceType::VirtualGpu,
                wgpu::DeviceType::Cpu => DeviceType::Cpu,
                wgpu::DeviceType::Other => DeviceType::Other,
            },
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            compute,
            max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
            max_buffer_size: limits.max_buffer_size,
            max_storage_buffers_per_shader_stage: limits.max_storage_buffers_per_shader_stage,
            max_compute_workgroup_storage_size: limits.max_compute_workgroup_storage_size,
            max_compute_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
        };
        Some(Self { raw, summary })
    }

    /// WebGPU's smallest limits, and the adapter's own where data may need more.
    pub(super) fn limits_to_request(&self, most: Limits) -> Result<wgpu::Limits, String> {
        if !self.summary.compute {
            return Err("it has no compute shaders".into());
        }
        let offered = self.raw.limits();
        let storage_buffers = offered.max_storage_buffers_per_shader_stage.min(most.storage_buffers);
        if storage_buffers < STORAGE_BUFFERS {
            return Err(format!(
                "it allows {storage_buffers} storage buffers a shader, and {STORAGE_BUFFERS} are needed"
            ));
        }
        let limits = wgpu::Limits {
            max_storage_buffer_binding_size: most.binding_size,
            max_buffer_size: most.binding_size,
            max_compute_workgroup_storage_size: WORKGROUP_MEMORY.min(most.workgroup_memory),
            max_compute_invocations_per_workgroup: Limits::FLOOR.invocations.min(most.invocations),
            max_texture_dimension_2d: wgpu::Limits::defaults().max_texture_dimension_2d,
            ..wgpu::Limits::downlevel_defaults()
        };
        // An adapter below the floor is no reason to give up: a kernel that it cannot run says so itself.
        Ok(limits.or_worse_values_from(&offered))
    }
}

/// The adapters of this machine that some interfaces reach, in the order of their index.
///
/// OpenGL comes last, so that leaving it out changes no index; its drivers print on their own when asked.
pub async fn list(backends: &[Backend]) -> Vec<Adapter> {
    list_from(0, backends).await
}

/// The same, whose indices count from `first` on.
async fn list_from(first: usize, backends: &[Backend]) -> Vec<Adapter> {
    let bits = backends.iter().fold(wgpu::Backends::empty(), |all, backend| all | backend.bits());
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = bits;
    let mut found = wgpu::Instance::new(descriptor).enumerate_adapters(bits).await;
    found.sort_by_key(|adapter| Backend::of(adapter.get_info().backend).map(|backend| backend as u8));
    let known = found.into_iter().filter(|adapter| Backend::of(adapter.get_info().backend).is_some());
    (first..).zip(known).filter_map(|(index, raw)| Adapter::new(index, raw)).collect()
}

/// The best adapter for a request; see [`choose`].
///
/// # Errors
/// As [`choose`].
pub async fn find(request: &Request) -> Result<Option<Adapter>> {
    request.check()?;
    // Whatever is asked for, the others are listed too: the index counts them, and an error names them.
    let [without_gl @ .., gl] = &Backend::ALL;
    let mut found = list(without_gl).await;
    let summaries =
        |found: &[Adapter]| found.iter().map(|adapter| adapter.summary.clone()).collect::<Vec<_>>();
    let chosen = match choose(request, &summaries(&found)) {
        Ok(Some(chosen)) => Some(chosen),
        Ok(None) | Err(Error::NoAdapter { .. }) => {
            found.extend(list_from(found.len(), &[*gl]).await);
            choose(request, &summaries(&found))?
        }
        Err(error) => return Err(error),
    };
    Ok(chosen.map(|position| found.swap_remove(position)))
}

/// What somebody wants of an adapter. Empty fields leave the choice open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Only these interfaces; none named means any.
    pub backends: Vec<Backend>,
    /// An index, or a part of the name in any case.
    pub adapter: Option<String>,
    /// Of several GPUs rather the one that shares the machine's memory.
    pub low_power: bool,
    /// Of several adapters that are as good, the one with this number, counted from 0 and round again after the last.
    pub turn: usize,
}

impl Request {
    /// Fills what is open from `WGPU_BACKEND` (a list), `WGPU_ADAPTER_NAME` and `WGPU_POWER_PREF`.
    pub fn or_env(mut self) -> Self {
        if self.backends.is_empty() {
            let wanted = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::empty());
            self.backends = Backend::ALL.into_iter().filter(|b| wanted.contains(b.bits())).collect();
        }
        if self.adapter.is_none() {
            self.adapter = std::env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.is_empty());
        }
        self.low_power |= wgpu::PowerPreference::from_env() == Some(wgpu::PowerPreference::LowPower);
        self
    }

    /// Whether anything in particular is wanted.
    pub fn is_open(&self) -> bool {
        self.backends.is_empty() && self.adapter.is_none()
    }

    /// Whether this platform has all interfaces that are wanted.
    ///
    /// # Errors
    /// [`Error::Usage`] that names those it has.
    pub fn check(&self) -> Result<()> {
        let Some(missing) = self.backends.iter().find(|backend| !backend.is_built_in()) else {
            return Ok(());
        };
        let here: Vec<&str> =
            Backend::ALL.into_iter().filter(|b| b.is_built_in()).map(Backend::name).collect();
        Err(Error::usage(format!(
            "backend \"{missing}\" does not exist on {}; this platform has: {}, cpu",
            std::env::consts::OS,
            here.join(", ")
        )))
    }

    fn admits(&self, summary: &AdapterSummary) -> bool {
        let backend = self.backends.is_empty() || self.backends.contains(&summary.backend);
        let name = self.adapter.as_ref().is_none_or(|wanted| match wanted.parse::<usize>() {
            Ok(index) => index == summary.index,
            Err(_) => summary.name.to_lowercase().contains(&wanted.to_lowercase()),
        });
        backend && name
    }
}

/// The position in `found` of the best adapter for a request: hardware before software.
///
/// An open request takes hardware only: a software adapter is for testing and has to be asked for.
///
/// # Errors
/// [`Error::Usage`] for a backend this platform does not have; [`Error::NoAdapter`] if something particular was
/// asked for and is not there. `Ok(None)`: nothing in particular was asked for, and there is no hardware.
pub fn choose(request: &Request, found: &[AdapterSummary]) -> Result<Option<usize>> {
    request.check()?;
    let rank = |summary: &AdapterSummary| match summary.device_type {
        DeviceType::IntegratedGpu if request.low_power => 0,
        DeviceType::DiscreteGpu => 1,
        DeviceType::IntegratedGpu | DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    };
    let usable = |summary: &&AdapterSummary| {
        let asked_for = !request.is_open() || summary.device_type != DeviceType::Cpu;
        request.admits(summary) && asked_for && (summary.is_usable() || request.adapter.is_some())
    };
    let best = found.iter().filter(usable).min_by_key(|summary| (rank(summary), summary.index));
    match best {
        Some(best) => {
            let as_good =
                |other: &&AdapterSummary| rank(other) == rank(best) && other.backend == best.backend;
            let indices: Vec<usize> =
                found.iter().filter(usable).filter(as_good).map(|summary| summary.index).collect();
            let index = indices[request.turn % indices.len()];
            Ok(found.iter().position(|other| other.index == index))
        }
        None if request.is_open() => Ok(None),
        None => Err(nothing_fits(request, found)),
    }
}

fn nothing_fits(request: &Request, found: &[AdapterSummary]) -> Error {
    let mut wanted: Vec<String> = request.backends.iter().map(|b| format!("backend {b}")).collect();
    wanted.extend(request.adapter.iter().map(|name| format!("adapter \"{name}\"")));
    let list: Vec<String> =
        found.iter().map(|a| format!("\n    {}: {} ({})", a.index, a.name, a.backend)).collect();
    let list = if list.is_empty() { " none".into() } else { list.concat() };
    Error::no_adapter(format!(
        "no adapter for {}; found:{list}",
        wanted.join(" and ")
    ))
    .hint(message![
        "install the GPU's driver (on Debian and Ubuntu, `mesa-vulkan-drivers` also brings a software adapter), or train \
         with `",
        Setting::Backend.set("cpu"),
        "`"
    ])
}
