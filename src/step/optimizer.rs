//! Optimisers: which rule, and the numbers that a step needs. The rules themselves are written in
//! [`reference::optimizer`](crate::reference::optimizer), in the CPU engine's lines and in `optimizer.wgsl`.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use super::schedule::Rate;

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Stochastic gradient descent.
    #[default]
    Sgd,
    /// Adam, with weight decay as an L2 penalty: part of the gradient.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
}

impl Algorithm {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 3] = [Self::Sgd, Self::Adam, Self::AdamW];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Adam => "adam",
            Self::AdamW => "adamw",
        }
    }

    /// The learning rate to begin with: PyTorch's default for Adam and AdamW.
    pub fn default_lr(self) -> f32 {
        match self {
            Self::Sgd => 0.1,
            Self::Adam | Self::AdamW => 0.001,
        }
    }

    /// As PyTorch's defaults.
    pub fn default_weight_decay(self) -> f32 {
        match self {
            Self::Sgd | Self::Adam => 0.0,
            Self::AdamW => 0.01,
        }
    }
}

/// A rule with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Optimizer {
    /// Which rule.
    pub algorithm: Algorithm,
    /// Momentum of gradient descent; 0 means none.
    pub momentum: f32,
    /// Whether gradient descent looks ahead along its momentum.
    pub nesterov: bool,
    /// L2 penalty, or AdamW's decay, of weights and biases.
    pub weight_decay: f32,
}

/// Adam's β₁, β₂ and ε, as in its paper and PyTorch's defaults.
pub const BETAS: [f64; 2] = [0.9, 0.999];
/// See [`BETAS`].
pub const EPSILON: f64 = 1e-8;

/// What is added to the gradient's norm before the longest one allowed is divided by it, as PyTorch does.
pub const CLIP_EPSILON: f64 = 1e-6;

impl Optimizer {
    /// The numbers of a step, counted from 0.
    pub fn step(&self, number: u64, rate: Rate) -> Step {
        let (lr, weight_decay) = (rate.lr, f64::from(self.weight_decay));
        let number_u32 = number as u32;
        if self.algorithm == Algorithm::Sgd {
            let momentum = rate.momentum.unwrap_or(f64::from(self.momentum));
            return Step {
                rule: if self.nesterov { Step::NESTEROV } else { 0 },
                number: number_u32,
                lr: lr as f32,
                beta1: momentum as f32,
                weight_decay: self.weight_decay,
                keep: 1.0,
                ..Step::zeroed()
            };
        }
        let [beta1, beta2] = [rate.momentum.unwrap_or(BETAS[0]), BETAS[1]];
        let count = (number + 1) as f64;
        let correction = |beta: f64| 1.0 - beta.powf(count);
        let decoupled = self.algorithm == Algorithm::AdamW;
        Step {
            rule: Step::ADAM,
            number: number_u32,
            lr: (lr / correction(beta1)) as f32,
            beta1: beta1 as f32,
            rest1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            rest2: (1.0 - beta2) as f32,
            scale: (1.0 / correction(beta2).sqrt()) as f32,
            epsilon: EPSILON as f32,
            weight_decay: if decoupled { 0.0 } else { self.weight_decay },
            keep: if decoupled { (1.0 - lr * weight_decay) as f32 } else { 1.0 },
            unused: 0,
        }
    }
}

/// The numbers of one step, as the kernels take them.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Step {
    /// 0 gradient descent, 1 the same with Nesterov's momentum, 2 Adam.
    pub rule: u32,
    /// Which step, counted from 0: dropout's masks depend on it.
    pub number: u32,
    /// Learning rate; Adam's is divided by 1 - β₁ᵗ.
    pub lr: f32,
    /// Momentum, or Adam's β₁.
    pub beta1: f32,
    /// 1 - β₁
    pub rest1: f32,
    /// Adam's β₂.
    pub beta2: f32,
    /// 1 - β₂
    pub rest2: f32,
    /// 1 / √(1 - β₂ᵗ)
    pub scale: f32,
    /// Adam's ε.
    pub epsilon: f32,
    /// What is added to the gradient, times the parameter.
    pub weight_decay: f32,
    /// What the parameter is multiplied by first.
    pub keep: f32,
    /// Padding to WGSL's size.
    pub unused: u32,
}

impl Step {
    /// The rule of gradient descent with Nesterov's momentum.
    pub const NESTEROV: u32 = 1;
    /// The rule of Adam and AdamW.
    pub const ADAM: u32 = 2;
}
