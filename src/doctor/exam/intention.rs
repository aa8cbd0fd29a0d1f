//! What only the person's intention decides: right for one loss, a bug for another, and no loss is in the file.

use super::clipping::{Clipping, OF_SCALE};
use super::examination::{Exam, RATES};
use super::report::{Checked, Finding, Status};
use super::update::DECAYED_STEP;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::norm;
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

/// What is said of gradients of 0 where all outputs would be off if they were ReLUs, and what to do.
const SILENT: (&str, &str) = (
    "0: right if the outputs are ReLUs, which are all off here, a bug if they are not",
    "nothing, if the outputs are ReLUs. Export `p` to have it decided",
);

const SCALED: Open = Open {
    bug: Bug::ScaleConstant,
    formula: "all gradients are one number times the right ones: right if they are clipped to a norm, a bug if they are not",
    fix: "nothing, if gradients are clipped to a norm; else remove the factor",
};

/// Biases that stay as they are, without a gradient.
const CONSTANT: (&str, &str) = (
    "b as it was: right if biases are constants, a bug if they are to learn",
    "nothing, if they are constants; else b -= lr * db, with db = dz.sum(axis=0)",
);

/// A decay of W by λ alone.
const DECAY: (&str, &str) = (
    "w - step - λ·w: right if λ is the decay of one step, as in the paper on decoupled decay, a bug if lr belongs to it, as \
     in an L2 penalty and in the usual AdamW",
    "nothing, if λ is the decay of one step; else W -= lr * (step + lambda * W)",
);

