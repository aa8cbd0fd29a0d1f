//! What follows a hidden layer's affine map, with the number that people set in it.

use crate::network::Activation;
use crate::reference::Matrix;
use std::f64::consts::FRAC_2_PI;

/// How a GELU is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gelu {
    /// `z·Φ(z)`
    Exact,
    /// `½z(1 + tanh(√(2/π)(z + 0.044715z³)))`
    Tanh,
    /// `z·sigmoid(1.702z)`
    Sigmoid,
}

/// The factor of z³ in the tanh form.
const CUBE: f64 = 0.044_715;

/// The factor of z in the sigmoid form.
const STRETCH: f64 = 1.702;

/// An activation; a leaky ReLU or an ELU may have another slope or height below 0 than usual, a GELU another form.
///
/// Source of GELU's forms: Hendrycks and Gimpel, *Gaussian Error Linear Units* (2016).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bend {
    /// The activation.
    pub of: Activation,
    /// A leaky ReLU's slope below 0, or what an ELU is multiplied with there; nothing for the usual one.
    pub below: Option<f64>,
    /// The form, if it is a GELU.
    pub gelu: Gelu,
}

impl From<Activation> for Bend {
    fn from(of: Activation) -> Self {
        Self { of, below: None, gelu: Gelu::Exact }
    }
}

impl PartialEq<Activation> for Bend {
    fn eq(&self, other: &Activation) -> bool {
        self.is_usual() && self.of == *other
    }
}

impl Bend {
    /// The usual form of an activation, and its other ones that need no number.
    pub fn forms(of: Activation) -> Vec<Self> {
        let usual = Self::from(of);
        match of {
            Activation::Gelu => {
                [Gelu::Exact, Gelu::Tanh, Gelu::Sigmoid].map(|gelu| Self { gelu, ..usual }).to_vec()
            }
            _ => vec![usual],
        }
    }

    /// All activations in all such forms, the usual ones first.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Activation::ALL.into_iter().flat_map(Self::forms).collect();
        all.sort_by_key(|bend| !bend.is_usual());
        all
    }

    /// Whether it is the activation that training knows.
    pub fn is_usual(self) -> bool {
        self.below.is_none() && self.gelu == Gelu::Exact
    }

    /// `f(z)`
    pub fn apply(self, z: f64) -> f64 {
        match (self.below, self.gelu) {
            (Some(below), _) if z <= 0.0 => below * Self::shape(self.of, z),
            (_, Gelu::Tanh) => 0.5 * z * (1.0 + (FRAC_2_PI.sqrt() * (z + CUBE * z.powi(3))).tanh()),
            (_, Gelu::Sigmoid) => z * Activation::Sigmoid.apply(STRETCH * z),
            _ => self.of.apply(z),
        }
    }

    /// `f'(z)`
    pub fn derivative(self, z: f64) -> f64 {
        match (self.below, self.gelu) {
            (Some(below), _) if z <= 0.0 && self.of == Activation::Elu => below * z.exp(),
            (Some(below), _) if z <= 0.0 => below,
            (_, Gelu::Tanh) => {
                let t = (FRAC_2_PI.sqrt() * (z + CUBE * z.powi(3))).tanh();
                let slope = FRAC_2_PI.sqrt() * (1.0 + 3.0 * CUBE * z * z);
                0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * slope
            }
            (_, Gelu::Sigmoid) => {
                let s = Activation::Sigmoid.apply(STRETCH * z);
                s + STRETCH * z * s * (1.0 - s)
            }
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
            (None, of) => f.write_str(match self.gelu {
                Gelu::Exact => of.name(),
                Gelu::Tanh => "gelu in its tanh form",
                Gelu::Sigmoid => "gelu in its sigmoid form",
            }),
            (Some(below), Activation::Elu) => write!(f, "elu with {below:.6}·(exp(z) - 1) below 0"),
            (Some(below), of) => write!(f, "{} with slope {below:.6}", of.name()),
        }
    }
}
