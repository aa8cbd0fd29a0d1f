//! Sweeps: which trials there are, and for how many epochs each of them is trained. A trial is a training with one value for
//! each option that varies.

mod axis;
mod halving;

pub use axis::{Axis, Combination, MOST_TRIALS, Range, Values, drawn, grid};
pub use halving::{Rung, rungs};
