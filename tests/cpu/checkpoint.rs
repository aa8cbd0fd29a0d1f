//! Models and states on disk: bit for bit, readable by PyTorch's tools, and refused when damaged.

use std::fs;
use std::path::{Path, PathBuf};

use gpu_mlp::Error;
use gpu_mlp::data::Preparation;
use gpu_mlp::network::{Activation, MlpSpec, OptimizerState, Parameters};
use gpu_mlp::step::metrics::Sums;
use gpu_mlp::training::checkpoint::{
    ModelInfo, Progress, State, load_model, load_state, save_model, save_state,
};
use gpu_mlp::training::run;
use safetensors::{Dtype, SafeTensors};
use tempfile::{TempDir, tempdir};

fn sizes() -> MlpSpec {
    MlpSpec::new(vec![4, 3, 2]).unwrap()
}

/// Values that any careless conversion would change.
fn model() -> Parameters {
    let mut parameters = Parameters::he_uniform(&sizes(), 5);
    let odd = [-0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, 0.1, 1.0 + f32::EPSILON];
    parameters.layers[0].w.data_mut()[..5].copy_from_slice(&odd);
    parameters.layers[1].b.data_mut().copy_from_slice(&[1e-30, -7.25]);
    parameters
}

fn info(spec: MlpSpec) -> ModelInfo {
    let preparation = Preparation::of_images(spec.classes());
    ModelInfo { spec, preparation }
}

fn saved() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    save_model(&path, &model(), &info(sizes())).unwrap();
    (folder, path)
}

fn bits(parameters: &Parameters) -> Vec<u32> {
    let values = parameters.layers.iter().flat_map(|layer| layer.w.data().iter().chain(layer.b.data()));
    values.map(|value| value.to_bits()).collect()
}

/// The words of an error that names the file and ends the program with exit code 2.
#[track_caller]
fn refused(path: &Path) -> String {
    let error = load_model(path).unwrap_err();
    assert!(matches!(error, Error::File { .. } | Error::Io { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "the file is not named: {text}");
    text
}

#[test]
fn a_model_comes_back_bit_for_bit() {
    let (folder, path) = saved();
    assert_eq!(bits(&load_model(&path).unwrap().0), bits(&model()));
    let again = folder.path().join("again.safetensors");
    let (parameters, info) = load_model(&path).unwrap();
    save_model(&again, &parameters, &info).unwrap();
    assert!(fs::read(&again).unwrap() == fs::read(&path).unwrap(), "the same model gives the same bytes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn the_file_has_pytorchs_names_and_layout() {
    let (_folder, path) = saved();
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"]);
    for (n, layer) in model().layers.iter().enumerate() {
        let weight = file.tensor(&format!("layers.{n}.weight")).unwrap();
        let (ins, outs) = (layer.w.rows(), layer.w.cols());
        assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, &[outs, ins][..]));
        for (i, value) in weight.data().chunks(4).enumerate() {
            let value = f32::from_le_bytes(value.try_into().unwrap());
            assert_eq!(value.to_bits(), layer.w.at(i % ins, i / ins).to_bits(), "layer {n}, value {i}");
        }
        let bias = file.tensor(&format!("layers.{n}.bias")).unwrap();
        assert_eq!((bias.dtype(), bias.shape()), (Dtype::F32, &[outs][..]));
        assert_eq!(bias.data(), layer.b.data().iter().flat_map(|b| b.to_le_bytes()).collect::<Vec<u8>>());
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata.len(), 1, "more than one key would be written in no certain order");
    let mut info: serde_json::Value = serde_json::from_str(&metadata["gpu_mlp"]).unwrap();
    let sha256 = info.as_object_mut().unwrap().remove("sha256").unwrap();
    assert!(sha256.as_str().unwrap().bytes().all(|digit| digit.is_ascii_hexdigit()), "{sha256}");
    let preparation = serde_json::json!({"scaling": "bytes", "class_names": ["0", "1"]});
    let want = serde_json::json!({
        "layers": [4, 3, 2], "activation": "relu", "input_scale": 1.0 / 255.0, "preparation": preparation
    });
    assert_eq!(info, want);
}

#[test]
fn a_state_comes_back_with_all_that_the_optimiser_remembers() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    let sums = Sums { loss: vec![0.1, 1e-300, 1.0 / 3.0], hits: 7, samples: 12 };
    let progress = Progress { epochs: 3, samples: 12, sums, lr_halvings: 2 };
    let other = |seed| Parameters::he_uniform(&sizes(), seed);
    for (moments, best) in [
        (vec![], None),
        (vec![other(8)], None),
        (vec![other(8), other(9)], Some(other(10))),
        (vec![], Some(other(10))),
    ] {
        let optimizer = OptimizerState { steps: 3 << 40, moments };
        let state = State { progress: progress.clone(), parameters: model(), optimizer, best };
        save_state(&path, &state).unwrap();
        assert_eq!(load_state(&path, &sizes()).unwrap(), state);
        let other = MlpSpec::new(vec![4, 2, 2]).unwrap();
        let error = load_state(&path, &other).unwrap_err();
        assert!(
            error.to_string().contains("layers.0.weight: expected F32 [2, 4], got F32 [3, 4]"),
            "{error}"
        );
    }
    let error = load_model(&path).unwrap_err();
    assert!(error.to_string().contains("metadata cannot be understood"), "a state is no model: {error}");
}

