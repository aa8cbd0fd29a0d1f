//! Text for people: formatted numbers, and suggestions for mistyped names.

pub mod numerals;
pub mod spelling;
