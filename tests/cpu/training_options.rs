//! Optimisers, schedules, clipping, label smoothing, activations and dropout against numbers from PyTorch
//! (`tests/fixtures/training.py`): the reference to f64's precision, and the CPU's engine by the reference.

use gpu_mlp::network::{Activations, Loss};
use gpu_mlp::reference::optimizer::{Optimizer, Rule, norm};
use gpu_mlp::reference::training::{Memory, Training};
use gpu_mlp::reference::{Aim, Layer, Matrix, Mlp};
use gpu_mlp::step::dropout::{Dropout, threefry};
use gpu_mlp::step::schedule::{Curve, Schedule};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
    schedules: Vec<Rates>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    sizes: Vec<usize>,
    rows: usize,
    activation: Activations,
    loss: Loss,
    optimizer: String,
    lr: f64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    dropout: f32,
    label_smoothing: f64,
    clip_norm: Option<f64>,
    seed: u64,
    x: Vec<f64>,
    labels: Vec<u32>,
    #[serde(default)]
    targets: Vec<f64>,
    initial: Vec<f64>,
    losses: Vec<f64>,
    norms: Vec<f64>,
    trained: Vec<f64>,
}

#[derive(Deserialize)]
struct Rates {
    name: String,
    steps: u64,
    #[serde(default)]
    curve: Curve,
    lr: f64,
    #[serde(default)]
    warmup: u64,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    every: Option<u64>,
    #[serde(default)]
    gamma: f64,
    #[serde(default)]
    min: f64,
    rates: Columns,
}

#[derive(Deserialize)]
struct Columns {
    lr: Vec<f64>,
    momentum: Option<Vec<f64>>,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("../fixtures/training.json")).unwrap()
}

impl Case {
    /// Weights and biases of each layer in turn.
    fn layers(&self, values: &[f64]) -> Vec<Layer> {
        let mut rest = values;
        let mut take = |count: usize| {
            let (now, later) = rest.split_at(count);
            rest = later;
            now.to_vec()
        };
        let layer = |pair: &[usize]| Layer {
            w: Matrix::new([pair[0], pair[1]], take(pair[0] * pair[1])).unwrap(),
            b: take(pair[1]),
        };
        self.sizes.windows(2).map(layer).collect()
    }

    fn training(&self) -> Training {
        let rule = match self.optimizer.as_str() {
            "sgd" => Rule::Sgd { momentum: self.momentum, nesterov: self.nesterov },
            name => Rule::Adam { betas: [0.9, 0.999], epsilon: 1e-8, decoupled: name == "adamw" },
        };
        Training {
            loss: self.loss,
            optimizer: Optimizer { rule, weight_decay: self.weight_decay },
            clip_norm: self.clip_norm,
            label_smoothing: self.label_smoothing,
            dropout: Dropout { rate: self.dropout, seed: self.seed, first_row: 0 },
        }
    }
}

#[track_caller]
fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= tolerance * want.abs().max(1.0),
            "{what}, value {i}: {got} is not {want}"
        );
    }
}

#[test]
fn the_reference_trains_as_pytorch_does() {
    let fixtures = fixtures();
    assert_eq!(fixtures.cases.len(), 25);
    for case in fixtures.cases {
        let (name, training) = (&case.name, case.training());
        let mut mlp = Mlp { layers: case.layers(&case.initial), activation: case.activation.clone() };
        let mut memory = Memory::new(&mlp);
        let x = Matrix::new([case.rows, case.sizes[0]], case.x.clone()).unwrap();
        let values =
            |targets: &Vec<f64>| Matrix::new([case.rows, targets.len() / case.rows], targets.clone());
        let targets = values(&case.targets).unwrap();
        let aim = if case.targets.is_empty() { Aim::Classes(&case.labels) } else { Aim::Values(&targets) };
        for (step, (&loss, &length)) in case.losses.iter().zip(&case.norms).enumerate() {
            if case.dropout == 0.0 {
                let unclipped = training.gradients(&mlp, &mlp.forward(&x), &[], aim);
                close(&format!("{name}: norm of step {step}"), &[norm(&unclipped)], &[length], 1e-12);
            }
            let (got, _) = training.step(&mut mlp, &mut memory, case.lr, &x, aim);
            close(&format!("{name}: loss of step {step}"), &[got], &[loss], 1e-12);
        }
        for (l, (got, want)) in mlp.layers.iter().zip(case.layers(&case.trained)).enumerate() {
            close(&format!("{name}: w of layer {l}"), got.w.data(), want.w.data(), 1e-11);
            close(&format!("{name}: b of layer {l}"), &got.b, &want.b, 1e-11);
        }
    }
}

