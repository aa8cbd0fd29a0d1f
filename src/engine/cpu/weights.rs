//! The parameters, as the products read them: weights cut over the threads by their rows, biases whole.

use fearless_simd::{Simd, f32x16, prelude::*};

use super::lines::{Block, Line, Panels, WIDTH, share, transposed};
use super::optimizer::{advance, squares};
use super::product::{Target, Term, Weights, add_product, descend, descend_product, load};
use crate::network::MlpSpec;
use crate::step::Sgd;
use crate::step::optimizer::Step;
use crate::tensor::Tensor;

/// What is kept beside every parameter.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The optimiser's moments.
    pub moments: usize,
    /// Whether the gradient is, where the step is not fused into the product that makes it.
    pub gradient: bool,
}

impl Kept {
    /// Nothing.
    pub const NONE: Self = Self { moments: 0, gradient: false };

    fn of<T: Clone>(self, zeros: &[T]) -> (Vec<Vec<T>>, Vec<T>) {
        let gradient = if self.gradient { zeros.to_vec() } else { Vec::new() };
        (vec![zeros.to_vec(); self.moments], gradient)
    }
}

/// Gradient descent whose step from zero is the gradient.
const GRADIENT: Sgd = Sgd { lr: -1.0, momentum: 0.0, weight_decay: 0.0 };

/// One thread's rows of a layer's weights `[in, out]`, in blocks `[input line][output line]`.
pub(super) struct Slab {
    /// The first of its input lines.
    first: usize,
    /// How many input lines.
    height: usize,
    /// How many output lines.
    width: usize,
    w: Vec<Block>,
    /// The transpose, `[output line][input line]`, for the gradient by the input; the first layer needs none.
    w_t: Vec<Block>,
    moments: Vec<Vec<Block>>,
    g: Vec<Block>,
}

/// A layer's biases.
pub(super) struct Bias {
    pub b: Vec<Line>,
    moments: Vec<Vec<Line>>,
    g: Vec<Line>,
}

impl Slab {
    /// Thread `index`'s part of every layer, all zero.
    pub fn of_layers(spec: &MlpSpec, kept: Kept, index: usize, threads: usize) -> Vec<Self> {
        let slab = |(layer, sizes)| Self::zeros(sizes, kept, layer > 0, index, threads);
        spec.layers().enumerate().map(slab).collect()
    }

    /// Thread `index`'s part of the weights of a layer `(in, out)`, all zero; with the transpose if there is to be a
    /// gradient by the input.
    pub fn zeros(
        (ins, outs): (usize, usize),
        kept: Kept,
        backward: bool,
        index: usize,
        threads: usize,
    ) -> Self {
        let (lines, width) = (share(ins.div_ceil(WIDTH), index, threads), outs.div_ceil(WIDTH));
        let w = vec![Block::default(); lines.len() * width];
        let w_t = if backward { w.clone() } else { Vec::new() };
        let (moments, g) = kept.of(&w);
        Self { first: lines.start, height: lines.len(), width, w_t, moments, g, w }
    }

    /// `z += x · w`, for the columns of x that are this slab's rows of w.
    #[inline(always)]
    pub fn add_forward<S: Simd>(&self, s: S, x: &Panels, z: &mut Panels) {
        add_product(s, x, Weights { blocks: &self.w, first: self.first, width: self.width }, z, 0);
    }

    /// `dx += dz · wᵀ`, for the columns of dx that are this slab's rows of w.
    #[inline(always)]
    pub fn add_backward<S: Simd>(&self, s: S, dz: &Panels, dx: &mut Panels) {
        add_product(s, dz, Weights { blocks: &self.w_t, first: 0, width: self.height }, dx, self.first);
    }

