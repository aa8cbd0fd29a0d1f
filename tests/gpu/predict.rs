//! Samples that come piece by piece, as `predict` has them: each piece takes the place of the one before.

use std::sync::Arc;

use gpu_mlp::Error;
use gpu_mlp::data::{Dataset, Preparation, Samples, Split};
use gpu_mlp::engine::{Engine, GpuEngine, Residency};
use gpu_mlp::gpu::Gpu;
use gpu_mlp::network::{MlpSpec, Parameters};
use gpu_mlp::step::StepOptions;
use gpu_mlp::tensor::Tensor;
use pollster::block_on;

pub const TRIALS: &[crate::NamedTrial] = &[
    ("predict::pieces_give_the_logits_of_the_whole", pieces),
    ("predict::other_kinds_are_refused", other_kinds),
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

/// An engine that has been made with these samples.
fn engine(gpu: &Gpu, test: &Samples, residency: Residency) -> GpuEngine {
    let dataset = Dataset {
        name: "noise".into(),
        origin: "a test".into(),
        image_shape: [1, FEATURES],
        classes: 3,
        preparation: Preparation::of_images(3),
        train: test.clone(),
        test: test.clone(),
    };
    let spec = MlpSpec::new(vec![FEATURES, 10, 3]).unwrap();
    let made = GpuEngine::new(gpu.clone(), &spec, Arc::new(dataset), StepOptions::default(), residency);
    let mut engine = block_on(made).unwrap();
    block_on(engine.set_parameters(&Parameters::he_uniform(&spec, 5), None)).unwrap();
    engine
}

fn logits(engine: &mut GpuEngine, samples: &Samples) -> Tensor {
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    block_on(engine.logits(Split::Test, &all)).unwrap()
}

fn pieces(gpu: &Gpu) {
    for floats in [false, true] {
        let whole = samples(3000, floats);
        let want = logits(&mut engine(gpu, &whole, Residency::Streamed), &whole);
        for residency in [Residency::Streamed, Residency::WhereTheyFit] {
            let mut engine = engine(gpu, &samples(1, floats), residency);
            // Longer and shorter ones, and the longest last.
            for count in [1, 700, 3, 3000] {
                let piece = samples(count, floats);
                block_on(engine.set_test(piece.clone())).unwrap();
                let got = logits(&mut engine, &piece);
                assert_eq!(got.data(), &want.data()[..3 * count], "{count} rows, floats: {floats}");
            }
        }
    }
}

fn other_kinds(gpu: &Gpu) {
    let mut engine = engine(gpu, &samples(2, false), Residency::Streamed);
    let wide = Samples::new(FEATURES + 1, vec![0; FEATURES + 1], vec![0], 3).unwrap();
    for other in [samples(2, true), wide] {
        assert!(matches!(block_on(engine.set_test(other)), Err(Error::Shape { .. })));
    }
}
