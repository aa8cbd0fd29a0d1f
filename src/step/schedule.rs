//! The learning rate of every step, as PyTorch's `torch.optim.lr_scheduler` defines it when it is advanced once per step.
//!
//! With t the step, counted from 0, T all steps of the run, W those of the warm-up and S the step's epoch:
//!
//! ```text
//! warm-up    lr · (t + 1) / W                                             for t < W; then one of
//! constant   lr
//! step       lr · gamma^⌊S / k⌋                                           from the run's beginning; times the warm-up
//! cosine     min + (lr - min) · (1 + cos(π (t - W) / (T - W))) / 2
//! one-cycle  from lr/25 up to lr in the first 30 % of all steps, then down to lr/25/10⁴, both along half a cosine
//! ```
//!
//! They are `LinearLR(start_factor=1/W, total_iters=W-1)`, and `StepLR`, `CosineAnnealingLR(T - W, min)` and
//! `OneCycleLR` with its defaults. So one-cycle moves the momentum too (Adam's β₁): from 0.95 down to 0.85 where the
//! rate is highest, and back. Source: Loshchilov, Hutter, *SGDR* (2017), equation 5, for the cosine; Smith, Topin,
//! *Super-Convergence* (2018), for one-cycle.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Which curve the learning rate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    /// Always the same.
    #[default]
    Constant,
    /// Multiplied by a factor every few epochs.
    Step,
    /// Down along half a cosine.
    Cosine,
    /// Up, and then down further than it came from.
    OneCycle,
}

impl Curve {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Constant, Self::Step, Self::Cosine, Self::OneCycle];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step => "step",
            Self::Cosine => "cosine",
            Self::OneCycle => "one-cycle",
        }
    }
}

/// What a step is taken with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Learning rate.
    pub lr: f64,
    /// Momentum, or Adam's β₁, if the schedule moves it.
    pub momentum: Option<f64>,
}

/// A learning rate over the steps of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Which curve.
    pub curve: Curve,
    /// The highest rate.
    pub lr: f64,
    /// Steps of the warm-up; one-cycle has its own and ignores them.
    pub warmup: u64,
    /// Steps of the whole run, 1 or more.
    pub total: u64,
    /// Of [`Curve::Step`]: the steps after which the rate falls, 1 or more.
    pub every: u64,
    /// Of [`Curve::Step`]: the factor.
    pub gamma: f64,
    /// Of [`Curve::Cosine`]: the rate that it ends at.
    pub min: f64,
}

impl Schedule {
    /// The same rate in every step.
    pub fn constant(lr: f64) -> Self {
        Self { curve: Curve::Constant, lr, warmup: 0, total: 1, every: 1, gamma: 1.0, min: 0.0 }
    }

    /// Whether all steps have the same rate.
    pub fn is_constant(&self) -> bool {
        self.curve == Curve::Constant && self.warmup == 0
    }

    /// Whether the momentum moves, too.
    pub fn moves_momentum(&self) -> bool {
        self.curve == Curve::OneCycle
    }

    /// The rate of a step, counted from 0. Beyond the end of the run it stays at what the last step had.
    pub fn rate(&self, step: u64) -> Rate {
        let rising = ((step + 1) as f64 / self.warmup.max(1) as f64).min(1.0);
        let lr = match self.curve {
            Curve::Constant => self.lr * rising,
            Curve::Step => self.lr * rising * self.gamma.powf((step / self.every) as f64),
            Curve::Cosine if step < self.warmup => self.lr * rising,
            Curve::Cosine => {
                let (done, all) = (step - self.warmup, self.total.saturating_sub(self.warmup).max(1));
                between(self.lr, self.min, done as f64 / all as f64)
            }
            Curve::OneCycle => return self.one_cycle(step),
        };
        Rate { lr, momentum: None }
    }

    fn one_cycle(&self, step: u64) -> Rate {
        const RISING: f64 = 0.3;
        const START: f64 = 25.0;
        const END: f64 = 1e4;
        const MOMENTUM: [f64; 2] = [0.85, 0.95];
        let start = self.lr / START;
        let (peak, last) = (RISING * self.total as f64 - 1.0, self.total as f64 - 1.0);
        let at = (step as f64).min(last);
        // A run too short to rise begins at its peak, or behind it.
        if at <= peak && peak > 0.0 {
            let part = at / peak;
            let momentum = Some(between(MOMENTUM[1], MOMENTUM[0], part));
            return Rate { lr: between(start, self.lr, part), momentum };
        }
        let part = (at - peak) / (last - peak);
        let momentum = Some(between(MOMENTUM[0], MOMENTUM[1], part));
        Rate { lr: between(self.lr, start / END, part), momentum }
    }
}

/// From one value (part 0) to another (part 1 and beyond) along half a cosine.
fn between(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * part.clamp(0.0, 1.0)).cos()) / 2.0
}
