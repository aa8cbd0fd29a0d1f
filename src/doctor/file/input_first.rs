//! Files that count the input as layer 1, so that z2 and a2 are those of W1.

use super::columns::is_with_ones;
use super::dump::Dump;
use super::npy::Refusal;
use super::slot::{Param, Slot};

impl Dump {
    /// Tensors of samples, with their layers.
    fn of_samples(&self) -> impl Iterator<Item = (Slot, usize)> {
        let slots = self.slots.keys().filter(|slot| slot.param().is_none());
        slots.filter_map(|&slot| Some((slot, slot.layer()?)))
    }

    /// Whether the input is counted as layer 1: a1 is X, or samples have one layer more than there are weights, and
    /// none at its beginning.
    pub(super) fn counts_the_input(&self) -> bool {
        if let (Some(a1), Some(x)) = (self.slots.get(&Slot::A(1)), &self.x)
            && (a1.data == x.data || is_with_ones(a1, x))
        {
            return true;
        }
        let weights = (1..).take_while(|&l| self.slots.contains_key(&Slot::Param(Param::W(l)))).count();
        let last = self.of_samples().map(|(_, l)| l).max();
        last == Some(weights + 1) && self.of_samples().all(|(_, l)| l > 1)
    }

    /// Whether it may be: the last activation is not the outputs, and nothing of layer 1 is there.
    pub(super) fn may_count_the_input(&self) -> bool {
        self.outputs_differ && self.of_samples().all(|(_, l)| l > 1)
    }

    /// Counts what belongs to samples from the first layer behind the input, as weights are.
    pub(super) fn count_from_the_input(&mut self) -> Result<(), Refusal> {
        let first = self.of_samples().find(|&(slot, l)| l == 1 && slot != Slot::A(1));
        if let Some((slot, _)) = first {
            let problem = format!("has {slot}, although a1 is X");
            return Err(Refusal::new(problem, "count layers from the same number everywhere"));
        }
        if let Some(x) = self.slots.remove(&Slot::A(1)) {
            let name = self.names.remove(&Slot::A(1));
            if self.x.is_none() {
                (self.x, self.x_name) = (Some(x), name);
            }
        }
        let own: Vec<Slot> = self.of_samples().map(|(slot, _)| slot).collect();
        for slot in own {
            let (array, name) = (self.slots.remove(&slot), self.names.remove(&slot));
            self.slots.extend(array.map(|array| (slot.below(), array)));
            self.names.extend(name.map(|name| (slot.below(), name)));
        }
        self.notes.push("the input is counted as layer 1: z2 and a2 are those of W1".to_owned());
        Ok(())
    }
}
