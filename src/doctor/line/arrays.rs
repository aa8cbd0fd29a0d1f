//! Lines in languages that calculate with whole arrays.

use super::tree::{Array, Expr, Form, Function, Labels, Operator, Reduction, Sides, Statement, Targets};

/// How tightly the parts of an expression hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// Comparisons.
    Loose,
    Sum,
    Factor,
    Power,
    Atom,
}

/// How the samples of a file lie.
#[derive(Debug, Clone, Copy)]
pub struct Samples {
    /// Whether they are rows.
    pub rows: bool,
    /// Whether there is one, and everything about it is a vector.
    pub one_vector: bool,
}

/// What differs between the languages; texts that are handed over stand in brackets where they need them.
pub trait Notation {
    /// What stands between two values.
    fn operator(&self, operator: Operator, a: &Expr, b: &Expr) -> &'static str;
    /// What stands between two matrices.
    fn product(&self) -> &'static str;
    /// Whether a product of matrices has to be told whether a vector is a row or a column.
    fn orients(&self) -> bool;
    fn power(&self, base: &Expr) -> &'static str;
    fn array(&self, array: &Array, sides: Sides) -> String;
    fn count(&self) -> String {
        "N".to_owned()
    }
    fn pi(&self) -> &'static str {
        "pi"
    }
    fn transposed(&self, value: String) -> String {
        format!("{value}'")
    }
    /// A column times a row.
    fn outer(&self, column: &Expr, row: &Expr) -> (String, Bond) {
        let [column, row] = [(column, true), (row, false)].map(|(x, column)| x.clone().lying(column));
        let [column, row] = [column, row].map(|x| within(self, &x, Bond::Atom));
        (format!("{column} * {row}"), Bond::Sum)
    }
    fn call(&self, function: Function, of: &Expr, text: String) -> String;
    /// The second where the first is true, else the third.
    fn choice(&self, parts: [&Expr; 3]) -> (String, Bond);
    /// A value, or 0 where it is below.
    fn positive(&self, value: String) -> String;
    fn clip(&self, value: String, most: &str) -> String;
    fn reduced(&self, how: Reduction, of: &Expr, side: Option<usize>, kept: bool) -> String;
    fn one_hot(&self, labels: &Labels, classes: usize) -> String;
    fn picked(&self, from: &Expr, labels: &Labels) -> String;
    fn hits(&self, p: &Expr, picked: &Expr, y: &Targets) -> String;
    /// What the line fills, of a value: some languages have to bring it into the file's form.
    fn fitted(&self, target: &Array, value: &Expr) -> String;
}

/// The whole line; statements in front of the last one make what it uses.
pub fn written(notation: &impl Notation, line: &Statement) -> String {
    let mut code = String::new();
    for (name, value) in &line.before {
        code += &format!("{name} = {}; ", text(notation, value));
    }
    match &line.target.form {
        Form::Array(target) => code + &format!("{} = {}", target.name, notation.fitted(target, &line.value)),
        _ => code,
    }
}

/// An expression that stands alone.
pub fn text(notation: &(impl Notation + ?Sized), value: &Expr) -> String {
    within(notation, value, Bond::Loose)
}

/// An expression beside others that hold together so tightly.
pub fn within(notation: &(impl Notation + ?Sized), value: &Expr, least: Bond) -> String {
    let (text, bond) = bound(notation, value);
    if bond < least { format!("({text})") } else { text }
}

