//! The folder of a sweep: `sweep.json`, which says what its trials are, for each trial the folder of an ordinary run or of a
//! cross-validation, `trial-1`, `trial-2`, …, their scores in `scores.json`, a page, and the run that is best, `best`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ensemble::EnsembleDir;
use super::folds::FoldsDir;
use super::several_files::OF_FOLDS;
use super::stand::{Stand, Standing};
use super::{RunConfig, RunDir, SWEEP, spelled, write_json};
use crate::data::Fold;
use crate::error::{Error, Result};
use crate::files::regular_file;
use crate::step::metrics::Score;
use crate::step::record::ValidationScore;
use crate::step::spread::Spread;

/// What is swept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// What the trials have in common, and the defaults of what varies.
    pub config: RunConfig,
    /// The options that vary, as `config.json` has them.
    pub options: Vec<String>,
    /// What differs from `config` in each trial: the options that vary, and defaults that go with them.
    pub trials: Vec<Map<String, Value>>,
    /// Folds that each trial is trained on; absent if it is trained once.
    pub folds: Option<usize>,
    /// Whether only the better trials are trained to the end.
    pub halving: bool,
}

/// A folder that holds a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepDir {
    path: PathBuf,
    /// What is swept.
    pub sweep: Sweep,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialScore {
    /// From 1.
    pub trial: usize,
    /// Its values, by option.
    pub options: BTreeMap<String, String>,
    /// The folder of its run, or of its cross-validation.
    pub run_dir: String,
    /// How far it has come.
    pub stand: Stand,
    /// Epochs done; of folds all together.
    pub epochs: usize,
    /// Seconds spent on training.
    pub training_seconds: f64,
    /// What trials are compared by: the score on the validation part, of folds the mean over those that were held out.
    #[serde(flatten)]
    pub validation: ValidationScore,
}

/// What came of the trials.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepScores {
    /// How many trials there are.
    pub trials: usize,
    /// How many are at their end, or diverged.
    pub done: usize,
    /// The folder of all.
    pub run_dir: String,
    /// The best trial so far.
    pub best: Option<usize>,
    /// Trial by trial.
    pub scores: Vec<TrialScore>,
}

impl SweepScores {
    /// The trials, the best first: by the main measure, and where it is the same by the loss; those without a score come last.
    pub fn ranked(&self) -> Vec<&TrialScore> {
        let mut ranked: Vec<&TrialScore> = self.scores.iter().collect();
        ranked.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(loss(a).total_cmp(&loss(b))));
        ranked
    }
}

/// The main measure, as a number that rises; a score without one goes by its loss.
fn worth(score: &TrialScore) -> f64 {
    let Some(score) = score.validation.0 else { return f64::NEG_INFINITY };
    match score.headline() {
        Some((measure, value)) if measure.rises() => value,
        Some((_, value)) => -value,
        None => -score.loss,
    }
}

fn loss(score: &TrialScore) -> f64 {
    score.validation.0.map_or(f64::INFINITY, |score| score.loss)
}

impl SweepDir {
    /// A new sweep in a folder that may have to be made. A sweep of the same trials may be there already: of another part of them.
    ///
    /// # Errors
    /// [`Error::Usage`] for a folder that holds a run, or another sweep, unless `overwrite` is true; [`Error::Io`] if it cannot be
    /// written to.
    pub fn create(path: &Path, sweep: Sweep, overwrite: bool) -> Result<Self> {
        let own = Self { path: path.to_owned(), sweep };
        match Self::open(path)? {
            Some(there) if there.sweep == own.sweep && !overwrite => return Ok(there),
            Some(there) if overwrite => there.clear()?,
            _ if !overwrite => RunDir::check_free(path)?,
            _ => {}
        }
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        write_json(&path.join(SWEEP), &own.sweep)?;
        Ok(own)
    }

