//! Files as well-known programs leave them: parameters in one list, sums beside the last sample, a part of a step.

use super::roles::clean;
use super::sigmoids::{Sigmoids, called, complaint_of_spoilt, drawn, numbers, read, ways};
use gpu_mlp::doctor::exam::report::{Status, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::reference::{Matrix, softmax};

fn value(m: &Matrix) -> Value {
    Value::Numbers(Array { shape: m.shape().to_vec(), data: m.data().to_vec(), kind: Kind::F64 })
}

/// The values of one array, and some times those of another.
fn plus(a: &Value, c: f64, b: &Value) -> Value {
    let (a, b) = (numbers(a), numbers(b));
    let data = a.data.iter().zip(&b.data).map(|(a, b)| a + c * b).collect();
    Value::Numbers(Array { data, ..a.clone() })
}

/// Keras, Theano and JAX hand out W and b in turns.
#[test]
fn parameters_in_one_list_take_turns() {
    let lists = [
        ["params_", "", "grads_", "", "new_params_", ""],
        ["weights[", "]", "grads[", "]", "weights_after[", "]"],
        ["th_", "", "g_", "", "th_new_", ""],
    ];
    for lying in ways() {
        for sizes in [vec![4, 7, 3], vec![4, 4, 4, 4]] {
            for [own, end, grads, grads_end, new, new_end] in lists {
                for first in [0, 1] {
                    let (network, x, y) = drawn(61, 11, &sizes);
                    let file = |spoilt| -> Entries {
                        let name = |key: &str| {
                            let bare = key.trim_end_matches("_new");
                            let l: usize = bare.trim_start_matches(['d', 'W', 'b']).parse().ok()?;
                            let at = first + 2 * (l - 1) + usize::from(bare.contains('b'));
                            Some(match (bare.starts_with(['W', 'b']), bare == key) {
                                (true, true) => format!("{own}{at}{end}"),
                                (true, false) => format!("{new}{at}{new_end}"),
                                (false, _) => format!("{grads}{at}{grads_end}"),
                            })
                        };
                        let entries = network.step(&x, &y, lying, spoilt).0.into_iter();
                        entries.map(|(key, value)| (name(&key).unwrap_or(key), value)).collect()
                    };
                    let told = format!("{own} from {first} {sizes:?} {lying:?}");
                    let report = clean(&file(false), &told);
                    let b1 = format!("{own}{}{end}=b1", first + 1);
                    assert!(report.map.contains(&b1), "{told}: {:?}", report.map);
                    let spoilt = complaint_of_spoilt(&read(&file(true)));
                    assert!(spoilt.is_none(), "{told}: {spoilt:?}");
                }
            }
        }
    }
}

/// Nielsen's loop: the file has the last sample's arrays, and gradients of all.
#[test]
fn sums_beside_the_last_sample_are_not_checked() {
    for lying in ways() {
        let (network, x, y) = drawn(62, 6, &[5, 6, 4]);
        let row = |m: &Matrix, r: usize| Matrix::from_fn(1, m.cols(), |_, c| m.at(r, c));
        let steps: Vec<Entries> =
            (0..6).map(|r| network.step(&row(&x, r), &row(&y, r), lying, false).0).collect();
        let own = |key: &str| !key.ends_with("_new") && !key.starts_with("da") && key != "lr";
        let mut file: Entries = steps[5].clone().into_iter().filter(|(key, _)| own(key)).collect();
        let gradient = |key: &&String| key.starts_with("dW") || key.starts_with("db");
        let gradients: Vec<String> = file.keys().filter(gradient).cloned().collect();
        let mut one = file.clone();
        for key in &gradients {
            let sum = steps[..5].iter().fold(file[key].clone(), |sum, step| plus(&sum, 1.0, &step[key]));
            file.insert(key.clone(), sum);
        }
        let told = format!("{lying:?}");
        let report = clean(&file, &told);
        assert!(report.notes.iter().any(|note| note.contains("last sample")), "{told}: {:?}", report.notes);
        let aside = report.checked.iter().filter(|c| c.status == Status::NotChecked).count();
        assert!(aside >= 4, "{told}: {:?}", report.checked);
        // One gradient that differs while the others are this sample's is wrong.
        one.insert("dW2".into(), file["dW2"].clone());
        assert_ne!(read(&one).verdict, Verdict::Clean, "{told}");
    }
}

/// Some call Z what the hidden layer hands on, T the targets and Y the outputs.
#[test]
fn z_may_be_what_a_layer_hands_on() {
    for lying in ways() {
        let (network, x, y) = drawn(63, 11, &[6, 5, 3]);
        let y = y.map(|y| f64::from(u8::from(y > 0.5)));
        let file = network.step(&x, &y, lying, false).0;
        let names = [
            ("X", "X"),
            ("y", "T"),
            ("W1", "V"),
            ("W2", "W"),
            ("b1", "bh"),
            ("b2", "bo"),
            ("a1", "Z"),
            ("p", "Y"),
        ];
        let report = clean(&called(&file, &names), &format!("{lying:?}"));
        for pair in ["Z=a1", "Y=p", "T=y"] {
            assert!(report.map.contains(&pair.to_owned()), "{lying:?}: {:?}", report.map);
        }
    }
}

/// Momentum without the old velocities, which have only the number of their weights; W is saved after the step.
#[test]
fn velocities_may_have_only_a_number() {
    for lying in ways().filter(|lying| !lying.single) {
        let (network, x, y) = drawn(64, 11, &[6, 5, 3]);
        let past = drawn(65, 11, &[6, 5, 3]).0.step(&x, &y, lying, false).0;
        let without = |(w, b): (Matrix, Matrix)| (w, Matrix::zeros(b.shape()));
        let network = Sigmoids { layers: network.layers.into_iter().map(without).collect() };
        let step = network.step(&x, &y, lying, false).0;
        let mut file = called(&step, &["X", "y", "a1", "p", "dW1", "dW2"].map(|key| (key, key)));
        for l in 1..=2 {
            let (w, dw) = (format!("W{l}"), format!("dW{l}"));
            // v = 0.05·(what was) - 0.1·dW
            let v = plus(&plus(&past[&w], -0.95, &past[&w]), -0.1, &step[&dw]);
            file.insert(w.clone(), plus(&step[&w], 1.0, &v));
            file.insert(format!("v{l}"), v);
        }
        let report = clean(&file, &format!("{lying:?}"));
        assert!(report.notes.iter().any(|note| note.contains("after the step")), "{:?}", report.notes);
    }
}

/// What follows from the file's own arrays is checked without targets; these are read off p and dz where they are 0 and 1.
#[test]
fn a_network_without_targets_is_checked_as_far_as_it_goes() {
    for lying in ways() {
        for whole in [false, true] {
            let (network, x, y) = drawn(66, 11, &[6, 5, 3]);
            let y = if whole { y.map(|y| f64::from(u8::from(y > 0.5))) } else { y };
            let file = |spoilt| {
                let mut file = network.step(&x, &y, lying, spoilt).0;
                file.retain(|key, _| key != "y" && !key.ends_with("_new") && !key.starts_with("da"));
                if whole {
                    // Binary cross-entropy: the last dz is p - y.
                    let (p, t) = (file["p"].clone(), network.step(&x, &y, lying, false).0["y"].clone());
                    file.insert("dz2".into(), plus(&p, -1.0, &t));
                    file.retain(|key, _| !["dW1", "db1", "dW2", "db2", "dz1"].contains(&key.as_str()));
                }
                file
            };
            let told = format!("{whole} {lying:?}");
            let report = clean(&file(false), &told);
            let note = if whole { "read off p and dz2" } else { "has no targets" };
            assert!(report.notes.iter().any(|n| n.contains(note)), "{told}: {:?}", report.notes);
            if !whole {
                let spoilt = complaint_of_spoilt(&read(&file(true)));
                assert!(spoilt.is_none(), "{told}: {spoilt:?}");
            }
        }
    }
}

/// `softmax_loss(x, y)` gives a loss and dx.
#[test]
fn a_softmax_and_its_loss_need_no_network() {
    for seed in 0..8 {
        let (_, x, _) = drawn(70 + seed, 13, &[5, 5]);
        let p = softmax(&x);
        let label = |r: usize| (r * 7 + 3) % 5;
        let y = Matrix::from_fn(13, 1, |r, _| label(r) as f64);
        let hot = |r: usize, c: usize| f64::from(u8::from(c == label(r)));
        let dx = Matrix::from_fn(13, 5, |r, c| (p.at(r, c) - hot(r, c)) / 13.0);
        let loss = (0..13).map(|r| -p.at(r, label(r)).ln()).sum::<f64>() / 13.0;
        let loss = Matrix::from_fn(1, 1, |_, _| loss);
        let file = |names: [&str; 5], dx: &Matrix| -> Entries {
            let arrays = [&x, &y, &p, dx, &loss];
            names
                .into_iter()
                .zip(arrays)
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, m)| (name.to_owned(), value(m)))
                .collect()
        };
        let all = [
            ["x", "y", "probs", "dx", "loss"],
            ["scores", "y", "", "dscores", "loss"],
            ["logits", "labels", "probs", "dlogits", "loss"],
        ];
        for names in all {
            clean(&file(names, &dx), &format!("{names:?}"));
            let shifted = Matrix::from_fn(13, 5, |r, c| p.at(r, c) - hot((r + 1) % 13, c));
            assert_ne!(read(&file(names, &shifted)).verdict, Verdict::Clean, "{names:?}");
        }
        // Numbers that no softmax makes say nothing.
        let strange = [("x", &x), ("y", &y), ("out", &dx)];
        let strange = strange.map(|(name, m)| (name.to_owned(), value(m))).into_iter().collect();
        assert!(doctor::examine(&strange, &Options::default()).is_err());
    }
}

