//! Arrays under names that the doctor does not know: a right one finds its place by its numbers, a wrong one is never passed over
//! in silence; and names that mean something else than they seem to.

use super::{PLAIN, Style, export, network};
use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;

/// Names in other languages, and of one letter.
const NAMES: [&[(&str, &str)]; 2] = [
    &[
        ("X", "entrada"),
        ("y", "objetivo"),
        ("W1", "pesos1"),
        ("b1", "sesgo1"),
        ("W2", "pesos2"),
        ("b2", "sesgo_salida"),
        ("a1", "oculta"),
        ("p", "salida"),
        ("dz2", "grad_salida"),
        ("dz1", "grad_oculta"),
        ("dW1", "cambio1"),
        ("dW2", "cambio2"),
        ("db1", "suma1"),
        ("db2", "suma2"),
    ],
    &[
        ("X", "X"),
        ("y", "Y"),
        ("W1", "W"),
        ("b1", "b"),
        ("W2", "V"),
        ("b2", "c"),
        ("a1", "H"),
        ("p", "P"),
        ("dz2", "D"),
        ("dz1", "E"),
        ("dW1", "G"),
        ("dW2", "K"),
        ("db1", "g"),
        ("db2", "k"),
    ],
];

/// A right step with these arrays alone.
fn step(seed: u64, sizes: &[usize], names: &[(&str, &str)]) -> Entries {
    let style = Style { one_hot: true, ..PLAIN };
    let entries = export(&network(seed, 17, sizes, Activation::Tanh), style, 0.1);
    let named = |(ours, theirs): &(&str, &str)| Some(((*theirs).to_owned(), entries.get(*ours)?.clone()));
    names.iter().filter_map(named).collect()
}

fn report(entries: &Entries) -> Report {
    doctor::examine(entries, &Options::default()).unwrap()
}

fn array<'e>(entries: &'e mut Entries, name: &str) -> &'e mut Array {
    match entries.get_mut(name) {
        Some(Value::Numbers(array)) => array,
        other => panic!("{name}: {other:?}"),
    }
}

fn number(value: f64, kind: Kind) -> Value {
    Value::Numbers(Array { shape: Vec::new(), data: vec![value], kind })
}

#[test]
fn a_wrong_array_under_an_unknown_name_is_never_clean() {
    for (style, names) in NAMES.iter().enumerate() {
        for seed in 0..3 {
            let right = step(seed, &[4, 6, 3], names);
            let found = report(&right);
            assert_eq!(
                found.verdict,
                Verdict::Clean,
                "{style} {seed}: {:?} {:?}",
                found.notes,
                found.not_understood
            );
            for (ours, theirs) in names.iter().filter(|(ours, _)| !["X", "y", "W1", "W2"].contains(ours)) {
                let mut wrong = right.clone();
                array(&mut wrong, theirs).data[2] += 0.3;
                // What is refused says so, too.
                let Ok(found) = doctor::examine(&wrong, &Options::default()) else { continue };
                assert_ne!(found.verdict, Verdict::Clean, "{style} {seed} {ours}: {:?}", found.notes);
            }
        }
    }
}

#[test]
fn what_is_no_tensor_of_the_network_is_passed_over() {
    let mut entries = step(1, &[4, 6, 3], NAMES[1]);
    let error: Vec<f64> = {
        let y = array(&mut entries, "Y").data.clone();
        array(&mut entries, "P").data.iter().zip(y).map(|(p, y)| y - p).collect()
    };
    let of =
        |shape: &[usize], data: Vec<f64>, kind| Value::Numbers(Array { shape: shape.into(), data, kind });
    entries.insert("fehler".into(), of(&[17, 3], error, Kind::F64));
    entries.insert("sizes".into(), of(&[3], vec![4.0, 6.0, 3.0], Kind::Whole));
    entries
        .insert("history".into(), of(&[250], (0..250).map(|i| 1.0 / f64::from(i + 1)).collect(), Kind::F64));
    let found = report(&entries);
    assert_eq!(found.verdict, Verdict::Clean, "{:?} {:?}", found.notes, found.not_understood);
}

