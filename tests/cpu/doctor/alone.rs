//! A layer without its network, and several steps in one file.

use super::sigmoids::{Lying, assert_none, drawn, numbers, read, squeezed, times, ways};
use gpu_mlp::doctor::exam::report::{Status, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::reference::{Matrix, matmul};

/// What is wrong with a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Transposed,
    Derivative,
    OneSample,
    Bias,
    /// 1/N in one of dW and db.
    Uneven,
}

/// What people call the arrays of a layer: input, W, b, sum, output, their gradients.
const NAMES: [[&str; 10]; 2] = [
    ["A_prev", "W", "b", "Z", "A", "dA", "dZ", "dW", "db", "dA_prev"],
    ["x", "w", "b", "z", "out", "dout", "dz", "dw", "db", "dx"],
];

/// A layer as a file; with its activation, or its sum alone, and 1/N in dW and db, or not.
fn layer(
    sizes: [usize; 3],
    lying: Lying,
    mean: bool,
    activated: bool,
    names: [&str; 10],
    fault: Fault,
) -> Entries {
    let [n, inside, units] = sizes;
    let (network, x, upper) = drawn(sizes.iter().sum::<usize>() as u64, n, &[inside, units]);
    let (w, b) = &network.layers[0];
    let product = matmul(&x, w);
    let z = Matrix::from_fn(n, units, |r, c| product.at(r, c) + b.at(0, c));
    let a = z.map(f64::tanh);
    let slope = a.map(|a| 1.0 - a * a);
    let dz = match fault {
        Fault::Derivative => upper.clone(),
        _ if activated => times(&upper, &slope),
        _ => upper.clone(),
    };
    let share = if mean { 1.0 / n as f64 } else { 1.0 };
    let own = matmul(&x.transposed(), &dz);
    let one = |r: usize, c: usize| x.at(n - 1, r) * dz.at(n - 1, c);
    let dw = if fault == Fault::OneSample { Matrix::from_fn(inside, units, one) } else { own };
    let sum = |c: usize| (0..n).map(|r| dz.at(r, c)).sum::<f64>();
    let total = (0..units).map(sum).sum::<f64>();
    let db = Matrix::from_fn(1, units, |_, c| if fault == Fault::Bias { total } else { sum(c) });
    let back = if fault == Fault::Transposed { matmul(&dz, w) } else { matmul(&dz, &w.transposed()) };
    let sample = |m: &Matrix| super::array(m, lying.rows, lying.single);
    let weight = |m: &Matrix| super::array(m, lying.in_out, lying.single);
    let values = [
        sample(&x),
        weight(w),
        sample(b),
        sample(&z),
        sample(&a),
        sample(&upper),
        sample(&dz),
        weight(&dw.map(|g| share * g)),
        sample(&db.map(|g| if fault == Fault::Uneven { g * (1.0 / n as f64) / share } else { share * g })),
        sample(&back),
    ];
    let all = names.iter().map(|name| (*name).to_owned()).zip(values);
    let (sum, activation) = (names[3], [names[4], names[5]]);
    // Without its activation `out` is the sum, and `dout` its gradient.
    let kept = |name: &str| match activated {
        true => true,
        false if names[4] == "out" => name != "z" && name != "dz",
        false => !activation.contains(&name),
    };
    let mut out: Entries = all.filter(|(name, _)| kept(name)).collect();
    if !activated && names[4] == "out" {
        out.insert("out".into(), sample(&z));
        out.insert("dout".into(), sample(&dz));
    }
    assert!(activated || !out.contains_key(activation[1]) || sum == "z");
    out
}

