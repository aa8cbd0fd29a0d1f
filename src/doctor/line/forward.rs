//! z, a, p, loss and accuracy.

use super::Line;
use super::functions::{applied, exponentials, product};
use super::tree::{Expr, Form, Function, Reduction, Targets, number, setting};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::design::{Head, Measure};

impl Line<'_> {
    pub fn preactivation(&mut self, l: usize) -> Expr {
        let input = self.input(l);
        let w = self.of(Slot::Param(Param::W(l)));
        let z = match (self.rows(), self.in_out()) {
            (true, true) => input.product(w),
            (true, false) => input.product(w.transposed()),
            (false, true) => w.transposed().product(input),
            (false, false) => w.product(input),
        };
        match self.bias(l) {
            Some(b) => z.plus(b),
            None => z,
        }
    }

    pub fn activation(&mut self, l: usize) -> Expr {
        let z = self.of(Slot::Z(l));
        let factors = [applied(self.exam.act(l), &z)].into_iter().chain(self.mask(l)).collect();
        product(factors, Vec::new())
    }

    /// Dropout's mask with its factor, if there is one.
    pub fn mask(&mut self, l: usize) -> Option<Expr> {
        self.exam.masks.get(&l)?;
        let given = self.exam.case.get(Slot::Mask(l));
        let scaled = given.is_some_and(|mask| mask.data().iter().any(|&m| m != 0.0 && m != 1.0));
        let mask = self.of(Slot::Mask(l));
        Some(if scaled { mask } else { mask.over(number(1).minus(setting("drop_p"))) })
    }

    pub fn probabilities(&mut self) -> Expr {
        let z = self.of(Slot::Z(self.exam.case.depth()));
        let scores = match self.exam.design.head {
            Head::Softmax => z,
            Head::SoftmaxOf(f) => self.first("h", applied(f, &z)),
            Head::Of(f) => return applied(f, &z),
        };
        let e = self.first("e", exponentials(scores, self.units()));
        e.clone().over(e.along(Reduction::Sum, self.units(), true))
    }

    /// What a penalty adds to the loss; the sum of all squares of weights is made by a statement of its own.
    fn of_penalty(&mut self) -> Option<Expr> {
        if !self.exam.world.penalised {
            return None;
        }
        let each = (1..=self.exam.case.depth()).map(Param::W).map(Slot::Param);
        let squares = each.map(|slot| self.of(slot).squared().over_all(Reduction::Sum));
        let squares = squares.reduce(Expr::plus)?;
        let squares = self.first("squares", squares);
        Some(self.penalty().over(number(2)).times(squares))
    }

    /// The value of each sample's p at its class: with labels, or with targets that are 1 there.
    fn at_class(&mut self, p: &Expr) -> Expr {
        match self.classes() {
            Some(classes) => p.clone().picked(classes, self.units()),
            None => p.clone().times(self.targets()).along(Reduction::Sum, self.units(), false),
        }
    }

    pub fn loss(&mut self) -> Expr {
        let (p, design) = (self.of(Slot::P), self.exam.design);
        let penalty = self.of_penalty();
        let value = if design.is_usual() {
            let how = if self.exam.world.objective == 1.0 { Reduction::Mean } else { Reduction::Sum };
            self.at_class(&p).call(Function::Log).over_all(how).negative()
        } else {
            self.measured(p)
        };
        match penalty {
            Some(penalty) => value.plus(penalty),
            None => value,
        }
    }

    /// A loss of other kinds: a sum or a mean over samples and outputs, times a usual factor.
    fn measured(&mut self, p: Expr) -> Expr {
        let y = self.targets();
        let error = p.clone().minus(y.clone());
        let log = |x: Expr| x.call(Function::Log);
        let (term, half) = match self.exam.design.measure {
            Measure::CrossEntropy => (y.times(log(p)).negative(), 1.0),
            Measure::Binary => {
                let other = |x: Expr| number(1).minus(x);
                let both = y.clone().times(log(p.clone())).plus(other(y).times(log(other(p))));
                (both.negative(), 1.0)
            }
            Measure::Squared => (error.squared(), 2.0),
            Measure::Absolute => (error.call(Function::Abs), 1.0),
            Measure::Huber(delta) => {
                let e = error.call(Function::Abs);
                let near = e.clone().squared().over(number(2));
                let far = number(delta).times(e.clone().minus(number(delta).over(number(2))));
                (e.at_most(number(delta)).choose(near, far), 1.0)
            }
        };
        let outputs = self.exam.case.classes() as f64;
        let n = self.exam.case.count();
        let form = |samples: f64, by: f64, times: f64| {
            let reduced = |how| {
                let value = term.clone().over_all(how);
                if times == 1.0 { value } else { number(times).times(value) }
            };
            let code = match (samples == 1.0, by == 1.0) {
                (true, true) => reduced(Reduction::Sum),
                (false, true) => reduced(Reduction::Sum).over(Form::Count.scalar()),
                (true, false) => reduced(Reduction::Sum).over(number(by)),
                (false, false) => reduced(Reduction::Mean),
            };
            (times / samples / by, code)
        };
        let forms = [n, 1.0].into_iter().flat_map(|samples| [1.0, outputs].map(|by| (samples, by)));
        let forms =
            forms.flat_map(|(samples, by)| [1.0, 0.5, 2.0, 0.25].map(|times| form(samples, by, times)));
        let meant = self.exam.meant_loss().1 / half;
        let off = |share: f64| (meant / share).ln().abs();
        forms.min_by(|a, b| off(a.0).total_cmp(&off(b.0))).map_or_else(|| number(0), |(_, code)| code)
    }

    pub fn accuracy(&mut self) -> Expr {
        let p = self.of(Slot::P);
        let picked = self.at_class(&p).into();
        let y = match self.classes() {
            Some(classes) => Targets::Classes(classes),
            None => Targets::Matrix(self.targets().into()),
        };
        Form::Hits { p: p.into(), picked, y }.scalar()
    }
}
