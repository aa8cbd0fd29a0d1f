//! The list of losses, and the targets of each. Each formula stands beside its
//! twin.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The distance between a network's outputs and the targets of its samples: the mean over samples. In files and options it
/// is a word, its [`name`](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Loss {
    /// `log Σ_k exp z_k - z_y` for the class y of a sample, in nats: PyTorch's `CrossEntropyLoss`.
    #[default]
    SoftmaxCrossEntropy,
    /// `-(t log σ(z) + (1 - t) log(1 - σ(z)))` with `σ(z) = 1 / (1 + exp(-z))`, the mean over outputs: PyTorch's
    /// `BCEWithLogitsLoss`.
    SigmoidCrossEntropy,
    /// `(z - t)²`, the mean over outputs: PyTorch's `MSELoss`.
    SquaredError,
    /// `(z - t)² / 2` up to a distance of δ, beyond it `δ (|z - t| - δ/2)`, the mean over outputs: PyTorch's `HuberLoss`.
    /// Outliers pull with the same force however far they lie. The word `huber` has a δ of 1, `huber:0.5` another.
    Huber {
        /// Greater than 0.
        delta: f32,
    },
}

/// What a network is asked for; each loss belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One class for each sample.
    #[default]
    Classification,
    /// Any number of labels for each sample: yes or no for each output.
    MultiLabel,
    /// Numbers.
    Regression,
}

impl Loss {
    /// Every one, as it is listed for people.
    pub const ALL: [Self; 4] = [
        Self::SoftmaxCrossEntropy,
        Self::SigmoidCrossEntropy,
        Self::SquaredError,
        Self::Huber { delta: 1.0 },
    ];

    /// Its name in options and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::SoftmaxCrossEntropy => "softmax-cross-entropy",
            Self::SigmoidCrossEntropy => "sigmoid-cross-entropy",
            Self::SquaredError => "squared-error",
            Self::Huber { .. } => "huber",
        }
    }

    /// What it is the loss of.
    pub fn task(self) -> Task {
        match self {
            Self::SoftmaxCrossEntropy => Task::Classification,
            Self::SigmoidCrossEntropy => Task::MultiLabel,
            Self::SquaredError | Self::Huber { .. } => Task::Regression,
        }
    }
}

impl Task {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Classification, Self::MultiLabel, Self::Regression];

    /// Its name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::MultiLabel => "multilabel",
            Self::Regression => "regression",
        }
    }

    /// The loss that it is trained with unless another is asked for.
    pub fn loss(self) -> Loss {
        match self {
            Self::Classification => Loss::SoftmaxCrossEntropy,
            Self::MultiLabel => Loss::SigmoidCrossEntropy,
            Self::Regression => Loss::SquaredError,
        }
    }
}

impl FromStr for Loss {
    type Err = UnknownLoss;

    fn from_str(name: &str) -> Result<Self, UnknownLoss> {
        if let Some(delta) = name.strip_prefix("huber:") {
            let delta = delta.parse().ok().filter(|delta: &f32| *delta > 0.0 && delta.is_finite());
            return delta.map(|delta| Self::Huber { delta }).ok_or(UnknownLoss);
        }
        Self::ALL.into_iter().find(|loss| loss.name() == name).ok_or(UnknownLoss)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Huber { delta } if *delta != 1.0 => write!(f, "{}:{delta}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

impl From<Loss> for String {
    fn from(loss: Loss) -> Self {
        loss.to_string()
    }
}

impl TryFrom<String> for Loss {
    type Error = UnknownLoss;

    fn try_from(name: String) -> Result<Self, UnknownLoss> {
        name.parse()
    }
}

/// The name is not in [`Loss::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a loss: {}", Loss::ALL.map(Loss::name).join(", "))]
pub struct UnknownLoss;
