//! Lines in languages that calculate with one number after the other: every value of the tree is written for one entry, and a
//! sum becomes a loop with an accumulator in front of the statement that uses it.

use super::Language;
use super::arrays::Bond;
use super::tree::{Array, Expr, Form, Function, Labels, Operator, Reduction, Side, Sides, Statement};
use std::collections::BTreeSet;

/// Where on a side an entry lies, and how many loops are around it: none around 0.
#[derive(Debug, Clone, PartialEq)]
struct Index {
    name: String,
    depth: usize,
}

/// An entry's row and column.
type Entry = [Index; 2];

/// The statements of a loop's body, and what they have computed.
#[derive(Debug, Default)]
struct Body {
    statements: Vec<String>,
    known: Vec<(Expr, Entry, String)>,
}

/// What writes a line.
struct Writer<'a> {
    language: Language,
    /// The names of the file's arrays: no others may be called so.
    taken: &'a BTreeSet<String>,
    /// The loops that are open, the innermost last; the first is the line itself.
    bodies: Vec<Body>,
}

/// The whole line.
pub fn written(language: Language, taken: &BTreeSet<String>, line: &Statement) -> String {
    let mut writer = Writer { language, taken, bodies: vec![Body::default()] };
    let Form::Array(target) = &line.target.form else { return String::new() };
    // A vector is filled along the side that its value has.
    let sides = if target.rank < 2 { line.value.sides } else { line.target.sides };
    let (entry, loops) = writer.opened(sides);
    let value = writer.text(&line.value, &entry);
    let fill = format!("{} = {value};", writer.access(target, sides, &entry));
    writer.state(fill);
    writer.closed(loops);
    writer.bodies.remove(0).statements.join("\n")
}

/// Statements as one that stands under a loop's head, and the head.
fn under(head: &str, statements: &[String]) -> String {
    let inner = statements.join("\n").replace('\n', "\n  ");
    match statements {
        [one] if !one.contains('\n') && !one.starts_with("for") => format!("{head} {one}"),
        [_] => format!("{head}\n  {inner}"),
        _ => format!("{head} {{\n  {inner}\n}}"),
    }
}

