//! Pacing: how much work is handed to the device at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::gpu::{Gpu, Submission};

/// Submissions handed to the device and not waited for: one that runs, and one ready to follow.
const IN_FLIGHT: usize = 2;

/// What a submission should take: long enough to keep the device busy, short enough for Ctrl-C, a progress bar, and
/// the watchdog of any operating system (2 s on Windows).
const TARGET: Duration = Duration::from_millis(60);

/// The submissions under way.
pub(super) struct Flight {
    pending: VecDeque<(Submission, Instant)>,
    last_done: Instant,
    steps: usize,
}

impl Flight {
    pub fn new() -> Self {
        Self { pending: VecDeque::new(), last_done: Instant::now(), steps: 1 }
    }

    /// Steps that the next submission should have.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Waits until there is room for one more submission. Where the number of steps is free (`most` > 0), it doubles
    /// up to that as long as submissions stay well below the target, and halves when one exceeds it.
    pub async fn make_room(&mut self, gpu: &Gpu, most: usize) -> Result<()> {
        while self.pending.len() >= IN_FLIGHT {
            let Some((submission, begun)) = self.pending.pop_front() else { break };
            gpu.wait(&submission).await?;
            let now = Instant::now();
            let took = now - begun.max(self.last_done);
            self.last_done = now;
            if most > 0 && took > TARGET {
                self.steps = (self.steps / 2).max(1);
            } else if most > 0 && took < TARGET / 2 {
                self.steps = (self.steps * 2).min(most);
            }
        }
        Ok(())
    }

    /// Takes note of a submission.
    pub fn push(&mut self, submission: Submission) {
        self.pending.push_back((submission, Instant::now()));
    }
}
