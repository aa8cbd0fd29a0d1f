//! Which tensor belongs to which layer, by the names in a file: `fc1.weight`, `output.bias`, `W2`, or as the user says.

use std::collections::HashMap;

use super::place::Place;
use crate::doctor::file::keys::{self, Key};
use crate::doctor::file::slot::{Param, Slot};
use crate::error::{Error, Result};

/// What a tensor is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The weight of a fully connected layer; of a batch normalisation γ.
    Weight,
    /// The bias; of a batch normalisation β.
    Bias,
    /// A batch normalisation's running mean.
    Mean,
    /// A batch normalisation's running variance.
    Variance,
    /// What says nothing of the network's answers.
    Counter,
}

/// What the user calls the tensors of a file: theirs to ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameMap {
    ours: HashMap<String, String>,
}

impl NameMap {
    /// Of pairs `theirs=ours`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a pair that is none, or whose second name is none of ours.
    pub fn of(pairs: &[String]) -> Result<Self> {
        let mut ours = HashMap::new();
        for pair in pairs {
            let wrong = |what: &str| {
                Error::usage(format!(
                    "`{pair}`: {what}; expected theirs=ours, such as encoder=layers.0, head=layers.1 or kernel=W1"
                ))
            };
            let (theirs, own) = pair.split_once('=').ok_or_else(|| wrong("there is no ="))?;
            let (theirs, own) = (theirs.trim(), own.trim());
            if named(own).is_none() && !Place::of(own).is_told() {
                return Err(wrong(&format!("`{own}` is no layer and no tensor of ours")));
            }
            if ours.insert(theirs.to_owned(), own.to_owned()).is_some() {
                return Err(wrong(&format!("`{theirs}` is named twice")));
            }
        }
        Ok(Self { ours })
    }

    /// The name under which a tensor is understood.
    fn ours(&self, name: &str) -> String {
        if let Some(own) = self.ours.get(name) {
            return own.clone();
        }
        match name.rsplit_once('.') {
            Some((layer, rest)) if self.ours.contains_key(layer) => format!("{}.{rest}", self.ours[layer]),
            _ => name.to_owned(),
        }
    }

    /// Names of the file that the user speaks of and that are not there.
    pub fn unused(&self, names: &[String]) -> Vec<String> {
        let is_there = |theirs: &str| {
            let layer = format!("{theirs}.");
            names.iter().any(|name| name == theirs || name.starts_with(&layer))
        };
        let mut unused: Vec<String> = self.ours.keys().filter(|theirs| !is_there(theirs)).cloned().collect();
        unused.sort();
        unused
    }

    /// The place of a tensor's layer, whether its weights lie `[out, in]`, and what it is.
    pub fn parse(&self, name: &str) -> Option<(Place, bool, Kind)> {
        named(&self.ours(name))
    }
}

fn named(name: &str) -> Option<(Place, bool, Kind)> {
    match keys::parse(name) {
        Some(Key::Slot(Slot::Param(Param::W(place)))) => {
            return Some((Place::numbered(place), false, Kind::Weight));
        }
        Some(Key::Slot(Slot::Param(Param::B(place)))) => {
            return Some((Place::numbered(place), false, Kind::Bias));
        }
        _ => {}
    }
    let (stem, kind) = name.rsplit_once('.')?;
    let kind = match kind {
        "weight" => Kind::Weight,
        "bias" => Kind::Bias,
        "running_mean" => Kind::Mean,
        "running_var" => Kind::Variance,
        "num_batches_tracked" => Kind::Counter,
        _ => return None,
    };
    Some((Place::of(stem), true, kind))
}

#[cfg(test)]
mod tests {
    use super::{Kind, NameMap, Place};

    #[test]
    fn tensors_are_known_by_their_names_and_by_what_the_user_says() {
        let plain = NameMap::default();
        for (name, wanted) in [
            ("fc1.weight", Some((Place::of("fc1"), true, Kind::Weight))),
            ("net.3.bias", Some((Place::of("net.3"), true, Kind::Bias))),
            ("W2", Some((Place::numbered(2), false, Kind::Weight))),
            ("model.classifier.bias", Some((Place::of("model.classifier"), true, Kind::Bias))),
            ("bn1.running_var", Some((Place::of("bn1"), true, Kind::Variance))),
            ("conv", None),
        ] {
            assert_eq!(plain.parse(name), wanted, "{name}");
        }
        let pairs = ["encoder=layers.0".to_owned(), "k=W2".to_owned()];
        let map = NameMap::of(&pairs).unwrap_or_default();
        assert_eq!(map.parse("encoder.weight"), Some((Place::of("layers.0"), true, Kind::Weight)));
        assert_eq!(map.parse("k"), Some((Place::numbered(2), false, Kind::Weight)));
        assert_eq!(map.unused(&["encoder.bias".to_owned()]), ["k"]);
        assert!(NameMap::of(&["a".to_owned()]).is_err() && NameMap::of(&["a=what".to_owned()]).is_err());
    }
}
