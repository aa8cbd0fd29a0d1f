//! Names that one thing alone bears out. A direction, a factor, an activation and a penalty are conventions, too: a bug in one of
//! them needs something else in the file that shows the right one.

use super::examination::{Exam, RATES};
use super::layer::UNTOLD;
use super::report::{Finding, Status};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::steps::MIXED;
use crate::reference::Matrix;

const DIRECTION: &str = "export dW: nothing shows which way gradients point";

/// Factors this close are one.
const SAME: f64 = 1e-3;

/// Whether a bug is a tensor of zeros.
fn is_zero(bug: &Bug) -> bool {
    matches!(bug, Bug::ErrorZero | Bug::WeightGradZero | Bug::BiasZero)
}

impl Exam<'_> {
    /// What to export where nothing else in the file bears a name out; nothing if something does.
    pub fn unwitnessed(&self, finding: &Finding) -> Option<String> {
        let (bug, at) = (finding.bug?, finding.tensor);
        let is_factor = |bug: &Bug| RATES.contains(bug) || *bug == Bug::SignFlipped;
        match bug {
            Bug::SignFlipped if self.lacks_direction(at) => Some(DIRECTION.to_owned()),
            Bug::SignFlipped if self.lacks_other_direction(at) => Some(DIRECTION.to_owned()),
            Bug::MomentumFormula if self.is_mixed(finding) && self.lacks_direction(at) => {
                Some(DIRECTION.to_owned())
            }
            Bug::MomentumFormula if self.case.alone && finding.formula.ends_with(MIXED) => {
                Some("export y: without targets nothing shows which way gradients point".to_owned())
            }
            // Gradients of the mean beside a loss that is a sum: the penalty may be that of either.
            Bug::LossL2Mismatch if self.world.objective > self.world.gradient => {
                Some("first find out whether the loss is a sum or a mean over the batch".to_owned())
            }
            Bug::WeightNotTransposed if self.lacks_orientation(at) => Some(
                "export the dW: all weights are square, and nothing else shows which way they lie".to_owned(),
            ),
            Bug::ActivationOther if !self.world.act_named => {
                Some("say `act`: nothing shows which activation is meant".to_owned())
            }
            Bug::AdamBiasCorrection | Bug::AdamFormula | Bug::MomentumFormula
                if self.has_open_step(at, bug) =>
            {
                Some("first find out why the other steps differ: all are taken by one formula".to_owned())
            }
            Bug::L2Factor | Bug::L2OnBias if matches!(at, Slot::New(_)) && self.rate_fitted => {
                Some("export lr: it was read off the steps, and so was the penalty".to_owned())
            }
            bug if (RATES.contains(&bug) || matches!(bug, Bug::L2Factor | Bug::L2OnBias))
                && self.has_open_gradient(at) =>
            {
                Some("first find out whether the gradients are clipped".to_owned())
            }
            Bug::ActivationDerivativeMissing if self.may_hold_dz(finding) => {
                Some("export dz: what came back through the layer may be it already".to_owned())
            }
            bug if RATES.contains(&bug) && matches!(at, Slot::New(_)) && self.numbers.contains_key("l2") => {
                Some(
                    "first find out which gradient lr is meant for, and whether it has the penalty"
                        .to_owned(),
                )
            }
            // A sign and a number are two things at once.
            Bug::ScaleConstant if finding.factor.is_some_and(|factor| factor < 0.0) => {
                Some("first find out why the sign is another one".to_owned())
            }
            Bug::ScaleConstant if self.is_free_factor(finding) => {
                Some("nothing, if the loss has this factor; export `loss` to have it decided".to_owned())
            }
            bug if (bug == Bug::DoubleBatchMean || finding.also.contains(&Bug::DoubleBatchMean))
                && self.all_are_means(at) =>
            {
                Some("nothing, if the loss is a mean; export `loss` to have it decided".to_owned())
            }
            bug if is_factor(&bug) && self.has_open_factor(is_factor) => {
                Some("first find out why the other tensors have factors that are not theirs".to_owned())
            }
            _ if self.is_behind_the_unexplained(at) => Some(
                "first find out why what goes forward differs: what comes back was made of it".to_owned(),
            ),
            _ if self.follows_a_guess(at) => {
                Some("export p, the loss or the last dz: nothing shows what the outputs are".to_owned())
            }
            _ if self.is_one_of_few(at) => {
                Some("export more: all errors have one size, so that one number shows little".to_owned())
            }
            _ if self.is_explained_by_nothing(finding) => {
                Some("export more digits: of these numbers too few are left to tell".to_owned())
            }
            bug if bug != Bug::WeightGradContraction && self.is_cut_off(at) => Some(
                "export the gradient as it is before it is clipped: all its values are cut off at one number"
                    .to_owned(),
            ),
            _ if self.says_little(finding) && self.findings.iter().any(|f| f.bug.is_none() && !f.depends) => {
                Some("first find out why other tensors differ: these numbers alone prove nothing".to_owned())
            }
            _ => None,
        }
    }

    /// Whether a layer alone shows nothing between what came back to it and its gradients: that may be dz.
    fn may_hold_dz(&self, finding: &Finding) -> bool {
        let l = finding.made_at.layer().unwrap_or(0);
        self.case.alone && matches!(finding.made_at, Slot::Dz(_)) && self.case.get(Slot::Dz(l)).is_none()
    }

    /// Whether a gradient or a step comes after a value that nothing explains, as where arrays were taken for others.
    fn is_behind_the_unexplained(&self, at: Slot) -> bool {
        let is_forward = |slot: Slot| matches!(slot, Slot::Z(_) | Slot::A(_) | Slot::P);
        let comes_back = !is_forward(at) && !matches!(at, Slot::Loss | Slot::Accuracy);
        comes_back && self.findings.iter().any(|f| is_forward(f.tensor) && f.bug.is_none() && !f.depends)
    }

    /// Whether a gradient comes from outputs of which nothing in the file shows what they are, nor by which loss.
    fn follows_a_guess(&self, at: Slot) -> bool {
        let depth = self.case.depth();
        let shows = |slot: Slot| match slot {
            Slot::P | Slot::Loss => true,
            Slot::Dz(l) => l == depth,
            Slot::Grad(param) => param.layer() == depth,
            _ => false,
        };
        let unseen = |slot: &Slot| self.case.get(*slot).is_none();
        !self.design.is_usual()
            && !self.case.alone
            && !self.has_right(shows)
            && matches!(at, Slot::Dz(_) | Slot::Da(_) | Slot::Grad(_))
            && self.operands(at).iter().any(unseen)
    }

    /// Whether a gradient is one number, of errors that have one size: many sums of them are the same.
    fn is_one_of_few(&self, at: Slot) -> bool {
        let Slot::Grad(param) = at else { return false };
        let one = self.case.get(at).is_some_and(|given| given.data().len() == 1);
        let size = |dz: &Matrix| dz.data().iter().all(|value| value.abs() == dz.data()[0].abs());
        one && self.case.get(Slot::Dz(param.layer())).is_some_and(size)
    }

    /// Whether a step goes against the velocity of the file: right, if that points downhill.
    fn is_mixed(&self, finding: &Finding) -> bool {
        let Slot::New(param) = finding.tensor else { return false };
        self.case.get(Slot::V(param)).is_some() && finding.formula.ends_with(MIXED)
    }

    /// Whether a step lacks its gradient, and nothing else that is right shows which way gradients point.
    fn lacks_direction(&self, at: Slot) -> bool {
        let Slot::New(param) = at else { return false };
        let shows = |slot: Slot| {
            let known = match slot {
                Slot::Dz(_) | Slot::Da(_) | Slot::Grad(_) | Slot::V(_) | Slot::M(_) => true,
                Slot::New(other) => {
                    matches!(other, Param::W(_)) && self.case.get(Slot::Grad(other)).is_none()
                }
                _ => false,
            };
            known && !self.is_silent(slot)
        };
        self.case.get(Slot::Grad(param)).is_none() && !self.has_right(shows)
    }

    /// Whether all weights are square, and nothing else that is right shows which way they lie.
    fn lacks_orientation(&self, at: Slot) -> bool {
        let lies = |slot: Slot| match slot {
            Slot::Z(_) | Slot::Da(_) | Slot::Grad(Param::W(_)) => true,
            Slot::A(l) => self.case.get(Slot::Z(l)).is_none(),
            Slot::P => self.case.get(Slot::Z(self.case.depth())).is_none(),
            _ => false,
        };
        let square = self.case.sizes.iter().all(|size| *size == self.case.sizes[0]);
        square && !self.has_right(|slot| slot != at && lies(slot))
    }

    /// Whether some such tensor of the file is right.
    fn has_right(&self, such: impl Fn(Slot) -> bool) -> bool {
        self.checked.iter().any(|c| c.status == Status::Ok && such(c.tensor))
    }

    /// Whether a gradient points another way than dz alone, or than steps of which a penalty was fitted: those fit both ways.
    fn lacks_other_direction(&self, at: Slot) -> bool {
        let fitted = self.notes.iter().any(|note| note == UNTOLD);
        let tells = |slot: Slot| match slot {
            Slot::Grad(_) => true,
            Slot::New(_) => !fitted,
            _ => false,
        };
        matches!(at, Slot::Grad(_)) && !self.has_right(tells)
    }

    /// Whether all gradients are those of the mean, where those of the sum are supposed.
    fn all_are_means(&self, at: Slot) -> bool {
        let is_gradient = |slot| matches!(slot, Slot::Grad(_));
        is_gradient(at) && self.world.gradient > 1.0 && !self.has_right(is_gradient)
    }

    /// Whether of numbers of few digits too few agree to prove anything: beside others that differ, or with a 0 where they are
    /// none.
    fn is_explained_by_nothing(&self, finding: &Finding) -> bool {
        if self.tolerance.written == 0.0 {
            return false;
        }
        if finding.residual.0 > SAME && self.findings.iter().any(|f| f.bug.is_none() && !f.depends) {
            return true;
        }
        let named = finding.bug.iter().chain(&finding.also).any(is_zero);
        let at = finding.tensor;
        named
            && matches!(at, Slot::Grad(_) | Slot::Dz(_))
            && self.case.get(at).is_some()
            && !self.is_silent(at)
    }

    /// Whether the gradients of all weights have one size, as those that are clipped to it; then the one number of a bias beside
    /// them shows little, too.
    fn is_cut_off(&self, at: Slot) -> bool {
        let weights = match at {
            Slot::Grad(Param::W(_)) => at,
            Slot::Grad(Param::B(l)) if self.case.sizes[l] == 1 => Slot::Grad(Param::W(l)),
            _ => return false,
        };
        self.case.get(weights).map(Matrix::data).is_some_and(|data| {
            data.len() > 1 && data[0] != 0.0 && data.iter().all(|value| value.abs() == data[0].abs())
        })
    }

    /// Whether another step of the same file is not understood, and may not be the same bug.
    fn has_open_step(&self, at: Slot, bug: Bug) -> bool {
        let is_step = |slot: Slot| matches!(slot, Slot::New(_));
        let is_open = |f: &Finding| f.bug.is_none() && !f.depends && !f.also.contains(&bug);
        is_step(at) && self.findings.iter().any(|f| is_step(f.tensor) && is_open(f))
    }

    /// Whether the gradient of a step may be clipped, which only the person knows.
    fn has_open_gradient(&self, at: Slot) -> bool {
        let Slot::New(param) = at else { return false };
        let clipped = |f: &Finding| f.depends && f.also == [Bug::ScaleConstant];
        self.findings.iter().any(|f| clipped(f) && f.tensor == Slot::Grad(param))
    }

    /// Whether a factor of some tensor has no name, or two that were fitted differ: one thing that is not understood may have
    /// made them all.
    fn has_open_factor(&self, is_factor: impl Fn(&Bug) -> bool) -> bool {
        let open = |f: &Finding| f.bug.is_none() && !f.depends && f.also.iter().any(&is_factor);
        let constant =
            |f: &&Finding| f.bug == Some(Bug::ScaleConstant) || f.also.contains(&Bug::ScaleConstant);
        let fitted: Vec<Option<f64>> =
            self.findings.iter().filter(|f| f.bug.is_some()).filter(constant).map(|f| f.factor).collect();
        let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a / b - 1.0).abs() <= SAME,
            (a, b) => a.is_none() && b.is_none(),
        };
        let differ = fitted.iter().any(|&factor| !same(factor, fitted[0]));
        differ || self.findings.iter().any(open)
    }

    /// Whether a factor is the last dz's of a loss that may have any, and is not in the file.
    fn is_free_factor(&self, finding: &Finding) -> bool {
        let last = finding.made_at == Slot::Dz(self.case.depth());
        last && !self.design.is_usual() && self.case.get(Slot::Loss).is_none() && finding.factor.is_some()
    }

    /// Whether a tensor is 0, or nothing but rounding, which a 0 explains as well, or a gradient of one number, once or several
    /// times.
    fn says_little(&self, finding: &Finding) -> bool {
        let given = self.case.get(finding.tensor).filter(|_| matches!(finding.tensor, Slot::Grad(_)));
        let one = given.is_some_and(|given| given.data().iter().all(|&value| value == given.data()[0]));
        one || self.is_silent(finding.tensor) || finding.also.iter().any(is_zero)
    }

    /// Whether a tensor of the file is 0: then it shows nothing of what it was computed from.
    fn is_silent(&self, at: Slot) -> bool {
        self.case.get(at).is_some_and(|given| given.data().iter().all(|&value| value == 0.0))
    }
}
