//! What the network ends in and is measured by, and the activation of each hidden layer: read off the numbers, since
//! most files do not say.
//!
//! Three things speak for a design: p is its function of z; the loss is its loss; `dz_L` (or `dW_L`, or the step) is
//! its gradient but for a factor. A design for which all that are in the file speak is a convention. Where none is,
//! something is wrong, and the design is that of which most is right, softmax with cross-entropy before others.

use super::examination::Exam;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{column_sums, dense, matmul_nt, matmul_tn, norm, scaled, times};
use crate::doctor::formulas::design::{Design, Head, Measure};
use crate::doctor::formulas::hypothesis::Site;
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::trial::residual;
use crate::doctor::formulas::{head, loss, scale};
use crate::network::Activation;
use crate::reference::Matrix;

/// Tensors with fewer values than this can be any gradient times some factor.
const FEW: usize = 4;

/// The gradient of the last layer, as the file shows it.
struct Shown<'a> {
    value: Matrix,
    /// The input of the layer, if the gradient is that of its weights.
    input: Option<&'a Matrix>,
    /// What a penalty adds a multiple of.
    weights: Option<&'a Matrix>,
    /// The learning rate if it is a step, and 1 if it is not; nothing if it is not known.
    rate: Option<f64>,
    /// Whether it is summed over the samples: the gradient of biases.
    summed: bool,
    slack: f64,
}

/// What speaks for a design.
struct Evidence {
    /// How many things do.
    speaking: usize,
    /// How many could and do not.
    silent: usize,
    /// How much those that do weigh.
    weight: usize,
    /// Whether the loss does, if there is one.
    loss: Option<bool>,
    /// The factors that the gradient may have; none if it does not show.
    factors: Vec<f64>,
}

