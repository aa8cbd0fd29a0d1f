//! The gradients of the adapter against central differences of the reference's loss.

use gpu_mlp::engine::{GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::gradcheck::{self, Problem};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] =
    &[("gradients::agree_with_central_differences", agree_with_central_differences)];

fn agree_with_central_differences(gpu: &Gpu) {
    for (hidden, batch) in [(&[16, 8][..], 13), (&[], 1), (&[5], 70), (&[9, 6, 7], 4)] {
        let problem = Problem::new(hidden, batch, 2).unwrap();
        let (spec, data) = (problem.spec().unwrap(), problem.dataset.clone());
        let engine = GpuEngine::new(gpu.clone(), &spec, data, problem.options(), Residency::WhereTheyFit);
        let checked = block_on(gradcheck::check(&problem, block_on(engine).unwrap())).unwrap();
        assert!(checked.report.ok, "{hidden:?}, {batch} samples: {checked:#?}");
    }
}
