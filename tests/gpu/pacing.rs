//! How an engine cuts its work into submissions, on adapters of any speed.

use std::time::Duration;

use gpu_mlp::checks::selftest::steps;
use gpu_mlp::data::Split;
use gpu_mlp::engine::{Engine, GpuEngine, Pace, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[("pacing::a_slow_adapter_gets_parts_of_a_step", slow)];

const SIZES: [usize; 4] = [60, 80, 70, 10];

fn engine(gpu: &Gpu) -> GpuEngine {
    let spec = MlpSpec::new(SIZES.to_vec()).unwrap();
    let options = StepOptions::sgd(16, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.0 });
    let made = GpuEngine::new(gpu.clone(), &spec, options, Residency::Streamed);
    let mut engine = block_on(made).unwrap();
    block_on(steps::load(&mut engine, &spec)).unwrap();
    block_on(engine.set_parameters(&Parameters::he_uniform(&spec, 5), None)).unwrap();
    block_on(engine.set_sums(&Sums::default())).unwrap();
    engine
}

/// The largest launch of this network takes 55 ms, a step some 300.
fn snail(cost: u64) -> Duration {
    Duration::from_nanos(cost * 55)
}

fn hare(cost: u64) -> Duration {
    Duration::from_nanos(cost / 100)
}

fn slow(gpu: &Gpu) {
    let order: Vec<u32> = (0..1600).map(|i| i % 97).collect();
    let test: Vec<u32> = (0..41).collect();
    let run = |clock: fn(u64) -> Duration| {
        let mut engine = engine(gpu);
        engine.pace_by(clock);
        let launches = engine.launches(1).unwrap();
        let longest = launches.iter().map(|launch| clock(Pace::cost([launch]))).max().unwrap();
        crate::engine_options::train(&mut engine, &order);
        let scores =
            (block_on(engine.sums()).unwrap(), block_on(engine.evaluate(Split::Test, &test)).unwrap());
        let parameters = block_on(engine.parameters()).unwrap();
        (engine.submissions(), longest, (parameters, scores))
    };
    let (slow, longest, slow_result) = run(snail);
    let (fast, _, fast_result) = run(hare);
    assert!(longest > Duration::from_millis(40) && longest < Duration::from_millis(60), "{longest:?}");
    assert!(slow.longest >= longest && slow.longest <= Pace::LONGEST, "{slow}");
    assert!(slow.in_flight <= 2 && fast.in_flight <= 2, "{slow}; {fast}");
    assert!(slow.count > 3 * 100, "each of 100 steps in several parts: {slow}");
    assert!(fast.count < 100, "many steps in one: {fast}");
    assert!(slow_result == fast_result, "how work is cut changes no bit");
}
