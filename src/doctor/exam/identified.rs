//! Whether a bug's name is certain. A name stays only where what the file lacks, or what is not understood in it, cannot be the
//! reason for the same numbers:
//!
//! - what the tensor is computed from is in the file, or everything else in the file is explained;
//! - nothing that it is computed from is itself unexplained;
//! - no number was fitted that a habit explains as well: a clipped gradient, weights of after the step, a slope.
//!
//! Elsewhere the bug is only one of those that it may be, and the answer says what to find out, or to export, first.

use super::examination::{Exam, RATES};
use super::report::{Checked, Finding, Status};
use crate::doctor::file::dump::Dump;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::catalogue::Bug;

/// Bugs of an activation's derivative: they need an activation that shows.
const OF_DERIVATIVE: [Bug; 6] = [
    Bug::ActivationDerivativeMissing,
    Bug::ActivationDerivativeTwice,
    Bug::ActivationDerivativeOnPreactivation,
    Bug::ActivationDerivativeOfError,
    Bug::ActivationDerivativeOther,
    Bug::ReluMaskInverted,
];

/// Factors this close are one.
const SAME: f64 = 1e-3;

impl Exam<'_> {
    /// Takes the names from findings of which what the file lacks, or what is not understood in it, may be the reason.
    pub fn leave_unidentified(&mut self, dump: &Dump) {
        let shared = self.has_one_factor();
        // A name may stand on another that goes.
        loop {
            let doubts: Vec<Option<String>> = self
                .findings
                .iter()
                .map(|finding| {
                    let own = || self.doubt_of_factor(finding, shared);
                    self.doubt(finding, dump).or_else(own).or_else(|| self.unwitnessed(finding))
                })
                .collect();
            let none = doubts.iter().all(Option::is_none);
            for (finding, doubt) in self.findings.iter_mut().zip(doubts) {
                if let Some(doubt) = doubt {
                    finding.doubt(doubt);
                }
            }
            if none {
                return;
            }
        }
    }

    /// What must be found out before a finding has a name; nothing if it is certain.
    fn doubt(&self, finding: &Finding, dump: &Dump) -> Option<String> {
        let (bug, at) = (finding.bug?, finding.tensor);
        if matches!(at, Slot::New(_)) && !dump.slots.contains_key(&at) {
            return Some("export W as it was before the step, and as it is after it".to_owned());
        }
        let given = |slot: &Slot| self.case.get(*slot).is_some();
        // What is made in a tensor that the file does not have comes from that one's operands, too.
        let made = if finding.made_at == at { Vec::new() } else { self.operands(finding.made_at) };
        let operands = [self.operands(at), made].concat();
        let odd: Vec<Slot> =
            self.findings.iter().filter(|f| f.bug.is_none() && !f.depends).map(|f| f.tensor).collect();
        let first =
            |slot: &Slot| format!("first find out why {slot} differs: {at} may differ for the same reason");
        if let Some(slot) = operands.iter().find(|slot| odd.contains(slot)) {
            return Some(first(slot));
        }
        let missing = operands.iter().find(|slot| !given(slot));
        if let (Some(slot), Some(_)) = (odd.first(), missing) {
            return Some(first(slot));
        }
        // Three things gone wrong at once explain too much.
        let own = || self.findings.iter().filter(|f| f.tensor == at && f.bug.is_some());
        if let Some(unseen) = own().map(|f| f.made_at).find(|slot| own().count() > 2 && !given(slot)) {
            return Some(format!("export {unseen}: {at} alone does not show where it goes wrong"));
        }
        // So do a number that was fitted, and something else in a tensor that the file does not have.
        if missing.is_some() && own().count() > 1 && own().any(|f| f.bug == Some(Bug::L2Factor)) {
            return Some(format!("export what {at} is computed from"));
        }
        let open = |bug: Bug| {
            self.findings.iter().any(|f| f.bug == Some(bug) || (f.bug.is_none() && f.also.contains(&bug)))
        };
        let lost = self.findings.iter().any(|f| f.depends && f.also == [Bug::L2Factor]);
        if lost && matches!(at, Slot::New(_)) && RATES.contains(&bug) {
            return Some("first find out where the penalty of the loss belongs".to_owned());
        }
        let of_da = || {
            let may_be = |l: &usize| at == Slot::Dz(*l) && !given(&Slot::Da(*l)) && !self.is_followed(*l);
            let l = at.layer().filter(may_be).filter(|_| bug == Bug::ActivationDerivativeMissing)?;
            Some(format!("export dW{l}: what is called dz{l} may be da{l}"))
        };
        match bug {
            // What explains all the rest exactly needs no witness.
            bug if !odd.is_empty() && bug == Bug::UpdatedWeightsInBackward => {
                let shown = finding.made_at.layer().is_some_and(|l| self.is_forward(l + 1));
                (!shown).then(|| "export z and a: nothing shows that W is that of before the step".to_owned())
            }
            bug if !odd.is_empty() && OF_DERIVATIVE.contains(&bug) => {
                let l = finding.made_at.layer()?;
                match () {
                    () if !self.shows_activation(l) => {
                        Some(format!("export a{l}: nothing shows the activation"))
                    }
                    () => of_da(),
                }
            }
            Bug::ActivationDerivativeMissing => of_da(),
            Bug::OutputDerivativeExtra if !self.is_right(Slot::Loss) => {
                Some("nothing, if the squared error is meant; export `loss` to have it decided".to_owned())
            }
            Bug::LossSquaredError if open(Bug::SoftmaxJacobian) => {
                Some("nothing, if the squared error is meant: the gradient may be its own".to_owned())
            }
            Bug::SignFlipped if self.is_open_sign(at, dump) => {
                Some("export W as it was before the step: nothing shows which way gradients point".to_owned())
            }
            Bug::L2Factor | Bug::SignFlipped if self.case.alone => {
                Some("export y: without targets nothing shows whether the gradients point uphill".to_owned())
            }
            _ => None,
        }
    }

    /// What of a tensor's operands the file may have.
    pub fn operands(&self, slot: Slot) -> Vec<Slot> {
        let last = self.case.depth();
        let z_or_a = |l: usize| if self.case.get(Slot::Z(l)).is_some() { Slot::Z(l) } else { Slot::A(l) };
        let input = |l: usize| (l > 1).then(|| Slot::A(l - 1));
        match slot {
            Slot::Z(l) => input(l).into_iter().collect(),
            Slot::A(l) => vec![Slot::Z(l)],
            Slot::P => vec![Slot::Z(last)],
            Slot::Loss | Slot::Accuracy => vec![Slot::P],
            // The loss says of what it is the gradient.
            Slot::Dz(l) if l == last => {
                let loss = self.case.get(Slot::Loss).map(|_| Slot::Loss);
                [Slot::P].into_iter().chain(loss).collect()
            }
            Slot::Dz(l) if self.case.get(Slot::Da(l)).is_some() => vec![Slot::Da(l), z_or_a(l)],
            Slot::Dz(l) => vec![Slot::Dz(l + 1), z_or_a(l)],
            // z shows whether W is the one that is taken.
            Slot::Da(l) => {
                let z = self.case.get(Slot::Z(l + 1)).map(|_| Slot::Z(l + 1));
                [Slot::Dz(l + 1)].into_iter().chain(z).collect()
            }
            Slot::Grad(Param::W(l)) => input(l).into_iter().chain([Slot::Dz(l)]).collect(),
            Slot::Grad(Param::B(l)) => vec![Slot::Dz(l)],
            Slot::V(param) | Slot::M(param) | Slot::S(param) => vec![Slot::Grad(param)],
            Slot::New(param) => {
                let state = [Slot::V(param), Slot::M(param), Slot::S(param)].into_iter();
                let state = state.filter(|slot| self.case.get(*slot).is_some());
                [Slot::Grad(param)].into_iter().chain(state).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether no gradient of weights is right where W is in the file only as it is after the step: the sign of the step was then
    /// read off them.
    fn is_open_sign(&self, at: Slot, dump: &Dump) -> bool {
        let made = |slot: &Slot| matches!(slot, Slot::New(_)) && !dump.slots.contains_key(slot);
        let right = (1..=self.case.depth()).any(|l| self.is_right(Slot::Grad(Param::W(l))));
        matches!(at, Slot::Grad(_)) && self.case.given.keys().any(made) && !right
    }

    /// Whether a tensor is in the file and right.
    pub fn is_right(&self, slot: Slot) -> bool {
        self.checked.iter().any(|c| c.tensor == slot && c.status == Status::Ok)
    }

    /// Whether the file shows that layer l was computed with the W that is taken.
    fn is_forward(&self, l: usize) -> bool {
        if self.case.get(Slot::Z(l)).is_some() {
            return self.is_right(Slot::Z(l));
        }
        let shown = if l == self.case.depth() { Slot::P } else { Slot::A(l) };
        self.is_right(shown) || (l < self.case.depth() && self.is_right(Slot::Z(l + 1)))
    }

    /// Whether the activation of hidden layer l is said, or shows in what follows from it.
    fn shows_activation(&self, l: usize) -> bool {
        // The first that the file has was computed from this layer's a, what follows it was not.
        let mut after = vec![Slot::A(l), Slot::Z(l + 1)];
        after.extend(if l + 1 == self.case.depth() {
            vec![Slot::P, Slot::Loss]
        } else {
            vec![Slot::A(l + 1)]
        });
        let first = after.into_iter().find(|&slot| self.case.get(slot).is_some());
        let shown = first.into_iter().chain([Slot::Grad(Param::W(l + 1))]);
        self.world.act_named || shown.into_iter().any(|slot| self.is_right(slot))
    }

    /// Whether something of the file was computed from dz of a layer as it is.
    fn is_followed(&self, l: usize) -> bool {
        let below = [Slot::Grad(Param::W(l)), Slot::Grad(Param::B(l)), Slot::Da(l - 1)];
        below.into_iter().any(|slot| self.is_right(slot))
    }

    /// Whether all gradients that are off by a fitted factor are off by the same, but for a convention's, and none of weights is
    /// right: they may be clipped.
    fn has_one_factor(&self) -> bool {
        let factors: Vec<f64> = self.findings.iter().filter_map(|f| self.fitted_gradient(f)).collect();
        let right = (1..=self.case.depth()).any(|l| self.is_right(Slot::Grad(Param::W(l))));
        let Some(&first) = factors.first() else { return false };
        !right && factors.iter().all(|factor| self.is_convention(factor / first))
    }

    /// The factor that was fitted to a gradient.
    fn fitted_gradient(&self, finding: &Finding) -> Option<f64> {
        let is_gradient = matches!(finding.tensor, Slot::Grad(_)) && finding.bug == Some(Bug::ScaleConstant);
        finding.factor.filter(|_| is_gradient)
    }

    /// Whether a factor is made of those that conventions have: the samples, the outputs, and 2.
    fn is_convention(&self, factor: f64) -> bool {
        let powers = |of: f64| [1.0, of, 1.0 / of];
        let (n, outputs) = (powers(self.case.count()), powers(self.case.classes() as f64));
        let all = n.iter().flat_map(|n| outputs.map(|c| n * c));
        all.flat_map(|known| powers(2.0).map(|two| known * two))
            .any(|known| (factor.abs() / known - 1.0).abs() < SAME)
    }

    /// What to export where a factor may be that of clipping.
    fn doubt_of_factor(&self, finding: &Finding, shared: bool) -> Option<String> {
        if self.fitted_gradient(finding).is_some() && shared {
            return Some(
                "nothing, if gradients are clipped to a norm; else remove the factor. Export every dW and db to have it decided"
                    .to_owned(),
            );
        }
        let Slot::New(param) = finding.tensor else { return None };
        let fitted = |f: &Finding| f.bug == Some(Bug::ScaleConstant) && f.factor.is_some();
        let unseen = |param: Param| self.case.get(Slot::Grad(param)).is_none();
        let of_unseen = |f: &Finding| fitted(f) && matches!(f.tensor, Slot::New(other) if unseen(other));
        // Beside other steps that are right, of gradients that the file does not have either, it is no clipping's.
        let right =
            |c: &Checked| c.status == Status::Ok && matches!(c.tensor, Slot::New(other) if unseen(other));
        let told = !self.rate_fitted && self.checked.iter().any(right);
        (fitted(finding) && self.findings.iter().any(of_unseen) && !told)
            .then(|| format!("export d{param}: the gradient may be clipped, or lr another"))
    }
}
