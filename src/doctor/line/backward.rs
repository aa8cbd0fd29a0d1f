//! Gradients.

use super::Line;
use super::notation::{bracketed, by_output, derivative, product};
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
    fn slope(&mut self, f: Bend, output: Option<Slot>, l: usize) -> Option<String> {
        if let (Some(output), true) = (output, by_output(f.of, "").is_some()) {
            return by_output(f.of, &self.of(output));
        }
        derivative(f, "")?;
        derivative(f, &self.of(Slot::Z(l)))
    }

    pub fn output_delta(&mut self) -> String {
        let (design, l) = (self.exam.design, self.exam.case.depth());
        let scale = self.scale(Slot::Dz(l));
        let p = self.of(Slot::P);
        let y = self.targets();
        let error = if scale < 0.0 { format!("{y} - {p}") } else { format!("{p} - {y}") };
        let mut factors = vec![match design.measure {
            Measure::Absolute => format!("np.sign({error})"),
            Measure::Huber(delta) => format!("np.clip({error}, -{delta}, {delta})"),
            Measure::Binary if design.head != Head::Of(Activation::Sigmoid) => {
                format!("({error}) / ({p} * (1 - {p}))")
            }
            _ => error,
        }];
        let cancelled = matches!(design.measure, Measure::CrossEntropy | Measure::Binary);
        let mut before = String::new();
        if design.head.is_softmax() && !cancelled {
            before = format!("g = {}; ", factors[0]);
            factors = vec![p.clone(), format!("(g - (g * {p}).sum(axis={}, keepdims=True))", self.units())];
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
            factors.insert(0, times.to_string());
        }
        let mut divisors = if by == 1.0 { Vec::new() } else { vec![by.to_string()] };
        if samples == 1.0 && !self.dump.is_one_vector() {
            divisors.push(self.count().to_owned());
        }
        let divisor = (!divisors.is_empty()).then(|| divisors.join(" / "));
        format!("{before}{}", product(&factors, divisor.as_deref()))
    }

    pub fn through_weights(&mut self, l: usize) -> String {
        let dz = self.of(Slot::Dz(l + 1));
        let w = self.of(Slot::Param(Param::W(l + 1)));
        if self.dump.is_vector(Slot::Param(Param::W(l + 1))) {
            // Weights to one output: there is nothing to sum.
            let several = self.exam.case.sizes[l + 1] > 1;
            return match self.rows() {
                true if several => format!("{dz} @ {w}"),
                false if several => format!("{w} @ {dz}"),
                _ if self.dump.is_one_vector() => format!("{dz} * {w}"),
                true => format!("np.outer({dz}, {w})"),
                false => format!("np.outer({w}, {dz})"),
            };
        }
        match (self.rows(), self.in_out()) {
            (true, true) => format!("{dz} @ {w}.T"),
            (true, false) => format!("{dz} @ {w}"),
            (false, true) => format!("{w} @ {dz}"),
            (false, false) => format!("{w}.T @ {dz}"),
        }
    }

    pub fn hidden_delta(&mut self, l: usize) -> String {
        let given = self.dump.slots.contains_key(&Slot::Da(l));
        let mut factors = vec![if given { self.of(Slot::Da(l)) } else { self.through_weights(l) }];
        // With dropout, a is no longer f(z).
        let output = self.exam.masks.is_empty().then_some(Slot::A(l));
        factors.extend(self.slope(self.exam.act(l), output, l));
        factors.extend(self.mask(l));
        product(&factors, None)
    }

    pub fn gradient(&mut self, param: Param) -> String {
        let value = match param {
            Param::W(l) => {
                let (a, dz) = (self.input(l), self.of(Slot::Dz(l)));
                match (self.rows(), self.in_out()) {
                    _ if self.dump.is_one_vector() && self.dump.is_vector(Slot::Param(param)) => {
                        format!("{a} * {dz}")
                    }
                    (_, true) if self.dump.is_one_vector() => format!("np.outer({a}, {dz})"),
                    (_, false) if self.dump.is_one_vector() => format!("np.outer({dz}, {a})"),
                    (true, true) => format!("{a}.T @ {dz}"),
                    (true, false) => format!("{dz}.T @ {a}"),
                    (false, true) => format!("{a} @ {dz}.T"),
                    (false, false) => format!("{dz} @ {a}.T"),
                }
            }
            Param::B(l) if self.dump.is_one_vector() => self.of(Slot::Dz(l)),
            Param::B(l) if self.exam.case.shared_biases.contains(&l) => {
                format!("{}.sum()", self.of(Slot::Dz(l)))
            }
            Param::B(l) => {
                let dz = self.of(Slot::Dz(l));
                let shape = self.dump.slots.get(&Slot::Param(param)).map(|b| b.shape.len());
                let keep = if shape == Some(2) { ", keepdims=True" } else { "" };
                format!("{dz}.sum(axis={}{keep})", 1 - self.units())
            }
        };
        let (factor, n) = (self.scale(Slot::Grad(param)), self.exam.case.count());
        let value = if factor < 0.0 { format!("-{}", bracketed(&value)) } else { value };
        let value = match () {
            () if near(factor.abs(), 1.0) => value,
            () if near(factor.abs(), n) => product(&[self.count().to_owned(), value], None),
            () if near(factor.abs(), 1.0 / n) => product(&[value], Some(self.count())),
            () => product(&[factor.abs().to_string(), value], None),
        };
        let decayed = self.exam.notes.iter().any(|note| note == DECAYED) && matches!(param, Param::W(_));
        if !decayed {
            return value;
        }
        let sign = if self.exam.world.sign < 0.0 { '-' } else { '+' };
        format!("{value} {sign} {} * {}", self.penalty(), self.of(Slot::Param(param)))
    }

    /// What the weights in the penalty's gradient are multiplied with.
    pub fn penalty(&self) -> String {
        let decay = self.exam.world.decay;
        let share = decay / self.exam.numbers.get("l2").copied().unwrap_or(decay);
        let n = self.exam.case.count();
        match () {
            () if near(share, 1.0) => "l2".to_owned(),
            () if near(share, 1.0 / n) => format!("l2 / {}", self.count()),
            () if near(share, 2.0) => "2 * l2".to_owned(),
            () => format!("2 * l2 / {}", self.count()),
        }
    }
}
