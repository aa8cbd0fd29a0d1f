//! Several trainings that do not wait for one another: the trials of a sweep, the members of an ensemble. On the CPU they are
//! trained side by side, each on threads of its own; on a GPU they take their steps together.

mod progress;
mod training;
mod workers;

pub(super) use progress::Progress;
pub(super) use training::Training;
pub(super) use workers::{Workers, each, in_turn, note_alone};
