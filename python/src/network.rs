//! A trained network, or several that answer together: what they say, and what they are made of.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gpu_mlp::data::inputs::{Expected, Inputs, Look};
use gpu_mlp::data::{Samples, Split, TableOptions};
use gpu_mlp::engine::{self, AnyEngine, Residency};
use gpu_mlp::exchange::{self, Format};
use gpu_mlp::network::{OptimizerState, Parameters};
use gpu_mlp::step::StepOptions;
use gpu_mlp::training::checkpoint::ModelInfo;
use gpu_mlp::training::ensemble::Ensemble;
use gpu_mlp::training::run::networks::Networks;
use gpu_mlp::training::{Model, answers};
use gpu_mlp::{Error, Result};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::arrays::{self, GivenLayers, Layers, contiguous, unanswered};
use crate::calls::{raised, threads, without_python};
use crate::device;

/// Rows that are answered together: enough for any device, and few enough for its memory.
const ROWS: usize = 4096;

/// Networks of one shape. The engine that answers is made for the first question, and kept.
#[pyclass(frozen, module = "gpu_mlp._native")]
pub struct Network {
    pub members: Vec<Parameters>,
    pub info: ModelInfo,
    /// What the optimiser remembered at the end of training.
    pub optimizer: Option<OptimizerState>,
    device: String,
    answering: Mutex<Option<(u32, Ensemble<AnyEngine>)>>,
}

/// The moments of an optimiser, and the steps that it took.
type Moments<'py> = (u64, Vec<Layers<'py>>);

/// What a network is made of.
type Parts<'py> = (Vec<Layers<'py>>, String, String, Option<Moments<'py>>);

impl Network {
    pub fn new(
        members: Vec<Parameters>,
        info: ModelInfo,
        optimizer: Option<OptimizerState>,
        device: String,
    ) -> Self {
        Self { members, info, optimizer, device, answering: Mutex::default() }
    }

    /// Asks the engine, which is of this process.
    fn asked<T>(&self, ask: impl FnOnce(&mut Ensemble<AnyEngine>) -> Result<T>) -> Result<T> {
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        let own = std::process::id();
        if answering.as_ref().is_none_or(|(process, _)| *process != own) {
            let device = device::open(&self.device)?;
            let options = StepOptions { batch_size: 1, ..StepOptions::default() };
            let opened = engine::open(&device, &self.info.spec, options, Residency::default());
            let engine = pollster::block_on(opened)?;
            let outputs = self.info.preparation.outputs.clone();
            // A parent's engine may have threads that are not here.
            std::mem::forget(answering.replace((own, Ensemble::new(engine, self.members.clone(), outputs))));
        }
        match &mut *answering {
            Some((_, ensemble)) => ask(ensemble),
            None => Err(Error::Internal("no engine was opened".into())),
        }
    }

    /// Probabilities or numbers, a row for each of `x`.
    fn said(&self, x: &[f32]) -> Result<Vec<f64>> {
        let (features, outputs) = (self.info.spec.inputs(), self.info.spec.classes());
        let ask = |ensemble: &mut Ensemble<AnyEngine>| {
            let mut all = Vec::with_capacity(x.len() / features * outputs);
            for rows in x.chunks(ROWS * features) {
                all.extend(self.answered(ensemble, unanswered(rows, features, outputs)?)?);
            }
            Ok(all)
        };
        match x.len() == features {
            // The CPU answers one row without other threads.
            true if self.is_open() => self.asked(ask),
            _ => threads()?.install(|| self.asked(ask)),
        }
    }

    /// The same of samples.
    fn answered(&self, ensemble: &mut Ensemble<AnyEngine>, samples: Samples) -> Result<Vec<f64>> {
        let indices: Vec<u32> = (0..samples.len() as u32).collect();
        let answered = pollster::block_on(async {
            ensemble.load(Split::Test, samples).await?;
            ensemble.answers(Split::Test, &indices).await
        })?;
        let z = answered.logits.map(f64::from);
        Ok(answers(&self.info.preparation.outputs, &z).into_data())
    }

    /// The same of files: what they say, and what there is to say of how they were read.
    fn read(&self, paths: Vec<PathBuf>) -> Result<(Vec<f64>, Vec<String>)> {
        let expected = Expected {
            features: self.info.spec.inputs(),
            preparation: self.info.preparation.clone(),
            label_column: None,
            table: TableOptions::default(),
            look: Look::AsTrained,
            id_column: None,
        };
        let (mut inputs, mut all, mut notes) = (Inputs::new(paths, expected), Vec::new(), Vec::new());
        while let Some(batch) = inputs.next(ROWS)? {
            if let Some(error) = batch.broken.into_iter().next() {
                return Err(error);
            }
            notes.extend(batch.notes);
            if let Some(samples) = batch.samples {
                all.extend(self.asked(|ensemble| self.answered(ensemble, samples))?);
            }
        }
        notes.extend(inputs.closing_notes());
        Ok((all, notes))
    }

