//! What `config.json` of a run says.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::{Fold, LoadOptions};
use crate::error::{Error, Result};
use crate::gpu::Precision;
use crate::step::optimizer::Algorithm;
use crate::training::TrainConfig;

/// What `config.json` says: enough to run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// `mnist`, `digits`, … or a path.
    pub data: String,
    /// How what is there becomes a data set.
    #[serde(flatten)]
    pub loading: LoadOptions,
    /// `auto`, `vulkan`, `metal`, `dx12`, `gl` or `cpu`.
    pub backend: String,
    /// Index of an adapter, or part of its name.
    pub adapter: Option<String>,
    /// What operands of large products are rounded to.
    #[serde(default)]
    pub precision: Precision,
    /// The run or model whose weights it began with, if those were not new.
    pub init: Option<PathBuf>,
    /// The rest.
    #[serde(flatten)]
    pub train: TrainConfig,
}

impl RunConfig {
    /// The same on a fold.
    #[must_use]
    pub fn of_fold(mut self, fold: Fold) -> Self {
        self.loading.fold = Some(fold);
        self
    }

    /// What holds where nobody says anything.
    pub fn for_optimizer(optimizer: Algorithm) -> Self {
        Self {
            data: String::new(),
            loading: LoadOptions::default(),
            backend: "auto".into(),
            adapter: None,
            precision: Precision::default(),
            init: None,
            train: TrainConfig::for_optimizer(optimizer),
        }
    }

    /// All options and their values, with numbers as they were typed.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be listed.
    pub fn values(&self) -> Result<Map<String, Value>> {
        // As text first: there an f32 of 0.1 is 0.1, and not the f64 that is nearest to the f32.
        let values =
            serde_json::to_string(self).and_then(|text| serde_json::from_str::<Map<String, Value>>(&text));
        values.map_err(|error| Error::Internal(error.to_string()))
    }
}

/// An option's value as people write it.
pub fn spelled(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(spelled).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
