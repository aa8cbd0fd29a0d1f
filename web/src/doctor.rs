//! The doctor and its catalogue.

use std::path::Path;

use gpu_mlp::Error;
use gpu_mlp::doctor::exam::report::Beside;
use gpu_mlp::doctor::file::template;
use gpu_mlp::doctor::formulas::catalogue::Bug;
use gpu_mlp::doctor::formulas::derivation::Derivation;
use gpu_mlp::doctor::formulas::tables;
use gpu_mlp::doctor::{self, Language, Options, text};
use gpu_mlp::network::Activation;
use gpu_mlp::reference::Matrix;
use gpu_mlp::replay::injection::Injection;
use js_sys::Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::json;

/// What may be said about a file.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    act: Option<Activation>,
    tolerance: Option<f64>,
    map: Vec<(String, String)>,
    language: Option<String>,
}

impl Said {
    fn options(self) -> Result<Options, Error> {
        if let Some(tolerance) = self.tolerance.filter(|tolerance| !(*tolerance > 0.0 && *tolerance < 1.0)) {
            return Err(Error::usage(format!("the tolerance must lie between 0 and 1, got {tolerance}")));
        }
        let language = self.language.as_deref().unwrap_or("numpy");
        let language = Language::ALL.into_iter().find(|known| known.name() == language).unwrap_or_default();
        Ok(Options { act: self.act, tolerance: self.tolerance, map: self.map, language })
    }
}

fn matrix(matrix: &Matrix) -> JsValue {
    json::object([
        ("rows", matrix.rows().into()),
        ("cols", matrix.cols().into()),
        ("values", json::doubles(matrix.data())),
    ])
}

fn beside(Beside { tensor, given, right }: &Beside) -> JsValue {
    json::object([("tensor", tensor.to_string().into()), ("given", matrix(given)), ("right", matrix(right))])
}

/// Examines given files.
#[wasm_bindgen]
pub fn examine(path: &str, said: &str) -> Result<JsValue, JsError> {
    let options = json::read::<Said>(said)?.options().map_err(|error| json::refused(&error))?;
    let report = doctor::examine_file(Path::new(path), &options).map_err(|error| json::refused(&error))?;
    let words = text::of(&report, options.language, &json::setting);
    Ok(json::object([
        ("report", json::write(&report)?),
        ("text", words.into()),
        ("beside", report.beside.iter().map(beside).collect::<Array>().into()),
    ]))
}

/// A snippet that exports arrays.
#[wasm_bindgen]
pub fn template(language: &str) -> Option<String> {
    let known = template::ALL.iter().find(|(name, _)| *name == language);
    known.map(|(_, snippet)| (*snippet).to_owned())
}

/// A bug's page.
#[derive(Serialize)]
struct Page {
    id: &'static str,
    why: &'static str,
    fix: &'static str,
    formulas: Vec<String>,
    right: &'static str,
    lines: &'static [&'static str],
    source: &'static str,
    replay: Replayed,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Replayed {
    Can(bool),
    Cannot(String),
}

impl Page {
    fn of(bug: Bug) -> Option<Self> {
        let derivation = Derivation::of(bug)?;
        Some(Self {
            id: bug.id(),
            why: bug.why(),
            fix: bug.fix(),
            formulas: tables::computed(bug).iter().map(|&formula| formula.to_owned()).collect(),
            right: derivation.right,
            lines: &derivation.lines,
            source: derivation.source,
            replay: Injection::parse(bug.id()).map_or_else(Replayed::Cannot, |_| Replayed::Can(true)),
        })
    }
}

/// The pages of all bugs.
#[wasm_bindgen]
pub fn catalogue() -> Result<JsValue, JsError> {
    let pages: Vec<Page> = Bug::ALL.iter().filter_map(|&bug| Page::of(bug)).collect();
    json::write(&pages)
}
