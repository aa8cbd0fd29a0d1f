//! Chains of layers, grown from what may be X, the best few of each length.

use super::search::{Chain, NUMBERS, Search, WORDS, earlier};
use super::words::{Kind, Spot};
use std::iter::successors;

/// Chains of one length that are grown further.
const KEPT: usize = 100;

/// Arrays that are tried as X.
const BATCHES: usize = 12;

/// The most layers.
const DEEPEST: usize = 64;

/// A chain with one more layer, before it is known to be kept.
struct Step<'c> {
    score: i32,
    chain: &'c Chain,
    w: usize,
    width: usize,
}

impl Step<'_> {
    fn taken(&self) -> Chain {
        let w = [self.chain.w.as_slice(), &[self.w]].concat();
        Chain { score: self.score, x: self.chain.x, w, width: self.width }
    }
}

impl Search<'_> {
    /// All chains that are worth a look, the shorter ones first: those of which names or numbers show every layer, or with
    /// `any` others as well.
    pub fn chains(&self, any: bool) -> impl Iterator<Item = Chain> {
        let mut batches: Vec<Chain> = (0..self.arrays.len()).filter_map(|x| self.batch(x)).collect();
        batches.sort_by_key(|chain| -chain.score);
        batches.truncate(BATCHES);
        let grown = move |chains: &Vec<Chain>| {
            let mut steps: Vec<_> = chains.iter().flat_map(|chain| self.steps(chain, any)).collect();
            steps.sort_by_key(|step| -step.score);
            steps.truncate(KEPT);
            Some(steps.iter().map(Step::taken).collect()).filter(|chains: &Vec<Chain>| !chains.is_empty())
        };
        successors(grown(&batches), grown).take(DEEPEST).flatten()
    }

    /// A chain without layers that begins with an array as X.
    fn batch(&self, x: usize) -> Option<Chain> {
        let [_, width] = self.samples(x)?;
        let words = &self.arrays[x].words;
        let named = match words.kind {
            Some(Kind::Input) => WORDS + i32::from(words.spot.is_none()),
            Some(Kind::Act) if words.number().is_some_and(|number| number <= 1) => 1,
            None => 0,
            // Products of these are gradients, and no layer's.
            Some(Kind::Delta | Kind::Error | Kind::ActGrad | Kind::Weight | Kind::Bias) => -2 * NUMBERS,
            Some(_) => -WORDS,
        };
        let is_input = self.relations.iter().any(|relation| relation.a == x);
        let is_result = self.relations.iter().any(|relation| relation.out == x);
        let numbers = NUMBERS * (i32::from(is_input) - i32::from(is_result));
        Some(Chain { score: named + numbers, x, w: Vec::new(), width })
    }

    /// The ways in which a chain may get one more layer.
    fn steps<'c>(&self, chain: &'c Chain, any: bool) -> impl Iterator<Item = Step<'c>> {
        let first = chain.w.is_empty();
        let shown =
            move |w: usize| self.shows_layer(chain.x, first, w) && (!first || self.shows_input(chain.x, w));
        (0..self.arrays.len()).filter_map(move |w| {
            let [inside, width] = self.arrays[w].weights(self.layout)?;
            if inside != chain.width + usize::from(self.ones.is_some())
                || w == chain.x
                || chain.w.contains(&w)
                || !(any || shown(w))
            {
                return None;
            }
            Some(Step { score: chain.score + self.layer(chain, w), chain, w, width })
        })
    }

    /// What speaks for weights as the next layer of a chain.
    fn layer(&self, chain: &Chain, w: usize) -> i32 {
        let words = &self.arrays[w].words;
        let mut score = if self.computes(chain.x, chain.w.is_empty(), w) { NUMBERS } else { 0 };
        score += match words.kind {
            Some(Kind::Weight) if words.is_parameter(Kind::Weight) => WORDS + earlier(words.time),
            // Gradients and updated weights are no layer, even where they equal one.
            Some(Kind::Weight) => -NUMBERS - WORDS,
            None => i32::from(self.graded[w]) * WORDS / 2,
            Some(Kind::Mask | Kind::Loss | Kind::Accuracy | Kind::Other) => -WORDS,
            // What samples make is no layer: a product of it is a gradient.
            Some(_) => -NUMBERS - WORDS,
        };
        let twin = |&other: &usize| self.arrays[other].array.data == self.arrays[w].array.data;
        if chain.w.iter().any(twin) {
            score -= NUMBERS + WORDS;
        }
        // The second series of the same numbers is that of another step: `W1_x, W2_x, …` beside `W1, W2, …`.
        let again = |&other: &usize| {
            let other = &self.arrays[other];
            let same = words.number().is_some() && other.words.number() == words.number();
            same && other.array.shape == self.arrays[w].array.shape
        };
        if chain.w.iter().any(again) {
            score -= 2 * NUMBERS;
        }
        let before = chain.w.last().map(|&before| &self.arrays[before].words);
        if let Some(before) = before {
            score += match (before.number(), words.number()) {
                (Some(before), Some(number)) if number == before + 1 => 2,
                (Some(before), Some(number)) if number == before => -2 * NUMBERS,
                (Some(before), Some(number)) if number <= before => -WORDS,
                _ => 0,
            };
            if before.spot == words.spot && before.time != words.time {
                score -= 2 * NUMBERS;
            }
            score += match (before.spot, words.spot) {
                (Some(Spot::Output), _) => -WORDS,
                (Some(Spot::Hidden(before)), Some(Spot::Hidden(hidden))) if hidden <= before => -WORDS,
                _ => 1,
            };
        }
        score
    }
}
