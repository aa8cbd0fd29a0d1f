//! How a batch is cut over the ranks.

use super::ranks::Team;
use crate::step::StepOptions;

/// Which rows of a batch are a rank's: all ranks have `⌈batch_size / ranks⌉` of them, as far as the batch goes.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    batch_size: usize,
    rows: usize,
    first: usize,
}

impl Cut {
    /// Of batches of so many samples, for this process.
    pub fn new(team: &dyn Team, batch_size: usize) -> Self {
        let rows = batch_size.div_ceil(team.size());
        Self { batch_size, rows, first: team.rank() * rows }
    }

    /// How many ranks have rows of a batch.
    pub fn ranks_with_rows(&self) -> usize {
        self.batch_size.div_ceil(self.rows)
    }

    /// Samples of a whole batch.
    pub(super) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The rank's rows of a batch, which may be none.
    pub(super) fn of<'b>(&self, batch: &'b [u32]) -> &'b [u32] {
        let [first, end] = [self.first, self.first + self.rows].map(|row| row.min(batch.len()));
        &batch[first..end]
    }

    /// The options of the rank's own engine: its rows are a batch, with the masks that belong to them in the whole one.
    pub fn options(&self, whole: StepOptions) -> StepOptions {
        let mut own = whole;
        // An engine has at least a sample in a batch, if only one that it never gets.
        own.batch_size = self.rows.min(self.batch_size.saturating_sub(self.first)).max(1);
        own.dropout.first_row = self.first as u32;
        own
    }
}
