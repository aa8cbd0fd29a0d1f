//! Words for people: numbers as text, and what a misspelt name was meant to be.

pub mod numerals;
pub mod spelling;
