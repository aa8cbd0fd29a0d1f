//! Julia. Vectors of the file are columns; labels are as they are in the file, while indices count from 1.

use super::arrays::{Bond, Notation, Samples, is_number, text};
use super::tree::{Array, Expr, Form, Function, Labels, Operator, Reduction, Side, Sides, Stretch, Targets};

/// Its notation, for a file of this kind.
pub struct Julia(pub Samples);

/// What the file calls the labels, and the dimensions they have.
fn of_labels(labels: &Labels) -> (&str, usize) {
    match &labels.y.form {
        Form::Array(y) => (&y.name, y.rank),
        _ => ("", 0),
    }
}

/// Labels as a vector.
fn vector(labels: &Labels) -> String {
    match of_labels(labels) {
        (y, 1) => y.to_owned(),
        (y, _) => format!("vec({y})"),
    }
}

impl Notation for Julia {
    fn operator(&self, operator: Operator, a: &Expr, b: &Expr) -> &'static str {
        let numbers = [a, b].map(is_number);
        let dotted = match operator {
            Operator::Times => numbers == [false, false],
            Operator::Over => !numbers[1],
            Operator::Plus | Operator::Minus => a.sides != b.sides || numbers[0] != numbers[1],
            Operator::Above | Operator::AtMost => numbers != [true, true],
        };
        match operator {
            Operator::Plus if dotted => ".+",
            Operator::Plus => "+",
            Operator::Minus if dotted => ".-",
            Operator::Minus => "-",
            Operator::Times if dotted => ".*",
            Operator::Times => "*",
            Operator::Over if dotted => "./",
            Operator::Over => "/",
            Operator::Above if dotted => ".>",
            Operator::Above => ">",
            Operator::AtMost if dotted => ".<=",
            Operator::AtMost => "<=",
        }
    }

    fn product(&self) -> &'static str {
        "*"
    }

    fn orients(&self) -> bool {
        true
    }

    fn power(&self, base: &Expr) -> &'static str {
        if is_number(base) { "^" } else { ".^" }
    }

    fn array(&self, array: &Array, sides: Sides) -> String {
        let row = array.rank == 1 && array.stretch == Stretch::AsRow && sides[1] != Side::One;
        format!("{}{}", array.name, if row { "'" } else { "" })
    }

    fn call(&self, function: Function, of: &Expr, x: String) -> String {
        format!("{}{}({x})", function.name(), if is_number(of) { "" } else { "." })
    }

    fn choice(&self, [condition, yes, no]: [&Expr; 3]) -> (String, Bond) {
        let [condition, yes, no] = [condition, yes, no].map(|part| text(self, part));
        (format!("ifelse.({condition}, {yes}, {no})"), Bond::Atom)
    }

    fn positive(&self, value: String) -> String {
        format!("max.({value}, 0)")
    }

    fn clip(&self, value: String, most: &str) -> String {
        format!("clamp.({value}, -{most}, {most})")
    }

    /// `mean` is the one of Statistics.
    fn reduced(&self, how: Reduction, of: &Expr, side: Option<usize>, _: bool) -> String {
        let x = text(self, of);
        let name = match how {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::Max => "maximum",
        };
        match side {
            Some(side) => format!("{name}({x}, dims={})", side + 1),
            None => format!("{name}({x})"),
        }
    }

    fn one_hot(&self, labels: &Labels, classes: usize) -> String {
        let (first, last) = (labels.first, labels.first + classes - 1);
        match self.0.rows {
            true => format!("({} .== ({first}:{last})')", vector(labels)),
            false => format!("(({first}:{last}) .== {}')", vector(labels)),
        }
    }

    fn picked(&self, from: &Expr, labels: &Labels) -> String {
        let (p, y) = (text(self, from), of_labels(labels).0);
        let class = if labels.first == 0 { format!("{y}[i] + 1") } else { format!("{y}[i]") };
        match self.0.rows {
            true => format!("[{p}[i, {class}] for i in 1:N]"),
            false => format!("[{p}[{class}, i] for i in 1:N]"),
        }
    }

    fn hits(&self, p: &Expr, picked: &Expr, y: &Targets) -> String {
        let largest = self.reduced(Reduction::Max, p, Some(p.units()), true);
        let largest = if matches!(y, Targets::Classes(_)) { format!("vec({largest})") } else { largest };
        format!("mean({} .== {largest})", text(self, picked))
    }

    fn fitted(&self, target: &Array, value: &Expr) -> String {
        let whole = text(self, value);
        match target.rank {
            1 if is_number(value) => format!("[{whole}]"),
            1 if !is_vector(value) => format!("vec({whole})"),
            _ => whole,
        }
    }
}

/// Whether a value has one dimension, or is a number.
fn is_vector(value: &Expr) -> bool {
    match &value.form {
        Form::Array(array) => {
            array.rank <= 1 && (array.stretch != Stretch::AsRow || value.sides[1] == Side::One)
        }
        Form::Product(_, b) => value.sides[1] == Side::One && is_vector(b),
        Form::Pair(_, a, b) => is_vector(a) && is_vector(b),
        Form::Where(condition, yes, no) => [condition, yes, no].into_iter().all(|x| is_vector(x)),
        Form::Local(_, x)
        | Form::Power(x, _)
        | Form::Negative(x)
        | Form::Call(_, x)
        | Form::Positive(x)
        | Form::Clip(x, _) => is_vector(x),
        _ => is_number(value),
    }
}
