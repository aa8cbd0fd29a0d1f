//! What the numbers of a file say about it, whatever the names: which array is a function of `a·W + b` of which others.

use super::arrays::{Named, agree, norm, rounding};
use crate::doctor::file::columns::{End, has_ones, with_ones, without_column};
use crate::doctor::file::layout::Layout;
use crate::network::Activation;
use crate::reference::{self, Matrix};

/// Samples that are compared: a bias, an activation and two numbers that agree by chance are told apart by as many.
const SAMPLES: usize = 4;

/// The most multiplications that are spent on looking.
const BUDGET: usize = 1 << 31;

/// What follows `a·W + b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Nothing.
    None,
    /// An activation.
    Activation(Activation),
    /// Softmax.
    Softmax,
}

/// `out = f(a·W + b)` to rounding; arrays by their positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relation {
    /// The inputs of the layer.
    pub a: usize,
    /// Its weights.
    pub w: usize,
    /// Its biases; nothing if they are not in the file.
    pub b: Option<usize>,
    /// What was done with the sum.
    pub function: Function,
    /// The result.
    pub out: usize,
}

/// Which arrays, and of which others, are an activation or the softmax: `(z, a)`, but not where `z` and `a` are equal.
pub fn activated(arrays: &[Named], layout: Layout, ones: Option<End>) -> Vec<(usize, usize)> {
    let few: Vec<Option<Few>> = arrays.iter().map(|array| Few::of(array, layout, ones)).collect();
    let says = |few: &Option<Few>| few.as_ref().is_some_and(|few| few.says_something);
    let speaking: Vec<usize> = (0..arrays.len()).filter(|&array| says(&few[array])).collect();
    let mut found = Vec::new();
    for &z in &speaking {
        let size = |array: usize| few[array].as_ref().map(|few| (few.samples, few.values.cols()));
        let same = speaking.iter().filter(|&&a| a != z && size(a) == size(z));
        let Some(before) = few[z].as_ref().filter(|_| same.clone().next().is_some()) else { continue };
        let values: Vec<Matrix> = FUNCTIONS[1..].iter().map(|function| function.of(&before.values)).collect();
        for &a in same {
            let tolerance = rounding(arrays[z].is_single() || arrays[a].is_single());
            let given = few[a].as_ref().map_or(&[][..], |few| few.values.data());
            let is = |values: &Matrix| agree(values.data(), given, tolerance);
            if values.iter().any(is) && !is(&before.values) {
                found.push((z, a));
            }
        }
    }
    found
}

/// All relations of arrays that lie in one way; with `ones`, biases are weights of a column of ones.
pub fn relations(arrays: &[Named], layout: Layout, ones: Option<End>) -> Vec<Relation> {
    let few: Vec<Option<Few>> = arrays.iter().map(|array| Few::of(array, layout, ones)).collect();
    let mut found = Vec::new();
    let mut left = BUDGET;
    for (w, weights) in arrays.iter().enumerate() {
        let Some([width, units]) = weights.weights(layout) else { continue };
        let may_be = |&b: &usize| ones.is_none() && b != w && is_bias(&arrays[b], units);
        let biases: Vec<usize> = (0..arrays.len()).filter(may_be).collect();
        let Some(width) = width.checked_sub(usize::from(ones.is_some())) else { continue };
        let mut matrix = None;
        for (a, inputs) in few.iter().enumerate() {
            let Some(inputs) = inputs.as_ref().filter(|inputs| inputs.values.cols() == width && w != a)
            else {
                continue;
            };
            let fits =
                |out: &Few| out.samples == inputs.samples && out.values.cols() == units && out.says_something;
            let outs: Vec<usize> = (0..arrays.len())
                .filter(|&out| out != a && out != w && few[out].as_ref().is_some_and(fits))
                .collect();
            let work = SAMPLES * width * units;
            if outs.is_empty() || work > left {
                continue;
            }
            left -= work;
            let Some(weights) = matrix.get_or_insert_with(|| weights.matrix(layout.in_out)) else { continue };
            let sum = match ones {
                Some(end) => reference::matmul(&with_ones(&inputs.values, end), weights),
                None => reference::matmul(&inputs.values, weights),
            };
            if says_something(&sum) {
                found.extend(Pair { arrays, few: &few, a, w, sum }.relations(&outs, &biases));
            }
        }
    }
    found
}

fn is_bias(array: &Named, units: usize) -> bool {
    array.is_vector(units) && array.array.data.iter().all(|value| value.is_finite())
}

/// A few samples of an array.
struct Few {
    /// Samples in all.
    samples: usize,
    values: Matrix,
    says_something: bool,
}

impl Few {
    fn of(array: &Named, layout: Layout, ones: Option<End>) -> Option<Self> {
        let [n, width] = array.samples(layout)?;
        let data = &array.array.data;
        let count = n.min(SAMPLES);
        let at = |sample: usize, unit: usize| {
            let sample = sample * (n - 1) / (count - 1).max(1);
            if layout.rows { data[sample * width + unit] } else { data[unit * n + sample] }
        };
        let values = Matrix::from_fn(count, width, at);
        let values = match ones.filter(|&end| has_ones(&values, end)) {
            Some(end) => without_column(&values, end),
            None => values,
        };
        Some(Self { samples: n, says_something: says_something(&values), values })
    }
}

