//! Gradients.

use super::Line;
use super::functions::{by_output, derivative, is_by_output, product};
use super::tree::{Expr, Form, Function, Reduction, number, setting};
use crate::doctor::exam::layer::DECAYED;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::bend::Bend;
use crate::doctor::formulas::design::{Head, Measure};
use crate::network::Activation;

/// Whether two factors are one.
pub fn near(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-9
}

impl Line<'_> {
    /// The factor that convention gives a tensor beside its formula.
    fn scale(&self, slot: Slot) -> f64 {
        self.exam.scales.get(&slot).copied().unwrap_or(1.0)
    }

    /// `f'` of a layer as a factor, written with what it puts out where people write it so.
    fn slope(&mut self, f: Bend, output: Option<Slot>, l: usize) -> Option<Expr> {
        if let (Some(output), true) = (output, is_by_output(f.of)) {
            return Some(by_output(f.of, self.of(output)));
        }
        if f.of == Activation::Identity {
            return None;
        }
        derivative(f, &self.of(Slot::Z(l)))
    }

    pub fn output_delta(&mut self) -> Expr {
        let (design, l) = (self.exam.design, self.exam.case.depth());
        let scale = self.scale(Slot::Dz(l));
        let p = self.of(Slot::P);
        let y = self.targets();
        let error = if scale < 0.0 { y.minus(p.clone()) } else { p.clone().minus(y) };
        let error = match design.measure {
            Measure::Absolute => error.call(Function::Sign),
            Measure::Huber(delta) => error.clipped(delta),
            Measure::Binary if design.head != Head::Of(Activation::Sigmoid) => {
                error.over(p.clone().times(number(1).minus(p.clone())))
            }
            _ => error,
        };
        let mut factors = Vec::new();
        let cancelled = matches!(design.measure, Measure::CrossEntropy | Measure::Binary);
        if design.head.is_softmax() && !cancelled {
            let g = self.first("g", error);
            let shared = g.clone().times(p.clone()).along(Reduction::Sum, self.units(), true);
            factors.extend([p, g.minus(shared)]);
        } else {
            factors.push(error);
        }
        match design.head {
            Head::SoftmaxOf(f) => factors.extend(self.slope(f.into(), None, l)),
            Head::Of(f) if !cancelled => factors.extend(self.slope(f.into(), Some(Slot::P), l)),
            _ => {}
        }
        let (outputs, n) = (self.exam.case.classes() as f64, self.exam.case.count());
        let factor = design.factor * scale.abs();
        let forms = [1.0, n].into_iter().flat_map(|samples| [1.0, outputs].map(|by| (samples, by)));
        let mut forms = forms.flat_map(|(samples, by)| [1.0, 2.0, 0.5].map(|times| (samples, by, times)));
        let known = forms.find(|&(samples, by, times)| near(factor, times * samples / by));
        let (samples, by, times) = known.unwrap_or((1.0, 1.0, factor));
        if times != 1.0 {
            factors.insert(0, number(times));
        }
        let mut divisors = if by == 1.0 { Vec::new() } else { vec![number(by)] };
        if samples == 1.0 && !self.dump.is_one_vector() {
            divisors.push(Form::Count.scalar());
        }
        product(factors, divisors)
    }

    pub fn through_weights(&mut self, l: usize) -> Expr {
        let dz = self.of(Slot::Dz(l + 1));
        let w = self.of(Slot::Param(Param::W(l + 1)));
        let is_vector = self.dump.is_vector(Slot::Param(Param::W(l + 1)));
        if is_vector && self.exam.case.sizes[l + 1] == 1 {
            // Weights to one output: there is nothing to sum.
            return match (self.rows(), self.in_out()) {
                (rows, in_out) if self.dump.is_one_vector() => {
                    dz.times(if rows == in_out { w.flipped() } else { w })
                }
                (true, _) => Expr::outer(dz, w),
                (false, _) => Expr::outer(w, dz),
            };
        }
        let turned = |w: Expr| if is_vector { w.flipped() } else { w.transposed() };
        match (self.rows(), self.in_out()) {
            (true, true) => dz.product(turned(w)),
            (true, false) => dz.product(w),
            (false, true) => w.product(dz),
            (false, false) => turned(w).product(dz),
        }
    }

    pub fn hidden_delta(&mut self, l: usize) -> Expr {
        let given = self.dump.slots.contains_key(&Slot::Da(l));
        let mut factors = vec![if given { self.of(Slot::Da(l)) } else { self.through_weights(l) }];
        // With dropout, a is no longer f(z).
        let output = self.exam.masks.is_empty().then_some(Slot::A(l));
        factors.extend(self.slope(self.exam.act(l), output, l));
        factors.extend(self.mask(l));
        product(factors, Vec::new())
    }

    /// The gradient of weights before convention gives it a factor.
    fn of_weights(&mut self, l: usize) -> Expr {
        let (a, dz) = (self.input(l), self.of(Slot::Dz(l)));
        if self.dump.is_one_vector() {
            return match self.in_out() {
                _ if self.dump.is_vector(Slot::Param(Param::W(l))) => a.times(dz),
                true => Expr::outer(a, dz),
                false => Expr::outer(dz, a),
            };
        }
        match (self.rows(), self.in_out()) {
            (true, true) => a.transposed().product(dz),
            (true, false) => dz.transposed().product(a),
            (false, true) => a.product(dz.transposed()),
            (false, false) => dz.product(a.transposed()),
        }
    }

    pub fn gradient(&mut self, param: Param) -> Expr {
        let value = match param {
            Param::W(l) => self.of_weights(l),
            Param::B(l) => {
                let dz = self.of(Slot::Dz(l));
                let shape = self.dump.slots.get(&Slot::Param(param)).map(|b| b.shape.len());
                match () {
                    () if self.dump.is_one_vector() => dz,
                    () if self.exam.case.shared_biases.contains(&l) => dz.over_all(Reduction::Sum),
                    () => dz.along(Reduction::Sum, 1 - self.units(), shape == Some(2)),
                }
            }
        };
        let (factor, n) = (self.scale(Slot::Grad(param)), self.exam.case.count());
        let value = if factor < 0.0 { value.negative() } else { value };
        let count = || Form::Count.scalar();
        let value = match () {
            () if near(factor.abs(), 1.0) => value,
            () if near(factor.abs(), n) => count().times(value),
            () if near(factor.abs(), 1.0 / n) => value.over(count()),
            () => number(factor.abs()).times(value),
        };
        let decayed = self.exam.notes.iter().any(|note| note == DECAYED) && matches!(param, Param::W(_));
        if !decayed {
            return value;
        }
        let penalty = self.penalty().times(self.of(Slot::Param(param)));
        if self.exam.world.sign < 0.0 { value.minus(penalty) } else { value.plus(penalty) }
    }

    /// What the weights in the penalty's gradient are multiplied with.
    pub fn penalty(&self) -> Expr {
        let decay = self.exam.world.decay;
        let share = decay / self.exam.numbers.get("l2").copied().unwrap_or(decay);
        let n = self.exam.case.count();
        let (l2, count) = (setting("l2"), Form::Count.scalar());
        match () {
            () if near(share, 1.0) => l2,
            () if near(share, 1.0 / n) => l2.over(count),
            () if near(share, 2.0) => number(2).times(l2),
            () => number(2).times(l2).over(count),
        }
    }
}
