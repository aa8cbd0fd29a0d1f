//! What the network ends in and is measured by, read off the numbers, since most files do not say.
//!
//! Three things speak for a design: p is its function of z; the loss is its loss; `dz_L` (or `dW_L`, or the step) is
//! its gradient but for a factor. A design for which all that are in the file speak is a convention. Where none is,
//! something is wrong, and the design is that of which most is right, softmax with cross-entropy before others.

use super::examination::Exam;
use crate::doctor::file::digits;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{column_sums, matmul_nt, matmul_tn, norm, scaled, times};
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
struct Shown {
    value: Matrix,
    by: By,
    /// The learning rate if it is a step, and 1 if it is not; nothing if it is not known.
    rate: Option<f64>,
    slack: f64,
}

/// What the gradient of the last z is seen by.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// Itself.
    Itself,
    /// The gradient of the layer's weights.
    Weights,
    /// The gradient of its biases.
    Biases,
    /// The gradient of its input.
    Input,
    /// The gradient of the z below.
    Below,
}

/// What speaks for a design.
struct Evidence {
    /// How many things do.
    speaking: usize,
    /// How many could and do not.
    silent: usize,
    /// How much those that do weigh.
    weight: usize,
    /// Whether p does, if there is one.
    head: Option<bool>,
    /// Whether the loss does, if there is one.
    loss: Option<bool>,
    /// The factors that the gradient may have; none if it does not show.
    factors: Vec<f64>,
}