/// PyTorch's `outputs` are what goes into the loss, also where W is the one after the step.
#[test]
fn outputs_may_be_logits() {
    for after in [false, true] {
        for lying in ways().filter(|lying| !lying.in_out && lying.rows) {
            let (network, x, _) = drawn(80, 30, &[5, 6, 4]);
            let label = |r: usize| (r * 7 + 3) % 4;
            let y = Matrix::from_fn(30, 4, |r, c| f64::from(u8::from(c == label(r))));
            let mut file = network.step(&x, &y, lying, false).0;
            // The softmax's step: dz of the last layer is (p - y)/N.
            let z = numbers(&file["z2"]).clone();
            let logits = Matrix::from_fn(30, 4, |r, c| -3.0 * z.data[r * 4 + c]);
            let p = softmax(&logits);
            let loss = -(0..30).map(|r| p.at(r, label(r)).ln()).sum::<f64>() / 30.0;
            for key in ["W2", "b2"] {
                let own = file[key].clone();
                file.insert(key.into(), plus(&own, -4.0, &own));
            }
            file.retain(|key, _| ["X", "W1", "b1", "W2", "b2", "a1"].contains(&key.as_str()));
            let labels = Matrix::from_fn(30, 1, |r, _| label(r) as f64);
            file.insert("labels".into(), value(&labels));
            let dz = Matrix::from_fn(30, 4, |r, c| (p.at(r, c) - y.at(r, c)) / 30.0);
            let a = numbers(&file["a1"]);
            let a = Matrix::from_fn(30, 6, |r, c| a.data[r * 6 + c]);
            let dw = gpu_mlp::reference::matmul(&dz.transposed(), &a);
            if after {
                let w = file["W2"].clone();
                file.insert("W2".into(), plus(&w, -0.1, &value(&dw)));
            }
            file.insert("dW2".into(), value(&dw));
            file.insert("outputs".into(), value(&logits));
            file.insert("loss".into(), value(&Matrix::from_fn(1, 1, |_, _| loss)));
            let report = read(&file);
            assert!(
                report.map.contains(&"outputs=z2".to_owned()),
                "{after} {lying:?}: {:?} {:?}",
                report.map,
                report.findings
            );
            if !after {
                assert_eq!(report.verdict, Verdict::Clean, "{lying:?}: {:?}", report.findings);
            }
        }
    }
}
