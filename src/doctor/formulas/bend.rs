//! What follows a hidden layer's affine map, with the number that people set in it.

use crate::network::Activation;
use crate::reference::Matrix;

/// An activation; a leaky ReLU or an ELU may have another slope or height below 0 than usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bend {
    /// The activation.
    pub of: Activation,
    /// A leaky ReLU's slope below 0, or what an ELU is multiplied with there; nothing for the usual one.
    pub below: Option<f64>,
}

impl From<Activation> for Bend {
    fn from(of: Activation) -> Self {
        Self { of, below: None }
    }
}

impl PartialEq<Activation> for Bend {
    fn eq(&self, other: &Activation) -> bool {
        self.below.is_none() && self.of == *other
    }
}

impl Bend {
    /// `f(z)`
    pub fn apply(self, z: f64) -> f64 {
        match self.below {
            Some(below) if z <= 0.0 => below * Self::shape(self.of, z),
            _ => self.of.apply(z),
        }
    }

    /// `f'(z)`
    pub fn derivative(self, z: f64) -> f64 {
        match self.below {
            Some(below) if z <= 0.0 && self.of == Activation::Elu => below * z.exp(),
            Some(below) if z <= 0.0 => below,
            _ => self.of.derivative(z),
        }
    }

    /// What a leaky ReLU or an ELU is a multiple of below 0.
    fn shape(of: Activation, z: f64) -> f64 {
        if of == Activation::Elu { z.exp_m1() } else { z }
    }

    /// The two parts of such an activation, of all z: above 0, and below it but for the number.
    pub fn parts(of: Activation, z: &Matrix) -> (Matrix, Matrix) {
        (z.map(|z| z.max(0.0)), z.map(|z| if z > 0.0 { 0.0 } else { Self::shape(of, z) }))
    }

    /// The same of its derivative.
    pub fn slopes(of: Activation, z: &Matrix) -> (Matrix, Matrix) {
        let below = |z: f64| if of == Activation::Elu { z.exp() } else { 1.0 };
        (z.map(|z| f64::from(z > 0.0)), z.map(|z| if z > 0.0 { 0.0 } else { below(z) }))
    }
}

/// In words.
impl std::fmt::Display for Bend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.below, self.of) {
            (None, of) => f.write_str(of.name()),
            (Some(below), Activation::Elu) => write!(f, "elu with {below:.6}·(exp(z) - 1) below 0"),
            (Some(below), of) => write!(f, "{} with slope {below:.6}", of.name()),
        }
    }
}
