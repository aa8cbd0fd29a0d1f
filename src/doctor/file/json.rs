//! Arrays as JSON: an object with a nested list of numbers for each, as JavaScript and others write it. An object in an
//! object gives `name.key`; a list whose parts are of different shapes gives an array for each: `name[0]`, `name[1]`.

use super::digits;
use super::not_finite::Quoted;
use super::npy::{Array, Kind, Refusal, Value};
use super::npz::{Entries, MEMORY};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::{BufReader, Read};

/// The most values, and lists, that a file may have.
const VALUES: usize = (MEMORY / 16) as usize;
const LISTS: usize = 200_000;

/// A part of a file.
enum Node {
    Number(f64),
    Text(String),
    /// A list of numbers alone.
    Row(Vec<f64>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Nothing,
}

/// Reads the arrays of an object.
///
/// # Errors
/// The problem and a hint.
pub fn read_from(source: impl Read) -> Result<Entries, Refusal> {
    let budget = Budget { values: Cell::new(VALUES), lists: Cell::new(LISTS) };
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(Quoted::new(source)));
    let node = (&budget).deserialize(&mut reader).and_then(|node| reader.end().map(|()| node));
    let node = node.map_err(|error| {
        let hint = "an object with a nested list of numbers for each array: {\"W1\": [[0.1, 0.2], ...], \"lr\": 0.1}";
        Refusal::new(format!("is not JSON that can be read: {error}"), hint)
    })?;
    let mut entries = Entries::new();
    if let Node::Object(parts) = node {
        for (name, node) in parts {
            insert(&mut entries, name, node)?;
        }
    }
    Ok(entries)
}

/// Takes a part into the arrays of a file.
fn insert(entries: &mut Entries, name: String, node: Node) -> Result<(), Refusal> {
    let value = match node {
        Node::Nothing => return Ok(()),
        Node::Text(text) => Value::Text(text),
        Node::Object(parts) => {
            let inside = |(key, node)| insert(entries, format!("{name}.{key}"), node);
            return parts.into_iter().try_for_each(inside);
        }
        node => match shape(&node) {
            Some(shape) => {
                let mut data = Vec::with_capacity(shape.iter().product());
                flatten(node, &mut data);
                let whole = data.iter().all(|value| value.fract() == 0.0);
                let kind = match whole {
                    true => Kind::Whole,
                    false if digits::is_single(&data) => Kind::F32,
                    false => Kind::F64,
                };
                Value::Numbers(Array { shape, data, kind })
            }
            None => {
                let Node::List(parts) = node else { return Ok(()) };
                if let Some(problem) = ragged(&name, &parts) {
                    let hint = "a matrix is a list of rows, which are lists of as many numbers each";
                    return Err(Refusal::new(problem, hint).of(format!("`{name}`:")));
                }
                let inside = |(at, part)| insert(entries, format!("{name}[{at}]"), part);
                return parts.into_iter().enumerate().try_for_each(inside);
            }
        },
    };
    entries.insert(name, value);
    Ok(())
}

/// The shape of nested lists; nothing if their parts have different ones.
fn shape(node: &Node) -> Option<Vec<usize>> {
    match node {
        Node::Number(_) => Some(Vec::new()),
        Node::Row(row) => Some(vec![row.len()]),
        Node::List(parts) => {
            let first = shape(parts.first()?)?;
            let same = parts.iter().all(|part| shape(part).as_ref() == Some(&first));
            same.then(|| [vec![parts.len()], first].concat())
        }
        _ => None,
    }
}

/// What is wrong with the rows of a matrix that are not equally long. A list of several arrays may be like that, but its name does
/// not end in a layer's number, nor is it that of the batch.
fn ragged(name: &str, parts: &[Node]) -> Option<String> {
    let one = name.ends_with(|letter: char| letter.is_ascii_digit()) || ["X", "x", "y"].contains(&name);
    let length = |part: &Node| match part {
        Node::Row(row) => Some(row.len()),
        _ => None,
    };
    let lengths: Vec<usize> = parts.iter().filter(|_| one).map(length).collect::<Option<_>>()?;
    let (at, length) = lengths.iter().enumerate().find(|(_, length)| **length != lengths[0])?;
    Some(format!("row {at}, from 0, has {length} values, but row 0 has {}", lengths[0]))
}

fn flatten(node: Node, data: &mut Vec<f64>) {
    match node {
        Node::Number(value) => data.push(value),
        Node::Row(row) => data.extend(row),
        Node::List(parts) => parts.into_iter().for_each(|part| flatten(part, data)),
        _ => {}
    }
}

/// What may still be read.
struct Budget {
    values: Cell<usize>,
    lists: Cell<usize>,
}

impl Budget {
    fn spend<E: Error>(cell: &Cell<usize>, what: &str) -> Result<(), E> {
        let left = cell.get().checked_sub(1);
        cell.set(left.ok_or_else(|| E::custom(format!("more {what} than are read of one file")))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &Budget {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Budget {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, lists, objects and texts")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.visit_f64(f64::from(u8::from(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Budget::spend(&self.values, "numbers")?;
        Ok(Node::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        match text {
            "NaN" => return self.visit_f64(f64::NAN),
            "Infinity" => return self.visit_f64(f64::INFINITY),
            "-Infinity" => return self.visit_f64(f64::NEG_INFINITY),
            _ => {}
        }
        Budget::spend(&self.lists, "lists and texts")?;
        Ok(Node::Text(text.chars().take(100).collect()))
    }

    /// JavaScript writes NaN as null.
    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        Budget::spend(&self.lists, "lists and texts")?;
        let (mut row, mut parts) = (Vec::new(), Vec::new());
        while let Some(node) = list.next_element_seed(self)? {
            match node {
                Node::Number(value) if parts.is_empty() => row.push(value),
                // JavaScript writes NaN as null.
                Node::Nothing if parts.is_empty() => row.push(f64::NAN),
                node => {
                    parts.extend(row.drain(..).map(Node::Number));
                    parts.push(node);
                }
            }
        }
        Ok(if parts.is_empty() { Node::Row(row) } else { Node::List(parts) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        Budget::spend(&self.lists, "lists and texts")?;
        let mut parts = Vec::new();
        while let Some(name) = map.next_key::<Name>()? {
            parts.push((name.0, map.next_value_seed(self)?));
        }
        Ok(Node::Object(parts))
    }
}

/// A key of at most 100 letters.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(text.chars().take(100).collect()))
    }
}