    /// A step along the gradient, which is a sum over the threads' samples.
    #[inline(always)]
    pub fn descend<'a, S: Simd>(&mut self, s: S, sgd: Sgd, terms: impl Iterator<Item = Term<'a>> + Clone) {
        let (w, v) = (self.w.as_mut_slice(), self.moments.first_mut().map(Vec::as_mut_slice));
        descend_product(s, sgd, terms, Target { w, v, first: self.first, width: self.width });
        self.transpose();
    }

    /// Keeps the gradient, for [`advance`](Self::advance).
    #[inline(always)]
    pub fn differentiate<'a, S: Simd>(&mut self, s: S, terms: impl Iterator<Item = Term<'a>> + Clone) {
        self.g.fill(Block::default());
        let target = Target { w: &mut self.g, v: None, first: self.first, width: self.width };
        descend_product(s, GRADIENT, terms, target);
    }

    /// Makes room for a gradient, unless there is some.
    pub fn make_room(&mut self) {
        self.g.resize(self.w.len(), Block::default());
    }

    /// The sum of the squares of the gradient that was kept.
    pub fn squares(&self) -> f64 {
        squares(self.g.as_flattened())
    }

    /// A step along the gradient that was kept, as [`descend`](Self::descend) takes it.
    #[inline(always)]
    pub fn descend_along<S: Simd>(&mut self, s: S, sgd: Sgd) {
        let v = self.moments.first_mut().map(|moment| moment.as_flattened_mut());
        descend_along(s, sgd, self.w.as_flattened_mut(), v, self.g.as_flattened());
        self.transpose();
    }

    /// A step along the gradient that was kept, times a factor.
    #[inline(always)]
    pub fn advance<S: Simd>(&mut self, s: S, step: &Step, factor: f32) {
        let mut moments = self.moments.iter_mut().map(|moment| moment.as_flattened_mut());
        let moments = [moments.next(), moments.next()];
        advance(s, step, factor, self.w.as_flattened_mut(), moments, self.g.as_flattened());
        self.transpose();
    }

    /// Brings the transpose up to date.
    #[inline(always)]
    fn transpose(&mut self) {
        for (n, column) in self.w_t.chunks_exact_mut(self.height.max(1)).enumerate() {
            for (k, block) in column.iter_mut().enumerate() {
                *block = transposed(&self.w[k * self.width + n]);
            }
        }
    }

    /// Writes the slab's weights into the layer's.
    pub fn read(&self, w: &mut Tensor) {
        self.copy(&self.w, w);
    }

    /// As [`read`](Self::read), one of the moments.
    pub fn read_moment(&self, index: usize, moment: &mut Tensor) {
        self.copy(&self.moments[index], moment);
    }

    /// As [`read`](Self::read), the gradient that was kept.
    pub fn read_gradient(&self, gradient: &mut Tensor) {
        self.copy(&self.g, gradient);
    }

    fn copy(&self, blocks: &[Block], matrix: &mut Tensor) {
        let outs = matrix.cols();
        let rows = matrix.data_mut().chunks_mut(outs).skip(self.first * WIDTH).take(self.height * WIDTH);
        for (r, row) in rows.enumerate() {
            for (values, block) in row.chunks_mut(WIDTH).zip(&blocks[r / WIDTH * self.width..]) {
                values.copy_from_slice(&block[r % WIDTH].0[..values.len()]);
            }
        }
    }

    /// Takes the slab's rows of the layer's weights, and of their moments: zero if there are none.
    pub fn set<'a>(&mut self, w: &Tensor, moments: impl Iterator<Item = &'a Tensor>) {
        let take = self.taker();
        take(&mut self.w, w);
        self.moments.iter_mut().for_each(|own| own.fill(Block::default()));
        self.moments.iter_mut().zip(moments).for_each(|(own, given)| take(own, given));
        self.transpose();
    }

    /// Takes the slab's rows of the gradient.
    pub fn set_gradient(&mut self, gradient: &Tensor) {
        self.make_room();
        let take = self.taker();
        take(&mut self.g, gradient);
    }

    /// Copies the slab's rows of a layer's matrix into blocks.
    fn taker(&self) -> impl Fn(&mut [Block], &Tensor) + use<> {
        let (first, rows, width) = (self.first * WIDTH, self.height * WIDTH, self.width);
        move |blocks, matrix| {
            // The padding too: a training that diverged has left what is no number there.
            blocks.fill(Block::default());
            for (r, row) in matrix.data().chunks(matrix.cols()).skip(first).take(rows).enumerate() {
                for (values, block) in row.chunks(WIDTH).zip(&mut blocks[r / WIDTH * width..]) {
                    block[r % WIDTH].0[..values.len()].copy_from_slice(values);
                }
            }
        }
    }
}

