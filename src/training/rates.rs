//! The search for a learning rate: many short trainings from the same weights, each with a rate of its own, and the loss to which
//! each of them comes on samples that are held out.
//!
//! Smith, "Cyclical learning rates for training neural networks", 2017 (its range test lets the rate of one training grow; here
//! every rate has the same steps, so that a loss is that of its rate and not of those before).

use super::{Judge, TrainConfig, shuffled};
use crate::data::{Dataset, Split};
use crate::engine::Engine;
use crate::error::Result;
use crate::network::Parameters;
use crate::step::metrics::{Score, Sums};
use crate::step::schedule::Curve;

/// The rates that are tried: 1, 2 and 5 of each power of ten from 1e-6 to 10.
pub const RATES: [f32; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0,
];

/// A tenth of a training's steps, but at least so many, and at most `MOST_STEPS`.
const LEAST_STEPS: usize = 200;
const MOST_STEPS: usize = 2000;

/// So many samples are many: a tenth of them tells rates apart.
const MANY: usize = 5000;
const TENTH: usize = 10;
const FOLDS: usize = 5;

/// A loss is as good as the lowest if no more than this part of what was learned lies between them.
const TOLERANCE: f64 = 0.02;

/// Nothing was learned if the lowest loss has lost no more than this part of the loss at the start.
const LEARNED: f64 = 0.01;

/// What came of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The learning rate.
    pub lr: f32,
    /// On the samples that are held out, after the last step, the mean over the parts; none if a loss or a weight is no longer a number.
    pub score: Option<Score>,
}

/// What came of all rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Before the first step.
    pub start: Score,
    /// How many each has taken.
    pub steps: usize,
    /// Rate by rate, rising.
    pub tried: Vec<Tried>,
}

/// Why there is no suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// Every rate diverges.
    Diverged,
    /// No rate lowers the loss.
    Flat,
}

impl Search {
    /// The rate to train with: of the rates whose loss is about as low as the lowest the smallest, since a longer training makes
    /// up for a small rate, but not for one at the edge of divergence. The last rate before one that does not learn is that edge.
    ///
    /// # Errors
    /// Why there is none.
    pub fn suggested(&self) -> Result<f32, Unclear> {
        if self.tried.iter().all(|tried| tried.score.is_none()) {
            return Err(Unclear::Diverged);
        }
        let start = self.start.loss;
        let learns = |tried: &Tried| tried.score.map(|score| score.loss).filter(|&loss| loss <= start);
        let all: Vec<Option<f64>> = self.tried.iter().map(learns).collect();
        let is_safe = |at: usize| all.get(at + 1).is_none_or(Option::is_some);
        let safe: Vec<Option<f64>> = (0..all.len()).map(|at| all[at].filter(|_| is_safe(at))).collect();
        // A rate at the edge is better than none.
        let chosen = smallest(&safe, start).or_else(|| smallest(&all, start));
        chosen.map(|at| self.tried[at].lr).ok_or(Unclear::Flat)
    }
}

/// The place of the smallest rate that is about as good as the best one and has none that is worse in between; nothing if none has
/// learned from the loss at the start.
fn smallest(losses: &[Option<f64>], start: f64) -> Option<usize> {
    let known = losses.iter().enumerate().filter_map(|(at, loss)| Some((at, (*loss)?)));
    let (best, lowest) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let learned = start - lowest;
    let as_good = |loss: &&Option<f64>| loss.is_some_and(|loss| loss <= lowest + TOLERANCE * learned);
    let more = losses[..best].iter().rev().take_while(as_good).count();
    (learned > LEARNED * start.abs()).then_some(best - more)
}

/// How many steps each rate takes, for a training that is configured so on so many samples.
pub fn steps(config: &TrainConfig, samples: usize) -> usize {
    let all = samples.div_ceil(config.batch_size).max(1).saturating_mul(config.epochs);
    (all / 10).clamp(LEAST_STEPS, MOST_STEPS).min(all)
}

/// The configuration of a short training with a rate: it has no schedule and stops by itself.
pub fn of_rate(config: &TrainConfig, lr: f32) -> TrainConfig {
    let TrainConfig { lr_gamma, lr_min, .. } = TrainConfig::default();
    TrainConfig {
        lr,
        lr_schedule: Curve::Constant,
        lr_step_epochs: None,
        lr_gamma,
        lr_min,
        warmup_epochs: 0.0,
        early_stopping: None,
        ..config.clone()
    }
}

/// Samples to train on, and samples to measure on, by their places in the training part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Trained on.
    pub train: Vec<u32>,
    /// Held out.
    pub held_out: Vec<u32>,
}

/// What the rates are measured on: of many samples a tenth that is held out; of fewer, whose losses depend much on which they are,
/// each fifth in turn.
pub fn parts(samples: &[u32], seed: u64) -> Vec<Part> {
    let order = shuffled(samples, seed, 0);
    let (parts, of) = if order.len() < MANY { (FOLDS, FOLDS) } else { (1, TENTH) };
    let part = |number: usize| {
        let is_out = |&(at, _): &(usize, &u32)| at % of == number;
        let (held_out, train): (Vec<_>, Vec<_>) = order.iter().enumerate().partition(is_out);
        let samples = |chosen: Vec<(usize, &u32)>| chosen.into_iter().map(|(_, &sample)| sample).collect();
        Part { train: samples(train), held_out: samples(held_out) }
    };
    (0..parts).map(part).collect()
}