#[test]
fn a_model_says_its_activation() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for (activation, name) in [
        (Activation::Relu, "relu"),
        (Activation::Tanh, "tanh"),
        (Activation::Sigmoid, "sigmoid"),
        (Activation::Gelu, "gelu"),
    ] {
        let spec = sizes().with_activation(activation);
        save_model(&path, &model(), &info(spec.clone())).unwrap();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(text.contains(&format!(r#"\"activation\":\"{name}\""#)), "{text}");
        assert_eq!(load_model(&path).unwrap().1.spec, spec);
    }
}

#[test]
fn a_state_of_the_first_version_is_read() {
    // It had no number of steps, no checksum, and velocities at most.
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    let optimizer = OptimizerState { steps: 0, moments: vec![Parameters::he_uniform(&sizes(), 8)] };
    let state = State { progress: Progress::default(), parameters: model(), optimizer, best: None };
    save_state(&path, &state).unwrap();
    let bytes = fs::read(&path).unwrap();
    let old = without(&without(&bytes, br#",\"steps\":0"#, 0), br#"\"sha256\":\""#, 64 + br#"\","#.len());
    fs::write(&path, old).unwrap();
    assert_eq!(load_state(&path, &sizes()).unwrap(), state);
}

/// A file without a part of its header, and so many bytes behind that.
fn without(bytes: &[u8], part: &[u8], more: usize) -> Vec<u8> {
    let at = bytes.windows(part.len()).position(|window| window == part).unwrap();
    let count = part.len() + more;
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) - count as u64;
    [&length.to_le_bytes()[..], &bytes[8..at], &bytes[at + count..]].concat()
}

#[test]
fn a_state_damaged_at_any_byte_is_never_taken_for_another() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state");
    let optimizer = OptimizerState { steps: 77, moments: vec![Parameters::he_uniform(&sizes(), 8)] };
    let progress = Progress { epochs: 3, ..Progress::default() };
    let state = State { progress, parameters: model(), optimizer, best: None };
    save_state(&path, &state).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut harmless = 0;
    for at in 0..whole.len() {
        for change in [1, 1 << (at % 8), 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            fs::write(&path, &changed).unwrap();
            match load_state(&path, &sizes()) {
                Ok(read) => {
                    assert_eq!(read, state, "byte {at}, change {change}");
                    harmless += 1;
                }
                Err(error) => assert_eq!(error.exit_code(), 2, "byte {at}, change {change}: {error}"),
            }
        }
    }
    // Only where the checksum's own name is lost is there nothing to compare with; all else is as it was.
    assert!(harmless <= 3 * "sha256".len(), "{harmless} changes were not noticed");
    fs::write(&path, &whole).unwrap();
    assert_eq!(load_state(&path, &sizes()).unwrap(), state);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (_folder, path) = saved();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        refused(&path);
    }
    fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    refused(&path);
}

#[test]
fn a_header_changed_anywhere_is_refused_or_means_the_same() {
    let (_folder, path) = saved();
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut accepted = 0;
    for at in 0..header {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            fs::write(&path, &changed).unwrap();
            match load_model(&path) {
                Ok((parameters, _)) => {
                    assert_eq!(bits(&parameters), bits(&model()), "byte {at}, bit {bit}");
                    accepted += 1;
                }
                Err(error) => assert_eq!(error.exit_code(), 2, "byte {at}, bit {bit}: {error}"),
            }
        }
    }
    assert!(accepted < header / 2, "{accepted} of {} changes made no difference", 8 * header);
}

