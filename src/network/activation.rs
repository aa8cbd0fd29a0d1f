//! The list of activations, and their names in files and options. Each formula is beside its twin.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What follows a hidden layer's affine map, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `max(z, 0)`, with derivative 0 at 0.
    #[default]
    Relu,
    /// `1 / (1 + exp(-z))`
    Sigmoid,
    /// `tanh(z)`
    Tanh,
    /// `z · Φ(z)` with the normal distribution's `Φ(z) = (1 + erf(z / √2)) / 2` (Hendrycks, Gimpel, *Gaussian Error
    /// Linear Units*, 2016), in its exact form
    Gelu,
    /// `z` where z > 0, else `0.01 z`; the derivative at 0 is 0.01
    #[serde(rename = "leaky-relu")]
    LeakyRelu,
    /// `z` where z > 0, else `exp(z) - 1`
    Elu,
    /// `z / (1 + exp(-z))`
    Silu,
    /// `log(1 + exp(z))`; beyond 20 it is z
    Softplus,
    /// `z`
    Identity,
}

impl Activation {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 9] = [
        Self::Relu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Gelu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Silu,
        Self::Softplus,
        Self::Identity,
    ];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::LeakyRelu => "leaky-relu",
            Self::Elu => "elu",
            Self::Silu => "silu",
            Self::Softplus => "softplus",
            Self::Identity => "identity",
        }
    }

    /// Whether it is bent at 0, so that it has no derivative there.
    pub fn has_kink(self) -> bool {
        matches!(self, Self::Relu | Self::LeakyRelu)
    }
}

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Self, UnknownActivation> {
        Self::ALL.into_iter().find(|activation| activation.name() == name).ok_or(UnknownActivation)
    }
}

/// The name is not in [`Activation::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownActivation;
