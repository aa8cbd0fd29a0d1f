//! Arrays without a place that may be tensors of the network all the same: a bug may be why their numbers do not tell.

use super::arrays::{Named, multiple, rounding};
use super::backbone::Backbone;
use super::evidence::Evidence;
use crate::doctor::file::npy::Kind;
use crate::doctor::file::slot::{Param, Slot};
use std::collections::BTreeMap;

/// What is known of a file once its tensors have their places.
pub struct Strangers<'t> {
    arrays: &'t [Named<'t>],
    backbone: &'t Backbone,
    evidence: Evidence<'t>,
    tensors: &'t BTreeMap<Slot, usize>,
}

impl<'t> Strangers<'t> {
    /// Of a file with these tensors.
    pub fn new(arrays: &'t [Named<'t>], backbone: &'t Backbone, tensors: &'t BTreeMap<Slot, usize>) -> Self {
        Self { arrays, backbone, evidence: Evidence::new(arrays, backbone), tensors }
    }

    /// Whether an array has one value for each value of the targets, which are few: they are smoothed, or scaled.
    fn is_of_targets(&self, array: usize) -> bool {
        let [own, y] = [array, self.backbone.y].map(|array| self.arrays[array].array);
        let mut values: BTreeMap<u64, f64> = BTreeMap::new();
        let alike = |(y, own): (&f64, &f64)| *values.entry(y.to_bits()).or_insert(*own) == *own;
        own.shape == y.shape && y.data.iter().zip(&own.data).all(alike) && values.len() * 2 < y.data.len()
    }

    /// Whether an array is the difference of the outputs and the targets.
    fn is_error(&self, array: usize) -> bool {
        let Some(&p) = self.tensors.get(&Slot::P) else { return false };
        let [own, p, y] = [array, p, self.backbone.y].map(|array| self.arrays[array].array);
        let difference: Vec<f64> = p.data.iter().zip(&y.data).map(|(p, y)| p - y).collect();
        let tolerance = rounding(self.arrays[array].is_single());
        p.data.len() == y.data.len() && multiple(&own.data, &difference, tolerance).is_some()
    }

    /// Whether an array may be a tensor that the file lacks: it has the shape of one, or is of the batch's samples and as wide as no
    /// layer.
    pub fn has(&self, array: usize) -> bool {
        let (named, depth) = (&self.arrays[array], self.backbone.w.len());
        // Counts, classes, truth values; and the outputs' error, which stands beside what is made of it.
        let is_whole = named.array.kind == Kind::Whole;
        let of_targets = self.is_of_targets(array) || self.is_error(array);
        if named.array.data.len() < 2 || is_whole || of_targets {
            return false;
        }
        let weights = (1..=depth).map(|l| Slot::Grad(Param::W(l)));
        // What is of samples is none of them, although a bias's gradient may come before its sum.
        let biases = (1..=depth).map(|l| Slot::Grad(Param::B(l))).filter(|_| named.array.is_flat());
        let hidden = (1..depth).flat_map(|l| [Slot::A(l), Slot::Dz(l), Slot::Da(l)]);
        let lacking = |slot: &Slot| !self.tensors.contains_key(slot) && self.evidence.has_shape(array, *slot);
        if hidden.chain([Slot::P, Slot::Dz(depth)]).chain(weights).chain(biases).any(|slot| lacking(&slot)) {
            return true;
        }
        let Some(sides) = named.sides() else { return false };
        let (n, sizes) = (self.backbone.n, &self.backbone.sizes);
        let of_batch = sides.iter().position(|&side| n > 1 && side == n).map(|at| sides[1 - at]);
        let strange = |&width: &usize| width > 1 && !sizes.contains(&width);
        of_batch.filter(strange).is_some()
    }
}
