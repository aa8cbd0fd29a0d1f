//! What is said of a tensor that is wrong in no known way: the line that would be right, where the numbers differ, and
//! the formulas that come nearest.

use super::innocent::network::file;
use super::innocent::style::{Style, style};
use super::{PLAIN, export, network};
use gpu_mlp::doctor::exam::report::{Finding, Report};
use gpu_mlp::doctor::file::npy::Value;
use gpu_mlp::doctor::file::npz::{self, Entries};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::process::Command;

/// The answer to a right network in which `change` has spoilt a tensor.
fn report(tensor: &str, change: impl Fn(&mut [f64], &[usize])) -> Report {
    let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let Some(Value::Numbers(array)) = entries.get_mut(tensor) else { panic!("no {tensor}") };
    let shape = array.shape.clone();
    change(&mut array.data, &shape);
    doctor::examine(&entries, &Options::default()).unwrap()
}

fn first(tensor: &str, change: impl Fn(&mut [f64], &[usize])) -> Finding {
    let report = report(tensor, change);
    assert_eq!(report.first_mismatch.as_deref(), Some(tensor), "{report:#?}");
    report.findings[0].clone()
}

/// Spoils one row.
fn row(r: usize, f: impl Fn(f64) -> f64) -> impl Fn(&mut [f64], &[usize]) {
    move |data, shape| data[r * shape[1]..(r + 1) * shape[1]].iter_mut().for_each(|value| *value = f(*value))
}

/// Spoils one column.
fn column(c: usize, f: impl Fn(f64) -> f64) -> impl Fn(&mut [f64], &[usize]) {
    move |data, shape| data.iter_mut().skip(c).step_by(shape[1]).for_each(|value| *value = f(*value))
}

#[test]
fn where_numbers_differ_is_said() {
    let said = |finding: Finding, what: &str| {
        assert!(finding.bug.is_none() && finding.formula.contains(what), "{finding:#?}");
    };
    said(first("dW1", row(2, |v| 2.0 * v)), "only dW1[2, :] (input 2) is wrong: 2 times the right one");
    said(
        first("dz1", column(4, |v| -v)),
        "only dz1[:, 4] (unit 4) is wrong: the right one with the other sign",
    );
    said(first("dW2", column(1, |_| 0.0)), "only dW2[:, 1] (unit 1) is wrong: 0");
    said(first("z2", column(3, |_| 0.25)), "only z2[:, 3] (unit 3) is wrong: 0.25 throughout");
    said(first("z1", row(7, |v| v + 0.5)), "only z1[7, :] (sample 7) is wrong: off by 0.5");
    said(first("dW1", |data, _| data[8] = 3.0), "only dW1[1, 3] is wrong: 3 where");
    said(first("db1", |data, _| data[2] = 3.0), "only db1 of unit 2 (from 0) is wrong: 3 where");
    said(
        first("dW1", |data, _| data.copy_within(5..10, 15)),
        "only dW1[3, :] (input 3) is wrong: the right one of input 1",
    );
    said(first("dW1", |data, _| data.iter_mut().for_each(|v| *v = v.clamp(-0.05, 0.05))), "cut off at ±0.05");
    let each = |data: &mut [f64], shape: &[usize]| {
        data.iter_mut().enumerate().for_each(|(i, value)| *value *= 1.0 + (i % shape[1]) as f64);
    };
    said(first("dz1", each), "a factor of its own for each unit: 1, 2, 3, 4, 5");
}

#[test]
fn a_sample_that_a_loop_forgets_is_found() {
    let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let (x, dz) = match (&entries["X"], &entries["dz1"]) {
        (Value::Numbers(x), Value::Numbers(dz)) => (x.data.clone(), dz.data.clone()),
        _ => panic!(),
    };
    let Some(Value::Numbers(dw)) = entries.get_mut("dW1") else { panic!() };
    for (at, value) in dw.data.iter_mut().enumerate() {
        *value -= x[16 * 6 + at / 5] * dz[16 * 5 + at % 5];
    }
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert!(
        report.findings[0].formula.contains("sample 16 of 0 to 16 is left out of the sum"),
        "{report:#?}"
    );
}

#[test]
fn weights_of_classes_are_recognised() {
    let labels = network(8, 17, &[6, 5, 4], Activation::Tanh).labels;
    let weighted = |data: &mut [f64], shape: &[usize]| {
        let factor = |i: usize| if labels[i / shape[1]] == 2 { 3.0 } else { 1.0 };
        data.iter_mut().enumerate().for_each(|(i, value)| *value *= factor(i));
    };
    let finding = first("dz2", weighted);
    assert!(finding.formula.contains("those of class 2, are wrong: 3 times the right one"), "{finding:#?}");
}

