//! The constants of an ONNX graph, as numbers.

use std::collections::HashMap;

use super::proto::{GraphProto, TensorProto};

/// An array.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Its size in each dimension.
    pub dims: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f64>,
}

/// The numbers of ONNX's types of elements.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const DOUBLE: i32 = 11;
/// Where a tensor lies that is in another file.
const EXTERNAL: i32 = 1;

/// All constants of a graph, by their names.
pub struct Constants<'a> {
    tensors: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Constants<'a> {
    /// Initialisers, and what nodes of the kind `Constant` hold.
    pub fn of(graph: &'a GraphProto) -> Self {
        let initialisers = graph.initializer.iter().map(|tensor| (tensor.name(), tensor));
        let nodes = graph.node.iter().filter(|node| node.op_type() == "Constant").filter_map(|node| {
            let value = node.attribute.iter().find(|attribute| attribute.name() == "value")?;
            Some((node.output.first()?.as_str(), value.t.as_ref()?))
        });
        Self { tensors: initialisers.chain(nodes).collect() }
    }

    /// Whether a value is a constant.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The texts or whole numbers of a constant, as names.
    pub fn names(&self, name: &str) -> Option<Vec<String>> {
        let tensor = self.tensors.get(name)?;
        if !tensor.string_data.is_empty() {
            return tensor.string_data.iter().map(|text| String::from_utf8(text.clone()).ok()).collect();
        }
        let numbers = self.get(name).ok()?;
        Some(numbers.values.iter().map(f64::to_string).collect())
    }

    /// A constant. Its memory is at most sixteen times that of the file, where whole numbers are packed as bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn get(&self, name: &str) -> Result<Constant, String> {
        let tensor = self.tensors.get(name).ok_or_else(|| format!("`{name}` is not a constant"))?;
        let wrong = |what: String| format!("its constant `{name}` {what}");
        if tensor.data_location == Some(EXTERNAL) {
            return Err(wrong("lies in another file: save the model as one file".into()));
        }
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let dims = dims.ok_or_else(|| wrong(format!("has the dimensions {:?}", tensor.dims)))?;
        let raw = tensor.raw_data();
        let values: Vec<f64> = match tensor.data_type {
            Some(FLOAT) if raw.is_empty() => tensor.float_data.iter().map(|&value| value.into()).collect(),
            Some(FLOAT) => {
                raw.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect()
            }
            Some(DOUBLE) if raw.is_empty() => tensor.double_data.clone(),
            Some(DOUBLE) => raw.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
            Some(INT64) if raw.is_empty() => tensor.int64_data.iter().map(|&value| value as f64).collect(),
            Some(INT64) => raw.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
            kind => {
                let kind = kind.map_or("none".to_owned(), |kind| kind.to_string());
                return Err(wrong(format!("has elements of the type {kind}: expected f32, f64 or i64")));
            }
        };
        let count = dims.iter().try_fold(1_usize, |all, &dim| all.checked_mul(dim));
        if count != Some(values.len()) {
            return Err(wrong(format!("has the dimensions {dims:?}, but {} numbers", values.len())));
        }
        let size = if tensor.data_type == Some(FLOAT) { 4 } else { 8 };
        if raw.len() % size != 0 {
            return Err(wrong(format!("ends within a number: it has {} bytes", raw.len())));
        }
        if values.iter().any(|value| !(*value as f32).is_finite()) {
            return Err(wrong("holds a value that is not a finite f32".into()));
        }
        Ok(Constant { dims, values })
    }
}