#[test]
fn schedules_are_pytorch_s() {
    let fixtures = fixtures();
    assert_eq!(fixtures.schedules.len(), 8);
    for Rates { name, steps, curve, lr, warmup, total, every, gamma, min, rates } in fixtures.schedules {
        let total = total.unwrap_or(steps);
        let schedule = Schedule { curve, lr, warmup, total, every: every.unwrap_or(1), gamma, min };
        let got: Vec<_> = (0..steps).map(|step| schedule.rate(step)).collect();
        let lr: Vec<f64> = got.iter().map(|rate| rate.lr).collect();
        close(&name, &lr, &rates.lr, 1e-14);
        let momentum: Option<Vec<f64>> = got.iter().map(|rate| rate.momentum).collect();
        assert_eq!(
            (momentum.is_some(), schedule.moves_momentum()),
            (rates.momentum.is_some(), momentum.is_some())
        );
        close(&name, &momentum.unwrap_or_default(), &rates.momentum.unwrap_or_default(), 1e-14);
        assert_eq!(schedule.is_constant(), name == "constant");
    }
}

#[test]
fn schedules_stay_finite_however_short_the_run() {
    for curve in [Curve::Constant, Curve::Step, Curve::Cosine, Curve::OneCycle] {
        for total in 1..6 {
            for warmup in 0..=total {
                let schedule = Schedule { curve, lr: 0.5, warmup, total, every: 1, gamma: 0.5, min: 0.0 };
                for step in 0..total + 3 {
                    let rate = schedule.rate(step);
                    assert!(
                        rate.lr.is_finite() && (0.0..=0.5).contains(&rate.lr),
                        "{schedule:?}, {step}: {rate:?}"
                    );
                    assert!(rate.momentum.is_none_or(|m| (0.85..=0.95).contains(&m)), "{schedule:?}, {step}");
                }
            }
        }
    }
}

#[test]
fn random_words_are_threefry_s() {
    // Known answers of the authors' own test vectors, for 20 rounds.
    assert_eq!(threefry([0; 2], [0; 2]), [0x6B20_0159, 0x99BA_4EFE]);
    assert_eq!(threefry([u32::MAX; 2], [u32::MAX; 2]), [0x1CB9_96FC, 0xBB00_2BE7]);
    assert_eq!(threefry([0x1319_8A2E, 0x0370_7344], [0x243F_6A88, 0x85A3_08D3]), [0xC492_3A9C, 0x483D_F7A0]);
}

#[test]
fn as_many_units_are_left_out_as_asked_for() {
    for rate in [0.1_f32, 0.5, 0.9] {
        let dropout = Dropout { rate, seed: 3, first_row: 0 };
        let mut left_out = 0;
        for step in 0..40 {
            let words = dropout.words(step, 1);
            for row in 0..50 {
                let below = |pair| {
                    words.pair(row, pair).into_iter().filter(|&word| word < dropout.threshold()).count()
                };
                left_out += (0..25).map(below).sum::<usize>();
            }
        }
        // 100,000 trials: five standard deviations.
        let (n, p) = (100_000.0, f64::from(rate));
        assert!((left_out as f64 - n * p).abs() < 5.0 * (n * p * (1.0 - p)).sqrt(), "{rate}: {left_out}");
    }
    assert_eq!(Dropout { rate: 0.5, seed: 0, first_row: 0 }.threshold(), 1 << 31);
    assert!(!Dropout::default().is_on());
}
