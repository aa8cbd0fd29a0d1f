//! The interface of whatever connects the ranks.

use std::time::Duration;

/// Processes that train one network together, each of which has a number: its rank. Rank 0 leads. All ranks make the same calls in
/// the same order. A call that cannot be made ends the process.
pub trait Team {
    /// This process's number, counted from 0.
    fn rank(&self) -> usize;

    /// This process's number among those on the same machine, counted from 0.
    fn local_rank(&self) -> usize;

    /// The name of the machine.
    fn machine(&self) -> String;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// Every rank gets what rank 0 has.
    fn broadcast(&self, bytes: &mut Vec<u8>);

    /// Rank 0 gets what each rank has, in the order of ranks; the others get nothing.
    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;

    /// Each value becomes the sum of the values that the ranks have there, with the same bits on all of them.
    fn sum(&self, values: &mut [f32]);

    /// The time that this rank has spent in [`sum`](Self::sum), waiting for others included.
    fn time_in_sums(&self) -> Duration;
}
