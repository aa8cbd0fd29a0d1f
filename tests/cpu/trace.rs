//! `gpu-mlp trace`: what it writes is right in the doctor's eyes, and what it compares is found with its place.

use gpu_mlp::doctor::beside::{comparison, trace};
use gpu_mlp::doctor::file::npy::Value;
use gpu_mlp::doctor::file::npz::{self, Entries};
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Layer, Matrix, Mlp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value as Json;

use crate::program::Place;

/// A random network of sizes 5-6-4, and eleven samples.
fn entries(activation: Activation) -> Entries {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5;
    let mut matrix = |rows, cols| Matrix::from_fn(rows, cols, |_, _| unit());
    let layer = |w: Matrix, b: Matrix| Layer { w, b: b.into_data() };
    let layers = vec![layer(matrix(5, 6), matrix(1, 6)), layer(matrix(6, 4), matrix(1, 4))];
    let labels: Vec<u32> = (0..11).map(|i| i % 4).collect();
    trace::entries(&Mlp { layers, activation: activation.into() }, &matrix(11, 5), &labels, 0.25)
}

fn save(place: &Place, name: &str, entries: &Entries) {
    npz::write(&place.path(name), entries.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
}

fn numbers<'a>(entries: &'a mut Entries, name: &str) -> &'a mut gpu_mlp::doctor::file::npy::Array {
    match entries.get_mut(name) {
        Some(Value::Numbers(array)) => array,
        other => panic!("{name}: {other:?}"),
    }
}

/// The same file with every matrix turned, as who has samples as columns writes it.
fn turned(entries: &Entries) -> Entries {
    let turn = |value: &Value| match value {
        Value::Numbers(array) if array.shape.len() == 2 => {
            let matrix = Matrix::new(array.shape.clone(), array.data.clone()).unwrap().transposed();
            let mut array = array.clone();
            (array.shape, array.data) = (matrix.shape().to_vec(), matrix.into_data());
            Value::Numbers(array)
        }
        other => other.clone(),
    };
    let kept = entries.iter().filter(|(name, _)| *name != "layout");
    kept.map(|(name, value)| (name.clone(), turn(value))).collect()
}

#[test]
fn the_doctor_finds_a_trace_clean_and_so_does_compare() {
    let place = Place::new();
    let out = place.run(&["trace", "--data", "tiny", "--hidden", "7,5"]).ok();
    assert!(
        out.starts_with("trace.npz: ") && out.contains("16-7-5-3 on the first 37 train samples"),
        "{out}"
    );
    let doctor = place.run(&["doctor", "trace.npz"]).ok();
    assert!(doctor.starts_with("Clean: all 25 tensors"), "{doctor}");
    let compared = place.run(&["trace", "--compare", "trace.npz"]).ok();
    assert!(compared.starts_with("All 25 tensors agree."), "{compared}");

    let small = ["trace", "--data", "tiny", "--hidden", "", "--split", "test", "--batch", "5", "--lr", "0.5"];
    place.run(&[&small[..], &["--seed", "9", "--out", "b.npz"]].concat()).ok();
    assert!(place.run(&["doctor", "b.npz"]).ok().starts_with("Clean: "));
    let read = npz::read(&place.path("b.npz")).unwrap();
    for key in [
        "W1", "b1", "X", "y", "act", "lr", "z1", "p", "loss", "accuracy", "dz1", "dW1", "db1", "W1_new",
        "b1_new",
    ] {
        assert!(read.contains_key(key), "{key} of {:?}", read.keys());
    }
}

#[test]
fn a_run_is_traced_with_its_own_weights_and_data() {
    let place = Place::new();
    place.trained("a", &["--epochs", "1"]);
    place.run(&["trace", "a", "--out", "a.npz", "--batch", "20", "--split", "test"]).ok();
    assert!(place.run(&["doctor", "a.npz"]).ok().starts_with("Clean: "));
    let Value::Numbers(loss) = npz::read(&place.path("a.npz")).unwrap().remove("loss").unwrap() else {
        panic!()
    };
    let eval = place.run(&["eval", "a", "--backend", "cpu", "--json"]).lines();
    let want = eval[0]["loss"].as_f64().unwrap();
    assert!((loss.data[0] - want).abs() < 1e-5 * want, "{loss:?} {want}");
}

#[test]
fn a_damaged_value_is_found_with_its_place() {
    let place = Place::new();
    let mut damaged = entries(Activation::Tanh);
    numbers(&mut damaged, "dW2").data[4 * 3 + 2] += 1e-6;
    save(&place, "rows.npz", &damaged);
    save(&place, "columns.npz", &turned(&damaged));
    for (file, at) in [("rows.npz", [3, 2]), ("columns.npz", [2, 3])] {
        let ran = place.run(&["trace", "--compare", file, "--json"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let report: Json = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&report["agree"], &report["first_difference"]), (&Json::from(false), &Json::from("dW2")));
        let differing: Vec<&Json> =
            report["tensors"].as_array().unwrap().iter().filter(|row| row["ok"] == false).collect();
        assert_eq!(differing.len(), 1, "{file}: {differing:?}");
        assert_eq!(differing[0]["at"], Json::from(at.to_vec()), "{file}");
        assert_eq!(differing[0]["pattern"], "1 of 24 values");
        let off = differing[0]["got"].as_f64().unwrap() - differing[0]["want"].as_f64().unwrap();
        assert!((off - 1e-6).abs() < 1e-12, "{off}");
        let human = place.run(&["trace", "--compare", file]).out;
        assert!(human.starts_with("First difference: dW2.") && human.contains(&format!("{at:?}")), "{human}");
    }
}

