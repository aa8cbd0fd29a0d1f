//! Writes the folder of a run, and passes events to its face.

use super::face::{Ending, Opening};
use super::session::Session;
use crate::cli::interrupt;
use crate::cli::output::json;
use crate::engine::EngineInfo;
use crate::error::Result;
use crate::gpu::Pipelines;
use crate::step::metrics::EpochRecord;
use crate::step::record::{TestScore, ValidationScore};
use crate::step::schedule::Schedule;
use crate::training::checkpoint::State;
use crate::training::run::RunDir;
use crate::training::run::event::{Compiling, End, Event, Start};
use crate::training::run::stand::forget_divergence;
use crate::training::tensorboard::{self, EventFile};
use crate::training::{Observer, Outcome, TrainConfig};

/// Writes the run's folder, and tells the face.
pub(super) struct Recorder<'a> {
    session: &'a Session<'a>,
    run: &'a RunDir,
    events: Option<Events>,
}

/// For TensorBoard, with the learning rate that an epoch ended at.
struct Events {
    file: EventFile,
    schedule: Schedule,
    steps_per_epoch: u64,
}

impl Events {
    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        let steps = record.epoch as u64 * self.steps_per_epoch;
        self.file.epoch(record, self.schedule.rate(steps.saturating_sub(1)).lr)
    }
}

impl<'a> Recorder<'a> {
    /// Of a run with so many epochs behind it, whose configuration is `config` where it goes on.
    ///
    /// # Errors
    /// What beginning an event file reports, if one is wanted.
    pub fn new(
        session: &'a Session<'a>,
        run: &'a RunDir,
        config: &TrainConfig,
        history: &[EpochRecord],
    ) -> Result<Self> {
        let mut recorder = Self { session, run, events: None };
        let before = tensorboard::files(run.path())?;
        // A run that has begun with event files goes on with them.
        let wanted = session.args.tensorboard || !before.is_empty();
        if wanted && history.len() < config.total_epochs() {
            let first = if before.is_empty() { 1 } else { history.len() + 1 };
            recorder.events = Some(recorder.events(config, history, first)?);
        }
        Ok(recorder)
    }

    /// A new event file, which speaks of epochs from `first` on.
    fn events(&self, config: &TrainConfig, history: &[EpochRecord], first: usize) -> Result<Events> {
        let options = config.step_options(&self.session.dataset)?;
        let steps_per_epoch = self.session.plan.train.len().div_ceil(config.batch_size) as u64;
        let file = EventFile::create(self.run.path(), first)?;
        let mut events = Events { file, schedule: options.schedule, steps_per_epoch };
        let configuration = serde_json::to_string_pretty(&self.session.config)
            .map_err(|error| crate::error::Error::Internal(error.to_string()))?;
        events.file.text(first - 1, "configuration", &format!("```json\n{configuration}\n```"))?;
        history[first - 1..].iter().try_for_each(|record| events.epoch(record))?;
        Ok(events)
    }

    /// Keeps a line if it is new.
    fn record(&self, line: &Event, keep: bool) -> Result<()> {
        let text = json(line)?;
        if keep {
            self.run.append(&text)?;
        }
        self.session.face.line(&text);
        Ok(())
    }

    pub fn start(
        &self,
        engine: &EngineInfo,
        pipelines: Option<Pipelines>,
        history: &[EpochRecord],
        new: bool,
    ) -> Result<()> {
        let Session { config, dataset, plan, begun, face, .. } = self.session;
        let spec = config.train.spec(dataset)?;
        let compiling = pipelines.map(|Pipelines { pipeline_seconds, pipelines_cached }| Compiling {
            pipeline_seconds,
            pipelines_cached,
        });
        let start = Start {
            engine: engine.clone(),
            layers: spec.sizes().to_vec(),
            parameters: spec.parameter_count(),
            train_samples: plan.train.len(),
            validation_samples: plan.validation.len(),
            test_samples: plan.test.len(),
            data: dataset.name.clone(),
            data_origin: dataset.origin.clone(),
            fingerprint: new.then(|| dataset.fingerprint()).transpose()?,
            config: Some(config.train.clone()),
            setup_seconds: begun.elapsed().as_secs_f64(),
            compiling,
            run_dir: self.run.path().to_string_lossy().into_owned(),
        };
        self.record(&Event::Start(Box::new(start)), new)?;
        face.start(&Opening { dataset, plan, spec: &spec, engine, run: self.run.path(), config, history })
    }

    /// After so many epochs, with the one that the network comes from.
    pub fn end(
        &self,
        outcome: Outcome,
        epochs: usize,
        best: Option<&EpochRecord>,
        seconds: f64,
    ) -> Result<()> {
        let end = End {
            outcome,
            epochs,
            model_epoch: best.map(|record| record.epoch),
            test: TestScore(best.map(|record| record.test)),
            validation: ValidationScore(best.and_then(|record| record.validation)),
            seconds,
            run_dir: self.run.path().to_string_lossy().into_owned(),
        };
        // A run that has come to an end has got over what had stopped it.
        forget_divergence(self.run.path())?;
        self.record(&Event::End(Box::new(end)), true)?;
        let (run, model) = (self.run.path(), &self.run.model());
        let patience = self.session.config.train.early_stopping.unwrap_or_default();
        self.session.face.end(&Ending { outcome, epochs, best, seconds, run, model, patience });
        Ok(())
    }
}

impl Observer for Recorder<'_> {
    fn progress(&mut self, epoch: usize, samples: usize, of: usize) {
        self.session.face.progress(epoch, samples, of);
    }

    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()> {
        // The line first: see `run`. And the events: those of an epoch too many are void once it is trained again.
        self.record(&Event::Epoch(Box::new(record.clone())), true)?;
        self.events.as_mut().map_or(Ok(()), |events| events.epoch(record))?;
        self.run.save(state, &self.session.model_info()?)?;
        self.session.face.epoch(record);
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.run.save_state(state)
    }

    fn should_save(&self) -> bool {
        self.session.face.save_wanted()
    }

    fn should_stop(&self) -> bool {
        interrupt::asked() || self.session.face.stop_wanted()
    }
}
