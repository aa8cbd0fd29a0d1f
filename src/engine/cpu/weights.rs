//! The parameters, as the products read them: weights cut over the threads by their rows, biases whole.

use fearless_simd::{Simd, f32x16, prelude::*};

use super::lines::{Block, Line, Panels, WIDTH, share, transposed};
use super::product::{Target, Term, Weights, add_product, descend, descend_product, load};
use crate::kernels::Sgd;
use crate::model::MlpSpec;
use crate::tensor::Tensor;

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
    /// Velocities, if there is momentum.
    v: Option<Vec<Block>>,
}

/// A layer's biases, and their velocities if there is momentum.
pub(super) struct Bias {
    pub b: Vec<Line>,
    v: Option<Vec<Line>>,
}

impl Slab {
    /// Thread `index`'s part of every layer, all zero.
    pub fn of_layers(spec: &MlpSpec, momentum: bool, index: usize, threads: usize) -> Vec<Self> {
        let slab = |(layer, sizes)| Self::zeros(sizes, momentum, layer > 0, index, threads);
        spec.layers().enumerate().map(slab).collect()
    }

    /// Thread `index`'s part of the weights of a layer `(in, out)`, all zero; with the transpose if there is to be a
    /// gradient by the input.
    pub fn zeros(
        (ins, outs): (usize, usize),
        momentum: bool,
        backward: bool,
        index: usize,
        threads: usize,
    ) -> Self {
        let (lines, width) = (share(ins.div_ceil(WIDTH), index, threads), outs.div_ceil(WIDTH));
        let w = vec![Block::default(); lines.len() * width];
        let w_t = if backward { w.clone() } else { Vec::new() };
        Self { first: lines.start, height: lines.len(), width, w_t, v: momentum.then(|| w.clone()), w }
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
        let (w, v) = (self.w.as_mut_slice(), self.v.as_deref_mut());
        descend_product(s, sgd, terms, Target { w, v, first: self.first, width: self.width });
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

    /// As [`read`](Self::read), the velocities; nothing without momentum.
    pub fn read_velocity(&self, v: &mut Tensor) {
        self.v.iter().for_each(|blocks| self.copy(blocks, v));
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

    /// Takes the slab's rows of the layer's weights, and of its velocities if there is momentum.
    pub fn set(&mut self, w: &Tensor, v: &Tensor) {
        let (first, rows, width) = (self.first * WIDTH, self.height * WIDTH, self.width);
        let take = |blocks: &mut Vec<Block>, matrix: &Tensor| {
            for (r, row) in matrix.data().chunks(matrix.cols()).skip(first).take(rows).enumerate() {
                for (values, block) in row.chunks(WIDTH).zip(&mut blocks[r / WIDTH * width..]) {
                    block[r % WIDTH].0[..values.len()].copy_from_slice(values);
                }
            }
        };
        take(&mut self.w, w);
        self.v.iter_mut().for_each(|blocks| take(blocks, v));
        self.transpose();
    }
}

impl Bias {
    pub fn zeros(outs: usize, momentum: bool) -> Self {
        let b = vec![Line::default(); outs.div_ceil(WIDTH)];
        Self { v: momentum.then(|| b.clone()), b }
    }

    /// A step along the gradient, which is a sum over the threads' samples.
    #[inline(always)]
    pub fn descend<'a, S: Simd>(&mut self, s: S, sgd: Sgd, terms: impl Iterator<Item = &'a [Line]> + Clone) {
        for (j, b) in self.b.iter_mut().enumerate() {
            let g = terms.clone().fold(f32x16::splat(s, 0.0), |g, term| g + load(s, &term[j]));
            descend(s, sgd, g, b, self.v.as_mut().map(|v| &mut v[j]));
        }
    }

    /// Writes the biases.
    pub fn read(&self, b: &mut Tensor) {
        copy(&self.b, b);
    }

    /// Writes the velocities; nothing without momentum.
    pub fn read_velocity(&self, v: &mut Tensor) {
        self.v.iter().for_each(|lines| copy(lines, v));
    }

    /// Takes the biases, and their velocities if there is momentum.
    pub fn set(&mut self, b: &Tensor, v: &Tensor) {
        let take = |lines: &mut Vec<Line>, values: &Tensor| {
            for (values, line) in values.data().chunks(WIDTH).zip(lines) {
                line.0[..values.len()].copy_from_slice(values);
            }
        };
        take(&mut self.b, b);
        self.v.iter_mut().for_each(|lines| take(lines, v));
    }
}

fn copy(lines: &[Line], values: &mut Tensor) {
    for (values, line) in values.data_mut().chunks_mut(WIDTH).zip(lines) {
        values.copy_from_slice(&line.0[..values.len()]);
    }
}