#[test]
fn the_right_line_and_what_comes_near_are_shown() {
    let finding = first("dz1", row(2, |v| 2.0 * v));
    let right = finding.right.unwrap();
    assert_eq!(right.code, "dz1 = da1 * (1 - a1**2)");
    let operands: Vec<_> = right.operands.iter().map(|one| (one.name.as_str(), one.shape.clone())).collect();
    assert_eq!(operands, [("da1", Some(vec![17, 5])), ("a1", Some(vec![17, 5]))]);
    assert!((1..=3).contains(&finding.nearest.len()), "{:#?}", finding.nearest);
    assert_eq!(
        (finding.nearest[0].formula.as_str(), finding.nearest[0].bugs.len()),
        ("the right formula", 0)
    );
    assert!(finding.nearest.iter().is_sorted_by_key(|near| near.residual));
}

#[test]
fn the_right_line_has_the_names_of_the_file() {
    let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Sigmoid), PLAIN, 0.1);
    for (ours, theirs) in
        [("W1", "wih"), ("W2", "who"), ("X", "inputs"), ("dz1", "hidden_delta"), ("dW1", "grad_wih")]
    {
        let value = entries.remove(ours).unwrap();
        entries.insert(theirs.to_owned(), value);
    }
    let Some(Value::Numbers(array)) = entries.get_mut("grad_wih") else { panic!() };
    array.data[7] = 2.0;
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    let finding = &report.findings[0];
    assert_eq!(finding.right.as_ref().unwrap().code, "grad_wih = inputs.T @ hidden_delta", "{report:#?}");
    assert!(finding.formula.contains("only grad_wih[1, 2] is wrong: 2 where"), "{finding:#?}");
}

/// A known bug is shown with its line, too: that of the tensor that it makes wrong, in the file or not.
#[test]
fn a_named_bug_has_its_line() {
    let mut entries = export(&network(8, 17, &[6, 5, 4], Activation::Tanh), PLAIN, 0.1);
    let Some(Value::Numbers(db)) = entries.get_mut("db1") else { panic!() };
    db.data.fill(0.0);
    let report = doctor::examine(&entries, &Options::default()).unwrap();
    assert_eq!(report.findings[0].right.as_ref().unwrap().code, "db1 = dz1.sum(axis=0, keepdims=True)");
}

fn number_of_networks() -> u64 {
    std::env::var("GPU_MLP_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
}

/// Runs where `python3` (or `GPU_MLP_PYTHON`) has numpy; elsewhere it says that it did not.
#[test]
fn the_right_lines_give_the_right_numbers() {
    let Some(python) = super::python_with_numpy() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut lines = 0;
    for seed in 0..number_of_networks() {
        // Of any design, but with nothing unusual around it.
        let Style { design, sizes, n, mean, loss, .. } = style(seed);
        let style = Style { design, sizes, n, mean, loss, single: false, ..Style::plain(seed) };
        let right = file(seed, &style);
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let spoilt = |key: &&String| {
            let computed = key.starts_with(['z', 'a', 'd', 'p']) || key.ends_with("_new") || *key == "loss";
            computed
                && matches!(&right[*key], Value::Numbers(array) if array.data.len() > 3 || *key == "loss")
        };
        let tensor = right.keys().filter(spoilt).collect::<Vec<_>>().choose(rng).unwrap().to_string();
        let mut wrong: Entries = right.clone();
        let Some(Value::Numbers(array)) = wrong.get_mut(&tensor) else { panic!() };
        array.data.iter_mut().for_each(|value| *value *= 1.0 + 0.2 * rng.random::<f64>());
        let report = doctor::examine(&wrong, &Options::default()).unwrap();
        let text: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding.tensor.to_string() == tensor)
            .filter_map(|finding| Some(format!("{tensor}\t{}", finding.right.as_ref()?.code)))
            .collect();
        lines += text.len();
        let path = folder.path().join(format!("{seed}.npz"));
        npz::write(&path, right.iter().map(|(name, value)| (name.as_str(), value))).unwrap();
        std::fs::write(path.with_extension("py"), text.join("\n")).unwrap();
    }
    assert!(lines as u64 * 10 > number_of_networks() * 8, "only {lines} lines");
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cpu/doctor/check_lines.py");
    let output = Command::new(python).arg(check).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
