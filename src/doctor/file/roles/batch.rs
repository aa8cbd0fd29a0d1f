//! The targets of a chain of layers, and the biases of one of them.

use super::arrays::{agree, multiple, norm, rounding};
use super::relations::{Function, Relation};
use super::search::{Chain, NUMBERS, Search, WORDS, earlier};
use super::words::{Kind, Spot, State};
use crate::doctor::file::targets::first_class;

/// What the error at an output is multiplied with: nothing, or the derivative of a sigmoid or of tanh.
const SLOPES: [fn(f64) -> f64; 3] = [|_| 1.0, |p| p * (1.0 - p), |p| 1.0 - p * p];

impl Search<'_> {
    /// Whether the file has an array `±(p - y)` for this y, and p is what an activation made, or y is whole numbers and p not.
    pub fn is_subtracted(&self, y: usize) -> bool {
        // `output` may be what the network shall say.
        let may_be = || {
            let is_output = matches!(self.arrays[y].words.kind, None | Some(Kind::Act));
            is_output && self.is_whole(y) && self.has_difference(y)
        };
        *self.subtracted[y].get_or_init(|| self.has_error(y) || may_be())
    }

    fn has_error(&self, y: usize) -> bool {
        let (arrays, activated) = (self.arrays, &self.activated);
        let (array, words) = (&arrays[y].array, &arrays[y].words);
        let may_be = matches!(words.kind, None | Some(Kind::Act | Kind::Input | Kind::Other));
        if !may_be || activated.iter().any(|&(z, a)| z == y || a == y) {
            return false;
        }
        let made =
            |p: usize| activated.iter().any(|&(_, a)| a == p) || (self.is_whole(y) && !self.is_whole(p));
        let same = |other: usize| other != y && arrays[other].array.shape == array.shape;
        (0..arrays.len()).filter(|&p| same(p) && made(p)).any(|p| {
            let made = &arrays[p].array.data;
            let first = made.first().zip(array.data.first()).map_or(0.0, |(p, y)| p - y);
            let away =
                |sign: f64| made.iter().zip(&array.data).map(|(p, y)| sign * (p - y)).collect::<Vec<f64>>();
            (0..arrays.len()).filter(|&error| error != p && same(error)).any(|error| {
                let tolerance = rounding(arrays[error].is_single());
                let given = &arrays[error].array.data;
                // One value tells most arrays apart.
                let near = |g: &f64| (g.abs() - first.abs()).abs() <= 2.0 * tolerance * norm(given);
                given.len() > 2
                    && given.first().is_some_and(near)
                    && [1.0, -1.0].into_iter().any(|sign| agree(given, &away(sign), tolerance))
            })
        })
    }

    fn is_whole(&self, array: usize) -> bool {
        let whole = || self.arrays[array].array.data.iter().all(|value| value.fract() == 0.0);
        *self.whole[array].get_or_init(whole)
    }

    /// Whether the inputs are the targets, too, as an autoencoder's are: names say so, or the file has the outputs'
    /// difference from them.
    pub fn is_rebuilt(&self, x: usize) -> bool {
        // No network rebuilds weights.
        if matches!(self.arrays[x].words.kind, Some(Kind::Weight | Kind::Bias)) {
            return false;
        }
        let says = || self.arrays.iter().any(|array| array.words.rebuilds);
        *self.rebuilt[x].get_or_init(|| says() || self.has_difference(x))
    }

    /// Whether the file has the difference of some array from this one, or that times a derivative.
    fn has_difference(&self, x: usize) -> bool {
        let input = &self.arrays[x].array;
        let same = |other: &usize| *other != x && self.arrays[*other].array.shape == input.shape;
        (0..self.arrays.len()).filter(same).any(|p| {
            let made = &self.arrays[p].array.data;
            SLOPES.iter().any(|slope| {
                let right = |i: usize| (made[i] - input.data[i]) * slope(made[i]);
                (0..self.arrays.len()).filter(|other| *other != p && same(other)).any(|error| {
                    let error = &self.arrays[error];
                    let given = &error.array.data;
                    // A few values tell most arrays apart.
                    let [i, j] = [0, given.len() / 2];
                    let [first, second] = [given[i] * right(j), given[j] * right(i)];
                    let near = (first - second).abs() <= 1e-3 * first.abs().max(second.abs());
                    let whole = || (0..given.len()).map(right).collect::<Vec<f64>>();
                    near && multiple(given, &whole(), rounding(error.is_single())).is_some()
                })
            })
        })
    }

    /// What speaks for an array as the targets; nothing if it cannot be.
    pub fn target(&self, y: usize, n: usize, width: usize) -> Option<i32> {
        let array = &self.arrays[y];
        let values = &array.array.data;
        let first = if width > 1 { first_class(values, width) } else { 0.0 };
        let within = |v: &f64| v.fract() == 0.0 && *v >= first && *v < first + width.max(2) as f64;
        let labels = array.is_vector(n) && values.iter().all(within);
        let rows = self.samples(y) == Some([n, width]);
        let hot =
            rows && values.iter().all(|v| *v == 0.0 || *v == 1.0) && values.iter().sum::<f64>() == n as f64;
        let number = array.is_vector(n) && width == 1;
        if !(labels || rows || number) {
            return None;
        }
        let named = match array.words.kind {
            // What a layer made is no target, if there is another one: `Y` beside `T`.
            Some(Kind::Target) if self.relations.iter().any(|relation| relation.out == y) => WORDS,
            Some(Kind::Target) => 2 * WORDS,
            _ if self.is_subtracted(y) => 2 * WORDS,
            // Equal ones say nothing: biases begin with zeros.
            None if hot || (labels && values.iter().any(|value| *value != values[0])) => 1,
            _ => return None,
        };
        let computed = self.relations.iter().any(|relation| relation.out == y || relation.a == y);
        let sure = i32::from(hot) * 2 + i32::from(labels);
        (!computed || array.words.kind == Some(Kind::Target)).then_some(named + sure)
    }

    /// The biases of a layer, and what speaks for them.
    pub fn bias(
        &self,
        chain: &Chain,
        l: usize,
        w: usize,
        units: usize,
        taken: &[usize],
    ) -> Option<(i32, usize)> {
        let from_x = |relation: &&Relation| (relation.a == chain.x) == (l == 0);
        let layer = self.relations.iter().filter(|relation| relation.w == w).filter(from_x);
        // Biases that differ by one number have the same softmax: z shows which, if it is there.
        let (shown, softmax): (Vec<&Relation>, Vec<&Relation>) =
            layer.partition(|relation| relation.function != Function::Softmax);
        let of = |relations: &[&Relation]| relations.iter().filter_map(|r| r.b).collect::<Vec<usize>>();
        let exact = if shown.is_empty() { of(&softmax) } else { of(&shown) };
        let weights = &self.arrays[w].words;
        let one = |b: usize| {
            let array = &self.arrays[b];
            if taken.contains(&b) || !array.is_vector(units) {
                return None;
            }
            let same = |other: &usize| agree(&self.arrays[*other].array.data, &array.array.data, 0.0);
            let numbers = if exact.contains(&b) || exact.iter().any(same) { NUMBERS } else { 0 };
            let words = match array.words.kind {
                Some(Kind::Bias) if array.words.is_parameter(Kind::Bias) => WORDS + earlier(array.words.time),
                Some(Kind::Bias) if array.words.state != State::Value => return None,
                _ if numbers > 0 => 0,
                _ => return None,
            };
            let place = match (weights.spot, array.words.spot) {
                (Some(weights), Some(bias)) if weights == bias => 3,
                (Some(Spot::Number(_)), Some(Spot::Number(bias))) => {
                    // Weights and biases may be counted from different numbers.
                    if self.first_bias.is_some_and(|first| bias == first + l) { 3 } else { -3 }
                }
                (_, Some(Spot::Output)) if l + 1 == chain.w.len() => 3,
                (_, Some(Spot::Output)) => -3,
                (_, Some(Spot::Hidden(hidden))) if hidden != l + 1 => -3,
                (_, Some(Spot::Hidden(_))) => 2,
                _ => 0,
            };
            let score = numbers + words + place;
            (score > 0).then_some((score, b))
        };
        (0..self.arrays.len()).filter_map(one).max_by_key(|&(score, b)| (score, -(b as i64)))
    }
}