/// An expression, and how tightly it holds together.
fn bound(n: &(impl Notation + ?Sized), value: &Expr) -> (String, Bond) {
    let whole = |value: &Expr| text(n, value);
    let code = match &value.form {
        Form::Array(array) => n.array(array, value.sides),
        Form::Local(name, _) | Form::Setting(name) => (*name).to_owned(),
        Form::Number(number) => number.clone(),
        Form::Pi => n.pi().to_owned(),
        Form::Count => n.count(),
        Form::Transposed(x) if n.orients() && x.is_vector() => whole(&(**x).clone().flipped().oriented()),
        Form::Transposed(x) => n.transposed(within(n, x, Bond::Atom)),
        Form::Product(a, b) => {
            let oriented = |x: &Expr| if n.orients() { x.clone().oriented() } else { x.clone() };
            let [a, b] = [a, b].map(|x| within(n, &oriented(x), Bond::Atom));
            // Beside factors of another kind a product of matrices stands in brackets.
            return (format!("{a} {} {b}", n.product()), Bond::Sum);
        }
        Form::Outer(column, row) => return n.outer(column, row),
        Form::Pair(operator, a, b) => return pair(n, *operator, a, b),
        Form::Power(x, exponent) => {
            let [base, exponent] = [x, exponent].map(|part| within(n, part, Bond::Atom));
            return (format!("{base}{}{exponent}", n.power(x)), Bond::Power);
        }
        Form::Negative(x) => {
            let is_product = matches!(x.form, Form::Product(..));
            let text = within(n, x, if is_product { Bond::Atom } else { Bond::Factor });
            return (format!("-{text}"), Bond::Sum);
        }
        Form::Call(function, x) => n.call(*function, x, whole(x)),
        Form::Where(condition, yes, no) => return n.choice([condition, yes, no]),
        Form::Positive(x) => n.positive(whole(x)),
        Form::Clip(x, most) => n.clip(whole(x), most),
        Form::Reduced(how, x, Some(side), kept) if n.orients() => {
            n.reduced(*how, &(**x).clone().oriented(), Some(*side), *kept)
        }
        Form::Reduced(how, x, side, kept) => n.reduced(*how, x, *side, *kept),
        Form::OneHot(labels, classes) => n.one_hot(labels, *classes),
        Form::Picked(p, labels) => n.picked(p, labels),
        Form::Hits { p, picked, y } => n.hits(p, picked, y),
    };
    (code, Bond::Atom)
}

fn pair(n: &(impl Notation + ?Sized), operator: Operator, a: &Expr, b: &Expr) -> (String, Bond) {
    let own = match operator {
        Operator::Above | Operator::AtMost => Bond::Loose,
        Operator::Plus | Operator::Minus => Bond::Sum,
        Operator::Times | Operator::Over => Bond::Factor,
    };
    let matrices = |x: &Expr| match &x.form {
        Form::Product(..) => true,
        Form::Negative(x) => matches!(x.form, Form::Product(..)),
        _ => false,
    };
    // A product of matrices needs no brackets before a division.
    let left = match operator {
        Operator::Over if matrices(a) => text(n, a),
        Operator::Above | Operator::AtMost => within(n, a, Bond::Sum),
        _ => within(n, a, own),
    };
    let right = match (operator, &b.form) {
        (Operator::Plus, _) => within(n, b, Bond::Sum),
        (Operator::Times | Operator::Over, _) => within(n, b, Bond::Power),
        _ => within(n, b, Bond::Factor),
    };
    (format!("{left} {} {right}", n.operator(operator, a, b)), own)
}

/// Whether a value is one number, which stands beside arrays without more ado.
pub fn is_number(value: &Expr) -> bool {
    match &value.form {
        Form::Array(array) => array.rank == 0,
        Form::Setting(_) | Form::Number(_) | Form::Pi | Form::Count | Form::Hits { .. } => true,
        Form::Reduced(_, _, side, _) => side.is_none(),
        Form::Local(_, x)
        | Form::Power(x, _)
        | Form::Transposed(x)
        | Form::Negative(x)
        | Form::Call(_, x)
        | Form::Positive(x)
        | Form::Clip(x, _) => is_number(x),
        Form::Pair(_, a, b) => is_number(a) && is_number(b),
        Form::Where(condition, yes, no) => [condition, yes, no].into_iter().all(|x| is_number(x)),
        Form::Product(..) | Form::Outer(..) | Form::OneHot(..) | Form::Picked(..) => false,
    }
}
