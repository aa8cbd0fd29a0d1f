//! Devices by their names; each is opened once in a process and shared by all networks.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use gpu_mlp::engine::Device;
use gpu_mlp::gpu::adapter::{self, Backend, Request};
use gpu_mlp::gpu::{Gpu, Precision};
use gpu_mlp::{Error, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::calls::without_python;

/// The devices that were opened, by the process and the name.
static OPEN: LazyLock<Mutex<HashMap<String, (u32, Device)>>> = LazyLock::new(Mutex::default);

/// `auto`, `cpu`, an interface such as `vulkan`, a part of an adapter's name or its number, or an interface and one of these:
/// `vulkan:llvmpipe`.
fn request(name: &str) -> Request {
    let (first, adapter) = name.split_once(':').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let backend = Backend::ALL.into_iter().find(|backend| backend.name() == first);
    let adapter = match (backend, name) {
        (Some(_), _) => adapter.map(str::to_owned),
        (None, "auto") => None,
        (None, _) => Some(name.to_owned()),
    };
    Request { backends: backend.into_iter().collect(), adapter, ..Request::default() }.or_env()
}

/// The device of a name. `auto` is the CPU where there is no hardware GPU.
///
/// # Errors
/// [`Error::NoAdapter`] if it is not there; [`Error::Usage`] in a child of `fork` whose parent had opened it.
pub fn open(name: &str) -> Result<Device> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let (own, mut opened) = (std::process::id(), OPEN.lock().unwrap_or_else(PoisonError::into_inner));
    match opened.get(name) {
        Some((process, device)) if *process == own || !device.is_gpu() => return Ok(device.clone()),
        Some(_) => {
            let problem = format!(
                "device=\"{name}\" was opened before os.fork(), and no GPU can be used on both sides of it"
            );
            let hint = "use device=\"cpu\", or start the process with multiprocessing's \"spawn\", as joblib's loky does";
            return Err(Error::usage(problem).hint(hint));
        }
        None => {}
    }
    let request = request(name);
    let device = pollster::block_on(async {
        match adapter::find(&request).await? {
            None => Ok(Device::Cpu),
            Some(found) => {
                let cache = dirs::cache_dir().map(|folder| folder.join("gpu-mlp"));
                Gpu::open_with(&found, Precision::F32, cache.as_deref()).await.map(Device::Gpu)
            }
        }
    })?;
    opened.insert(name.to_owned(), (own, device.clone()));
    Ok(device)
}

/// The devices of this machine as JSON: a list of adapters, with the CPU in front.
#[pyfunction]
pub fn devices(py: Python<'_>) -> PyResult<String> {
    let cpu = Device::Cpu.info();
    let adapters = without_python(py, || Ok(pollster::block_on(adapter::list(&Backend::ALL))))?;
    let summaries: Vec<_> = adapters.iter().map(|adapter| &adapter.summary).collect();
    serde_json::to_string(&(cpu, summaries)).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}
