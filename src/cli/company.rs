//! Processes that run one command together.

use crate::engine::team::Teamwork;

/// Hands out the trials of a sweep to processes.
pub trait Dealer: Sync {
    /// The next place of a list of trials, counted from 0, which nobody else gets.
    fn next(&self, list: usize) -> usize;
}

/// Processes that run one command together.
#[derive(Clone, Copy)]
pub struct Company<'t> {
    /// How they train one network.
    pub teamwork: Teamwork<'t>,
    /// Who hands out the trials of a sweep.
    pub dealer: &'t dyn Dealer,
}
