//! Networks whose names or habits hide what is what: the numbers tell.

use super::sigmoids::{Lying, called, drawn, numbers, read, squeezed, times, ways};
use super::styles::{STYLES, renamed};
use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::reference::{Matrix, matmul, softmax};

#[track_caller]
pub fn clean(entries: &Entries, told: &str) -> Report {
    let report = read(entries);
    assert_eq!(
        report.verdict,
        Verdict::Clean,
        "{told}: {:?} {:?} {:?}",
        report.map,
        report.notes,
        report.findings
    );
    report
}

/// The parameters after the step in place of those before it.
pub fn after_the_step(file: &mut Entries) {
    for name in file.keys().filter(|name| name.ends_with("_new")).cloned().collect::<Vec<_>>() {
        let new = file.remove(&name).unwrap();
        file.insert(name.trim_end_matches("_new").into(), new);
    }
}

#[test]
fn an_autoencoder_has_its_inputs_for_targets() {
    for (style, naming) in STYLES {
        for lying in ways() {
            for sizes in [vec![6, 3, 6], vec![7, 5, 3, 7]] {
                let (network, x, _) = drawn(21, 11, &sizes);
                let mut file = network.step(&x, &x, lying, false).0;
                file.remove("y");
                let told = format!("{style} {sizes:?} {lying:?}");
                let report = clean(&renamed(&file, naming), &told);
                let targets = report.map.iter().find(|pair| pair.ends_with("=y"));
                let input = targets.map(|pair| pair.replace("=y", "=X"));
                assert!(input.is_some_and(|pair| report.map.contains(&pair)), "{told}: {:?}", report.map);
                assert!(report.notes.iter().any(|note| note.ends_with("is the targets, too")), "{told}");
            }
        }
    }
    // Without the error from X nothing says so; the user may.
    let lying = Lying { rows: true, in_out: true, single: false };
    let (network, x, _) = drawn(22, 11, &[6, 3, 6]);
    let mut file = network.step(&x, &x, lying, false).0;
    file.retain(|name, _| !["y", "dz2"].contains(&name.as_str()));
    assert!(read(&file).notes.iter().any(|note| note.contains("map X=X,X=y")));
    let map = [("X", "X"), ("X", "y")].map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()));
    let report = doctor::examine(&file, &Options { map: map.to_vec(), ..Options::default() }).unwrap();
    assert_eq!(report.verdict, Verdict::Clean, "{:?}", report.findings);
}

/// `outputs` are the targets and `output` is p: the error is in the file, and the targets are whole numbers.
#[test]
fn whole_numbers_beside_an_output_are_its_targets() {
    for lying in ways() {
        for (sizes, n) in [(vec![3, 1], 4), (vec![5, 2], 9), (vec![4, 6, 1], 11)] {
            for after in [false, true] {
                let (network, x, y) = drawn(31, n, &sizes);
                let y = y.map(|y| f64::from(u8::from(y > 0.5)));
                let mut file = network.step(&x, &y, lying, false).0;
                let (p, targets) = (numbers(&file["p"]).clone(), numbers(&file["y"]));
                let error = p.data.iter().zip(&targets.data).map(|(p, y)| y - p).collect();
                file.insert("error".into(), Value::Numbers(Array { data: error, ..p }));
                file.retain(|name, _| !name.starts_with('z') && name != "lr");
                if after {
                    after_the_step(&mut file);
                }
                file.retain(|name, _| !name.ends_with("_new"));
                let called = |name: &str| match name {
                    "X" => "inputs".to_owned(),
                    "y" => "outputs".to_owned(),
                    "p" => "output".to_owned(),
                    other => other.to_owned(),
                };
                let file = file.iter().map(|(name, value)| (called(name), value.clone())).collect();
                let told = format!("{sizes:?} N = {n} {lying:?} after {after}");
                let report = clean(&file, &told);
                assert!(report.map.contains(&"outputs=y".to_owned()), "{told}: {:?}", report.map);
            }
        }
    }
}

