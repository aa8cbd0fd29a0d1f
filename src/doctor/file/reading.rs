//! From the entries of a file to our names: by the names themselves where all are known, else by names, shapes and
//! numbers together.

use super::alone;
use super::case::Case;
use super::dump::Dump;
use super::keys::{self, Key};
use super::lists;
use super::npy::{Array, Kind, Refusal, Value};
use super::npz::Entries;
use super::partial;
use super::roles::words::{self, Words};
use super::roles::{self, Reading};
use super::slot::{Param, Slot};
use super::vectors;
use crate::error::Message;
use std::collections::BTreeMap;

/// A file under our names, and whose names had to be found.
#[derive(Debug, Clone)]
pub struct Read {
    /// The arrays.
    pub dump: Dump,
    /// `(theirs, ours)` of what its name alone did not tell.
    pub found: Vec<(String, String)>,
}

/// Arrays beyond which vectors become matrices only where names ask for it: each way of them is a search of its own.
const MANY: usize = 64;

/// Reads the entries of a file; `map` holds `(theirs, ours)`.
///
/// # Errors
/// The problem and a hint: what is missing or does not fit, and what the file has.
pub fn read(entries: &Entries, map: &[(String, String)]) -> Result<Read, Refusal> {
    let counters: Vec<&String> =
        entries.iter().filter(|(name, value)| is_counter(name, value)).map(|(name, _)| name).collect();
    if !counters.is_empty() {
        let rest = entries.iter().filter(|(name, _)| !counters.contains(name));
        return read(&rest.map(|(name, value)| (name.clone(), value.clone())).collect(), map);
    }
    let is_empty = |value: &Value| matches!(value, Value::Numbers(array) if array.data.is_empty());
    let empty: Vec<String> =
        entries.iter().filter(|(_, value)| is_empty(value)).map(|(name, _)| format!("`{name}`")).collect();
    if empty.is_empty() {
        return read_lists(entries, map);
    }
    let full = entries.iter().filter(|(_, value)| !is_empty(value));
    let mut read = read_lists(&full.map(|(name, value)| (name.clone(), value.clone())).collect(), map)?;
    let them = if empty.len() == 1 { "it" } else { "them" };
    read.dump.notes.push(format!("{} left out: no values in {them}", empty.join(", ")));
    Ok(read)
}

/// Whether a number is that of a loop, and not the loss that its name means: `j = 299`.
fn is_counter(name: &str, value: &Value) -> bool {
    let is_whole = |array: &Array| array.kind == Kind::Whole && array.data.len() == 1;
    name.eq_ignore_ascii_case("j") && matches!(value, Value::Numbers(array) if is_whole(array))
}

/// The same for entries all of which have values: with W and b in one list, if they lie so.
fn read_lists(entries: &Entries, map: &[(String, String)]) -> Result<Read, Refusal> {
    let turns = if map.is_empty() { lists::in_turns(entries) } else { Vec::new() };
    let in_turns = (!turns.is_empty()).then(|| read_full(entries, &turns));
    match in_turns {
        Some(Ok(mut read)) => {
            read.found.extend(turns);
            Ok(read)
        }
        _ => read_full(entries, map),
    }
}

/// The same, with its lists under names of their own.
fn read_full(entries: &Entries, map: &[(String, String)]) -> Result<Read, Refusal> {
    let known = renamed(entries, map);
    let needed = vectors::are_needed(&known);
    let as_it_is = if needed { None } else { Some(read_matrices(entries, map)) };
    if let Some(Ok(read)) = as_it_is {
        return Ok(read);
    }
    let forms = if needed || entries.len() <= MANY { vectors::as_matrices(&known) } else { Vec::new() };
    let back = |name: &String| theirs(map, name).to_owned();
    let mut best: Option<Read> = None;
    for form in forms {
        let form_entries = form.entries.into_iter().map(|(name, value)| (back(&name), value));
        let Ok(mut read) = read_matrices(&form_entries.collect(), map) else { continue };
        if best.as_ref().is_none_or(|best| read.dump.slots.len() > best.dump.slots.len()) {
            read.dump.vectors = form.vectors.iter().map(back).collect();
            best = Some(read);
        }
    }
    match best {
        Some(mut read) => {
            read.dump.say_vectors();
            Ok(read)
        }
        None => {
            let as_it_is = as_it_is.unwrap_or_else(|| read_matrices(entries, map));
            as_it_is.or_else(|refusal| {
                let part = || alone::read(entries).or_else(|| partial::loss_alone(entries));
                match map.is_empty().then(part).flatten() {
                    Some(dump) => Ok(Read { dump, found: Vec::new() }),
                    None => without_targets(entries, map).ok_or(refusal),
                }
            })
        }
    }
}