/// Inputs and weights that chain, and their product for a few samples.
struct Pair<'t> {
    arrays: &'t [Named<'t>],
    few: &'t [Option<Few>],
    a: usize,
    w: usize,
    sum: Matrix,
}

impl Pair<'_> {
    fn relations(&self, outs: &[usize], biases: &[usize]) -> Vec<Relation> {
        // One value tells nearly all candidates apart: where the sum is largest, no ReLU is off.
        let (row, col) = largest(&self.sum);
        let choices = biases.iter().copied().filter(|&b| b != self.a).map(Some).chain([None]);
        let mut z = vec![0.0; self.sum.cols()];
        let mut probes: Vec<(Option<usize>, Function, f64)> = Vec::new();
        for b in choices {
            z.iter_mut().enumerate().for_each(|(c, z)| *z = self.sum.at(row, c) + self.bias(b, c));
            probes.extend(FUNCTIONS.map(|function| (b, function, function.at(&z, col))));
        }
        let single = [self.a, self.w].iter().any(|&array| self.arrays[array].is_single());
        let mut found = Vec::new();
        for &out in outs {
            let Some(given) = self.few[out].as_ref().map(|few| &few.values) else { continue };
            let tolerance = rounding(single || self.arrays[out].is_single());
            let (value, slack) = (given.at(row, col), 2.0 * tolerance * norm(given.data()));
            let near = probes.iter().filter(|(_, _, probe)| (probe - value).abs() <= slack);
            let fits = |b, function: Function| {
                let whole = function.of(&self.plus(b));
                agree(whole.data(), given.data(), tolerance)
            };
            // A sum that is next to nothing makes biases of themselves.
            let hits = near.filter(|(b, function, _)| *b != Some(out) && fits(*b, *function));
            let mut hits: Vec<_> = hits.map(|(b, function, _)| (*b, *function)).collect();
            if hits.is_empty() && shifted(&self.sum, given, tolerance) {
                hits.push((None, Function::None));
            }
            let relation = |(b, function)| Relation { a: self.a, w: self.w, b, function, out };
            found.extend(hits.into_iter().map(relation));
        }
        found
    }

    /// The bias of a unit.
    fn bias(&self, b: Option<usize>, c: usize) -> f64 {
        b.map_or(0.0, |b| self.arrays[b].array.data[c])
    }

    /// The sum with biases.
    fn plus(&self, b: Option<usize>) -> Matrix {
        Matrix::from_fn(self.sum.rows(), self.sum.cols(), |r, c| self.sum.at(r, c) + self.bias(b, c))
    }
}

/// Where the largest value stands.
fn largest(sum: &Matrix) -> (usize, usize) {
    let at = (0..sum.data().len()).max_by(|&i, &j| sum.data()[i].total_cmp(&sum.data()[j])).unwrap_or(0);
    (at / sum.cols(), at % sum.cols())
}

/// What may have been made of a sum.
const FUNCTIONS: [Function; 10] = [
    Function::None,
    Function::Activation(Activation::Relu),
    Function::Activation(Activation::Sigmoid),
    Function::Activation(Activation::Tanh),
    Function::Softmax,
    Function::Activation(Activation::LeakyRelu),
    Function::Activation(Activation::Elu),
    Function::Activation(Activation::Silu),
    Function::Activation(Activation::Softplus),
    Function::Activation(Activation::Gelu),
];

impl Function {
    /// The function of every row.
    fn of(self, z: &Matrix) -> Matrix {
        match self {
            Self::None => z.clone(),
            Self::Activation(act) => z.map(|z| act.apply(z)),
            Self::Softmax => reference::softmax(z),
        }
    }

    /// One value of the function of a single row.
    fn at(self, row: &[f64], col: usize) -> f64 {
        match self {
            Self::None => row[col],
            Self::Activation(act) => act.apply(row[col]),
            Self::Softmax => (row[col] - reference::log_sum_exp(row)).exp(),
        }
    }
}

/// Whether an array is a sum and a row of biases that the file does not have.
fn shifted(sum: &Matrix, given: &Matrix, tolerance: f64) -> bool {
    let shift = |r: usize, c: usize| given.at(r, c) - sum.at(r, c);
    // Two values tell nearly all of them apart.
    let slack = 2.0 * tolerance * norm(given.data());
    let near = |r: usize, c: usize| (shift(r, c) - shift(0, 0)).abs() <= slack;
    let (may_be_row, may_be_all) = (sum.rows() > 2 && near(1, 0), sum.cols() > 2 && near(0, 1));
    if !may_be_row && !may_be_all {
        return false;
    }
    let first = Matrix::from_fn(sum.rows(), sum.cols(), |r, c| sum.at(r, c) + shift(0, c));
    // Of one sample any difference could be a bias, unless all units have the same.
    let all = Matrix::from_fn(sum.rows(), sum.cols(), |r, c| sum.at(r, c) + shift(0, 0));
    let row = sum.rows() > 2 && agree(first.data(), given.data(), tolerance);
    row || (sum.cols() > 2 && agree(all.data(), given.data(), tolerance))
}

/// Whether values are many enough, and different enough, to agree with a formula by more than chance.
fn says_something(values: &Matrix) -> bool {
    let mut seen: Vec<u64> = values.data().iter().filter(|v| **v != 0.0).map(|v| v.to_bits()).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() >= 3 && values.data().iter().all(|value| value.is_finite())
}
