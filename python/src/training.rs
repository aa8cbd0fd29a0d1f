//! Training on arrays.

use std::sync::atomic::{AtomicBool, Ordering};

use gpu_mlp::checkpoint::{ModelInfo, State};
use gpu_mlp::data::{Dataset, Outputs, Preparation, Scaling};
use gpu_mlp::engine::{self, Engine, Residency};
use gpu_mlp::metrics::EpochRecord;
use gpu_mlp::network::Parameters;
use gpu_mlp::training::{Observer, TrainConfig, Trainer};
use gpu_mlp::{Error, Result};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{Answers, contiguous};
use crate::calls::{raised, watched};
use crate::device;
use crate::network::Network;

/// What is trained, beside the arrays, as Python has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asked {
    /// [`TrainConfig`] as JSON.
    config: String,
    device: String,
    /// [`Outputs`] as JSON.
    outputs: String,
    class_names: Vec<String>,
    /// Held out of the rows to stop by; 0 for none.
    validation_fraction: f64,
    /// Whether the optimiser goes on from the network that training begins with.
    goes_on: bool,
}

/// Tells Python of each epoch, which may end the run; and ends it when interrupted.
struct Told<'a> {
    epoch: Option<&'a Py<PyAny>>,
    stop: &'a AtomicBool,
    ended: bool,
    raised: Option<PyErr>,
}

impl Observer for Told<'_> {
    fn progress(&mut self, _epoch: usize, _samples: usize, _of: usize) {}

    fn epoch(&mut self, record: &EpochRecord, _state: &State) -> Result<()> {
        let Some(tell) = self.epoch else { return Ok(()) };
        let validation = record.validation.map(|score| score.loss);
        let told = (record.epoch, record.train.loss, validation, record.seconds);
        let wanted = Python::attach(|py| tell.call1(py, told)?.extract::<bool>(py));
        match wanted {
            Ok(ended) => self.ended |= ended,
            Err(error) => {
                self.raised = Some(error);
                self.ended = true;
            }
        }
        Ok(())
    }

    fn interrupted(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }

    fn should_stop(&self) -> bool {
        self.ended || self.stop.load(Ordering::Relaxed)
    }
}

/// Trains a network on rows and what they are to be answered with: class numbers `[rows]` or numbers `[rows, outputs]`. Begins with
/// another network's weights if it is given. `epoch` is told (epoch, loss, validation loss, seconds) and returns whether to end.
#[pyfunction]
#[pyo3(signature = (x, y, weights, asked, begin, epoch))]
pub fn fit(
    py: Python<'_>,
    x: PyReadonlyArray2<'_, f32>,
    y: &Bound<'_, PyAny>,
    weights: Option<PyReadonlyArray1<'_, f32>>,
    asked: Asked,
    begin: Option<Py<Network>>,
    epoch: Option<Py<PyAny>>,
) -> PyResult<Network> {
    let (features, y) = (x.shape()[1], Answers::of(y)?);
    let weights = weights.map(|weights| contiguous(&weights).map(<[f32]>::to_vec)).transpose()?;
    let x = contiguous(&x)?;
    let begin = begin.as_ref().map(Py::get);
    watched(py, |stop| {
        let mut told = Told { epoch: epoch.as_ref(), stop, ended: false, raised: None };
        let trained = train(x, features, y, weights, &asked, begin, &mut told);
        match told.raised {
            Some(error) => Err(error),
            None => trained.map_err(|error| raised(&error)),
        }
    })
}

fn train(
    x: &[f32],
    features: usize,
    y: Answers,
    weights: Option<Vec<f32>>,
    asked: &Asked,
    begin: Option<&Network>,
    told: &mut Told<'_>,
) -> Result<Network> {
    let unread = |error: serde_json::Error| Error::usage(error.to_string());
    let config: TrainConfig = serde_json::from_str(&asked.config).map_err(unread)?;
    config.check()?;
    let outputs: Outputs = serde_json::from_str(&asked.outputs).map_err(unread)?;
    let dataset = dataset(y.to(x, features, asked.class_names.len(), weights)?, outputs, asked, &config)?;
    let (spec, options) = (config.spec(&dataset)?, config.step_options(&dataset)?);
    let device = device::open(&asked.device)?;
    let (parameters, optimizer) = pollster::block_on(async {
        let mut engine = engine::open(&device, &spec, options, Residency::default()).await?;
        let first =
            begin.map_or_else(|| Parameters::initial(&spec, config.seed), |begin| begin.members[0].clone());
        let moments = begin.filter(|_| asked.goes_on).and_then(|begin| begin.optimizer.as_ref());
        let mut trainer = Trainer::start_with(&mut engine, &config, &dataset, &first, moments).await?;
        trainer.run(told).await?;
        Ok::<_, Error>((engine.parameters().await?, engine.optimizer_state().await?))
    })?;
    let info = ModelInfo { spec, preparation: dataset.preparation };
    Ok(Network::new(vec![parameters], info, Some(optimizer), asked.device.clone()))
}

/// The data set of arrays, which a network sees as they are.
fn dataset(
    samples: gpu_mlp::data::Samples,
    outputs: Outputs,
    asked: &Asked,
    config: &TrainConfig,
) -> Result<Dataset> {
    let dataset = Dataset {
        name: "arrays".into(),
        origin: "Python".into(),
        image_shape: [1, samples.features()],
        classes: asked.class_names.len(),
        preparation: Preparation {
            scaling: Scaling::None,
            class_names: asked.class_names.clone(),
            outputs,
            schema: None,
            frame: None,
        },
        // A run is measured on something; nobody asks for that here, so it costs one row.
        test: samples.part(&[0])?,
        train: samples,
        validation: None,
    };
    match asked.validation_fraction > 0.0 {
        true => dataset.hold_out(asked.validation_fraction, config.seed),
        false => Ok(dataset),
    }
}
