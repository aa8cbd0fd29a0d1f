//! Whole steps in one launch, of networks small enough for it, and the same steps in several launches, against f64.
//!
//! The bound is that of other whole steps: sums have another order here, but the same terms.

use super::steps::{self, Case};
use super::{Row, Trial};
use crate::engine::{GpuEngine, Residency};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::FusedSteps;
use crate::network::{Activations, Loss, MlpSpec};
use crate::reference::compare::Tolerance;
use crate::step::StepOptions;

/// Samples of a batch, and a network's sizes: the smallest of all, one output, no hidden layer, three of them, single
/// samples, batches of several pieces, more samples in a batch than there are, and inputs so wide that a piece is a block.
const NETWORKS: [(usize, &[usize]); 10] = [
    (1, &[1, 1]),
    (4, &[2, 2, 2]),
    (4, &[2, 2, 1]),
    (32, &[21, 6]),
    (13, &[5, 7, 13, 9, 3]),
    (1, &[4, 10, 3]),
    (150, &[4, 10, 3]),
    (32, &[64, 32, 10]),
    (37, &[30, 31, 17]),
    (3, &[300, 5, 4]),
];

/// Steps that each takes.
const STEPS: usize = 20;

/// Operations of the longest launch on a device that is so slow that no workgroup may take a step.
const SLOW: u64 = 2_000_000;

/// The same device, on which no launch takes several steps.
pub fn separately(gpu: &Gpu) -> Gpu {
    gpu.with_longest_launch(SLOW)
}

/// Whether one launch may take the steps, of a network that is small enough.
pub fn is_taken(case: &Case) -> bool {
    let StepOptions { clip_norm, dropout, .. } = case.options;
    let relus = case.activation == Activations::default();
    relus && case.loss == Loss::default() && clip_norm.is_none() && !dropout.is_on()
}

/// Both, if the device can run the kernel.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if !FusedSteps::runs_on(gpu) {
        return Ok(rows);
    }
    let after = Tolerance { atol: 2e-5, rtol: 2e-4 };
    let of_each = steps::cases();
    for case in of_each.iter().filter(|case| is_taken(case)) {
        let mut trial = Trial::new(format!("fused_steps.steps {}", case.name));
        for (batch_size, sizes) in NETWORKS {
            let case = Case { options: StepOptions { batch_size, ..case.options }, ..case.clone() };
            trial.join(steps::check_case(&case, sizes, STEPS, after, &engine(gpu, true)).await?);
        }
        rows.push(trial.row());
    }
    for case in of_each.iter().filter(|case| is_taken(case)) {
        let gpu = separately(gpu);
        let row = steps::check_case(case, &steps::SIZES, STEPS, after, &engine(&gpu, false)).await?;
        rows.push(Row { kernel: format!("{}, in launches of their own", row.kernel), ..row });
    }
    Ok(rows)
}

/// Makes an engine that takes several steps in one launch, or one that does not.
fn engine(gpu: &Gpu, together: bool) -> impl AsyncFn(&MlpSpec, StepOptions) -> Result<GpuEngine> {
    async move |spec, options| {
        let engine = GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit).await?;
        match engine.steps_of_launch().is_some() == together {
            true => Ok(engine),
            false => {
                Err(Error::Internal(format!("{:?}: not the launches that were to be tested", spec.sizes())))
            }
        }
    }
}