    /// The sweep in a folder, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if its `sweep.json` cannot be read or understood.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let file = path.join(SWEEP);
        if !file.is_file() {
            return Ok(None);
        }
        let wrong = |problem: String| Error::file(&file, problem, "correct it, or start a new sweep");
        let sweep: Sweep = serde_json::from_str(&regular_file::read_text(&file)?)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Some(Self { path: path.to_owned(), sweep }))
    }

    /// Takes away what an older sweep left.
    fn clear(&self) -> Result<()> {
        let own = (1..=self.sweep.trials.len()).map(|number| self.trial(number)).chain([self.best()]);
        for folder in own.filter(|folder| folder.is_dir()) {
            fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a trial; the first is 1.
    pub fn trial(&self, number: usize) -> PathBuf {
        self.path.join(format!("trial-{number}"))
    }

    /// The folder of the run of a trial, on a fold if there are some.
    pub fn run(&self, number: usize, fold: Option<Fold>) -> PathBuf {
        let trial = self.trial(number);
        match fold {
            Some(fold) => OF_FOLDS.folder(&trial, fold.number),
            None => trial,
        }
    }

    /// The folder of the best run.
    pub fn best(&self) -> PathBuf {
        self.path.join("best")
    }

    /// The file of the page.
    pub fn page(&self) -> PathBuf {
        self.path.join("sweep.html")
    }

    /// The folds; of a sweep without some a single `None`.
    pub fn folds(&self) -> Result<Vec<Option<Fold>>> {
        match self.sweep.folds {
            None => Ok(vec![None]),
            Some(of) => (1..=of).map(|number| Fold::new(number, of).map(Some)).collect(),
        }
    }

    /// How a trial is configured, but for its fold.
    ///
    /// # Errors
    /// [`Error::File`] if `sweep.json` has values that no option takes.
    pub fn config(&self, number: usize) -> Result<RunConfig> {
        let mut values = self.sweep.config.values()?;
        values.extend(self.sweep.trials[number - 1].clone());
        serde_json::from_value(Value::Object(values)).map_err(|error| {
            let problem = format!("trial {number}: {error}");
            Error::file(self.path.join(SWEEP), problem, "correct it, or start a new sweep")
        })
    }

    /// The values of a trial, by option.
    fn options(&self, number: usize) -> BTreeMap<String, String> {
        let of = |name: &String| self.sweep.trials[number - 1].get(name).map_or("-".to_owned(), spelled);
        self.sweep.options.iter().map(|name| (name.replace('_', "-"), of(name))).collect()
    }

    /// How far a trial has come, on a fold if there are some, and the epochs that are done.
    ///
    /// # Errors
    /// What reading its run reports.
    pub fn stand_of(&self, number: usize, fold: Option<Fold>) -> Result<(Stand, usize)> {
        let Standing { stand, epochs, .. } = Standing::of(&self.run(number, fold))?;
        Ok((stand, epochs))
    }

    /// What came of a trial.
    ///
    /// # Errors
    /// What reading its runs reports.
    pub fn score(&self, number: usize) -> Result<TrialScore> {
        let runs = self.folds()?.into_iter().map(|fold| Standing::of(&self.run(number, fold)));
        let runs = runs.collect::<Result<Vec<_>>>()?;
        // What a fold holds out is its test part, and without one the validation part decides.
        let held_out = |run: &Standing| if self.sweep.folds.is_some() { run.test } else { run.validation };
        let scores: Vec<Score> = runs.iter().filter_map(held_out).collect();
        let all = |stand: Stand| runs.iter().all(|run| run.stand == stand);
        let stand = match () {
            () if runs.iter().any(|run| run.stand == Stand::Diverged) => Stand::Diverged,
            () if all(Stand::Waiting) => Stand::Waiting,
            () if all(Stand::Done) => Stand::Done,
            () => Stand::Unfinished,
        };
        let complete = scores.len() == runs.len();
        Ok(TrialScore {
            trial: number,
            options: self.options(number),
            run_dir: self.trial(number).display().to_string(),
            stand,
            epochs: runs.iter().map(|run| run.epochs).sum(),
            training_seconds: runs.iter().map(|run| run.seconds).sum(),
            validation: ValidationScore(Spread::of(&scores).filter(|_| complete).map(|spread| spread.mean)),
        })
    }

    /// What came of the trials so far.
    ///
    /// # Errors
    /// What reading their runs reports.
    pub fn scores(&self) -> Result<SweepScores> {
        let scores =
            (1..=self.sweep.trials.len()).map(|number| self.score(number)).collect::<Result<Vec<_>>>()?;
        let mut all = SweepScores {
            trials: scores.len(),
            done: scores.iter().filter(|score| score.stand.is_final()).count(),
            run_dir: self.path.display().to_string(),
            best: None,
            scores,
        };
        // One that was not trained to its end may only seem to be the best.
        let ranked: Vec<&TrialScore> =
            all.ranked().into_iter().filter(|score| score.validation.0.is_some()).collect();
        let best = ranked.iter().find(|score| score.stand == Stand::Done).or(ranked.first());
        all.best = best.map(|best| best.trial);
        Ok(all)
    }

    /// Writes the scores beside the trials.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be written.
    pub fn keep(&self, scores: &SweepScores) -> Result<()> {
        write_json(&self.path.join("scores.json"), scores)
    }

    /// Puts a copy of a trial's run where the best one is looked for.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be copied.
    pub fn keep_best(&self, number: usize) -> Result<()> {
        let (from, to) = (self.trial(number), self.best());
        fs::create_dir_all(&to).map_err(Error::io("create", &to))?;
        for entry in fs::read_dir(&from).map_err(Error::io("read", &from))? {
            let path = entry.map_err(Error::io("read", &from))?.path();
            let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
            if name != ".lock" {
                fs::copy(&path, to.join(name)).map_err(Error::io("copy", &path))?;
            }
        }
        Ok(())
    }

    /// The runs that paths name: of a sweep those of its trials, of a cross-validation those of its folds, of an ensemble those of
    /// its members.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`FoldsDir::open`] and [`EnsembleDir::open`].
    pub fn each_run(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let mut runs = Vec::new();
        for path in paths {
            match (Self::open(path)?, FoldsDir::open(path)?, EnsembleDir::open(path)?) {
                (Some(sweep), ..) => runs.extend(sweep.runs()?),
                (None, Some(folds), _) => runs.extend(folds.dir.runs()),
                (None, None, Some(ensemble)) => runs.extend(ensemble.dir.runs()),
                (None, None, None) => runs.push(path.clone()),
            }
        }
        Ok(runs)
    }

    /// The folders of the runs that there are.
    ///
    /// # Errors
    /// [`Error::Usage`] for folds that cannot be.
    pub fn runs(&self) -> Result<Vec<PathBuf>> {
        let folds = self.folds()?;
        let trials = 1..=self.sweep.trials.len();
        let all = trials.flat_map(|number| folds.iter().map(move |&fold| self.run(number, fold)));
        Ok(all.filter(|run| RunDir::open(run).is_ok()).collect())
    }
}
