//! Training with bugs, using the formulas by which the doctor recognises them.
//!
//! A step uses the correct formulas, but the formula of each injected bug replaces the correct one. So the replayed bug is
//! exactly the one that the doctor would name.

use super::injection::{Injection, Stage};
use super::setting::Setting;
use crate::doctor::file::case::Case;
use crate::doctor::file::layout::Layout;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{plus, scaled, times};
use crate::doctor::formulas::catalogue::Bug;
use crate::doctor::formulas::design::Design;
use crate::doctor::formulas::hypothesis::{Hypothesis, Site};
use crate::doctor::formulas::optimiser::{self, Rule};
use crate::doctor::formulas::steps::{Numbers, State};
use crate::doctor::formulas::{accuracy, delta, gradient, hidden, loss, preactivation, probabilities, scale};
use crate::network::Activation;
use crate::reference::{Layer, Matrix};
use preactivation::activation;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A batch of samples: inputs `[n, in]` and a class for each.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The inputs.
    pub x: Matrix,
    /// The classes.
    pub labels: Vec<u32>,
}

/// What an evaluation gives: what the code with the bugs prints, and the truth about the same logits.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Measured {
    /// The loss as printed.
    pub printed_loss: f64,
    /// The mean loss of the logits, by custom the cross-entropy in nats.
    pub loss: f64,
    /// The accuracy as printed.
    pub printed_accuracy: f64,
    /// The share of samples whose largest logit is the label's.
    pub accuracy: f64,
}

/// A network in training with bugs.
pub struct Training<'b> {
    case: Case,
    act: Activation,
    design: Design,
    numbers: Numbers,
    bugs: &'b [Injection],
    /// Bugs whose formula has had something to stand in for.
    applied: RefCell<BTreeSet<Bug>>,
    /// Gradients of all batches so far, for the bug that never resets them.
    accumulated: BTreeMap<Param, Matrix>,
    masks: ChaCha8Rng,
}

/// z of every layer, the input of every layer, p, and whether p is right.
struct Pass {
    z: Vec<Matrix>,
    a: Vec<Matrix>,
    p: Matrix,
    right_p: bool,
}

impl<'b> Training<'b> {
    /// A network of these parameters. The optimiser and the settings are those that the bugs need to show; `lr` is
    /// theirs too unless given.
    pub fn new(
        layers: &[Layer],
        act: Activation,
        lr: Option<f64>,
        bugs: &'b [Injection],
        setting: &Setting,
    ) -> Self {
        let mut given = BTreeMap::new();
        let mut sizes = vec![layers.first().map_or(0, |layer| layer.w.rows())];
        for (l, layer) in (1..).zip(layers) {
            sizes.push(layer.w.cols());
            given.insert(Slot::Param(Param::W(l)), layer.w.clone());
            given.insert(Slot::Param(Param::B(l)), Matrix::from_fn(1, layer.b.len(), |_, c| layer.b[c]));
        }
        let layout = Layout { rows: true, in_out: true };
        let empty = Matrix::zeros([0, sizes[0]]);
        let case = Case {
            layout,
            n: 0,
            sizes,
            y: empty.clone(),
            one_hot: true,
            shared_biases: BTreeSet::new(),
            unseen_biases: BTreeSet::new(),
            bias_rows: false,
            alone: false,
            aside: BTreeSet::new(),
            x: empty,
            labels: Vec::new(),
            given,
            notes: Vec::new(),
        };
        let mut training = Self {
            case,
            act,
            design: setting.design,
            numbers: setting.numbers(lr),
            bugs,
            applied: RefCell::default(),
            accumulated: BTreeMap::new(),
            masks: ChaCha8Rng::seed_from_u64(setting.seed),
        };
        training.start();
        training
    }

