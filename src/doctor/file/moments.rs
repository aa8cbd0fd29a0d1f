//! Adam's moments, of which people call either one v.

use super::npy::Array;
use super::slot::Slot;
use std::collections::BTreeMap;

/// Puts each v in its place: beside m it is the second moment, and beside squares the first.
pub fn place(slots: &mut BTreeMap<Slot, Array>, names: &mut BTreeMap<Slot, String>) {
    let own: Vec<_> = slots.keys().filter_map(|slot| slot.param()).collect();
    for param in own {
        let first = [Slot::M(param), Slot::MPrev(param)];
        let second = [Slot::S(param), Slot::SPrev(param)];
        let has = |both: &[Slot; 2]| both.iter().any(|slot| slots.contains_key(slot));
        let meant = match (has(&first), has(&second)) {
            (true, false) => second,
            (false, true) => first,
            _ => continue,
        };
        for (v, meant) in [Slot::V(param), Slot::VPrev(param)].into_iter().zip(meant) {
            let (array, name) = (slots.remove(&v), names.remove(&v));
            slots.extend(array.map(|array| (meant, array)));
            names.extend(name.map(|name| (meant, name)));
        }
    }
}
