//! Files of models that are damaged, or hold something else: an error in words each time, and no memory on a header's
//! word alone.

use std::fs;
use std::path::PathBuf;

use gpu_mlp::data::Scaling;
use gpu_mlp::exchange::{Format, export};
use gpu_mlp::network::Activation;
use gpu_mlp::training::checkpoint::load_model;
use tempfile::{TempDir, tempdir};

use crate::data::{refusal, says};
use crate::exchange::{columns, model, read};
use crate::forms::{array, write_npz};
use crate::program::Place;

fn exported(format: Format) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let (parameters, info) = model(&[5, 4, 3], Activation::Relu, columns(5));
    export(&path, &parameters, &info, format).unwrap();
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    // An ONNX file may end behind any of its fields.
    for format in [Format::Safetensors, Format::Npz] {
        let (_folder, path, bytes) = exported(format);
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "{format:?} of {length} bytes");
        }
    }
}

#[test]
fn a_byte_changed_anywhere_gives_a_model_or_an_error() {
    for format in [Format::Safetensors, Format::Npz, Format::Onnx { softmax: false }] {
        let (_folder, path, bytes) = exported(format);
        let mut refused = 0;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            fs::write(&path, changed).unwrap();
            refused += usize::from(read(&path).is_err());
            // The reader of models of our own meets the same files.
            let _ = load_model(&path);
        }
        assert!(refused > 50, "{format:?}: {refused} of {}", bytes.len());
    }
}

/// A safetensors file with this header and so many bytes of tensors.
fn safetensors(header: &str, bytes: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

#[test]
fn what_is_no_network_is_refused_in_words() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let refused = |header: &str, bytes: &[u8], fragments: &[&str]| {
        fs::write(&path, safetensors(header, bytes)).unwrap();
        says(&refusal(read(&path)), fragments);
    };
    let one = |name: &str, dtype: &str, shape: &str, size: usize| {
        format!(r#"{{"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{size}]}}}}"#)
    };
    refused("{}", &[], &["has no weights", "0.weight"]);
    refused(
        &one("0.weight", "I64", "[1,2]", 16),
        &[0; 16],
        &["0.weight: expected F32", "I64", "model.float()"],
    );
    refused(&one("embedding", "F32", "[2]", 8), &[0; 8], &["`embedding` is not a weight or bias"]);
    refused(
        &one("conv.0.weight", "F32", "[1,1,2]", 8),
        &[0; 8],
        &["shape [1, 1, 2]", "a weight is a matrix"],
    );
    refused(&one("0.bias", "F32", "[2]", 8), &[0; 8], &["layer `0` has a bias but no weight"]);
    refused(&one("0.weight", "F32", "[2,1]", 8), &f32::NAN.to_le_bytes().repeat(2), &["not a finite"]);
    refused(&one("0.weight", "F32", "[0,4]", 0), &[], &["do not fit"]);
    refused(&one("0.weight", "F32", "[1000000,1000000]", 8), &[0; 8], &["not a safetensors file"]);
    refused(&one("0.weight", "F32", "[2,1]", 1 << 40), &[0; 8], &["not a safetensors file"]);
    let two = r#"{"0.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},
                  "2.weight":{"dtype":"F32","shape":[1,5],"data_offsets":[24,44]}}"#;
    refused(two, &[0; 44], &["do not fit each other", "0.weight [3, 2], its bias none", "2.weight [1, 5]"]);
    let twice = r#"{"a.0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},
                    "b.0.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
    refused(twice, &[0; 8], &["its names do not say in which order its layers stand"]);
    fs::write(&path, [&u64::MAX.to_le_bytes()[..], b"{}"].concat()).unwrap();
    says(&refusal(read(&path)), &["not a safetensors file, not an .npz and not ONNX"]);
    says(&refusal(read(&folder.path().join("none"))), &["none"]);
    says(&refusal(read(folder.path())), &["expected a file, got a folder"]);
}

