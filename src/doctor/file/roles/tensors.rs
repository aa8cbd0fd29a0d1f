//! The other arrays of a file, once network and batch are known: each becomes a tensor of the step, if its name and its
//! shape say which, or if its numbers are those of the formula.

use super::arrays::{Named, agree, multiple, rounding};
use super::backbone::Backbone;
use super::evidence::{Evidence, KIND};
use super::relations::Function;
use crate::doctor::file::columns::{with_ones, without_column};
use crate::doctor::file::slot::{Param, Slot};
use crate::network::Activation;
use crate::reference::{self, Matrix};
use std::collections::BTreeMap;

/// What numbers speak for an array as a tensor.
const NUMBERS: i32 = 5;

/// What an array needs to be taken for a tensor.
const ENOUGH: i32 = 4;

/// The tensors found so far.
pub struct Tensors<'t> {
    pub arrays: &'t [Named<'t>],
    pub backbone: &'t Backbone,
    pub evidence: Evidence<'t>,
    /// The array of every tensor.
    pub found: BTreeMap<Slot, usize>,
    pub taken: Vec<bool>,
}

impl<'t> Tensors<'t> {
    /// All tensors of a file, in the order in which they are computed.
    pub fn find(arrays: &'t [Named<'t>], backbone: &'t Backbone) -> BTreeMap<Slot, usize> {
        let (evidence, taken) = (Evidence::new(arrays, backbone), vec![false; arrays.len()]);
        let mut tensors = Self { arrays, backbone, evidence, found: BTreeMap::new(), taken };
        for (l, &w) in backbone.w.iter().enumerate() {
            tensors.take(Slot::Param(Param::W(l + 1)), w);
            if let Some(b) = backbone.b[l] {
                tensors.take(Slot::Param(Param::B(l + 1)), b);
            }
        }
        tensors.taken[backbone.x] = true;
        tensors.taken[backbone.y] = true;
        tensors.forward();
        tensors.backward();
        tensors.step();
        tensors.found
    }

    pub fn depth(&self) -> usize {
        self.backbone.w.len()
    }

    fn take(&mut self, slot: Slot, array: usize) {
        self.taken[array] = true;
        self.found.insert(slot, array);
    }

    /// Gives each of these tensors the array for which most speaks.
    fn settle(&mut self, slots: &[Slot], numbers: &dyn Fn(&Self, usize, Slot) -> bool) {
        self.settle_if(slots, false, numbers);
    }

    /// The same, and where `by_numbers` only to arrays whose numbers are right.
    fn settle_if(&mut self, slots: &[Slot], by_numbers: bool, numbers: &dyn Fn(&Self, usize, Slot) -> bool) {
        let mut choices = Vec::new();
        for array in (0..self.arrays.len()).filter(|&array| !self.taken[array]) {
            let fitting: Vec<Slot> =
                slots.iter().copied().filter(|&slot| self.evidence.has_shape(array, slot)).collect();
            let mut own: Vec<(i32, usize, Slot)> = Vec::new();
            for &slot in fitting.iter().filter(|slot| !self.found.contains_key(slot)) {
                let words = self.evidence.words(array, slot);
                let agrees = numbers(self, array, slot);
                if by_numbers && !agrees {
                    continue;
                }
                if words + if agrees { NUMBERS } else { 0 } >= ENOUGH {
                    own.push((words + if agrees { NUMBERS } else { 0 }, array, slot));
                }
            }
            let most = own.iter().map(|choice| choice.0).max();
            let sure = own.iter().filter(|choice| Some(choice.0) == most).count() == 1 || most > Some(KIND);
            choices.extend(own.into_iter().filter(|_| sure));
        }
        choices.sort_by_key(|&(score, array, slot)| (-score, slot, array));
        for (_, array, slot) in choices {
            if !self.taken[array] && !self.found.contains_key(&slot) {
                self.take(slot, array);
            }
        }
    }

    /// z, a, p and masks.
    fn forward(&mut self) {
        let depth = self.depth();
        let mut slots: Vec<Slot> = (1..=depth).map(Slot::Z).collect();
        slots.extend((1..depth).map(Slot::A));
        slots.push(Slot::P);
        self.settle(&slots, &|tensors, array, slot| tensors.is_computed(array, slot));
        let masks: Vec<Slot> = (1..depth).map(Slot::Mask).collect();
        self.settle(&masks, &|tensors, array, _| is_mask(&tensors.arrays[array].array.data));
    }

    /// Whether the numbers of an array are those of `z` or `a`.
    fn is_computed(&self, array: usize, slot: Slot) -> bool {
        let l = slot.layer().unwrap_or(self.depth());
        let (w, x) = (self.backbone.w[l - 1], self.backbone.x);
        let activated = !matches!(slot, Slot::Z(_));
        let made = |r: &&super::relations::Relation| r.out == array && r.w == w && (l == 1) == (r.a == x);
        let related = self.backbone.relations.iter().find(made);
        let by_sum = related.is_some_and(|relation| (relation.function != Function::None) == activated);
        by_sum || (activated && self.z(l).is_some_and(|z| self.is_activated(array, &z)))
    }

    /// Whether an array is some activation of z.
    fn is_activated(&self, array: usize, z: &Matrix) -> bool {
        let Some(given) = self.samples(array) else { return false };
        let tolerance = rounding(self.arrays[array].is_single());
        let acts = Activation::ALL.into_iter().filter(|&act| act != Activation::Identity);
        let fits = |value: Matrix| agree(value.data(), given.data(), tolerance);
        acts.map(|act| z.map(|z| act.apply(z))).chain([reference::softmax(z)]).any(fits)
    }

    /// An array of samples, as rows.
    pub fn samples(&self, array: usize) -> Option<Matrix> {
        self.arrays[array].in_rows(self.backbone.layout, self.backbone.ones)
    }

    /// Without the error that came back to the unit of ones.
    pub fn without_ones(&self, da: &Matrix, l: usize) -> Matrix {
        match self.backbone.ones {
            Some(end) if da.cols() == self.backbone.sizes[l] + 1 => without_column(da, end),
            _ => da.clone(),
        }
    }

    /// z of a layer: the file's, or what the numbers show to be it.
    pub fn z(&self, l: usize) -> Option<Matrix> {
        // Where sides coincide an array may lie the other way round than the samples.
        let size = [self.backbone.n, self.backbone.sizes[l]];
        let given = self.found.get(&Slot::Z(l)).and_then(|&array| self.samples(array));
        given.filter(|z| z.shape() == size).or_else(|| self.computed(l))
    }

    /// z of a layer from the layer's input.
    fn computed(&self, l: usize) -> Option<Matrix> {
        let input = self.input(l)?;
        let w = self.weights(l)?;
        let b = self.backbone.b[l - 1].map_or(vec![0.0; w.cols()], |b| self.arrays[b].array.data.clone());
        Some(reference::dense(&input, &w, &b))
    }

    pub fn weights(&self, l: usize) -> Option<Matrix> {
        self.arrays[self.backbone.w[l - 1]].matrix(self.backbone.layout.in_out)
    }

    /// What goes into a layer, if the file has it.
    pub fn input(&self, l: usize) -> Option<Matrix> {
        let array = if l == 1 { Some(self.backbone.x) } else { self.found.get(&Slot::A(l - 1)).copied() };
        let input = self.samples(array?)?;
        let input = self.backbone.ones.map_or(input.clone(), |end| with_ones(&input, end));
        // Where sides coincide an array may lie the other way round than the samples.
        Some(input)
            .filter(|input| input.shape() == [self.backbone.n, self.weights(l).map_or(0, |w| w.rows())])
    }

    /// dz and da, from the last layer to the first.
    fn backward(&mut self) {
        let depth = self.depth();
        if let Some(array) = self.used_delta() {
            self.take(Slot::Dz(depth), array);
        }
        // Where dz is not in the file, the error on the way to it is no dz by its name.
        if !self.found.contains_key(&Slot::Dz(depth)) {
            let on_the_way = |array: &usize| {
                !self.taken[*array]
                    && self.evidence.has_shape(*array, Slot::Dz(depth))
                    && self.is_only_error(*array)
            };
            for array in (0..self.arrays.len()).filter(on_the_way).collect::<Vec<_>>() {
                self.taken[array] = true;
            }
        }
        for l in 1..depth {
            if let Some((da, dz)) = self.bent_pair(l) {
                self.take(Slot::Da(l), da);
                self.take(Slot::Dz(l), dz);
            }
        }
        // What numbers show, then what names say: `delta` alone does not say of which layer.
        for by_numbers in [true, false] {
            for l in (1..=depth).rev() {
                let slots = if l == depth { vec![Slot::Dz(l)] } else { vec![Slot::Dz(l), Slot::Da(l)] };
                let rights = self.rights(l);
                self.settle_if(&slots, by_numbers, &|tensors, array, slot| {
                    let Some(given) = tensors.samples(array) else { return false };
                    let tolerance = rounding(tensors.arrays[array].is_single());
                    // Only the last one's scale is free: a factor of a hidden one may be its activation's.
                    let fits = |right: &Matrix| match l == depth {
                        true => multiple(given.data(), right.data(), tolerance).is_some(),
                        false => agree(given.data(), right.data(), tolerance),
                    };
                    let shown = rights.iter().any(|(of, right)| *of == slot && fits(right));
                    shown || (slot == Slot::Da(l) && tensors.comes_back(&given, l, tolerance))
                });
            }
        }
    }

    /// dz of a layer: the file's; of a single sample the gradient of the bias, which is the same.
    pub fn dz(&self, l: usize) -> Option<Matrix> {
        let of_one = || {
            let is = |array: &usize| {
                self.evidence.has_shape(*array, Slot::Dz(l)) && self.evidence.is_bias_gradient(*array, l)
            };
            (0..self.arrays.len()).filter(|_| self.backbone.n == 1).find(is)
        };
        let found = self.found.get(&Slot::Dz(l)).copied().or_else(of_one);
        found.and_then(|array| self.samples(array))
    }

    /// Gradients, updated parameters and the optimiser's state.
    fn step(&mut self) {
        let params: Vec<Param> = (1..=self.depth()).flat_map(|l| [Param::W(l), Param::B(l)]).collect();
        for &param in &params {
            let right = self.right_gradient(param);
            let factor = |tensors: &Self, array: usize| {
                let given = tensors.lying(array, param)?;
                multiple(&given, right.as_ref()?, rounding(tensors.arrays[array].is_single()))
            };
            // First a sum or a mean: what biases of 0 become is a multiple of the gradient, too.
            let mean = 1.0 / self.backbone.n as f64;
            let usual = |factor: f64| [1.0, mean].iter().any(|usual| (factor / usual - 1.0).abs() < 1e-3);
            self.settle_if(&[Slot::Grad(param)], true, &|tensors, array, _| {
                factor(tensors, array).is_some_and(usual)
            });
            self.settle(&[Slot::Grad(param)], &|tensors, array, _| factor(tensors, array).is_some());
        }
        // A gradient whose layer no number shows, by its words.
        let gradients: Vec<Slot> = params.iter().map(|&param| Slot::Grad(param)).collect();
        self.settle(&gradients, &|_, _, _| false);
        let states =
            [Slot::New, Slot::GradPrev, Slot::V, Slot::VPrev, Slot::M, Slot::MPrev, Slot::S, Slot::SPrev];
        let others: Vec<Slot> = params.iter().flat_map(|&param| states.map(|state| state(param))).collect();
        self.settle(&others, &|tensors, array, slot| {
            matches!(slot, Slot::New(_)) && tensors.is_step(array, slot)
        });
    }

    /// The values of an array of a parameter's shape, as the parameter lies.
    pub fn lying(&self, array: usize, param: Param) -> Option<Vec<f64>> {
        match param {
            Param::W(_) => Some(self.arrays[array].matrix(self.backbone.layout.in_out)?.into_data()),
            Param::B(_) => Some(self.arrays[array].array.data.clone()),
        }
    }

    /// `aᵀ·dz` or the sum of dz, from the file's own dz.
    fn right_gradient(&self, param: Param) -> Option<Vec<f64>> {
        let l = param.layer();
        let dz = self.found.get(&Slot::Dz(l)).and_then(|&array| self.samples(array));
        let dz = dz.filter(|dz| dz.rows() == self.backbone.n)?;
        match param {
            Param::W(_) => Some(reference::matmul(&self.input(l)?.transposed(), &dz).into_data()),
            Param::B(_) => Some(reference::sum_rows(&dz)),
        }
    }

    /// Whether an array is a parameter and a multiple of its gradient.
    fn is_step(&self, array: usize, slot: Slot) -> bool {
        let Some(param) = slot.param() else { return false };
        let value = |slot: Slot| self.found.get(&slot).and_then(|&array| self.lying(array, param));
        let (Some(old), Some(gradient)) = (value(Slot::Param(param)), value(Slot::Grad(param))) else {
            return false;
        };
        let Some(new) = self.lying(array, param).filter(|new| new.len() == old.len()) else { return false };
        let step: Vec<f64> = new.iter().zip(&old).map(|(new, old)| new - old).collect();
        // The difference of two roundings is coarser than each.
        multiple(&step, &gradient, rounding(self.arrays[array].is_single()).max(1e-7)).is_some()
    }
}

/// Whether values are 0 and one other number.
fn is_mask(values: &[f64]) -> bool {
    let other = values.iter().find(|&&value| value != 0.0);
    values.contains(&0.0)
        && other.is_some_and(|other| values.iter().all(|value| *value == 0.0 || value == other))
}
