//! One way to read a file, while its network is looked for, and the chains of layers in it.

use super::arrays::Named;
use super::relations::{Relation, activated, relations};
use super::words::{Kind, Time};
use crate::doctor::file::columns::End;
use crate::doctor::file::layout::Layout;
use std::cell::OnceCell;

/// What numbers that agree to rounding count, and words.
pub const NUMBERS: i32 = 10;
pub const WORDS: i32 = 4;

/// What people write before or behind a name for its gradient.
const GRADIENT: [&str; 5] = ["d_", "d", "grad", "nabla", "g"];

/// What an array of the batch's samples counts for the batch, and how many count.
pub const ROWS: i32 = 2;
pub const MANY: usize = 4;

/// The most that speaks for targets, and for the biases of a layer.
const TARGET: i32 = 2 * WORDS + 3;
const BIAS: i32 = NUMBERS + WORDS + 5;

/// A chain that may grow.
#[derive(Clone)]
pub struct Chain {
    /// What speaks for it.
    pub score: i32,
    pub x: usize,
    pub w: Vec<usize>,
    /// Units of its last layer.
    pub width: usize,
}

impl Chain {
    /// The most that targets and biases can make of its score.
    pub fn most(&self) -> i32 {
        self.score + TARGET + BIAS * self.w.len() as i32 + ROWS * MANY as i32
    }
}

/// One way to read the file, while it is looked for.
pub struct Search<'t> {
    pub arrays: &'t [Named<'t>],
    pub layout: Layout,
    /// Where the ones stand among the inputs, if biases are a row of the weights.
    pub ones: Option<End>,
    pub relations: Vec<Relation>,
    pub activated: Vec<(usize, usize)>,
    /// Whether the file has an array's difference from what an activation made.
    pub subtracted: Vec<OnceCell<bool>>,
    /// Whether an array has whole numbers alone, once somebody has asked.
    pub whole: Vec<OnceCell<bool>>,
    /// Whether the file has the gradient of an array by its name.
    pub graded: Vec<bool>,
    /// Whether the file has an array's difference from another, found when it is asked for.
    pub rebuilt: Vec<OnceCell<bool>>,
    /// The inputs that each array was multiplied with.
    inputs: Vec<Vec<usize>>,
    /// The number from which biases are counted.
    pub first_bias: Option<usize>,
}

/// What the time of a parameter says for it as the one of the forward pass: one from before the step surely is.
pub fn earlier(time: Time) -> i32 {
    match time {
        Time::Before => 2,
        Time::Now => 1,
        Time::After => 0,
    }
}

/// Whether the file has the gradient of an array by its name, of the same shape: `dV` beside `V`.
fn has_gradient(arrays: &[Named], own: &Named) -> bool {
    let is = |other: &Named| {
        let rest = GRADIENT.iter().find_map(|word| {
            let name = other.name;
            name.strip_prefix(word).or_else(|| name.strip_suffix(word)).filter(|rest| !rest.is_empty())
        });
        let same = |rest: &str| rest.trim_matches('_').eq_ignore_ascii_case(own.name);
        other.array.shape == own.array.shape && rest.is_some_and(same)
    };
    own.words.kind.is_none() && arrays.iter().any(is)
}

impl<'t> Search<'t> {
    /// What the numbers of all arrays say under one layout.
    pub fn new(arrays: &'t [Named<'t>], layout: Layout, ones: Option<End>) -> Self {
        let relations = relations(arrays, layout, ones);
        let mut inputs = vec![Vec::new(); arrays.len()];
        relations.iter().for_each(|relation| inputs[relation.w].push(relation.a));
        let biases = arrays.iter().filter(|array| array.words.is_parameter(Kind::Bias));
        let first_bias = biases.filter_map(|array| array.words.number()).min();
        let activated = activated(arrays, layout, ones);
        let unasked = || vec![OnceCell::new(); arrays.len()];
        let (subtracted, whole, rebuilt) = (unasked(), unasked(), unasked());
        let graded = arrays.iter().map(|own| has_gradient(arrays, own)).collect();
        Self {
            arrays,
            layout,
            ones,
            relations,
            activated,
            subtracted,
            whole,
            graded,
            rebuilt,
            inputs,
            first_bias,
        }
    }

    /// Samples and width of an array, without a column of ones that stands for biases.
    pub fn samples(&self, array: usize) -> Option<[usize; 2]> {
        self.arrays[array].samples_beside(self.layout, self.ones)
    }

    /// Whether the numbers show that a layer with these weights was computed: the first from X.
    pub fn computes(&self, x: usize, first: bool, w: usize) -> bool {
        self.inputs[w].iter().any(|&a| first == (a == x))
    }

    /// Whether names or numbers show that an array is the weights of a layer.
    pub fn shows_layer(&self, x: usize, first: bool, w: usize) -> bool {
        self.arrays[w].words.is_parameter(Kind::Weight) || self.computes(x, first, w) || self.graded[w]
    }

    /// The same of an array as the input of a network whose first weights are these.
    pub fn shows_input(&self, x: usize, w: usize) -> bool {
        let words = &self.arrays[x].words;
        let is_first = words.kind == Some(Kind::Act) && words.number() == Some(0);
        words.kind == Some(Kind::Input) || is_first || self.computes(x, true, w)
    }
}
