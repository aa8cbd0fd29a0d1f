//! A right network of a style, computed, and its file.

use super::style::{Biases, Digits, Dropout, Habit, Names, Rule, Style, Weights};
use super::training::{Step, clip, mask, weights, zip};
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

/// A number as the style writes it.
fn written(style: &Style, value: f64) -> f64 {
    match style.digits {
        _ if style.single => f64::from(value as f32),
        Digits::All => value,
        Digits::Significant(digits) => format!("{value:.*e}", digits - 1).parse().unwrap(),
        Digits::Decimals(digits) => format!("{value:.digits$}").parse().unwrap(),
        Digits::OfSingle => f64::from(value as f32),
    }
}

/// A matrix with one more column.
fn beside(m: &Matrix, f: impl Fn(usize) -> f64) -> Matrix {
    Matrix::from_fn(m.rows(), m.cols() + 1, |r, c| if c < m.cols() { m.at(r, c) } else { f(r) })
}

/// A matrix with a column of ones before the others.
fn before(m: &Matrix) -> Matrix {
    Matrix::from_fn(m.rows(), m.cols() + 1, |r, c| if c == 0 { 1.0 } else { m.at(r, c - 1) })
}

/// One array after the other.
struct Writer<'s> {
    style: &'s Style,
    out: Entries,
}