    /// What the optimiser remembers.
    fn moments<'py>(&self, py: Python<'py>) -> PyResult<Option<Moments<'py>>> {
        let Some(OptimizerState { steps, moments }) = &self.optimizer else { return Ok(None) };
        let moments = moments.iter().map(|moment| arrays::layers(py, moment)).collect::<PyResult<_>>()?;
        Ok(Some((*steps, moments)))
    }

    fn is_open(&self) -> bool {
        let answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        answering.as_ref().is_some_and(|(process, _)| *process == std::process::id())
    }
}

#[pymethods]
impl Network {
    /// Of the layers of each member, and of what a model's file says of itself, as JSON; with what an optimiser remembers.
    #[staticmethod]
    #[pyo3(signature = (members, info, device, moments=None))]
    fn of(
        members: Vec<GivenLayers<'_>>,
        info: &str,
        device: String,
        moments: Option<(u64, Vec<GivenLayers<'_>>)>,
    ) -> PyResult<Self> {
        let read = |all: &[GivenLayers<'_>]| all.iter().map(arrays::parameters).collect::<PyResult<Vec<_>>>();
        let members = read(&members)?;
        let first =
            members.first().ok_or_else(|| raised(&Error::usage("a model has at least one member")))?;
        let info = ModelInfo::parse(info, first).map_err(|problem| raised(&Error::usage(problem)))?;
        for member in &members {
            member.check(&info.spec).map_err(|error| raised(&error))?;
        }
        let moments = moments.map(|(steps, moments)| Ok::<_, PyErr>((steps, read(&moments)?))).transpose()?;
        let optimizer = moments.map(|(steps, moments)| OptimizerState { steps, moments });
        Ok(Self::new(members, info, optimizer, device))
    }

    /// For `pickle` and `copy`.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
        let of = py.get_type::<Self>().getattr("of")?;
        let members =
            self.members.iter().map(|member| arrays::layers(py, member)).collect::<PyResult<_>>()?;
        Ok((of, (members, self.info()?, self.device.clone(), self.moments(py)?)))
    }

    /// From the folder of a run or of an ensemble, or from a model's file; and notes about it.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, device: String) -> PyResult<(Self, Vec<String>)> {
        let found = without_python(py, || Networks::load(&path))?;
        Ok((Self::new(found.members, found.info, None, device), found.notes))
    }

    /// The same on another device.
    fn on(&self, device: String) -> Self {
        Self::new(self.members.clone(), self.info.clone(), self.optimizer.clone(), device)
    }

    /// The layers of a member.
    fn layers<'py>(&self, py: Python<'py>, member: usize) -> PyResult<Layers<'py>> {
        arrays::layers(py, &self.members[member])
    }

    /// How many members there are.
    fn members(&self) -> usize {
        self.members.len()
    }

    /// What a model's file says of itself, as JSON.
    fn info(&self) -> PyResult<String> {
        serde_json::to_string(&self.info).map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    /// Probabilities of classes or labels, or numbers in their own unit: `[rows, outputs]`.
    fn answers<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let [rows, features] = [x.shape()[0], x.shape()[1]];
        if features != self.info.spec.inputs() {
            return Err(raised(&Error::shape("X", [rows, self.info.spec.inputs()], [rows, features])));
        }
        let x = contiguous(&x)?;
        let said = without_python(py, || self.said(x))?;
        PyArray1::from_vec(py, said).reshape([rows, self.info.spec.classes()])
    }

    /// The same of the inputs in files, such as tables and images; and notes.
    fn answers_of_files<'py>(
        &self,
        py: Python<'py>,
        paths: Vec<PathBuf>,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Vec<String>)> {
        let outputs = self.info.spec.classes();
        let (said, notes) = without_python(py, || threads()?.install(|| self.read(paths)))?;
        let rows = said.len() / outputs;
        Ok((PyArray1::from_vec(py, said).reshape([rows, outputs])?, notes))
    }

    /// Rows as the network was trained on them, from rows in their own unit.
    fn scaled<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = [x.shape()[0], x.shape()[1]];
        if shape[1] != self.info.spec.inputs() {
            return Err(raised(&Error::shape("X", [shape[0], self.info.spec.inputs()], shape)));
        }
        let (x, scaling) = (contiguous(&x)?, &self.info.preparation.scaling);
        let scaled = without_python(py, || {
            let value = |(at, &value): (usize, &f64)| scaling.scaled(at % shape[1], value);
            x.iter().enumerate().map(value).collect::<Result<Vec<f32>, String>>().map_err(Error::usage)
        })?;
        PyArray1::from_vec(py, scaled).reshape(shape)
    }

    /// Writes the network to a file: `onnx`, `safetensors` or `npz`.
    fn export(&self, py: Python<'_>, path: PathBuf, format: &str) -> PyResult<()> {
        without_python(py, || {
            let format = match format {
                "onnx" => Format::Onnx { softmax: false },
                "safetensors" => Format::Safetensors,
                "npz" => Format::Npz,
                other => {
                    let problem = format!("there is no format `{other}`: expected onnx, safetensors or npz");
                    return Err(Error::usage(problem));
                }
            };
            match &self.members[..] {
                [one] => exchange::export(&path, one, &self.info, format),
                several if matches!(format, Format::Onnx { .. }) => {
                    exchange::export_ensemble(&path, several, &self.info)
                }
                _ => Err(Error::usage("an ensemble can be exported as onnx only")),
            }
        })
    }
}
