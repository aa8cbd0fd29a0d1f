//! Data sets of given files.

use std::rc::Rc;

use gpu_mlp::data::{self, LoadOptions, Loaded, Request};
use gpu_mlp::network::Task;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::{json, session};

#[derive(Deserialize)]
struct Asked {
    data: String,
    task: Option<Task>,
    label_column: Option<String>,
    test_fraction: Option<f64>,
}

#[derive(Serialize)]
struct Image {
    rows: usize,
    cols: usize,
    colour: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    name: &'a str,
    task: Task,
    train: usize,
    validation: usize,
    test: usize,
    features: usize,
    outputs: usize,
    class_names: &'a [String],
    image: Option<Image>,
    notice: Option<&'a str>,
    notes: Vec<String>,
}

impl<'a> Info<'a> {
    fn of(Loaded { dataset, notice, notes }: &'a Loaded) -> Self {
        let (features, [rows, cols]) = (dataset.train.features(), dataset.image_shape);
        Self {
            name: &dataset.name,
            task: dataset.preparation.task(),
            train: dataset.train.len(),
            validation: dataset.validation.as_ref().map_or(0, data::Samples::len),
            test: dataset.test.len(),
            features,
            outputs: dataset.preparation.class_names.len(),
            class_names: &dataset.preparation.class_names,
            image: (rows > 1).then_some(Image { rows, cols, colour: features == 3 * rows * cols }),
            notice: notice.as_deref(),
            notes: notes.iter().map(|note| note.told(&json::setting)).collect(),
        }
    }
}

/// Reads a data set; it is what is trained on and measured from then on.
#[wasm_bindgen]
pub fn load(asked: &str) -> Result<JsValue, JsError> {
    let asked: Asked = json::read(asked)?;
    let default = LoadOptions::default();
    let options = LoadOptions {
        label_column: asked.label_column,
        task: asked.task,
        test_fraction: asked.test_fraction.unwrap_or(default.test_fraction),
        ..default
    };
    let request = Request { data: Some(&asked.data), options: Some(&options), ..Request::default() };
    let loaded = data::load(request).map_err(|error| json::refused(&error))?;
    let info = json::write(&Info::of(&loaded))?;
    session::with(|session| session.dataset = Some(Rc::new(loaded.dataset)));
    Ok(info)
}
