//! A training that a page watches, pauses, takes step by step, and stops.

use std::rc::Rc;

use gpu_mlp::checkpoint::{ModelInfo, State};
use gpu_mlp::engine::{self, AnyEngine, Engine, Residency};
use gpu_mlp::metrics::{EpochRecord, Measure, Score, Sums};
use gpu_mlp::network::{MlpSpec, Parameters, Task};
use gpu_mlp::training::{Observer, TrainConfig, Trainer};
use gpu_mlp::{Error, Result};
use js_sys::{Function, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_time::{Duration, Instant};

use crate::session::{self, Model};
use crate::{devices, json};

/// How long a worker computes before it looks for messages.
const TURN: Duration = Duration::from_millis(30);

/// How often a page hears of progress, and the newest network is kept for it.
const EVERY: Duration = Duration::from_millis(200);

/// How often a run that is paused looks for messages, in milliseconds.
const PATIENCE: f64 = 20.0;

/// What the page wants of a run.
#[derive(Default)]
pub struct Control {
    paused: bool,
    /// Steps that a paused run may take.
    steps: usize,
    stopped: bool,
}

/// A training before its first step.
pub struct Opened {
    engine: AnyEngine,
    config: TrainConfig,
    info: ModelInfo,
    /// What it begins with.
    begin: Parameters,
}

#[derive(Serialize)]
struct About<'a> {
    adapter: String,
    backend: String,
    sizes: &'a [usize],
    parameters: usize,
    train: usize,
    epochs: usize,
    config: &'a TrainConfig,
}

/// Opens a training on the loaded data.
#[wasm_bindgen]
pub async fn open(config: &str, device: &str, from: &str) -> Result<JsValue, JsError> {
    let config: TrainConfig = json::read(config)?;
    let (about, opened) =
        opened(config, device, from == "model").await.map_err(|error| json::refused(&error))?;
    let about = json::write(&About {
        adapter: about.adapter,
        backend: about.backend,
        sizes: opened.info.spec.sizes(),
        parameters: opened.info.spec.parameter_count(),
        train: session::dataset().map_or(0, |dataset| dataset.train.len()),
        epochs: opened.config.epochs,
        config: &opened.config,
    })?;
    let model = Model { parameters: opened.begin.clone(), info: opened.info.clone() };
    session::with(|session| {
        session.opened = Some(opened);
        session.model = Some(Rc::new(model));
        session.control = Control::default();
    });
    Ok(about)
}

async fn opened(config: TrainConfig, device: &str, goes_on: bool) -> Result<(engine::EngineInfo, Opened)> {
    let dataset = session::dataset()?;
    config.check()?;
    let (spec, options) = (config.spec(&dataset)?, config.step_options(&dataset)?);
    let device = devices::open(device).await?;
    config.require_memory(&dataset, device.host_memory(&spec, &options))?;
    let begin = if goes_on { held(&spec)? } else { Parameters::initial(&spec, config.seed) };
    let engine = engine::open(&device, &spec, options, Residency::default()).await?;
    let info = ModelInfo { spec, preparation: dataset.preparation.clone() };
    Ok((engine.info(), Opened { engine, config, info, begin }))
}

/// The model's weights, for a training of a network of these sizes.
fn held(spec: &MlpSpec) -> Result<Parameters> {
    let model = session::model()?;
    if model.info.spec.sizes() != spec.sizes() {
        let sizes = |spec: &MlpSpec| spec.sizes().iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        let problem = format!("the model is {}, but the training {}", sizes(&model.info.spec), sizes(spec));
        return Err(
            Error::usage(problem).hint("set the hidden layers to the model's, and load data like its own")
        );
    }
    Ok(model.parameters.clone())
}

/// A score, as pages show it.
#[derive(Serialize)]
pub struct Told {
    loss: f64,
    accuracy: Option<f64>,
    r2: Option<f64>,
    rmse: Option<f64>,
}

impl Told {
    /// Of labels the accuracy is the share of all labels that are right.
    pub fn of(score: &Score) -> Self {
        let accuracy = score.get(Measure::Accuracy).or(score.get(Measure::LabelAccuracy));
        let (r2, rmse) = (score.get(Measure::R2), score.get(Measure::Rmse));
        Self { loss: score.loss, accuracy, r2, rmse }
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Event<'a> {
    Progress {
        epoch: usize,
        samples: usize,
        of: usize,
        steps: u64,
        loss: Option<f64>,
        accuracy: Option<f64>,
        samples_per_second: f64,
    },
    Epoch {
        epoch: usize,
        train: Told,
        validation: Option<Told>,
        test: Told,
        seconds: f64,
        samples_per_second: f64,
        /// A line of `metrics.jsonl`.
        record: &'a EpochRecord,
    },
}

/// A page that watches.
struct Watched {
    /// Hears of events.
    each: Function,
    /// Gives the worker's other messages their turn: a promise that is kept after so many milliseconds.
    rest: Function,
    info: ModelInfo,
    batch: usize,
    /// When the worker last looked for messages.
    turn: Instant,
    /// When the page last heard of progress, and how far the run was then.
    heard: Instant,
    sums: Sums,
    /// Epoch, samples of it, and of how many.
    place: [usize; 3],
    /// Samples since the page last heard.
    done: usize,
    stepped: bool,
}

impl Watched {
    fn tell(&self, event: &Event<'_>) {
        if let Ok(event) = json::write(event) {
            // A page that fails to draw does not end its training.
            let _ = self.each.call1(&JsValue::NULL, &event);
        }
    }

