//! z, a, p, loss and accuracy.

use super::Line;
use super::notation::{applied, product, softmax};
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::formulas::design::{Head, Measure};

impl Line<'_> {
    pub fn preactivation(&mut self, l: usize) -> String {
        let input = self.input(l);
        let w = self.of(Slot::Param(Param::W(l)));
        let z = match (self.rows(), self.in_out()) {
            (true, true) => format!("{input} @ {w}"),
            (true, false) => format!("{input} @ {w}.T"),
            (false, true) => format!("{w}.T @ {input}"),
            (false, false) => format!("{w} @ {input}"),
        };
        match self.bias(l) {
            Some(b) => format!("{z} + {b}"),
            None => z,
        }
    }

    pub fn activation(&mut self, l: usize) -> String {
        let z = self.of(Slot::Z(l));
        let factors: Vec<String> = [applied(self.exam.act(l), &z)].into_iter().chain(self.mask(l)).collect();
        product(&factors, None)
    }

    /// Dropout's mask with its factor, if there is one.
    pub fn mask(&mut self, l: usize) -> Option<String> {
        self.exam.masks.get(&l)?;
        let given = self.exam.case.get(Slot::Mask(l));
        let scaled = given.is_some_and(|mask| mask.data().iter().any(|&m| m != 0.0 && m != 1.0));
        let mask = self.of(Slot::Mask(l));
        Some(if scaled { mask } else { format!("{mask} / (1 - drop_p)") })
    }

    pub fn probabilities(&mut self) -> String {
        let z = self.of(Slot::Z(self.exam.case.depth()));
        match self.exam.design.head {
            Head::Softmax => softmax(&z, self.units()),
            Head::SoftmaxOf(f) => format!("h = {}; {}", applied(f, &z), softmax("h", self.units())),
            Head::Of(f) => applied(f, &z),
        }
    }

    pub fn loss(&mut self) -> String {
        let (p, design) = (self.of(Slot::P), self.exam.design);
        let (outputs, world) = (self.exam.case.classes() as f64, self.exam.world);
        let penalty =
            if world.penalised { format!(" + {} / 2 * squares", self.penalty()) } else { String::new() };
        // The sum of all squares, made by a statement of its own.
        let weights = |line: &mut Self| {
            let each = (1..=line.exam.case.depth()).map(Param::W).map(Slot::Param);
            let all: Vec<String> = each.map(|slot| format!("np.sum({}**2)", line.of(slot))).collect();
            format!("squares = {}; ", all.join(" + "))
        };
        let before = if world.penalised { weights(self) } else { String::new() };
        if design.is_usual() {
            let mean = if world.objective == 1.0 { "mean" } else { "sum" };
            let picked = match self.classes() {
                Some(classes) if self.rows() => format!("{p}[np.arange(len(X)), {classes}]"),
                Some(classes) => format!("{p}[{classes}, np.arange(X.shape[1])]"),
                None => format!("({p} * {}).sum(axis={})", self.targets(), self.units()),
            };
            return format!("{before}-np.{mean}(np.log({picked})){penalty}");
        }
        let y = self.targets();
        let (term, half) = match design.measure {
            Measure::CrossEntropy => (format!("-{y} * np.log({p})"), 1.0),
            Measure::Binary => (format!("-({y} * np.log({p}) + (1 - {y}) * np.log(1 - {p}))"), 1.0),
            Measure::Squared => (format!("({p} - {y})**2"), 2.0),
            Measure::Absolute => (format!("np.abs({p} - {y})"), 1.0),
            Measure::Huber(delta) => {
                let e = format!("np.abs({p} - {y})");
                (format!("np.where({e} <= {delta}, {e}**2 / 2, {delta} * ({e} - {delta} / 2))"), 1.0)
            }
        };
        let (n, count) = (self.exam.case.count(), self.count());
        let form = |samples: f64, by: f64, times: f64| {
            let before = if times == 1.0 { String::new() } else { format!("{times} * ") };
            let code = match (samples == 1.0, by == 1.0) {
                (true, true) => format!("{before}np.sum({term})"),
                (false, true) => format!("{before}np.sum({term}) / {count}"),
                (true, false) => format!("{before}np.sum({term}) / {by}"),
                (false, false) => format!("{before}np.mean({term})"),
            };
            (times / samples / by, code)
        };
        let forms = [n, 1.0].into_iter().flat_map(|samples| [1.0, outputs].map(|by| (samples, by)));
        let forms =
            forms.flat_map(|(samples, by)| [1.0, 0.5, 2.0, 0.25].map(|times| form(samples, by, times)));
        let meant = self.exam.meant_loss().1 / half;
        let off = |share: f64| (meant / share).ln().abs();
        let value = forms.min_by(|a, b| off(a.0).total_cmp(&off(b.0))).unwrap_or_default();
        format!("{before}{}{penalty}", value.1)
    }

    pub fn accuracy(&mut self) -> String {
        let p = self.of(Slot::P);
        let classes = match self.classes() {
            Some(classes) => classes,
            None => format!("{}.argmax(axis={})", self.targets(), self.units()),
        };
        format!("np.mean({p}.argmax(axis={}) == {classes})", self.units())
    }
}
