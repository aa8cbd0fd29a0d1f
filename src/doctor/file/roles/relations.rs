//! What the numbers of a file say about it, whatever the names: which array is a function of `a·W + b` of which others.

use super::arrays::{Named, agree, rounding};
use crate::network::Activation;
use crate::reference::{self, Matrix};

/// Samples that are compared: a bias, an activation and two numbers that agree by chance are told apart by as many.
const SAMPLES: usize = 4;

/// The most multiplications that are spent on looking.
const BUDGET: usize = 1 << 31;

/// How samples and weights lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lies {
    /// Samples are rows.
    pub rows: bool,
    /// Weights are `[in, out]`.
    pub in_out: bool,
}

impl Lies {
    /// The likeliest first.
    pub const ALL: [Self; 4] = [
        Self { rows: true, in_out: true },
        Self { rows: false, in_out: false },
        Self { rows: true, in_out: false },
        Self { rows: false, in_out: true },
    ];

    /// Samples and width of an array of samples.
    pub fn samples(self, array: &Named) -> Option<[usize; 2]> {
        array.sides().map(|[rows, cols]| if self.rows { [rows, cols] } else { [cols, rows] })
    }

    /// Inputs and outputs of weights.
    pub fn weights(self, array: &Named) -> Option<[usize; 2]> {
        array.sides().map(|[rows, cols]| if self.in_out { [rows, cols] } else { [cols, rows] })
    }
}

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

/// All relations of arrays that lie in one way.
pub fn relations(arrays: &[Named], lies: Lies) -> Vec<Relation> {
    let mut found = Vec::new();
    let mut left = BUDGET;
    for (a, inputs) in arrays.iter().enumerate() {
        let Some([n, width]) = lies.samples(inputs).filter(|&[n, _]| n > 1) else { continue };
        for (w, weights) in arrays.iter().enumerate() {
            let Some([_, units]) = lies.weights(weights).filter(|&[inside, _]| inside == width && w != a)
            else {
                continue;
            };
            let outs: Vec<usize> = (0..arrays.len())
                .filter(|&out| out != a && out != w && lies.samples(&arrays[out]) == Some([n, units]))
                .collect();
            let work = SAMPLES * width * units;
            if outs.is_empty() || work > left {
                continue;
            }
            left -= work;
            found.extend(Pair { arrays, lies, a, w }.relations(&outs));
        }
    }
    found
}

/// Inputs and weights that chain.
struct Pair<'t> {
    arrays: &'t [Named<'t>],
    lies: Lies,
    a: usize,
    w: usize,
}

impl Pair<'_> {
    /// A few samples of an array.
    fn few(&self, array: usize) -> Option<Matrix> {
        let [n, width] = self.lies.samples(&self.arrays[array])?;
        let data = &self.arrays[array].array.data;
        let count = n.min(SAMPLES);
        let at = |sample: usize, unit: usize| {
            let sample = sample * (n - 1) / (count - 1).max(1);
            if self.lies.rows { data[sample * width + unit] } else { data[unit * n + sample] }
        };
        Some(Matrix::from_fn(count, width, at))
    }

    fn relations(&self, outs: &[usize]) -> Vec<Relation> {
        let (Some(inputs), Some(weights)) = (self.few(self.a), self.arrays[self.w].matrix(self.lies.in_out))
        else {
            return Vec::new();
        };
        let sum = reference::matmul(&inputs, &weights);
        if !says_something(&sum) {
            return Vec::new();
        }
        let single = [self.a, self.w].iter().any(|&array| self.arrays[array].is_single());
        let biases: Vec<usize> = (0..self.arrays.len()).filter(|&b| self.is_bias(b, sum.cols())).collect();
        let mut found = Vec::new();
        let choices = biases.into_iter().map(Some).chain([None]);
        let sums: Vec<(Option<usize>, Matrix)> = choices.map(|b| (b, self.plus(&sum, b))).collect();
        let candidates: Vec<(Option<usize>, Function, Matrix)> = sums
            .iter()
            .flat_map(|(b, z)| results(z).into_iter().map(move |(function, value)| (*b, function, value)))
            .collect();
        for &out in outs {
            let Some(given) = self.few(out).filter(says_something) else { continue };
            let tolerance = rounding(single || self.arrays[out].is_single());
            let fits = |value: &Matrix| agree(value.data(), given.data(), tolerance);
            let hits = candidates.iter().filter(|(_, _, value)| fits(value));
            let mut hits: Vec<_> = hits.map(|(b, function, _)| (*b, *function)).collect();
            if hits.is_empty() && shifted(&sum, &given, tolerance) {
                hits.push((None, Function::None));
            }
            let relation = |(b, function)| Relation { a: self.a, w: self.w, b, function, out };
            found.extend(hits.into_iter().map(relation));
        }
        found
    }

    fn is_bias(&self, b: usize, units: usize) -> bool {
        let array = &self.arrays[b];
        b != self.a
            && b != self.w
            && array.is_vector(units)
            && array.array.data.iter().all(|value| value.is_finite())
    }

    fn plus(&self, sum: &Matrix, b: Option<usize>) -> Matrix {
        let Some(b) = b else { return sum.clone() };
        let data = &self.arrays[b].array.data;
        Matrix::from_fn(sum.rows(), sum.cols(), |r, c| sum.at(r, c) + data[c])
    }
}

/// What may have been made of a sum.
fn results(z: &Matrix) -> Vec<(Function, Matrix)> {
    let mut all = vec![(Function::None, z.clone())];
    for act in Activation::ALL.into_iter().filter(|&act| act != Activation::Identity) {
        all.push((Function::Activation(act), z.map(|z| act.apply(z))));
    }
    if z.cols() > 1 {
        all.push((Function::Softmax, reference::softmax(z)));
    }
    all
}

/// Whether an array is a sum and a row of biases that the file does not have.
fn shifted(sum: &Matrix, given: &Matrix, tolerance: f64) -> bool {
    let shift = |r: usize, c: usize| given.at(r, c) - sum.at(r, c);
    let first = Matrix::from_fn(sum.rows(), sum.cols(), |r, c| sum.at(r, c) + shift(0, c));
    sum.rows() > 2 && agree(first.data(), given.data(), tolerance)
}

/// Whether values are many enough, and different enough, to agree with a formula by more than chance.
fn says_something(values: &Matrix) -> bool {
    let mut seen: Vec<u64> = values.data().iter().filter(|v| **v != 0.0).map(|v| v.to_bits()).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() >= 3 && values.data().iter().all(|value| value.is_finite())
}
