//! The folder of a cross-validation: `folds.json`, which says how it was configured, and for each fold the folder of an
//! ordinary run, `fold-1`, `fold-2`, …

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FOLDS, RunConfig, RunDir, write_json};
use crate::data::Fold;
use crate::error::{Error, Result};
use crate::files::regular_file;
use crate::step::metrics::{Measure, Score};
use crate::step::record::TestScore;
use crate::training::Outcome;

/// A folder that holds a cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldsDir {
    path: PathBuf,
    /// How many folds.
    pub folds: usize,
    /// How each run is configured, but for its fold.
    pub config: RunConfig,
}

/// What `folds.json` says.
#[derive(Serialize, Deserialize)]
struct Text {
    folds: usize,
    config: RunConfig,
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
        if overwrite {
            // Scores of old folds would count as those of new ones.
            if let Ok(Some(old)) = Self::open(path) {
                for run in old.runs() {
                    std::fs::remove_dir_all(&run).map_err(Error::io("remove", &run))?;
                }
            }
        } else {
            RunDir::check_free(path)?;
        }
        std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let own = Self { path: path.to_owned(), folds, config };
        own.write()?;
        Ok(own)
    }

    /// The cross-validation in a folder, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if its `folds.json` cannot be read or understood.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let file = path.join(FOLDS);
        if !file.is_file() {
            return Ok(None);
        }
        let wrong = |error: String| Error::file(&file, error, "correct it, or start anew");
        let text: Text = serde_json::from_str(&regular_file::read_text(&file)?)
            .map_err(|error| wrong(error.to_string()))?;
        Fold::new(1, text.folds).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Self { path: path.to_owned(), folds: text.folds, config: text.config }))
    }

    /// Writes what it is.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Usage`] if it names a path that is not UTF-8.
    pub fn write(&self) -> Result<()> {
        let text = Text { folds: self.folds, config: self.config.clone() };
        write_json(&self.path.join(FOLDS), &text)
    }

    /// Writes the scores beside it, as `scores.json`.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written.
    pub fn keep(&self, scores: &FoldScores) -> Result<()> {
        write_json(&self.path.join("scores.json"), scores)
    }

    /// Takes it away again, if it has no run.
    pub fn withdraw(&self) {
        if (1..=self.folds).all(|number| !self.run(number).exists()) {
            let _ = std::fs::remove_file(self.path.join(FOLDS));
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a fold's run; the first fold is 1.
    pub fn run(&self, number: usize) -> PathBuf {
        folder(&self.path, number)
    }

    /// The folders of the runs that there are.
    pub fn runs(&self) -> Vec<PathBuf> {
        (1..=self.folds).map(|number| self.run(number)).filter(|run| RunDir::open(run).is_ok()).collect()
    }

    /// The test score of a fold, if its run has ended in order.
    ///
    /// # Errors
    /// What reading the run reports.
    pub fn score(&self, number: usize) -> Result<Option<FoldScore>> {
        let path = self.run(number);
        let Ok(run) = RunDir::open(&path) else { return Ok(None) };
        let end = run.history()?.end.filter(|end| end.outcome != Outcome::Interrupted);
        let run_dir = path.display().to_string();
        Ok(end.map(|end| FoldScore { fold: number, run_dir, test: end.test }))
    }

    /// The mean of scores, the loss and each measure by itself; nothing of none.
    pub fn mean(scores: &[Score]) -> Option<Score> {
        of_each(scores, |values| Some(mean(values)))
    }

    /// The scores of the folds that are done.
    ///
    /// # Errors
    /// What reading the runs reports.
    pub fn scores(&self) -> Result<FoldScores> {
        let scores = (1..=self.folds).map(|number| self.score(number)).collect::<Result<Vec<_>>>()?;
        let scores: Vec<FoldScore> = scores.into_iter().flatten().collect();
        let tests: Vec<Score> = scores.iter().filter_map(|score| score.test.0).collect();
        Ok(FoldScores {
            folds: self.folds,
            done: scores.len(),
            run_dir: self.path.display().to_string(),
            mean: TestScore(Self::mean(&tests)),
            deviation: TestScore(of_each(&tests, deviation)),
            scores,
        })
    }
}

/// The folder of a fold's run in that of a cross-validation.
pub(super) fn folder(path: &Path, number: usize) -> PathBuf {
    path.join(format!("fold-{number}"))
}

/// The loss and each measure of several scores as one number each.
fn of_each(scores: &[Score], of: impl Fn(&[f64]) -> Option<f64>) -> Option<Score> {
    let losses: Vec<f64> = scores.iter().map(|score| score.loss).collect();
    let measures = scores.first()?.all().filter_map(|(measure, _)| {
        let values: Vec<f64> = scores.iter().filter_map(|score| score.get(measure)).collect();
        Some((measure, of(&values)?))
    });
    let with = |score: Score, (measure, value): (Measure, f64)| score.with(measure, value);
    Some(measures.fold(Score::of_loss(of(&losses)?), with))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}