impl Exam<'_> {
    /// How far numbers may be off and still be recognised.
    fn slack(&self) -> f64 {
        if self.tolerance.single { 1e-3 } else { 1e-6 }
    }

    /// The activation of hidden layer l, by its a or by the next z; else the one supposed.
    pub fn inferred_activation(&self, l: usize, z: &Matrix) -> Activation {
        let supposed = self.world.act;
        if self.world.act_named {
            return supposed;
        }
        let dropped = |a: &Matrix| self.masks.get(&l).map(|mask| times(a, mask));
        // Activations differ little where units are on; rounding differs less.
        let close = self.slack() / 100.0;
        let fits = |act: &Activation| {
            let a = z.map(|z| act.apply(z));
            let both = [dropped(&a), Some(a)];
            let mut forms = both.iter().flatten();
            match (self.case.get(Slot::A(l)), self.case.get(Slot::Z(l + 1))) {
                (Some(given), _) => forms.any(|a| residual(given, a) < close),
                (None, Some(next)) => {
                    forms.any(|a| residual(next, &dense(a, self.case.w(l + 1), self.case.b(l + 1))) < close)
                }
                (None, None) => self.backward_shows(l, z, *act).unwrap_or(*act == supposed),
            }
        };
        let shows = |act: &Activation| self.backward_shows(l, z, *act) == Some(true);
        let all = || [supposed].into_iter().chain(Activation::ALL);
        all().find(fits).or_else(|| all().find(shows)).unwrap_or(supposed)
    }

    /// Whether `dW_{l+1} = aᵀ·dz` or `dz_l = da ⊙ f'(z)`, but for a factor; nothing if the file lacks them.
    fn backward_shows(&self, l: usize, z: &Matrix, act: Activation) -> Option<bool> {
        if self.masks.contains_key(&l) {
            return None;
        }
        let above = self.case.get(Slot::Dz(l + 1));
        if let (Some(dw), Some(dz)) = (self.case.get(Slot::Grad(Param::W(l + 1))), above) {
            let product = matmul_tn(&z.map(|z| act.apply(z)), dz);
            return Some(multiple(dw, &product, Some(self.case.w(l + 1)), self.slack()).is_some());
        }
        let computed = above.map(|dz| matmul_nt(dz, self.case.w(l + 1)));
        let dz = self.case.get(Slot::Dz(l))?;
        // What is called da may hold dz.
        let given = self.case.get(Slot::Da(l)).filter(|da| residual(da, dz) > self.slack());
        let da = computed.as_ref().or(given)?;
        let product = times(da, &z.map(|z| act.derivative(z)));
        Some(multiple(dz, &product, None, self.slack()).is_some())
    }

    /// The design supposed among those for which all in the file speaks; without any, the one for which most does.
    /// Nothing if the world supposes one more than there are.
    pub fn inferred_design(&mut self) -> Option<Design> {
        let shown = self.shown_delta();
        let outputs = self.case.classes() as f64;
        let (mut allowed, mut best): (Vec<Design>, Option<(usize, usize, Design)>) = (Vec::new(), None);
        for design in Design::ALL.into_iter().filter(|design| design.takes(&self.case.y)) {
            let Evidence { speaking, silent, weight, loss, mut factors } =
                self.evidence(design, shown.as_ref());
            if design.is_usual() {
                factors = vec![1.0];
            }
            let first = factors.first().copied().unwrap_or(1.0);
            if silent == 0 {
                if factors.is_empty() {
                    factors = head::factors(outputs).to_vec();
                }
                allowed.extend(factors.into_iter().map(|factor| Design { factor, ..design }));
            }
            // Behind a softmax a squared error is as good as never meant: something must say so.
            if design.head == Head::Softmax && !design.is_usual() && (speaking < 2 || loss == Some(false)) {
                continue;
            }
            // The usual design comes first and keeps its place unless another has more for it.
            let better = best.as_ref().is_none_or(|&(most, heaviest, other)| {
                speaking > most || (speaking == most && !other.is_usual() && weight > heaviest)
            });
            if better {
                best = Some((speaking, weight, Design { factor: first, ..design }));
            }
        }
        let fallback = || best.map_or_else(Design::default, |(_, _, design)| design);
        let design = match (allowed.get(self.world.choice), self.world.choice) {
            (Some(&design), _) => design,
            (None, 0) => fallback(),
            (None, _) => return None,
        };
        if !design.is_usual() {
            self.note(described(design, outputs));
        }
        Some(design)
    }

    /// What speaks for a design.
    fn evidence(&self, design: Design, shown: Option<&Shown>) -> Evidence {
        let l = self.case.depth();
        let z = &self.z[l - 1];
        let own = design.head.apply(z);
        let given = self.case.get(Slot::P);
        let p = given.unwrap_or(&own);
        let head = given.map(|given| residual(given, &own) < self.slack());
        let site = Site { design, ..self.site(l, p) };
        let loss = self.printed_loss().map(|loss| self.explains(&site, loss));
        let factor =
            shown.map(|shown| self.factor(shown, design, p).or_else(|| self.factor(shown, design, &own)));
        let gradient = factor.as_ref().map(Option::is_some);
        let parts = [(head, 4), (loss, 3), (gradient, 2)];
        let speaking = parts.iter().filter(|(part, _)| *part == Some(true));
        let silent = parts.iter().filter(|(part, _)| *part == Some(false)).count();
        let weight = speaking.clone().map(|(_, weight)| weight).sum();
        Evidence {
            speaking: speaking.count(),
            silent,
            weight,
            loss,
            factors: factor.flatten().unwrap_or_default(),
        }
    }

    /// The loss of the file as one number.
    fn printed_loss(&self) -> Option<f64> {
        match self.case.get(Slot::Loss)?.data() {
            [loss] => Some(*loss),
            each if each.len() == self.case.n => Some(each.iter().sum::<f64>() / self.case.count()),
            _ => None,
        }
    }

    /// Whether a loss is the site's design's, with or without a penalty.
    fn explains(&self, site: &Site, given: f64) -> bool {
        let n = self.case.count();
        let losses = if site.design.is_usual() {
            loss::rights(site).into_iter().flat_map(|loss| [loss, loss * n]).collect()
        } else {
            head::losses(site)
        };
        let l2 = self.numbers.get("l2").copied().unwrap_or(0.0);
        let squares = if l2 == 0.0 { 0.0 } else { l2 * loss::weights_squared(site) };
        let penalties = [0.0, 0.5, 1.0, 0.5 / n, 1.0 / n].map(|share| share * squares);
        let slack = if self.tolerance.single { 1e-5 } else { 1e-8 };
        let near = |loss: f64| {
            (loss - given).abs() <= slack * given.abs().max(1.0) || (loss.is_nan() && given.is_nan())
        };
        losses.iter().any(|loss| penalties.iter().any(|penalty| near(loss + penalty)))
    }

    /// The gradient that shows the design best: of z, of the weights, or the step.
    fn shown_delta(&self) -> Option<Shown<'_>> {
        let l = self.case.depth();
        let (w, slack) = (Param::W(l), self.slack());
        let (input, weights) = (self.a.get(l - 1), Some(self.case.w(l)));
        let usable = |value: &Matrix| norm(value) > 0.0 && norm(value).is_finite();
        if let Some(dz) = self.case.get(Slot::Dz(l)) {
            return Some(Shown {
                value: dz.clone(),
                input: None,
                weights: None,
                rate: Some(1.0),
                summed: false,
                slack,
            })
            .filter(|shown| usable(&shown.value));
        }
        if let Some(dw) = self.case.get(Slot::Grad(w)).filter(|dw| dw.data().len() >= FEW) {
            return Some(Shown { value: dw.clone(), input, weights, rate: Some(1.0), summed: false, slack })
                .filter(|shown| usable(&shown.value));
        }
        let db = self.case.get(Slot::Grad(Param::B(l)));
        if let Some(db) =
            db.filter(|db| db.data().len() >= FEW && self.case.n > 1 && self.case.shared_biases.is_empty())
        {
            let shown =
                Shown { value: db.clone(), input: None, weights: None, rate: Some(1.0), summed: true, slack };
            return Some(shown).filter(|shown| usable(&shown.value) && shown.value.rows() == 1);
        }
        let few = self.case.w(l).data().len() < FEW;
        if few || self.case.get(Slot::New(w)).is_none() || self.rule() != Rule::Plain {
            return None;
        }
        let step = self.step(w);
        let rounding = 16.0 * self.tolerance.epsilon * norm(self.case.w(l)) / norm(&step);
        let rate = self.numbers.get("lr").copied();
        let shown = Shown { value: step, input, weights, rate, summed: false, slack: slack.max(rounding) };
        Some(shown).filter(|shown| usable(&shown.value) && shown.slack < 0.1)
    }

    /// Whether the gradient shown is the design's, and the known factors that it may have.
    fn factor(&self, shown: &Shown, design: Design, p: &Matrix) -> Option<Vec<f64>> {
        let l = self.case.depth();
        let delta = scaled(&design.delta(&self.z[l - 1], p, &self.case.y), 1.0 / self.case.count());
        let few = delta.data().len() < FEW;
        let base = match shown.input {
            Some(input) => matmul_tn(input, &delta),
            None if shown.summed => column_sums(&delta),
            None => delta,
        };
        let fitted = multiple(&shown.value, &base, shown.weights, shown.slack)?;
        let Some(rate) = shown.rate else { return Some(Vec::new()) };
        let fitted = fitted / rate;
        let mut known = head::factors(self.case.classes() as f64).to_vec();
        known.retain(|factor| {
            let total = fitted.abs() / factor;
            [1.0, self.case.count()].iter().any(|scale| (total / scale - 1.0).abs() < shown.slack.max(1e-4))
        });
        (!known.is_empty() || !few).then_some(known)
    }
}

/// What `u` is of `base`, perhaps with a multiple of the weights added.
fn multiple(u: &Matrix, base: &Matrix, weights: Option<&Matrix>, slack: f64) -> Option<f64> {
    let penalised = |w: &Matrix| scale::combination(u, base, w, slack).map(|(c, _)| c).filter(|c| *c != 0.0);
    scale::multiple(u, base, slack).or_else(|| penalised(weights.filter(|_| u.data().len() >= FEW)?))
}

/// A design in words.
fn described(design: Design, outputs: f64) -> String {
    let near = |value: f64| (design.factor - value).abs() < 1e-9;
    let loss = match design.measure {
        Measure::Squared if near(1.0) => " ½Σ(p - y)²",
        Measure::Squared if near(2.0) => " Σ(p - y)²",
        Measure::Squared if near(2.0 / outputs) => " (p - y)², the mean over outputs",
        _ => "",
    };
    format!(
        "the outputs are {}, and the gradients are those of the {}{loss}",
        design.head,
        design.measure.name()
    )
}