    /// Bugs of the start: initial values, and the state of the optimiser.
    fn start(&mut self) {
        if self.has(Bug::LearningRateTooHigh, Stage::Training) {
            self.numbers.entry("lr").and_modify(|lr| *lr *= 20.0);
        }
        for l in 1..=self.case.depth() {
            if self.has(Bug::ConstantInit, Stage::Training) {
                let value = (self.case.sizes[l - 1] as f64).sqrt().recip();
                self.parameter(Param::W(l)).data_mut().fill(value);
            }
            if l < self.case.depth() && self.has(Bug::DeadRelu, Stage::Training) {
                self.parameter(Param::B(l)).data_mut().fill(-100.0);
            }
        }
        for param in self.params() {
            let zeros = Matrix::zeros(self.case.given[&Slot::Param(param)].shape());
            for slot in self.rule().state(param) {
                self.case.given.insert(slot, zeros.clone());
            }
        }
    }

    /// One step on a batch.
    pub fn step(&mut self, batch: Batch) {
        self.load(batch, Stage::Training);
        self.draw_masks();
        let gradients = self.gradients();
        for (param, gradient) in gradients {
            self.update(param, gradient);
        }
        self.numbers.entry("adam_t").and_modify(|t| *t += 1.0);
    }

    /// Loss and accuracy of a batch, all of it in one matrix.
    pub fn evaluate(&mut self, batch: Batch) -> Measured {
        self.load(batch, Stage::Evaluation);
        self.case.given.retain(|slot, _| !matches!(slot, Slot::Mask(_)));
        let pass = self.forward(Stage::Evaluation);
        let logits = &pass.z[pass.z.len() - 1];
        let truth = probabilities::right(&self.site(self.case.depth(), &pass, logits));
        let of = |p| self.site(self.case.depth(), &pass, p);
        let share = |p| accuracy::hits(p, &self.case.labels) as f64 / self.case.count();
        let total = |p| self.design.measure.total(p, &self.case.y) / self.case.count();
        let usual = self.design.is_usual();
        let loss = if usual { loss::stable(&of(&truth)) } else { total(&truth) };
        let right = if pass.right_p { loss } else { total(&pass.p) };
        let printed = |table, right| {
            self.wrong(table, Stage::Evaluation, &of(&pass.p)).map_or(right, |value| value.at(0, 0))
        };
        Measured {
            printed_loss: printed(loss::table(&of(&pass.p)), right),
            loss,
            printed_accuracy: printed(accuracy::TABLE, share(&pass.p)),
            accuracy: share(logits),
        }
    }

    /// Bugs that had nothing to stand in for: their formula does not apply to this network.
    pub fn never_applied(&self) -> Vec<Bug> {
        let applied = self.applied.borrow();
        self.bugs.iter().map(Injection::bug).filter(|bug| !applied.contains(bug)).collect()
    }

    fn rule(&self) -> Rule {
        Rule::of(&self.case, &self.numbers)
    }

    fn params(&self) -> Vec<Param> {
        (1..=self.case.depth()).flat_map(|l| [Param::W(l), Param::B(l)]).collect()
    }

    #[allow(clippy::expect_used, reason = "the constructor has put every parameter in")]
    fn parameter(&mut self, param: Param) -> &mut Matrix {
        self.case.given.get_mut(&Slot::Param(param)).expect("a parameter of this network")
    }

    /// Whether a bug acts at a stage; it counts as applied.
    fn has(&self, bug: Bug, stage: Stage) -> bool {
        let acts = self.bugs.iter().any(|injection| injection.bug() == bug && injection.acts_in(stage));
        if acts {
            self.applied.borrow_mut().insert(bug);
        }
        acts
    }

    /// What the first injected bug of a table makes of a site.
    fn wrong(&self, table: &[Hypothesis], stage: Stage, site: &Site<'_>) -> Option<Matrix> {
        let injected = |h: &&Hypothesis| {
            self.bugs.iter().any(|injection| injection.takes(h.bug, h.formula) && injection.acts_in(stage))
        };
        let (bug, value) = table.iter().filter(injected).find_map(|h| Some((h.bug, (h.value)(site)?)))?;
        self.applied.borrow_mut().insert(bug);
        Some(value)
    }

