//! The doctor.

use std::path::{Path, PathBuf};

use gpu_mlp::doctor::npy::{Array, Kind, Value};
use gpu_mlp::doctor::npz::Entries;
use gpu_mlp::doctor::{self, Language, Options, Report, text};
use gpu_mlp::network::Activation;
use gpu_mlp::{Error, Result};
use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::contiguous;
use crate::calls::without_python;

/// What may be said beyond the arrays, as Python has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Said {
    act: Option<String>,
    tolerance: Option<f64>,
    map: Vec<(String, String)>,
    language: String,
}

impl Said {
    fn options(self) -> Result<Options> {
        let act = self.act.as_deref().map(|name| {
            name.parse::<Activation>().map_err(|_| {
                let all: Vec<&str> = Activation::ALL.into_iter().map(Activation::name).collect();
                Error::usage(format!("act must be one of {}, got `{name}`", all.join(", ")))
            })
        });
        if let Some(tolerance) = self.tolerance.filter(|tolerance| !(*tolerance > 0.0 && *tolerance < 1.0)) {
            return Err(Error::usage(format!("tolerance must lie between 0 and 1, got {tolerance}")));
        }
        let language = Language::ALL.into_iter().find(|language| language.name() == self.language);
        let language = language.ok_or_else(|| {
            let all: Vec<&str> = Language::ALL.into_iter().map(Language::name).collect();
            Error::usage(format!("language must be one of {}, got `{}`", all.join(", "), self.language))
        })?;
        Ok(Options { act: act.transpose()?, tolerance: self.tolerance, map: self.map, language })
    }
}

/// The report in words and as JSON.
fn told(report: &Report, language: Language) -> Result<(String, String)> {
    let json = serde_json::to_string(report).map_err(|error| Error::Internal(error.to_string()))?;
    Ok((text::of(report, language, &|setting| setting.name().to_owned()), json))
}

/// An entry of a file: a text, or what the dtype was (`f4`, `i8`, …) and the numbers as float64.
fn entry(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = value.extract::<String>() {
        return Ok(Value::Text(text));
    }
    let (dtype, array): (String, PyReadonlyArrayDyn<'_, f64>) = value.extract()?;
    let kind = match dtype.as_str() {
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        other if other.starts_with('f') => Kind::F64,
        _ => Kind::Whole,
    };
    Ok(Value::Numbers(Array { shape: array.shape().to_vec(), data: contiguous(&array)?.to_vec(), kind }))
}

/// Examines arrays; the notes are added to the report's.
#[pyfunction]
pub fn examine(
    py: Python<'_>,
    arrays: Vec<(String, Bound<'_, PyAny>)>,
    said: Said,
    notes: Vec<String>,
) -> PyResult<(String, String)> {
    let entries = arrays.iter().map(|(name, value)| Ok((name.clone(), entry(value)?)));
    let entries = entries.collect::<PyResult<Entries>>()?;
    without_python(py, || {
        let options = said.options()?;
        let report = doctor::examine(&entries, &options);
        let mut report = report.map_err(|refusal| refusal.at(Path::new("the arrays")))?;
        report.notes.extend(notes);
        told(&report, options.language)
    })
}

/// Examines a file or a folder.
#[pyfunction]
pub fn examine_file(py: Python<'_>, path: PathBuf, said: Said) -> PyResult<(String, String)> {
    without_python(py, || {
        let options = said.options()?;
        told(&doctor::examine_file(&path, &options)?, options.language)
    })
}