impl Writer<'_> {
    fn put(&mut self, name: impl Into<String>, m: &Matrix, direct: bool, kind: Kind) {
        let m = if direct { m.clone() } else { m.transposed() };
        let data = m.data().iter().map(|&v| written(self.style, v)).collect();
        self.out.insert(name.into(), Value::Numbers(Array { shape: m.shape().to_vec(), data, kind }));
    }

    fn kind(&self) -> Kind {
        if self.style.single || self.style.digits == Digits::OfSingle { Kind::F32 } else { Kind::F64 }
    }

    /// Something with a row for each sample.
    fn samples(&mut self, name: impl Into<String>, m: &Matrix) {
        self.put(name, m, self.style.rows, self.kind());
    }

    /// The input of a layer.
    fn inputs(&mut self, name: impl Into<String>, m: &Matrix) {
        match self.style.biases {
            Biases::LastRow | Biases::Unit => self.samples(name, &beside(m, |_| 1.0)),
            Biases::FirstRow => self.samples(name, &before(m)),
            _ => self.samples(name, m),
        }
    }

    /// Something of a hidden layer's shape that a unit of ones has, too.
    fn hidden(&mut self, name: impl Into<String>, m: &Matrix) {
        match self.style.biases {
            Biases::Unit => self.samples(name, &beside(m, |r| 0.1 * r as f64 - 0.3)),
            _ => self.samples(name, m),
        }
    }

    /// Weights of a layer, hidden or not, and its biases; or what has their shape.
    fn parameters(&mut self, names: [String; 2], w: &Matrix, b: &Matrix, hidden: bool) {
        let [of_w, of_b] = names;
        let below = |m: &Matrix| {
            Matrix::from_fn(m.rows() + 1, m.cols(), |r, c| if r < m.rows() { m.at(r, c) } else { b.at(0, c) })
        };
        let above =
            Matrix::from_fn(w.rows() + 1, w.cols(), |r, c| if r == 0 { b.at(0, c) } else { w.at(r - 1, c) });
        let w = match self.style.biases {
            Biases::LastRow | Biases::HiddenOnes => below(w),
            Biases::Unit if hidden => beside(&below(w), |r| 0.2 - 0.1 * r as f64),
            Biases::Unit => below(w),
            Biases::FirstRow => above,
            _ => w.clone(),
        };
        self.put(of_w, &w, self.style.in_out, self.kind());
        self.biases(of_b, b);
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
        let bytes = style.has(Habit::RawInputs);
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
    let (n, depth) = (style.n as f64, style.sizes.len() - 1);
    let Network { raw, x, w, b } = Network::new(rng, style);
    let (mut z, mut a, mut masks) = (Vec::new(), vec![x], Vec::new());
    for l in 0..depth {
        let product = matmul(&a[l], &w[l]);
        z.push(Matrix::from_fn(product.rows(), product.cols(), |r, c| product.at(r, c) + b[l].at(0, c)));
        if l + 1 < depth {
            let mask = mask(rng, style, z[l].rows(), z[l].cols());
            a.push(zip(&z[l].map(|z| style.apply(l, z)), &mask, |a, mask| a * mask));
            masks.push(mask);
        }
    }
    let p = style.design.head.apply(&z[depth - 1]);
    let y = targets(rng, style, &p);
    let sign = if style.ascent { -1.0 } else { 1.0 };
    let mean = |place: usize| if style.mean == place { 1.0 / n } else { 1.0 };
    let weights = weights(rng, style, &y);
    let weighed = |m: &Matrix| Matrix::from_fn(m.rows(), m.cols(), |r, c| m.at(r, c) * weights[r]);
    let mut delta = weighed(&style.design.delta(&z[depth - 1], &p, &y)).map(|d| d * sign * mean(0));
    let lambda = if style.has(Habit::HiddenDecay) { LAMBDA } else { 0.0 };
    let rate = if style.has(Habit::ScheduledRate) { style.lr * 0.83 } else { style.lr };
    let mut writer = Writer { style, out: Entries::new() };
    writer.inputs("X", &raw);
    if style.names == Names::InputFirst && seed.is_multiple_of(2) {
        writer.inputs("a0", &raw);
    }
    let (mut gradients, mut deltas) = (Vec::new(), Vec::new());
    for l in (1..=depth).rev() {
        let product = matmul(&a[l - 1].transposed(), &delta);
        let dw = zip(&product, &w[l - 1], |g, w| g * mean(1) + sign * lambda * w);
        let sums: Vec<f64> =
            (0..delta.cols()).map(|c| (0..style.n).map(|r| delta.at(r, c)).sum::<f64>() * mean(1)).collect();
        let total: f64 = sums.iter().sum();
        let one_for_all = style.biases == Biases::OneForAll;
        let db = Matrix::from_fn(1, sums.len(), |_, c| if one_for_all { total } else { sums[c] });
        gradients.insert(0, [dw, db]);
        deltas.insert(0, delta.clone());
        if l > 1 {
            writer.inputs(format!("a{}", l - 1), &a[l - 1]);
            let da = matmul(&delta, &w[l - 1].transposed());
            delta = zip(&da, &z[l - 2], |da, z| da * style.derivative(l - 2, z));
            delta = zip(&delta, &masks[l - 2], |dz, mask| dz * mask);
            writer.hidden(format!("da{}", l - 1), if style.has(Habit::DaIsDz) { &delta } else { &da });
        }
    }
    clip(style, &mut gradients);
    for l in 1..=depth {
        let hidden = l < depth;
        let put = if hidden { Writer::hidden } else { Writer::samples };
        put(&mut writer, format!("z{l}"), &z[l - 1]);
        put(&mut writer, format!("dz{l}"), &deltas[l - 1]);
        if style.dropout != Dropout::None && hidden {
            let whole = style.dropout != Dropout::Scaled;
            let own = masks[l - 1].map(|mask| if whole { f64::from(mask != 0.0) } else { mask });
            writer.hidden(format!("mask{l}"), &own);
        }
        let [dw, db] = &gradients[l - 1];
        let names =
            |before: &str, after: &str| [format!("{before}W{l}{after}"), format!("{before}b{l}{after}")];
        let still = style.biases == Biases::Absent;
        let mut step = Step { style, rate: sign * rate * mean(2), rng };
        let into_step = if step.style.has(Habit::StepDecay) { sign * LAMBDA } else { 0.0 };
        let (w_new, of_w) = step.taken(&w[l - 1], &zip(dw, &w[l - 1], |g, w| g + into_step * w));
        let (b_new, of_b) = step.taken(&b[l - 1], db);
        let b_new = if still { b[l - 1].clone() } else { b_new };
        writer.parameters(names("d", ""), dw, db, hidden);
        for ((name, w), (_, b)) in of_w.iter().zip(&of_b) {
            let (stem, after) = name.split_at(1);
            writer.parameters(names(stem, after), w, b, hidden);
        }
        if style.has(Habit::SavedAfterStep) {
            writer.parameters(names("", ""), &w_new, &b_new, hidden);
        } else {
            writer.parameters(names("", ""), &w[l - 1], &b[l - 1], hidden);
            writer.parameters(names("", "_new"), &w_new, &b_new, hidden);
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
    let loss = match style.weights {
        Weights::Equal => style.design.measure.total(&p, &y) * style.loss,
        _ => {
            let row = |m: &Matrix, r: usize| Matrix::from_fn(1, m.cols(), |_, c| m.at(r, c));
            let each = |r: usize| weights[r] * style.design.measure.total(&row(&p, r), &row(&y, r));
            (0..style.n).map(each).sum::<f64>() / n
        }
    };
    let loss = loss + if style.has(Habit::LossDecay) { penalty(style, &w) } else { 0.0 };
    settings(&mut writer);
    if style.has(Habit::LossHistory) {
        let losses = Matrix::from_fn(1, 13, |_, c| loss * (1.0 + 0.01 * (12 - c) as f64));
        writer.put("loss", &losses, true, writer.kind());
    } else {
        writer.number("loss", loss);
    }
    writer.number("lr", style.lr);
    kept(rng, style, writer.out).into_iter().map(|(key, value)| (named(style, &key), value)).collect()
}

/// λ of all penalties.
const LAMBDA: f64 = 0.02;

/// What the printed loss has of the penalty whose gradient is λ·W beside the file's dW.
fn penalty(style: &Style, w: &[Matrix]) -> f64 {
    let squares: f64 = w.iter().flat_map(Matrix::data).map(|w| w * w).sum();
    let n = style.n as f64;
    let of_gradient = style.design.factor / if style.mean < 2 { n } else { 1.0 };
    let of_loss = if style.weights == Weights::Equal { style.loss } else { 1.0 / n };
    LAMBDA / 2.0 * squares * of_loss / of_gradient
}

/// The numbers of the optimiser.
fn settings(writer: &mut Writer) {
    match writer.style.rule {
        Rule::Momentum | Rule::Nesterov => writer.number("momentum", 0.9),
        Rule::Adam | Rule::AdamW => {
            for (name, value) in [("adam_b1", 0.9), ("adam_b2", 0.999), ("adam_eps", 1e-8), ("adam_t", 3.0)] {
                writer.number(name, value);
            }
            if writer.style.rule == Rule::AdamW {
                writer.number("l2", 0.01);
            }
        }
        _ => {}
    }
    if writer.style.has(Habit::SaidDecay) {
        writer.number("l2", LAMBDA);
    }
    if writer.style.dropout == Dropout::Said {
        writer.number("drop_p", 0.3);
    }
}

/// What is not left out.
fn kept(rng: &mut ChaCha8Rng, style: &Style, all: Entries) -> Entries {
    let needed = |key: &str| key == "X" || key == "y" || (key.len() == 2 && key.starts_with(['W', 'b']));
    let lost = |key: &str| {
        style.lost.iter().any(|lost| key.starts_with(lost) || (*lost == "before" && key.ends_with("_prev")))
    };
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