/// Takes so many steps on a part from the weights of the seed, and measures the network then; nothing if the loss or a weight is no
/// longer a number, or `stopped` ends it. The engine is one for [`of_rate`].
///
/// # Errors
/// What the engine reports.
pub async fn score_after(
    engine: &mut impl Engine,
    config: &TrainConfig,
    dataset: &Dataset,
    part: &Part,
    steps: usize,
    stopped: &impl Fn() -> bool,
) -> Result<Option<Score>> {
    let spec = config.spec(dataset)?;
    engine.load(Split::Train, dataset.train.clone()).await?;
    engine.set_parameters(&Parameters::initial(&spec, config.seed), None).await?;
    engine.set_sums(&Sums::default()).await?;
    let (mut left, mut epoch) = (steps, 0);
    while left > 0 {
        let mut order = shuffled(&part.train, config.seed, epoch);
        order.truncate(left.saturating_mul(config.batch_size));
        let mut done = 0;
        while done < order.len() {
            if stopped() {
                return Ok(None);
            }
            done += engine.train(&order[done..]).await?;
        }
        left -= order.len().div_ceil(config.batch_size);
        epoch += 1;
    }
    let score = Judge::new(spec.loss(), dataset).score(engine, Split::Train, &part.held_out).await?;
    let sound = engine.parameters().await?.last_unsound_layer().is_none();
    Ok(Some(score).filter(|score| sound && score.loss.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::{RATES, Search, Tried, Unclear, parts, steps};
    use crate::step::metrics::Score;
    use crate::training::TrainConfig;

    fn search(losses: &[f64]) -> Search {
        let tried = |(&lr, &loss): (&f32, &f64)| Tried {
            lr,
            score: Some(Score::of_loss(loss)).filter(|score| score.loss.is_finite()),
        };
        let tried = RATES.iter().zip(losses).map(tried).collect();
        Search { start: Score::of_loss(2.0), steps: 100, tried }
    }

    #[test]
    fn the_smallest_rate_that_is_about_as_good_is_suggested() {
        let nan = f64::NAN;
        // 2 % of what was learned, 1.0, may lie between a loss and the lowest.
        assert_eq!(search(&[2.0, 1.5, 1.015, 1.01, 1.0, nan]).suggested(), Ok(RATES[2]));
        assert_eq!(search(&[2.0, 1.5, 1.04, 1.01, 1.0, 5.0]).suggested(), Ok(RATES[3]));
        assert_eq!(search(&[2.0, 1.01, 1.3, 1.0, 1.2]).suggested(), Ok(RATES[3]), "not across a worse one");
        assert_eq!(search(&[2.0, 1.4, 1.3, 0.5, nan]).suggested(), Ok(RATES[2]), "not at the edge");
        assert_eq!(search(&[2.0, 1.4, 1.3, 0.5, 2.1]).suggested(), Ok(RATES[2]), "not at the edge");
        assert_eq!(search(&[1.0, 2.5, nan]).suggested(), Ok(RATES[0]), "there is no other");
    }

    #[test]
    fn where_nothing_is_learned_nothing_is_suggested() {
        assert_eq!(search(&[f64::NAN, f64::INFINITY]).suggested(), Err(Unclear::Diverged));
        assert_eq!(search(&[2.0, 1.985, 2.1]).suggested(), Err(Unclear::Flat));
        assert_eq!(search(&[2.0, 3.0, f64::NAN]).suggested(), Err(Unclear::Flat));
    }

    #[test]
    fn of_few_samples_each_is_held_out_once() {
        let samples: Vec<u32> = (0..103).collect();
        let few = parts(&samples, 1);
        let mut out: Vec<u32> = few.iter().flat_map(|part| part.held_out.clone()).collect();
        out.sort_unstable();
        assert_eq!((few.len(), out), (5, samples));
        assert!(few.iter().all(|part| part.train.len() + part.held_out.len() == 103));
        assert!(few.iter().all(|part| part.held_out.iter().all(|sample| !part.train.contains(sample))));
        let many = parts(&(0..5000).collect::<Vec<_>>(), 1);
        assert_eq!((many.len(), many[0].train.len(), many[0].held_out.len()), (1, 4500, 500));
    }

    #[test]
    fn a_search_takes_a_tenth_of_the_steps_within_limits() {
        let config = |epochs| TrainConfig { epochs, batch_size: 64, ..TrainConfig::default() };
        assert_eq!(steps(&config(10), 54_000), 844);
        assert_eq!(steps(&config(10), 9_000), 200);
        assert_eq!(steps(&config(10), 100), 20, "all that the training itself has");
        assert_eq!(steps(&config(1000), 54_000), 2000);
    }
}
