//! One call of `gpu-mlp train`, once its options are understood: engine, folder, training, last words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::TrainArgs;
use super::display::Display;
use crate::checkpoint::ModelInfo;
use crate::cli::choice::DeviceChoice;
use crate::cli::interrupt;
use crate::cli::output::note;
use crate::data::Dataset;
use crate::engine::{CpuEngine, Engine, GpuEngine, Residency};
use crate::error::{Error, Result};
use crate::gpu::Pipelines;
use crate::model::Parameters;
use crate::run::{RunConfig, RunDir};
use crate::schedule::Curve;
use crate::trainer::{Outcome, Plan, TrainConfig, Trainer};

pub(super) struct Session<'a> {
    pub args: &'a TrainArgs,
    pub config: RunConfig,
    pub dataset: Arc<Dataset>,
    pub plan: Plan,
    /// What a new run begins with, if not with new weights.
    pub init: Option<(Parameters, ModelInfo)>,
    /// The run to go on with.
    pub resumed: Option<RunDir>,
    pub begun: Instant,
}

impl Session<'_> {
    /// Trains on the device, and returns the exit code.
    pub async fn run(&self, choice: &DeviceChoice) -> Result<u8> {
        let (gpu, notice) = choice.open().await?;
        if let Some(notice) = notice.filter(|_| !self.args.quiet) {
            note(&notice);
        }
        let spec = self.config.train.spec(&self.dataset)?;
        let (dataset, options) = (self.dataset.clone(), self.config.train.step_options(&self.dataset)?);
        match gpu {
            None => self.train(CpuEngine::new(&spec, dataset, options), None).await,
            Some(gpu) => {
                let residency = Residency::WhereTheyFit;
                let engine = GpuEngine::new(gpu.clone(), &spec, dataset, options, residency).await?;
                self.train(engine, Some(gpu.pipelines())).await
            }
        }
    }

    async fn train(&self, mut engine: impl Engine, pipelines: Option<Pipelines>) -> Result<u8> {
        let (config, dataset) = (&self.config.train, &self.dataset);
        let info = engine.info();
        let state = match &self.resumed {
            Some(run) => run.state(&config.spec(dataset)?)?,
            None => None,
        };
        let (mut trainer, epochs) = match &state {
            None => (Trainer::start_with(&mut engine, config, dataset, &self.weights()?).await?, 0),
            Some(state) => {
                let history = self.history(state.progress.epochs)?;
                let epochs = history.len();
                (Trainer::resume(&mut engine, config, dataset, state, history).await?, epochs)
            }
        };
        self.note_stretched_schedule()?;
        // Only now is everything known to be in order: a mistake leaves no folder behind.
        let run = self.folder(state.is_some())?;
        if let Some(state) = state.as_ref().filter(|state| state.progress.samples == 0) {
            // A crash may have come between the checkpoint and the model.
            run.save(state, &self.model_info()?)?;
        }
        let mut display = Display::new(self, &run, epochs);
        display.start(&info, pipelines, state.is_none())?;
        if epochs >= config.total_epochs() && !self.args.quiet {
            note(&format!("all {epochs} epochs of this run are done; a larger --epochs adds to them"));
        }
        let outcome = trainer.run(&mut display).await.inspect_err(|_| display.abandon())?;
        let (epochs, best) = (trainer.history().len(), trainer.best().cloned());
        display.end(outcome, epochs, best.as_ref(), self.begun.elapsed().as_secs_f64())?;
        Ok(if outcome == Outcome::Interrupted { interrupt::EXIT_CODE } else { 0 })
    }

    /// The weights of a new run.
    fn weights(&self) -> Result<Parameters> {
        match &self.init {
            Some((parameters, _)) => Ok(parameters.clone()),
            None => Ok(Parameters::initial(&self.config.train.spec(&self.dataset)?, self.config.train.seed)),
        }
    }

    /// A curve that ends with the run is another one if the run has become longer.
    fn note_stretched_schedule(&self) -> Result<()> {
        let (Some(run), TrainConfig { epochs, lr_schedule, .. }) = (&self.resumed, &self.config.train) else {
            return Ok(());
        };
        let before = run.config()?.train.epochs;
        if before != *epochs && matches!(lr_schedule, Curve::Cosine | Curve::OneCycle) && !self.args.quiet {
            note(&format!("the learning rate now follows its curve over {epochs} epochs, not {before}"));
        }
        Ok(())
    }

    /// What the model's file says of the model.
    pub fn model_info(&self) -> Result<ModelInfo> {
        let spec = self.config.train.spec(&self.dataset)?;
        Ok(ModelInfo { spec, preparation: self.dataset.preparation.clone() })
    }

    fn history(&self, epochs: usize) -> Result<Vec<crate::metrics::EpochRecord>> {
        match &self.resumed {
            Some(run) => run.rewind(epochs),
            None => Ok(Vec::new()),
        }
    }

    /// The folder of the run: that of the resumed one, the one asked for, or a new one with the time in its name.
    fn folder(&self, has_state: bool) -> Result<RunDir> {
        if let Some(run) = &self.resumed {
            if has_state {
                run.write_config(&self.config)?;
                return Ok(run.clone());
            }
            if !self.args.quiet {
                note(&format!("{} has no checkpoint: starting from the beginning", run.path().display()));
            }
            // What it has kept, such as lines of epochs that are now trained again, goes.
            return self.created(run.path(), true);
        }
        match &self.args.out {
            Some(out) => self.created(out, self.args.overwrite),
            None => self.created(&self.unused_folder()?, false),
        }
    }

    /// A folder for a new run, which keeps what it begins with.
    fn created(&self, path: &Path, overwrite: bool) -> Result<RunDir> {
        let run = RunDir::create(path, &self.config, overwrite)?;
        if let Some((parameters, info)) = &self.init {
            run.save_init(parameters, info)?;
        }
        Ok(run)
    }

    fn unused_folder(&self) -> Result<PathBuf> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let base = Path::new("runs").join(format!("{now}-{}", self.dataset.name));
        std::fs::create_dir_all("runs").map_err(Error::io("create", "runs"))?;
        let mut path = base.clone();
        for number in 2.. {
            // Creating the folder is what makes it ours, should two runs start in the same second.
            match std::fs::create_dir(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    path = base.with_file_name(format!("{now}-{}-{number}", self.dataset.name));
                }
                Err(error) => return Err(Error::io("create", &path)(error)),
            }
        }
        Ok(path)
    }
}
