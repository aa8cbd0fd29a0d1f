//! What somebody exported: the arrays of the file under our names, not yet brought into one layout.

use super::keys::{self, Key};
use super::npy::{Array, Kind, Refusal, Value};
use super::npz::Entries;
use super::slot::{Param, Slot};
use crate::error::{Setting, message};
use crate::network::Activation;
use std::collections::{BTreeMap, BTreeSet};

/// The arrays of a file under our names.
#[derive(Debug, Clone, Default)]
pub struct Dump {
    /// The tensors.
    pub slots: BTreeMap<Slot, Array>,
    /// The batch and its labels.
    pub x: Option<Array>,
    /// Labels or one-hot rows.
    pub y: Option<Array>,
    /// lr, l2, momentum, …
    pub numbers: BTreeMap<&'static str, f64>,
    /// The hidden activation, if the file or the command says it.
    pub act: Option<Activation>,
    /// Whether samples are rows, if the file says it.
    pub rows: Option<bool>,
    /// The number of layers.
    pub depth: usize,
    /// Whether some tensor was stored with fewer than 64 bits.
    pub single: bool,
    /// What was read in an unusual way.
    pub notes: Vec<String>,
    /// What the file calls each tensor, its batch and its targets.
    pub names: BTreeMap<Slot, String>,
    /// What the file calls X.
    pub x_name: Option<String>,
    /// What the file calls y.
    pub y_name: Option<String>,
}

/// The activation of a name, or of what scikit-learn calls a sigmoid.
fn activation(name: &str) -> Option<Activation> {
    match name.trim().to_lowercase().as_str() {
        "logistic" => Some(Activation::Sigmoid),
        name => name.parse().ok(),
    }
}

impl Dump {
    /// Sorts the entries of a file; `map` holds `(theirs, ours)`.
    ///
    /// # Errors
    /// The problem and a hint: keys missing, or more layers than there are weights.
    pub fn new(entries: &Entries, map: &[(String, String)]) -> Result<Self, Refusal> {
        let mut dump = Self::default();
        let (mut last, mut torch) = (Vec::new(), Vec::new());
        if let Some((theirs, _)) = map.iter().find(|(theirs, _)| !entries.contains_key(theirs)) {
            let problem = format!("has no key `{theirs}`, which is to be read as one of ours");
            return Err(Refusal::new(problem, format!("its keys: {}", list(entries.keys()))));
        }
        let claimed: Vec<(&String, Option<Place>)> = map
            .iter()
            .map(|(theirs, ours)| (theirs, keys::parse(ours).and_then(place)))
            .filter(|(theirs, ours)| ours.is_some() && entries.contains_key(*theirs))
            .collect();
        for (theirs, value) in entries {
            let ours = map.iter().find(|(from, _)| from == theirs).map_or(theirs, |(_, to)| to);
            if let Value::Unreadable(problem) = value {
                dump.notes.push(format!("`{theirs}` is left out: it {problem}"));
                continue;
            }
            let own = !map.iter().any(|(from, _)| from == theirs);
            let rival = claimed.iter().find(|(_, ours)| own && keys::parse(theirs).and_then(place) == *ours);
            if let Some((other, _)) = rival {
                dump.notes.push(format!("`{theirs}` is not used: `{other}` was said to be it"));
                continue;
            }
            match (keys::parse(ours), keys::torch(ours)) {
                (Some(Key::Last(slot)), _) => last.push((theirs, slot, numbers(theirs, value)?)),
                (Some(key), _) => dump.insert(key, theirs, value)?,
                (None, Some(name)) => torch.push((name, theirs, numbers(theirs, value)?)),
                (None, None) => {
                    dump.notes.push(format!(
                        "key `{theirs}` is not known and was ignored (map theirs=ours, if it is one of ours)"
                    ));
                }
            }
        }
        dump.rank(torch)?;
        dump.depth = dump.count()?;
        for (theirs, slot, array) in last {
            dump.put(slot(dump.depth), theirs, array)?;
        }
        dump.output();
        dump.complete()?;
        Ok(dump)
    }

    /// Takes in one entry whose meaning its name tells.
    fn insert(&mut self, key: Key, theirs: &str, value: &Value) -> Result<(), Refusal> {
        match (key, value) {
            (Key::Act, Value::Text(text)) => {
                self.act = Some(activation(text).ok_or_else(|| {
                    let known = Activation::ALL.map(Activation::name).join(", ");
                    Refusal::new(
                        format!("says act = \"{text}\""),
                        format!("the hidden activations known are {known}"),
                    )
                })?);
            }
            (Key::Layout, Value::Text(text)) => self.rows = Some(text.to_lowercase().starts_with("row")),
            (Key::Act | Key::Layout, _) => {
                return Err(Refusal::new(format!("`{theirs}` should be a text"), "save it as a string"));
            }
            (Key::X, _) => (self.x, self.x_name) = (Some(numbers(theirs, value)?), Some(theirs.to_owned())),
            (Key::Y, _) => (self.y, self.y_name) = (Some(numbers(theirs, value)?), Some(theirs.to_owned())),
            (Key::Number(name), _) => {
                let array = numbers(theirs, value)?;
                match array.data.as_slice() {
                    [number] if number.is_finite() => self.numbers.insert(name, *number),
                    _ => {
                        let problem = format!("`{theirs}` should be one finite number");
                        let hint = message![
                            format!("its shape is {:?}; leave it out, or say what it is with ", array.shape),
                            Setting::Map.set(format!("{theirs}=ours"))
                        ];
                        return Err(Refusal::new(problem, hint));
                    }
                };
            }
            (Key::Slot(slot), _) => self.put(slot, theirs, numbers(theirs, value)?)?,
            (Key::Last(_), _) => {}
        }
        Ok(())
    }

