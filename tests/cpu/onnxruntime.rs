//! Exports in the hands of others: onnx, onnxruntime, numpy and, where it is installed, PyTorch.
//!
//! Needs a Python that has them, as GPU_MLP_PYTHON; `scripts/test` makes one.

use std::path::Path;
use std::process::Command;

use gpu_mlp::data::{Outputs, Samples, Scaling, Split};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::exchange::{Format, export, export_ensemble};
use gpu_mlp::network::{Activation, Loss, Parameters};
use gpu_mlp::reference::{Matrix, sigmoid, softmax};
use gpu_mlp::step::StepOptions;
use gpu_mlp::training::checkpoint::ModelInfo;
use gpu_mlp::training::ensemble::Ensemble;
use pollster::block_on;

use crate::exchange::{columns, model};
use crate::forms::{array, write_npz};

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cpu/check_exports.py");
const ROWS: usize = 100;

#[test]
#[ignore = "needs GPU_MLP_PYTHON, a Python with onnx and onnxruntime: scripts/test makes one"]
fn others_compute_the_same_logits() {
    let python = std::env::var("GPU_MLP_PYTHON").expect("GPU_MLP_PYTHON names a Python");
    let folder = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for activation in Activation::ALL {
        for (name, scaling, sizes) in [
            ("bytes", Scaling::Bytes, &[784, 300, 75, 10][..]),
            ("columns", columns(5), &[5, 17, 3]),
            ("none", Scaling::None, &[6, 2]),
        ] {
            let (parameters, info) = model(sizes, activation, scaling.clone());
            // Rows as they are in the data, and as the network sees them.
            let noise = (0..ROWS * sizes[0]).map(|at| ((at * 2_654_435_761) >> 7) as u8);
            let bytes: Vec<u8> = noise.collect();
            let values: Vec<f32> = match &scaling {
                Scaling::Bytes => bytes.iter().map(|&byte| f32::from(byte)).collect(),
                _ => bytes.iter().map(|&byte| f32::from(byte) / 100.0 - 1.0).collect(),
            };
            let labels = vec![0; ROWS];
            let samples = match &scaling {
                Scaling::Bytes => Samples::new(sizes[0], bytes, labels, 2).unwrap(),
                Scaling::None => Samples::of_floats(sizes[0], &values, labels, 2).unwrap(),
                Scaling::Columns { shift, factor } => {
                    let scaled = values.iter().enumerate().map(|(at, value)| {
                        (value - shift[at % sizes[0]] as f32) * factor[at % sizes[0]] as f32
                    });
                    Samples::of_floats(sizes[0], &scaled.collect::<Vec<_>>(), labels, 2).unwrap()
                }
            };
            let mut engine = CpuEngine::new(&info.spec, StepOptions::default());
            block_on(engine.load(Split::Test, samples)).unwrap();
            block_on(engine.set_parameters(&parameters, None)).unwrap();
            let all: Vec<u32> = (0..ROWS as u32).collect();
            let logits = block_on(engine.logits(Split::Test, &all)).unwrap();

            let case = folder.path().join(format!("{}-{name}", activation.name()));
            std::fs::create_dir(&case).unwrap();
            export(&case.join("model.onnx"), &parameters, &info, Format::Onnx { softmax: true }).unwrap();
            export(&case.join("plain.onnx"), &parameters, &info, Format::Onnx { softmax: false }).unwrap();
            export(&case.join("model.safetensors"), &parameters, &info, Format::Safetensors).unwrap();
            export(&case.join("model.npz"), &parameters, &info, Format::Npz).unwrap();
            let f32s =
                |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
            let expected = [
                ("x", array("<f4", &[ROWS, sizes[0]], &f32s(&values))),
                ("logits", array("<f4", logits.shape(), &f32s(logits.data()))),
            ];
            write_npz(&case.join("expected.npz"), &expected);
            cases += 1;
        }
    }
    cases += ensembles(folder.path());
    let output = Command::new(python).arg(CHECK).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    assert_eq!(said.lines().filter(|line| line.starts_with("same logits: ")).count(), cases);
}

/// Ensembles of each task, with what their members say on average; how many there are.
fn ensembles(folder: &Path) -> usize {
    // Only here: an engine is a model, too.
    use gpu_mlp::training::Model as _;
    let numbers = Outputs::Numbers { mean: vec![100.0, -2.0, 0.5], deviation: vec![20.0, 0.1, 3.0] };
    let cases = [
        ("classes", Outputs::Classes, Loss::SoftmaxCrossEntropy),
        ("labels", Outputs::Labels, Loss::SigmoidCrossEntropy),
        ("numbers", numbers, Loss::SquaredError),
    ];
    for (name, outputs, loss) in &cases {
        let (first, mut info) = model(&[5, 17, 3], Activation::Gelu, columns(5));
        info = ModelInfo { spec: info.spec.with_loss(*loss), ..info };
        info.preparation.outputs = outputs.clone();
        let members =
            vec![first, Parameters::he_uniform(&info.spec, 8), Parameters::he_uniform(&info.spec, 9)];
        let values: Vec<f32> = (0..ROWS * 5).map(|at| ((at * 37 % 101) as f32) / 10.0 - 5.0).collect();
        let Scaling::Columns { shift, factor } = columns(5) else { unreachable!() };
        let scaled = values.iter().enumerate();
        let scaled = scaled.map(|(at, value)| (value - shift[at % 5] as f32) * factor[at % 5] as f32);
        let samples = Samples::of_floats(5, &scaled.collect::<Vec<_>>(), vec![0; ROWS], 3).unwrap();
        let engine = CpuEngine::new(&info.spec, StepOptions::default());
        let mut ensemble = Ensemble::new(engine, members.clone(), outputs.clone());
        block_on(ensemble.load(Split::Test, samples)).unwrap();
        let all: Vec<u32> = (0..ROWS as u32).collect();
        let z = block_on(ensemble.logits(Split::Test, &all)).unwrap().map(f64::from);
        let said = match outputs {
            Outputs::Classes => softmax(&z),
            Outputs::Labels => z.map(sigmoid),
            numbers => Matrix::from_fn(ROWS, 3, |r, c| numbers.unscaled(c, z.at(r, c))),
        };
        let case = folder.join(format!("ensemble-{name}"));
        std::fs::create_dir(&case).unwrap();
        export_ensemble(&case.join("ensemble.onnx"), &members, &info).unwrap();
        let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let said: Vec<f32> = said.data().iter().map(|&value| value as f32).collect();
        let expected = [
            ("x", array("<f4", &[ROWS, 5], &f32s(&values))),
            ("said", array("<f4", &[ROWS, 3], &f32s(&said))),
        ];
        write_npz(&case.join("expected.npz"), &expected);
    }
    cases.len()
}
