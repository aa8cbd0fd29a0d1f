//! `gpu-mlp train`: a new run, or a resumed one.

mod args;
mod circumstances;
pub mod config_file;
pub(super) mod configuration;
mod ensemble;
mod face;
mod folds;
mod options;
mod recorder;
pub(super) mod recovery;
mod session;
mod single;
mod sitting;
mod team;

use clap::parser::ValueSource;

pub use args::TrainArgs;
pub(super) use circumstances::{device, place};
pub(super) use face::{Ending, Face, Opening};
pub(super) use options::Options;
pub(super) use session::Session;
pub(super) use sitting::unused_folder;

use crate::engine::team::Teamwork;
use crate::error::Result;

/// The options that the user gave, as opposed to defaults.
pub(super) fn given(matches: &clap::ArgMatches) -> Vec<String> {
    let explicit = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    // Two flags give one option.
    let name = |id: &clap::Id| if id == "no_header" { "header".to_owned() } else { id.as_str().to_owned() };
    matches.ids().filter(explicit).map(name).collect()
}

/// Runs `gpu-mlp train`; `given` names the options that the user gave. A team trains one run together.
///
/// # Errors
/// What reading the data, the device, training or writing the run reports.
pub fn run(args: &TrainArgs, given: &[String], teamwork: Option<Teamwork<'_>>) -> Result<u8> {
    if let Some(teamwork) = teamwork {
        return team::train(args, given, teamwork);
    }
    match (ensemble::resumed(args)?, args.ensemble) {
        (Some(own), _) => return ensemble::go_on(args, given, own),
        (None, Some(members)) => return ensemble::begin(args, given, members),
        (None, None) => {}
    }
    match (folds::resumed(args)?, args.folds) {
        (Some(own), _) => {
            let folds = own.dir.count;
            folds::run(args, given, Some(own), folds)
        }
        (None, Some(folds)) => folds::run(args, given, None, folds),
        (None, None) => single::train(args, given, None),
    }
}
