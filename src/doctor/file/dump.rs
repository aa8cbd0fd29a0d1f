//! What somebody exported: the arrays of the file under our names, not yet brought into one layout.

use super::keys::{self, Key};
use super::moments;
use super::npy::{Array, Kind, Refusal, Value};
use super::npz::Entries;
use super::slot::{Param, Slot};
use super::targets;
use crate::error::{Setting, message};
use crate::network::Activation;
use crate::reference;
use std::collections::{BTreeMap, BTreeSet};

/// How far an output may be from the softmax of what it is made of, to still be it.
const ROUNDED: f64 = 1e-3;

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
    /// Whether it is one layer without its network: the gradient above it is the file's.
    pub alone: bool,
    /// Which row of the weights the biases are, if they are one.
    pub bias_rows: Option<&'static str>,
    /// What was a vector, by the file's names: one sample, or the weights of one output.
    pub vectors: BTreeSet<String>,
    /// Whether the last layer's activation is not what its outputs are.
    pub outputs_differ: bool,
    /// What was read in an unusual way.
    pub notes: Vec<String>,
    /// Arrays without a place that have the shape of a tensor that the file lacks.
    pub strangers: Vec<String>,
    /// What the file calls each tensor, its batch and its targets.
    pub names: BTreeMap<Slot, String>,
    /// What the file calls X.
    pub x_name: Option<String>,
    /// What the file calls y.
    pub y_name: Option<String>,
}

/// The activation of a name, as the frameworks spell them: `LeakyReLU`, `leaky_relu`, `logistic`, `swish`, `linear`.
fn activation(name: &str) -> Option<Activation> {
    let letters: String = name.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    match letters.as_str() {
        "logistic" => Some(Activation::Sigmoid),
        "swish" => Some(Activation::Silu),
        "linear" | "none" => Some(Activation::Identity),
        letters => Activation::ALL.into_iter().find(|act| act.name().replace('-', "") == letters),
    }
}

impl Dump {
    /// Sorts the entries of a file; `map` holds `(theirs, ours)`.
    ///
    /// # Errors
    /// The problem and a hint: keys missing, or more layers than there are weights.
    pub fn new(entries: &Entries, map: &[(String, String)]) -> Result<Self, Refusal> {
        Self::counted(entries, map, false)
    }

    /// The same; if `input_first`, the input is counted as layer 1 even where no name shows it.
    ///
    /// # Errors
    /// As above, and names that the first layer has none of then.
    pub fn counted(entries: &Entries, map: &[(String, String)], input_first: bool) -> Result<Self, Refusal> {
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
        // The inputs of an autoencoder are its targets, too.
        let all = entries.iter().flat_map(|(theirs, value)| {
            meant(theirs, map).into_iter().map(move |ours| (theirs, value, ours))
        });
        for (theirs, value, ours) in all {
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
        if input_first || dump.counts_the_input() {
            dump.count_from_the_input()?;
        }
        moments::place(&mut dump.slots, &mut dump.names);
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
            (Key::X, _) => self.put_batch(theirs, numbers(theirs, value)?)?,
            (Key::Y, _) => self.put_targets(theirs, numbers(theirs, value)?)?,
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

    fn put_batch(&mut self, theirs: &str, array: Array) -> Result<(), Refusal> {
        match (&self.x, &self.x_name) {
            (Some(other), Some(first)) if !same(other, &array) => Err(two_keys("X", first, theirs)),
            (Some(_), Some(first)) => {
                self.notes.push(format!("`{theirs}` is the same array as `{first}`"));
                Ok(())
            }
            _ => {
                (self.x, self.x_name) = (Some(array), Some(theirs.to_owned()));
                Ok(())
            }
        }
    }

    /// The targets; of labels and their one-hot form the latter, which is what the error is measured from.
    pub fn put_targets(&mut self, theirs: &str, array: Array) -> Result<(), Refusal> {
        let (Some(other), Some(first)) = (&self.y, self.y_name.clone()) else {
            (self.y, self.y_name) = (Some(array), Some(theirs.to_owned()));
            return Ok(());
        };
        if same(other, &array) {
            self.notes.push(format!("`{theirs}` is the same array as `{first}`"));
            return Ok(());
        }
        let (is_first, agree) = match (targets::are_of(other, &array), targets::are_of(&array, other)) {
            (Some(agree), _) => (true, agree),
            (None, Some(agree)) => (false, agree),
            (None, None) => return Err(two_keys("y", &first, theirs)),
        };
        let (hot, labels) = if is_first { (first.as_str(), theirs) } else { (theirs, first.as_str()) };
        self.notes.push(match agree {
            true => format!("`{hot}` is the one-hot form of `{labels}`"),
            false => {
                format!("`{hot}` is not the one-hot form of `{labels}`: `{labels}` is taken as the targets")
            }
        });
        if is_first != agree {
            (self.y, self.y_name) = (Some(array), Some(theirs.to_owned()));
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
                Err(two_keys(&slot.to_string(), first, theirs))
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
            if self.slots.get(&Slot::P).is_some_and(|p| !is_output(p, &array)) {
                let outputs = self.names.get(&Slot::P).map_or("p", String::as_str);
                self.notes.push(format!("`{name}` is not checked: `{outputs}` has the outputs"));
                self.outputs_differ = true;
            }
            self.slots.entry(Slot::P).or_insert(array);
            self.names.entry(Slot::P).or_insert(name);
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
            let hint = message![
                "export the targets as y; the targets of an autoencoder are its inputs: ",
                Setting::Map.set("X=X,X=y")
            ];
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

/// The names under which an entry is read.
fn meant<'a>(theirs: &'a String, map: &'a [(String, String)]) -> Vec<&'a String> {
    let said: Vec<&String> = map.iter().filter(|(from, _)| from == theirs).map(|(_, to)| to).collect();
    if said.is_empty() { vec![theirs] } else { said }
}

fn two_keys(ours: &str, first: &str, second: &str) -> Refusal {
    let problem = format!("has two keys for {ours}: `{first}` and `{second}`");
    Refusal::new(problem, "their numbers differ: leave one of them out")
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

/// Whether the last activation is the outputs, or what their softmax is taken of.
fn is_output(p: &Array, a: &Array) -> bool {
    let near = |right: &[f64], p: &[f64]| {
        right.len() == p.len() && right.iter().zip(p).all(|(right, p)| (right - p).abs() <= ROUNDED)
    };
    let is_softmax = |samples_are_rows: bool| {
        let both = p.matrix(samples_are_rows).zip(a.matrix(samples_are_rows));
        both.is_some_and(|(p, a)| p.shape() == a.shape() && near(reference::softmax(&a).data(), p.data()))
    };
    near(&a.data, &p.data) || is_softmax(true) || is_softmax(false)
}
