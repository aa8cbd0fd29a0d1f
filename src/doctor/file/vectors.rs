//! Arrays with one side: the values of one sample, or the weights of one output. They become matrices with a side of 1;
//! which side it is, shows where the layers chain.

use super::dump::Dump;
use super::keys::{self, Key};
use super::npy::{Array, Value};
use super::npz::Entries;
use super::roles::words::{Kind, Spot, State, Words};
use super::slot::{Param, Slot};
use std::collections::BTreeSet;

/// A file with matrices in place of vectors.
pub struct Form {
    /// The arrays.
    pub entries: Entries,
    /// What was a vector, or a single number, before.
    pub vectors: BTreeSet<String>,
}

/// Which side of a matrix is 1.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lying {
    Row,
    Column,
}

/// What a name says of an array that may be a vector.
struct Name {
    kind: Option<Kind>,
    /// Whether it is a parameter as it was before the step.
    is_parameter: bool,
    spot: Option<Spot>,
}

impl Name {
    fn of(name: &str, array: &Array) -> Self {
        let words = Words::of(name);
        // A setting is one number: `t` may be the targets.
        let setting = |key: &Key| matches!(key, Key::Number(_)) && array.data.len() > 1;
        let own = match keys::parse(name).filter(|key| !setting(key)) {
            Some(Key::X) => Some(Kind::Input),
            Some(Key::Y) => Some(Kind::Target),
            Some(Key::Number(_) | Key::Act | Key::Layout) => Some(Kind::Other),
            Some(Key::Slot(Slot::Loss)) => Some(Kind::Loss),
            Some(Key::Slot(Slot::Accuracy)) => Some(Kind::Accuracy),
            Some(Key::Slot(slot)) => match slot.param() {
                Some(Param::W(_)) => Some(Kind::Weight),
                Some(Param::B(_)) => Some(Kind::Bias),
                None => Some(words.kind.unwrap_or(Kind::Act)),
            },
            Some(Key::Last(_)) | None => words.kind,
        };
        let is_parameter = own == Some(Kind::Weight) && words.state == State::Value;
        Self { kind: own, is_parameter, spot: words.spot }
    }

    /// Whether a vector of this name is one of a matrix's rows or columns: a bias may stay what it is.
    fn becomes_a_matrix(&self, array: &Array) -> bool {
        match self.kind {
            Some(Kind::Bias | Kind::Loss | Kind::Accuracy | Kind::Other) => false,
            None => array.shape.len() == 1,
            Some(_) => array.shape.len() <= 1,
        }
    }
}

fn arrays(entries: &Entries) -> impl Iterator<Item = (&String, &Array, Name)> {
    entries.iter().filter_map(|(name, value)| match value {
        Value::Numbers(array) => Some((name, array, Name::of(name, array))),
        _ => None,
    })
}

/// Whether the inputs, or weights, are vectors, so that the file cannot be read as it is.
pub fn are_needed(entries: &Entries) -> bool {
    let inputs: Vec<usize> = arrays(entries)
        .filter(|(_, _, name)| name.kind == Some(Kind::Input))
        .map(|(_, array, _)| array.shape.len())
        .collect();
    let weights = arrays(entries)
        .any(|(_, array, name)| name.is_parameter && array.shape.len() == 1 && array.data.len() > 1);
    weights || (!inputs.is_empty() && inputs.iter().all(|&sides| sides == 1))
}

/// The file with its vectors as matrices, in each way that they may lie; none if it has no vectors.
pub fn as_matrices(entries: &Entries) -> Vec<Form> {
    let becoming: BTreeSet<String> = arrays(entries)
        .filter(|(_, array, name)| name.becomes_a_matrix(array))
        .map(|(name, _, _)| name.clone())
        .collect();
    if !becoming.iter().any(|name| matches!(&entries[name], Value::Numbers(array) if array.shape.len() == 1))
    {
        return Vec::new();
    }
    let form = |lying: &dyn Fn(&str, &Array) -> Lying| {
        let entries = entries.iter().map(|(name, value)| match value {
            Value::Numbers(array) if becoming.contains(name) => {
                (name.clone(), matrix(array, lying(name, array)))
            }
            value => (name.clone(), value.clone()),
        });
        Form { entries: entries.collect(), vectors: becoming.clone() }
    };
    let mut forms = vec![form(&|_, _| Lying::Row)];
    // Without weights among them, columns say the same.
    if arrays(entries).all(|(_, array, name)| !name.is_parameter || array.shape.len() > 1)
        && arrays(entries).any(|(_, _, name)| name.is_parameter)
        && are_needed(entries)
    {
        return forms;
    }
    forms.push(form(&|_, _| Lying::Column));
    // From one input to some units, and from these to one output: a row and a column.
    if let Some(last) = last_of_several(entries) {
        for samples in [Lying::Row, Lying::Column] {
            forms.push(form(&|name, array| match Name::of(name, array) {
                Name { kind: Some(Kind::Weight), spot, .. } if spot == Some(last) => Lying::Column,
                Name { kind: Some(Kind::Weight), .. } => Lying::Row,
                _ => samples,
            }));
        }
    }
    forms
}

/// Where the last of several weights that are vectors stand.
fn last_of_several(entries: &Entries) -> Option<Spot> {
    let weights = arrays(entries).filter(|(_, array, name)| name.is_parameter && array.shape.len() <= 1);
    let spots: Vec<Spot> = weights.filter_map(|(_, _, name)| name.spot).collect();
    let order = |spot: &Spot| match *spot {
        Spot::Input => 0,
        Spot::Hidden(number) | Spot::Number(number) => number,
        Spot::Output => usize::MAX,
    };
    let last = spots.iter().copied().max_by_key(order)?;
    (spots.iter().any(|spot| *spot != last)).then_some(last)
}

fn matrix(array: &Array, lying: Lying) -> Value {
    let length = array.data.len();
    let shape = if lying == Lying::Row { vec![1, length] } else { vec![length, 1] };
    Value::Numbers(Array { shape, ..array.clone() })
}

impl Dump {
    /// Whether the samples are vectors: there is one.
    pub fn is_one_vector(&self) -> bool {
        self.x_name.as_ref().is_some_and(|name| self.vectors.contains(name))
    }

    /// Whether a tensor is a vector in the file.
    pub fn is_vector(&self, slot: Slot) -> bool {
        self.names.get(&slot).is_some_and(|name| self.vectors.contains(name))
    }

    /// Says how vectors were read.
    pub fn say_vectors(&mut self) {
        let shape = |array: &Array| format!("[{}]", array.data.len());
        if let (true, Some(x), Some(name)) = (self.is_one_vector(), &self.x, &self.x_name) {
            self.notes.push(format!("`{name}` {} is read as one sample", shape(x)));
        }
        for (slot, array) in &self.slots {
            if matches!(slot, Slot::Param(Param::W(_))) && self.is_vector(*slot) {
                let (name, whole) = (&self.names[slot], &array.shape);
                self.notes.push(format!("`{name}` {} is read as weights {whole:?}", shape(array)));
            }
        }
    }
}
