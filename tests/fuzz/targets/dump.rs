//! Arrays of somebody's own step, as the doctor and `trace --compare` read them: each form, and the whole examination.

use std::io::Cursor;

use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::file::{csv, forms};
use gpu_mlp::doctor::{self, comparison, trace};

use super::run::network;
use super::target;
use crate::archive;
use crate::driver::Target;
use crate::mutate::{Rng, edited};

/// As an archive under our names, under names of another's, and as JSON: read, compared with the right values, and
/// examined.
pub fn dump() -> Target {
    let step = step();
    let seeds = vec![archived(&step, str::to_owned), archived(&step, another), json(&step)];
    let read = |input: &[u8]| {
        let entries = forms::read_from(Cursor::new(input)).map_err(words)?;
        let compared = comparison::compare(&entries, None, None).map_err(words);
        let report = doctor::examine(&entries, &doctor::Options::default()).map_err(words)?;
        assert!(
            !report.checked.is_empty()
                || !report.findings.is_empty()
                || compared.is_err()
                || !report.notes.is_empty()
        );
        compared.map(drop)
    };
    target("dump", seeds, mutate, Box::new(read))
}

/// The most values of an array on its own.
const VALUES: usize = 1000;

/// An archive, JSON, or one array as `.npy` or as text, read without an examination.
pub fn arrays() -> Target {
    let step = step();
    let mut seeds: Vec<Vec<u8>> =
        ["1,2.5,-3e-4\n4,5,6\n", "a;b\n1;2\n3;4\n", "0.25\t1\r\n\r\n-1\tNaN\r\n", "\"1\" \"2\"\n", "7\n"]
            .map(|text| text.as_bytes().to_vec())
            .into();
    seeds.extend([doctor::npy::render(&step["X"]), json(&step), archived(&step, str::to_owned)]);
    let read = |input: &[u8]| {
        let entries = match input {
            [b'{', ..] | [b'P', b'K', ..] => forms::read_from(Cursor::new(input)).map_err(words)?,
            _ if input.starts_with(b"\x93NUMPY") => {
                Entries::from([("a".to_owned(), doctor::npy::parse(input, VALUES).map_err(words)?)])
            }
            _ => Entries::from([("a".to_owned(), csv::parse(input, VALUES).map_err(words)?)]),
        };
        for value in entries.values() {
            if let Value::Numbers(array) = value {
                assert_eq!(array.shape.iter().product::<usize>(), array.data.len());
            }
        }
        Ok(())
    };
    target("arrays", seeds, mutate, Box::new(read))
}

fn step() -> Entries {
    let (spec, parameters) = network();
    let x = gpu_mlp::Tensor::new([2, 3], vec![0.5, -1.0, 2.0, 0.25, 1.5, -0.5]).unwrap();
    trace::entries(&parameters.in_f64(spec.activation()), &x, &[0, 1], 0.1)
}

fn words(refusal: doctor::Refusal) -> String {
    format!("{}\n  hint: {}", refusal.problem, refusal.hint)
}

fn archived(step: &Entries, names: fn(&str) -> String) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let entries = step.iter().map(|(name, value)| (names(name), doctor::npy::render(value)));
    gpu_mlp::numpy::npz::write(&mut bytes, entries).unwrap();
    bytes.into_inner()
}

/// Names of which none is ours, but for the settings.
fn another(name: &str) -> String {
    match name {
        "X" => "inputs_batch".into(),
        "p" => "final_output".into(),
        name if name.starts_with('W') => format!("layer_weights{}", &name[1..]),
        name if name.starts_with('b') => format!("layer_bias{}", &name[1..]),
        name if name.starts_with("dz") => format!("layer_error{}", &name[2..]),
        name => name.to_owned(),
    }
}

/// The arrays as an object of lists.
fn json(step: &Entries) -> Vec<u8> {
    let list = |array: &Array| match array.shape.as_slice() {
        [_, cols] => serde_json::json!(array.data.chunks(*cols).collect::<Vec<_>>()),
        _ => serde_json::json!(array.data),
    };
    let value = |value: &Value| match value {
        Value::Numbers(array) => list(array),
        Value::Text(text) | Value::Unreadable(text) => text.as_str().into(),
    };
    let object: serde_json::Map<_, _> = step.iter().map(|(name, own)| (name.clone(), value(own))).collect();
    serde_json::to_vec(&object).unwrap()
}

fn mutate(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    if input.starts_with(b"{") {
        crate::json::mutate(rng, input, other)
    } else if input.starts_with(b"PK") {
        archive::mutate(rng, input, other)
    } else {
        edited(
            rng,
            input,
            other,
            &["\n", "\r\n", ",", ";", "\t", "\"", "W1", "'shape': (", "1e999", "\u{feff}"],
        )
    }
}