    fn put(&mut self, slot: Slot, theirs: &str, array: Array) -> Result<(), Refusal> {
        let float = !matches!(slot, Slot::Mask(_) | Slot::Accuracy | Slot::Loss);
        self.single |= float && matches!(array.kind, Kind::F16 | Kind::F32);
        match self.slots.get(&slot) {
            None => {
                self.slots.insert(slot, array);
                self.names.insert(slot, theirs.to_owned());
                Ok(())
            }
            Some(other) if same(other, &array) => {
                let first = self.names.get(&slot).map_or("", String::as_str);
                self.notes.push(format!("`{theirs}` is the same array as `{first}`"));
                Ok(())
            }
            Some(_) => {
                let first = self.names.get(&slot).map_or("", String::as_str);
                let problem = format!("has two keys for {slot}: `{first}` and `{theirs}`");
                Err(Refusal::new(problem, "their numbers differ: leave one of them out"))
            }
        }
    }

    /// PyTorch's positions become layers by their order.
    fn rank(&mut self, torch: Vec<((usize, bool, &'static str), &String, Array)>) -> Result<(), Refusal> {
        let positions: BTreeSet<usize> = torch.iter().map(|((position, _, _), _, _)| *position).collect();
        for ((position, weight, word), theirs, array) in torch {
            let layer = positions.range(..=position).count();
            let param = if weight { Param::W(layer) } else { Param::B(layer) };
            let slot = match word {
                "d" => Slot::Grad(param),
                "_new" => Slot::New(param),
                _ => Slot::Param(param),
            };
            self.put(slot, theirs, array)?;
        }
        Ok(())
    }

    /// The number of layers: of weights without a gap.
    fn count(&self) -> Result<usize, Refusal> {
        let depth = (1..).take_while(|&l| self.slots.contains_key(&Slot::Param(Param::W(l)))).count();
        let beyond = self.slots.keys().find(|slot| slot.layer().is_some_and(|layer| layer > depth));
        match beyond {
            Some(slot) if depth > 0 => {
                let problem = format!("has {slot}, but weights only for layers 1 to {depth}");
                Err(Refusal::new(problem, format!("export W{} too, or leave {slot} out", depth + 1)))
            }
            _ => Ok(depth),
        }
    }

    /// What some number as the last layer's activation is the probabilities.
    fn output(&mut self) {
        let last = self.depth;
        if let Some(array) = self.slots.remove(&Slot::A(last)) {
            let name = self.names.remove(&Slot::A(last)).unwrap_or_default();
            self.slots.entry(Slot::P).or_insert(array);
            self.names.entry(Slot::P).or_insert(name);
        }
        if self.slots.remove(&Slot::Da(last)).is_some() {
            self.names.remove(&Slot::Da(last));
            self.notes.push(format!("da{last} (the gradient by p) is not checked; dz{last} is"));
        }
    }

    /// Every required key is there.
    fn complete(&self) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for l in 1..=self.depth.max(1) {
            if !self.slots.contains_key(&Slot::Param(Param::W(l))) {
                missing.push(Param::W(l).to_string());
            }
        }
        missing.extend(self.x.is_none().then(|| "X".to_owned()));
        missing.extend(self.y.is_none().then(|| "y".to_owned()));
        if missing.is_empty() {
            return Ok(());
        }
        if missing == ["y"] && self.x.is_some() {
            let hint =
                "export the targets as y; the targets of an autoencoder are its inputs: save X as y, too";
            return Err(Refusal::new("lacks y", hint));
        }
        let hint = message![
            "needed are W1..WL (before the step), X and y; see `gpu-mlp doctor --template numpy`, or name yours \
             with ",
            Setting::Map.set("theirs=ours")
        ];
        Err(Refusal::new(format!("lacks {}", missing.join(", ")), hint))
    }
}

/// What only one array can be.
#[derive(PartialEq)]
enum Place {
    X,
    Y,
    Slot(Slot),
}

fn place(key: Key) -> Option<Place> {
    match key {
        Key::X => Some(Place::X),
        Key::Y => Some(Place::Y),
        Key::Slot(slot) => Some(Place::Slot(slot)),
        Key::Last(_) | Key::Number(_) | Key::Act | Key::Layout => None,
    }
}

/// Whether two arrays hold the same values.
fn same(a: &Array, b: &Array) -> bool {
    let bits = |array: &Array| array.data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    a.shape == b.shape && bits(a) == bits(b)
}

fn numbers(theirs: &str, value: &Value) -> Result<Array, Refusal> {
    match value {
        Value::Numbers(array) => Ok(array.clone()),
        Value::Text(_) => Err(Refusal::new(format!("`{theirs}` holds text, not numbers"), "export numbers")),
        Value::Unreadable(problem) => Err(Refusal::new(format!("`{theirs}` {problem}"), "export numbers")),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
