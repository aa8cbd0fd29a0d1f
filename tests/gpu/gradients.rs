//! The gradients of the adapter against central differences of the reference's loss.

use gpu_mlp::checks::gradcheck::{self, Problem};
use gpu_mlp::engine::Device;
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{Activation, Loss};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] =
    &[("gradients::agree_with_central_differences", agree_with_central_differences)];

fn agree_with_central_differences(gpu: &Gpu) {
    let (relu, gelu) = (Activation::Relu, Activation::Gelu);
    for (hidden, batch, activation) in [
        (&[16, 8][..], 13, relu),
        (&[], 1, relu),
        (&[5], 70, relu),
        (&[9, 6, 7], 4, relu),
        (&[9, 6], 14, gelu),
    ] {
        let mut problem = Problem::with_activation(hidden, activation, batch, 2).unwrap();
        problem.label_smoothing = if activation == gelu { 0.2 } else { 0.0 };
        let checked = block_on(gradcheck::check(&problem, &Device::Gpu(gpu.clone()))).unwrap();
        assert!(checked.report.ok, "{hidden:?}, {batch} samples: {checked:#?}");
    }
    for loss in Loss::ALL {
        let problem = Problem::new(&[9, 6], 14, 2).unwrap().with_loss(loss).unwrap();
        let checked = block_on(gradcheck::check(&problem, &Device::Gpu(gpu.clone()))).unwrap();
        assert!(checked.report.ok, "{loss:?}: {checked:#?}");
    }
}
