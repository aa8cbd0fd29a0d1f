//! The folder of a run: its configuration, its metrics, its model and its checkpoint.
//!
//! ```text
//! config.json             how the run was configured
//! metrics.jsonl           one line per event, as `train --json` prints them
//! model.safetensors       the network after the newest epoch, or with early stopping after the best
//! checkpoint.safetensors  the newest state of training, to resume from
//! init.safetensors        the model that it started with, from `--init`
//! events.out.tfevents.*   event files for TensorBoard, from `--tensorboard`
//! .lock                   held by the process that trains, if there is one
//! ```
//!
//! Every file except `metrics.jsonl` is replaced as a whole; `metrics.jsonl` grows by one line per epoch. The line is
//! written before the checkpoint, so a crash can leave one line too many, which resuming removes, but never one too few.

mod config;
pub mod ensemble;
pub mod event;
pub mod folds;
pub mod history;
mod lock;
pub mod networks;
mod several;
mod several_files;
pub mod stand;
pub mod status;
pub mod sweep;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub use self::config::{RunConfig, spelled};
use self::event::Event;
use self::lock::Lock;
use self::several_files::{OF_FOLDS, OF_MEMBERS};
use super::checkpoint::{self, ModelInfo, Progress, State};
use super::tensorboard;
use crate::data::LoadOptions;
use crate::error::{Error, Result, Setting, message};
use crate::files::atomic_file::AtomicFile;
use crate::files::regular_file;
use crate::network::{MlpSpec, Parameters};
use crate::step::metrics::EpochRecord;
use crate::words::numerals::counted;

/// The name of the newest model's file.
const MODEL: &str = "model.safetensors";

/// The file that makes a folder one of a sweep.
const SWEEP: &str = "sweep.json";

/// A folder that holds a run.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    /// Of who trains, not of who reads.
    _lock: Option<Arc<Lock>>,
}

impl RunDir {
    fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// A new folder for a run, to train in. Parents are created too.
    ///
    /// # Errors
    /// [`Error::Usage`] if the folder already holds a run and `overwrite` is false; [`Error::File`] if it is no
    /// folder, or another process is training there; [`Error::Io`] if it cannot be written to.
    pub fn create(path: &Path, config: &RunConfig, overwrite: bool) -> Result<Self> {
        let free = || if overwrite { Ok(()) } else { Self::check_free(path) };
        free()?;
        if path.symlink_metadata().is_ok() && !path.is_dir() {
            let hint = message![Setting::Out, " must name a new folder, or one that holds no run"];
            return Err(Error::file(path, "it exists and is not a folder", hint));
        }
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        if overwrite {
            several_files::clear(path)?;
        }
        let run = Self::at(path).to_train()?;
        // Somebody may have been faster.
        free()?;
        run.begin(config)?;
        Ok(run)
    }

    /// The same folder, to train in: as long as this or a clone of it lives, nobody else can.
    ///
    /// # Errors
    /// [`Error::File`] if another process is training there; [`Error::Io`] if the folder cannot be written to.
    pub fn to_train(self) -> Result<Self> {
        let lock = Arc::new(Lock::take(&self.path)?);
        Ok(Self { _lock: Some(lock), ..self })
    }

    /// Begins anew, with nothing in the folder but the configuration, and the model that it begins with if it does.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written to.
    pub fn begin(&self, config: &RunConfig) -> Result<()> {
        let init = config.init.is_none().then(|| self.init_model());
        self.remove([self.model(), self.checkpoint(), self.metrics()].into_iter().chain(init))?;
        self.write_config(config)
    }

    /// Takes away what the run has left in the folder.
    fn clear(&self) -> Result<()> {
        self.remove([self.config_path(), self.model(), self.checkpoint(), self.metrics(), self.init_model()])
    }