#[test]
fn lists_from_zero_with_a_square_first_layer() {
    for sizes in [&[2, 2, 2][..], &[4, 4, 3], &[3, 3, 3, 3], &[4, 5, 5, 3]] {
        for seed in 0..3 {
            let mut entries = export(&network(seed, 15, sizes, Activation::Sigmoid), PLAIN, 0.1);
            entries.retain(|name, _| !name.contains("_new") && !name.starts_with('z') && name != "loss");
            let renamed = |(name, value): (String, Value)| {
                let digit = name.chars().last().and_then(|last| last.to_digit(10));
                let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
                let name = match (stem.as_str(), digit) {
                    ("W", Some(l)) => format!("weights_{}", l - 1),
                    ("b", Some(l)) => format!("biases_{}", l - 1),
                    ("dW", Some(l)) => format!("grads_w_{}", l - 1),
                    ("db", Some(l)) => format!("grads_b_{}", l - 1),
                    _ => name,
                };
                (name, value)
            };
            let entries: Entries = entries.into_iter().map(renamed).collect();
            let found = report(&entries);
            assert_eq!(
                found.verdict,
                Verdict::Clean,
                "{sizes:?} {seed}: {:?} {:?}",
                found.findings,
                found.map
            );
        }
    }
}

#[test]
fn deltas_called_d1_beside_both_forms_of_the_targets() {
    let mut entries = export(&network(3, 18, &[4, 5, 3], Activation::Tanh), PLAIN, 0.1);
    for (ours, theirs) in [("dz1", "d1"), ("dz2", "d2"), ("y", "y1h")] {
        let value = entries.remove(ours).unwrap();
        entries.insert(theirs.into(), value);
    }
    let hot = array(&mut entries, "y1h").clone();
    let class = |row: &[f64]| row.iter().position(|&value| value == 1.0).unwrap() as f64;
    let classes = match hot.shape.as_slice() {
        [_, width] => hot.data.chunks(*width).map(class).collect(),
        _ => {
            // The file has classes already: their one-hot form is made of them.
            let data = hot
                .data
                .iter()
                .flat_map(|&y| (0..3).map(move |c| f64::from(u8::from(y == f64::from(c)))))
                .collect();
            entries.insert("y1h".into(), Value::Numbers(Array { shape: vec![18, 3], data, kind: Kind::F64 }));
            hot.data.clone()
        }
    };
    entries.insert("y".into(), Value::Numbers(Array { shape: vec![18], data: classes, kind: Kind::Whole }));
    let found = report(&entries);
    assert_eq!(found.verdict, Verdict::Clean, "{:?} {:?}", found.findings, found.map);
}

#[test]
fn a_loop_counter_is_no_loss() {
    let mut entries = export(&network(4, 12, &[4, 5, 3], Activation::Tanh), PLAIN, 0.1);
    let Some(Value::Numbers(loss)) = entries.remove("loss") else { panic!("no loss") };
    entries.insert("j".into(), number(299.0, Kind::Whole));
    assert_eq!(report(&entries).verdict, Verdict::Clean);
    entries.remove("j");
    entries.insert("J".into(), number(loss.data[0] + 1.0, Kind::F64));
    assert_ne!(report(&entries).verdict, Verdict::Clean, "Ng's J is the loss");
}

/// `dscores = probs; dscores[range(n), y] -= 1; dscores /= n`, as CS231n has it: the saved probs are the error.
#[test]
fn probabilities_that_were_overwritten_in_place() {
    let mut entries = export(&network(5, 21, &[4, 6, 3], Activation::Relu), PLAIN, 0.1);
    let error = entries["dz2"].clone();
    entries.insert("p".into(), error);
    let found = report(&entries);
    assert_eq!(found.verdict, Verdict::Clean, "{:?}", found.findings);
    assert!(found.notes.iter().any(|note| note.contains("overwritten in place")), "{:?}", found.notes);
}

/// The gradient by p is not checked, so that whatever has its name refuses no file.
#[test]
fn a_gradient_of_the_outputs_of_any_shape_refuses_no_file() {
    for shape in [vec![17], vec![2, 9]] {
        let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
        let data = vec![0.5; shape.iter().product()];
        entries.insert("da2".into(), Value::Numbers(Array { shape, data, kind: Kind::F64 }));
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Clean, "{report:#?}");
        assert!(report.notes.iter().any(|note| note.contains("`da2` is left out")), "{:?}", report.notes);
    }
}
