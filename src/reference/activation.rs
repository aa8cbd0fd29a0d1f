//! Activations and their derivatives.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::network::Activation;

impl Activation {
    /// `f(z)`
    pub fn apply(self, z: f64) -> f64 {
        match self {
            Self::Relu if z < 0.0 => 0.0,
            Self::Relu => z, // NaN stays NaN
            Self::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Self::Tanh => z.tanh(),
            Self::Gelu => z * phi(z),
        }
    }

    /// `f'(z)`
    pub fn derivative(self, z: f64) -> f64 {
        match self {
            Self::Relu => f64::from(z > 0.0),
            Self::Sigmoid => self.apply(z) * (1.0 - self.apply(z)),
            Self::Tanh => 1.0 - z.tanh().powi(2),
            Self::Gelu => phi(z) + z * (-z * z / 2.0).exp() / (2.0 * PI).sqrt(),
        }
    }
}

/// The normal distribution: `Φ(z) = (1 + erf(z / √2)) / 2`.
fn phi(z: f64) -> f64 {
    libm::erfc(-z * FRAC_1_SQRT_2) / 2.0
}