/// A network without targets; nothing if the file has some by name, or is not read with them either.
fn without_targets(entries: &Entries, map: &[(String, String)]) -> Option<Read> {
    if entries.len() > MANY || renamed(entries, map).keys().any(|name| is_target(name)) {
        return None;
    }
    let reads = partial::with_targets(entries).into_iter().filter_map(|with| read_matrices(&with, map).ok());
    let mut read = reads.max_by_key(|read| read.dump.slots.len())?;
    read.found.retain(|(theirs, _)| theirs != "y");
    partial::forget_targets(&mut read.dump).then_some(read)
}

/// The same for a file whose vectors need no second side.
fn read_matrices(entries: &Entries, map: &[(String, String)]) -> Result<Read, Refusal> {
    let (by_names, known) = (by_names(entries, map), !unknown(entries, map));
    if known && by_names.as_ref().is_ok_and(|dump| !has_strange_masks(dump)) {
        return by_names.map(|dump| Read { dump, found: Vec::new() });
    }
    let inferred = roles::infer(&renamed(entries, map));
    let inferred = inferred.map_err(Failure::Missing).and_then(|reading| match reading.idle(known) {
        idle if idle.is_empty() => Ok(reading),
        idle => Err(Failure::Idle(idle)),
    });
    // Where names say what cannot be, they do not win.
    let doubted = counts_from_zero(entries, map) || by_names.as_ref().is_ok_and(has_strange_masks);
    match (by_names, inferred) {
        (Ok(dump), Ok(reading)) if !doubted && !agrees(&dump, &reading, map) => {
            Ok(Read { dump, found: Vec::new() })
        }
        (Ok(dump), Err(_)) => Ok(Read { dump, found: Vec::new() }),
        (by_names, Ok(reading)) => match assigned(entries, map, &reading) {
            Ok(read) => Ok(read),
            Err(refusal) => match by_names {
                Ok(dump) => Ok(Read { dump, found: Vec::new() }),
                Err(_) => Err(listing(refusal, entries)),
            },
        },
        (Err(refusal), Err(_)) if known => Err(listing(refusal, entries)),
        (Err(mut refusal), Err(failure)) => {
            match failure {
                Failure::Missing(mut missing) => {
                    missing.retain(|ours| !has_named(entries, map, ours));
                    if !missing.is_empty() {
                        refusal.problem =
                            format!("lacks {}: no name and no numbers show it", missing.join(", "));
                    }
                }
                Failure::Idle(idle) => {
                    let list = idle.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                    refusal.hint =
                        refusal.hint.and(Message::from(format!("; no place was found for {list}")));
                }
            }
            Err(listing(refusal, entries))
        }
    }
}

/// The file by its names alone, whichever layer they count from.
fn by_names(entries: &Entries, map: &[(String, String)]) -> Result<Dump, Refusal> {
    let dump = match Dump::new(entries, map) {
        Ok(dump) => dump,
        Err(refusal) => return from_the_input(entries, map).ok_or(refusal),
    };
    match Case::all(&dump) {
        Ok(_) if dump.may_count_the_input() => Ok(from_the_input(entries, map).unwrap_or(dump)),
        Ok(_) => Ok(dump),
        Err(refusal) => from_the_input(entries, map).or_else(|| without_output_gradient(dump)).ok_or(refusal),
    }
}

/// The file without the gradient by p, which is not checked, so that its shape refuses no file.
fn without_output_gradient(mut dump: Dump) -> Option<Dump> {
    let last = Slot::Da(dump.depth);
    dump.slots.remove(&last)?;
    let name = dump.names.remove(&last).unwrap_or_else(|| last.to_string());
    dump.notes.push(format!("`{name}` is left out: it has another shape than the outputs"));
    Case::all(&dump).ok().map(|_| dump)
}

