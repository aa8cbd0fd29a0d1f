//! Steps, and what optimisers remember.

use super::Line;
use super::backward::near;
use super::functions::product;
use super::tree::{Expr, Form, Function, number, setting};
use crate::doctor::exam::update::DECAYED_STEP;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{minus, scaled};
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::scale;

/// A way to write momentum: whether the velocity adds the gradient, and whether times lr; then the step has the other sign,
/// and lr where the velocity has not.
#[derive(Clone, Copy)]
struct Momentum {
    adds: bool,
    with_rate: bool,
}

/// The ways to write momentum; the first is the usual one.
const MOMENTUM: [Momentum; 4] = [
    Momentum { adds: true, with_rate: false },
    Momentum { adds: false, with_rate: false },
    Momentum { adds: true, with_rate: true },
    Momentum { adds: false, with_rate: true },
];

/// `a + b` or `a - b`, with b times lr or not.
fn moved(a: Expr, adds: bool, with_rate: bool, b: Expr) -> Expr {
    let b = if with_rate { setting("lr").times(b) } else { b };
    if adds { a.plus(b) } else { a.minus(b) }
}

impl Line<'_> {
    /// The way of momentum that the file's velocity follows; the first, if it has none.
    fn momentum(&self, param: Param) -> Momentum {
        let number = |name| self.exam.numbers.get(name).copied().unwrap_or(0.0);
        let get = |slot| self.exam.case.get(slot);
        let fitted = || {
            let (v, old, g) = (get(Slot::V(param))?, get(Slot::VPrev(param))?, get(Slot::Grad(param))?);
            scale::fitted(&minus(v, &scaled(old, number("momentum"))), g)
        };
        let factors = [1.0, -1.0, number("lr"), -number("lr")];
        let nearest = |c: f64| {
            (0..factors.len()).min_by(|&a, &b| (factors[a] - c).abs().total_cmp(&(factors[b] - c).abs()))
        };
        MOMENTUM[fitted().and_then(nearest).unwrap_or(0)]
    }

    pub fn velocity(&mut self, param: Param) -> Expr {
        let Momentum { adds, with_rate } = self.momentum(param);
        let old = setting("momentum").times(self.of(Slot::VPrev(param)));
        moved(old, adds, with_rate, self.of(Slot::Grad(param)))
    }

    /// `b * m + (1 - b) * g`, or with g² if `squared`
    pub fn moment(&mut self, old: Slot, param: Param, b: &'static str, squared: bool) -> Expr {
        let old = setting(b).times(self.of(old));
        let g = self.of(Slot::Grad(param));
        let g = if squared { g.squared() } else { g };
        old.plus(number(1).minus(setting(b)).times(g))
    }

    /// A moment without its bias towards 0, by a statement of its own.
    fn corrected(&mut self, name: &'static str, moment: Slot, b: &'static str) -> Expr {
        let share = number(1).minus(setting(b).power(setting("adam_t")));
        let value = self.of(moment).over(share);
        self.first(name, value)
    }

    pub fn step(&mut self, param: Param) -> Expr {
        let parameter = self.of(Slot::Param(param));
        let given = self.dump.slots.contains_key(&Slot::Grad(param));
        let direction = match self.exam.rule() {
            Rule::Momentum => {
                let Momentum { adds, with_rate } = self.momentum(param);
                return moved(parameter, !adds, !with_rate, self.of(Slot::V(param)));
            }
            Rule::Adam => {
                let m = self.corrected("m_hat", Slot::M(param), "adam_b1");
                let s = self.corrected("s_hat", Slot::S(param), "adam_b2");
                let size = s.call(Function::Sqrt).plus(setting("adam_eps"));
                return parameter.minus(setting("lr").times(m).over(size));
            }
            Rule::Plain if given => self.of(Slot::Grad(param)),
            Rule::Plain => self.gradient(param),
        };
        let decayed = self.exam.notes.iter().any(|note| note == DECAYED_STEP) && matches!(param, Param::W(_));
        let direction =
            if decayed { direction.plus(self.penalty().times(parameter.clone())) } else { direction };
        let world = self.exam.world;
        let mean = given && near(world.gradient / world.objective, self.exam.case.count());
        let divisors = if mean && self.exam.case.n > 1 { vec![Form::Count.scalar()] } else { Vec::new() };
        let step = product(vec![setting("lr"), direction], divisors);
        if given && world.sign < 0.0 { parameter.plus(step) } else { parameter.minus(step) }
    }
}
