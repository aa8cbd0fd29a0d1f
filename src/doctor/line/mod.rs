//! The line of code that would be right for a tensor, in NumPy's notation: with the file's layout, its kind of targets,
//! and the conventions that its own numbers follow.

mod backward;
mod forward;
mod notation;
mod step;

use super::exam::examination::Exam;
use super::exam::report::{Operand, Right};
use super::file::dump::Dump;
use super::file::npy::Array;
use super::file::slot::{Param, Slot};

/// The right line of a tensor; nothing where there is none, as for a parameter before the step.
pub fn right(dump: &Dump, exam: &Exam, slot: Slot) -> Option<Right> {
    let mut line = Line { dump, exam, operands: Vec::new() };
    let value = match slot {
        Slot::Z(l) => line.preactivation(l),
        Slot::A(l) if exam.is_supposed(l) && !exam.world.act_named => return None,
        Slot::A(l) => line.activation(l),
        Slot::P => line.probabilities(),
        Slot::Loss => line.loss(),
        Slot::Accuracy => line.accuracy(),
        Slot::Dz(l) if l == exam.case.depth() => line.output_delta(),
        Slot::Dz(l) => line.hidden_delta(l),
        Slot::Da(l) => line.through_weights(l),
        Slot::Grad(param) => line.gradient(param),
        Slot::V(param) => line.velocity(param),
        Slot::M(param) => line.moment(Slot::MPrev(param), param, "adam_b1", ""),
        Slot::S(param) => line.moment(Slot::SPrev(param), param, "adam_b2", "**2"),
        Slot::New(param) => line.step(param),
        _ => return None,
    };
    // Statements before the last one make what it uses.
    let code = match value.rsplit_once("; ") {
        Some((before, value)) => format!("{before}; {slot} = {value}"),
        None => format!("{slot} = {value}"),
    };
    Some(Right { code, operands: line.operands })
}

/// The shape of an array in the file.
fn in_file(array: &Array, vector: bool) -> Vec<usize> {
    if vector { array.shape.iter().copied().filter(|&side| side > 1).collect() } else { array.shape.clone() }
}

/// A line that is being written, and what it has used so far.
struct Line<'a> {
    dump: &'a Dump,
    exam: &'a Exam<'a>,
    operands: Vec<Operand>,
}

impl Line<'_> {
    /// Whether samples are rows.
    fn rows(&self) -> bool {
        self.exam.case.layout.rows
    }

    /// Whether weights are `[in, out]`.
    fn in_out(&self) -> bool {
        self.exam.case.layout.in_out
    }

    /// The number of samples, as code.
    fn count(&self) -> &'static str {
        if self.rows() { "len(X)" } else { "X.shape[1]" }
    }

    /// The axis along which outputs and units lie.
    fn units(&self) -> u8 {
        u8::from(self.rows() && !self.dump.is_one_vector())
    }

    /// Takes an operand under our name: the answer puts the file's in its place.
    fn named(&mut self, name: &str, shape: Option<Vec<usize>>) -> String {
        if self.operands.iter().all(|operand| operand.name != name) {
            self.operands.push(Operand { name: name.to_owned(), shape });
        }
        name.to_owned()
    }

    fn of(&mut self, slot: Slot) -> String {
        let vector = self.dump.is_vector(slot);
        let shape = self.dump.slots.get(&slot).map(|array| in_file(array, vector));
        self.named(&slot.to_string(), shape)
    }

    /// What goes into layer l.
    fn input(&mut self, l: usize) -> String {
        match l {
            1 => {
                let vector = self.dump.is_one_vector();
                self.named("X", self.dump.x.as_ref().map(|x| in_file(x, vector)))
            }
            l => self.of(Slot::A(l - 1)),
        }
    }

    /// The bias of a layer as it is added to samples; nothing if there is none.
    fn bias(&mut self, l: usize) -> Option<String> {
        let slot = Slot::Param(Param::B(l));
        let shape = self.dump.slots.get(&slot)?.shape.clone();
        let name = self.of(slot);
        let column = |shape: &[usize]| matches!(shape, [rows, 1] if *rows > 1);
        let row = |shape: &[usize]| matches!(shape, [1, cols] if *cols > 1);
        if self.dump.is_one_vector() {
            return Some(name);
        }
        Some(match shape.as_slice() {
            [_] if !self.rows() => format!("{name}[:, None]"),
            shape if self.rows() && column(shape) || !self.rows() && row(shape) => format!("{name}.T"),
            _ => name,
        })
    }

    /// The class of each sample, if the file has them so.
    fn classes(&mut self) -> Option<String> {
        let shape = self.dump.y.as_ref()?.shape.clone();
        let (n, outputs) = (self.exam.case.n, self.exam.case.classes());
        if outputs == 1 || shape.iter().product::<usize>() != n {
            return None;
        }
        let y = self.named("y", Some(shape.clone()));
        Some(if shape.len() > 1 { format!("{y}.ravel()") } else { y })
    }

    /// The targets as a matrix that lies as p does.
    fn targets(&mut self) -> String {
        if let Some(classes) = self.classes() {
            let hot = format!("np.eye({})[{classes}]", self.exam.case.classes());
            return if self.rows() { hot } else { format!("{hot}.T") };
        }
        let (n, outputs) = (self.exam.case.n, self.exam.case.classes());
        let vector = self.dump.y_name.as_ref().is_some_and(|name| self.dump.vectors.contains(name));
        let shape = self.dump.y.as_ref().map(|y| in_file(y, vector));
        let y = self.named("y", shape.clone());
        if vector {
            return y;
        }
        let own = if self.rows() { [n, outputs] } else { [outputs, n] };
        match shape.as_deref() {
            Some([_]) if self.rows() => format!("{y}[:, None]"),
            Some(shape @ [_, _]) if shape != own => format!("{y}.T"),
            _ => y,
        }
    }
}
