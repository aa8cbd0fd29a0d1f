//! What only the person's intention decides: right for one loss, a bug for another, and no loss is in the file.

use super::examination::Exam;
use super::report::{Checked, Finding, Status};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::delta::OF_SQUARED_ERROR;
use crate::doctor::formulas::design::{Head, Measure};

/// A bug, and the sentences that say when it is none and what to do.
struct Open {
    bug: Bug,
    formula: &'static str,
    fix: &'static str,
}

const JACOBIAN: Open = Open {
    bug: Bug::SoftmaxJacobian,
    formula: "J·(p - y): right if the loss is the squared error of softmax outputs, a bug if it is the cross-entropy",
    fix: "nothing, if the squared error is meant; for the cross-entropy dz = (p - y)/N. Export `loss` to have it decided",
};

const SUM: Open = Open {
    bug: Bug::MissingBatchMean,
    formula: "a sum over the batch: right if the loss is a sum, or if lr is meant for one; 1/N is missing if the loss is a mean",
    fix: "nothing, if the loss is a sum over the batch; for a mean divide by N once. Export `loss` to have it decided",
};

/// Bugs that are a factor alone, or nothing at all: what is wrong elsewhere makes them, too.
const LEAN: [Bug; 11] = [
    Bug::ScaleConstant,
    Bug::ScaleByClasses,
    Bug::MissingBatchMean,
    Bug::DoubleBatchMean,
    Bug::L2OnBias,
    Bug::L2Factor,
    Bug::SignFlipped,
    Bug::WeightGradZero,
    Bug::BiasZero,
    Bug::WeightNotUpdated,
    Bug::BiasNotUpdated,
];

impl Exam<'_> {
    /// Turns what a loss in the file would decide into findings that say both, and what the file's own habits may be
    /// into notes.
    pub fn leave_to_intention(&mut self) {
        self.leave_rate();
        self.leave_weights();
        self.leave_lean();
        if self.case.get(Slot::Loss).is_some() {
            return;
        }
        let steps = self.case.given.keys().filter(|slot| matches!(slot, Slot::New(_))).count();
        let sums = self.findings.iter().filter(|f| f.bug == Some(SUM.bug)).count();
        for finding in &mut self.findings {
            // A sum in some tensors and a mean in others is a bug whatever was meant.
            let whole = sums == steps || finding.formula.starts_with("dz");
            if whole && finding.bug == Some(SUM.bug) {
                finding.bug = None;
                finding.also = vec![SUM.bug];
                finding.alternatives.clear();
                finding.depends = true;
                (finding.formula, finding.fix) = (SUM.formula.to_owned(), SUM.fix.to_owned());
            }
        }
        let of_squared = |finding: &Finding| {
            finding.bug == Some(JACOBIAN.bug)
                && finding.row.is_some_and(|row| OF_SQUARED_ERROR.contains(&row.formula))
        };
        for finding in self.findings.iter_mut().filter(|finding| of_squared(finding)) {
            finding.also.splice(0..0, finding.bug.take());
            finding.alternatives.clear();
            finding.depends = true;
            (finding.formula, finding.fix) = (JACOBIAN.formula.to_owned(), JACOBIAN.fix.to_owned());
        }
        let squared = self.design.head == Head::Softmax && self.design.measure == Measure::Squared;
        let last = self.case.depth();
        let w = Param::W(last);
        let shown = [Slot::Dz(last), Slot::Grad(w), Slot::New(w)];
        if let Some(&tensor) = shown.iter().find(|&&slot| self.case.get(slot).is_some()).filter(|_| squared) {
            let open = Finding::new(tensor, JACOBIAN.formula, JACOBIAN.fix);
            self.findings.insert(0, Finding { also: vec![JACOBIAN.bug], depends: true, ..open });
        }
    }

    /// Steps that are all the same number times what lr makes them: another learning rate than the file's.
    fn leave_rate(&mut self) {
        let right = |c: &Checked| matches!(c.tensor, Slot::New(_)) && c.status == Status::Ok;
        let some_right = self.checked.iter().any(right);
        let factor = |finding: &Finding| {
            let constant = finding.bug == Some(Bug::ScaleConstant) && matches!(finding.tensor, Slot::New(_));
            finding.factor.filter(|_| constant)
        };
        let factors: Vec<f64> = self.findings.iter().filter_map(factor).collect();
        let Some(&first) = factors.first() else { return };
        let same = factors.iter().all(|factor| (factor - first).abs() <= 1e-3 * first.abs());
        if !same || first <= 0.0 || some_right {
            return;
        }
        self.findings.retain(|finding| factor(finding).is_none());
        let left: Vec<Slot> = self.findings.iter().map(|finding| finding.tensor).collect();
        let settled = |c: &&mut Checked| matches!(c.tensor, Slot::New(_)) && !left.contains(&c.tensor);
        for checked in self.checked.iter_mut().filter(settled).filter(|c| c.status == Status::Wrong) {
            checked.status = Status::Ok;
        }
        self.note(format!("all steps are {first:.6} times what lr makes them: another learning rate than the file's, of a schedule?"));
    }

    /// Where some tensor is not understood, a factor or a zero in another proves little: both may come from what the file does
    /// not show.
    fn leave_lean(&mut self) {
        let odd = |finding: &Finding| finding.bug.is_none() && !finding.depends;
        if !self.findings.iter().any(odd) {
            return;
        }
        // What a dz at the end or a loss is wrong in, only a p that is understood tells.
        let last = Slot::Dz(self.case.depth());
        let no_p = self.findings.iter().any(|finding| odd(finding) && finding.tensor == Slot::P);
        let of_p = move |finding: &Finding| no_p && (finding.tensor == last || finding.tensor == Slot::Loss);
        let lean = |finding: &&mut Finding| {
            finding.bug.is_some_and(|bug| LEAN.contains(&bug)) || (finding.bug.is_some() && of_p(finding))
        };
        for finding in self.findings.iter_mut().filter(lean) {
            finding.also.splice(0..0, finding.bug.take());
            finding.fix = "first find out why the tensor without a name differs: this one may differ for the same reason"
                .to_owned();
        }
    }

    /// Where z does not fit W and no W after the step is in the file, W may be that after the step: what the backward
    /// pass used is then no bug.
    fn leave_weights(&mut self) {
        let stepped = self.case.given.keys().any(|slot| matches!(slot, Slot::New(_)));
        let odd = |f: &Finding| f.bug.is_none() && matches!(f.tensor, Slot::Z(_) | Slot::A(_));
        if stepped || !self.findings.iter().any(odd) {
            return;
        }
        let backward = |f: &&mut Finding| !matches!(f.tensor, Slot::Z(_) | Slot::A(_) | Slot::P | Slot::Loss);
        for finding in self.findings.iter_mut().filter(backward) {
            finding.also.splice(0..0, finding.bug.take());
            finding.alternatives.clear();
            finding.fix =
                "export W as it was before the step: the z of this file were made with other weights"
                    .to_owned();
        }
    }
}
