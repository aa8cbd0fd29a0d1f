//! One sitting of a run, that is, training in one process on one device: engine, folder, training, summary.

use std::path::{Path, PathBuf};

use super::recorder::Recorder;
use super::session::Session;
use crate::cli::choice::DeviceChoice;
use crate::cli::interrupt;
use crate::cli::output::{note, told};
use crate::engine::team::{Cut, Shared, Teamwork};
use crate::engine::{self, AnyEngine, Device, Engine, Residency};
use crate::error::{Error, Result};
use crate::step::schedule::Curve;
use crate::training::checkpoint::State;
use crate::training::run::RunDir;
use crate::training::{Outcome, TrainConfig, Trainer, absurdity};
use crate::words::numerals::counted;

impl Session<'_> {
    /// Opens the device, and says why it is one that may surprise.
    pub async fn open(&self, choice: &DeviceChoice) -> Result<Device> {
        let (device, notice) = choice.open().await?;
        if let Some(notice) = notice.filter(|_| !self.args.quiet && !self.is_later_fold()) {
            note(&notice);
        }
        Ok(device)
    }

    /// Whether what there is to say of data and device was said at the first fold.
    fn is_later_fold(&self) -> bool {
        self.config.loading.fold.is_some_and(|fold| fold.number > 1)
    }

    /// Trains on the device, and returns the exit code. `run` is what to go on with; a new run is put there.
    pub async fn sitting(&self, device: &Device, run: &mut Option<RunDir>) -> Result<u8> {
        let (own, dataset) = (&self.config.train, &self.dataset);
        let spec = own.spec(dataset)?;
        let state = match run {
            Some(run) => run.state(&spec)?,
            None => None,
        };
        let halvings = state.as_ref().map_or(0, |state| state.progress.lr_halvings);
        let config = own.with_lr_halved(halvings);
        config.check()?;
        if halvings > 0 && !self.args.quiet {
            note(&format!(
                "this run has diverged before, so --lr is now {:?} instead of {:?}",
                config.lr, own.lr
            ));
        }
        let engine = self.engine(device, &config).await?;
        if let Some([half, all]) = engine.in_f16().filter(|_| !self.args.quiet && !self.is_later_fold()) {
            note(&format!(
                "{half} of the {all} products of a step are computed in f16; the others are too small to gain from it"
            ));
        }
        match self.teamwork {
            None => self.train(engine, device, &config, state, run).await,
            Some(teamwork) => {
                let batch_size = config.step_options(dataset)?.batch_size;
                let shared = Shared::new(engine, teamwork, &spec, batch_size, halvings)?;
                self.train(shared, device, &config, state, run).await
            }
        }
    }

    /// This process's engine: of a team it has its part of every batch.
    pub async fn engine(&self, device: &Device, config: &TrainConfig) -> Result<AnyEngine> {
        let (spec, mut options) = (config.spec(&self.dataset)?, config.step_options(&self.dataset)?);
        if let Some(Teamwork { team, .. }) = self.teamwork {
            options = Cut::new(team, options.batch_size).options(options);
        }
        config.require_memory(&self.dataset, device.host_memory(&spec, &options))?;
        engine::open(device, &spec, options, Residency::WhereTheyFit).await
    }

    async fn train<E: Engine>(
        &self,
        mut engine: E,
        device: &Device,
        config: &TrainConfig,
        state: Option<State>,
        run: &mut Option<RunDir>,
    ) -> Result<u8> {
        let (dataset, info) = (&self.dataset, engine.info());
        let history = match (&state, &run) {
            (Some(state), Some(run)) => run.rewind(&state.progress)?,
            _ => Vec::new(),
        };
        let epochs = history.len();
        let mut trainer = match &state {
            None => Trainer::start_with(&mut engine, config, dataset, &self.weights()?, None).await?,
            Some(state) => Trainer::resume(&mut engine, config, dataset, state, history).await?,
        };
        self.note_stretched_schedule(run.as_ref())?;
        // Only now is everything known to be in order: a mistake leaves no folder behind.
        let run: &RunDir = run.insert(self.folder(run.as_ref(), state.is_some())?);
        if let Some(state) = state.as_ref().filter(|state| state.progress.samples == 0 && epochs > 0) {
            // A crash may have come between the checkpoint and the model.
            run.save(state, &self.model_info()?)?;
        }
        let mut recorder = Recorder::new(self, run, config, trainer.history())?;
        recorder.start(&info, device.pipelines(), trainer.history(), state.is_none())?;
        if epochs >= config.total_epochs() && !self.args.quiet {
            let done = if epochs == 1 { "the epoch of this run is" } else { "all epochs of this run are" };
            note(&format!("{done} done; a larger --epochs adds more"));
        }
        let outcome = match trainer.run(&mut recorder).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.face.pause();
                drop(trainer);
                return Err(self.located(error, &mut engine, config, run, &mut recorder).await);
            }
        };
        let best = match outcome {
            Outcome::Interrupted => trainer.best().cloned(),
            Outcome::Finished | Outcome::StoppedEarly => trainer.scored(dataset).await?,
        };
        let trained: f64 = trainer.history()[epochs..].iter().map(|record| record.seconds).sum();
        let epochs = trainer.history().len();
        let absurd = trainer
            .history()
            .last()
            .and_then(|record| absurdity(record, &self.config.train.spec(dataset).ok()?));
        recorder.end(outcome, epochs, best.as_ref(), self.begun.elapsed().as_secs_f64())?;
        if let Some(text) = absurd.filter(|_| !self.args.quiet) {
            note(&text);
        }
        self.note_waiting(trained);
        Ok(if outcome == Outcome::Interrupted { interrupt::exit_code() } else { 0 })
    }

    /// Finds the step and the layer where a divergence began.
    async fn located(
        &self,
        error: Error,
        engine: &mut impl Engine,
        config: &TrainConfig,
        run: &RunDir,
        recorder: &mut Recorder<'_>,
    ) -> Error {
        let Error::Diverged { epoch, found, lr } = error else { return error };
        if !self.args.quiet {
            note(&format!("epoch {epoch}: {found}; searching for the step where it began"));
        }
        // The newest checkpoint may be of an earlier epoch only if it is gone: then nothing can be found.
        let search = async {
            let state = self.state_of(run)?;
            let mut trainer = Trainer::resume(engine, config, &self.dataset, &state, Vec::new()).await?;
            trainer.find_divergence(&self.dataset, recorder).await
        };
        let found = match search.await {
            Ok(Some(divergence)) => format!("{found}; first not finite: {divergence}"),
            Ok(None) => found,
            Err(error) => format!("{found} (the step where it began could not be found: {})", told(&error)),
        };
        Error::Diverged { epoch, found, lr }
    }

    /// Says so if a team was no faster than one process: of n ranks each has a share 1/n of the work, and if that takes less
    /// than 1/n of the time, one process with all of the work takes no longer.
    fn note_waiting(&self, seconds: f64) {
        let Some(Teamwork { team, sync_every }) = self.teamwork.filter(|_| !self.args.quiet && seconds > 0.0)
        else {
            return;
        };
        let (waited, ranks) = (team.time_in_sums().as_secs_f64() / seconds, team.size());
        if waited > 1.0 - 1.0 / ranks as f64 {
            note(&format!(
                "{:.0} % of the time went into adding up what the {ranks} ranks had computed, so one rank alone is about as fast; \
                 a larger --batch-size, or --sync-every {}, adds up less often",
                100.0 * waited.min(1.0),
                16 * sync_every.unwrap_or(1)
            ));
        }
    }

    /// A schedule that ends with the run changes if the run becomes longer.
    fn note_stretched_schedule(&self, run: Option<&RunDir>) -> Result<()> {
        let (Some(run), TrainConfig { epochs, lr_schedule, .. }) = (run, &self.config.train) else {
            return Ok(());
        };
        let before = run.config()?.train.epochs;
        if before != *epochs && matches!(lr_schedule, Curve::Cosine | Curve::OneCycle) && !self.args.quiet {
            note(&format!(
                "the schedule of the learning rate now spans {}, not {before}",
                counted(*epochs, "epoch")
            ));
        }
        Ok(())
    }

    /// The folder of the run: that of the resumed one, the one asked for, or a new one with the time in its name. It
    /// keeps the initial weights of the run.
    fn folder(&self, resumed: Option<&RunDir>, has_state: bool) -> Result<RunDir> {
        let run = match (resumed, &self.args.out) {
            (Some(run), _) if has_state => {
                run.write_config(&self.config)?;
                return Ok(run.clone());
            }
            (Some(run), _) => {
                if !self.args.quiet {
                    note(&format!(
                        "{} has no checkpoint, so training starts from the beginning",
                        run.path().display()
                    ));
                }
                // What it has kept, such as lines of epochs that are now trained again, goes.
                run.begin(&self.config)?;
                run.clone()
            }
            (None, Some(out)) => RunDir::create(out, &self.config, self.args.overwrite)?,
            (None, None) => RunDir::create(&unused_folder(&self.dataset.name)?, &self.config, false)?,
        };
        if let Some((parameters, info)) = &self.init {
            run.save_init(parameters, info)?;
        }
        Ok(run)
    }
}

/// A new folder for a run on a data set of that name.
pub(in crate::cli) fn unused_folder(name: &str) -> Result<PathBuf> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
    let base = Path::new("runs").join(format!("{now}-{name}"));
    std::fs::create_dir_all("runs").map_err(Error::io("create", "runs"))?;
    let mut path = base.clone();
    for number in 2.. {
        // Creating the folder is what makes it ours, should two runs start in the same second.
        match std::fs::create_dir(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                path = base.with_file_name(format!("{now}-{name}-{number}"));
            }
            Err(error) => return Err(Error::io("create", &path)(error)),
        }
    }
    Ok(path)
}
