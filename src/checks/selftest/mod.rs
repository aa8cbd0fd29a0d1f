//! Every kernel in every variant, on somebody's own adapter, against the reference in f64; then whole training steps.
//!
//! Each room has one kind of kernel, its awkward shapes and the derivation of what its results may be off by. The GPU
//! tests call the same code.

pub mod activations;
pub mod fused;
pub mod gathers;
pub mod operands;
pub mod products;
pub mod rules;
pub mod softmax_xent;
pub mod steps;
mod trial;
pub mod values_loss;

pub use trial::{Row, Trial};

use std::time::Instant;

use serde::Serialize;

use crate::engine::{CpuEngine, Engine, EngineInfo, GpuEngine, Residency};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::network::{Loss, MlpSpec};
use crate::step::StepOptions;

/// What became of a device.
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

/// Tests an adapter: its kernels, then steps of its engine. A kernel that cannot be run at all is a row that failed.
pub async fn on_gpu(gpu: &Gpu) -> Report {
    let (begun, mut rows) = (Instant::now(), Vec::new());
    let mut keep = |kernel: &str, checked: Result<Vec<Row>>| match checked {
        Ok(checked) => rows.extend(checked),
        Err(error) => rows.push(Row::failed(kernel, &error)),
    };
    keep("gather", gathers::check(gpu).await);
    for shader in products::forms(gpu) {
        keep(shader.name, products::check(gpu, shader).await);
    }
    keep("softmax_xent", softmax_xent::check(gpu).await);
    for (name, loss) in VALUES_LOSSES {
        keep(name, values_loss::check(gpu, name, loss).await);
    }
    keep("fused", fused::check(gpu).await);
    keep("activation", activations::check(gpu).await);
    keep("clip_norm", rules::clip_norm(gpu).await);
    keep("optimizer", rules::advance(gpu).await);
    let make = async |spec: &MlpSpec, data, options: StepOptions| {
        GpuEngine::new(gpu.clone(), spec, data, options, Residency::WhereTheyFit).await
    };
    keep("steps", steps::check(make).await);
    Report::new(EngineInfo::of(gpu), begun, rows)
}

/// Tests the CPU's engine: its steps.
///
/// # Errors
/// None that a test could cause.
pub async fn on_cpu() -> Result<Report> {
    let begun = Instant::now();
    let make = async |spec: &MlpSpec, data, options: StepOptions| Ok(CpuEngine::new(spec, data, options));
    let rows = steps::check(make).await?;
    let spec = MlpSpec::new(steps::SIZES.to_vec())?;
    let data = steps::dataset(&spec)?;
    let engine = CpuEngine::new(&spec, data, StepOptions::default()).info();
    Ok(Report::new(engine, begun, rows))
}
