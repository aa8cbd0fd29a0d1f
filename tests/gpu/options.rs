//! Training options on the adapter: whole steps against the reference, and resuming.

use gpu_mlp::checks::selftest::fused_steps;
use gpu_mlp::engine::{GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::MlpSpec;
use gpu_mlp::step::StepOptions;
use pollster::block_on;

use crate::engine_options;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("options::steps_equal_the_reference", steps),
    ("options::resuming_repeats_bit_for_bit", resume),
    ("options::the_halves_of_a_step_are_the_step", halves),
    ("options::gradients_of_parts_add_up", parts),
    ("options::halves_refuse_what_does_not_fit", misfits),
    ("options::moments_of_another_optimiser_are_refused", refused),
];

fn engine(gpu: &Gpu) -> impl Fn(&MlpSpec, StepOptions) -> GpuEngine {
    |spec, options| block_on(GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit)).unwrap()
}

fn steps(gpu: &Gpu) {
    engine_options::equal_the_reference(engine(gpu));
}

fn resume(gpu: &Gpu) {
    engine_options::resume(engine(gpu));
}

fn refused(gpu: &Gpu) {
    engine_options::moments_of_another_optimiser_are_refused(engine(gpu));
}

fn halves(gpu: &Gpu) {
    let is_fused = |options: &StepOptions| options.fused(0).is_some() && options.schedule.is_constant();
    engine_options::halves_are_a_step(engine(&fused_steps::separately(gpu)), is_fused);
}

fn parts(gpu: &Gpu) {
    engine_options::parts_add_up(engine(gpu));
}

fn misfits(gpu: &Gpu) {
    engine_options::halves_refuse_what_does_not_fit(engine(gpu));
}
