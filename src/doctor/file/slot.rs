//! The names of the tensors a file may hold, in the order in which they are computed.

use serde::{Serialize, Serializer};
use std::fmt;

/// A parameter; layers are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Param {
    /// The weights of a layer.
    W(usize),
    /// The biases of a layer.
    B(usize),
}

impl Param {
    /// The layer it belongs to.
    pub fn layer(self) -> usize {
        match self {
            Self::W(l) | Self::B(l) => l,
        }
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::W(l) => write!(f, "W{l}"),
            Self::B(l) => write!(f, "b{l}"),
        }
    }
}

/// A tensor that somebody's code computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A parameter before the step.
    Param(Param),
    /// Before the activation.
    Z(usize),
    /// After the activation of a hidden layer.
    A(usize),
    /// Dropout's mask of a hidden layer.
    Mask(usize),
    /// The class probabilities.
    P,
    /// The loss.
    Loss,
    /// The share of hits.
    Accuracy,
    /// The gradient of a z.
    Dz(usize),
    /// The gradient of a parameter.
    Grad(Param),
    /// The gradient of the batch before.
    GradPrev(Param),
    /// The gradient of a hidden layer's a.
    Da(usize),
    /// The velocity after the step (momentum).
    V(Param),
    /// The velocity before the step.
    VPrev(Param),
    /// The first moment after the step (Adam).
    M(Param),
    /// The first moment before the step.
    MPrev(Param),
    /// The second moment after the step.
    S(Param),
    /// The second moment before the step.
    SPrev(Param),
    /// A parameter after the step.
    New(Param),
}

impl Slot {
    /// The layer the tensor belongs to; nothing for those of the whole network.
    pub fn layer(self) -> Option<usize> {
        match self {
            Self::P | Self::Loss | Self::Accuracy => None,
            Self::Z(l) | Self::A(l) | Self::Mask(l) | Self::Dz(l) | Self::Da(l) => Some(l),
            _ => self.param().map(Param::layer),
        }
    }

    /// The same of the layer below, if it belongs to samples.
    pub fn below(self) -> Self {
        match self {
            Self::Z(l) => Self::Z(l - 1),
            Self::A(l) => Self::A(l - 1),
            Self::Mask(l) => Self::Mask(l - 1),
            Self::Dz(l) => Self::Dz(l - 1),
            Self::Da(l) => Self::Da(l - 1),
            other => other,
        }
    }

    /// The same of the biases of the layer, if it is of its weights.
    pub fn of_biases(self) -> Self {
        let b = |param: Param| Param::B(param.layer());
        match self {
            Self::Param(p) => Self::Param(b(p)),
            Self::Grad(p) => Self::Grad(b(p)),
            Self::GradPrev(p) => Self::GradPrev(b(p)),
            Self::New(p) => Self::New(b(p)),
            Self::V(p) => Self::V(b(p)),
            Self::VPrev(p) => Self::VPrev(b(p)),
            Self::M(p) => Self::M(b(p)),
            Self::MPrev(p) => Self::MPrev(b(p)),
            Self::S(p) => Self::S(b(p)),
            Self::SPrev(p) => Self::SPrev(b(p)),
            other => other,
        }
    }

    /// The parameter whose shape the tensor has.
    pub fn param(self) -> Option<Param> {
        match self {
            Self::Param(p) | Self::Grad(p) | Self::GradPrev(p) | Self::New(p) => Some(p),
            Self::V(p) | Self::VPrev(p) | Self::M(p) | Self::MPrev(p) | Self::S(p) | Self::SPrev(p) => {
                Some(p)
            }
            _ => None,
        }
    }
}

/// By its name.
impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(p) => write!(f, "{p}"),
            Self::Z(l) => write!(f, "z{l}"),
            Self::A(l) => write!(f, "a{l}"),
            Self::Mask(l) => write!(f, "mask{l}"),
            Self::P => f.write_str("p"),
            Self::Loss => f.write_str("loss"),
            Self::Accuracy => f.write_str("accuracy"),
            Self::Dz(l) => write!(f, "dz{l}"),
            Self::Grad(p) => write!(f, "d{p}"),
            Self::GradPrev(p) => write!(f, "d{p}_prev"),
            Self::Da(l) => write!(f, "da{l}"),
            Self::V(p) => write!(f, "v{p}"),
            Self::VPrev(p) => write!(f, "v{p}_prev"),
            Self::M(p) => write!(f, "m{p}"),
            Self::MPrev(p) => write!(f, "m{p}_prev"),
            Self::S(p) => write!(f, "s{p}"),
            Self::SPrev(p) => write!(f, "s{p}_prev"),
            Self::New(p) => write!(f, "{p}_new"),
        }
    }
}
