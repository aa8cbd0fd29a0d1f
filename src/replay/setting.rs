//! The setting that a bug needs to show: a bug of momentum is shown in a training with momentum.

use super::injection::Injection;
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::design::{Design, Head, Measure};
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::steps::Numbers;
use crate::network::Activation;
use std::collections::BTreeMap;

/// What training needs beyond plain gradient descent for its bugs to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Of dropout's masks.
    pub seed: u64,
    /// What the network ends in and is measured by.
    pub design: Design,
    /// How gradients become steps.
    pub rule: Rule,
    /// Whether hidden units are dropped, one in two.
    pub dropout: bool,
    /// Whether weights are penalised, with λ = 0.001.
    pub l2: bool,
}

/// Bugs of sigmoids with binary cross-entropy.
const OF_BINARY: &[Bug] = &[Bug::OutputDerivativeExtra, Bug::BinaryCrossEntropySign];

/// Bugs of sigmoids with squared error.
const OF_SQUARED: &[Bug] = &[
    Bug::OutputDerivativeMissing,
    Bug::OutputDerivativeTwice,
    Bug::OutputDerivativeOnPreactivation,
    Bug::OutputDeltaSquared,
];

/// The distance from which a Huber loss is a line: targets are 0 and 1, so that both parts are met.
const BORDER: f64 = 0.25;

impl Setting {
    /// The plainest setting in which all of these bugs can show.
    pub fn of(bugs: &[Injection], seed: u64) -> Self {
        let any = |these: &[Bug]| bugs.iter().any(|injection| these.contains(&injection.bug()));
        let rule = match (any(&[Bug::AdamBiasCorrection, Bug::AdamFormula]), any(&[Bug::MomentumFormula])) {
            (true, _) => Rule::Adam,
            (false, true) => Rule::Momentum,
            (false, false) => Rule::Plain,
        };
        let sigmoid = |measure| Design { head: Head::Of(Activation::Sigmoid), measure, factor: 1.0 };
        let huber =
            Design { head: Head::Of(Activation::Identity), measure: Measure::Huber(BORDER), factor: 1.0 };
        let design = match (any(OF_BINARY), any(OF_SQUARED), any(&[Bug::ErrorNotClipped])) {
            (true, ..) => sigmoid(Measure::Binary),
            (_, true, _) => sigmoid(Measure::Squared),
            (_, _, true) => huber,
            _ => Design::default(),
        };
        let dropout = any(&[Bug::DropoutScale, Bug::DropoutMaskMissing]);
        let l2 = any(&[Bug::L2Factor, Bug::L2OnBias, Bug::LossL2Mismatch, Bug::DecayWithoutLr]);
        Self { seed, design, rule, dropout, l2 }
    }

    /// In a few words, for people; empty for plain gradient descent.
    pub fn words(&self) -> Vec<&'static str> {
        let rule = match self.rule {
            Rule::Plain => None,
            Rule::Momentum => Some("momentum 0.9"),
            Rule::Adam => Some("Adam"),
        };
        let outputs = match self.design.measure {
            Measure::Squared => Some("sigmoid outputs, squared error"),
            Measure::Binary => Some("sigmoid outputs, binary cross-entropy"),
            Measure::Huber(_) => Some("linear outputs, Huber loss with δ = 0.25"),
            Measure::CrossEntropy | Measure::Absolute => None,
        };
        let others = [(self.dropout, "dropout 0.5"), (self.l2, "L2 penalty 0.001")];
        rule.into_iter()
            .chain(outputs)
            .chain(others.into_iter().filter(|(on, _)| *on).map(|(_, word)| word))
            .collect()
    }

    /// The usual learning rate.
    pub fn lr(&self) -> f64 {
        match self.rule {
            Rule::Plain => 0.1,
            Rule::Momentum => 0.01,
            Rule::Adam => 0.001,
        }
    }

    /// lr, momentum, …
    pub(super) fn numbers(&self, lr: Option<f64>) -> Numbers {
        let mut numbers = BTreeMap::from([("lr", lr.unwrap_or(self.lr()))]);
        match self.rule {
            Rule::Plain => {}
            Rule::Momentum => _ = numbers.insert("momentum", 0.9),
            Rule::Adam => {
                numbers.extend([("adam_b1", 0.9), ("adam_b2", 0.999), ("adam_eps", 1e-8), ("adam_t", 1.0)])
            }
        }
        if self.dropout {
            numbers.insert("drop_p", 0.5);
        }
        if self.l2 {
            numbers.insert("l2", 0.001);
        }
        numbers
    }
}
