//! The line of code that would be right for a tensor: with the file's layout, its kind of targets, and the conventions that
//! its own numbers follow.
//!
//! `forward`, `backward` and `step` make a tree (`tree`); one writer for each notation makes text of it:
//! `numpy`, `matlab` and `julia` through `arrays`, which they share, and `loops`.

mod arrays;
mod backward;
mod forward;
mod functions;
mod julia;
mod language;
mod loops;
mod matlab;
mod numpy;
mod step;
mod tree;

pub use language::Language;

use self::tree::{Array, Expr, Form, Labels, Side, Sides, Statement, Stretch};
use super::exam::examination::Exam;
use super::exam::report::{Operand, Right};
use super::file::dump::Dump;
use super::file::npy;
use super::file::slot::{Param, Slot};
use super::file::targets::first_class;

/// The right line of a tensor; nothing where there is none, as for a parameter before the step.
pub fn right(dump: &Dump, exam: &Exam, slot: Slot, language: Language) -> Option<Right> {
    let mut line = Line { dump, exam, language, before: Vec::new(), operands: Vec::new() };
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
        Slot::M(param) => line.moment(Slot::MPrev(param), param, "adam_b1", false),
        Slot::S(param) => line.moment(Slot::SPrev(param), param, "adam_b2", true),
        Slot::New(param) => line.step(param),
        _ => return None,
    };
    let (before, target) = (std::mem::take(&mut line.before), line.target(slot, &value));
    let statement = Statement { before, target, value };
    let samples = arrays::Samples { rows: line.rows(), one_vector: dump.is_one_vector() };
    let code = match language {
        Language::Numpy => arrays::written(&numpy::Numpy(samples), &statement),
        Language::Matlab => arrays::written(&matlab::Matlab(samples), &statement),
        Language::Julia => arrays::written(&julia::Julia(samples), &statement),
        Language::JavaScript | Language::Java | Language::C => {
            let names = dump.names.values().chain(&dump.x_name).chain(&dump.y_name);
            loops::written(language, &names.cloned().collect(), &statement)
        }
    };
    Some(Right { code, operands: line.operands })
}

/// The shape of an array in the file.
fn in_file(array: &npy::Array, vector: bool) -> Vec<usize> {
    if vector { array.shape.iter().copied().filter(|&side| side > 1).collect() } else { array.shape.clone() }
}

/// A line that is being written, and what it has used so far.
struct Line<'a> {
    dump: &'a Dump,
    exam: &'a Exam<'a>,
    language: Language,
    before: Vec<(&'static str, Expr)>,
    operands: Vec<Operand>,
}

