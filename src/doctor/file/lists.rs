//! Parameters in one list, W and b in turns: `params_0` is W of the first layer, `params_1` its b, as Keras, Theano and JAX
//! hand them out. Its gradients, and what else has the same shapes, may lie in lists of their own.

use super::npy::{Array, Value};
use super::npz::Entries;
use super::roles::words::{Kind, State, Time, Words};
use std::collections::BTreeMap;

/// The fewest arrays in such a list: of two, the second could be the weights of one output.
const FEWEST: usize = 4;

/// One list, in the order of its numbers.
struct List<'e> {
    names: Vec<&'e str>,
    arrays: Vec<&'e Array>,
}

/// What the members of a list are, by the name that they share.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Parameter {
        said: bool,
    },
    /// What stands before and behind our name of the parameter.
    Beside(&'static str, &'static str),
}

/// `(theirs, ours)` for the arrays of such lists; nothing where the parameters lie in another way, or two lists could be them.
pub fn in_turns(entries: &Entries) -> Vec<(String, String)> {
    let chained = lists(entries).into_iter().filter(|list| layers(&list.arrays).is_some());
    let lists: Vec<(List, Role)> = chained
        .filter_map(|list| {
            let role = role(&list)?;
            Some((list, role))
        })
        .collect();
    let candidate = |said: bool| {
        let mut all = lists.iter().filter(move |(_, role)| *role == Role::Parameter { said });
        all.next().filter(|_| all.next().is_none())
    };
    let said = lists.iter().any(|(_, role)| *role == Role::Parameter { said: true });
    let Some((own, _)) = candidate(said) else { return Vec::new() };
    let Some(shapes) = layers(&own.arrays) else { return Vec::new() };
    let mut found = named(own, "", "");
    for role in lists.iter().map(|(_, role)| *role) {
        let Role::Beside(before, behind) = role else { continue };
        let same =
            |(list, other): &&(List, Role)| *other == role && layers(&list.arrays).as_ref() == Some(&shapes);
        let mut all = lists.iter().filter(same);
        if let (Some((list, _)), None) = (all.next(), all.next()) {
            found.extend(named(list, before, behind));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The members of a list under our names.
fn named(list: &List, before: &str, behind: &str) -> Vec<(String, String)> {
    let ours =
        |i: usize| format!("{before}{}{}{behind}", if i.is_multiple_of(2) { "W" } else { "b" }, i / 2 + 1);
    list.names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), ours(i))).collect()
}

/// Arrays with their names, by their numbers.
type Members<'e> = BTreeMap<usize, (&'e str, &'e Array)>;

/// All lists of a file whose numbers have no gap.
fn lists(entries: &Entries) -> Vec<List<'_>> {
    let mut series: BTreeMap<(&str, &str), Members> = BTreeMap::new();
    for (name, value) in entries {
        let Value::Numbers(array) = value else { continue };
        let stem = name.trim_end_matches([']', ')']);
        let digits = stem.chars().rev().take_while(char::is_ascii_digit).count();
        let (prefix, number) = stem.split_at(stem.len() - digits);
        let Ok(number) = number.parse::<usize>() else { continue };
        series.entry((prefix, &name[stem.len()..])).or_default().insert(number, (name, array));
    }
    let whole = |members: &Members| {
        let first = members.keys().next().copied().unwrap_or(0);
        first <= 1 && members.keys().enumerate().all(|(i, &number)| number == first + i)
    };
    let list = |members: BTreeMap<usize, _>| {
        let (names, arrays) = members.into_values().unzip();
        List { names, arrays }
    };
    series.into_values().filter(whole).map(list).collect()
}

/// Inputs and units of the layers, if W and b take turns and each layer's inputs are the units of the one before.
fn layers(arrays: &[&Array]) -> Option<Vec<[usize; 2]>> {
    if arrays.len() < FEWEST || !arrays.len().is_multiple_of(2) {
        return None;
    }
    let lying = |in_out: bool| {
        let pairs = arrays.chunks_exact(2).map(|pair| {
            let &[rows, cols] = pair[0].shape.as_slice() else { return None };
            let layer = if in_out { [rows, cols] } else { [cols, rows] };
            (pair[1].is_flat() && pair[1].data.len() == layer[1]).then_some(layer)
        });
        let layers: Vec<[usize; 2]> = pairs.collect::<Option<_>>()?;
        layers.windows(2).all(|pair| pair[0][1] == pair[1][0]).then_some(layers)
    };
    lying(true).or_else(|| lying(false))
}

/// What a list is by its name, if it may be of parameters.
fn role(list: &List) -> Option<Role> {
    let name = list.names.first()?;
    let (own, state) = (Words::of(name), Words::of(&format!("{name}_w")).state);
    match (state, own.time) {
        (State::Grad, Time::Now) => Some(Role::Beside("d", "")),
        (State::Velocity, Time::Now) => Some(Role::Beside("v", "")),
        (State::First, Time::Now) => Some(Role::Beside("m", "")),
        (State::Second, Time::Now) => Some(Role::Beside("s", "")),
        (State::Value, Time::After) => Some(Role::Beside("", "_new")),
        (State::Value, Time::Now) if matches!(own.kind, None | Some(Kind::Weight)) => {
            let said = own.kind.is_some() || name.to_lowercase().contains("param");
            Some(Role::Parameter { said })
        }
        _ => None,
    }
}
