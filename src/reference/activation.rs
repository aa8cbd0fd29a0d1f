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
            Self::LeakyRelu if z > 0.0 => z,
            Self::LeakyRelu => 0.01 * z,
            Self::Elu if z > 0.0 => z,
            Self::Elu => z.exp_m1(),
            Self::Silu => z * Self::Sigmoid.apply(z),
            Self::Softplus if z > 20.0 => z,
            Self::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p() + 0.0 * z, // NaN stays NaN
            Self::Identity => z,
        }
    }

    /// `f'(z)`
    pub fn derivative(self, z: f64) -> f64 {
        match self {
            Self::Relu => f64::from(z > 0.0),
            Self::Sigmoid => self.apply(z) * (1.0 - self.apply(z)),
            Self::Tanh => 1.0 - z.tanh().powi(2),
            Self::Gelu => phi(z) + z * (-z * z / 2.0).exp() / (2.0 * PI).sqrt(),
            Self::LeakyRelu => {
                if z > 0.0 {
                    1.0
                } else {
                    0.01
                }
            }
            Self::Elu => {
                if z > 0.0 {
                    1.0
                } else {
                    z.exp()
                }
            }
            Self::Silu => {
                let s = Self::Sigmoid.apply(z);
                s * (1.0 + z * (1.0 - s))
            }
            Self::Softplus if z > 20.0 => 1.0,
            Self::Softplus => Self::Sigmoid.apply(z),
            Self::Identity => 1.0,
        }
    }
}

/// The normal distribution: `Φ(z) = (1 + erf(z / √2)) / 2`.
fn phi(z: f64) -> f64 {
    libm::erfc(-z * FRAC_1_SQRT_2) / 2.0
}