impl Line<'_> {
    /// Whether samples are rows; a single one that is a vector is a column in Julia.
    fn rows(&self) -> bool {
        self.exam.case.layout.rows && !(self.language == Language::Julia && self.dump.is_one_vector())
    }

    /// Whether weights are `[in, out]`.
    fn in_out(&self) -> bool {
        self.exam.case.layout.in_out
    }

    /// The side along which outputs and units lie.
    fn units(&self) -> usize {
        usize::from(self.rows())
    }

    /// Makes a statement in front of the line.
    fn first(&mut self, name: &'static str, value: Expr) -> Expr {
        self.before.push((name, value.clone()));
        value.local(name)
    }

    /// Takes an operand under our name: the answer puts the file's in its place.
    fn named(&mut self, name: &str, shape: Option<Vec<usize>>) {
        if self.operands.iter().all(|operand| operand.name != name) {
            self.operands.push(Operand { name: name.to_owned(), shape });
        }
    }

    fn of(&mut self, slot: Slot) -> Expr {
        let vector = self.dump.is_vector(slot);
        let shape = self.dump.slots.get(&slot).map(|array| in_file(array, vector));
        self.named(&slot.to_string(), shape);
        self.tensor(slot)
    }

    fn along_units(&self, l: usize) -> Side {
        if self.exam.case.sizes[l] == 1 { Side::One } else { Side::Units(l) }
    }

    /// The sides of something with a row or a column for each sample.
    fn beside_samples(&self, units: Side) -> Sides {
        let samples = if self.exam.case.n == 1 { Side::One } else { Side::Samples };
        if self.rows() { [samples, units] } else { [units, samples] }
    }

    /// A tensor with the sides that it is used with.
    fn tensor(&self, slot: Slot) -> Expr {
        let (units, depth) = (|l| self.along_units(l), self.exam.case.depth());
        let sides = match slot {
            Slot::Loss | Slot::Accuracy => [Side::One; 2],
            Slot::P => self.beside_samples(units(depth)),
            slot => match slot.param() {
                Some(Param::W(l)) if self.in_out() => [units(l - 1), units(l)],
                Some(Param::W(l)) => [units(l), units(l - 1)],
                Some(Param::B(l)) if self.exam.case.shared_biases.contains(&l) => [Side::One; 2],
                Some(Param::B(l)) if self.rows() => [Side::One, units(l)],
                Some(Param::B(l)) => [units(l), Side::One],
                None => self.beside_samples(units(slot.layer().unwrap_or(depth))),
            },
        };
        // What the file does not have is supposed to lie as what is like it does.
        let usual = match slot {
            Slot::Loss | Slot::Accuracy => 0,
            slot if slot.param().is_none() && self.dump.is_one_vector() => 1,
            slot => match slot.param() {
                Some(param @ Param::B(_)) => self.shape(Slot::Param(param)).map_or(1, |shape| shape.len()),
                _ => 2,
            },
        };
        let is_bias = matches!(slot.param(), Some(Param::B(_)));
        let number = matches!(slot, Slot::Loss | Slot::Accuracy);
        let shape = self.shape(slot).filter(|_| !number);
        let column = |shape: &[usize]| matches!(shape, [rows, 1] if *rows > 1);
        let row = |shape: &[usize]| matches!(shape, [1, cols] if *cols > 1);
        let turned =
            is_bias && shape.as_deref().is_some_and(|b| if self.rows() { column(b) } else { row(b) });
        let array = Array {
            name: slot.to_string(),
            rank: shape.map_or(usual, |shape| if is_bias { self.rank(&shape) } else { shape.len() }),
            turned,
            stretch: Stretch::No,
        };
        Expr::array(array, sides)
    }

    /// The dimensions of what may be a vector in the program: the text that Java saves has one row for a vector, and the one
    /// that C saves has one row or one column.
    fn rank(&self, shape: &[usize]) -> usize {
        match (self.language, shape) {
            (Language::Java | Language::C, [1, _]) | (Language::C, [_, 1]) => 1,
            (_, shape) => shape.len(),
        }
    }

    /// The tensor that a line fills: what is wrong in the file may have a wrong shape, but its parameter has the right one.
    fn target(&self, slot: Slot, value: &Expr) -> Expr {
        let own = slot.param().map(Slot::Param).filter(|own| self.dump.slots.contains_key(own));
        let Expr { sides, form } = self.tensor(own.unwrap_or(slot));
        let long = value.sides.into_iter().filter(|side| *side != Side::One).count();
        let form = match form {
            Form::Array(array) => {
                Form::Array(Array { name: slot.to_string(), rank: array.rank.max(long), ..array })
            }
            form => form,
        };
        Expr { sides, form }
    }

    /// The shape of a tensor in the file.
    fn shape(&self, slot: Slot) -> Option<Vec<usize>> {
        self.dump.slots.get(&slot).map(|array| in_file(array, self.dump.is_vector(slot)))
    }

    /// What goes into layer l.
    fn input(&mut self, l: usize) -> Expr {
        if l > 1 {
            return self.of(Slot::A(l - 1));
        }
        let vector = self.dump.is_one_vector();
        let shape = self.dump.x.as_ref().map(|x| in_file(x, vector));
        let rank = shape.as_ref().map_or(2, Vec::len);
        self.named("X", shape);
        let sides = self.beside_samples(self.along_units(0));
        Expr::array(Array { name: "X".into(), rank, turned: false, stretch: Stretch::No }, sides)
    }

    /// The bias of a layer as it is added to samples; nothing if there is none.
    fn bias(&mut self, l: usize) -> Option<Expr> {
        let slot = Slot::Param(Param::B(l));
        self.dump.slots.get(&slot)?;
        let b = self.of(slot);
        Some(if self.dump.is_one_vector() { b } else { self.straight(b) })
    }

    /// The class of each sample, if the file has them so.
    fn classes(&mut self) -> Option<Labels> {
        let y = self.dump.y.as_ref()?;
        let (n, outputs) = (self.exam.case.n, self.exam.case.classes());
        if outputs == 1 || y.shape.iter().product::<usize>() != n {
            return None;
        }
        let (first, shape) = (first_class(&y.data, outputs) as usize, y.shape.clone());
        self.named("y", Some(shape.clone()));
        let samples = if n == 1 { Side::One } else { Side::Samples };
        let turned = matches!(shape.as_slice(), [1, _]);
        let array = Array { name: "y".into(), rank: self.rank(&shape), turned, stretch: Stretch::No };
        Some(Labels { y: Expr::array(array, [samples, Side::One]).into(), first })
    }

    /// The targets as a matrix that lies as p does.
    fn targets(&mut self) -> Expr {
        let (n, outputs) = (self.exam.case.n, self.exam.case.classes());
        let sides = self.beside_samples(self.along_units(self.exam.case.depth()));
        if let Some(classes) = self.classes() {
            return Expr::one_hot(classes, outputs, sides);
        }
        let squeezed = self.dump.y_name.as_ref().is_some_and(|name| self.dump.vectors.contains(name));
        let shape = self.dump.y.as_ref().map(|y| in_file(y, squeezed));
        self.named("y", shape.clone());
        let own = if self.rows() { [n, outputs] } else { [outputs, n] };
        let turned = !squeezed && matches!(shape.as_deref(), Some(shape @ [_, _]) if *shape != own);
        let rank = shape.map_or(2, |shape| self.rank(&shape));
        let array = Expr::array(Array { name: "y".into(), rank, turned, stretch: Stretch::No }, sides);
        if squeezed { array } else { self.straight(array) }
    }

    /// An array that is to be stretched over what stands beside it; one that lies the other way round is transposed.
    fn straight(&self, array: Expr) -> Expr {
        let sides @ [rows, cols] = array.sides;
        match array.form {
            Form::Array(own) if own.turned => {
                Expr::array(Array { turned: false, ..own }, [cols, rows]).transposed()
            }
            Form::Array(own) if own.rank == 1 => {
                let is_bias = own.name != "y";
                let stretch = if is_bias == self.rows() { Stretch::AsRow } else { Stretch::AsColumn };
                Expr::array(Array { stretch, ..own }, sides)
            }
            form => Expr { form, sides },
        }
    }
}
