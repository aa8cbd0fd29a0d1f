//! How a team trains.

use super::call::{Call, What};
use super::ranks::Team;

/// A team, and how it trains.
#[derive(Clone, Copy)]
pub struct Teamwork<'t> {
    /// The processes.
    pub team: &'t dyn Team,
    /// After how many steps of their own the ranks average their weights; if `None`, they average the gradients of every step.
    pub sync_every: Option<usize>,
}

impl Teamwork<'_> {
    /// Whether this process leads.
    pub fn leads(&self) -> bool {
        self.team.rank() == 0
    }

    /// Lets the other ranks end, with an exit code. For rank 0, once everything is done.
    pub fn end(&self, exit_code: u8) {
        Call::new(What::End { exit_code }).send(self.team);
    }
}
