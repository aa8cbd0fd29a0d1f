//! The doctor.

mod accused;
mod alone;
mod bad_input;
mod beside;
mod bias_rows;
mod conventions;
mod correct;
mod fixtures;
mod forms;
mod habits;
mod innocent;
mod leftovers;
mod lines;
mod loops;
mod manual;
mod names;
mod notations;
mod places;
mod program;
mod programs;
mod roles;
mod shares;
mod sigmoids;
mod strangers;
mod styles;
mod vectors;

use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Layer, Matrix, Mlp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `python3` or `GPU_MLP_PYTHON`, if it has numpy; else a word that the test is skipped.
fn python_with_numpy() -> Option<String> {
    let python = std::env::var("GPU_MLP_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_numpy = std::process::Command::new(&python).args(["-c", "import numpy"]).output();
    if !has_numpy.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no numpy");
        return None;
    }
    Some(python)
}

/// A random network and batch.
pub struct Network {
    pub mlp: Mlp,
    pub x: Matrix,
    pub labels: Vec<u32>,
}

/// Widths `sizes`, `n` samples, reproducible.
pub fn network(seed: u64, n: usize, sizes: &[usize], activation: Activation) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |spread: f64| {
        let sum: f64 = (0..12).map(|_| rng.random::<f64>()).sum();
        (sum - 6.0) * spread
    };
    let mut matrix =
        |rows: usize, cols: usize, spread: f64| Matrix::from_fn(rows, cols, |_, _| normal(spread));
    let x = matrix(n, sizes[0], 1.0);
    let layer = |pair: &[usize]| Layer {
        w: matrix(pair[0], pair[1], 1.3 / (pair[0] as f64).sqrt()),
        b: matrix(1, pair[1], 0.3).into_data(),
    };
    let layers = sizes.windows(2).map(layer).collect();
    let classes = *sizes.last().unwrap() as u32;
    let labels = (0..n).map(|_| rng.random_range(0..classes)).collect();
    Network { mlp: Mlp { layers, activation: activation.into() }, x, labels }
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Samples are rows.
    pub rows: bool,
    /// Weights are `[in, out]`.
    pub in_out: bool,
    /// Computed and stored in 32 bits.
    pub single: bool,
    /// Labels as one-hot rows (or columns).
    pub one_hot: bool,
    /// Where 1/N stands: 0 in dz, 1 in dW and db, 2 in the step.
    pub mean: usize,
    /// y - p, and a step that adds.
    pub ascent: bool,
}

/// The style most people write.
pub const PLAIN: Style =
    Style { rows: true, in_out: true, single: false, one_hot: false, mean: 0, ascent: false };

fn array(matrix: &Matrix, as_is: bool, single: bool) -> Value {
    let turned = if as_is { matrix.clone() } else { matrix.transposed() };
    let round = |&v: &f64| if single { f64::from(v as f32) } else { v };
    let data = turned.data().iter().map(round).collect();
    let kind = if single { Kind::F32 } else { Kind::F64 };
    Value::Numbers(Array { shape: turned.shape().to_vec(), data, kind })
}

fn scaled(matrix: &Matrix, c: f64) -> Matrix {
    matrix.map(|value| value * c)
}

/// Everything a right program would export of one step.
pub fn export(network: &Network, style: Style, lr: f64) -> Entries {
    let Network { mlp, x, labels } = network;
    let (forward, n) = (mlp.forward(x), labels.len() as f64);
    let backward = mlp.backward(&forward, labels);
    let sign = if style.ascent { -1.0 } else { 1.0 };
    let dz_scale = sign * if style.mean > 0 { n } else { 1.0 };
    let dw_scale = sign * if style.mean > 1 { n } else { 1.0 };
    let sample = |m: &Matrix| array(m, style.rows, style.single);
    let weight = |m: &Matrix| array(m, style.in_out, style.single);
    let bias = |b: &[f64]| array(&Matrix::new([1, b.len()], b.to_vec()).unwrap(), style.rows, style.single);
    let mut out = Entries::new();
    let one = |value: f64| Value::Numbers(Array { shape: vec![], data: vec![value], kind: Kind::F64 });
    out.insert("X".into(), sample(x));
    let classes = forward.logits().cols();
    let y = Matrix::from_fn(labels.len(), classes, |r, c| f64::from(labels[r] as usize == c));
    let plain: Vec<f64> = labels.iter().map(|&label| f64::from(label)).collect();
    let plain = Value::Numbers(Array { shape: vec![labels.len()], data: plain, kind: Kind::Whole });
    out.insert("y".into(), if style.one_hot { sample(&y) } else { plain });
    out.insert("act".into(), Value::Text(mlp.activation.to_string()));
    out.insert("lr".into(), one(lr));
    out.insert("loss".into(), one(mlp.loss(x, labels)));
    let hits = gpu_mlp::reference::hits(forward.logits(), labels).into_iter().filter(|&hit| hit).count();
    out.insert("accuracy".into(), one(hits as f64 / n));
    out.insert("p".into(), sample(&gpu_mlp::reference::softmax(forward.logits())));
    for (i, (layer, gradient)) in mlp.layers.iter().zip(&backward.layers).enumerate() {
        let l = i + 1;
        out.insert(format!("W{l}"), weight(&layer.w));
        out.insert(format!("b{l}"), bias(&layer.b));
        out.insert(format!("z{l}"), sample(&forward.z[i]));
        if i > 0 {
            out.insert(format!("a{i}"), sample(&forward.a[i]));
            let da = gpu_mlp::reference::matmul(&backward.dz[i], &layer.w.transposed());
            out.insert(format!("da{i}"), sample(&scaled(&da, dz_scale)));
        }
        out.insert(format!("dz{l}"), sample(&scaled(&backward.dz[i], dz_scale)));
        out.insert(format!("dW{l}"), weight(&scaled(&gradient.w, dw_scale)));
        let db: Vec<f64> = gradient.b.iter().map(|g| g * dw_scale).collect();
        out.insert(format!("db{l}"), bias(&db));
        let step = |w: f64, g: f64| w - lr * g;
        let w_new = layer.w.data().iter().zip(gradient.w.data()).map(|(&w, &g)| step(w, g)).collect();
        out.insert(format!("W{l}_new"), weight(&Matrix::new(layer.w.shape(), w_new).unwrap()));
        let b_new: Vec<f64> = layer.b.iter().zip(&gradient.b).map(|(&b, &g)| step(b, g)).collect();
        out.insert(format!("b{l}_new"), bias(&b_new));
    }
    out
}
