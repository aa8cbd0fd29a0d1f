//! The activations of all hidden layers.

use std::fmt;
use std::str::FromStr;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Activation, UnknownActivation};

/// What follows the hidden layers: one activation for all, or one for each. In files a name, or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Activations {
    /// The same everywhere.
    Same(Activation),
    /// One for each hidden layer.
    Each(Vec<Activation>),
}

impl Activations {
    /// What follows hidden layer `layer`, counted from 0. Beyond the last of a list it is the last.
    pub fn of(&self, layer: usize) -> Activation {
        match self {
            Self::Same(activation) => *activation,
            Self::Each(all) => all.get(layer).or(all.last()).copied().unwrap_or_default(),
        }
    }

    /// The one activation of all hidden layers, if they have the same.
    pub fn only(&self) -> Option<Activation> {
        match self {
            Self::Same(activation) => Some(*activation),
            Self::Each(all) => {
                let first = self.of(0);
                all.iter().all(|&activation| activation == first).then_some(first)
            }
        }
    }

    /// Whether a network of so many hidden layers can have them.
    pub fn fit(&self, hidden: usize) -> bool {
        match self {
            Self::Same(_) => true,
            Self::Each(all) => all.len() == hidden,
        }
    }
}

/// Reads a name or a list. (`untagged` would not say which name is unknown.)
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Activations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an activation, or a list with one for each hidden layer")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Activations, E> {
        Activation::deserialize(name.into_deserializer()).map(Activations::Same)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Activations, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(names)).map(Activations::Each)
    }
}

impl<'de> Deserialize<'de> for Activations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

impl Default for Activations {
    fn default() -> Self {
        Self::Same(Activation::default())
    }
}

impl From<Activation> for Activations {
    fn from(activation: Activation) -> Self {
        Self::Same(activation)
    }
}

impl From<&Activations> for Activations {
    fn from(activations: &Activations) -> Self {
        activations.clone()
    }
}

impl PartialEq<Activation> for Activations {
    fn eq(&self, activation: &Activation) -> bool {
        self.only() == Some(*activation)
    }
}

impl fmt::Display for Activations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(activation) => f.write_str(activation.name()),
            Self::Each(all) => {
                let names: Vec<&str> = all.iter().map(|activation| activation.name()).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl FromStr for Activations {
    type Err = UnknownActivation;

    /// A name, or names with commas between them.
    fn from_str(names: &str) -> Result<Self, UnknownActivation> {
        let all: Vec<Activation> =
            names.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>()?;
        Ok(match all[..] {
            [only] => Self::Same(only),
            _ => Self::Each(all),
        })
    }
}
