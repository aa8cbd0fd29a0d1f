//! A right network of a style, computed, and its file.

use super::style::{Biases, Habit, Names, Style};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::design::{Head, Measure};
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Matrix, matmul};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn normal(rng: &mut ChaCha8Rng, rows: usize, cols: usize, spread: f64) -> Matrix {
    let mut one = || ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0) * spread;
    Matrix::from_fn(rows, cols, |_, _| one())
}

fn targets(rng: &mut ChaCha8Rng, style: &Style, p: &Matrix) -> Matrix {
    let (n, outputs) = (style.n, p.cols());
    let hot: Vec<usize> = (0..n).map(|_| rng.random_range(0..outputs)).collect();
    let classes = Matrix::from_fn(n, outputs, |r, c| f64::from(hot[r] == c));
    let mut bits = || f64::from(rng.random_bool(0.5));
    let several = Matrix::from_fn(n, outputs, |_, _| bits());
    match (style.design.head, style.design.measure) {
        (head, _) if head.is_softmax() => classes,
        (_, Measure::Binary) | (Head::Of(Activation::Sigmoid), _) if outputs > 1 && style.labels => classes,
        (_, Measure::Binary) | (Head::Of(Activation::Sigmoid), _) => several,
        (Head::Of(Activation::Tanh), _) => several.map(|y| 2.0 * y - 1.0),
        (Head::Of(Activation::Relu | Activation::Softplus), _) => normal(rng, n, outputs, 1.0).map(f64::abs),
        _ => normal(rng, n, outputs, 1.0),
    }
}

/// Entry by entry of two matrices.
fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| f(a.at(r, c), b.at(r, c)))
}

/// One array after the other.
struct Writer<'s> {
    style: &'s Style,
    out: Entries,
}

impl Writer<'_> {
    fn put(&mut self, name: impl Into<String>, m: &Matrix, direct: bool, kind: Kind) {
        let m = if direct { m.clone() } else { m.transposed() };
        let round = |&v: &f64| if self.style.single { f64::from(v as f32) } else { v };
        let data = m.data().iter().map(round).collect();
        self.out.insert(name.into(), Value::Numbers(Array { shape: m.shape().to_vec(), data, kind }));
    }

    fn kind(&self) -> Kind {
        if self.style.single { Kind::F32 } else { Kind::F64 }
    }

    /// Something with a row for each sample.
    fn samples(&mut self, name: impl Into<String>, m: &Matrix) {
        self.put(name, m, self.style.rows, self.kind());
    }

    /// Something of a weight's shape.
    fn weights(&mut self, name: impl Into<String>, m: &Matrix) {
        self.put(name, m, self.style.in_out, self.kind());
    }

    /// Something of a bias's shape.
    fn biases(&mut self, name: impl Into<String>, b: &Matrix) {
        match self.style.biases {
            Biases::Plain => self.samples(name, b),
            Biases::OneForAll => self.samples(name, &Matrix::from_fn(1, 1, |_, _| b.at(0, 0))),
            _ => {}
        }
    }

    fn number(&mut self, name: &str, value: f64) {
        self.put(name, &Matrix::from_fn(1, 1, |_, _| value), true, self.kind());
    }
}

/// The parameters of a network and its batch.
struct Network {
    raw: Matrix,
    x: Matrix,
    w: Vec<Matrix>,
    b: Vec<Matrix>,
}

impl Network {
    fn new(rng: &mut ChaCha8Rng, style: &Style) -> Self {
        let bytes = style.habit == Habit::RawInputs;
        let raw = normal(rng, style.n, style.sizes[0], 1.0);
        let raw = raw.map(|x| if bytes { (40.0 * x).abs().round() } else { x });
        let x = raw.map(|x| if bytes { x / 255.0 } else { x });
        let w = style.sizes.windows(2).map(|s| normal(rng, s[0], s[1], 1.2 / (s[0] as f64).sqrt())).collect();
        let b = |out: &usize| match style.biases {
            Biases::Absent => Matrix::zeros([1, *out]),
            Biases::OneForAll => {
                let b = normal(rng, 1, 1, 0.3).at(0, 0);
                Matrix::from_fn(1, *out, |_, _| b)
            }
            _ => normal(rng, 1, *out, 0.3),
        };
        let b = style.sizes[1..].iter().map(b).collect();
        Self { raw, x, w, b }
    }
}

