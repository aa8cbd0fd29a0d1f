//! Arrays that were changed in place before they were saved.

use super::dump::Dump;
use super::roles::arrays::{multiple, rounding};
use super::slot::Slot;

impl Dump {
    /// Leaves out a p that is no longer what it was: `dscores = probs` makes no copy, so what is done to the one is done to the
    /// other.
    pub fn leave_overwritten(&mut self) {
        let delta = Slot::Dz(self.depth);
        let (Some(p), Some(dz)) = (self.slots.get(&Slot::P), self.slots.get(&delta)) else { return };
        let is_error = p.data.iter().any(|&value| value < 0.0) && p.data.len() == dz.data.len();
        if !is_error || multiple(&p.data, &dz.data, rounding(self.single)).is_none() {
            return;
        }
        let name = |slot: &Slot| self.names.get(slot).cloned().unwrap_or_else(|| slot.to_string());
        let (p, dz) = (name(&Slot::P), name(&delta));
        self.notes.push(format!(
            "`{p}` was overwritten in place by `{dz}`, so it is not checked: save it with `{p}.copy()` before"
        ));
        self.slots.remove(&Slot::P);
        self.names.remove(&Slot::P);
    }
}