#[test]
fn rounding_to_f32_is_no_difference_but_a_wrong_digit_is() {
    for activation in [Activation::Relu, Activation::Sigmoid, Activation::Tanh] {
        let mut rounded = entries(activation);
        for value in rounded.values_mut() {
            if let Value::Numbers(array) = value
                && array.shape.len() == 2
            {
                array.data.iter_mut().for_each(|value| *value = f64::from(*value as f32));
                array.kind = gpu_mlp::doctor::file::npy::Kind::F32;
            }
        }
        let report = comparison::compare(&rounded, None, None).unwrap();
        assert!(report.agree && report.tensors.len() == 17, "{report:#?}");
        numbers(&mut rounded, "p").data[5] *= 1.01;
        assert_eq!(comparison::compare(&rounded, None, None).unwrap().first_difference.as_deref(), Some("p"));
        numbers(&mut rounded, "z1").data[5] = f64::NAN;
        let report = comparison::compare(&rounded, None, None).unwrap();
        assert_eq!(report.first_difference.as_deref(), Some("z1"));
    }
}

#[test]
fn conventions_and_patterns_are_said() {
    let mut own = entries(Activation::Relu);
    numbers(&mut own, "accuracy").data[0] *= 100.0;
    assert!(comparison::compare(&own, None, None).unwrap().agree, "percent");
    numbers(&mut own, "db1").data.iter_mut().for_each(|db| *db *= 11.0);
    let report = comparison::compare(&own, None, None).unwrap();
    let row = report.tensors.iter().find(|row| row.tensor == "db1").unwrap();
    assert!(row.pattern.as_ref().unwrap().contains("11 times"), "{row:?}");
    own.remove("lr");
    let report = comparison::compare(&own, None, None).unwrap();
    assert!(report.tensors.iter().all(|row| row.tensor != "W1_new"), "no step without lr");
    assert!(report.notes.iter().any(|note| note.contains("W1_new (no lr")), "{:?}", report.notes);
    let report = comparison::compare(&own, Some(0.25), None).unwrap();
    assert!(report.tensors.iter().any(|row| row.tensor == "W1_new" && row.ok));
    own.insert("momentum".into(), own["loss"].clone());
    let report = comparison::compare(&own, Some(0.25), None).unwrap();
    assert!(report.notes.iter().any(|note| note.contains("W1_new (momentum")), "{:?}", report.notes);
}

#[test]
fn what_a_file_lacks_comes_from_the_options() {
    let place = Place::new();
    let options = ["--data", "tiny", "--hidden", "7", "--batch", "13"];
    place.run(&[&["trace"], &options[..]].concat()).ok();
    let mut bare = npz::read(&place.path("trace.npz")).unwrap();
    bare.retain(|name, _| ["dW1", "db2", "p"].contains(&name.as_str()));
    save(&place, "bare.npz", &bare);
    let same = place.run(&[&["trace", "--compare", "bare.npz"], &options[..]].concat());
    assert!(same.out.starts_with("All 3 tensors agree.") && same.err.contains("no network"), "{same:?}");
    let other = place.run(&[&["trace", "--compare", "bare.npz", "--seed", "2"], &options[..]].concat());
    assert_eq!(other.code, Some(1), "{other:?}");
}

#[test]
fn what_cannot_be_meant_or_read_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("no.npz"), "text").unwrap();
    place.run(&["trace", "--compare", "no.npz"]).fails(2, &["not an .npz file"]);
    place.run(&["trace", "--compare", "missing.npz"]).fails(2, &["missing.npz"]);
    place.run(&["trace", "--data", "tiny", "--batch", "61"]).fails(2, &["1 to 60"]);
    place.run(&["trace", "--data", "tiny", "--batch", "0"]).fails(2, &["1 to 60"]);
    place.run(&["trace", "--data", "tiny", "--hidden", "9000,9000"]).fails(2, &["MiB", "--batch"]);
    place.run(&["trace", "--data", "tiny", "--lr", "nan"]).fails(2, &["--lr"]);
    place.run(&["trace", "--data", "tiny", "--out", "no/such/t.npz"]).fails(2, &["no/such"]);
    place.run(&["trace", "model", "--hidden", "3"]).fails(2, &["--hidden"]);
    let mut own = entries(Activation::Relu);
    own.remove("y");
    save(&place, "own.npz", &own);
    place.run(&["trace", "--compare", "own.npz"]).fails(2, &["lacks y"]);
    own.retain(|name, _| ["W1", "b1", "X", "y"].contains(&name.as_str()));
    save(&place, "own.npz", &own);
    place.run(&["trace", "--compare", "own.npz"]).fails(2, &[]);
}
