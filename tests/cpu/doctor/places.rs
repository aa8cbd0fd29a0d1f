//! Files whose arrays could each be taken for another's place: the numbers decide.

use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::reference::{Matrix, matmul, sigmoid};

/// Numbers without a pattern.
fn matrix(rows: usize, cols: usize, seed: usize) -> Matrix {
    let noise = |r: usize, c: usize| (((r * 31 + c * 17 + seed * 7) * 7919 % 1009) as f64) / 400.0 - 1.2;
    Matrix::from_fn(rows, cols, noise)
}

fn numbers(m: &Matrix) -> Value {
    Value::Numbers(Array { shape: m.shape().to_vec(), data: m.data().to_vec(), kind: Kind::F64 })
}

/// Everybody's first network: `output_errors` is the error, and what the gradients use is another array.
#[test]
fn the_delta_is_what_the_gradients_use() {
    let times = |a: &Matrix, f: &dyn Fn(usize, usize) -> f64| {
        Matrix::from_fn(a.rows(), a.cols(), |r, c| a.at(r, c) * f(r, c))
    };
    let (x, wih, who) = (matrix(37, 5, 1), matrix(5, 8, 2), matrix(8, 1, 3));
    let targets = Matrix::from_fn(37, 1, |r, _| f64::from(x.at(r, 0) * x.at(r, 1) > 0.0));
    let hidden = matmul(&x, &wih).map(sigmoid);
    let outputs = matmul(&hidden, &who).map(sigmoid);
    let errors = Matrix::from_fn(37, 1, |r, c| targets.at(r, c) - outputs.at(r, c));
    let slope = |p: f64| p * (1.0 - p);
    let delta = times(&errors, &|r, c| slope(outputs.at(r, c)));
    for (used, bug) in [(&delta, None), (&errors, Some(Bug::OutputDerivativeMissing))] {
        let hidden_errors = matmul(used, &who.transposed());
        let hidden_delta = times(&hidden_errors, &|r, c| slope(hidden.at(r, c)));
        let (grad_who, grad_wih) =
            (matmul(&hidden.transposed(), used), matmul(&x.transposed(), &hidden_delta));
        let arrays = [
            ("X", &x),
            ("targets", &targets),
            ("wih", &wih),
            ("who", &who),
            ("hidden_outputs", &hidden),
            ("final_outputs", &outputs),
            ("output_errors", &errors),
            ("delta", &delta),
            ("hidden_errors", &hidden_errors),
            ("hidden_delta", &hidden_delta),
            ("grad_who", &grad_who),
            ("grad_wih", &grad_wih),
        ];
        let loss = Matrix::from_fn(1, 1, |_, _| errors.data().iter().map(|e| e * e).sum::<f64>() / 37.0);
        let arrays = arrays.into_iter().chain([("loss", &loss)]);
        let entries: Entries = arrays.map(|(name, m)| (name.to_owned(), numbers(m))).collect();
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        match bug {
            None => assert_eq!(report.verdict, Verdict::Clean, "{report:#?}"),
            Some(bug) => assert!(report.verdict == Verdict::Bugs && report.names(bug), "{report:#?}"),
        }
    }
}

/// The hidden layer is given the outputs' error although its delta is there: the delta is dz, and the bug is named.
#[test]
fn an_error_that_goes_back_in_place_of_the_delta_is_named() {
    let (x, first, second) = (matrix(9, 3, 1), matrix(3, 4, 2), matrix(4, 1, 3));
    let y = Matrix::from_fn(9, 1, |r, _| f64::from(x.at(r, 0) * x.at(r, 1) > 0.0));
    let hidden = matmul(&x, &first).map(sigmoid);
    let out = matmul(&hidden, &second).map(sigmoid);
    let slope = |p: f64| p * (1.0 - p);
    let error = Matrix::from_fn(9, 1, |r, c| y.at(r, c) - out.at(r, c));
    let delta = Matrix::from_fn(9, 1, |r, c| error.at(r, c) * slope(out.at(r, c)));
    for (used, wrong) in [(&delta, false), (&error, true)] {
        let back = matmul(used, &second.transposed());
        let below = Matrix::from_fn(9, 4, |r, c| back.at(r, c) * slope(hidden.at(r, c)));
        let arrays = [
            ("l0", &x),
            ("y", &y),
            ("syn0", &first),
            ("syn1", &second),
            ("l1", &hidden),
            ("l2", &out),
            ("l2_error", &error),
            ("l2_delta", &delta),
            ("l1_error", &back),
            ("l1_delta", &below),
        ];
        let entries: Entries = arrays.into_iter().map(|(name, m)| (name.to_owned(), numbers(m))).collect();
        let report = doctor::examine(&entries, &Options::default()).unwrap();
        assert_eq!(report.names(Bug::OutputDerivativeMissing), wrong, "{report:#?}");
        assert_eq!(report.verdict == Verdict::Clean, !wrong, "{report:#?}");
    }
}
