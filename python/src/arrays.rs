//! NumPy's arrays as the library's, and back.

use gpu_mlp::data::{Samples, Targets};
use gpu_mlp::network::{Dense, Parameters};
use gpu_mlp::tensor::Tensor;
use gpu_mlp::{Error, Result};
use numpy::{
    Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::calls::raised;

/// Weights `[in, out]` and biases `[out]` of each layer.
pub type Layers<'py> = Vec<(Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<f32>>)>;

/// The same, from Python.
pub type GivenLayers<'py> = Vec<(PyReadonlyArray2<'py, f32>, PyReadonlyArray1<'py, f32>)>;

/// An array's values, row by row.
pub fn contiguous<'a, T: Element, D: numpy::ndarray::Dimension>(
    array: &'a PyReadonlyArray<'_, T, D>,
) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Rows to be answered, whose targets nobody asks for.
pub fn unanswered(x: &[f32], features: usize, outputs: usize) -> Result<Samples> {
    Samples::of_floats(features, x, vec![0; x.len() / features.max(1)], outputs)
}

/// What rows are to be answered with.
pub enum Answers {
    /// A class each.
    Classes(Vec<u32>),
    /// So many numbers each.
    Values(usize, Vec<f32>),
}

impl Answers {
    /// From an array of class numbers, or of rows of numbers.
    pub fn of(y: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(classes) = y.extract::<PyReadonlyArray1<'_, u32>>() {
            return Ok(Self::Classes(contiguous(&classes)?.to_vec()));
        }
        let values: PyReadonlyArray2<'_, f32> = y.extract()?;
        Ok(Self::Values(values.shape()[1], contiguous(&values)?.to_vec()))
    }

    /// The samples that these and their rows are.
    pub fn to(
        self,
        x: &[f32],
        features: usize,
        outputs: usize,
        weights: Option<Vec<f32>>,
    ) -> Result<Samples> {
        let samples = match self {
            Self::Classes(classes) => Samples::of_floats(features, x, classes, outputs)?,
            Self::Values(width, values) => {
                unanswered(x, features, outputs)?.with_targets(Targets::values(width, values)?)?
            }
        };
        weights.map_or(Ok(samples.clone()), |weights| samples.with_weights(weights))
    }
}

/// Layers as Python has them.
pub fn layers<'py>(py: Python<'py>, parameters: &Parameters) -> PyResult<Layers<'py>> {
    let layer = |Dense { w, b }: &Dense| {
        let w = PyArray1::from_slice(py, w.data()).reshape([w.rows(), w.cols()])?;
        Ok((w, PyArray1::from_slice(py, b.data())))
    };
    parameters.layers.iter().map(layer).collect()
}

/// Layers as the library has them.
pub fn parameters(layers: &GivenLayers<'_>) -> PyResult<Parameters> {
    let tensor =
        |shape: &[usize], data: &[f32]| Tensor::new(shape, data.to_vec()).map_err(|error| raised(&error));
    let dense = layers.iter().map(|(w, b)| {
        let (w, b) = (tensor(w.shape(), contiguous(w)?)?, tensor(b.shape(), contiguous(b)?)?);
        Ok(Dense { w, b })
    });
    let parameters = Parameters { layers: dense.collect::<PyResult<_>>()? };
    match parameters.layers.is_empty() {
        true => Err(raised(&Error::usage("a network has at least one layer"))),
        false => Ok(parameters),
    }
}