    async fn rest(&mut self, milliseconds: f64) {
        let promise = self.rest.call1(&JsValue::NULL, &milliseconds.into()).map(Promise::from);
        if let Ok(promise) = promise {
            let _ = JsFuture::from(promise).await;
        }
        self.turn = Instant::now();
    }

    fn keep(&self, parameters: &Parameters) {
        let model = Model { parameters: parameters.clone(), info: self.info.clone() };
        session::with(|session| session.model = Some(Rc::new(model)));
    }
}

/// Whether a run that waits may go on, and with how many samples.
fn permitted(left: usize, batch: usize) -> Option<usize> {
    session::with(|session| {
        let control = &mut session.control;
        match (control.stopped || !control.paused, control.steps) {
            (true, _) => Some(left),
            (false, 0) => None,
            (false, _) => {
                control.steps -= 1;
                Some(batch.min(left))
            }
        }
    })
}

impl Observer for Watched {
    fn progress(&mut self, epoch: usize, samples: usize, of: usize) {
        let before = if self.place[0] == epoch { self.place[1] } else { 0 };
        self.done += samples.saturating_sub(before);
        self.place = [epoch, samples, of];
    }

    fn epoch(&mut self, record: &EpochRecord, state: &State) -> Result<()> {
        self.keep(&state.parameters);
        self.tell(&Event::Epoch {
            epoch: record.epoch,
            train: Told::of(&record.train),
            validation: record.validation.as_ref().map(Told::of),
            test: Told::of(&record.test),
            seconds: record.seconds,
            samples_per_second: record.samples_per_second,
            record,
        });
        self.sums = Sums::default();
        Ok(())
    }

    fn interrupted(&mut self, state: &State) -> Result<()> {
        self.keep(&state.parameters);
        if self.done == 0 {
            // A run that is stopped where it was last heard of has nothing new to tell.
            return Ok(());
        }
        let (now, before) = (&state.progress.sums, &self.sums);
        let total = |sums: &Sums| sums.loss.iter().sum::<f64>();
        let samples = now.samples.saturating_sub(before.samples) as f64;
        let hits = now.hits.saturating_sub(before.hits) as f64;
        let share = |of: f64| (samples > 0.0).then_some(of / samples);
        let classes = self.info.preparation.task() != Task::Regression;
        self.tell(&Event::Progress {
            epoch: self.place[0],
            samples: self.place[1],
            of: self.place[2],
            steps: state.optimizer.steps,
            loss: share(total(now) - total(before)),
            accuracy: share(hits).filter(|_| classes),
            samples_per_second: self.done as f64 / self.heard.elapsed().as_secs_f64().max(1e-9),
        });
        (self.sums, self.heard, self.done, self.stepped) = (now.clone(), Instant::now(), 0, false);
        Ok(())
    }

    async fn allowance(&mut self, left: usize) -> usize {
        if self.turn.elapsed() >= TURN {
            self.rest(0.0).await;
        }
        loop {
            let permitted = permitted(left, self.batch);
            if let Some(permitted) = permitted {
                self.stepped = session::with(|session| session.control.paused);
                return permitted;
            }
            self.rest(PATIENCE).await;
        }
    }

    fn should_stop(&self) -> bool {
        session::with(|session| session.control.stopped)
    }

    fn should_save(&self) -> bool {
        self.done > 0 && (self.stepped || self.heard.elapsed() >= EVERY)
    }
}

/// Runs the training that is open, to its end or until it is stopped.
#[wasm_bindgen]
pub async fn run(each: Function, rest: Function) -> Result<JsValue, JsError> {
    let missing = || JsError::new("no training is open");
    let opened = session::with(|session| session.opened.take()).ok_or_else(missing)?;
    let outcome = trained(opened, each, rest).await.map_err(|error| json::refused(&error))?;
    json::write(&outcome)
}

async fn trained(opened: Opened, each: Function, rest: Function) -> Result<gpu_mlp::training::Outcome> {
    let Opened { mut engine, config, info, begin } = opened;
    let dataset = session::dataset()?;
    let now = Instant::now();
    let mut watched = Watched {
        each,
        rest,
        info,
        batch: config.batch_size,
        turn: now,
        heard: now,
        sums: Sums::default(),
        place: [0; 3],
        done: 0,
        stepped: false,
    };
    let mut trainer = Trainer::start_with(&mut engine, &config, &dataset, &begin, None).await?;
    let outcome = trainer.run(&mut watched).await?;
    watched.keep(&engine.parameters().await?);
    Ok(outcome)
}

/// Holds the run up.
#[wasm_bindgen]
pub fn pause() {
    session::with(|session| session.control.paused = true);
}

/// Lets it go on.
#[wasm_bindgen]
pub fn resume() {
    session::with(|session| session.control = Control::default());
}

/// Lets it take one step of the optimiser, and wait again.
#[wasm_bindgen]
pub fn step() {
    session::with(|session| {
        session.control.paused = true;
        session.control.steps += 1;
    });
}

/// Ends it.
#[wasm_bindgen]
pub fn stop() {
    session::with(|session| session.control.stopped = true);
}
