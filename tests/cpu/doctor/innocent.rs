//! Right networks as people write them, drawn at random from the grid of outputs, losses, activations, layouts, biases,
//! gradient conventions, optimisers and habits of exporting: none is ever accused, and hardly any is not understood.
//!
//! `GPU_MLP_INNOCENT=N` draws N networks.

use gpu_mlp::doctor::exam::report::{Report, Verdict};
use gpu_mlp::doctor::file::npy::{Array, Kind, Value};
use gpu_mlp::doctor::file::npz::Entries;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::design::{Design, Head, Measure};
use gpu_mlp::doctor::{self, Options};
use gpu_mlp::network::Activation;
use gpu_mlp::reference::{Matrix, matmul};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a network has in its file, and how.
#[derive(Debug, Clone)]
pub struct Style {
    pub design: Design,
    pub acts: Vec<Activation>,
    pub sizes: Vec<usize>,
    pub n: usize,
    pub rows: bool,
    pub in_out: bool,
    pub single: bool,
    /// Targets as class numbers, if they are classes.
    pub labels: bool,
    pub biases: Biases,
    /// Where 1/N stands: in dz, in dW and db, in the step, nowhere.
    pub mean: usize,
    pub ascent: bool,
    /// The printed loss: its factor over samples and outputs.
    pub loss: f64,
    pub lr: f64,
    pub habit: Habit,
    /// The share of tensors that are left out.
    pub left_out: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Biases {
    Plain,
    Absent,
    /// Used, but not in the file.
    Forgotten,
    OneForAll,
}

/// What the file is beside the calculation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Habit {
    None,
    /// λ is in the gradients, but not in the file.
    HiddenDecay,
    /// The learning rate in the file is not the one of this step.
    ScheduledRate,
    /// X was divided before it was used.
    RawInputs,
    /// W holds what it became.
    SavedAfterStep,
    /// `da` holds dz.
    DaIsDz,
    /// The losses of many steps.
    LossHistory,
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, of: &[T]) -> T {
    *of.choose(rng).unwrap()
}

pub fn style(seed: u64) -> Style {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let design = pick(rng, &Design::ALL);
    let outputs =
        if design.head.is_softmax() { pick(rng, &[2, 3, 4, 5]) } else { pick(rng, &[1, 1, 1, 2, 3, 4]) };
    let depth = pick(rng, &[1, 2, 2, 2, 3, 3, 4]);
    let mut sizes = vec![pick(rng, &[2, 3, 5, 6, 8])];
    sizes.extend((1..depth).map(|_| pick(rng, &[3, 4, 5, 5, 7])));
    sizes.push(outputs);
    let rows = rng.random_bool(0.7);
    let factors = [1.0, 1.0, 2.0, 1.0 / outputs as f64, 2.0 / outputs as f64];
    let factor = if design.is_usual() { 1.0 } else { pick(rng, &factors) };
    let n = pick(rng, &[37, 37, 20, 11, 4, 5, 64]);
    let mean = pick(rng, &[0, 0, 1, 2, 3]);
    let summed = mean == 3 && design.is_usual();
    let per_batch = if summed { 1.0 } else { pick(rng, &[1.0 / n as f64, 1.0]) };
    // The mean's gradient beside the sum's loss is the bug `loss-scale`, unless the step takes the mean.
    let per_batch = if design.is_usual() && mean < 2 { 1.0 / n as f64 } else { per_batch };
    let left_out = pick(rng, &[0.0, 0.0, 0.0, 0.2, 0.5]);
    // Where the file does not show them, different activations cannot all be found.
    let first = pick(rng, &Activation::ALL);
    let acts = (1..depth).map(|_| if left_out > 0.0 { first } else { pick(rng, &Activation::ALL) }).collect();
    // What a habit leaves open, only a whole file can tell.
    let habit = if left_out > 0.0 || rng.random_bool(0.6) {
        Habit::None
    } else {
        pick(
            rng,
            &[
                Habit::HiddenDecay,
                Habit::ScheduledRate,
                Habit::RawInputs,
                Habit::SavedAfterStep,
                Habit::DaIsDz,
                Habit::LossHistory,
            ],
        )
    };
    let plain = Biases::Plain;
    let biases = pick(rng, &[plain, plain, plain, Biases::Absent, Biases::Forgotten, Biases::OneForAll]);
    Style {
        design: Design { factor, ..design },
        acts,
        sizes,
        n,
        rows,
        in_out: if rows { rng.random_bool(0.7) } else { rng.random_bool(0.2) },
        single: rng.random_bool(0.3),
        labels: rng.random_bool(0.5),
        // Two such things at once, or one without the z that shows it, are more than can be read off.
        biases: if biases == Biases::Forgotten && (left_out > 0.0 || habit != Habit::None) {
            Biases::Plain
        } else {
            biases
        },
        mean,
        ascent: rng.random_bool(0.25),
        loss: per_batch * if design.is_usual() { 1.0 } else { pick(rng, &factors) },
        lr: pick(rng, &[0.01, 0.1, 0.5, 0.3]),
        habit,
        left_out,
    }
}

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
        (_, Measure::Binary) => {
            if outputs > 1 && style.labels {
                classes
            } else {
                several
            }
        }
        (Head::Of(Activation::Sigmoid), _) if outputs > 1 => {
            if style.labels {
                classes
            } else {
                several
            }
        }
        (Head::Of(Activation::Sigmoid), _) => several,
        (Head::Of(Activation::Tanh), _) => several.map(|y| 2.0 * y - 1.0),
        (Head::Of(Activation::Relu | Activation::Softplus), _) => normal(rng, n, outputs, 1.0).map(f64::abs),
        _ => normal(rng, n, outputs, 1.0),
    }
}

