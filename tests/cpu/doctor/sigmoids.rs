//! Networks of sigmoids with ½Σ(p - y)², the commonest that people write: one step of one as a file, right or spoilt.

use super::array;
use gpu_mlp::doctor::exam::report::Verdict;
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::{self, Options, Refusal, Report};
use gpu_mlp::reference::{Matrix, matmul};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights and biases `[1, out]` of every layer.
#[derive(Debug, Clone)]
pub struct Sigmoids {
    pub layers: Vec<(Matrix, Matrix)>,
}

/// How its file lies.
#[derive(Debug, Clone, Copy)]
pub struct Lying {
    pub rows: bool,
    pub in_out: bool,
    pub single: bool,
}

/// All ways.
pub fn ways() -> impl Iterator<Item = Lying> {
    (0..8).map(|i| Lying { rows: i & 1 == 0, in_out: i & 2 == 0, single: i & 4 != 0 })
}

/// Random numbers about 0.
pub fn matrix(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Matrix {
    Matrix::from_fn(rows, cols, |_, _| 2.4 * rng.random::<f64>() - 1.2)
}

pub fn times(a: &Matrix, b: &Matrix) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| a.at(r, c) * b.at(r, c))
}

fn sums(m: &Matrix) -> Matrix {
    Matrix::from_fn(1, m.cols(), |_, c| (0..m.rows()).map(|r| m.at(r, c)).sum())
}

/// A random network, inputs and targets.
pub fn drawn(seed: u64, n: usize, sizes: &[usize]) -> (Sigmoids, Matrix, Matrix) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let layers = sizes
        .windows(2)
        .map(|pair| (matrix(&mut rng, pair[0], pair[1]), matrix(&mut rng, 1, pair[1])))
        .collect();
    let x = matrix(&mut rng, n, sizes[0]);
    let y = matrix(&mut rng, n, sizes[sizes.len() - 1]).map(|y| 0.5 + 0.3 * y);
    (Sigmoids { layers }, x, y)
}

impl Sigmoids {
    /// One step as a file under our names, and the network after it; if `spoilt`, hidden errors lack f'.
    pub fn step(&self, x: &Matrix, y: &Matrix, lying: Lying, spoilt: bool) -> (Entries, Self) {
        let (depth, lr) = (self.layers.len(), 0.3);
        let sample = |m: &Matrix| array(m, lying.rows, lying.single);
        let weight = |m: &Matrix| array(m, lying.in_out, lying.single);
        let (mut a, mut out) = (vec![x.clone()], Entries::new());
        for (l, (w, b)) in self.layers.iter().enumerate() {
            let product = matmul(&a[l], w);
            let z = Matrix::from_fn(product.rows(), product.cols(), |r, c| product.at(r, c) + b.at(0, c));
            a.push(z.map(|z| 1.0 / (1.0 + (-z).exp())));
            out.insert(format!("z{}", l + 1), sample(&z));
            let name = if l + 1 == depth { "p".to_owned() } else { format!("a{}", l + 1) };
            out.insert(name, sample(&a[l + 1]));
            out.insert(format!("W{}", l + 1), weight(w));
            out.insert(format!("b{}", l + 1), sample(b));
        }
        out.insert("X".into(), sample(x));
        out.insert("y".into(), sample(y));
        let slope = |a: &Matrix| a.map(|a| a * (1.0 - a));
        let error = Matrix::from_fn(y.rows(), y.cols(), |r, c| a[depth].at(r, c) - y.at(r, c));
        let mut dz = times(&error, &slope(&a[depth]));
        let mut after = self.clone();
        for l in (1..=depth).rev() {
            let (dw, db) = (matmul(&a[l - 1].transposed(), &dz), sums(&dz));
            let stepped = |old: &Matrix, g: &Matrix| {
                Matrix::from_fn(old.rows(), old.cols(), |r, c| old.at(r, c) - lr * g.at(r, c))
            };
            let (w, b) = &self.layers[l - 1];
            after.layers[l - 1] = (stepped(w, &dw), stepped(b, &db));
            out.insert(format!("dz{l}"), sample(&dz));
            out.insert(format!("dW{l}"), weight(&dw));
            out.insert(format!("db{l}"), sample(&db));
            out.insert(format!("W{l}_new"), weight(&after.layers[l - 1].0));
            out.insert(format!("b{l}_new"), sample(&after.layers[l - 1].1));
            let da = matmul(&dz, &w.transposed());
            if l > 1 {
                out.insert(format!("da{}", l - 1), sample(&da));
            }
            dz = if spoilt || l == 1 { da } else { times(&da, &slope(&a[l - 1])) };
        }
        out.insert("lr".into(), Value::Numbers(Array { shape: Vec::new(), data: vec![lr], kind: Kind::F64 }));
        (out, after)
    }
}

/// A file whose matrices with a side of 1 are vectors, biases among them.
pub fn squeezed(entries: &Entries) -> Entries {
    let squeeze = |value: &Value| match value {
        Value::Numbers(array) if array.shape.len() == 2 => {
            let mut shape: Vec<usize> = array.shape.iter().copied().filter(|&side| side > 1).collect();
            if shape.is_empty() {
                shape.push(1);
            }
            Value::Numbers(Array { shape, ..array.clone() })
        }
        other => other.clone(),
    };
    entries.iter().map(|(name, value)| (name.clone(), squeeze(value))).collect()
}

/// Some entries of a file under other names: `(ours, theirs)`.
pub fn called(file: &Entries, names: &[(&str, &str)]) -> Entries {
    names.iter().map(|(ours, theirs)| ((*theirs).to_owned(), file[*ours].clone())).collect()
}

/// The numbers of an entry.
pub fn numbers(value: &Value) -> &Array {
    match value {
        Value::Numbers(array) => array,
        other => panic!("{other:?}"),
    }
}

/// What the doctor says of a file that it has to read.
pub fn read(entries: &Entries) -> Report {
    doctor::examine(entries, &Options::default())
        .unwrap_or_else(|refusal| panic!("{refusal:?} {:?}", entries.keys()))
}

/// What is wrong with a report of a right file, in which so many tensors have to be checked.
pub fn complaint(report: Result<Report, Refusal>, least: usize) -> Option<String> {
    let report = match report {
        Ok(report) => report,
        Err(refusal) => return Some(format!("refused {refusal:?}")),
    };
    let checked = report.checked.iter().filter(|c| c.residual.is_some()).count();
    (report.verdict != Verdict::Clean || checked < least)
        .then(|| format!("{checked} {:?} {:?} {:?}", report.map, report.notes, report.findings))
}

/// What is wrong with a report of a spoilt file.
pub fn complaint_of_spoilt(report: &Report) -> Option<String> {
    (!report.names(Bug::ActivationDerivativeMissing))
        .then(|| format!("spoilt {:?} {:?}", report.map, report.findings))
}

/// That nothing was wrong.
#[track_caller]
pub fn assert_none(complaints: &[String]) {
    let some = complaints.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(complaints.is_empty(), "{} complaints:\n{some}", complaints.len());
}
