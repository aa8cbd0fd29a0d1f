//! The submissions in flight: split by measured time, at most two at a time.

use std::collections::VecDeque;
use std::fmt;
use web_time::{Duration, Instant};

use super::pace::Pace;
use crate::error::Result;
use crate::gpu::{Gpu, Launch, Submission};

/// Submissions handed to the device and not waited for: one that runs, and one ready to follow.
const IN_FLIGHT: usize = 2;

/// What a submission of that cost would take on an adapter that is not there.
pub type Clock = fn(u64) -> Duration;

/// What has been submitted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Submissions {
    /// How many.
    pub count: u64,
    /// The time of the longest.
    pub longest: Duration,
    /// How many took longer than [`Pace::LONGEST`]: because of other programs, or a batch too large.
    pub too_long: u64,
    /// How many were under way at once, at most.
    pub in_flight: usize,
}

impl fmt::Display for Submissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, longest, too_long, in_flight } = self;
        let (longest, most) = (longest.as_secs_f64() * 1e3, Pace::LONGEST.as_millis());
        write!(f, "{count} submissions, the longest {longest:.1} ms, {too_long} above {most} ms, ")?;
        write!(f, "{in_flight} in flight at most")
    }
}

/// The submissions under way.
pub(super) struct Flight {
    pending: VecDeque<Pending>,
    last_done: Instant,
    pace: Pace,
    clock: Option<Clock>,
    so_far: Submissions,
}

struct Pending {
    submission: Submission,
    begun: Instant,
    cost: u64,
}

impl Flight {
    pub fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            last_done: Instant::now(),
            pace: Pace::default(),
            clock: None,
            so_far: Submissions::default(),
        }
    }

    /// Goes by another clock than the wall's.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }

    pub fn so_far(&self) -> Submissions {
        self.so_far
    }

    /// Steps of that cost that are to be submitted next.
    pub fn steps(&self, cost: u64) -> usize {
        self.pace.steps(cost)
    }

    /// Waits until there is room for one more submission.
    pub async fn make_room(&mut self, gpu: &Gpu) -> Result<()> {
        self.wait(gpu, IN_FLIGHT - 1).await
    }

    /// Waits for all submissions, so that what the host does next does not count as theirs.
    pub async fn land(&mut self, gpu: &Gpu) -> Result<()> {
        self.wait(gpu, 0).await
    }

    async fn wait(&mut self, gpu: &Gpu, left: usize) -> Result<()> {
        while self.pending.len() > left {
            let Some(Pending { submission, begun, cost }) = self.pending.pop_front() else { break };
            gpu.wait(&submission).await?;
            let now = Instant::now();
            let took = match self.clock {
                None => now - begun.max(self.last_done),
                Some(clock) => clock(cost),
            };
            self.last_done = now;
            self.so_far.longest = self.so_far.longest.max(took);
            self.so_far.too_long += u64::from(took > Pace::LONGEST);
            self.pace.learn(cost, took);
        }
        Ok(())
    }

    /// Submits launches, in one part if the pace allows it: the first part by `first`, which may add to it what has to
    /// come before.
    pub async fn submit(
        &mut self,
        gpu: &Gpu,
        launches: &[&Launch],
        first: impl FnOnce(&[&Launch]) -> Result<Submission>,
    ) -> Result<()> {
        let costs: Vec<u64> = launches.iter().map(|&launch| Pace::cost([launch])).collect();
        let (mut first, mut done) = (Some(first), 0);
        while done < launches.len() {
            self.make_room(gpu).await?;
            // What is known by now: the parts of a long step are submissions that teach.
            let length = self.pace.parts(costs[done..].iter().copied()).first().copied().unwrap_or(1);
            let part = &launches[done..done + length];
            let submission = match first.take() {
                Some(first) => first(part)?,
                None => gpu.submit(part.iter().copied())?,
            };
            let cost = costs[done..done + length].iter().sum();
            self.pending.push_back(Pending { submission, begun: Instant::now(), cost });
            self.so_far.count += 1;
            self.so_far.in_flight = self.so_far.in_flight.max(self.pending.len());
            done += length;
        }
        Ok(())
    }
}