/// `output_errors` is y - p and only on the way to dz, which is not in the file: `hidden_errors` came back from it.
#[test]
fn an_error_on_the_way_is_not_the_delta() {
    for lying in ways().filter(|lying| !lying.single) {
        // The three outputs of one sample do not show which step was taken.
        for (n, after) in [(1, false), (7, false), (7, true)] {
            let (network, x, y) = drawn(41, n, &[5, 6, 3]);
            let mut file = network.step(&x, &y, lying, false).0;
            let (p, targets) = (numbers(&file["p"]).clone(), numbers(&file["y"]));
            let error = p.data.iter().zip(&targets.data).map(|(p, y)| y - p).collect();
            let back = numbers(&file["da1"]);
            let back = Array { data: back.data.iter().map(|v| -v).collect(), ..back.clone() };
            let own = [
                ("output_errors", Value::Numbers(Array { data: error, ..p })),
                ("hidden_errors", Value::Numbers(back)),
            ];
            if after {
                after_the_step(&mut file);
            }
            let names = [
                ("X", "inputs"),
                ("y", "targets"),
                ("z1", "hidden_inputs"),
                ("a1", "hidden_outputs"),
                ("z2", "final_inputs"),
                ("p", "final_outputs"),
                ("W1", "wih"),
                ("W2", "who"),
                ("b1", "b_h"),
                ("b2", "b_o"),
            ];
            let mut file = called(&file, &names);
            file.extend(own.map(|(name, value)| (name.to_owned(), value)));
            let told = format!("N = {n} {lying:?} after {after}");
            let report = clean(&file, &told);
            assert!(report.map.contains(&"hidden_errors=da1".to_owned()), "{told}: {:?}", report.map);
            assert!(!report.map.iter().any(|pair| pair.starts_with("output_errors=")), "{:?}", report.map);
            if n == 1 {
                clean(&squeezed(&file), &format!("{told}, vectors"));
            }
        }
    }
}