#[test]
fn a_layer_alone_is_checked_for_what_it_has() {
    for sizes in [[7, 4, 4], [9, 5, 5], [12, 6, 3], [8, 3, 6]] {
        for lying in ways() {
            for (mean, activated) in [(true, true), (false, true), (true, false), (false, false)] {
                for names in NAMES {
                    let told = format!("{sizes:?} {lying:?} mean {mean} activated {activated} {}", names[0]);
                    let of = |fault| read(&layer(sizes, lying, mean, activated, names, fault));
                    let right = of(Fault::None);
                    assert_eq!(
                        right.verdict,
                        Verdict::Clean,
                        "{told}: {:?} {:?}",
                        right.findings,
                        right.checked
                    );
                    let ok =
                        right.checked.iter().filter(|c| c.status == Status::Ok && c.name.is_some()).count();
                    assert!(ok >= 4, "{told}: {:?}", right.checked);
                    assert!(
                        right.notes.iter().any(|note| note.contains("one layer by itself")),
                        "{:?}",
                        right.notes
                    );
                    let named = |fault, bug: Bug| {
                        let report = of(fault);
                        assert!(report.names(bug), "{told} {fault:?}: {:?}", report.findings);
                    };
                    named(Fault::OneSample, Bug::WeightLastSample);
                    named(Fault::Bias, Bug::BiasSummedOverUnits);
                    if !mean {
                        // Which of the two is meant, nothing says.
                        let uneven = of(Fault::Uneven);
                        assert_eq!(uneven.findings.len(), 1, "{told}: {:?}", uneven.findings);
                        let finding = &uneven.findings[0];
                        let both = [Bug::MissingBatchMean, Bug::DoubleBatchMean];
                        assert!(
                            finding.bug.is_none() && both.iter().all(|bug| finding.also.contains(bug)),
                            "{told}: {finding:?}"
                        );
                        assert!(finding.formula.contains("do not fit together"), "{told}: {finding:?}");
                    }
                    if sizes[1] == sizes[2] {
                        named(Fault::Transposed, Bug::WeightNotTransposed);
                    }
                    if activated {
                        named(Fault::Derivative, Bug::ActivationDerivativeMissing);
                    }
                }
            }
        }
    }
}

/// A layer of which nothing comes back is checked forward; one of which nothing can be checked is refused.
#[test]
fn half_a_layer_is_checked_for_its_half() {
    let lying = Lying { rows: true, in_out: true, single: false };
    let file = layer([7, 4, 5], lying, true, false, NAMES[0], Fault::None);
    let only = |names: &[&str]| -> Entries {
        file.iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect()
    };
    let forward = read(&only(&["A_prev", "W", "b", "Z"]));
    assert_eq!((forward.verdict, forward.checked.len()), (Verdict::Clean, 1), "{:?}", forward.checked);
    let mut wrong = only(&["A_prev", "W", "b", "Z"]);
    wrong.insert("b".into(), super::array(&Matrix::from_fn(1, 5, |_, c| c as f64), true, false));
    assert_eq!(read(&wrong).first_mismatch.as_deref(), Some("z1"));
    assert!(doctor::examine(&only(&["A_prev", "W", "b", "dW"]), &Options::default()).is_err());
}

/// Several steps of one network; each with its sample, or all with one batch; the step `wrong` lacks a derivative.
fn steps(n: usize, count: usize, wrong: Option<usize>, after: bool) -> Vec<Entries> {
    let lying = Lying { rows: true, in_out: true, single: false };
    let (mut network, x, y) = drawn(60, n.max(count), &[4, 6, 3]);
    let row = |m: &Matrix, r: usize| Matrix::from_fn(1, m.cols(), |_, c| m.at(r, c));
    let mut all = Vec::new();
    for at in 0..count {
        let (x, y) = if n == 1 { (row(&x, at), row(&y, at)) } else { (x.clone(), y.clone()) };
        let (mut file, next) = network.step(&x, &y, lying, wrong == Some(at));
        for name in ["W1", "b1", "W2", "b2"] {
            let new = file.remove(&format!("{name}_new")).unwrap();
            if after {
                file.insert(name.into(), new);
            }
        }
        network = next;
        all.push(file);
    }
    all
}