/// Bugs that are a factor alone, or nothing at all: what is wrong elsewhere makes them, too.
const LEAN: [Bug; 12] = [
    Bug::ScaleConstant,
    Bug::ScaleByClasses,
    Bug::MissingBatchMean,
    Bug::DoubleBatchMean,
    Bug::L2OnBias,
    Bug::L2Factor,
    Bug::SignFlipped,
    Bug::ErrorZero,
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
        self.leave_silent();
        self.leave_weights();
        self.leave_lean();
        self.leave_penalty();
        self.leave_layers();
        self.leave_scale();
        self.leave_constant_biases();
        self.leave_decay();
        if self.loss_decides() {
            return;
        }
        // A sum in some tensors and a mean in others is a bug whatever was meant.
        let is_sum = |slot: Slot| self.findings.iter().any(|f| f.bug == Some(SUM.bug) && f.tensor == slot);
        let moved = |slot: &&Slot| self.has_moved(**slot);
        let steps = self.case.given.keys().filter(moved).count();
        let shown =
            |finding: &&Finding| !matches!(finding.tensor, Slot::New(_)) || self.has_moved(finding.tensor);
        let sums = self.findings.iter().filter(|f| f.bug == Some(SUM.bug)).filter(shown).count();
        let gradients_are =
            self.case.given.keys().all(|&slot| !self.is_scaled_gradient(slot) || is_sum(slot));
        for finding in &mut self.findings {
            let gradients = gradients_are && matches!(finding.tensor, Slot::Grad(_));
            let whole = sums == steps || gradients || finding.formula.starts_with("dz");
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
            finding.doubt(JACOBIAN.fix);
            finding.depends = true;
            finding.formula = JACOBIAN.formula.to_owned();
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

    /// A decay without lr is the published one, unless the loss has the penalty: then it is in the gradient.
    fn leave_decay(&mut self) {
        let has_loss = self.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok);
        if has_loss && self.world.penalised {
            return;
        }
        for finding in self.findings.iter_mut().filter(|f| f.bug == Some(Bug::DecayWithoutLr)) {
            finding.also.splice(0..0, finding.bug.take());
            finding.alternatives.clear();
            finding.depends = true;
            (finding.formula, finding.fix) = (DECAY.0.to_owned(), DECAY.1.to_owned());
        }
    }

    /// Whether the loss of the file is understood, so that it decides what was meant: a squared error beside the gradient of one
    /// contradicts nothing.
    fn loss_decides(&self) -> bool {
        let named = |bug: fn(&Bug) -> bool| self.findings.iter().any(|f| f.bug.as_ref().is_some_and(bug));
        let of_loss = |f: &Finding| f.tensor == Slot::Loss && f.bug.is_some();
        let both = named(|bug| *bug == JACOBIAN.bug) && named(|bug| *bug == Bug::LossSquaredError);
        let right = self.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok);
        (right || self.findings.iter().any(of_loss)) && !both
    }

    /// Biases that do not move may be constants, where the file has no gradients of theirs.
    fn leave_constant_biases(&mut self) {
        let has = |wanted: fn(&Slot) -> bool| self.case.given.keys().any(wanted);
        let new = |slot: &Slot| matches!(slot, Slot::New(Param::B(_)));
        let moved = self.case.given.keys().any(|slot| new(slot) && self.has_moved(*slot));
        if moved || has(|slot| matches!(slot, Slot::Grad(Param::B(_)))) {
            return;
        }
        for finding in
            self.findings.iter_mut().filter(|finding| new(&finding.tensor) && finding.bug.is_some())
        {
            finding.doubt(CONSTANT.1);
            finding.depends = true;
            finding.formula = CONSTANT.0.to_owned();
        }
    }

    /// Gradients of 0 are right behind outputs that are ReLUs and all off; without p nothing says whether they are.
    fn leave_silent(&mut self) {
        let off = self.z.last().is_some_and(|z| z.data().iter().all(|&z| z <= 0.0));
        if !off || self.case.get(Slot::P).is_some() {
            return;
        }
        let zero = |finding: &&mut Finding| matches!(finding.bug, Some(Bug::WeightGradZero | Bug::BiasZero));
        for finding in self.findings.iter_mut().filter(zero) {
            finding.doubt(SILENT.1);
            finding.depends = true;
            finding.formula = SILENT.0.to_owned();
        }
    }

    /// Whether a tensor is a parameter after a step that shows: one bias for all units behind a softmax has none.
    fn has_moved(&self, slot: Slot) -> bool {
        let Slot::New(param) = slot else { return false };
        if self.case.get(slot).is_none() {
            return false;
        }
        let slack = if self.tolerance.single { 1e-6 } else { 1e-12 };
        norm(&self.step(param)) > slack * norm(&self.case.given[&Slot::Param(param)])
    }

    /// Whether a tensor is a gradient that shows its scale: what is nothing but rounding does not.
    fn is_scaled_gradient(&self, slot: Slot) -> bool {
        let Slot::Grad(param) = slot else { return false };
        let operands = self.operand_size(param) * self.case.count();
        self.tolerance.rounding(operands, norm(&self.case.given[&slot])) < 0.5
    }

    /// Steps that are all the same number times what lr makes them: another learning rate than the file's.
    pub fn leave_rate(&mut self) {
        let right = |c: &Checked| self.has_moved(c.tensor) && c.status == Status::Ok;
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
        // What lr makes of the other steps then says nothing, either.
        let of_rate = |f: &&mut Finding| {
            matches!(f.tensor, Slot::New(_)) && f.bug.is_some_and(|bug| RATES.contains(&bug))
        };
        for finding in self.findings.iter_mut().filter(of_rate) {
            finding.doubt("export the lr of this step");
        }
        self.note(format!("all steps are {first:.6} times what lr makes them: another learning rate than the file's, of a schedule?"));
    }

    /// Gradients that are all one number times the right ones.
    fn leave_scale(&mut self) {
        let Some(Clipping::Scale(factor)) = self.clipping else { return };
        let before = self.notes.len();
        self.notes.retain(|note| note != OF_SCALE);
        let first =
            self.case.given.keys().rev().find(|slot| matches!(slot, Slot::Grad(Param::W(_)))).copied();
        let Some(tensor) = first.filter(|_| self.notes.len() < before) else { return };
        let open =
            Finding::new(tensor, format!("{} (the number is {factor:.6})", SCALED.formula), SCALED.fix);
        self.findings.push(Finding { also: vec![SCALED.bug], depends: true, ..open });
    }

    /// A penalty that some weights have and others have not, or that only the loss has.
    fn leave_penalty(&mut self) {
        let listed = |with: bool| {
            let of = self.penalised.iter().filter(|(_, has)| **has == with).map(|(l, _)| format!("dW{l}"));
            of.collect::<Vec<_>>().join(", ")
        };
        let (with, without) = (listed(true), listed(false));
        let first = self.penalised.iter().find(|(_, has)| !**has).map(|(l, _)| *l);
        let Some(l) = first else { return };
        let (formula, fix) = match with.is_empty() {
            false => (
                format!("without λ·W, which is in {with}: right if only the weights of {with} are penalised, a bug if those of {without} are, too"),
                "nothing, if that is meant; else add lambda * W to every dW",
            ),
            true if self.penalty_is_lost() => (
                "without λ·W, though the loss has the penalty: right if the step adds it, a bug if it does not".to_owned(),
                "nothing, if the step adds lambda * W; else add it to every dW. Export W after the step to have it decided",
            ),
            true => return,
        };
        let open = Finding::new(Slot::Grad(Param::W(l)), formula, fix);
        self.findings.push(Finding { also: vec![Bug::L2Factor], depends: true, ..open });
    }

    /// Whether the loss is right with a penalty that neither gradients nor steps have.
    fn penalty_is_lost(&self) -> bool {
        let has_loss = self.checked.iter().any(|c| c.tensor == Slot::Loss && c.status == Status::Ok);
        let in_step = self.notes.iter().any(|note| note == DECAYED_STEP)
            || self.findings.iter().any(|finding| finding.bug == Some(Bug::DecayWithoutLr));
        self.world.penalised && self.world.decay > 0.0 && has_loss && !in_step
    }

    /// Whether a gradient sums to nothing but rounding: it is as near to a mean as to a sum.
    fn is_rounding(&self, param: Param) -> bool {
        let summed = self.case.count() * self.operand_size(param);
        self.case
            .get(Slot::Grad(param))
            .is_some_and(|given| self.tolerance.rounding(summed, norm(given)) >= 1.0)
    }

    /// Gradients that lack 1/N where others have it, or steps of another length than others: where neither a loss nor lr
    /// is in the file, nothing says which are the right ones.
    pub fn leave_layers(&mut self) {
        let right = |is: &dyn Fn(&Slot) -> bool| -> Vec<String> {
            let of = self.checked.iter().filter(|c| c.status == Status::Ok && is(&c.tensor));
            of.map(|c| c.tensor.to_string()).collect()
        };
        let gradients =
            right(&|slot| matches!(slot, Slot::Grad(param) if !self.is_rounding(*param))).join(", ");
        let steps = right(&|slot| matches!(slot, Slot::New(_))).join(", ");
        let decided = self.summed_loss().is_some();
        for finding in &mut self.findings {
            let (at, bug) = (finding.tensor, finding.bug);
            let mean = matches!(bug, Some(Bug::MissingBatchMean | Bug::DoubleBatchMean));
            if matches!(at, Slot::Grad(_)) && mean && !decided && !gradients.is_empty() {
                let (own, others) = match bug == Some(Bug::MissingBatchMean) {
                    true => ("sum", "mean"),
                    false => ("mean", "sum"),
                };
                let all = match gradients.contains(',') {
                    true => format!("{gradients} are {others}s"),
                    false => format!("{gradients} is a {others}"),
                };
                finding.formula = format!(
                    "{at} is a {own} over the batch, while {all}: they do not fit together, and without a loss nothing says which is meant"
                );
                finding.fix =
                    "divide every dW and db by N, or none; export `loss` to have it decided".to_owned();
                finding.also = [Bug::MissingBatchMean, Bug::DoubleBatchMean]
                    .into_iter()
                    .filter(|&other| Some(other) != bug)
                    .collect();
                finding.alternatives = vec![format!("{gradients} the other way round")];
                // Of one layer nothing says which of its gradients is the usual one.
                if self.case.alone {
                    finding.also.splice(0..0, finding.bug.take());
                    finding.alternatives.clear();
                }
            }
            let length = matches!(at, Slot::New(_)) && bug == Some(Bug::ScaleConstant);
            if length && self.rate_fitted && !steps.is_empty() {
                finding
                    .formula
                    .push_str(&format!(", if {steps} are right: without lr nothing says which are"));
                finding.fix = "look which parameter is stepped twice, or with another learning rate; export `lr` to have it decided".to_owned();
            }
        }
    }

    /// Where some tensor is not understood, a factor or a zero in another proves little: both may come from what the file does
    /// not show.
    pub fn leave_lean(&mut self) {
        let odd = |finding: &Finding| finding.bug.is_none() && !finding.depends;
        let Some(unnamed) = self.findings.iter().find(|finding| odd(finding)).map(|finding| finding.tensor)
        else {
            return;
        };
        // What a dz at the end or a loss is wrong in, only a p that is understood tells.
        let last = Slot::Dz(self.case.depth());
        let no_p = self.findings.iter().any(|finding| odd(finding) && finding.tensor == Slot::P);
        let of_last = |slot: Slot| slot.param().is_some_and(|param| Slot::Dz(param.layer()) == last);
        let of_p = move |finding: &Finding| {
            no_p && (finding.tensor == last || finding.tensor == Slot::Loss || of_last(finding.tensor))
        };
        let lean = |finding: &&mut Finding| {
            finding.bug.is_some_and(|bug| LEAN.contains(&bug)) || (finding.bug.is_some() && of_p(finding))
        };
        for finding in self.findings.iter_mut().filter(lean) {
            finding.also.splice(0..0, finding.bug.take());
            finding.fix = format!(
                "first find out why {unnamed} differs: {} may differ for the same reason",
                finding.tensor
            );
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
            finding
                .doubt("export W as it was before the step: the z of this file were made with other weights");
        }
    }
}
