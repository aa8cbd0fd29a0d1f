//! The folder of a cross-validation: `folds.json`, which says how it was configured, and for each fold the folder of an
//! ordinary run, `fold-1`, `fold-2`, …

use std::path::Path;

use serde::Serialize;

use super::several::Several;
use super::several_files::OF_FOLDS;
use super::{RunConfig, RunDir};
use crate::data::Fold;
use crate::error::{Error, Result};
use crate::step::metrics::Score;
use crate::step::record::TestScore;
use crate::step::spread::Spread;
use crate::training::Outcome;

/// A folder that holds a cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldsDir {
    /// The folder, and its folds.
    pub dir: Several,
}

/// The test score of a fold's run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldScore {
    /// From 1.
    pub fold: usize,
    /// The folder of its run.
    pub run_dir: String,
    /// `test_loss` and what else there is.
    #[serde(flatten)]
    pub test: TestScore,
}

/// The scores of the folds that are done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldScores {
    /// How many folds there are to be.
    pub folds: usize,
    /// How many are done.
    pub done: usize,
    /// The folder of all.
    pub run_dir: String,
    /// Over the folds that are done.
    pub mean: TestScore,
    /// Between them: the root of the squared differences from the mean over their number less 1; absent of a single fold.
    pub deviation: TestScore,
    /// Fold by fold.
    pub scores: Vec<FoldScore>,
}

impl FoldsDir {
    /// A new cross-validation in a folder that may have to be made.
    ///
    /// # Errors
    /// [`Error::Usage`] for fewer than two folds, or a folder that already holds a run, unless `overwrite` is true;
    /// [`Error::Io`] if it cannot be written to.
    pub fn create(path: &Path, folds: usize, config: RunConfig, overwrite: bool) -> Result<Self> {
        Fold::new(1, folds)?;
        Several::create(&OF_FOLDS, path, folds, config, overwrite).map(|dir| Self { dir })
    }

    /// The cross-validation in a folder, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if its `folds.json` cannot be read or understood.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let Some(dir) = Several::open(&OF_FOLDS, path)? else { return Ok(None) };
        Fold::new(1, dir.count).map_err(|error| {
            Error::file(path.join(OF_FOLDS.file), error.to_string(), "correct it, or start anew")
        })?;
        Ok(Some(Self { dir }))
    }

    /// The test score of a fold, if its run has ended in order.
    ///
    /// # Errors
    /// What reading the run reports.
    pub fn score(&self, number: usize) -> Result<Option<FoldScore>> {
        let path = self.dir.run(number);
        let Ok(run) = RunDir::open(&path) else { return Ok(None) };
        let end = run.history()?.end.filter(|end| end.outcome != Outcome::Interrupted);
        let run_dir = path.display().to_string();
        Ok(end.map(|end| FoldScore { fold: number, run_dir, test: end.test }))
    }

    /// The scores of the folds that are done.
    ///
    /// # Errors
    /// What reading the runs reports.
    pub fn scores(&self) -> Result<FoldScores> {
        let scores = (1..=self.dir.count).map(|number| self.score(number)).collect::<Result<Vec<_>>>()?;
        let scores: Vec<FoldScore> = scores.into_iter().flatten().collect();
        let tests: Vec<Score> = scores.iter().filter_map(|score| score.test.0).collect();
        let spread = Spread::of(&tests);
        Ok(FoldScores {
            folds: self.dir.count,
            done: scores.len(),
            run_dir: self.dir.path().display().to_string(),
            mean: TestScore(spread.map(|spread| spread.mean)),
            deviation: TestScore(spread.and_then(|spread| spread.deviation)),
            scores,
        })
    }
}
