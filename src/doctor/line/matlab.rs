//! Matlab and Octave. Vectors of the file are rows or columns as they are needed; labels are as they are in the file, while
//! indices count from 1.

use super::arrays::{Bond, Notation, Samples, is_number, text, within};
use super::tree::{Array, Expr, Form, Function, Labels, Operator, Reduction, Side, Sides, Stretch, Targets};

/// Their notation, for a file of this kind.
pub struct Matlab(pub Samples);

impl Matlab {
    /// Labels as a column, or as a row.
    fn labels(&self, labels: &Labels, column: bool) -> String {
        let Form::Array(Array { name: y, .. }) = &labels.y.form else { return String::new() };
        if column { format!("{y}(:)") } else { format!("{y}(:)'") }
    }
}

impl Notation for Matlab {
    fn operator(&self, operator: Operator, a: &Expr, b: &Expr) -> &'static str {
        match operator {
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times if is_number(a) || is_number(b) => "*",
            Operator::Times => ".*",
            Operator::Over if is_number(b) => "/",
            Operator::Over => "./",
            Operator::Above => ">",
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
        // Of one sample every vector has to lie as the sample does.
        let stretched = array.stretch != Stretch::No || self.0.one_vector;
        match sides {
            _ if array.rank != 1 || !stretched => array.name.clone(),
            [_, Side::One] => format!("{}(:)", array.name),
            _ => format!("{}(:)'", array.name),
        }
    }

    fn call(&self, function: Function, _: &Expr, x: String) -> String {
        format!("{}({x})", function.name())
    }

    /// Both values, each where it counts: there is no function for a choice.
    fn choice(&self, [condition, yes, no]: [&Expr; 3]) -> (String, Bond) {
        let where_true = |is: &Expr, value: &Expr| {
            let is = within(self, is, Bond::Atom);
            if matches!(&value.form, Form::Number(one) if one == "1") {
                return is;
            }
            let star = if is_number(value) { "*" } else { ".*" };
            format!("{is} {star} {}", within(self, value, Bond::Power))
        };
        let otherwise = condition.clone().opposite();
        (format!("{} + {}", where_true(condition, yes), where_true(&otherwise, no)), Bond::Sum)
    }

    fn positive(&self, value: String) -> String {
        format!("max({value}, 0)")
    }

    fn clip(&self, value: String, most: &str) -> String {
        format!("max(min({value}, {most}), -{most})")
    }

    fn reduced(&self, how: Reduction, of: &Expr, side: Option<usize>, _: bool) -> String {
        let x = text(self, of);
        match (how, side) {
            (Reduction::Sum, Some(side)) => format!("sum({x}, {})", side + 1),
            (Reduction::Mean, Some(side)) => format!("mean({x}, {})", side + 1),
            (Reduction::Max, Some(side)) => format!("max({x}, [], {})", side + 1),
            (how, None) => {
                let name = match how {
                    Reduction::Sum => "sum",
                    Reduction::Mean => "mean",
                    Reduction::Max => "max",
                };
                // These work along columns, or along the side of a vector.
                let vector = of.sides.contains(&Side::One);
                if vector { format!("{name}({x})") } else { format!("{name}({name}({x}))") }
            }
        }
    }

    fn one_hot(&self, labels: &Labels, classes: usize) -> String {
        let (first, last) = (labels.first, labels.first + classes - 1);
        match self.0.rows {
            true => format!("({} == {first}:{last})", self.labels(labels, true)),
            false => format!("(({first}:{last})' == {})", self.labels(labels, false)),
        }
    }

    fn picked(&self, from: &Expr, labels: &Labels) -> String {
        let p = text(self, from);
        let shift = if labels.first == 0 { " + 1" } else { "" };
        match self.0.rows {
            true => format!("{p}(sub2ind(size({p}), (1:N)', {}{shift}))", self.labels(labels, true)),
            false => format!("{p}(sub2ind(size({p}), {}{shift}, 1:N))", self.labels(labels, false)),
        }
    }

    fn hits(&self, p: &Expr, picked: &Expr, _: &Targets) -> String {
        let largest = self.reduced(Reduction::Max, p, Some(p.units()), true);
        format!("mean({} == {largest})", text(self, picked))
    }

    fn fitted(&self, _: &Array, value: &Expr) -> String {
        text(self, value)
    }
}
