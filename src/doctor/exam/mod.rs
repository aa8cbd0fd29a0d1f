//! One examination of a case: forward, backward, update, health; and the choice among conventions.

pub(crate) mod activations;
pub(crate) mod backward;
pub(crate) mod candidates;
pub(crate) mod clipped;
pub(crate) mod clipping;
pub(crate) mod design;
pub(crate) mod difference;
pub(crate) mod examination;
pub(crate) mod forward;
pub(crate) mod habits;
pub(crate) mod health;
pub(crate) mod huber;
pub(crate) mod identified;
pub(crate) mod intention;
pub(crate) mod judge;
pub(crate) mod layer;
pub(crate) mod loss;
pub(crate) mod output;
pub(crate) mod permutation;
pub mod report;
pub(crate) mod scaled;
pub(crate) mod unexplained;
pub(crate) mod update;
pub(crate) mod weighing;
pub(crate) mod witness;
pub(crate) mod worlds;
