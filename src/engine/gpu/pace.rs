//! How much work goes into one submission: as much as takes a twentieth of a second, measured continuously.

use std::time::Duration;

use crate::gpu::Launch;

/// What a submission should take: long enough to keep the device busy, short enough for Ctrl-C, a progress bar, and
/// the watchdog of any operating system (2 s on Windows).
const TARGET: Duration = Duration::from_millis(60);

/// Bytes are this much dearer than operations: between a CPU's 5 and a large GPU's 20.
const OPERATIONS_PER_BYTE: u64 = 10;

/// The work that a submission may have. It begins with a single launch, since nothing is known of the adapter, and at
/// most doubles from one submission to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    budget: u64,
}

impl Pace {
    /// No submission should take longer than this, on any adapter.
    pub const LONGEST: Duration = Duration::from_millis(250);

    /// What launches cost, in operations.
    pub fn cost<'a>(launches: impl IntoIterator<Item = &'a Launch>) -> u64 {
        launches.into_iter().map(|launch| Self::work(launch.work().flops, launch.work().bytes)).sum()
    }

    /// What so many operations on so many bytes cost.
    pub fn work(flops: u64, bytes: u64) -> u64 {
        (flops + OPERATIONS_PER_BYTE * bytes).max(1)
    }

    /// Steps of that cost for the next submission: no fewer than one.
    pub fn steps(&self, cost: u64) -> usize {
        (self.budget / cost.max(1)).max(1) as usize
    }

    /// Where pieces of work of these costs are to be cut, so that each part stays within the budget, if a piece alone
    /// does: the lengths of the parts.
    pub fn parts(&self, costs: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let (mut parts, mut sum): (Vec<usize>, u64) = (Vec::new(), 0);
        for cost in costs {
            sum += cost;
            match parts.last_mut() {
                Some(part) if sum <= self.budget => *part += 1,
                _ => {
                    parts.push(1);
                    sum = cost;
                }
            }
        }
        parts
    }

    /// A submission of that cost took so long.
    pub fn learn(&mut self, cost: u64, took: Duration) {
        if took > TARGET {
            let fits = cost as f64 * TARGET.as_secs_f64() / took.as_secs_f64();
            self.budget = self.budget.min(fits as u64);
        } else if took < TARGET / 2 {
            self.budget = self.budget.max(2 * cost);
        }
    }
}
