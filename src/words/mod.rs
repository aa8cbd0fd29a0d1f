//! Text for people: formatted numbers, suggestions for mistyped names, and words of a command line.

pub mod numerals;
pub mod shell;
pub mod spelling;