impl Writer<'_> {
    /// A name that the file has not.
    fn name(&self, wanted: &str, used: impl Fn(&str) -> bool) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| !self.taken.contains(name) && !used(name)).unwrap_or_default()
    }

    /// Adds a statement to the innermost body.
    fn state(&mut self, statement: String) {
        if let Some(body) = self.bodies.last_mut() {
            body.statements.push(statement);
        }
    }

    fn zero() -> Index {
        Index { name: "0".into(), depth: 0 }
    }

    /// Opens a loop along a side.
    fn open(&mut self) -> Index {
        let depth = self.bodies.len();
        self.bodies.push(Body::default());
        let wanted = ["i", "j", "k", "m", "q"].get(depth - 1).unwrap_or(&"r");
        Index { name: self.name(wanted, |_| false), depth }
    }

    /// Opens the loops over all entries.
    fn opened(&mut self, sides: Sides) -> (Entry, Vec<(Index, Side)>) {
        let mut loops = Vec::new();
        let entry = sides.map(|side| {
            if side == Side::One {
                return Self::zero();
            }
            let index = self.open();
            loops.push((index.clone(), side));
            index
        });
        (entry, loops)
    }

    /// Closes loops: what they do becomes a statement of the body around them.
    fn closed(&mut self, loops: Vec<(Index, Side)>) {
        for (index, side) in loops.into_iter().rev() {
            let body = self.bodies.pop().unwrap_or_default();
            let (i, most) = (&index.name, length(side));
            let head = format!("for ({} {i} = 0; {i} < {most}; {i}++)", self.counter());
            let statement = under(&head, &body.statements);
            self.state(statement);
        }
    }

    fn counter(&self) -> &'static str {
        if self.language == Language::JavaScript { "let" } else { "int" }
    }

    fn variable(&self) -> &'static str {
        if self.language == Language::JavaScript { "let" } else { "double" }
    }

    /// A function of the language's own library.
    fn library(&self, name: &str) -> String {
        match (self.language, name) {
            (Language::C, "max" | "min" | "abs") => format!("f{name}"),
            (Language::C, name) => name.to_owned(),
            (Language::Java, "sign") => "Math.signum".to_owned(),
            (_, name) => format!("Math.{name}"),
        }
    }

    fn infinity(&self) -> &'static str {
        match self.language {
            Language::Java => "Double.POSITIVE_INFINITY",
            Language::C => "INFINITY",
            _ => "Infinity",
        }
    }

    /// An entry of an array of the file.
    fn access(&self, array: &Array, sides: Sides, [row, col]: &Entry) -> String {
        let name = &array.name;
        match array.rank {
            0 => name.clone(),
            1 => format!("{name}[{}]", along(sides, [row, col])),
            _ if array.turned => format!("{name}[{}][{}]", col.name, row.name),
            _ => format!("{name}[{}][{}]", row.name, col.name),
        }
    }

    /// A class as a number to compare or, `whole`, to count with.
    fn class(&self, labels: &Labels, sample: &Index, whole: bool) -> String {
        let Form::Array(y) = &labels.y.form else { return String::new() };
        let label = self.access(y, labels.y.sides, &[sample.clone(), Self::zero()]);
        match (self.language, labels.first) {
            (Language::Java | Language::C, 0) if whole => format!("(int) {label}"),
            (Language::Java | Language::C, first) if whole => format!("(int) {label} - {first}"),
            (_, 0) => label,
            (_, first) => format!("{label} - {first}"),
        }
    }

    /// An entry of an expression that stands alone.
    fn text(&mut self, value: &Expr, at: &Entry) -> String {
        self.within(value, at, Bond::Loose)
    }

    /// An entry beside others that hold together so tightly.
    fn within(&mut self, value: &Expr, at: &Entry, least: Bond) -> String {
        // What a side of length 1 is stretched over does not tell its entries apart.
        let at =
            &[0, 1].map(|side| if value.sides[side] == Side::One { Self::zero() } else { at[side].clone() });
        let (text, bond) = self.bound(value, at);
        if bond < least { format!("({text})") } else { text }
    }

    fn bound(&mut self, value: &Expr, at: &Entry) -> (String, Bond) {
        let code = match &value.form {
            Form::Array(array) => self.access(array, value.sides, at),
            Form::Local(_, made) => return self.bound(made, at),
            Form::Setting(name) => (*name).to_owned(),
            Form::Number(number) => number.clone(),
            Form::Pi if self.language == Language::C => "M_PI".to_owned(),
            Form::Pi => "Math.PI".to_owned(),
            Form::Count => "N".to_owned(),
            Form::Transposed(x) => return self.bound(x, &[at[1].clone(), at[0].clone()]),
            Form::Product(..) | Form::Reduced(..) | Form::Hits { .. } => return self.gathered(value, at),
            Form::Outer(column, row) => {
                let [a, b] = [(column, &at[0]), (row, &at[1])].map(|(x, index)| {
                    let entry =
                        x.sides.map(|side| if side == Side::One { Self::zero() } else { index.clone() });
                    self.within(x, &entry, Bond::Factor)
                });
                return (format!("{a} * {b}"), Bond::Factor);
            }
            Form::Pair(operator, a, b) => return self.pair(*operator, a, b, at),
            Form::Power(x, exponent) => {
                let [x, exponent] = [x, exponent].map(|part| self.text(part, at));
                format!("{}({x}, {exponent})", self.library("pow"))
            }
            Form::Negative(x) => return (format!("-{}", self.within(x, at, Bond::Factor)), Bond::Power),
            Form::Call(function, x) => self.call(*function, x, at),
            Form::Where(condition, yes, no) => {
                let [condition, yes, no] = [condition, yes, no].map(|part| self.condition_or_value(part, at));
                format!("({condition} ? {yes} : {no})")
            }
            Form::Positive(x) => format!("{}({}, 0)", self.library("max"), self.text(x, at)),
            Form::Clip(x, most) => {
                let inner = format!("{}({}, {most})", self.library("min"), self.text(x, at));
                format!("{}({inner}, -{most})", self.library("max"))
            }
            Form::OneHot(labels, _) => {
                let units = value.units();
                format!("({} == {} ? 1 : 0)", self.class(labels, &at[1 - units], false), at[units].name)
            }
            Form::Picked(p, labels) => {
                let sample = &at[1 - p.units()];
                let mut entry = at.clone();
                entry[p.units()] = Index { name: self.class(labels, sample, true), depth: sample.depth };
                self.within(p, &entry, Bond::Atom)
            }
        };
        (code, Bond::Atom)
    }

    /// A condition without what makes a number of it; any other value as it is.
    fn condition_or_value(&mut self, value: &Expr, at: &Entry) -> String {
        match &value.form {
            Form::Pair(operator @ (Operator::Above | Operator::AtMost), a, b) => {
                let sign = if *operator == Operator::Above { ">" } else { "<=" };
                let [a, b] = [a, b].map(|part| self.within(part, at, Bond::Sum));
                format!("{a} {sign} {b}")
            }
            _ => self.text(value, at),
        }
    }

    fn pair(&mut self, operator: Operator, a: &Expr, b: &Expr, at: &Entry) -> (String, Bond) {
        let (sign, own) = match operator {
            Operator::Plus => ("+", Bond::Sum),
            Operator::Minus => ("-", Bond::Sum),
            Operator::Times => ("*", Bond::Factor),
            Operator::Over => ("/", Bond::Factor),
            Operator::Above | Operator::AtMost => {
                let condition = Expr {
                    sides: [Side::One; 2],
                    form: Form::Pair(operator, a.clone().into(), b.clone().into()),
                };
                return (format!("({} ? 1 : 0)", self.condition_or_value(&condition, at)), Bond::Atom);
            }
        };
        let left = self.within(a, at, own);
        let tight = match operator {
            Operator::Plus => Bond::Sum,
            Operator::Minus => Bond::Factor,
            _ => Bond::Power,
        };
        (format!("{left} {sign} {}", self.within(b, at, tight)), own)
    }

    fn call(&mut self, function: Function, x: &Expr, at: &Entry) -> String {
        let inner = self.text(x, at);
        let name = match function {
            Function::Sign if self.language == Language::C => {
                return format!("(double) (({inner} > 0) - ({inner} < 0))");
            }
            function if function.is_in_libraries() => self.library(function.name()),
            function => function.name().to_owned(),
        };
        format!("{name}({inner})")
    }

    /// What is gathered from many entries: an accumulator, and how tightly what is made of it holds together.
    fn gathered(&mut self, value: &Expr, at: &Entry) -> (String, Bond) {
        match &value.form {
            Form::Product(a, b) => {
                if a.sides[1] == Side::One {
                    return self.pair(Operator::Times, a, b, at);
                }
                let inner = a.sides[1];
                let name = self.accumulated(value, at, Reduction::Sum, [Side::One, inner], |own, [_, k]| {
                    let [a, b] = [(a, [at[0].clone(), k.clone()]), (b, [k.clone(), at[1].clone()])]
                        .map(|(x, entry)| own.within(x, &entry, Bond::Factor));
                    format!("{a} * {b}")
                });
                (name, Bond::Atom)
            }
            Form::Reduced(how, x, side, _) => {
                let over = match side {
                    None => x.sides,
                    Some(side) => [0, 1].map(|other| if other == *side { x.sides[*side] } else { Side::One }),
                };
                let entry = |gathered: &Entry| match side {
                    None => gathered.clone(),
                    Some(side) => {
                        [0, 1].map(|other| if other == *side { &gathered[other] } else { &at[other] }.clone())
                    }
                };
                if over == [Side::One; 2] {
                    return self.bound(x, at);
                }
                let name =
                    self.accumulated(value, at, *how, over, |own, gathered| own.text(x, &entry(gathered)));
                if *how != Reduction::Mean {
                    return (name, Bond::Atom);
                }
                let lengths = over.iter().filter(|side| **side != Side::One).map(|side| length(*side));
                (format!("{name} / {}", lengths.collect::<Vec<_>>().join(" / ")), Bond::Factor)
            }
            Form::Hits { p, picked, .. } => {
                let largest = (**p).clone().along(Reduction::Max, p.units(), true);
                let sides = picked.sides;
                let name = self.accumulated(value, at, Reduction::Sum, sides, |own, gathered| {
                    let [a, b] = [picked, &largest.into()].map(|x| own.within(x, gathered, Bond::Sum));
                    format!("({a} == {b} ? 1 : 0)")
                });
                (format!("{name} / N"), Bond::Factor)
            }
            _ => self.bound(value, at),
        }
    }

    /// The accumulator of a sum, or of the largest value: the one that there is, or a new one, in front of the outermost loop in
    /// which it means the same.
    fn accumulated(
        &mut self,
        value: &Expr,
        at: &Entry,
        how: Reduction,
        over: Sides,
        each: impl FnOnce(&mut Self, &Entry) -> String,
    ) -> String {
        let depth = at.iter().map(|index| index.depth).max().unwrap_or(0);
        let known = self.bodies[depth].known.iter().find(|(other, entry, _)| other == value && entry == at);
        if let Some((_, _, name)) = known {
            return name.clone();
        }
        let inner = self.bodies.split_off(depth + 1);
        let used: Vec<String> = self
            .bodies
            .iter()
            .chain(&inner)
            .flat_map(|body| body.known.iter().map(|known| known.2.clone()))
            .collect();
        let largest = how == Reduction::Max;
        let wanted = if largest { "max" } else { "sum" };
        let name = self.name(wanted, |name| used.iter().any(|other| other == name));
        // Taken before its terms are written: they may need accumulators of their own.
        self.bodies[depth].known.push((value.clone(), at.clone(), name.clone()));
        let (entry, loops) = self.opened(over);
        let term = each(self, &entry);
        let add = match largest {
            true => format!("{name} = {}({name}, {term});", self.library("max")),
            false => format!("{name} += {term};"),
        };
        self.state(add);
        let start = if largest { format!("-{}", self.infinity()) } else { "0".to_owned() };
        let declared = format!("{} {name} = {start};", self.variable());
        self.bodies[depth].statements.push(declared);
        self.closed(loops);
        self.bodies.extend(inner);
        name
    }
}

/// How many entries a side has.
fn length(side: Side) -> String {
    match side {
        Side::One => "1".to_owned(),
        Side::Samples => "N".to_owned(),
        Side::Units(l) => format!("n{l}"),
    }
}

/// The index along the side that is longer than 1.
fn along(sides: Sides, [row, col]: [&Index; 2]) -> String {
    let index = if sides[0] == Side::One { col } else { row };
    index.name.clone()
}
