//! A right line as a tree, before it is written in a language.
//!
//! Every expression has two sides, as the file has them: samples may be rows or columns. A side of length 1 is stretched to
//! what stands beside it.

/// What runs along a side of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A single row or column.
    One,
    /// The N samples.
    Samples,
    /// The units of a layer; the input is layer 0.
    Units(usize),
}

/// Rows, then columns.
pub type Sides = [Side; 2];

/// An array of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Our name for it.
    pub name: String,
    /// The number of dimensions that it has in the file.
    pub rank: usize,
    /// Whether its two dimensions lie the other way round than the sides that it is used with.
    pub turned: bool,
    /// What it is as a vector beside a matrix.
    pub stretch: Stretch,
}

/// How a vector is stretched over a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// Not at all: what stands beside it has its shape.
    No,
    AsRow,
    AsColumn,
}

/// What stands between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Above,
    AtMost,
}

/// A function of every value by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Exp,
    Log,
    /// `log(1 + x)`
    LogOnePlus,
    Tanh,
    Sqrt,
    Abs,
    Sign,
    /// `x·Φ(x)`: no language has it, so its name is all that can be written.
    Gelu,
    GeluDerivative,
}

impl Function {
    /// What libraries call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Log => "log",
            Self::LogOnePlus => "log1p",
            Self::Tanh => "tanh",
            Self::Sqrt => "sqrt",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Gelu => "gelu",
            Self::GeluDerivative => "gelu_derivative",
        }
    }

    /// Whether there is a library that has it.
    pub fn is_in_libraries(self) -> bool {
        !matches!(self, Self::Gelu | Self::GeluDerivative)
    }
}

/// What becomes of many values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    Sum,
    Mean,
    Max,
}

/// The classes of samples, as the file has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The file's y.
    pub y: Box<Expr>,
    /// The number of the first class: 0 or 1.
    pub first: usize,
}