    /// Removes files, and those for TensorBoard.
    fn remove(&self, files: impl IntoIterator<Item = PathBuf>) -> Result<()> {
        for old in files.into_iter().chain(tensorboard::files(&self.path)?) {
            match fs::remove_file(&old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("replace", &old)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a folder is free to take a run.
    ///
    /// # Errors
    /// [`Error::Usage`] if it already holds one.
    pub fn check_free(path: &Path) -> Result<()> {
        let run = Self::at(path);
        // Without config.json it is no run, but these files are somebody's all the same.
        let own = [
            run.config_path(),
            run.model(),
            run.checkpoint(),
            run.metrics(),
            path.join(OF_FOLDS.file),
            path.join(OF_MEMBERS.file),
            path.join(SWEEP),
        ];
        if !own.iter().any(|file| file.exists()) {
            return Ok(());
        }
        let hint = message![
            Setting::Resume,
            " continues it, ",
            Setting::Overwrite,
            " replaces it, ",
            Setting::Out,
            " names another folder"
        ];
        Err(Error::usage(format!("{} already holds a run", path.display())).hint(hint))
    }

    /// A folder that holds a run already.
    ///
    /// # Errors
    /// [`Error::File`] if it does not; [`Error::Io`] if it may not be looked into.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Self::at(path);
        match run.config_path().metadata() {
            Ok(metadata) if metadata.is_file() => Ok(run),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(Error::io("look into", path)(error))
            }
            _ if OF_FOLDS.is_at(path) => {
                let problem = "this is the folder of a cross-validation: each of its folders fold-1, fold-2, … holds a run";
                Err(Error::file(path, problem, "name one of them"))
            }
            _ if OF_MEMBERS.is_at(path) => {
                let problem = "this is the folder of an ensemble: each of its folders member-1, member-2, … holds a run";
                Err(Error::file(path, problem, "name one of them"))
            }
            _ if path.join(SWEEP).is_file() => {
                let problem = "this is the folder of a sweep: its folder best, and each of trial-1, trial-2, … holds a run";
                Err(Error::file(path, problem, "name one of them"))
            }
            _ => Err(Error::file(path, "no run here: it has no config.json", "name the folder of a run")),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a run in it.
    pub fn exists(&self) -> bool {
        self.config_path().is_file()
    }

    /// The newest model's file.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// The model that the run began with, if its weights were not new.
    fn init_model(&self) -> PathBuf {
        self.path.join("init.safetensors")
    }

    /// Keeps what the run begins with: where it came from may change or go.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn save_init(&self, parameters: &Parameters, info: &ModelInfo) -> Result<()> {
        checkpoint::save_model(&self.init_model(), parameters, info)
    }

    /// What the run began with.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if it cannot be read.
    pub fn init(&self) -> Result<(Parameters, ModelInfo)> {
        checkpoint::load_model(&self.init_model())
    }

    /// Whether there is a state to go on from.
    pub fn has_state(&self) -> bool {
        self.checkpoint().is_file()
    }

    fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    fn config_path(&self) -> PathBuf {
        self.path.join("config.json")
    }

    /// How the run was configured.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if `config.json` cannot be read or understood.
    pub fn config(&self) -> Result<RunConfig> {
        let path = self.config_path();
        let text = regular_file::read_text(&path)?;
        let mut config: RunConfig = serde_json::from_str(&text)
            .map_err(|error| Error::file(&path, error.to_string(), "correct it, or start a new run"))?;
        let LoadOptions { stratified, validation_seed, .. } = &mut config.loading;
        *validation_seed = (!*stratified).then_some(config.train.seed);
        Ok(config)
    }

    /// Replaces the configuration.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Usage`] if it names a path that is not UTF-8.
    pub fn write_config(&self, config: &RunConfig) -> Result<()> {
        write_json(&self.config_path(), config)
    }

    /// Keeps the state to go on from, then the model: where there is a model, there is a checkpoint.
    ///
    /// # Errors
    /// [`Error::Io`] if either cannot be written; what was there before is then still whole.
    pub fn save(&self, state: &State, info: &ModelInfo) -> Result<()> {
        self.save_state(state)?;
        checkpoint::save_model(&self.model(), state.model(), info)
    }

    /// Keeps the state to go on from, in the middle of an epoch: the model stays the one after the newest epoch.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; what was there before is then still whole.
    pub fn save_state(&self, state: &State) -> Result<()> {
        checkpoint::save_state(&self.checkpoint(), state)
    }

    /// The newest state, if the run ever got as far as saving one.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if there is one and it cannot be read.
    pub fn state(&self, spec: &MlpSpec) -> Result<Option<State>> {
        if self.checkpoint().exists() {
            return checkpoint::load_state(&self.checkpoint(), spec).map(Some);
        }
        if self.model().exists() {
            let problem =
                "the run has a model, so it has finished epochs, but it has no checkpoint to resume from";
            let hint = message![
                "restore the file; or start the run again with ",
                Setting::Out,
                " and ",
                Setting::Overwrite
            ];
            return Err(Error::file(self.checkpoint(), problem, hint));
        }
        Ok(None)
    }

    /// Adds a line to the metrics, and sees it onto the disk.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn append(&self, line: &str) -> Result<()> {
        let path = self.metrics();
        let mut file: File =
            OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("write", &path))?;
        file.write_all(format!("{line}\n").as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(Error::io("write", &path))
    }

    /// The records of the epochs that are done; lines of epochs that follow are removed from the metrics, since those are
    /// yet to come, and so is everything that is no line of a start, an epoch, or a recovery that holds.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::File`] if the metrics cannot be read, rewritten, or lack one of these epochs.
    pub fn rewind(&self, progress: &Progress) -> Result<Vec<EpochRecord>> {
        let epochs = progress.epochs;
        let path = self.metrics();
        let text = if path.exists() { regular_file::read_text(&path)? } else { String::new() };
        let (mut records, mut kept, mut halvings) = (Vec::new(), String::new(), 0);
        for line in text.lines() {
            let is_kept = match serde_json::from_str(line) {
                Ok(Event::Recovery(recovery)) => {
                    // The line comes before the state that it tells of.
                    halvings += u32::from(recovery.lr.is_some());
                    records.len() <= epochs && halvings <= progress.lr_halvings
                }
                Ok(Event::Epoch(record)) => {
                    let is_next = record.epoch == records.len() + 1 && records.len() < epochs;
                    records.extend(Some(*record).filter(|_| is_next));
                    is_next
                }
                Ok(Event::Start(_) | Event::End(_)) | Err(_) => event::is_start(line),
            };
            if is_kept {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        if records.len() != epochs {
            let problem =
                format!("it has {}, but the checkpoint has {epochs}", counted(records.len(), "epoch"));
            return Err(Error::file(&path, problem, "restore the file, or start a new run"));
        }
        let mut file = AtomicFile::create(&path)?;
        file.write_all(kept.as_bytes()).map_err(Error::io("write", &path))?;
        file.finish()?;
        Ok(records)
    }
}

/// Parameters from a run's folder or from a model's file, and what it says of itself.
///
/// # Errors
/// As [`checkpoint::load_model`], and [`Error::File`] for a run that has no model yet.
pub fn load_model(path: &Path) -> Result<(Parameters, ModelInfo)> {
    if !path.is_dir() {
        return checkpoint::load_model(path);
    }
    let run = RunDir::open(path)?;
    if !run.model().exists() {
        let hint = format!("finish an epoch: gpu-mlp train --resume {}", path.display());
        return Err(Error::file(path, "this run has no model yet", hint));
    }
    checkpoint::load_model(&run.model())
}

/// The model's file, of a run's folder too.
pub fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MODEL) } else { path.to_owned() }
}

/// Writes a value as JSON, all of it or nothing.
fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Error::usage(format!("{}: {error}", path.display())).hint("give the file another name")
    })?;
    let mut file = AtomicFile::create(path)?;
    writeln!(file, "{text}").map_err(Error::io("write", path))?;
    file.finish()
}
