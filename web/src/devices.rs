//! What a tab computes on.

use gpu_mlp::engine::Device;
use gpu_mlp::gpu::adapter::{self, AdapterSummary};
use gpu_mlp::gpu::{Backend, Gpu};
use gpu_mlp::{Error, checks};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::json;

/// The browser's adapter.
///
/// # Errors
/// [`Error::NoAdapter`] if it has none, or none that the kernels can run on.
async fn adapter() -> Result<adapter::Adapter, Error> {
    let found = adapter::list(&[Backend::WebGpu]).await;
    found.into_iter().find(|adapter| adapter.summary.is_usable()).ok_or_else(|| {
        Error::no_adapter("this browser offers no WebGPU adapter")
            .hint("a current Chrome, Edge, Firefox or Safari has WebGPU where it knows the GPU; the CPU trains as well")
    })
}

/// The device of a name: `gpu` or `cpu`.
///
/// # Errors
/// As [`adapter`], and what opening it reports.
pub async fn open(name: &str) -> Result<Device, Error> {
    Ok(match name {
        "gpu" => Device::Gpu(Gpu::open(&adapter().await?).await?),
        _ => Device::Cpu,
    })
}

#[derive(Serialize)]
struct Found<'a> {
    gpu: Option<&'a AdapterSummary>,
    why: Option<String>,
    relaxed_simd: bool,
}

/// What there is.
#[wasm_bindgen]
pub async fn devices() -> Result<JsValue, JsError> {
    let found = adapter().await;
    json::write(&Found {
        gpu: found.as_ref().ok().map(|adapter| &adapter.summary),
        why: found.as_ref().err().map(|error| error.told(&json::setting)),
        relaxed_simd: cfg!(target_feature = "relaxed-simd"),
    })
}

/// Every kernel, in every variant, and steps of training, against the references.
#[wasm_bindgen]
pub async fn selftest(device: &str) -> Result<JsValue, JsError> {
    let device = open(device).await.map_err(|error| json::refused(&error))?;
    json::write(&checks::selftest::on(&device).await)
}
