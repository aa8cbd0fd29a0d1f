//! The command line: one file for each subcommand; the only place that prints.

pub mod doctor;