/// Whether some array's name says that it is one of ours.
fn has_named(entries: &Entries, map: &[(String, String)], ours: &str) -> bool {
    renamed(entries, map).keys().any(|name| match keys::parse(name) {
        Some(Key::X) => ours == "X",
        Some(Key::Y) => ours == "y",
        Some(Key::Slot(slot)) => slot.to_string() == ours,
        _ => false,
    })
}

/// Why arrays did not get their places by names and numbers.
enum Failure {
    /// What a network and a batch lack, by our names.
    Missing(Vec<String>),
    /// Arrays that should have a place.
    Idle(Vec<String>),
}

/// Whether some array has a name that is none of ours.
fn unknown(entries: &Entries, map: &[(String, String)]) -> bool {
    let ours = |name: &String| keys::parse(name).is_some() || keys::torch(name).is_some();
    let mapped = |name: &String| map.iter().any(|(theirs, _)| theirs == name);
    entries.iter().any(|(name, value)| matches!(value, Value::Numbers(_)) && !ours(name) && !mapped(name))
}

/// Whether weights are counted from 0, as lists are: then W1 by its name is that of the second layer.
fn counts_from_zero(entries: &Entries, map: &[(String, String)]) -> bool {
    let is_weights = |name: &str| matches!(keys::parse(name), Some(Key::Slot(Slot::Param(Param::W(1)))));
    renamed(entries, map).keys().any(|name| {
        let first =
            name.strip_suffix('0').filter(|stem| !stem.ends_with(|letter: char| letter.is_ascii_digit()));
        first.is_some_and(|stem| is_weights(&format!("{stem}1")))
    })
}

/// Whether what its name calls a mask is none: `d1` may be a delta.
fn has_strange_masks(dump: &Dump) -> bool {
    let masks = dump.slots.iter().filter(|(slot, _)| matches!(slot, Slot::Mask(_)));
    masks.into_iter().any(|(_, mask)| {
        let other = mask.data.iter().find(|&&value| value != 0.0);
        other.is_some_and(|other| mask.data.iter().any(|value| *value != 0.0 && value != other))
    })
}

/// The file with the input counted as layer 1, if shapes fit then.
fn from_the_input(entries: &Entries, map: &[(String, String)]) -> Option<Dump> {
    let dump = Dump::counted(entries, map, true).ok()?;
    Case::all(&dump).ok().map(|_| dump)
}

/// Our name for one of theirs, where the map has it.
fn ours<'a>(map: &'a [(String, String)], name: &'a str) -> &'a str {
    map.iter().find(|(theirs, _)| theirs == name).map_or(name, |(_, ours)| ours)
}

/// Their name for one of ours.
fn theirs<'a>(map: &'a [(String, String)], name: &'a str) -> &'a str {
    map.iter().find(|(_, ours)| ours == name).map_or(name, |(theirs, _)| theirs)
}

/// The entries with the user's names for ours put right.
fn renamed(entries: &Entries, map: &[(String, String)]) -> Entries {
    let taken = |name: &String| map.iter().any(|(_, ours)| ours == name);
    let mapped = |name: &String| map.iter().any(|(theirs, _)| theirs == name);
    let kept = entries.iter().filter(|(name, _)| mapped(name) || !taken(name));
    kept.map(|(name, value)| (ours(map, name).to_owned(), value.clone())).collect()
}

/// Whether a reading says the same of the arrays whose names are known.
fn agrees(dump: &Dump, reading: &Reading, map: &[(String, String)]) -> bool {
    let ours = |theirs: &String| reading.ours.get(self::ours(map, theirs)).cloned();
    let masks = has_strange_masks(dump);
    let same_x = dump.x_name.as_ref().and_then(ours).as_deref() == Some("X");
    let of_y = reading.ours.iter().find(|(_, ours)| *ours == "y").map(|(name, _)| name);
    // Labels and their one-hot form are both the targets.
    let same_y = dump.y_name.as_ref().and_then(ours).as_deref() == Some("y")
        || of_y.is_some_and(|name| matches!(keys::parse(name), Some(Key::Y)));
    same_x
        && same_y
        && dump.names.iter().all(|(slot, theirs)| {
            let doubted = masks && matches!(slot, Slot::Mask(_));
            doubted || ours(theirs) == Some(slot.to_string())
        })
}