/// An expression without its sides.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    Array(Array),
    /// What a statement in front of the line has made.
    Local(&'static str, Box<Expr>),
    /// A number that the file has a name for: lr, l2, …
    Setting(&'static str),
    Number(String),
    Pi,
    /// The number of samples.
    Count,
    Transposed(Box<Expr>),
    /// The product of two matrices.
    Product(Box<Expr>, Box<Expr>),
    /// Every value of a column with every value of a row.
    Outer(Box<Expr>, Box<Expr>),
    Pair(Operator, Box<Expr>, Box<Expr>),
    Power(Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Call(Function, Box<Expr>),
    /// The second where the first is true, else the third.
    Where(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The value, or 0 where it is below.
    Positive(Box<Expr>),
    /// The value, cut off at plus and minus this number.
    Clip(Box<Expr>, String),
    /// Over a side that is kept with length 1 or lost; over everything, if none is said.
    Reduced(Reduction, Box<Expr>, Option<usize>, bool),
    /// A 1 at each sample's class, along so many classes.
    OneHot(Labels, usize),
    /// The value of each sample at its class.
    Picked(Box<Expr>, Labels),
    /// The share of samples whose largest p is at their class: p, its value at the class, and y.
    Hits {
        p: Box<Expr>,
        picked: Box<Expr>,
        y: Targets,
    },
}

/// The targets, as they are compared with the largest p.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    Classes(Labels),
    /// One row or column for each sample.
    Matrix(Box<Expr>),
}

/// A value or an array of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub sides: Sides,
    pub form: Form,
}

/// A line: what it fills, from what, and the statements in front of it.
#[derive(Debug, Clone)]
pub struct Statement {
    pub before: Vec<(&'static str, Expr)>,
    pub target: Expr,
    pub value: Expr,
}

/// What both sides together fill.
fn stretched(a: Sides, b: Sides) -> Sides {
    [0, 1].map(|side| if a[side] == Side::One { b[side] } else { a[side] })
}

impl Form {
    fn sized(self, sides: Sides) -> Expr {
        Expr { sides, form: self }
    }

    /// As one value.
    pub fn scalar(self) -> Expr {
        self.sized([Side::One; 2])
    }
}

pub fn number(text: impl ToString) -> Expr {
    Form::Number(text.to_string()).scalar()
}

pub fn setting(name: &'static str) -> Expr {
    Form::Setting(name).scalar()
}

fn pair(operator: Operator, a: Expr, b: Expr) -> Expr {
    let sides = stretched(a.sides, b.sides);
    Form::Pair(operator, a.into(), b.into()).sized(sides)
}

impl Expr {
    pub fn plus(self, other: Self) -> Self {
        pair(Operator::Plus, self, other)
    }

    pub fn minus(self, other: Self) -> Self {
        pair(Operator::Minus, self, other)
    }

    pub fn above(self, other: Self) -> Self {
        pair(Operator::Above, self, other)
    }

    /// The condition that is true where this one is not.
    pub fn opposite(self) -> Self {
        let form = match self.form {
            Form::Pair(Operator::Above, a, b) => Form::Pair(Operator::AtMost, a, b),
            Form::Pair(Operator::AtMost, a, b) => Form::Pair(Operator::Above, a, b),
            form => form,
        };
        Self { form, ..self }
    }

    pub fn at_most(self, other: Self) -> Self {
        pair(Operator::AtMost, self, other)
    }

    pub fn over(self, divisor: Self) -> Self {
        pair(Operator::Over, self, divisor)
    }

    /// A product of values; `a · (b / c)` is written `a · b / c`, unless b is a product of matrices.
    pub fn times(self, other: Self) -> Self {
        match other.form {
            Form::Pair(operator @ (Operator::Times | Operator::Over), left, right)
                if !left.begins_with_matrices() =>
            {
                pair(operator, self.times(*left), *right)
            }
            form => pair(Operator::Times, self, Self { form, ..other }),
        }
    }

    fn begins_with_matrices(&self) -> bool {
        match &self.form {
            Form::Product(..) => true,
            Form::Negative(x) => matches!(x.form, Form::Product(..)),
            Form::Pair(Operator::Times | Operator::Over, left, _) => left.begins_with_matrices(),
            _ => false,
        }
    }

    pub fn negative(self) -> Self {
        let sides = self.sides;
        Form::Negative(self.into()).sized(sides)
    }

    pub fn power(self, exponent: Self) -> Self {
        let sides = self.sides;
        Form::Power(self.into(), exponent.into()).sized(sides)
    }

    pub fn squared(self) -> Self {
        self.power(number(2))
    }

    pub fn call(self, function: Function) -> Self {
        let sides = self.sides;
        Form::Call(function, self.into()).sized(sides)
    }

    pub fn exp(self) -> Self {
        self.call(Function::Exp)
    }

    pub fn positive(self) -> Self {
        let sides = self.sides;
        Form::Positive(self.into()).sized(sides)
    }

    pub fn clipped(self, most: f64) -> Self {
        let sides = self.sides;
        Form::Clip(self.into(), most.to_string()).sized(sides)
    }

    /// `yes` where this is true, else `no`.
    pub fn choose(self, yes: Self, no: Self) -> Self {
        let sides = stretched(self.sides, stretched(yes.sides, no.sides));
        Form::Where(self.into(), yes.into(), no.into()).sized(sides)
    }

    pub fn transposed(self) -> Self {
        let [rows, cols] = self.sides;
        Form::Transposed(self.into()).sized([cols, rows])
    }

    /// The same vector of the file along the other side.
    pub fn flipped(self) -> Self {
        let [rows, cols] = self.sides;
        Self { sides: [cols, rows], ..self }
    }

    /// Whether it has one dimension in the file.
    pub fn is_vector(&self) -> bool {
        matches!(&self.form, Form::Array(array) if array.rank == 1)
    }

    /// A vector of the file as a row or a column, as its sides say.
    pub fn oriented(self) -> Self {
        let stretch = if self.sides[1] == Side::One { Stretch::AsColumn } else { Stretch::AsRow };
        match self.form {
            Form::Array(array) if array.rank == 1 => {
                Self { form: Form::Array(Array { stretch, ..array }), ..self }
            }
            form => Self { form, ..self },
        }
    }

    /// The same as a column, or as a row.
    pub fn lying(self, column: bool) -> Self {
        match self.sides[usize::from(!column)] == Side::One && self.sides[usize::from(column)] != Side::One {
            true if self.is_vector() => self.flipped().oriented(),
            true => self.transposed(),
            false => self.oriented(),
        }
    }

    pub fn product(self, other: Self) -> Self {
        let sides = [self.sides[0], other.sides[1]];
        Form::Product(self.into(), other.into()).sized(sides)
    }

    pub fn outer(column: Self, row: Self) -> Self {
        let long = |e: &Self| e.sides.into_iter().find(|side| *side != Side::One).unwrap_or(Side::One);
        let sides = [long(&column), long(&row)];
        Form::Outer(column.into(), row.into()).sized(sides)
    }

    /// Over one side; where it is not kept, NumPy has one dimension less.
    pub fn along(self, reduction: Reduction, side: usize, kept: bool) -> Self {
        let mut sides = self.sides;
        sides[side] = Side::One;
        Form::Reduced(reduction, self.into(), Some(side), kept).sized(sides)
    }

    /// Over all values.
    pub fn over_all(self, reduction: Reduction) -> Self {
        Form::Reduced(reduction, self.into(), None, false).scalar()
    }

    /// The side along which units lie; columns, if they lie along none.
    pub fn units(&self) -> usize {
        usize::from(!matches!(self.sides[0], Side::Units(_)))
    }

    /// The value of each sample at its class, where classes lie along `side`.
    pub fn picked(self, labels: Labels, side: usize) -> Self {
        let mut sides = self.sides;
        sides[side] = Side::One;
        Form::Picked(self.into(), labels).sized(sides)
    }

    pub fn local(self, name: &'static str) -> Self {
        let sides = self.sides;
        Form::Local(name, self.into()).sized(sides)
    }

    pub fn array(array: Array, sides: Sides) -> Self {
        Form::Array(array).sized(sides)
    }

    pub fn one_hot(labels: Labels, classes: usize, sides: Sides) -> Self {
        Form::OneHot(labels, classes).sized(sides)
    }
}
