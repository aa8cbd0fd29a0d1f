//! How a gradient becomes a step, and what is done to it before: optimisers and clipping, as PyTorch defines them.
//!
//! With g the gradient, d the weight decay, t the step counted from 1, and all moments 0 before the first:
//!
//! ```text
//! SGD        g' = g + d·w      v = μ·v + g'      w = w - lr·v
//! Nesterov                                       w = w - lr·(g' + μ·v)
//! Adam       g' = g + d·w      m = β₁·m + (1 - β₁)·g'      v = β₂·v + (1 - β₂)·g'²
//!            w = w - lr · m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε)
//! AdamW      w = w - lr·d·w first, then as Adam with d = 0
//! clipping   g = g · min(1, c / (‖g‖ + 10⁻⁶))     with the norm over all parameters
//! ```
//!
//! Source: Sutskever, Martens, Dahl, Hinton, *On the importance of initialization and momentum in deep learning* (2013);
//! Kingma, Ba, *Adam* (2015), algorithm 1; Loshchilov, Hutter, *Decoupled Weight Decay Regularization* (2019),
//! algorithm 2; Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks* (2013).

use super::Layer;

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Gradient descent.
    Sgd {
        /// 0 is none.
        momentum: f64,
        /// Whether the step looks ahead along the velocity.
        nesterov: bool,
    },
    /// Adam, or AdamW.
    Adam {
        /// Of the mean of gradients, and of the mean of their squares.
        betas: [f64; 2],
        /// Keeps the quotient finite.
        epsilon: f64,
        /// Whether weights decay by themselves (AdamW), not through the gradient.
        decoupled: bool,
    },
}

/// A rule and its weight decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimizer {
    /// Which rule.
    pub rule: Rule,
    /// On weights and biases.
    pub weight_decay: f64,
}

impl Optimizer {
    /// Gradient descent with momentum, 0 for none.
    pub fn sgd(momentum: f64, weight_decay: f64) -> Self {
        Self { rule: Rule::Sgd { momentum, nesterov: false }, weight_decay }
    }

    /// Step number t, from 1, of parameters w with moments m and v (SGD has its velocity in m) along gradient g.
    pub fn step(&self, t: u64, lr: f64, w: &mut [f64], [m, v]: [&mut [f64]; 2], g: &[f64]) {
        let decay = self.weight_decay;
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            match self.rule {
                Rule::Sgd { momentum, nesterov } => {
                    let g = g + decay * *w;
                    *m = momentum * *m + g;
                    *w -= lr * if nesterov { g + momentum * *m } else { *m };
                }
                Rule::Adam { betas: [beta1, beta2], epsilon, decoupled } => {
                    let g = if decoupled { *g } else { g + decay * *w };
                    if decoupled {
                        *w -= lr * decay * *w;
                    }
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    let corrected = |moment: f64, beta: f64| moment / (1.0 - beta.powi(t as i32));
                    *w -= lr * corrected(*m, beta1) / (corrected(*v, beta2).sqrt() + epsilon);
                }
            }
        }
    }
}

/// The length of the vector of all gradients.
pub fn norm(gradients: &[Layer]) -> f64 {
    let squares = |values: &[f64]| values.iter().map(|g| g * g).sum::<f64>();
    gradients.iter().map(|layer| squares(layer.w.data()) + squares(&layer.b)).sum::<f64>().sqrt()
}

/// Shortens the gradients to the norm `most`, if they are longer.
pub fn clip_norm(gradients: &mut [Layer], most: f64) {
    let factor = (most / (norm(gradients) + 1e-6)).min(1.0);
    for layer in gradients {
        layer.w.data_mut().iter_mut().chain(&mut layer.b).for_each(|g| *g *= factor);
    }
}
