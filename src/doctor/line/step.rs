//! Steps, and what optimisers remember.

use super::Line;
use super::backward::near;
use super::notation::product;
use crate::doctor::exam::update::DECAYED_STEP;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::algebra::{minus, scaled};
use crate::doctor::formulas::optimiser::Rule;
use crate::doctor::formulas::scale;

/// The ways to write momentum: what the velocity adds, and the step that belongs to it.
const MOMENTUM: [(&str, &str); 4] =
    [("+ ", "- lr * "), ("- ", "+ lr * "), ("+ lr * ", "- "), ("- lr * ", "+ ")];

impl Line<'_> {
    /// The way of momentum that the file's velocity follows; the first, if it has none.
    fn momentum(&self, param: Param) -> (&'static str, &'static str) {
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

    pub fn velocity(&mut self, param: Param) -> String {
        let adds = self.momentum(param).0;
        format!("momentum * {} {adds}{}", self.of(Slot::VPrev(param)), self.of(Slot::Grad(param)))
    }

    /// `b * m + (1 - b) * g^k`
    pub fn moment(&mut self, old: Slot, param: Param, b: &str, power: &str) -> String {
        format!("{b} * {} + (1 - {b}) * {}{power}", self.of(old), self.of(Slot::Grad(param)))
    }

    pub fn step(&mut self, param: Param) -> String {
        let parameter = self.of(Slot::Param(param));
        let given = self.dump.slots.contains_key(&Slot::Grad(param));
        let direction = match self.exam.rule() {
            Rule::Momentum => {
                return format!("{parameter} {}{}", self.momentum(param).1, self.of(Slot::V(param)));
            }
            Rule::Adam => {
                let (m, s) = (self.of(Slot::M(param)), self.of(Slot::S(param)));
                return format!(
                    "m_hat = {m} / (1 - adam_b1**adam_t); s_hat = {s} / (1 - adam_b2**adam_t); \
                     {parameter} - lr * m_hat / (np.sqrt(s_hat) + adam_eps)"
                );
            }
            Rule::Plain if given => self.of(Slot::Grad(param)),
            Rule::Plain => self.gradient(param),
        };
        let decayed = self.exam.notes.iter().any(|note| note == DECAYED_STEP) && matches!(param, Param::W(_));
        let direction =
            if decayed { format!("{direction} + {} * {parameter}", self.penalty()) } else { direction };
        let world = self.exam.world;
        let sign = if given && world.sign < 0.0 { '+' } else { '-' };
        let mean = given && near(world.gradient / world.objective, self.exam.case.count());
        let divisor = (mean && self.exam.case.n > 1).then(|| self.count());
        format!("{parameter} {sign} {}", product(&["lr".to_owned(), direction], divisor))
    }
}
