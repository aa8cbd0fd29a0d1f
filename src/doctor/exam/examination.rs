//! One examination: every tensor of a case against its formulas, under one set of conventions.
//!
//! Where a tensor is in the file, what follows is computed from it, right or wrong, so that each bug shows only
//! where it is made. Where it is not, the candidates for it are carried along until the next tensor that is given
//! decides among them.

use super::clipping::Clipping;
use super::judge::{Decision, Scored, Tolerance, decide, score};
use super::report::{Beside, Checked, Finding, Number, RunnerUp, Status};
use crate::doctor::file::case::Case;
use crate::doctor::file::slot::Slot;
use crate::doctor::formulas::algebra::{minus, norm, scaled};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::catalogue::{Bug, join};
use crate::doctor::formulas::design::Design;
use crate::doctor::formulas::hypothesis::{Hypothesis, Site};
use crate::doctor::formulas::scale;
use crate::doctor::formulas::trial::{Cause, Trial, cause, residual};
use crate::network::Activation;
use crate::reference::Matrix;
use std::collections::BTreeMap;

/// Conventions, none of them a bug, and how far to search.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// The activation of hidden layers of which the file does not show it.
    pub act: Bend,
    /// Whether the file or the command names it.
    pub act_named: bool,
    /// Which of the designs that the file allows is supposed: the first, the second, …
    pub choice: usize,
    /// 1 if gradients point uphill, -1 if downhill.
    pub sign: f64,
    /// Gradients of parameters are this times those of the mean loss: 1 or N.
    pub gradient: f64,
    /// The loss is this times the mean: 1 or N.
    pub objective: f64,
    /// The factor of w that L2 adds to the gradient.
    pub decay: f64,
    /// The loss has the penalty in it.
    pub penalised: bool,
    /// These conventions hold only if the loss in the file says so.
    pub loss_decides: bool,
    /// A wrong formula in a forward tensor that the file does not have.
    pub forward: Option<(Slot, &'static Hypothesis)>,
    /// The gradients come from the right p, though the file's is wrong: only the evaluation's softmax is.
    pub fresh_p: bool,
    /// Whether tensors that the file does not have may be wrong.
    pub search: bool,
}

/// An examination and what it has found so far.
pub struct Exam<'a> {
    /// The network, the batch, and what somebody's code made of them.
    pub case: &'a Case,
    /// lr, l2, momentum, …
    pub numbers: BTreeMap<&'static str, f64>,
    /// When numbers agree.
    pub tolerance: Tolerance,
    /// The conventions.
    pub world: World,
    /// What the network ends in and is measured by.
    pub design: Design,
    /// Whether the world supposes a design that the file does not allow.
    pub contradicted: bool,
    /// The activation of every hidden layer seen so far.
    pub acts: Vec<Bend>,
    /// Before the activation: the file's, or computed.
    pub z: Vec<Matrix>,
    /// The input of each layer.
    pub a: Vec<Matrix>,
    /// The probabilities: the file's, or computed.
    pub p: Matrix,
    /// The size of what rounding acts on in every dz.
    pub bounds: Vec<Matrix>,
    /// Dropout's masks with their scale.
    pub masks: BTreeMap<usize, Matrix>,
    /// A bug upstream in a tensor that is not given, to be reported where it first shows.
    pub pending: Vec<Cause>,
    /// Mismatches so far.
    pub findings: Vec<Finding>,
    /// Tensors so far.
    pub checked: Vec<Checked>,
    /// What wrong tensors should be, of new parameters the step to them.
    pub rights: BTreeMap<Slot, Matrix>,
    /// Conventions so far.
    pub notes: Vec<String>,
    /// The factor that convention gives a tensor beside its formula, where it is not 1.
    pub scales: BTreeMap<Slot, f64>,
    /// What each sample counts, if not all the same.
    pub weights: Option<Vec<f64>>,
    /// Whether a penalty is in the gradient of a layer's weights, where the numbers tell.
    pub penalised: BTreeMap<usize, bool>,
    /// What clipping made of the gradients.
    pub clipping: Option<Clipping>,
    /// Whether the learning rate was found from the steps, so that no scale can be judged by it.
    pub rate_fitted: bool,
    /// The cost at which this examination can no longer be the one that counts.
    pub limit: usize,
}

/// What became of one tensor.
pub struct Settled {
    /// The explanations that hold; empty if none does.
    pub winners: Vec<Scored>,
}

/// Bugs that another learning rate would explain as well.
pub const RATES: [Bug; 4] =
    [Bug::ScaleConstant, Bug::ScaleByClasses, Bug::MissingBatchMean, Bug::DoubleBatchMean];