/// The file as a reading has it.
fn assigned(entries: &Entries, map: &[(String, String)], reading: &Reading) -> Result<Read, Refusal> {
    let theirs = |name: &String| theirs(map, name).to_owned();
    let said: Vec<&String> = map.iter().map(|(_, ours)| ours).collect();
    let own = reading.ours.iter().filter(|(_, ours)| !said.contains(ours));
    let mut found: Vec<(String, String)> = own.map(|(name, ours)| (theirs(name), ours.clone())).collect();
    let input = reading.ours.iter().find(|(_, ours)| reading.rebuilds && *ours == "X");
    found.extend(input.map(|(name, _)| (theirs(name), "y".to_owned())));
    let all: Vec<(String, String)> = map.iter().cloned().chain(found.iter().cloned()).collect();
    let kept: Entries = entries
        .iter()
        .filter(|(name, value)| {
            matches!(value, Value::Unreadable(_)) || all.iter().any(|(theirs, _)| theirs == *name)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut dump = Dump::new(&kept, &all)?;
    dump.strangers = reading.strangers.iter().map(&theirs).collect();
    let mut said = Vec::new();
    for (name, _) in reading.left_out.iter().filter(|(_, twin)| twin.is_none()) {
        let name = theirs(name);
        if let Some(Value::Numbers(array)) = entries.get(&name).filter(|_| is_target(&name))
            && dump.put_targets(&name, array.clone()).is_ok()
        {
            said.push(name);
        }
    }
    Case::all(&dump)?;
    for (name, twin) in &reading.left_out {
        let name = theirs(name);
        if said.contains(&name) {
            continue;
        }
        dump.notes.push(match twin {
            Some(twin) if entries.get(&name) == entries.get(&theirs(twin)) => {
                format!("`{name}` is the same array as `{twin}`")
            }
            Some(twin) => format!("`{name}` is `{twin}`, but for a column of ones"),
            None => format!("`{name}` is not used: neither its name nor its numbers say what it is"),
        });
    }
    if reading.rebuilds {
        dump.notes
            .push("the file has no targets, but the outputs' error from X: X is the targets, too".to_owned());
    }
    found.retain(|(theirs, ours)| theirs != ours || reading.rebuilds && ours == "X");
    Ok(Read { dump, found })
}

/// Whether an array is the targets by its name.
fn is_target(name: &str) -> bool {
    matches!(keys::parse(name), Some(Key::Y)) || Words::of(name).kind == Some(words::Kind::Target)
}

/// A refusal that lists what the file has.
fn listing(refusal: Refusal, entries: &Entries) -> Refusal {
    if entries.is_empty() {
        return refusal;
    }
    let shape = |value: &Value| match value {
        Value::Numbers(array) => format!("{:?}", array.shape),
        Value::Text(_) => "text".to_owned(),
        Value::Unreadable(problem) => format!("({problem})"),
    };
    let mut arrays: Vec<String> =
        entries.iter().take(LISTED).map(|(name, value)| format!("{name} {}", shape(value))).collect();
    if entries.len() > LISTED {
        arrays.push(format!("and {} more", entries.len() - LISTED));
    }
    let list = format!("; the file has {}", arrays.join(", "));
    Refusal { hint: refusal.hint.and(Message::from(list)), ..refusal }
}

/// Arrays of a file that a refusal lists.
const LISTED: usize = 40;

/// What a file calls each of our tensors, where that differs.
pub fn names(dump: &Dump) -> BTreeMap<String, String> {
    let whole = [("X", &dump.x_name), ("y", &dump.y_name)];
    let whole = whole.into_iter().filter_map(|(ours, theirs)| Some((ours.to_owned(), theirs.clone()?)));
    let tensors = dump.names.iter().map(|(slot, theirs)| (slot.to_string(), theirs.clone()));
    whole.chain(tensors).filter(|(ours, theirs)| ours != theirs).collect()
}
