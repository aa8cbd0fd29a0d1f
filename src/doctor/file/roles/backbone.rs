//! The network and the batch among the arrays of a file: X, y, and weights and biases that chain from one to the other.
//!
//! Chains are grown layer by layer, the best few of each length are kept, and the one counts for which names and numbers
//! speak most. A part of it for which neither speaks is not accepted.

use super::arrays::Named;
use super::relations::Relation;
use super::search::{Chain, MANY, ROWS, Search, WORDS};
use super::words::Kind;
use crate::doctor::file::columns::End;
use crate::doctor::file::layout::Layout;
use std::collections::BTreeSet;

/// The network and the batch; arrays by their positions.
#[derive(Debug, Clone)]
pub struct Backbone {
    /// How samples and weights lie.
    pub layout: Layout,
    /// Samples.
    pub n: usize,
    /// Widths: input, hidden layers, outputs.
    pub sizes: Vec<usize>,
    /// The batch.
    pub x: usize,
    /// The targets.
    pub y: usize,
    /// The weights of every layer.
    pub w: Vec<usize>,
    /// Their biases, where the file has them.
    pub b: Vec<Option<usize>>,
    /// What the numbers say of arrays that lie so.
    pub relations: Vec<Relation>,
    /// Where the ones stand among the inputs of every layer, if biases are a row of its weights.
    pub ones: Option<End>,
    /// Weights by their names that no layer needs.
    idle: usize,
    /// `(z, a)`: arrays that are an activation, or the softmax, of others.
    pub activated: Vec<(usize, usize)>,
}

/// The network and the batch, or the nearest that was found: what is missing for it.
///
/// # Errors
/// The parts that are missing, by our names; the fewest of all readings.
pub fn find(arrays: &[Named]) -> Result<Backbone, Vec<String>> {
    let mut best: Option<(i32, Backbone)> = None;
    let mut searches = Vec::new();
    let ways = [None, Some(End::First), Some(End::Last)];
    let with_ones = |array: &Named| {
        let has = |layout| {
            End::ALL.iter().any(|&end| array.samples_beside(layout, Some(end)) != array.samples(layout))
        };
        has(Layout::ALL[0]) || has(Layout::ALL[1])
    };
    let some_ones = arrays.iter().any(with_ones);
    for (ones, layout) in ways.into_iter().flat_map(|ones| Layout::ALL.map(|layout| (ones, layout))) {
        // Without ones in the file, a network in which every weight has its place needs no biases among them.
        let whole = best.as_ref().is_some_and(|(_, plain)| plain.ones.is_none() && plain.idle == 0);
        if ones.is_some() && !some_ones && whole {
            break;
        }
        if ones.is_some_and(|end| !may_be_rows(arrays, layout, end)) {
            continue;
        }
        let search = Search::new(arrays, layout, ones);
        let mut wins = false;
        for chain in search.chains(false) {
            if best.as_ref().is_some_and(|(most, _)| chain.most() <= *most) {
                continue;
            }
            let found = search.complete(&chain).ok();
            if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|best| found.0 > best.0)) {
                best = Some(found);
                wins = true;
            }
        }
        match best.as_mut().filter(|_| wins) {
            Some((_, backbone)) => {
                (backbone.relations, backbone.activated) = (search.relations, search.activated);
            }
            None => searches.push(search),
        }
    }
    best.map(|(_, backbone)| backbone).ok_or_else(|| nearest(&searches))
}

/// What the nearest reading lacks, where no chain has all.
fn nearest(searches: &[Search]) -> Vec<String> {
    let mut nearest: Vec<String> = ["X", "W1", "y"].map(str::to_owned).into();
    let mut known = false;
    for search in searches {
        for chain in search.chains(true) {
            let Err(missing) = search.complete(&chain) else { continue };
            if !known || missing.len() < nearest.len() {
                (nearest, known) = (missing, true);
            }
            if nearest.len() == 1 {
                return nearest;
            }
        }
    }
    nearest
}

/// Whether shapes allow that biases are among weights: some array has one more input than another one has units.
fn may_be_rows(arrays: &[Named], layout: Layout, end: End) -> bool {
    let width = |array: &Named| array.samples_beside(layout, Some(end)).map(|[_, width]| width);
    let widths: BTreeSet<usize> = arrays.iter().filter_map(width).collect();
    let inside = |array: &Named| array.weights(layout).and_then(|[inside, _]| inside.checked_sub(1));
    arrays.iter().filter_map(inside).any(|inside| widths.contains(&inside))
}

impl Search<'_> {
    /// A chain with targets and biases, and what speaks for it all; the relations are left to the best.
    fn complete(&self, chain: &Chain) -> Result<(i32, Backbone), Vec<String>> {
        let mut missing = Vec::new();
        let parameter = |w: usize| self.arrays[w].words.is_parameter(Kind::Weight);
        if !self.shows_input(chain.x, chain.w[0]) {
            missing.push("X".to_owned());
        }
        for (l, &w) in chain.w.iter().enumerate() {
            if !self.shows_layer(chain.x, l == 0, w) {
                missing.push(format!("W{}", l + 1));
            }
        }
        let [n, input] = self.samples(chain.x).unwrap_or_default();
        let widths = chain.w.iter().filter_map(|&w| self.arrays[w].weights(self.layout));
        let sizes: Vec<usize> = [input].into_iter().chain(widths.map(|[_, out]| out)).collect();
        let mut taken = vec![chain.x];
        taken.extend(&chain.w);
        let target = (0..self.arrays.len()).filter(|y| !taken.contains(y));
        let target = target
            .filter_map(|y| Some((self.target(y, n, chain.width)?, y)))
            .max_by_key(|(score, y)| (*score, -(*y as i64)));
        let itself = || (input == chain.width && self.is_rebuilt(chain.x)).then_some((0, chain.x));
        let Some((score, y)) = target.or_else(itself) else {
            missing.push("y".to_owned());
            return Err(missing);
        };
        if !missing.is_empty() {
            return Err(missing);
        }
        taken.push(y);
        let mut total = chain.score + score;
        let mut b = Vec::new();
        for (l, &w) in chain.w.iter().enumerate() {
            let found = self.bias(chain, l, w, sizes[l + 1], &taken);
            total += found.map_or(0, |(score, _)| score);
            taken.extend(found.map(|(_, bias)| bias));
            b.push(found.map(|(_, bias)| bias));
        }
        // Weights that no layer needs speak for a longer chain.
        let idle = |w: &usize| {
            let spare = self.arrays[*w].sides().is_some() && parameter(*w) && !taken.contains(w);
            spare && !taken.iter().any(|&other| self.arrays[other].array.data == self.arrays[*w].array.data)
        };
        let idle = (0..self.arrays.len()).filter(idle).count();
        total -= WORDS * idle as i32;
        total += ROWS * self.of_samples(n, &sizes[1..], &taken).min(MANY) as i32;
        let (layout, ones, x, w) = (self.layout, self.ones, chain.x, chain.w.clone());
        let (relations, activated) = (Vec::new(), Vec::new());
        Ok((total, Backbone { layout, n, sizes, x, y, w, b, relations, ones, idle, activated }))
    }

    /// Arrays that the batch may have made: of so many samples, and of a layer's width.
    fn of_samples(&self, n: usize, widths: &[usize], taken: &[usize]) -> usize {
        let made = |array: &usize| {
            let samples = self.samples(*array);
            !taken.contains(array) && samples.is_some_and(|[own, width]| own == n && widths.contains(&width))
        };
        (0..self.arrays.len()).filter(made).count()
    }
}