/// `W1_step0`, `step_0/W1`, `steps[0].W1`: X and y once, if all steps have the same.
fn one_file(steps: &[Entries], naming: usize) -> Entries {
    let mut out = Entries::new();
    for (at, step) in steps.iter().enumerate() {
        for (name, value) in step {
            let shared = steps.iter().all(|other| other[name] == *value);
            let own = match naming {
                _ if shared => name.clone(),
                0 => format!("{name}_step{at}"),
                1 => format!("step_{at}/{name}"),
                _ => format!("steps[{at}].{name}"),
            };
            out.insert(own, value.clone());
        }
    }
    out
}

/// Every array with the steps as its first side.
fn stacked(steps: &[Entries]) -> Entries {
    let mut out = Entries::new();
    for name in steps[0].keys() {
        let all: Vec<&Array> = steps.iter().map(|step| numbers(&step[name])).collect();
        let once =
            ["X", "y", "lr"].contains(&name.as_str()) && all.iter().all(|array| array.data == all[0].data);
        let shape = [vec![steps.len()], all[0].shape.clone()].concat();
        let data = all.iter().flat_map(|array| array.data.clone()).collect();
        let whole = Array { shape, data, kind: Kind::F64 };
        out.insert(name.clone(), Value::Numbers(if once { all[0].clone() } else { whole }));
    }
    out
}

#[test]
fn the_first_wrong_of_several_steps_is_named() {
    let mut complaints = Vec::new();
    for (n, count) in [(1, 5), (1, 3), (9, 4), (8, 7)] {
        for after in [false, true] {
            for wrong in [None, Some(1), Some(count - 1)] {
                let all = steps(n, count, wrong, after);
                let files = [one_file(&all, 0), one_file(&all, 1), one_file(&all, 2), stacked(&all)];
                let squeezed = (n == 1).then(|| self::squeezed(&one_file(&all, 0)));
                let vectors = (n == 1).then(|| stacked(&all.iter().map(self::squeezed).collect::<Vec<_>>()));
                for (i, file) in files.into_iter().chain(squeezed).chain(vectors).enumerate() {
                    let report = read(&file);
                    let told = format!("N = {n}, {count} steps, after {after}, wrong {wrong:?}, file {i}");
                    let bug = report.names(Bug::ActivationDerivativeMissing);
                    let as_meant = report.step == Some(wrong.unwrap_or(count - 1))
                        && bug == wrong.is_some()
                        && (report.verdict == Verdict::Clean) == wrong.is_none()
                        && report.notes[0].contains("several steps");
                    if !as_meant {
                        complaints.push(format!("{told}: {:?} {:?}", report.notes, report.findings));
                    }
                }
            }
        }
    }
    assert_none(&complaints);
}

/// The last step that is examined has what it made: the parameters of the first one that is left out.
#[test]
fn the_last_of_many_steps_is_examined_whole() {
    let mut steps = steps(1, 102, None, false);
    let earlier = steps[99]["W1"].clone();
    steps[100].insert("W1".into(), earlier);
    let report = read(&one_file(&steps, 0));
    assert_eq!(report.step, Some(99), "{:?}", report.findings);
    assert!(report.names(Bug::WeightNotUpdated), "{:?}", report.findings);
}

/// Gradients that each step adds to those of the step before, which is in the file.
#[test]
fn gradients_that_are_not_reset_between_steps() {
    let mut steps = steps(9, 3, None, false);
    for at in 1..steps.len() {
        for name in ["dW1", "db1", "dW2", "db2"] {
            let before = numbers(&steps[at - 1][name]).clone();
            let Some(Value::Numbers(own)) = steps[at].get_mut(name) else { panic!("{name}") };
            own.data.iter_mut().zip(&before.data).for_each(|(own, before)| *own += before);
        }
    }
    for naming in 0..3 {
        let report = read(&one_file(&steps, naming));
        assert_eq!(report.step, Some(1), "{:?}", report.findings);
        assert!(report.names(Bug::AccumulatorNotReset), "{:?}", report.findings);
    }
}