/// The file of a right network.
pub fn file(seed: u64, style: &Style) -> Entries {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let (n, depth) = (style.n as f64, style.sizes.len() - 1);
    let habit = style.habit;
    let raw = normal(rng, style.n, style.sizes[0], 1.0)
        .map(|x| if habit == Habit::RawInputs { (40.0 * x).abs().round() } else { x });
    let x = raw.map(|x| if habit == Habit::RawInputs { x / 255.0 } else { x });
    let w: Vec<Matrix> =
        style.sizes.windows(2).map(|s| normal(rng, s[0], s[1], 1.2 / (s[0] as f64).sqrt())).collect();
    let b: Vec<Matrix> = style.sizes[1..]
        .iter()
        .map(|&out| match style.biases {
            Biases::Absent => Matrix::zeros([1, out]),
            Biases::OneForAll => {
                let b = normal(rng, 1, 1, 0.3).at(0, 0);
                Matrix::from_fn(1, out, |_, _| b)
            }
            _ => normal(rng, 1, out, 0.3),
        })
        .collect();
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
    let mut out = Entries::new();
    let round = |v: f64| if style.single { f64::from(v as f32) } else { v };
    let kind = if style.single { Kind::F32 } else { Kind::F64 };
    let mut put = |name: String, m: &Matrix, direct: bool, whole: bool| {
        let m = if direct { m.clone() } else { m.transposed() };
        let data = m.data().iter().map(|&v| round(v)).collect();
        out.insert(
            name,
            Value::Numbers(Array {
                shape: m.shape().to_vec(),
                data,
                kind: if whole { Kind::Whole } else { kind },
            }),
        );
    };
    let rows = style.rows;
    put("X".into(), &raw, rows, false);
    for l in (1..=depth).rev() {
        put(format!("z{l}"), &z[l - 1], rows, false);
        put(format!("dz{l}"), &delta, rows, false);
        let product = matmul(&a[l - 1].transposed(), &delta);
        let dw = Matrix::from_fn(product.rows(), product.cols(), |r, c| {
            product.at(r, c) * mean(1) + sign * lambda * w[l - 1].at(r, c)
        });
        let sums: Vec<f64> =
            (0..delta.cols()).map(|c| (0..style.n).map(|r| delta.at(r, c)).sum::<f64>() * mean(1)).collect();
        let total: f64 = sums.iter().sum();
        let db =
            Matrix::from_fn(
                1,
                sums.len(),
                |_, c| if style.biases == Biases::OneForAll { total } else { sums[c] },
            );
        let step = |w: &Matrix, g: &Matrix| {
            Matrix::from_fn(w.rows(), w.cols(), |r, c| w.at(r, c) - sign * rate * mean(2) * g.at(r, c))
        };
        let (w_new, b_new) = (step(&w[l - 1], &dw), step(&b[l - 1], &db));
        put(format!("dW{l}"), &dw, style.in_out, false);
        let after = habit == Habit::SavedAfterStep;
        put(format!("W{l}"), if after { &w_new } else { &w[l - 1] }, style.in_out, false);
        if !after {
            put(format!("W{l}_new"), &w_new, style.in_out, false);
        }
        if matches!(style.biases, Biases::Plain | Biases::OneForAll) {
            let one = |b: &Matrix| {
                if style.biases == Biases::OneForAll {
                    Matrix::from_fn(1, 1, |_, _| b.at(0, 0))
                } else {
                    b.clone()
                }
            };
            put(format!("db{l}"), &one(&db), rows, false);
            put(format!("b{l}"), &one(if after { &b_new } else { &b[l - 1] }), rows, false);
            if !after {
                put(format!("b{l}_new"), &one(&b_new), rows, false);
            }
        }
        if l > 1 {
            put(format!("a{}", l - 1), &a[l - 1], rows, false);
            let da = matmul(&delta, &w[l - 1].transposed());
            let f = style.acts[l - 2];
            delta =
                Matrix::from_fn(da.rows(), da.cols(), |r, c| da.at(r, c) * f.derivative(z[l - 2].at(r, c)));
            put(format!("da{}", l - 1), if habit == Habit::DaIsDz { &delta } else { &da }, rows, false);
        }
    }
    put("p".into(), &p, rows, false);
    let hot = style.labels && y.cols() > 1 && (0..style.n).all(|r| y.row(r).iter().sum::<f64>() == 1.0);
    if hot {
        let labels =
            Matrix::from_fn(1, style.n, |_, r| (0..y.cols()).find(|&c| y.at(r, c) == 1.0).unwrap() as f64);
        put("y".into(), &labels, true, true);
    } else {
        put("y".into(), &y, rows, false);
    }
    let one = |value: f64| Matrix::from_fn(1, 1, |_, _| value);
    let loss = style.design.measure.total(&p, &y) * style.loss;
    put("loss".into(), &one(loss), true, false);
    if habit == Habit::LossHistory {
        put(
            "loss".into(),
            &Matrix::from_fn(1, 13, |_, c| loss * (1.0 + 0.01 * (12 - c) as f64)),
            true,
            false,
        );
    }
    put("lr".into(), &one(style.lr), true, false);
    // A loss of a sum beside the gradient of a sum is decided only with the loss.
    let needed = |key: &str| key == "X" || key == "y" || (key.len() == 2 && key.starts_with(['W', 'b']));
    let keep = |key: &str, rng: &mut ChaCha8Rng| needed(key) || !rng.random_bool(style.left_out);
    out.into_iter().filter(|(key, _)| keep(key, rng)).collect()
}

