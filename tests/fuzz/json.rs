//! Mutation of JSON, of the JSON lines of a run, and of safetensors files, whose header is JSON that holds JSON.

use serde_json::{Map, Value, json};

use crate::mutate::{NUMBERS, Rng, below, edited, one_in, pick};

/// The key of the metadata, whose value is JSON in a string.
const INNER: &str = "gpu_mlp";

pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(input) {
        Ok(value) if !one_in(rng, 4) => changed(rng, value).into_bytes(),
        _ => edited(rng, input, other, &["{", "}", "[", "]", ":", ",", "null", "\"", "1e999", "\\u0000"]),
    }
}

/// Each line on its own.
pub fn mutate_lines(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = input.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let place = below(rng, lines.len());
    match below(rng, 6) {
        0 => drop(lines.remove(place)),
        1 => lines.insert(place, lines[below(rng, lines.len())].clone()),
        2 => return edited(rng, input, other, &["\n", "\r", "{\"event\":\"start\"", "\u{feff}"]),
        _ => lines[place] = mutate(rng, &lines[place], other),
    }
    lines.join(&b'\n')
}

/// Eight bytes of length, the header, the values.
pub fn mutate_safetensors(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    let length = input.get(..8).and_then(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
    let end = length
        .and_then(|length| usize::try_from(length).ok()?.checked_add(8))
        .filter(|&end| end <= input.len());
    let Some(end) = end.filter(|_| !one_in(rng, 4)) else { return edited(rng, input, other, &[]) };
    let (mut header, mut values) = (input[8..end].to_vec(), input[end..].to_vec());
    match below(rng, 8) {
        0 => values = edited(rng, &values, other, &[]),
        1 => {
            header =
                edited(rng, &header, other, &["\"F32\"", "\"F64\"", "[", "]", "data_offsets", "__metadata__"])
        }
        2 => {
            let words = |rng: &mut Rng, text: &str| edited(rng, text.as_bytes(), b"[]", &["\"", "}", "null"]);
            let words =
                |rng: &mut Rng, text: &str| Some(String::from_utf8_lossy(&words(rng, text)).into_owned());
            header = inner(rng, &header, words).unwrap_or(header);
        }
        3..6 => {
            let tree = |rng: &mut Rng, text: &str| Some(changed(rng, serde_json::from_str(text).ok()?));
            header = inner(rng, &header, tree).unwrap_or(header);
        }
        _ => header = mutate(rng, &header, other),
    }
    let length = if one_in(rng, 16) { below(rng, 1 << 20) } else { header.len() } as u64;
    [&length.to_le_bytes()[..], &header, &values].concat()
}

/// The header with other JSON inside its metadata.
fn inner(rng: &mut Rng, header: &[u8], other: impl Fn(&mut Rng, &str) -> Option<String>) -> Option<Vec<u8>> {
    let mut parsed: Value = serde_json::from_slice(header).ok()?;
    let inner = parsed.get_mut("__metadata__")?.get_mut(INNER)?;
    *inner = Value::String(other(rng, inner.as_str()?)?);
    Some(parsed.to_string().into_bytes())
}

/// A few changes to the tree; numbers beyond what a tree can hold are put into the text.
fn changed(rng: &mut Rng, mut value: Value) -> String {
    for _ in 0..=below(rng, 3) {
        change(rng, &mut value);
    }
    let text = value.to_string();
    let number =
        if one_in(rng, 2) { (*pick(rng, &NUMBERS)).to_owned() } else { below(rng, 1 << 30).to_string() };
    text.replace("\"NUMBER\"", &number)
}

fn change(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Object(map) if !map.is_empty() && !one_in(rng, 16) => in_object(rng, map),
        Value::Array(list) if !list.is_empty() && !one_in(rng, 16) => {
            let place = below(rng, list.len());
            match below(rng, 6) {
                0 => drop(list.remove(place)),
                1 => list.push(list[place].clone()),
                2 => list.push(json!("NUMBER")),
                _ => change(rng, &mut list[place]),
            }
        }
        leaf => *leaf = new(rng),
    }
}

fn in_object(rng: &mut Rng, map: &mut Map<String, Value>) {
    let Some(key) = map.keys().nth(below(rng, map.len())).cloned() else { return };
    match below(rng, 8) {
        0 => drop(map.remove(&key)),
        1 => drop(map.insert(format!("{key}_"), new(rng))),
        2 => drop(map.insert(key, new(rng))),
        _ => {
            if let Some(value) = map.get_mut(&key) {
                change(rng, value);
            }
        }
    }
}

fn new(rng: &mut Rng) -> Value {
    match below(rng, 10) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(""),
        4 => json!(true),
        5 => json!("\u{1b}[31m\u{0}ß"),
        // Not `json!`, which would copy all that is inside for each level.
        6 => (0..200).fold(json!(1), |inner, _| Value::Array(vec![inner])),
        _ => json!("NUMBER"),
    }
}
