//! The order of an epoch over parts: random, and yet part after part.

use std::collections::VecDeque;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// How many parts the samples of a stretch of the order come from.
pub const WINDOW: usize = 8;

/// The samples of `parts` in a random order, in which those of a part lie close together: parts come in a random order, each sample
/// goes to one of the [`WINDOW`] stretches that begin with its part's, and each stretch is shuffled. So a stretch is as long as a part,
/// mixes [`WINDOW`] of them, and each stretch brings one new part.
pub fn windowed(mut parts: Vec<Vec<u32>>, rng: &mut impl Rng) -> Vec<u32> {
    parts.shuffle(rng);
    let mut order = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    let mut stretches: VecDeque<Vec<u32>> = (0..WINDOW).map(|_| Vec::new()).collect();
    for part in parts {
        for sample in part {
            stretches[rng.random_range(0..WINDOW)].push(sample);
        }
        let mut stretch = stretches.pop_front().unwrap_or_default();
        stretch.shuffle(rng);
        order.append(&mut stretch);
        stretches.push_back(stretch);
    }
    for mut stretch in stretches {
        stretch.shuffle(rng);
        order.append(&mut stretch);
    }
    order
}
