//! The right formulas, and what every known bug makes of the same operands, as tables.

pub(crate) mod accuracy;
pub(crate) mod algebra;
pub mod bend;
pub mod catalogue;
pub(crate) mod delta;
pub mod derivation;
pub mod design;
pub(crate) mod gradient;
pub(crate) mod head;
pub(crate) mod hidden;
pub mod hypothesis;
pub(crate) mod labels;
pub(crate) mod loss;
pub mod optimiser;
pub(crate) mod preactivation;
pub(crate) mod probabilities;
pub(crate) mod scale;
pub mod steps;
pub mod tables;
pub(crate) mod trial;
