//! Successive halving: all trials are trained a little, the better third of them three times as long, and so on.
//!
//! Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016. Its numbers are those
//! of the first bracket of Hyperband (Li et al., 2018) with η = 3: with n trials and R epochs there are s + 1 rungs,
//! s = ⌊min(log₃ n, log₃ R)⌋; on rung i, from 0, are ⌊n / 3^i⌋ trials, which are trained up to epoch ⌊R / 3^(s - i)⌋.

/// One trial of so many goes on to the next rung.
const ETA: usize = 3;

/// How many trials are trained up to which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// The best ones of the rung before.
    pub trials: usize,
    /// Epochs, those of the rungs before included.
    pub epochs: usize,
}

/// The rungs for so many trials, of which the last ones are trained for so many epochs.
pub fn rungs(trials: usize, epochs: usize) -> Vec<Rung> {
    let steps = trials.max(1).ilog(ETA).min(epochs.max(1).ilog(ETA));
    let rung = |i: u32| Rung { trials: trials / ETA.pow(i), epochs: epochs / ETA.pow(steps - i) };
    (0..=steps).map(rung).collect()
}
