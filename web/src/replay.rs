//! Trainings with bugs beside a right one.

use std::cell::RefCell;

use gpu_mlp::Error;
use gpu_mlp::data;
use gpu_mlp::network::Activation;
use gpu_mlp::replay::injection::Injection;
use gpu_mlp::replay::{self, Config, Plan, Point, Watch};
use js_sys::Function;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::json;

/// What is to be trained.
#[derive(Deserialize)]
struct Asked {
    bugs: Bugs,
    hidden: Vec<usize>,
    batch_size: usize,
    epochs: usize,
    lr: Option<f64>,
    seed: u64,
    act: Activation,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bugs {
    Named(Named),
    These(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Question,
}

impl Asked {
    fn config(&self) -> Config {
        Config {
            hidden: self.hidden.clone(),
            batch_size: self.batch_size,
            epochs: self.epochs,
            lr: self.lr,
            seed: self.seed,
            act: self.act,
        }
    }

    fn plans(&self) -> Result<Vec<Plan>, JsError> {
        let unknown = |problem: String| JsError::new(&problem);
        match &self.bugs {
            Bugs::Named(Named::Question) => replay::seed_question().map_err(unknown),
            Bugs::These(bugs) => {
                let bugs: Result<Vec<Injection>, String> =
                    bugs.iter().map(|bug| Injection::parse(bug)).collect();
                Ok(replay::with_and_without(&bugs.map_err(unknown)?))
            }
        }
    }
}

/// What a replay will do.
#[derive(Serialize)]
struct Planned {
    labels: Vec<String>,
    setting: Vec<&'static str>,
    lr: f64,
}

/// What a replay will do.
#[wasm_bindgen]
pub fn plan(asked: &str) -> Result<JsValue, JsError> {
    let asked: Asked = json::read(asked)?;
    let plans = asked.plans()?;
    let (setting, lr) = asked.config().setting(&plans);
    let labels = plans.into_iter().map(|plan| plan.label).collect();
    json::write(&Planned { labels, setting: setting.words(), lr })
}

thread_local! {
    /// Who hears of points: a module has one thread, but what watches has to be one that several may call.
    static EACH: RefCell<Option<Function>> = const { RefCell::new(None) };
}

struct Told;

impl Watch for Told {
    fn measured(&self, plan: usize, point: &Point) -> bool {
        EACH.with_borrow(|each| {
            let told = each.as_ref().zip(json::write(point).ok());
            told.is_none_or(|(each, point)| each.call2(&JsValue::NULL, &plan.into(), &point).is_ok())
        })
    }
}

/// Trains on the digits, and calls `each` with the number of a training and a point.
#[wasm_bindgen]
pub fn replay(asked: &str, each: Function) -> Result<JsValue, JsError> {
    let asked: Asked = json::read(asked)?;
    let plans = asked.plans()?;
    let refused = |error: Error| json::refused(&error);
    let dataset = data::built_in().map_err(refused)?;
    EACH.set(Some(each));
    let curves = replay::replay(&dataset, &asked.config(), &plans, &Told);
    EACH.set(None);
    json::write(&curves.map_err(refused)?.unwrap_or_default())
}