/// The file of a right network.
pub fn file(seed: u64, style: &Style) -> Entries {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let (n, depth, habit) = (style.n as f64, style.sizes.len() - 1, style.habit);
    let Network { raw, x, w, b } = Network::new(rng, style);
    let (mut z, mut a) = (Vec::new(), vec![x]);
    for l in 0..depth {
        let product = matmul(&a[l], &w[l]);
        z.push(Matrix::from_fn(product.rows(), product.cols(), |r, c| product.at(r, c) + b[l].at(0, c)));
        if l + 1 < depth {
            a.push(z[l].map(|z| style.acts[l].apply(z)));
        }
    }
    let p = style.design.head.apply(&z[depth - 1]);
    let y = targets(rng, style, &p);
    let sign = if style.ascent { -1.0 } else { 1.0 };
    let mean = |place: usize| if style.mean == place { 1.0 / n } else { 1.0 };
    let mut delta = style.design.delta(&z[depth - 1], &p, &y).map(|d| d * sign * mean(0));
    let lambda = if habit == Habit::HiddenDecay { 0.02 } else { 0.0 };
    let rate = if habit == Habit::ScheduledRate { style.lr * 0.83 } else { style.lr };
    let mut writer = Writer { style, out: Entries::new() };
    writer.samples("X", &raw);
    for l in (1..=depth).rev() {
        writer.samples(format!("z{l}"), &z[l - 1]);
        writer.samples(format!("dz{l}"), &delta);
        let product = matmul(&a[l - 1].transposed(), &delta);
        let dw = zip(&product, &w[l - 1], |g, w| g * mean(1) + sign * lambda * w);
        let sums: Vec<f64> =
            (0..delta.cols()).map(|c| (0..style.n).map(|r| delta.at(r, c)).sum::<f64>() * mean(1)).collect();
        let total: f64 = sums.iter().sum();
        let one_for_all = style.biases == Biases::OneForAll;
        let db = Matrix::from_fn(1, sums.len(), |_, c| if one_for_all { total } else { sums[c] });
        let step = |w: &Matrix, g: &Matrix| zip(w, g, |w, g| w - sign * rate * mean(2) * g);
        let (w_new, b_new) = (step(&w[l - 1], &dw), step(&b[l - 1], &db));
        writer.weights(format!("dW{l}"), &dw);
        writer.biases(format!("db{l}"), &db);
        if habit == Habit::SavedAfterStep {
            writer.weights(format!("W{l}"), &w_new);
            writer.biases(format!("b{l}"), if style.biases == Biases::Absent { &b[l - 1] } else { &b_new });
        } else {
            writer.weights(format!("W{l}"), &w[l - 1]);
            writer.weights(format!("W{l}_new"), &w_new);
            writer.biases(format!("b{l}"), &b[l - 1]);
            writer.biases(format!("b{l}_new"), &b_new);
        }
        if l > 1 {
            writer.samples(format!("a{}", l - 1), &a[l - 1]);
            let da = matmul(&delta, &w[l - 1].transposed());
            let f = style.acts[l - 2];
            delta = zip(&da, &z[l - 2], |da, z| da * f.derivative(z));
            writer.samples(format!("da{}", l - 1), if habit == Habit::DaIsDz { &delta } else { &da });
        }
    }
    writer.samples("p", &p);
    let hot = style.labels && y.cols() > 1 && (0..style.n).all(|r| y.row(r).iter().sum::<f64>() == 1.0);
    if hot {
        let label = |r: usize| (0..y.cols()).find(|&c| y.at(r, c) == 1.0).unwrap() as f64;
        writer.put("y", &Matrix::from_fn(1, style.n, |_, r| label(r)), true, Kind::Whole);
    } else {
        writer.samples("y", &y);
    }
    let loss = style.design.measure.total(&p, &y) * style.loss;
    if habit == Habit::LossHistory {
        let losses = Matrix::from_fn(1, 13, |_, c| loss * (1.0 + 0.01 * (12 - c) as f64));
        writer.put("loss", &losses, true, writer.kind());
    } else {
        writer.number("loss", loss);
    }
    writer.number("lr", style.lr);
    kept(rng, style, writer.out).into_iter().map(|(key, value)| (named(style, &key), value)).collect()
}

/// What is not left out.
fn kept(rng: &mut ChaCha8Rng, style: &Style, all: Entries) -> Entries {
    let needed = |key: &str| key == "X" || key == "y" || (key.len() == 2 && key.starts_with(['W', 'b']));
    let lost = |key: &str| style.lost.iter().any(|lost| key.starts_with(lost));
    let mut keep = |key: &str| needed(key) || !(lost(key) || rng.random_bool(style.left_out));
    all.into_iter().filter(|(key, _)| keep(key)).collect()
}

/// A name of ours as the style has it.
fn named(style: &Style, key: &str) -> String {
    let digits = key.find(|letter: char| letter.is_ascii_digit());
    let Some((stem, rest)) = digits.map(|at| key.split_at(at)) else { return key.to_owned() };
    let (number, rest) = rest.split_at(1);
    let l: usize = number.parse().unwrap();
    match (style.names, stem) {
        (Names::InputFirst, "z" | "a" | "dz" | "da" | "mask") => format!("{stem}{}{rest}", l + 1),
        (Names::FromZero, "a") => format!("l{l}{rest}"),
        (Names::FromZero, "W") => format!("syn{}{rest}", l - 1),
        (Names::FromZero, "dz") => format!("l{l}_delta{rest}"),
        (Names::FromZero, "da") => format!("l{l}_error{rest}"),
        _ => key.to_owned(),
    }
}
