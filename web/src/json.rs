//! Objects as JSON, and errors as texts.

use gpu_mlp::Error;
use gpu_mlp::error::Setting;
use js_sys::{JSON, Object, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

/// A setting, as pages call it.
pub fn setting(setting: Setting) -> String {
    setting.name().replace(['_', '-'], " ")
}

/// An error in words: the problem, and a hint in a line of its own.
pub fn refused(error: &Error) -> JsError {
    JsError::new(&error.told(&setting))
}

/// What the page gave.
///
/// # Errors
/// If it is something else: a mistake of the page.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsError> {
    serde_json::from_str(text).map_err(|error| JsError::new(&format!("cannot be read: {error}")))
}

/// An object for the page.
///
/// # Errors
/// Never with what this crate gives.
pub fn write(value: &impl Serialize) -> Result<JsValue, JsError> {
    let text = serde_json::to_string(value)?;
    JSON::parse(&text).map_err(|_| JsError::new("the module wrote no JSON"))
}

/// An object of these values.
pub fn object<const N: usize>(values: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in values {
        // A plain object takes every name.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// A typed array.
#[cfg(feature = "trainer")]
pub fn floats(values: &[f32]) -> JsValue {
    js_sys::Float32Array::from(values).into()
}

/// A typed array.
#[cfg(feature = "doctor")]
pub fn doubles(values: &[f64]) -> JsValue {
    js_sys::Float64Array::from(values).into()
}