    fn site<'a>(&'a self, l: usize, pass: &'a Pass, up: &'a Matrix) -> Site<'a> {
        self.site_of(l, &pass.z, &pass.a, up)
    }

    fn site_of<'a>(&'a self, l: usize, z: &'a [Matrix], a: &'a [Matrix], up: &'a Matrix) -> Site<'a> {
        Site {
            case: &self.case,
            act: self.act.into(),
            design: self.design,
            numbers: &self.numbers,
            single: false,
            l,
            z,
            a,
            up,
        }
    }

    /// Makes a batch the one that formulas see.
    fn load(&mut self, batch: Batch, stage: Stage) {
        let Batch { mut x, labels } = batch;
        if self.has(Bug::InputsUnscaled, stage) {
            x = scaled(&x, 255.0);
        }
        if stage == Stage::Training && self.has(Bug::InputsNotAligned, stage) {
            x = Matrix::from_fn(x.rows(), x.cols(), |r, c| x.at((r + 1) % x.rows(), c));
        }
        self.case.n = x.rows();
        self.case.labels = labels.iter().map(|&label| label as usize).collect();
        let classes = self.case.classes();
        self.case.y = Matrix::from_fn(x.rows(), classes, |r, c| f64::from(self.case.labels[r] == c));
        self.case.x = x;
    }

    /// Which units dropout keeps in this step.
    fn draw_masks(&mut self) {
        let Some(&q) = self.numbers.get("drop_p") else { return };
        for l in 1..self.case.depth() {
            let kept = |_, _| f64::from((self.masks.next_u32() as f64) >= q * 2_f64.powi(32));
            let mask = Matrix::from_fn(self.case.n, self.case.sizes[l], kept);
            self.case.given.insert(Slot::Mask(l), mask);
        }
    }

    /// Dropout's mask of a layer with its scale.
    fn mask(&self, l: usize) -> Option<Matrix> {
        let q = self.numbers.get("drop_p")?;
        Some(scaled(self.case.get(Slot::Mask(l))?, 1.0 / (1.0 - q)))
    }

    fn forward(&self, stage: Stage) -> Pass {
        let depth = self.case.depth();
        let (mut z, mut a) = (Vec::new(), vec![self.case.x.clone()]);
        for l in 1..=depth {
            let site = self.site_of(l, &z, &a, &a[l - 1]);
            let z_l = self.wrong(preactivation::TABLE, stage, &site);
            z.push(z_l.unwrap_or_else(|| preactivation::right(&site)));
            if l < depth {
                a.push(self.activation(stage, &z, &a));
            }
        }
        let site = self.site_of(depth, &z, &a, &z[depth - 1]);
        let wrong = self.wrong(probabilities::table(&site), stage, &site);
        let right_p = wrong.is_none();
        let p = wrong.unwrap_or_else(|| probabilities::right(&site));
        Pass { z, a, p, right_p }
    }

    /// The activation of the layer whose z is the last.
    fn activation(&self, stage: Stage, z: &[Matrix], a: &[Matrix]) -> Matrix {
        let l = z.len();
        if self.has(Bug::PreactivationOverwritten, stage) {
            // One array for both: what stands in z has been activated already.
            return z[l - 1].clone();
        }
        let site = self.site_of(l, z, a, &z[l - 1]);
        self.wrong(activation::TABLE, stage, &site).unwrap_or_else(|| {
            let plain = activation::right(&site);
            self.mask(l).map_or_else(|| plain.clone(), |mask| times(&plain, &mask))
        })
    }

    /// The gradients of all parameters, from the last layer to the first.
    fn gradients(&self) -> Vec<(Param, Matrix)> {
        let (stage, depth) = (Stage::Training, self.case.depth());
        let pass = self.forward(stage);
        let site = self.site(depth, &pass, &pass.p);
        let mut dz = self.wrong(delta::table(&site), stage, &site).unwrap_or_else(|| delta::right(&site));
        let mut gradients = Vec::new();
        for l in (1..=depth).rev() {
            let site = self.site(l, &pass, &dz);
            for param in [Param::W(l), Param::B(l)] {
                let wrong = self.wrong(gradient::table(param), stage, &site);
                let value = wrong.unwrap_or_else(|| gradient::right(&site, param));
                gradients.push((param, scaled(&value, self.factor(&site))));
            }
            if l > 1 {
                let site = self.site(l - 1, &pass, &dz);
                let da = self
                    .wrong(hidden::through_weights::TABLE, stage, &site)
                    .unwrap_or_else(|| hidden::through_weights::right(&site));
                let site = self.site(l - 1, &pass, &da);
                let right = || hidden::rights(&site, self.mask(l - 1).as_ref()).swap_remove(0);
                dz = self.wrong(hidden::TABLE, stage, &site).unwrap_or_else(right);
            }
        }
        gradients
    }

    /// The product of the factors that injected bugs put on every gradient.
    fn factor(&self, site: &Site<'_>) -> f64 {
        let factors = scale::factors(site);
        let mut product = 1.0;
        for bug in self.bugs.iter().filter(|injection| injection.is_scale()).map(Injection::bug) {
            if let Some(factor) = factors.iter().find(|factor| factor.bug == bug) {
                self.applied.borrow_mut().insert(bug);
                product *= factor.value;
            }
        }
        product
    }

    /// Accumulation, penalty, the optimiser's step.
    fn update(&mut self, param: Param, mut gradient: Matrix) {
        let (stage, is_weight) = (Stage::Training, matches!(param, Param::W(_)));
        if self.has(Bug::AccumulatorNotReset, stage) {
            gradient = match self.accumulated.get(&param) {
                Some(before) => plus(before, &gradient),
                None => gradient,
            };
            self.accumulated.insert(param, gradient.clone());
        }
        let rateless = is_weight && self.has(Bug::DecayWithoutLr, stage);
        let l2 = self.numbers.get("l2").copied();
        if let Some(l2) = l2.filter(|_| !rateless) {
            let wrong = if is_weight { Bug::L2Factor } else { Bug::L2OnBias };
            let factor = match (is_weight, self.has(wrong, stage)) {
                (true, false) | (false, true) => l2,
                (true, true) => l2 * self.case.count(),
                (false, false) => 0.0,
            };
            gradient = plus(&gradient, &scaled(&self.case.given[&Slot::Param(param)], factor));
        }
        if self.has(if is_weight { Bug::WeightNotUpdated } else { Bug::BiasNotUpdated }, stage) {
            return;
        }
        let Some(step) = self.optimiser_step(param, &gradient) else { return };
        let decay = l2.filter(|_| rateless).unwrap_or(0.0);
        for (value, step) in self.parameter(param).data_mut().iter_mut().zip(step.data()) {
            *value -= step + decay * *value;
        }
    }

    /// `w - w_new`; the optimiser remembers what it has to.
    fn optimiser_step(&mut self, param: Param, gradient: &Matrix) -> Option<Matrix> {
        let rule = self.rule();
        let state = State::of(&self.case, &self.numbers, param, rule)?;
        let wrong = optimiser::wrong_steps(&self.case, &self.numbers, param, &state, gradient, 1.0)
            .into_iter()
            .find_map(|trial| {
                let injected = |bug: &&Injection| bug.takes(trial.causes[0].bug, trial.causes[0].text());
                self.bugs.iter().find(injected).map(|bug| (bug.bug(), trial.value))
            });
        let step = match wrong {
            Some((bug, step)) => {
                self.applied.borrow_mut().insert(bug);
                step
            }
            // The first of the right forms: `v = μ·v + g; w -= lr·v`, or Adam as published.
            None => {
                let steps =
                    optimiser::right_steps(&self.case, &self.numbers, param, &state, gradient, 1.0, 1e-9);
                steps.into_iter().next()?.value
            }
        };
        let remembered = state.after(rule, &self.numbers, gradient);
        for (slot, value) in rule.state(param).into_iter().zip(remembered) {
            self.case.given.insert(slot, value);
        }
        Some(step)
    }
}