/// `o = tanh(z)` goes into the softmax: it is neither z nor p.
#[test]
fn what_goes_into_a_softmax_is_not_p() {
    for lying in ways() {
        let (network, x, y) = drawn(51, 9, &[4, 6, 3]);
        let hot =
            Matrix::from_fn(9, 3, |r, c| f64::from(u8::from(y.row(r).iter().all(|&v| v <= y.at(r, c)))));
        let [(w1, _), (w2, _)] = &network.layers[..] else { panic!() };
        let h = matmul(&x, w1).map(f64::tanh);
        let o = matmul(&h, w2).map(f64::tanh);
        let p = softmax(&o);
        let error = Matrix::from_fn(9, 3, |r, c| (p.at(r, c) - hot.at(r, c)) / 9.0);
        let slope = |a: &Matrix| a.map(|a| 1.0 - a * a);
        let dz2 = times(&error, &slope(&o));
        let dh = matmul(&dz2, &w2.transposed());
        let dz1 = times(&dh, &slope(&h));
        let sample = |m: &Matrix| super::array(m, lying.rows, lying.single);
        let weight = |m: &Matrix| super::array(m, lying.in_out, lying.single);
        let file: Entries = [
            ("X", sample(&x)),
            ("T", sample(&hot)),
            ("W1", weight(w1)),
            ("W2", weight(w2)),
            ("h", sample(&h)),
            ("o", sample(&o)),
            ("p", sample(&p)),
            ("do", sample(&error)),
            ("dz2", sample(&dz2)),
            ("dW2", weight(&matmul(&h.transposed(), &dz2))),
            ("dh", sample(&dh)),
            ("dz1", sample(&dz1)),
            ("dW1", weight(&matmul(&x.transposed(), &dz1))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let report = clean(&file, &format!("{lying:?}"));
        assert!(report.notes.iter().any(|note| note.contains("a softmax of tanh(z)")), "{:?}", report.notes);
    }
}

/// X as bytes, scaled where it is used, and weights from after the step.
#[test]
fn bytes_and_weights_from_after_the_step() {
    for lying in ways() {
        let (network, x, y) = drawn(61, 15, &[8, 6, 4]);
        let bytes = x.map(|x| (100.0 * (x + 1.3)).floor());
        let mut file = network.step(&bytes.map(|x| x / 255.0), &y, lying, false).0;
        file.insert("X".into(), super::array(&bytes, lying.rows, false));
        after_the_step(&mut file);
        let report = clean(&file, &format!("{lying:?}"));
        for words in ["saved before it was scaled", "those after the step"] {
            assert!(report.notes.iter().any(|note| note.contains(words)), "{:?}", report.notes);
        }
    }
}

/// Dropout behind a ReLU, and weights from after the step; the rate is not in the file.
#[test]
fn masks_and_weights_from_after_the_step() {
    for rate in [0.5, 0.2] {
        for lying in ways() {
            let (network, x, y) = drawn(71, 13, &[6, 8, 3]);
            let [(w1, _), (w2, _)] = &network.layers[..] else { panic!() };
            let mask = Matrix::from_fn(13, 8, |r, c| f64::from(u8::from((3 * r + 5 * c + r * c) % 7 > 2)));
            let kept = mask.map(|m| m / (1.0 - rate));
            let z1 = matmul(&x, w1);
            let a1 = times(&z1.map(|z| z.max(0.0)), &kept);
            let p = matmul(&a1, w2);
            let dz2 = Matrix::from_fn(13, 3, |r, c| (y.at(r, c) - p.at(r, c)) / 13.0);
            let on = z1.map(|z| f64::from(u8::from(z > 0.0)));
            let dz1 = times(&times(&matmul(&dz2, &w2.transposed()), &on), &kept);
            let moved = |w: &Matrix, a: &Matrix, dz: &Matrix| {
                let step = matmul(&a.transposed(), dz);
                Matrix::from_fn(w.rows(), w.cols(), |r, c| w.at(r, c) + 0.4 * step.at(r, c))
            };
            let sample = |m: &Matrix| super::array(m, lying.rows, lying.single);
            let weight = |m: &Matrix| super::array(m, lying.in_out, lying.single);
            let file: Entries = [
                ("layer_0", sample(&x)),
                ("labels", sample(&y)),
                ("weights_0_1", weight(&moved(w1, &x, &dz1))),
                ("weights_1_2", weight(&moved(w2, &a1, &dz2))),
                ("layer_1", sample(&a1)),
                ("layer_2", sample(&p)),
                ("dropout_mask", sample(&mask)),
                ("layer_2_delta", sample(&dz2)),
                ("layer_1_delta", sample(&dz1)),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
            let report = clean(&file, &format!("rate {rate} {lying:?}"));
            assert!(report.notes.iter().any(|note| note.contains("after the step")), "{:?}", report.notes);
        }
    }
}

/// Labels from 1 to the number of outputs, under names that are not ours.
#[test]
fn classes_may_count_from_one_under_any_names() {
    for (style, naming) in STYLES {
        for depth in [2, 3] {
            let sizes = &[5, 7, 6, 4][3 - depth..];
            let network = super::network(8, 23, sizes, gpu_mlp::network::Activation::Tanh);
            let mut file = super::export(&network, super::PLAIN, 0.1);
            let labels = numbers(&file["y"]).clone();
            let from_one = labels.data.iter().map(|label| label + 1.0).collect();
            file.insert("y".into(), Value::Numbers(Array { data: from_one, ..labels }));
            clean(&renamed(&file, naming), &format!("{style} {sizes:?}"));
        }
    }
}

/// `in` and `out` are places in the name of what no sample has.
#[test]
fn words_for_the_ends_of_a_network_hide_no_gradient() {
    let theirs = |ours: &str| {
        let (word, place) = match ours.trim_end_matches("_new").split_at_checked(ours.len().min(1)) {
            _ if ours.starts_with("dW") => ("upd", &ours[2..3]),
            _ if ours.starts_with("db") => ("ub", &ours[2..3]),
            Some(("W", place)) => ("k", place),
            Some(("b", place)) => ("off", place),
            _ => return None,
        };
        let place = ["in", "mid", "out"][place.parse::<usize>().ok()? - 1];
        let end = if ours.ends_with("_new") { "_next" } else { "" };
        Some(format!("{word}_{place}{end}"))
    };
    for lying in ways() {
        let (network, x, y) = drawn(41, 17, &[6, 5, 4, 3]);
        let file = network.step(&x, &y, lying, false).0;
        let renamed: Entries =
            file.iter().map(|(ours, value)| (theirs(ours).unwrap_or(ours.clone()), value.clone())).collect();
        let report = clean(&renamed, &format!("{lying:?}"));
        for pair in ["upd_in=dW1", "ub_in=db1", "upd_out=dW3", "ub_out=db3"] {
            assert!(report.map.iter().any(|own| own == pair), "{lying:?} {pair}: {:?}", report.map);
        }
    }
}
