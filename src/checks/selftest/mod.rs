//! Every kernel in every variant, on the user's adapter, against the reference in f64; then whole training steps.
//!
//! Each module has one kind of kernel, its awkward shapes and the derivation of its error bounds. The GPU
//! tests call the same code.

pub mod activations;
pub mod fused;
pub mod fused_steps;
pub mod gathers;
pub mod operands;
pub mod products;
pub mod rules;
pub mod softmax_xent;
pub mod steps;
mod trial;
pub mod values_loss;

pub use trial::{Row, Trial};

use web_time::Instant;

use serde::Serialize;

use crate::engine::{self, Device, EngineInfo, Residency};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::network::Loss;

/// The result for a device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was tested.
    #[serde(flatten)]
    pub engine: EngineInfo,
    /// Whether every row is right.
    pub ok: bool,
    /// What it took.
    pub seconds: f64,
    /// One row a kernel and variant.
    pub rows: Vec<Row>,
}

impl Report {
    fn new(engine: EngineInfo, begun: Instant, rows: Vec<Row>) -> Self {
        let ok = rows.iter().all(|row| row.ok);
        Self { engine, ok, seconds: begun.elapsed().as_secs_f64(), rows }
    }
}

/// The losses of numbers, by their shaders.
pub const VALUES_LOSSES: [(&str, Loss); 3] = [
    ("sigmoid_xent", Loss::SigmoidCrossEntropy),
    ("squared_error", Loss::SquaredError),
    ("squared_error huber", Loss::Huber { delta: 0.75 }),
];

/// Tests a device: the kernels of an adapter, then steps of the engine. What cannot be run at all is a row that failed.
pub async fn on(device: &Device) -> Report {
    let begun = Instant::now();
    let mut rows = match device.gpu() {
        None => Vec::new(),
        Some(gpu) => kernels(gpu).await,
    };
    let make = async |spec: &_, options| engine::open(device, spec, options, Residency::WhereTheyFit).await;
    keep(&mut rows, "steps", steps::check(make).await);
    Report::new(device.info(), begun, rows)
}

/// Tests every kernel.
async fn kernels(gpu: &Gpu) -> Vec<Row> {
    let mut rows = Vec::new();
    keep(&mut rows, "gather", gathers::check(gpu).await);
    for shader in products::forms(gpu) {
        keep(&mut rows, shader.name, products::check(gpu, shader).await);
    }
    keep(&mut rows, "softmax_xent", softmax_xent::check(gpu).await);
    for (name, loss) in VALUES_LOSSES {
        keep(&mut rows, name, values_loss::check(gpu, name, loss).await);
    }
    keep(&mut rows, "fused", fused::check(gpu).await);
    keep(&mut rows, "fused_steps", fused_steps::check(gpu).await);
    keep(&mut rows, "activation", activations::check(gpu).await);
    keep(&mut rows, "clip_norm", rules::clip_norm(gpu).await);
    keep(&mut rows, "optimizer", rules::advance(gpu).await);
    rows
}

fn keep(rows: &mut Vec<Row>, what: &str, checked: Result<Vec<Row>>) {
    match checked {
        Ok(checked) => rows.extend(checked),
        Err(error) => rows.push(Row::failed(what, &error)),
    }
}
