//! What the model is like: its first layer, its answers, its mistakes.

use std::path::Path;
use std::rc::Rc;

use gpu_mlp::checkpoint::{ModelInfo, load_model, save_model};
use gpu_mlp::data::inputs::{Drawing, Expected, Look};
use gpu_mlp::data::{Dataset, Samples, Split, TableOptions, Targets};
use gpu_mlp::engine::{CpuEngine, Engine};
use gpu_mlp::exchange::{self, Format};
use gpu_mlp::files::fs::given;
use gpu_mlp::network::Task;
use gpu_mlp::reference::Matrix;
use gpu_mlp::training::evaluation::{ClassScore, Evaluation, Mistake, Question, evaluate};
use gpu_mlp::training::{TrainConfig, answers};
use gpu_mlp::{Error, Result};
use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::json;
use crate::session::{self, Model};
use crate::training::Told;

#[derive(Serialize)]
struct Held<'a> {
    sizes: &'a [usize],
    task: Task,
    class_names: &'a [String],
}

/// Holds the model of a given file.
#[wasm_bindgen]
pub fn hold(path: &str) -> Result<JsValue, JsError> {
    let (parameters, info) = load_model(Path::new(path)).map_err(|error| json::refused(&error))?;
    let held = json::write(&Held {
        sizes: info.spec.sizes(),
        task: info.preparation.task(),
        class_names: &info.preparation.class_names,
    })?;
    session::with(|session| session.model = Some(Rc::new(Model { parameters, info })));
    Ok(held)
}

/// The weights of the first layer's first units, unit by unit.
#[wasm_bindgen(js_name = firstLayer)]
pub fn first_layer(units: usize) -> Result<JsValue, JsError> {
    let model = session::model().map_err(|error| json::refused(&error))?;
    let w = &model.parameters.layers[0].w;
    let (inputs, units) = (w.rows(), units.min(w.cols()));
    let values: Vec<f32> =
        (0..units).flat_map(|unit| (0..inputs).map(move |input| w.at(input, unit))).collect();
    Ok(json::object([("inputs", inputs.into()), ("units", units.into()), ("values", json::floats(&values))]))
}

#[derive(Serialize)]
struct Class {
    samples: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

#[derive(Serialize)]
struct Wrong {
    sample: u32,
    label: usize,
    answer: usize,
    probability: f64,
    of_right: f64,
}

#[derive(Serialize)]
struct Evaluated<'a> {
    score: Told,
    confusion: &'a [Vec<u64>],
    classes: Vec<Class>,
    mistakes: Vec<Wrong>,
}

/// Measures the model on the test samples.
#[wasm_bindgen(js_name = evaluate)]
pub async fn measure(mistakes: usize) -> Result<JsValue, JsError> {
    let evaluation = measured(mistakes).await.map_err(|error| json::refused(&error))?;
    let class = |ClassScore { samples, precision, recall, f1 }| Class { samples, precision, recall, f1 };
    let wrong = |&Mistake { sample, label, answer, probability, of_right }: &Mistake| Wrong {
        sample,
        label,
        answer,
        probability,
        of_right,
    };
    json::write(&Evaluated {
        score: Told::of(&evaluation.score),
        confusion: evaluation.confusion.rows(),
        classes: evaluation.confusion.classes().into_iter().map(class).collect(),
        mistakes: evaluation.mistakes.iter().map(wrong).collect(),
    })
}

async fn measured(mistakes: usize) -> Result<Evaluation> {
    let (dataset, model) = (session::dataset()?, session::model()?);
    fits(&model.info, &dataset)?;
    let options = TrainConfig::default().step_options(&dataset)?;
    let mut engine = CpuEngine::new(&model.info.spec, options);
    engine.set_parameters(&model.parameters, None).await?;
    let question = Question { mistakes, ..Question::default() };
    evaluate(&mut engine, model.info.spec.loss(), &dataset, Split::Test, &question).await
}

/// Whether a model can be measured on a set.
fn fits(info: &ModelInfo, dataset: &Dataset) -> Result<()> {
    let wanted = [info.spec.inputs(), info.spec.classes()];
    let got = [dataset.train.features(), dataset.preparation.class_names.len()];
    let problem = format!(
        "the network has {} inputs and {} outputs, but the data {} and {}",
        wanted[0], wanted[1], got[0], got[1]
    );
    if wanted == got {
        Ok(())
    } else {
        Err(Error::usage(problem).hint("load the data that it was trained on"))
    }
}

