//! The folder of an ensemble: `ensemble.json`, which says how it was configured, and for each member the folder of an ordinary
//! run, `member-1`, `member-2`, … Members differ in their seeds alone: member k has the first seed + k - 1.

use std::path::Path;

use serde::Serialize;

use super::several::Several;
use super::several_files::OF_MEMBERS;
use super::stand::{Stand, Standing};
use super::{RunConfig, RunDir};
use crate::error::{Error, Result, Setting, message};
use crate::step::metrics::Score;
use crate::step::record::{TestScore, ValidationScore};
use crate::step::spread::Spread;

/// The most members: more are a mistake in a number.
pub const MOST_MEMBERS: usize = 1000;

/// A folder that holds an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleDir {
    /// The folder, and its members.
    pub dir: Several,
}

/// What came of a member.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberScore {
    /// From 1.
    pub member: usize,
    /// What it differs in from the others.
    pub seed: u64,
    /// The folder of its run.
    pub run_dir: String,
    /// How far it has come.
    pub stand: Stand,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds spent on training.
    pub training_seconds: f64,
    /// `test_loss` and what else there is.
    #[serde(flatten)]
    pub test: TestScore,
}

/// What came of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnsembleScores {
    /// How many members there are to be.
    pub members: usize,
    /// How many are at their end, or diverged.
    pub done: usize,
    /// The folder of all.
    pub run_dir: String,
    /// Of the members together: what the mean of their answers is worth.
    #[serde(flatten)]
    pub test: TestScore,
    /// The same on the validation part, if there is one.
    #[serde(flatten)]
    pub validation: ValidationScore,
    /// The mean of the members' own scores.
    pub mean: TestScore,
    /// Between them: the root of the squared differences from the mean over their number less 1; absent of a single one.
    pub deviation: TestScore,
    /// The least of each number.
    pub lowest: TestScore,
    /// The largest of each number.
    pub highest: TestScore,
    /// Member by member.
    pub scores: Vec<MemberScore>,
}

impl EnsembleDir {
    /// Whether an ensemble can have so many members with these seeds.
    ///
    /// # Errors
    /// [`Error::Usage`] if not.
    pub fn check(members: usize, config: &RunConfig) -> Result<()> {
        if !(2..=MOST_MEMBERS).contains(&members) {
            let expected = format!(": expected 2 to {MOST_MEMBERS} members");
            return Err(Error::usage(message![Setting::Ensemble.set(members), expected]));
        }
        if config.init.is_some() {
            let problem = message![
                "the members of an ensemble have to differ, and ",
                Setting::Init,
                " gives all of them the same weights"
            ];
            return Err(Error::usage(problem).hint(message!["leave ", Setting::Init, " out"]));
        }
        match config.train.seed.checked_add(members as u64 - 1) {
            Some(_) => Ok(()),
            None => {
                let problem = format!(": member {members} would have none");
                Err(Error::usage(message![Setting::Seed.set(config.train.seed), problem]))
            }
        }
    }

    /// A new ensemble in a folder that may have to be made.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`Error::Usage`] for a folder that already holds a run, unless `overwrite` is true;
    /// [`Error::Io`] if it cannot be written to.
    pub fn create(path: &Path, members: usize, config: RunConfig, overwrite: bool) -> Result<Self> {
        Self::check(members, &config)?;
        Several::create(&OF_MEMBERS, path, members, config, overwrite).map(|dir| Self { dir })
    }

    /// The ensemble in a folder, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if its `ensemble.json` cannot be read or understood.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let Some(dir) = Several::open(&OF_MEMBERS, path)? else { return Ok(None) };
        Self::check(dir.count, &dir.config).map_err(|error| {
            Error::file(path.join(OF_MEMBERS.file), error.to_string(), "correct it, or start anew")
        })?;
        Ok(Some(Self { dir }))
    }

    /// How a member is configured.
    pub fn config(&self, number: usize) -> RunConfig {
        let mut config = self.dir.config.clone();
        config.train.seed += number as u64 - 1;
        config
    }

    /// What came of a member.
    ///
    /// # Errors
    /// What reading its run reports.
    pub fn score(&self, number: usize) -> Result<MemberScore> {
        let run = self.dir.run(number);
        let Standing { stand, epochs, seconds, test, .. } = Standing::of(&run)?;
        Ok(MemberScore {
            member: number,
            seed: self.config(number).train.seed,
            run_dir: run.display().to_string(),
            stand,
            epochs,
            training_seconds: seconds,
            test: TestScore(test),
        })
    }

    /// What came of all members; `together` is what they are worth on the test and the validation part.
    ///
    /// # Errors
    /// What reading their runs reports.
    pub fn scores(&self, [test, validation]: [Option<Score>; 2]) -> Result<EnsembleScores> {
        let scores = (1..=self.dir.count).map(|number| self.score(number)).collect::<Result<Vec<_>>>()?;
        let tests: Vec<Score> = scores.iter().filter_map(|score| score.test.0).collect();
        let spread = Spread::of(&tests);
        let of = |part: fn(Spread) -> Score| TestScore(spread.map(part));
        Ok(EnsembleScores {
            members: self.dir.count,
            done: scores.iter().filter(|score| score.stand.is_final()).count(),
            run_dir: self.dir.path().display().to_string(),
            test: TestScore(test),
            validation: ValidationScore(validation),
            mean: of(|spread| spread.mean),
            deviation: TestScore(spread.and_then(|spread| spread.deviation)),
            lowest: of(|spread| spread.lowest),
            highest: of(|spread| spread.highest),
            scores,
        })
    }
}

/// The run that says what data a folder's network was trained on: its own, or of an ensemble that of the first member.
///
/// # Errors
/// [`Error::File`] if it is neither, or no member has begun; what reading `ensemble.json` reports.
pub fn first_run(path: &Path) -> Result<RunDir> {
    let Some(ensemble) = EnsembleDir::open(path)? else { return RunDir::open(path) };
    match ensemble.dir.runs().first() {
        Some(run) => RunDir::open(run),
        None => {
            let hint = format!("train it: gpu-mlp train --resume {}", path.display());
            Err(Error::file(path, "no member of this ensemble has begun", hint))
        }
    }
}
