//! Samples and weights as vectors: one sample, or one output.

use super::sigmoids::{assert_none, complaint, complaint_of_spoilt, drawn, read, squeezed, ways};
use super::styles::{Naming, STYLES, renamed};
use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::{self, Options};

/// Our names, and those of each style.
fn namings() -> Vec<(&'static str, Option<Naming>)> {
    STYLES.iter().map(|&(name, naming)| (name, Some(naming))).chain([("ours", None)]).collect()
}

fn shapes(n: usize) -> Vec<Vec<usize>> {
    match n {
        1 => {
            vec![vec![4, 5, 3], vec![3, 6, 1], vec![5, 4, 3, 2], vec![7, 1], vec![2, 6, 5, 1], vec![1, 5, 1]]
        }
        _ => vec![vec![3, 1], vec![4, 6, 1], vec![3, 5, 4, 1]],
    }
}

#[test]
fn vectors_are_one_sample_or_one_output() {
    let mut complaints = Vec::new();
    for n in [1, 9] {
        for (i, sizes) in shapes(n).iter().enumerate() {
            for lying in ways() {
                let (network, x, y) = drawn(17 + i as u64, n, sizes);
                for (style, naming) in namings() {
                    let named = |spoilt: bool| {
                        let mut file = network.step(&x, &y, lying, spoilt).0;
                        // What a step made of the only column has no second side that says whose it is.
                        file.retain(|name, _| !name.ends_with("_new"));
                        let file = naming.map_or(file.clone(), |naming| renamed(&file, naming));
                        doctor::examine(&squeezed(&file), &Options::default())
                    };
                    let told = format!("{style} N = {n} {sizes:?} {lying:?}");
                    let wrong =
                        complaint(named(false), (5 * (sizes.len() - 1)).saturating_sub(3)).or_else(|| {
                            // A layer alone has no f' that could be missing.
                            (sizes.len() > 2).then(|| complaint_of_spoilt(&named(true).unwrap()))?
                        });
                    complaints.extend(wrong.map(|wrong| format!("{told}: {wrong}")));
                }
            }
        }
    }
    assert_none(&complaints);
}

/// A constant bias that is not in the file, and one sample: it is what is the same for all units.
#[test]
fn one_bias_for_all_units_is_read_off_one_sample() {
    for lying in ways() {
        let (mut network, x, y) = drawn(3, 1, &[4, 5, 3]);
        for (l, (_, b)) in network.layers.iter_mut().enumerate() {
            *b = b.map(|_| 0.35 + 0.25 * l as f64);
        }
        let mut file = squeezed(&network.step(&x, &y, lying, false).0);
        file.retain(|name, _| !name.starts_with('b') && !name.starts_with("db"));
        let report = read(&file);
        assert_eq!(report.verdict, Verdict::Clean, "{lying:?} {:?}", report.findings);
        assert!(report.notes.iter().any(|note| note.contains("b1 is not in the file")), "{:?}", report.notes);
    }
}

/// One output: its weights are a vector, and what comes back from it an outer product, the samples' side first or last.
#[test]
fn lines_for_one_output_have_the_samples_where_they_lie() {
    for lying in ways() {
        let (network, x, y) = drawn(6, 9, &[4, 6, 1]);
        let mut file = network.step(&x, &y, lying, false).0;
        let other = network.step(&x.map(|x| x + 1.0), &y, lying, false).0;
        file.insert("da1".into(), other["da1"].clone());
        file.retain(|name, _| !name.ends_with("_new"));
        let report = read(&squeezed(&file));
        let right = report.findings[0].right.as_ref().unwrap();
        let code = if lying.rows { "da1 = np.outer(dz2, W2)" } else { "da1 = np.outer(W2, dz2)" };
        assert_eq!(right.code, code, "{lying:?} {:?}", report.findings);
    }
}

/// The line that would be right is one for vectors.
#[test]
fn lines_for_vectors_have_outer_products() {
    for lying in ways().filter(|lying| lying.rows) {
        let (network, x, y) = drawn(5, 1, &[4, 5, 3]);
        let mut file = network.step(&x, &y, lying, false).0;
        let other = network.step(&x.map(|x| x + 1.0), &y, lying, false).0;
        file.insert("dW1".into(), other["dW1"].clone());
        file.retain(|name, _| !name.ends_with("_new"));
        let report = read(&squeezed(&file));
        let right = report.findings[0].right.as_ref().unwrap();
        let code = if lying.in_out { "dW1 = np.outer(X, dz1)" } else { "dW1 = np.outer(dz1, X)" };
        assert_eq!(right.code, code);
        assert_eq!(right.operands[0].shape, Some(vec![4]), "{right:?}");
    }
}