/// A safetensors file of this header and so many bytes of data.
fn file_of(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn other_files_are_refused_with_what_they_lack() {
    let (folder, path) = saved();
    let info = r#""__metadata__":{"gpu_mlp":"{\"layers\":[1,1],\"activation\":\"relu\",\"input_scale\":0.00392156862745098}"}"#;
    let weight = |dtype: &str, shape: &str, end: usize| {
        format!(r#""layers.0.weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}"#)
    };
    let bias = |begin: usize| {
        format!(r#""layers.0.bias":{{"dtype":"F32","shape":[1],"data_offsets":[{begin},{}]}}"#, begin + 4)
    };
    let file = |parts: &[&str]| file_of(&format!("{{{}}}", parts.join(",")), 8);
    fs::write(&path, file(&[info, &weight("F32", "[1,1]", 4), &bias(4)])).unwrap();
    let (parameters, read) = load_model(&path).unwrap();
    assert_eq!(bits(&parameters), [0, 0], "the pattern of these files is right");
    assert_eq!(read.preparation, Preparation::of_images(1), "what a file without it means");
    let cases = [
        (vec![], "not a safetensors file"),
        (b"<!DOCTYPE html><html></html>".to_vec(), "not a safetensors file"),
        (file(&[&weight("F32", "[1,1]", 4), &bias(4)]), "no \"gpu_mlp\""),
        (file(&[info, &weight("F32", "[1,1]", 8)]), "not a safetensors file"),
        (file(&[info, &weight("F32", "[2,1]", 8)]), "expected F32 [1, 1], got F32 [2, 1]"),
        (file(&[info, &weight("F16", "[2,1]", 4), &bias(4)]), "expected F32 [1, 1], got F16 [2, 1]"),
        (file(&[info, &weight("I32", "[1,1]", 4), &bias(4)]), "got I32"),
        (file(&[info, &weight("F32", "[1]", 4), &bias(4)]), "got F32 [1]"),
        (
            file(&[info, &weight("F32", "[1,1]", 4), &bias(4).replace("bias", "bios")]),
            "no tensor layers.0.bias",
        ),
        (file(&[&info.replace("relu", "swish"), &weight("F32", "[1,1]", 4), &bias(4)]), "`swish`"),
        (file(&[&info.replace("[1,1]", "[]"), &weight("F32", "[1,1]", 4), &bias(4)]), "at least an input"),
        (
            file(&[&info.replace("[1,1]", "[1,-1]"), &weight("F32", "[1,1]", 4), &bias(4)]),
            "cannot be understood",
        ),
    ];
    for (bytes, fragment) in cases {
        fs::write(&path, bytes).unwrap();
        let text = refused(&path);
        assert!(text.contains(fragment), "`{fragment}` is not in: {text}");
    }
    assert!(matches!(load_model(folder.path()).unwrap_err(), Error::File { .. }), "a folder is no model");
    assert!(matches!(load_model(&folder.path().join("absent")).unwrap_err(), Error::Io { .. }));
    let text = run::load_model(folder.path()).unwrap_err().to_string();
    assert!(text.contains("no run here"), "{text}");
}

#[test]
fn a_header_that_claims_the_moon_costs_nothing() {
    let (_folder, path) = saved();
    let before = peak_memory();
    // 60,000 x 60,000 weights: within what a spec allows, and 14 GB.
    let info = r#""__metadata__":{"gpu_mlp":"{\"layers\":[60000,60000],\"activation\":\"relu\",\"input_scale\":0.00392156862745098}"}"#;
    let weight = |shape: &str, end: u64| {
        format!(r#""layers.0.weight":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}"#)
    };
    let cases = [
        file_of(&format!("{{{info}}}"), 8),
        file_of(&format!("{{{info},{}}}", weight("[2,1]", 8)), 8),
        file_of(&format!("{{{info},{}}}", weight("[60000,60000]", 14_400_000_000)), 8),
        file_of(&format!("{{{info},{}}}", weight("[4294967296,4294967296,4]", 0)), 8),
        [&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
        [&(1_u64 << 34).to_le_bytes()[..], b"{}"].concat(),
    ];
    for bytes in cases {
        fs::write(&path, bytes).unwrap();
        refused(&path);
    }
    assert!(peak_memory() - before < 2 << 30, "{} bytes", peak_memory() - before);
}

/// The most address space that this process has had, in bytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10)
}
