//! Samples that come piece by piece, as `predict` has them: each piece takes the place of the one before.

use gpu_mlp::Error;
use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::step::StepOptions;
use gpu_mlp::tensor::Tensor;
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("predict::pieces_give_the_logits_of_the_whole", pieces),
    ("predict::samples_of_another_network_are_refused", unfit),
];

const FEATURES: usize = 19;

fn samples(count: usize, floats: bool) -> Samples {
    let bytes: Vec<u8> = (0..count * FEATURES).map(|at| ((at * 2_654_435_761) >> 7) as u8).collect();
    let labels = vec![0; count];
    match floats {
        false => Samples::new(FEATURES, bytes, labels, 3).unwrap(),
        true => {
            let values: Vec<f32> = bytes.into_iter().map(|byte| f32::from(byte) / 100.0 - 1.0).collect();
            Samples::of_floats(FEATURES, &values, labels, 3).unwrap()
        }
    }
}

fn engine(gpu: &Gpu, residency: Residency) -> GpuEngine {
    let spec = MlpSpec::new(vec![FEATURES, 10, 3]).unwrap();
    let made = GpuEngine::new(gpu.clone(), &spec, StepOptions::default(), residency);
    let mut engine = block_on(made).unwrap();
    block_on(engine.set_parameters(&Parameters::he_uniform(&spec, 5), None)).unwrap();
    engine
}

fn logits(engine: &mut GpuEngine, samples: &Samples) -> Tensor {
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    block_on(engine.load(Split::Test, samples.clone())).unwrap();
    block_on(engine.logits(Split::Test, &all)).unwrap()
}

fn pieces(gpu: &Gpu) {
    let want =
        [false, true].map(|floats| logits(&mut engine(gpu, Residency::Streamed), &samples(3000, floats)));
    for residency in [Residency::Streamed, Residency::WhereTheyFit] {
        let mut engine = engine(gpu, residency);
        // Longer and shorter ones, the longest last; and then some of the other format.
        for (count, floats) in [1, 700, 3, 3000].into_iter().flat_map(|count| [(count, false), (count, true)])
        {
            let got = logits(&mut engine, &samples(count, floats));
            let want = &want[usize::from(floats)];
            assert_eq!(got.data(), &want.data()[..3 * count], "{count} rows, floats: {floats}");
        }
    }
}

fn unfit(gpu: &Gpu) {
    let mut engine = engine(gpu, Residency::Streamed);
    let wide = Samples::new(FEATURES + 1, vec![0; FEATURES + 1], vec![0], 3).unwrap();
    assert!(matches!(block_on(engine.load(Split::Test, wide)), Err(Error::Shape { .. })));
    let beyond = Samples::new(FEATURES, vec![0; FEATURES], vec![3], 4).unwrap();
    assert!(matches!(block_on(engine.load(Split::Test, beyond)), Err(Error::Usage { .. })));
    for split in [Split::Train, Split::Test] {
        let error = block_on(engine.evaluate(split, &[0])).unwrap_err().to_string();
        assert!(error.contains("has no t") && error.contains("Engine::load"), "{error}");
    }
}