impl<'a> Exam<'a> {
    /// An examination that has seen nothing yet.
    pub fn new(
        case: &'a Case,
        numbers: &BTreeMap<&'static str, f64>,
        tolerance: Tolerance,
        world: World,
    ) -> Self {
        let empty = Matrix::zeros([0, 0]);
        Self {
            case,
            numbers: numbers.clone(),
            tolerance,
            world,
            design: Design::default(),
            contradicted: false,
            acts: Vec::new(),
            z: Vec::new(),
            a: vec![case.x.clone()],
            p: empty,
            bounds: Vec::new(),
            masks: BTreeMap::new(),
            pending: Vec::new(),
            findings: Vec::new(),
            checked: Vec::new(),
            rights: BTreeMap::new(),
            notes: case.notes.clone(),
            scales: BTreeMap::new(),
            weights: None,
            penalised: BTreeMap::new(),
            clipping: None,
            rate_fitted: false,
            limit: usize::MAX,
        }
    }

    /// The place of layer l, starting from `up`.
    pub fn site<'s>(&'s self, l: usize, up: &'s Matrix) -> Site<'s> {
        Site {
            case: self.case,
            act: self.act(l),
            design: self.design,
            numbers: &self.numbers,
            single: self.tolerance.single,
            l,
            z: &self.z,
            a: &self.a,
            up,
        }
    }

    /// The activation of a hidden layer; the inputs have none.
    pub fn act(&self, l: usize) -> Bend {
        match l.checked_sub(1) {
            Some(below) => self.acts.get(below).copied().unwrap_or(self.world.act),
            None => Activation::Identity.into(),
        }
    }

    /// What this examination costs: a mismatch without a name far more than one with. Steps that are all too long or too
    /// short count once: another learning rate explains them together.
    pub fn cost(&self) -> usize {
        let is_rate = |finding: &&Finding| {
            let bug = finding.bug;
            matches!(finding.tensor, Slot::New(_)) && bug.is_some_and(|bug| RATES.contains(&bug))
        };
        let (rates, others): (Vec<_>, Vec<_>) = self.findings.iter().partition(is_rate);
        let each = |finding: &&Finding| if finding.bug.is_none() { 10 } else { 1 };
        rates.len().min(1) + others.iter().map(each).sum::<usize>()
    }

    /// Whether this examination is lost already.
    pub fn lost(&self) -> bool {
        self.cost() >= self.limit
    }

    /// Whether one more mismatch, named or not, would lose it.
    pub fn hopeless(&self) -> bool {
        self.cost() + 1 >= self.limit
    }

    /// Notes a convention once.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// Records a tensor that is not in the file, or was set aside.
    pub fn not_given(&mut self, slot: Slot) {
        if self.case.aside.contains(&slot) {
            self.not_checked(slot);
            return;
        }
        self.checked.push(Checked { tensor: slot, name: None, status: Status::NotGiven, residual: None });
    }

    /// Records a tensor that cannot be checked.
    pub fn not_checked(&mut self, slot: Slot) {
        self.checked.push(Checked { tensor: slot, name: None, status: Status::NotChecked, residual: None });
    }

    /// Scores trials of a tensor.
    pub fn scores(&self, u: &Matrix, magnitude: f64, trials: impl IntoIterator<Item = Trial>) -> Vec<Scored> {
        trials.into_iter().map(|trial| score(&self.tolerance, u, magnitude, trial)).collect()
    }

    /// Whether a right formula explains a tensor, so that no wrong one needs to be tried.
    pub fn explained(&self, scored: &[Scored]) -> bool {
        self.pending.is_empty() && scored.iter().any(|s| s.causes.is_empty() && s.passes)
    }

    /// The wrong tensors of the file and what they should be, in computing order.
    pub fn beside(&self) -> Vec<Beside> {
        let wrong = self.checked.iter().filter(|checked| checked.status == Status::Wrong);
        let both = |checked: &Checked| {
            let (slot, right) = (checked.tensor, self.rights.get(&checked.tensor)?);
            let right = match slot {
                Slot::New(param) => minus(self.case.get(Slot::Param(param))?, right),
                _ => right.clone(),
            };
            let given = self
                .case
                .get(slot)
                .filter(|given| (given.rows(), given.cols()) == (right.rows(), right.cols()))?
                .clone();
            Some(Beside { tensor: slot, given, right })
        };
        wrong.filter_map(both).collect()
    }

