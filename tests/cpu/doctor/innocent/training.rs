//! What training does with samples and gradients: dropout, weights, clipping, optimisers.

use super::style::{Biases, Clip, Dropout, Rule, Style, Weights};
use gpu_mlp::reference::Matrix;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Entry by entry of two matrices.
pub fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| f(a.at(r, c), b.at(r, c)))
}

/// Dropout's mask of a layer, with its scale.
pub fn mask(rng: &mut ChaCha8Rng, style: &Style, rows: usize, cols: usize) -> Matrix {
    let scale = match style.dropout {
        Dropout::None => return Matrix::from_fn(rows, cols, |_, _| 1.0),
        Dropout::Unscaled => 1.0,
        _ => 1.0 / 0.7,
    };
    Matrix::from_fn(rows, cols, |_, _| if rng.random_bool(0.7) { scale } else { 0.0 })
}

/// What each sample counts.
pub fn weights(rng: &mut ChaCha8Rng, style: &Style, y: &Matrix) -> Vec<f64> {
    let class = |r: usize| {
        (0..y.cols()).find(|&c| y.at(r, c) == y.row(r).iter().fold(f64::MIN, |a, &b| a.max(b))).unwrap()
    };
    let class = |r: usize| if y.cols() == 1 { usize::from(y.at(r, 0) > 0.5) } else { class(r) };
    let of_classes: Vec<f64> = (0..y.cols().max(2)).map(|_| rng.random_range(0.5..2.0)).collect();
    let weight = |r: usize| match style.weights {
        Weights::Equal => 1.0,
        Weights::Class => of_classes[class(r)],
        Weights::Sample => rng.random_range(0.5..2.0),
    };
    (0..style.n).map(weight).collect()
}

/// Gradients clipped as the style does.
pub fn clip(style: &Style, gradients: &mut [[Matrix; 2]]) {
    let one = |b: &Matrix| Matrix::from_fn(1, 1, |_, _| b.at(0, 0));
    let used = |g: &[Matrix; 2]| match style.biases {
        Biases::Absent => vec![g[0].clone()],
        Biases::OneForAll => vec![g[0].clone(), one(&g[1])],
        _ => g.to_vec(),
    };
    let all: Vec<f64> = gradients.iter().flat_map(used).flat_map(Matrix::into_data).collect();
    // Where nothing is learnt, nothing is clipped.
    if all.iter().all(|&v| v == 0.0) {
        return;
    }
    let short = |value: f64| format!("{value:.1e}").parse::<f64>().unwrap();
    let f: Box<dyn Fn(f64) -> f64> = match style.clip {
        Clip::None => return,
        Clip::Norm => {
            let norm = all.iter().map(|v| v * v).sum::<f64>().sqrt();
            let scale = short(norm / 2.0) / norm;
            Box::new(move |v| v * scale)
        }
        Clip::Value => {
            let most = short(all.iter().fold(0.0_f64, |most, v| most.max(v.abs())) / 3.0);
            Box::new(move |v| v.clamp(-most, most))
        }
    };
    gradients.iter_mut().flatten().for_each(|g| *g = g.map(&f));
}

/// How one parameter moves.
pub struct Step<'a> {
    pub style: &'a Style,
    pub rate: f64,
    pub rng: &'a mut ChaCha8Rng,
}

/// What an optimiser remembers, by the beginning and the end of its name.
pub type Memory = Vec<(&'static str, Matrix)>;

impl Step<'_> {
    /// The parameter after the step, and the memory before and after it.
    pub fn taken(&mut self, w: &Matrix, g: &Matrix) -> (Matrix, Memory) {
        let (rate, mu) = (self.rate, 0.9);
        let mut noise = |spread: f64| {
            let mut one = || self.rng.random_range(0.1..1.0) * spread;
            Matrix::from_fn(w.rows(), w.cols(), |_, _| one())
        };
        let mix = |a: f64, x: &Matrix, b: f64, y: &Matrix| zip(x, y, |x, y| a * x + b * y);
        let squares = zip(g, g, |a, b| a * b);
        match self.style.rule {
            Rule::Plain => (mix(1.0, w, -rate, g), Vec::new()),
            Rule::Momentum | Rule::Nesterov => {
                let before = noise(0.1);
                let v = mix(mu, &before, 1.0, g);
                let along = if self.style.rule == Rule::Nesterov { mix(mu, &v, 1.0, g) } else { v.clone() };
                (mix(1.0, w, -rate, &along), vec![("v", v), ("v_prev", before)])
            }
            Rule::RmsProp | Rule::Adagrad => {
                let before = noise(0.01);
                let s = if self.style.rule == Rule::Adagrad {
                    mix(1.0, &before, 1.0, &squares)
                } else {
                    mix(mu, &before, 1.0 - mu, &squares)
                };
                let along = zip(g, &s, |g, s| g / (s.sqrt() + 1e-8));
                (mix(1.0, w, -rate, &along), vec![("s", s), ("s_prev", before)])
            }
            Rule::Adam | Rule::AdamW => {
                let (m_before, s_before) = (noise(0.1), noise(0.01));
                let m = mix(0.9, &m_before, 0.1, g);
                let s = mix(0.999, &s_before, 0.001, &squares);
                let (c1, c2) = (1.0 - 0.9_f64.powi(3), 1.0 - 0.999_f64.powi(3));
                let along = zip(&m, &s, |m, s| (m / c1) / ((s / c2).sqrt() + 1e-8));
                let decay = if self.style.rule == Rule::AdamW { rate * 0.01 } else { 0.0 };
                let new = mix(1.0 - decay, w, -rate, &along);
                (new, vec![("m", m), ("m_prev", m_before), ("s", s), ("s_prev", s_before)])
            }
            Rule::Rprop => {
                let length = |rng: &mut ChaCha8Rng| {
                    0.1 * 1.2_f64.powi(rng.random_range(0..4)) * 0.5_f64.powi(rng.random_range(0..3))
                };
                let mut moved = |w: f64, g: f64| w - length(self.rng) * g.signum() * f64::from(g != 0.0);
                (zip_mut(w, g, &mut moved), Vec::new())
            }
        }
    }
}

fn zip_mut(a: &Matrix, b: &Matrix, f: &mut impl FnMut(f64, f64) -> f64) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| f(a.at(r, c), b.at(r, c)))
}