fn part<'a>(dataset: &'a Dataset, split: &str, index: usize) -> Result<(&'a Samples, u32)> {
    let samples = if split == "train" { &dataset.train } else { &dataset.test };
    let problem = || format!("there is no sample {index}: they are numbered from 0 to {}", samples.len() - 1);
    if index < samples.len() { Ok((samples, index as u32)) } else { Err(Error::usage(problem())) }
}

/// A sample as a network sees it.
#[wasm_bindgen]
pub fn sample(split: &str, index: usize) -> Result<JsValue, JsError> {
    let seen = || -> Result<JsValue> {
        let dataset = session::dataset()?;
        let (samples, index) = part(&dataset, split, index)?;
        let values: Vec<f32> = samples.inputs(&[index])?.data().iter().map(|&value| value as f32).collect();
        let (label, targets) = match samples.targets() {
            Targets::Classes(classes) => (classes[index as usize].into(), JsValue::NULL),
            Targets::Values { width, values } => {
                let own = values[index as usize * width..][..*width].iter().enumerate();
                let outputs = &dataset.preparation.outputs;
                let numbers = own.map(|(at, &value)| JsValue::from(outputs.unscaled(at, value.into())));
                (JsValue::NULL, numbers.collect::<Array>().into())
            }
        };
        Ok(json::object([("values", json::floats(&values)), ("label", label), ("targets", targets)]))
    };
    seen().map_err(|error| json::refused(&error))
}

/// What the model says of a sample, and the outputs of its hidden layers.
fn said(model: &Model, x: &Matrix) -> Result<[(&'static str, JsValue); 2]> {
    if x.cols() != model.info.spec.inputs() {
        let problem =
            format!("the network has {} inputs, but the sample {}", model.info.spec.inputs(), x.cols());
        return Err(Error::usage(problem).hint("load the data that it was trained on"));
    }
    let forward = model.parameters.in_f64(model.info.spec.activation().clone()).forward(x);
    let outputs = answers(&model.info.preparation.outputs, forward.logits());
    let hidden = forward.a[1..].iter().map(|a| {
        let values: Vec<f32> = a.data().iter().map(|&value| value as f32).collect();
        json::floats(&values)
    });
    Ok([
        ("outputs", outputs.data().iter().map(|&value| JsValue::from(value)).collect::<Array>().into()),
        ("hidden", hidden.collect::<Array>().into()),
    ])
}

/// What the model says of a sample.
#[wasm_bindgen]
pub fn answer(split: &str, index: usize) -> Result<JsValue, JsError> {
    let answered = || -> Result<JsValue> {
        let (dataset, model) = (session::dataset()?, session::model()?);
        let (samples, index) = part(&dataset, split, index)?;
        said(&model, &samples.inputs(&[index])?).map(json::object)
    };
    answered().map_err(|error| json::refused(&error))
}

/// What the model says of a square grey drawing.
#[wasm_bindgen]
pub fn draw(side: usize, grey: Vec<u8>) -> Result<JsValue, JsError> {
    let answered = || -> Result<JsValue> {
        let model = session::model()?;
        let expected = Expected {
            features: model.info.spec.inputs(),
            preparation: model.info.preparation.clone(),
            label_column: None,
            table: TableOptions::default(),
            look: Look::Digits,
            id_column: None,
        };
        let Some(drawing) = Drawing::new(grey, side, &expected)? else {
            let none = || Array::new().into();
            return Ok(json::object([("image", JsValue::NULL), ("outputs", none()), ("hidden", none())]));
        };
        let [outputs, hidden] = said(&model, &drawing.sample.inputs(&[0])?)?;
        let image = json::object([
            ("rows", drawing.side.into()),
            ("cols", drawing.side.into()),
            ("values", js_sys::Uint8Array::from(&drawing.pixels[..]).into()),
        ]);
        Ok(json::object([("image", image), outputs, hidden]))
    };
    answered().map_err(|error| json::refused(&error))
}

/// The model as a file.
#[wasm_bindgen]
pub fn save(format: &str) -> Result<Vec<u8>, JsError> {
    let saved = || -> Result<Vec<u8>> {
        let model = session::model()?;
        let path = Path::new(".saved");
        match format {
            "onnx" => exchange::export(path, &model.parameters, &model.info, Format::Onnx { softmax: true })?,
            "npz" => exchange::export(path, &model.parameters, &model.info, Format::Npz)?,
            _ => save_model(path, &model.parameters, &model.info)?,
        }
        given::take(path).map_err(Error::io("read", path))
    };
    saved().map_err(|error| json::refused(&error))
}