#[test]
fn what_a_file_says_of_itself_has_to_be_true_of_it() {
    let (_folder, path, bytes) = exported(Format::Npz);
    drop(bytes);
    let arrays = |json: &str| {
        let zeros = |count: usize| vec![0; 4 * count];
        write_npz(
            &path,
            &[
                ("W1", array("<f4", &[2, 3], &zeros(6))),
                ("b1", array("<f4", &[3], &zeros(3))),
                ("gpu_mlp", array("|u1", &[json.len()], json.as_bytes())),
            ],
        );
        read(&path)
    };
    let info = |layers: &str, scaling: &str, names: &str| {
        format!(
            r#"{{"layers":{layers},"activation":"relu","input_scale":1.0,
                "preparation":{{"scaling":{scaling},"class_names":{names}}}}}"#
        )
    };
    let names = r#"["a","b","c"]"#;
    let good = arrays(&info("[2,3]", r#""none""#, names)).unwrap().info.unwrap();
    assert_eq!((good.spec.sizes(), &good.preparation.scaling), (&[2, 3][..], &Scaling::None));
    says(
        &refusal(arrays(&info("[2,4]", r#""none""#, r#"["a","b","c","d"]"#))),
        &["the sizes are [2, 4]", "have [2, 3]"],
    );
    says(&refusal(arrays(&info("[2,3]", r#""none""#, r#"["a"]"#))), &["1 class name", "has 3"]);
    let short = r#"{"columns":{"shift":[0.0],"factor":[1.0]}}"#;
    says(&refusal(arrays(&info("[2,3]", short, names))), &["1 shift and 1 factor", "2 inputs"]);
    says(
        &refusal(arrays(&info("[2]", r#""none""#, names))),
        &["`gpu_mlp`", "its layers do not form a network"],
    );
    says(&refusal(arrays("]")), &["`gpu_mlp`: it cannot be understood"]);
    says(&refusal(arrays(&info("[2,3]", r#""bytes""#, names))), &["it multiplies inputs by 1"]);
}

#[test]
fn an_npz_that_claims_or_unpacks_to_too_much_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    // A header's claim, without the bytes.
    write_npz(&path, &[("W1", array("<f8", &[1 << 30, 1 << 30], &[]))]);
    says(
        &refusal(read(&path)),
        &["`W1` has shape [1073741824, 1073741824]", "more than a file of this size"],
    );
    write_npz(&path, &[("W1", array("<f4", &[usize::MAX, usize::MAX], &[]))]);
    says(&refusal(read(&path)), &["more than a file of this size"]);
    write_npz(&path, &[("W1", array("<f4", &[1000, 1000], &[0; 40]))]);
    says(&refusal(read(&path)), &["`W1` says shape [1000, 1000]", "holds 40 bytes"]);
    // Zeros that really are there: 70 MB out of 70 kB.
    write_npz(&path, &[("W1", array("<f4", &[17_500, 1000], &vec![0; 70_000_000]))]);
    assert!(fs::metadata(&path).unwrap().len() < 200_000);
    says(&refusal(read(&path)), &["`W1` has shape [17500, 1000]", "more than a file of this size"]);
    write_npz(&path, &[("x", array("<f4", &[2], &[0; 8]))]);
    says(&refusal(read(&path)), &["it has no weights"]);
    write_npz(&path, &[("W1", array("<U1", &[1, 1], &[65, 0, 0, 0]))]);
    says(&refusal(read(&path)), &["`W1` holds texts"]);
    write_npz(&path, &[("W1", array("<f8", &[1, 1], &1e300_f64.to_le_bytes()))]);
    says(&refusal(read(&path)), &["`W1` holds a value that is not a finite f32"]);
}

#[test]
fn pickles_and_keras_get_the_lines_that_convert_them() {
    let place = Place::new();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path(name), bytes).unwrap();
    let import = |name: &str| place.run(&["import", name]);
    write("old.pth", b"\x80\x02}q\x00.");
    write_npz(&place.path("net.pt"), &[("net/data.pkl", vec![0x80, 2])]);
    for name in ["old.pth", "net.pt"] {
        let lines =
            ["torch.save", "save_file(", &format!("torch.load(\"{name}\""), "state.get(\"model_state_dict\""];
        import(name).fails(2, &lines);
    }
    write("model.pkl", b"\x80\x04\x95");
    write("model.joblib", b"\x78\x9c\x01");
    for name in ["model.pkl", "model.joblib"] {
        let lines = ["a Python pickle or a joblib file", &format!("joblib.load(\"{name}\""), "to_onnx(model"];
        import(name).fails(2, &lines);
    }
    write("net.h5", b"\x89HDF\r\n\x1a\n");
    write_npz(&place.path("net.keras"), &[("config.json", vec![]), ("model.weights.h5", vec![])]);
    for name in ["net.h5", "net.keras"] {
        import(name).fails(2, &["Keras", &format!("load_model(\"{name}\""), "numpy.savez("]);
    }
    write("net.weights.h5", b"\x89HDF\r\n\x1a\n");
    let lines = ["Keras' weights", "model.load_weights(\"net.weights.h5\")", "numpy.savez("];
    import("net.weights.h5").fails(2, &lines);
}
