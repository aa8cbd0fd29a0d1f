//! Biases that are a row or a column of the weights, behind ones among the inputs, under the names people give.

use super::sigmoids::{Lying, assert_none, complaint, complaint_of_spoilt, drawn, numbers, ways};
use super::styles::{Naming, STYLES, renamed};
use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::file::npy::{Array, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::reference::Matrix;

fn matrix(array: &Array, direct: bool) -> Matrix {
    let matrix = Matrix::new([array.shape[0], array.shape[1]], array.data.clone()).unwrap();
    if direct { matrix } else { matrix.transposed() }
}

fn value(matrix: &Matrix, direct: bool, like: &Array) -> Value {
    let matrix = if direct { matrix.clone() } else { matrix.transposed() };
    Value::Numbers(Array { shape: matrix.shape().to_vec(), data: matrix.into_data(), kind: like.kind })
}

/// One matrix on the other, the second first if `first`.
fn stacked(w: &Matrix, b: &Matrix, first: bool) -> Matrix {
    let shift = usize::from(first);
    let last = if first { 0 } else { w.rows() };
    let at = |r: usize, c: usize| if r == last { b.at(0, c) } else { w.at(r - shift, c) };
    Matrix::from_fn(w.rows() + 1, w.cols(), at)
}

/// A file with its biases in its weights; with ones in X, in hidden activations.
fn with_rows(entries: &Entries, lying: Lying, first: bool, in_x: bool, in_hidden: bool) -> Entries {
    let depth = (1..).take_while(|l| entries.contains_key(&format!("W{l}"))).count();
    let mut out = entries.clone();
    let ones = |array: &Array| {
        let rows = matrix(array, lying.rows).transposed();
        let ones = Matrix::from_fn(1, rows.cols(), |_, _| 1.0);
        value(&stacked(&rows, &ones, first).transposed(), lying.rows, array)
    };
    for l in 1..=depth {
        for (w, b) in [("W", "b"), ("dW", "db")] {
            for rest in ["", "_new"] {
                let Some(bias) = out.remove(&format!("{b}{l}{rest}")) else { continue };
                let weights = numbers(&out[&format!("{w}{l}{rest}")]).clone();
                let whole =
                    stacked(&matrix(&weights, lying.in_out), &matrix(numbers(&bias), lying.rows), first);
                out.insert(format!("{w}{l}{rest}"), value(&whole, lying.in_out, &weights));
            }
        }
        let a = if l == 1 { "X".to_owned() } else { format!("a{}", l - 1) };
        if (l == 1 && in_x) || (l > 1 && in_hidden) {
            let grown = ones(numbers(&out[&a]));
            out.insert(a, grown);
        }
    }
    out
}

#[test]
fn biases_among_the_weights_are_found_under_any_names() {
    let mut complaints = Vec::new();
    let ours: Naming = |key, _| {
        Some(format!(
            "{}{}{}",
            key.stem,
            if key.layer > 0 { key.layer.to_string() } else { String::new() },
            key.rest
        ))
    };
    // `a1` is X in this style, and the hidden layer's in ours.
    let styles = STYLES.into_iter().chain([("ours", ours)]);
    for (style, naming) in styles {
        for (i, sizes) in [vec![5, 6, 4], vec![3, 7, 2], vec![4, 6, 5, 1]].iter().enumerate() {
            for (k, lying) in ways().enumerate() {
                let (network, x, y) = drawn(40 + i as u64, 11 + i, sizes);
                let first = k % 2 == 0;
                for (in_x, in_hidden) in [(true, true), (false, true), (false, false)] {
                    let file = |spoilt: bool| {
                        let file = network.step(&x, &y, lying, spoilt).0;
                        let file = renamed(&with_rows(&file, lying, first, in_x, in_hidden), naming);
                        doctor::examine(&file, &Options::default())
                    };
                    let told =
                        format!("{style} {sizes:?} {lying:?} first {first} in X {in_x} in a {in_hidden}");
                    let wrong =
                        complaint(file(false), 9).or_else(|| complaint_of_spoilt(&file(true).unwrap()));
                    complaints.extend(wrong.map(|wrong| format!("{told}: {wrong}")));
                }
            }
        }
    }
    assert_none(&complaints);
}

/// Octave's classes count from 1, and the file has their one-hot form, too; a1 is X with its ones.
#[test]
fn classes_from_one_beside_their_one_hot_form() {
    let network = super::network(6, 19, &[5, 6, 4], gpu_mlp::network::Activation::Tanh);
    let mut file = super::export(&network, super::PLAIN, 0.1);
    let labels = numbers(&file["y"]).clone();
    let from_one =
        Array { shape: vec![19, 1], data: labels.data.iter().map(|y| y + 1.0).collect(), ..labels.clone() };
    let hot = |shift: usize| {
        let at = |i: usize| f64::from(u8::from((labels.data[i / 4] as usize + shift) % 4 == i % 4));
        Value::Numbers(Array { shape: vec![19, 4], data: (0..76).map(at).collect(), ..labels.clone() })
    };
    file.insert("y".into(), Value::Numbers(from_one));
    let report = doctor::examine(&file, &Options::default()).unwrap();
    assert_eq!(report.verdict, Verdict::Clean, "{:?}", report.findings);
    assert!(report.notes.iter().any(|note| note.contains("counts classes from 1")), "{:?}", report.notes);
    file.insert("Y".into(), hot(0));
    let report = doctor::examine(&file, &Options::default()).unwrap();
    assert_eq!(report.verdict, Verdict::Clean, "{:?}", report.findings);
    assert!(
        report.notes.iter().any(|note| note.contains("`Y` is the one-hot form of `y`")),
        "{:?}",
        report.notes
    );
    // The one-hot form of other classes: what dz was measured from shows it.
    file.insert("Y".into(), hot(1));
    file.insert("dz2".into(), {
        let (p, y) = (numbers(&file["p"]).clone(), numbers(&file["Y"]).clone());
        let data = p.data.iter().zip(&y.data).map(|(p, y)| (p - y) / 19.0).collect();
        Value::Numbers(Array { data, ..p })
    });
    file.retain(|name, _| {
        ["X", "y", "Y", "W1", "b1", "W2", "b2", "z1", "a1", "z2", "p", "dz2"].contains(&name.as_str())
    });
    let report = doctor::examine(&file, &Options::default()).unwrap();
    assert!(report.names(Bug::LabelsShifted), "{:?} {:?}", report.findings, report.notes);
    assert!(report.notes.iter().any(|note| note.contains("not the one-hot form")), "{:?}", report.notes);
}
