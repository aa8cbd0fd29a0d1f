//! Many steps in one launch: which networks take them, and what does not depend on it.

use gpu_mlp::checks::selftest::{fused_steps, steps};
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{Activation, Loss, MlpSpec, Parameters};
use gpu_mlp::reference::compare::{self, Tolerance};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::step::{Sgd, StepOptions};
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("together::small_networks_take_one_launch", choice),
    ("together::how_launches_are_cut_changes_no_bit", cut),
    ("together::the_halves_of_a_step_are_nearly_the_step", halves),
    ("together::no_sum_of_another_engine_is_lost", sums),
];

fn options(batch_size: usize) -> StepOptions {
    StepOptions::sgd(batch_size, Sgd { lr: 0.1, momentum: 0.5, weight_decay: 0.01 })
}

fn engine(gpu: &Gpu, spec: &MlpSpec, options: StepOptions) -> GpuEngine {
    let mut engine = block_on(GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit)).unwrap();
    block_on(steps::load(&mut engine, spec)).unwrap();
    block_on(engine.set_parameters(&Parameters::he_uniform(spec, 5), None)).unwrap();
    block_on(engine.set_sums(&Sums::default())).unwrap();
    engine
}

fn choice(gpu: &Gpu) {
    let steps = |gpu: &Gpu, spec: &MlpSpec, options| {
        block_on(GpuEngine::new(gpu.clone(), spec, options, Residency::WhereTheyFit))
            .unwrap()
            .steps_of_launch()
    };
    let spec = |sizes: &[usize]| MlpSpec::new(sizes.to_vec()).unwrap();
    for (sizes, batch_size) in [(&[2, 2, 2][..], 32), (&[4, 10, 3], 150), (&[64, 32, 10], 32)] {
        assert_eq!(steps(gpu, &spec(sizes), options(batch_size)), Some(64), "{sizes:?}");
        assert_eq!(steps(&fused_steps::separately(gpu), &spec(sizes), options(batch_size)), None);
    }
    let iris = spec(&[4, 10, 3]);
    for (spec, options) in [
        (spec(&[64, 32, 10]), options(4096)),
        (spec(&[784, 300, 75, 10]), options(32)),
        (iris.clone(), StepOptions { clip_norm: Some(1.0), ..options(32) }),
        (iris.clone().with_activation(Activation::Tanh), options(32)),
        (iris.with_loss(Loss::SquaredError), options(32)),
    ] {
        assert_eq!(steps(gpu, &spec, options), None, "{spec:?}, {options:?}");
    }
}

fn cut(gpu: &Gpu) {
    // Batches of two pieces, a short one at the end.
    let (spec, order) = (MlpSpec::new(vec![64, 32, 10]).unwrap(), (0..2025).map(|i| i * 31 % 97));
    let order: Vec<u32> = order.collect();
    let run = |gpu: &Gpu| {
        let mut engine = engine(gpu, &spec, options(32));
        block_on(steps::train(&mut engine, &order)).unwrap();
        let outcome = (block_on(engine.parameters()).unwrap(), block_on(engine.sums()).unwrap());
        (engine.steps_of_launch().unwrap(), outcome)
    };
    let slow = gpu.with_longest_launch(gpu.longest_launch().min(1_000_000_000));
    let ((many, of_many), (few, of_few)) = (run(gpu), run(&slow));
    assert!(many == 64 && (1..10).contains(&few), "{few} steps a launch");
    assert!(of_many == of_few);
}

fn halves(gpu: &Gpu) {
    let spec = MlpSpec::new(vec![30, 31, 17]).unwrap();
    let [mut whole, mut halves] = [0, 1].map(|_| engine(gpu, &spec, options(37)));
    let batch: Vec<u32> = (0..37).collect();
    block_on(async {
        whole.train(&batch).await.unwrap();
        let gradient = halves.gradients(&batch).await.unwrap();
        halves.advance(&gradient).await.unwrap();
        let (got, want) = (halves.parameters().await.unwrap(), whole.parameters().await.unwrap());
        for (got, want) in got.layers.iter().zip(&want.layers) {
            let want: Vec<f64> = want.w.data().iter().map(|&w| f64::from(w)).collect();
            // Sums of 37 products, in another order.
            compare::allclose(got.w.data(), &want, Tolerance { atol: 1e-6, rtol: 1e-6 }).unwrap();
        }
    });
}

fn sums(gpu: &Gpu) {
    let spec = MlpSpec::new(vec![4, 10, 3]).unwrap();
    let mut engine = engine(gpu, &spec, options(32));
    let many = Sums { loss: vec![0.5; 1000], hits: 7, samples: 9 };
    block_on(engine.set_sums(&many)).unwrap();
    let got = block_on(engine.sums()).unwrap();
    assert_eq!((got.loss.iter().sum::<f64>(), got.hits, got.samples), (500.0, 7, 9));
}