impl Exam<'_> {
    /// How far numbers may be off and still be recognised.
    pub fn slack(&self) -> f64 {
        let usual = if self.tolerance.single { 1e-3 } else { 1e-6 };
        f64::max(usual, 400.0 * self.tolerance.written)
    }

    /// How far a printed loss may be off for its digits, and those of the numbers that it is computed from.
    pub fn loss_rounding(&self) -> f64 {
        let own = self.case.get(Slot::Loss).and_then(|loss| loss.data().first());
        own.map_or(0.0, |&loss| digits::rounding(loss)).max(4.0 * self.tolerance.written)
    }

    /// The design supposed among those for which all in the file speaks; without any, the one for which most does.
    /// Nothing if the world supposes one more than there are.
    pub fn inferred_design(&mut self) -> Option<Design> {
        if self.case.alone {
            // The gradient is the file's; nothing is said of outputs and loss.
            let sum = Design { head: Head::Of(Activation::Identity), measure: Measure::Squared, factor: 1.0 };
            return (self.world.choice == 0).then_some(sum);
        }
        let shown = self.shown_delta();
        let outputs = self.case.classes() as f64;
        let mut allowed: Vec<(usize, Design)> = Vec::new();
        let mut best: Option<(usize, usize, Design)> = None;
        let all = Design::ALL.into_iter().chain(self.clipped_errors());
        for design in all.filter(|design| design.takes(&self.case.y)) {
            let Evidence { speaking, silent, weight, head, loss, mut factors } =
                self.evidence(design, shown.as_ref());
            // A border of the error must show in the loss or in the gradients.
            if matches!(design.measure, Measure::Huber(_)) && speaking < 1 + usize::from(head == Some(true)) {
                continue;
            }
            if design.is_usual() {
                factors = vec![1.0];
            }
            let first = factors.first().copied().unwrap_or(1.0);
            if silent == 0 {
                if factors.is_empty() {
                    factors = head::factors(outputs).to_vec();
                }
                allowed.extend(factors.into_iter().map(|factor| Design { factor, ..design }).enumerate());
            }
            // Behind a softmax a squared error is as good as never meant: something must say so.
            if design.head == Head::Softmax && !design.is_usual() && (speaking < 2 || loss == Some(false)) {
                continue;
            }
            // The usual design comes first and keeps its place unless another has more for it, or p is exactly the softmax
            // of something else than z.
            let shows_p = matches!(design.head, Head::SoftmaxOf(_)) && head == Some(true);
            let better = best.as_ref().is_none_or(|&(most, heaviest, other)| {
                let gives_way = shows_p || !other.is_usual();
                speaking > most || (speaking == most && gives_way && weight > heaviest)
            });
            if better {
                best = Some((speaking, weight, Design { factor: first, ..design }));
            }
        }
        let fallback = || best.map_or_else(Design::default, |(_, _, design)| design);
        // Every design comes with its likeliest factor before any comes with another.
        allowed.sort_by_key(|(rank, _)| *rank);
        let design = match (allowed.get(self.world.choice), self.world.choice) {
            (Some(&(_, design)), _) => design,
            (None, 0) => {
                let usual = fallback();
                self.weighed_design().unwrap_or(usual)
            }
            (None, _) => return None,
        };
        if !design.is_usual() {
            let otherwise = match (design.head, design.measure, self.printed_loss()) {
                (Head::Of(Activation::Sigmoid), Measure::Binary, None) => {
                    "; if the squared error is meant, p·(1 - p) is missing: export `loss` to have it decided"
                }
                (Head::Of(Activation::Sigmoid), Measure::Squared, None) => {
                    "; if the binary cross-entropy is meant, p·(1 - p) is too much: export `loss` to have it decided"
                }
                _ => "",
            };
            self.note(format!("{}{otherwise}", described(design, outputs)));
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
        // A loss without its minus is of this design, too, and wrong.
        let loss = self.printed_loss().map(|loss| self.explains(&site, loss) || self.explains(&site, -loss));
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
            head,
            loss,
            factors: factor.flatten().unwrap_or_default(),
        }
    }

    /// The loss of the file as one number.
    pub fn printed_loss(&self) -> Option<f64> {
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
            head::losses(site, 0.0)
        };
        let l2 = self.numbers.get("l2").copied().unwrap_or(0.0);
        let squares = if l2 == 0.0 { 0.0 } else { l2 * loss::weights_squared(site) };
        // The loss's factor beside the gradient's is at the penalty, too.
        let outputs = head::factors(self.case.classes() as f64);
        let own = outputs.iter().flat_map(|t| outputs.map(|f| 0.5 * t / f));
        let own = own.filter(|_| !site.design.is_usual() && squares != 0.0);
        let own = own.flat_map(|share| [share, share * n, share / n]);
        let usual = [0.0, 0.5, 1.0, 0.5 / n, 1.0 / n];
        let penalties: Vec<f64> = usual.into_iter().chain(own).map(|share| share * squares).collect();
        let slack = f64::max(if self.tolerance.single { 1e-5 } else { 1e-8 }, self.loss_rounding());
        let near = |loss: f64| {
            (loss - given).abs() <= slack * given.abs().max(1.0) || (loss.is_nan() && given.is_nan())
        };
        losses.iter().any(|loss| penalties.iter().any(|penalty| near(loss + penalty)))
    }

    /// Whether the file shows with which factor the gradients are.
    pub fn shows_gradient(&self) -> bool {
        self.shown_delta().is_some_and(|shown| shown.rate.is_some())
    }

    /// The gradient that shows the design best: of z, of the weights, of what lies below, or the step.
    fn shown_delta(&self) -> Option<Shown> {
        let l = self.case.depth();
        let (w, slack) = (Param::W(l), self.slack());
        let shown = |value: &Matrix, by| Shown { value: value.clone(), by, rate: Some(1.0), slack };
        let usable = |shown: Shown| {
            let size = norm(&shown.value);
            (size > 0.0 && size.is_finite()).then_some(shown)
        };
        let many = |value: &&Matrix| value.data().len() >= FEW;
        if let Some(dz) = self.case.get(Slot::Dz(l)) {
            return usable(shown(dz, By::Itself));
        }
        if let Some(dw) = self.case.get(Slot::Grad(w)).filter(many) {
            return usable(shown(dw, By::Weights));
        }
        let summed = |db: &&Matrix| many(db) && self.case.n > 1 && self.case.shared_biases.is_empty();
        if let Some(db) = self.case.get(Slot::Grad(Param::B(l))).filter(summed) {
            return usable(shown(db, By::Biases)).filter(|shown| shown.value.rows() == 1);
        }
        if l > 1 && !self.masks.contains_key(&(l - 1)) {
            let below = self.case.get(Slot::Dz(l - 1)).filter(many);
            if let Some(dz) = below {
                return usable(shown(dz, By::Below));
            }
            if let Some(da) = self.case.get(Slot::Da(l - 1)).filter(many) {
                return usable(shown(da, By::Input));
            }
        }
        let few = self.case.w(l).data().len() < FEW;
        if few || self.case.get(Slot::New(w)).is_none() || self.rule() != Rule::Plain {
            return None;
        }
        let step = self.step(w);
        let rounding = 16.0 * self.tolerance.epsilon * norm(self.case.w(l)) / norm(&step);
        let rate = self.numbers.get("lr").copied();
        let shown = Shown { value: step, by: By::Weights, rate, slack: slack.max(rounding) };
        usable(shown).filter(|shown| shown.slack < 0.1)
    }

    /// Whether the gradient shown is the design's, and the known factors that it may have.
    fn factor(&self, shown: &Shown, design: Design, p: &Matrix) -> Option<Vec<f64>> {
        let l = self.case.depth();
        let delta = scaled(&design.delta(&self.z[l - 1], p, &self.case.y), 1.0 / self.case.count());
        let few = delta.data().len() < FEW;
        let input = || matmul_nt(&delta, self.case.w(l));
        let base = match shown.by {
            By::Weights => matmul_tn(&self.a[l - 1], &delta),
            By::Biases => column_sums(&delta),
            By::Input => input(),
            By::Below => times(&input(), &self.z[l - 2].map(|z| self.act(l - 1).derivative(z))),
            By::Itself => delta,
        };
        let weights = (shown.by == By::Weights).then(|| self.case.w(l));
        let fitted = multiple(&shown.value, &base, weights, shown.slack)?;
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
pub fn multiple(u: &Matrix, base: &Matrix, weights: Option<&Matrix>, slack: f64) -> Option<f64> {
    let penalised = |w: &Matrix| scale::combination(u, base, w, slack).map(|(c, _)| c).filter(|c| *c != 0.0);
    scale::multiple(u, base, slack).or_else(|| penalised(weights.filter(|_| u.data().len() >= FEW)?))
}

/// A design in words.
fn described(design: Design, outputs: f64) -> String {
    let near = |value: f64| (design.factor - value).abs() < 1e-9;
    let loss = match design.measure {
        Measure::Squared if near(1.0) => ", ½Σ(p - y)² for each sample",
        Measure::Squared if near(2.0) => ", Σ(p - y)² for each sample",
        Measure::Squared if near(2.0 / outputs) => ", the mean of (p - y)² over the outputs",
        Measure::Huber(delta) => {
            return format!(
                "the outputs are {}, and the gradients are those of the Huber loss with δ = {delta:.6}",
                design.head
            );
        }
        _ => "",
    };
    format!(
        "the outputs are {}, and the gradients are those of the {}{loss}",
        design.head,
        design.measure.name()
    )
}