impl Bias {
    pub fn zeros(outs: usize, kept: Kept) -> Self {
        let b = vec![Line::default(); outs.div_ceil(WIDTH)];
        let (moments, g) = kept.of(&b);
        Self { moments, g, b }
    }

    /// A step along the gradient, which is a sum over the threads' samples.
    #[inline(always)]
    pub fn descend<'a, S: Simd>(&mut self, s: S, sgd: Sgd, terms: impl Iterator<Item = &'a [Line]> + Clone) {
        for (j, b) in self.b.iter_mut().enumerate() {
            let g = terms.clone().fold(f32x16::splat(s, 0.0), |g, term| g + load(s, &term[j]));
            descend(s, sgd, g, b, self.moments.first_mut().map(|v| &mut v[j]));
        }
    }

    /// Keeps the gradient, for [`advance`](Self::advance).
    #[inline(always)]
    pub fn differentiate<'a, S: Simd>(&mut self, s: S, terms: impl Iterator<Item = &'a [Line]> + Clone) {
        for (j, g) in self.g.iter_mut().enumerate() {
            let sum = terms.clone().fold(f32x16::splat(s, 0.0), |g, term| g + load(s, &term[j]));
            sum.store_array(&mut g.0);
        }
    }

    /// Makes room for a gradient, unless there is some.
    pub fn make_room(&mut self) {
        self.g.resize(self.b.len(), Line::default());
    }

    /// The sum of the squares of the gradient that was kept.
    pub fn squares(&self) -> f64 {
        squares(&self.g)
    }

    /// A step along the gradient that was kept, as [`descend`](Self::descend) takes it.
    #[inline(always)]
    pub fn descend_along<S: Simd>(&mut self, s: S, sgd: Sgd) {
        let v = self.moments.first_mut().map(Vec::as_mut_slice);
        descend_along(s, sgd, &mut self.b, v, &self.g);
    }

    /// A step along the gradient that was kept, times a factor.
    #[inline(always)]
    pub fn advance<S: Simd>(&mut self, s: S, step: &Step, factor: f32) {
        let mut moments = self.moments.iter_mut().map(Vec::as_mut_slice);
        let moments = [moments.next(), moments.next()];
        advance(s, step, factor, &mut self.b, moments, &self.g);
    }

    /// Writes the biases.
    pub fn read(&self, b: &mut Tensor) {
        copy(&self.b, b);
    }

    /// Writes the gradient that was kept.
    pub fn read_gradient(&self, gradient: &mut Tensor) {
        copy(&self.g, gradient);
    }

    /// Writes one of the moments.
    pub fn read_moment(&self, index: usize, moment: &mut Tensor) {
        copy(&self.moments[index], moment);
    }

    /// Takes the biases, and their moments: zero if there are none.
    pub fn set<'a>(&mut self, b: &Tensor, moments: impl Iterator<Item = &'a Tensor>) {
        take(&mut self.b, b);
        self.moments.iter_mut().for_each(|own| own.fill(Line::default()));
        self.moments.iter_mut().zip(moments).for_each(|(own, given)| take(own, given));
    }

    /// Takes the gradient.
    pub fn set_gradient(&mut self, gradient: &Tensor) {
        self.make_room();
        take(&mut self.g, gradient);
    }
}

/// A step along g, line by line.
#[inline(always)]
fn descend_along<S: Simd>(s: S, sgd: Sgd, w: &mut [Line], v: Option<&mut [Line]>, g: &[Line]) {
    let mut v = v.map(|v| v.iter_mut());
    for (w, g) in w.iter_mut().zip(g) {
        descend(s, sgd, load(s, g), w, v.as_mut().and_then(Iterator::next));
    }
}

fn take(lines: &mut [Line], values: &Tensor) {
    lines.fill(Line::default());
    for (values, line) in values.data().chunks(WIDTH).zip(lines) {
        line.0[..values.len()].copy_from_slice(values);
    }
}

fn copy(lines: &[Line], values: &mut Tensor) {
    for (values, line) in values.data_mut().chunks_mut(WIDTH).zip(lines) {
        values.copy_from_slice(&line.0[..values.len()]);
    }
}
