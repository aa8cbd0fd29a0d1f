//! Right networks whose files have something that looks like a bug, and is none: nothing is named.

use super::{Network, PLAIN, export, network};
use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Matrix, matmul, softmax};

const SEEDS: u64 = 8;
const LR: f64 = 0.1;

fn files(seed: u64) -> (Network, Entries) {
    let acts = [Activation::Tanh, Activation::Relu, Activation::Sigmoid];
    let network = network(seed, 37, &[6, 5, 5, 3], acts[seed as usize % acts.len()]);
    let entries = export(&network, PLAIN, LR);
    (network, entries)
}

fn array<'e>(entries: &'e mut Entries, name: &str) -> &'e mut Array {
    match entries.get_mut(name) {
        Some(Value::Numbers(array)) => array,
        other => panic!("{name}: {other:?}"),
    }
}

fn number(value: f64) -> Value {
    Value::Numbers(Array { shape: Vec::new(), data: vec![value], kind: Kind::F64 })
}

fn report(entries: &Entries) -> Report {
    doctor::examine(entries, &Options::default()).unwrap()
}

fn says(report: &Report, bug: Bug) -> bool {
    report.findings.iter().any(|finding| finding.bug == Some(bug))
}

/// `W_new` less λ·W, with the penalty in the loss or without it.
fn decayed(seed: u64, penalised: bool) -> Report {
    let (network, mut entries) = files(seed);
    let l2 = 0.02;
    let mut squares = 0.0;
    for (i, layer) in network.mlp.layers.iter().enumerate() {
        squares += layer.w.data().iter().map(|w| w * w).sum::<f64>();
        let new = array(&mut entries, &format!("W{}_new", i + 1));
        new.data.iter_mut().zip(layer.w.data()).for_each(|(new, w)| *new -= l2 * w);
    }
    if penalised {
        array(&mut entries, "loss").data[0] += l2 / 2.0 * squares;
    }
    entries.insert("l2".into(), number(l2));
    report(&entries)
}

#[test]
fn a_decay_without_lr_is_named_only_where_the_loss_has_the_penalty() {
    for seed in 0..SEEDS {
        let free = decayed(seed, false);
        assert_eq!(free.verdict, Verdict::Depends, "seed {seed}: {:#?}", free.findings);
        let bound = decayed(seed, true);
        assert!(says(&bound, Bug::DecayWithoutLr), "seed {seed}: {:#?}", bound.findings);
        assert_eq!(bound.verdict, Verdict::Bugs, "seed {seed}: {:#?}", bound.findings);
    }
}

#[test]
fn an_array_for_dz_that_was_never_filled() {
    for seed in 0..SEEDS {
        let (_, mut entries) = files(seed);
        array(&mut entries, "dz1").data.fill(0.0);
        let report = report(&entries);
        assert!(report.findings.iter().all(|f| f.bug.is_none()), "seed {seed}: {:#?}", report.findings);
    }
}

#[test]
fn a_mask_that_is_left_over_from_another_step() {
    for seed in 0..SEEDS {
        let (_, mut entries) = files(seed);
        let mask = array(&mut entries, "a1").clone();
        let kept = (0..mask.data.len()).map(|i| f64::from((i * 7 + 3) % 10 > 2)).collect();
        entries.insert("mask1".into(), Value::Numbers(Array { data: kept, ..mask }));
        entries.insert("drop_p".into(), number(0.3));
        let report = report(&entries);
        assert_eq!(report.verdict, Verdict::Clean, "seed {seed}: {:#?}", report.findings);
    }
}

#[test]
fn squares_of_which_only_those_before_the_step_are_in_the_file() {
    for seed in 0..SEEDS {
        let (_, mut entries) = files(seed);
        for name in ["W1", "W2", "W3", "b1", "b2", "b3"] {
            let gradient = array(&mut entries, &format!("d{name}")).clone();
            let squares: Vec<f64> = gradient.data.iter().map(|g| g * g + 1e-4).collect();
            let parameter = array(&mut entries, name).data.clone();
            let new = array(&mut entries, &format!("{name}_new"));
            for (i, new) in new.data.iter_mut().enumerate() {
                // The one before is the one that counts in a file that is saved after the step.
                *new = parameter[i] - LR * gradient.data[i] / (squares[i].sqrt() + 1e-8);
            }
            entries.insert(format!("s{name}_prev"), Value::Numbers(Array { data: squares, ..gradient }));
        }
        let report = report(&entries);
        assert!(report.findings.iter().all(|f| f.bug.is_none()), "seed {seed}: {:#?}", report.findings);
    }
}

/// Two layers that start from the same a: the file has no name for that.
#[test]
fn a_branch_is_no_layer_with_another_input() {
    for seed in 0..SEEDS {
        let (network, mut entries) = files(seed);
        let layer = &network.mlp.layers[2];
        let a = array(&mut entries, "a1").clone();
        let a = Matrix::new([37, 5], a.data).unwrap();
        let product = matmul(&a, &layer.w);
        let z = Matrix::from_fn(37, 3, |r, c| product.at(r, c) + layer.b[c]);
        let p = softmax(&z);
        let hot = |r: usize, c: usize| f64::from(network.labels[r] as usize == c);
        let dz = Matrix::from_fn(37, 3, |r, c| (p.at(r, c) - hot(r, c)) / 37.0);
        let dw = matmul(&a.transposed(), &dz);
        for (name, value) in [("z3", &z), ("p", &p), ("dz3", &dz), ("dW3", &dw)] {
            array(&mut entries, name).data = value.data().to_vec();
        }
        let report = report(&entries);
        assert!(!says(&report, Bug::PreactivationOtherInput), "seed {seed}: {:#?}", report.findings);
    }
}
