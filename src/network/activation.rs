//! What may follow a hidden layer: the list, and the names in files and options. Each formula stands beside its twin.

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
}

impl Activation {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [Self::Relu, Self::Sigmoid, Self::Tanh, Self::Gelu];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
        }
    }
}

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Self, UnknownActivation> {
        Self::ALL.into_iter().find(|activation| activation.name() == name).ok_or(UnknownActivation)
    }
}

/// The name is none of [`Activation::ALL`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownActivation;