/// What is wrong with the answer to a right network.
fn complaint(report: &Report) -> Option<String> {
    let said = || {
        format!(
            "{:?}",
            report
                .findings
                .iter()
                .map(|f| (f.tensor, f.bug, f.also.clone(), f.formula.clone()))
                .collect::<Vec<_>>()
        )
    };
    // Weights drawn at random may really be dead.
    if report.findings.iter().all(|f| f.bug == Some(Bug::DeadRelu)) {
        return None;
    }
    let accused = report.findings.iter().any(|f| f.bug.is_some());
    match report.verdict {
        Verdict::Clean | Verdict::Depends => None,
        _ if accused => Some(format!("ACCUSED {}", said())),
        _ => Some(format!("not known {}", said())),
    }
}

#[test]
fn right_networks_are_never_accused() {
    let count: u64 = std::env::var("GPU_MLP_INNOCENT").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let (mut accused, mut unknown) = (Vec::new(), Vec::new());
    for seed in 0..count {
        let style = style(seed);
        let entries = file(seed, &style);
        let keys: Vec<&str> = entries.keys().map(String::as_str).collect();
        let text = |what: String| format!("seed {seed}: {what}\n{style:?}\n{}\n", keys.join(" "));
        match doctor::examine(&entries, &Options::default()) {
            Ok(report) => match complaint(&report) {
                Some(what) if what.starts_with("ACCUSED") => accused.push(text(what)),
                Some(what) => unknown.push(text(what)),
                None => {}
            },
            Err(refusal) if refusal.problem.contains("nothing that was computed") => {}
            Err(refusal) => unknown.push(text(format!("refused: {}", refusal.problem))),
        }
    }
    let first = |all: &[String]| all.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    println!("{} accused, {} not known of {count}", accused.len(), unknown.len());
    assert!(
        accused.is_empty(),
        "{} of {count} accused:\n{}\n{} not known",
        accused.len(),
        first(&accused),
        unknown.len()
    );
    assert!(
        unknown.len() as u64 * 100 <= count,
        "{} of {count} not known:\n{}",
        unknown.len(),
        first(&unknown)
    );
}
