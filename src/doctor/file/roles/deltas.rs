//! What dz and da may be: the deltas of a file, once its network, z and a are known.

use super::arrays::{agree, multiple, rounding};
use super::tensors::Tensors;
use crate::doctor::file::slot::{Param, Slot};
use crate::doctor::file::targets;
use crate::network::Activation;
use crate::reference::{self, Matrix};

impl Tensors<'_> {
    /// The array that the last layer's gradient, or the error of the layer below, comes from: that is dz, whatever it is
    /// called. Beside it `y - p` is only on the way there.
    pub fn used_delta(&self) -> Option<usize> {
        let l = self.depth();
        let free = |slot: Slot| {
            (0..self.arrays.len())
                .filter(move |&array| !self.taken[array] && self.evidence.has_shape(array, slot))
        };
        let (n, w) = (self.backbone.n, self.weights(l)?);
        let uses = |array: usize| {
            // Where sides coincide an array may lie the other way round than the samples.
            let delta = self.samples(array).filter(|delta| delta.shape() == [n, w.cols()]);
            let Some(delta) = delta else { return 0 };
            let tolerance = rounding(self.arrays[array].is_single());
            let below = reference::matmul(&delta, &w.transposed());
            let cut = self.without_ones(&below, l - 1);
            let is_below = |&other: &usize| {
                let is =
                    |own: Matrix| [&below, &cut].iter().any(|da| agree(own.data(), da.data(), tolerance));
                self.samples(other).is_some_and(is)
            };
            let belows = if l > 1 { free(Slot::Da(l - 1)).filter(is_below).count() } else { 0 };
            let gradients = self.gradients_of(&delta, self.arrays[array].is_single());
            // The layer below may wrongly be given the error in place of dz; it is not dz for that.
            if gradients == 0 && self.is_only_error(array) {
                return 0;
            }
            gradients + belows
        };
        let scored: Vec<(usize, usize)> = free(Slot::Dz(l)).map(|array| (uses(array), array)).collect();
        let most = scored.iter().map(|&(uses, _)| uses).max().filter(|&most| most > 0)?;
        let mut best = scored.into_iter().filter(|&(uses, _)| uses == most).map(|(_, array)| array);
        best.next().filter(|_| best.next().is_none())
    }

    /// How surely gradients of the last weights come from a delta: each that is `aᵀ·dz` counts 2, and each multiple of it 1. Of
    /// one sample and one output all are multiples; one is the same.
    fn gradients_of(&self, delta: &Matrix, single: bool) -> usize {
        let l = self.depth();
        let Some(input) = self.input(l).filter(|input| input.rows() == delta.rows()) else { return 0 };
        let right = reference::matmul(&input.transposed(), delta);
        let sure = |array: usize| {
            let tolerance = rounding(single || self.arrays[array].is_single());
            let Some(own) = self.lying(array, Param::W(l)) else { return 0 };
            let same = agree(&own, right.data(), tolerance);
            usize::from(same) + usize::from(multiple(&own, right.data(), tolerance).is_some())
        };
        let shaped = |array: &usize| self.evidence.has_shape(*array, Slot::Grad(Param::W(l)));
        (0..self.arrays.len()).filter(|array| !self.taken[*array] && shaped(array)).map(sure).sum()
    }

    /// An error at the outputs times the derivative of a sigmoid's output, and of a tanh's, as people take it.
    fn bent(&self, error: &Matrix) -> Vec<Matrix> {
        let Some(p) = self.p().filter(|p| p.shape() == error.shape()) else { return Vec::new() };
        let slopes: [fn(f64) -> f64; 4] = [
            |p| p * (1.0 - p),
            |p| 1.0 - p * p,
            // Of z taken at p, which is a bug, but still dz.
            |p| Activation::Sigmoid.derivative(p),
            |p| Activation::Tanh.derivative(p),
        ];
        slopes.map(|slope| times(error, &p.map(slope))).to_vec()
    }

    /// Whether the file has this array times the derivative of an output's function beside it: that one is dz, and this the
    /// error on the way there.
    pub fn is_only_error(&self, error: usize) -> bool {
        let deltas = self.samples(error).map(|error| self.bent(&error));
        deltas.into_iter().flatten().any(|delta| {
            if delta.cols() > 1 && self.gradients_of(&delta, self.arrays[error].is_single()) > 0 {
                return true;
            }
            let below = self.goes_back(&delta);
            (0..self.arrays.len()).filter(|&array| !self.taken[array]).any(|array| {
                let tolerance = rounding(self.arrays[array].is_single());
                let is = |own: Matrix| {
                    let comes_from = |(da, along): &(Matrix, Matrix)| is_along(&own, da, along, tolerance);
                    multiple(own.data(), delta.data(), tolerance).is_some() || below.iter().any(comes_from)
                };
                self.samples(array).is_some_and(is)
            })
        })
    }

    /// Whether a matrix is what comes back from the delta at the outputs, in the file or not, W from before or after the step.
    pub fn comes_back(&self, own: &Matrix, l: usize, tolerance: f64) -> bool {
        if l + 1 != self.depth() {
            return false;
        }
        let unseen = || self.error().map(|error| self.bent(&error)).unwrap_or_default();
        let deltas = self.dz(l + 1).map_or_else(unseen, |delta| vec![delta]);
        let mut back = deltas.iter().filter_map(|delta| self.goes_back(delta));
        // Errors may be p - y, or y - p.
        back.any(|(da, along)| {
            [1.0, -1.0].iter().any(|sign| is_along(&own.map(|v| sign * v), &da, &along, tolerance))
        })
    }

    /// What comes back to the last hidden layer from a delta, and what that changes by where W is the one from after the
    /// step.
    fn goes_back(&self, delta: &Matrix) -> Option<(Matrix, Matrix)> {
        let l = self.depth();
        let (w, input) = (self.weights(l)?, self.input(l).filter(|_| l > 1)?);
        let fits = delta.shape() == [self.backbone.n, w.cols()];
        let da = fits.then(|| reference::matmul(delta, &w.transposed()))?;
        let along = reference::matmul(delta, &reference::matmul(&delta.transposed(), &input));
        Some((self.without_ones(&da, l - 1), self.without_ones(&along, l - 1)))
    }

    /// An array and that times the derivative of a layer's activation: da and dz, whatever they come from.
    pub fn bent_pair(&self, l: usize) -> Option<(usize, usize)> {
        let z = self.z(l)?;
        let is_free = |array: &usize| !self.taken[*array] && self.evidence.has_shape(*array, Slot::Dz(l));
        let free: Vec<(usize, Matrix)> = (0..self.arrays.len())
            .filter(is_free)
            .filter_map(|array| Some((array, self.samples(array).filter(|own| own.shape() == z.shape())?)))
            .collect();
        let acts = Activation::ALL.into_iter().filter(|&act| act != Activation::Identity);
        let slopes: Vec<Matrix> = acts.map(|act| z.map(|z| act.derivative(z))).collect();
        let mut pairs = free.iter().flat_map(|(da, own)| {
            let bent: Vec<Matrix> = slopes.iter().map(|slope| times(own, slope)).collect();
            let is = move |(dz, given): &&(usize, Matrix)| {
                let tolerance = rounding(self.arrays[*dz].is_single());
                let same = agree(given.data(), own.data(), tolerance);
                dz != da && !same && bent.iter().any(|bent| agree(given.data(), bent.data(), tolerance))
            };
            free.iter().filter(is).map(|(dz, _)| (*da, *dz)).collect::<Vec<_>>()
        });
        let pair = pairs.next()?;
        pairs.next().is_none().then_some(pair)
    }

    /// What dz and da of a layer may be, but for a factor.
    pub fn rights(&self, l: usize) -> Vec<(Slot, Matrix)> {
        let mut all = Vec::new();
        if l == self.depth() {
            let Some(error) = self.error() else { return all };
            all.extend(self.bent(&error).into_iter().map(|delta| (Slot::Dz(l), delta)));
            all.push((Slot::Dz(l), error));
            return all;
        }
        let Some(above) = self.dz(l + 1) else { return all };
        let Some(w) = self.weights(l + 1).filter(|w| above.shape() == [self.backbone.n, w.cols()]) else {
            return all;
        };
        let whole = reference::matmul(&above, &w.transposed());
        let da = self.without_ones(&whole, l);
        if let Some(z) = self.z(l) {
            for act in Activation::ALL.into_iter().filter(|&act| act != Activation::Identity) {
                all.push((Slot::Dz(l), times(&da, &z.map(|z| act.derivative(z)))));
            }
        }
        all.push((Slot::Da(l), whole));
        all.push((Slot::Da(l), da));
        all
    }

    fn p(&self) -> Option<Matrix> {
        self.found.get(&Slot::P).and_then(|&array| self.samples(array))
    }

    /// `p - y`
    fn error(&self) -> Option<Matrix> {
        let p = self.p()?;
        let y = self.arrays[self.backbone.y].array;
        let hot = self.samples(self.backbone.y).filter(|y| y.shape() == p.shape());
        let read = || targets::read(y, p.rows(), p.cols(), self.backbone.layout.rows).ok();
        let y = hot.or_else(|| Some(read()?.0))?;
        Some(Matrix::from_fn(p.rows(), p.cols(), |r, c| p.at(r, c) - y.at(r, c)))
    }
}

/// Whether a matrix is another one, or that and some multiple of a third, and has enough values to say so.
fn is_along(own: &Matrix, right: &Matrix, along: &Matrix, tolerance: f64) -> bool {
    if own.shape() != right.shape() || own.data().len() < 3 {
        return false;
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let away: Vec<f64> = own.data().iter().zip(right.data()).map(|(own, right)| own - right).collect();
    let c = dot(&away, along.data()) / dot(along.data(), along.data());
    let moved: Vec<f64> =
        right.data().iter().zip(along.data()).map(|(right, along)| right + c * along).collect();
    agree(own.data(), right.data(), tolerance) || (c.is_finite() && agree(own.data(), &moved, tolerance))
}

/// The product of two matrices, element by element.
fn times(a: &Matrix, b: &Matrix) -> Matrix {
    Matrix::from_fn(a.rows(), a.cols(), |r, c| a.at(r, c) * b.at(r, c))
}