    /// The verdict on one tensor of the file: recorded, and the explanations that hold returned.
    pub fn settle(
        &mut self,
        slot: Slot,
        mut scored: Vec<Scored>,
        unknown: impl FnOnce(&Self) -> String,
    ) -> Settled {
        let right =
            scored.iter().filter(|s| s.causes.is_empty()).map(|s| s.residual).fold(f64::INFINITY, f64::min);
        let residual = right.is_finite().then_some(Number(right));
        if self.explained(&scored) {
            scored.retain(|s| s.causes.is_empty() && s.passes);
            if let Some(note) = scored[0].note {
                self.note(note);
            }
            self.checked.push(Checked { tensor: slot, name: None, status: Status::Ok, residual });
            return Settled { winners: scored };
        }
        let rights = scored.iter_mut().filter(|s| s.causes.is_empty());
        let nearest = rights.min_by(|a, b| a.residual.total_cmp(&b.residual));
        if let Some(right) = nearest.and_then(|s| s.right.take()) {
            self.rights.insert(slot, right);
        }
        for s in scored.iter_mut().filter(|_| !self.pending.is_empty()) {
            s.causes.splice(0..0, self.pending.iter().cloned());
        }
        self.checked.push(Checked { tensor: slot, name: None, status: Status::Wrong, residual });
        let decision = decide(&scored);
        if decision.winners.is_empty() || !decision.apart {
            self.unnamed(slot, &decision, &scored, unknown);
            self.pending.clear();
            return Settled { winners: decision.winners };
        }
        self.pending.clear();
        self.named(slot, &decision);
        Settled { winners: decision.winners }
    }

    /// Reports explained numbers: one finding for every bug they need.
    fn named(&mut self, slot: Slot, decision: &Decision) {
        let lead = &decision.winners[0];
        let bugs = lead.bugs();
        let (mut also, mut alternatives): (Vec<Bug>, Vec<String>) = (Vec::new(), Vec::new());
        for cause in decision.winners.iter().flat_map(|winner| &winner.causes) {
            if !bugs.contains(&cause.bug) && !also.contains(&cause.bug) {
                also.push(cause.bug);
                alternatives.push(cause.formula());
            }
        }
        let runner_up = decision.runner_up.as_ref().map(|other| RunnerUp {
            bug: (!other.causes.is_empty()).then(|| join(&other.bugs(), " + ")),
            residual: Number(other.residual),
        });
        for cause in &lead.causes {
            self.findings.push(Finding {
                bug: Some(cause.bug),
                also: also.clone(),
                residual: Number(lead.residual),
                runner_up: runner_up.clone(),
                alternatives: alternatives.clone(),
                made_at: cause.slot,
                factor: cause.factor,
                row: cause.row,
                ..Finding::new(slot, cause.formula(), cause.bug.fix())
            });
        }
    }
}

/// The trials of a table at a site, each at every scale.
pub fn tried<'s>(
    slot: Slot,
    site: &'s Site<'s>,
    table: &'static [Hypothesis],
    scales: &'s [f64],
) -> impl Iterator<Item = Trial> + 's {
    table.iter().filter_map(move |h| (h.value)(site).map(|value| (h, value))).flat_map(move |(h, value)| {
        let trial = move |&scale: &f64| {
            let mut trial = Trial::new(scaled(&value, scale), vec![Cause::of(slot, h)]);
            trial.scale = scale;
            trial
        };
        scales.iter().map(trial).collect::<Vec<_>>()
    })
}

/// Trials of a tensor that is an explained one but for a factor: the known factors near the one that fits, or else
/// that one itself.
pub fn rescaled(
    slot: Slot,
    site: &Site,
    u: &Matrix,
    base: &Matrix,
    causes: &[Cause],
    scales: &[f64],
) -> Vec<Trial> {
    // Of few values, or equal ones, only a factor of the batch, met to rounding, says anything.
    let few = base.data().len() < 4 || base.data().iter().all(|&value| value == base.data()[0]);
    let Some(fitted) = scale::fitted(u, base) else { return Vec::new() };
    if residual(u, &scaled(base, fitted)) > 1e-3 {
        return Vec::new();
    }
    // Gradients that are clipped have some factor, which may come near a known one by chance.
    let near = match (few, site.single) {
        (false, false) => 1e-6,
        (false, true) => 2e-5,
        (true, false) => 1e-9,
        (true, true) => 1e-5,
    };
    let of_batch = |bug: Bug| matches!(bug, Bug::MissingBatchMean | Bug::DoubleBatchMean | Bug::SignFlipped);
    let mut trials = Vec::new();
    for &convention in scales {
        for factor in scale::factors(site) {
            let total = convention * factor.value;
            if (total / fitted - 1.0).abs() < near && (!few || of_batch(factor.bug)) {
                let mut causes = causes.to_vec();
                causes.push(cause(slot, factor.bug, factor.text));
                trials.push(Trial { scale: convention, ..Trial::new(scaled(base, total), causes) });
            }
        }
    }
    if trials.is_empty() && norm(base) > 0.0 && !few {
        let mut causes = causes.to_vec();
        let formula = format!("{fitted:.6} times the right one");
        causes.push(cause(slot, Bug::ScaleConstant, formula).by(fitted));
        trials.push(Trial::new(scaled(base, fitted), causes));
    }
    trials
}
