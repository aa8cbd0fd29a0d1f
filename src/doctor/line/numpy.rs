//! NumPy.

use super::arrays::{Bond, Notation, Samples, text, within};
use super::tree::{Array, Expr, Form, Function, Labels, Operator, Reduction, Sides, Stretch, Targets};

/// Its notation, for a file of this kind.
pub struct Numpy(pub Samples);

/// The classes as NumPy counts them, from 0, in one dimension.
fn classes(labels: &Labels) -> String {
    let Form::Array(y) = &labels.y.form else { return String::new() };
    let flat = if y.rank > 1 { format!("{}.ravel()", y.name) } else { y.name.clone() };
    if labels.first == 0 { flat } else { format!("{flat} - {}", labels.first) }
}

impl Numpy {
    /// A side as the number of a dimension: vectors have one.
    fn axis(&self, side: usize) -> usize {
        if self.0.one_vector { 0 } else { side }
    }
}

impl Notation for Numpy {
    fn operator(&self, operator: Operator, _: &Expr, _: &Expr) -> &'static str {
        match operator {
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Over => "/",
            Operator::Above => ">",
            Operator::AtMost => "<=",
        }
    }

    fn product(&self) -> &'static str {
        "@"
    }

    fn orients(&self) -> bool {
        false
    }

    fn power(&self, _: &Expr) -> &'static str {
        "**"
    }

    fn array(&self, array: &Array, _: Sides) -> String {
        let column = array.stretch == Stretch::AsColumn;
        format!("{}{}", array.name, if column { "[:, None]" } else { "" })
    }

    fn count(&self) -> String {
        if self.0.rows { "len(X)" } else { "X.shape[1]" }.to_owned()
    }

    fn pi(&self) -> &'static str {
        "np.pi"
    }

    fn transposed(&self, value: String) -> String {
        format!("{value}.T")
    }

    fn outer(&self, column: &Expr, row: &Expr) -> (String, Bond) {
        (format!("np.outer({}, {})", text(self, column), text(self, row)), Bond::Atom)
    }

    fn call(&self, function: Function, _: &Expr, x: String) -> String {
        let of = if function.is_in_libraries() { "np." } else { "" };
        format!("{of}{}({x})", function.name())
    }

    fn choice(&self, [condition, yes, no]: [&Expr; 3]) -> (String, Bond) {
        let branch = |x: &Expr| within(self, x, Bond::Factor);
        let code = format!("np.where({}, {}, {})", text(self, condition), branch(yes), branch(no));
        (code, Bond::Atom)
    }

    fn positive(&self, value: String) -> String {
        format!("np.maximum({value}, 0)")
    }

    fn clip(&self, value: String, most: &str) -> String {
        format!("np.clip({value}, -{most}, {most})")
    }

    fn reduced(&self, how: Reduction, of: &Expr, side: Option<usize>, kept: bool) -> String {
        let name = match how {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::Max => "max",
        };
        let whole = || within(self, of, Bond::Atom);
        match side {
            Some(side) => {
                let kept = if kept { ", keepdims=True" } else { "" };
                format!("{}.{name}(axis={}{kept})", whole(), self.axis(side))
            }
            None if matches!(of.form, Form::Array(_)) => format!("{}.{name}()", whole()),
            None => format!("np.{name}({})", text(self, of)),
        }
    }

    fn one_hot(&self, labels: &Labels, classes_in_all: usize) -> String {
        let hot = format!("np.eye({classes_in_all})[{}]", classes(labels));
        if self.0.rows { hot } else { format!("{hot}.T") }
    }

    fn picked(&self, from: &Expr, labels: &Labels) -> String {
        let (p, classes) = (text(self, from), classes(labels));
        match self.0.rows {
            true => format!("{p}[np.arange(len(X)), {classes}]"),
            false => format!("{p}[{classes}, np.arange(X.shape[1])]"),
        }
    }

    fn hits(&self, p: &Expr, _: &Expr, y: &Targets) -> String {
        let largest =
            |x: &Expr| format!("{}.argmax(axis={})", text(self, x), self.axis(usize::from(self.0.rows)));
        let classes = match y {
            Targets::Classes(labels) => classes(labels),
            Targets::Matrix(y) => largest(y),
        };
        format!("np.mean({} == {classes})", largest(p))
    }

    fn fitted(&self, _: &Array, value: &Expr) -> String {
        text(self, value)
    }
}
