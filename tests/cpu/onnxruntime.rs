//! Exports in the hands of others: onnx, onnxruntime, numpy and, where it is installed, PyTorch.
//!
//! Needs a Python that has them, as GPU_MLP_PYTHON; `scripts/test` makes one.

use std::process::Command;

use gpu_mlp::data::{Samples, Scaling, Split};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::exchange::{Format, export};
use gpu_mlp::step::StepOptions;
use pollster::block_on;

use crate::exchange::{columns, model};
use crate::forms::{array, write_npz};
use gpu_mlp::network::Activation;

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
    let output = Command::new(python).arg(CHECK).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    assert_eq!(said.lines().filter(|line| line.starts_with("same logits: ")).count(), cases);
}
