//! Gradient descent in its plain form, which the update products have fused in.

/// How a gradient g becomes a step, as PyTorch's `SGD` defines it; see
/// [`reference::optimizer`](crate::reference::optimizer).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f32,
    /// Momentum; 0 is plain gradient descent.
    pub momentum: f32,
    /// L2 penalty on weights and biases.
    pub weight_decay: f32,
}
