//! The library for a browser: what the workers of `web/app` call, in one module for the doctor and one for training.
//!
//! Objects come and go as JSON, in the names of the program's own JSON; arrays as typed arrays. Every error is a text for the
//! user. `web/app/src/engine/types.ts` says what is in each.

#[cfg(feature = "trainer")]
mod data;
#[cfg(feature = "trainer")]
mod devices;
#[cfg(feature = "doctor")]
mod doctor;
mod json;
#[cfg(feature = "trainer")]
mod looking;
#[cfg(feature = "doctor")]
mod replay;
#[cfg(feature = "trainer")]
mod session;
#[cfg(feature = "trainer")]
mod training;

use std::path::Path;

use gpu_mlp::files::fs::given;
use wasm_bindgen::prelude::*;

/// What a panic says is on the console: the module cannot go on after one.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| log(&format!("internal error: {panic}"))));
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn log(text: &str);
}

/// Gives the module a file, in the place of one that had the path.
#[wasm_bindgen]
pub fn add(path: &str, bytes: Vec<u8>) {
    given::give(Path::new(path), bytes);
}

/// Takes all given files away.
#[wasm_bindgen]
pub fn clear() {
    given::clear();
}
