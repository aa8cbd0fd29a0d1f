//! Training on a GPU: a step is a list of launches, built once and replayed, many steps to a submission.
//!
//! The samples of several batches, a *chunk*, are gathered by one launch into slots, one batch each; then each slot's
//! step runs: forward through all layers, loss, backward through all layers, update of all layers. Only the order of
//! the samples comes from the host (and the images, if they are streamed); nothing comes back but the sums, once an
//! epoch.

mod core;
mod engine;
mod evaluation;
mod flight;
mod form;
mod halves;
mod network;
mod pace;
mod population;
mod residency;
mod rows;
mod source;
mod stage;
mod step_members;
mod training;

pub use self::engine::GpuEngine;
pub use self::flight::Submissions;
pub use self::pace::Pace;
pub use self::population::{Member, Population};
pub use self::residency::Residency;
