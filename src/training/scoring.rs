//! The measures of each task, besides the loss.

use crate::network::Task;
use crate::step::metrics::Measure;

/// The measure of a task that is shown where there is room for one.
pub fn headline(task: Task) -> Measure {
    match task {
        Task::Classification => Measure::Accuracy,
        Task::MultiLabel => Measure::AllRight,
        Task::Regression => Measure::R2,
    }
}

/// What an engine's hits are the share of; numbers have none.
pub fn hits(task: Task) -> Option<Measure> {
    match task {
        Task::Classification => Some(Measure::Accuracy),
        Task::MultiLabel => Some(Measure::AllRight),
        Task::Regression => None,
    }
}
