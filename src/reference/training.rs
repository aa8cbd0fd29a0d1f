//! A training step with everything that can be asked for: dropout, label smoothing, clipping, any optimiser.
//!
//! ```text
//! a_l = f(z_l) ⊙ D_l               D_l = 1/(1 - p) where the unit stays, 0 where it is left out, with probability p
//! dz_l = da_l ⊙ D_l ⊙ f'(z_l)
//! ```
//!
//! Source: Srivastava and others, *Dropout* (2014), in the inverted form, so that evaluation needs no scaling.

use super::optimizer::{Optimizer, clip_norm};
use super::{Aim, Forward, Layer, Matrix, Mlp};
use crate::network::Loss;
use crate::step::dropout::Dropout;

/// How steps are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// What is made small.
    pub loss: Loss,
    /// From the gradient to the step.
    pub optimizer: Optimizer,
    /// The longest gradient.
    pub clip_norm: Option<f64>,
    /// How much of each target is spread over all classes.
    pub label_smoothing: f64,
    /// Of the hidden layers.
    pub dropout: Dropout,
}

/// What an optimiser remembers: both moments of every parameter, and the number of steps taken.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Steps taken.
    pub steps: u64,
    /// SGD's velocities in the first; Adam's means of gradients and of their squares.
    pub moments: [Vec<Layer>; 2],
}

impl Memory {
    /// Before the first step.
    pub fn new(mlp: &Mlp) -> Self {
        let zeros: Vec<Layer> = mlp.layers.iter().map(Layer::zeros_like).collect();
        Self { steps: 0, moments: [zeros.clone(), zeros] }
    }
}

/// `D_l` for what hidden layer `layer`, counted from 0, puts out in a step, counted from 0.
pub fn dropout_mask(dropout: &Dropout, step: u64, layer: usize, [rows, cols]: [usize; 2]) -> Matrix {
    let words = dropout.words(step as u32, layer as u32);
    let scale = 1.0 / (1.0 - f64::from(dropout.rate));
    Matrix::from_fn(rows, cols, |row, col| {
        let word = words.pair(row as u32, col as u32 / 2)[col % 2];
        if word < dropout.threshold() { 0.0 } else { scale }
    })
}

impl Training {
    /// Softmax and cross-entropy by this optimiser, and nothing else.
    pub fn plain(optimizer: Optimizer) -> Self {
        let (loss, dropout) = (Loss::SoftmaxCrossEntropy, Dropout::default());
        Self { loss, optimizer, clip_norm: None, label_smoothing: 0.0, dropout }
    }

    /// One step on a batch; returns the mean loss, smoothed as it is trained on, and the hits, both before the step.
    pub fn step<'a>(
        &self,
        mlp: &mut Mlp,
        memory: &mut Memory,
        lr: f64,
        x: &Matrix,
        aim: impl Into<Aim<'a>>,
    ) -> (f64, usize) {
        let aim = aim.into();
        let shapes = mlp.layers.iter().map(|layer| [x.rows(), layer.w.cols()]);
        let mask = |(l, shape)| dropout_mask(&self.dropout, memory.steps, l, shape);
        let masks: Vec<Matrix> = match self.dropout.is_on() {
            true => shapes.take(mlp.layers.len() - 1).enumerate().map(mask).collect(),
            false => Vec::new(),
        };
        let forward = mlp.forward_with(x, &masks);
        let losses = self.loss.of_rows(forward.logits(), aim, self.label_smoothing);
        let correct = self.loss.hits(forward.logits(), aim).into_iter().filter(|&hit| hit).count();
        let mut gradients = self.gradients(mlp, &forward, &masks, aim);
        if let Some(most) = self.clip_norm {
            clip_norm(&mut gradients, most);
        }
        memory.steps += 1;
        let [first, second] = &mut memory.moments;
        for ((layer, g), (m, v)) in mlp.layers.iter_mut().zip(&gradients).zip(first.iter_mut().zip(second)) {
            let (optimizer, t) = (&self.optimizer, memory.steps);
            let moments = [m.w.data_mut(), v.w.data_mut()];
            optimizer.step(t, lr, layer.w.data_mut(), moments, g.w.data());
            optimizer.step(t, lr, &mut layer.b, [&mut m.b, &mut v.b], &g.b);
        }
        (losses.iter().sum::<f64>() / x.rows() as f64, correct)
    }

    /// The gradients of the smoothed loss by all parameters.
    pub fn gradients<'a>(
        &self,
        mlp: &Mlp,
        forward: &Forward,
        masks: &[Matrix],
        aim: impl Into<Aim<'a>>,
    ) -> Vec<Layer> {
        let dz = self.loss.gradient(forward.logits(), aim, self.label_smoothing);
        mlp.backward_from(forward, dz, masks).layers
    }
}
