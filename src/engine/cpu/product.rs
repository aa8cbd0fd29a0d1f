//! The two matrix products of training, in tiles that stay in registers.
//!
//! A tile is M rows by V lines of the result. For every term of its sum it loads V lines of one operand, takes M
//! numbers of the other, and does M · V multiply-adds: with AVX-512 24 for 11 loads, with AVX2, where a line is two
//! registers, 12 for 8. Where it is four, of 16 registers (SSE, WebAssembly), two rows leave room for everything; four would spill.
//! Operands are read as they lie; nothing is packed or copied.

use fearless_simd::{Simd, f32x16, prelude::*};

use super::lines::{Block, Line, Panels, WIDTH};
use crate::step::Sgd;

/// The sums of a tile.
type Tile<S, const M: usize, const V: usize> = [[f32x16<S>; V]; M];

/// Samples, the input of a layer and the gradient by its output.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    pub x: &'a Panels,
    pub dz: &'a Panels,
}

/// Weights of some input lines, block by block `[input line][output line]`, and their velocities if there is momentum.
pub(super) struct Target<'a> {
    pub w: &'a mut [Block],
    pub v: Option<&'a mut [Block]>,
    /// The first of the input lines.
    pub first: usize,
    /// Output lines.
    pub width: usize,
}

/// Rows of weights in blocks, `[input line][output line]`.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub blocks: &'a [Block],
    /// The first of the input lines: the panel of x that the first row of blocks is multiplied with.
    pub first: usize,
    /// Output lines.
    pub width: usize,
}

/// `out += x · w`, into the panels of out from `at`.
#[inline(always)]
pub(super) fn add_product<S: Simd>(s: S, x: &Panels, w: Weights<'_>, out: &mut Panels, at: usize) {
    let mut n = 0;
    while n < w.width {
        n += match lines_of_tile::<S>(w.width - n) {
            3 => add_columns::<S, 3>(s, x, w, n, out, at + n),
            2 => add_columns::<S, 2>(s, x, w, n, out, at + n),
            _ => add_columns::<S, 1>(s, x, w, n, out, at + n),
        };
    }
}

/// `w -= lr · (xᵀ · dz + weight_decay · w)`, or the same with momentum; the product is summed over the terms.
#[inline(always)]
pub(super) fn descend_product<'a, S: Simd>(
    s: S,
    sgd: Sgd,
    terms: impl Iterator<Item = Term<'a>> + Clone,
    mut target: Target<'_>,
) {
    let mut n = 0;
    while n < target.width {
        n += match lines_of_tile::<S>(target.width - n) {
            3 => descend_columns::<S, 3>(s, sgd, terms.clone(), &mut target, n),
            2 => descend_columns::<S, 2>(s, sgd, terms.clone(), &mut target, n),
            _ => descend_columns::<S, 1>(s, sgd, terms.clone(), &mut target, n),
        };
    }
}

/// One step of gradient descent along g.
#[inline(always)]
pub(super) fn descend<S: Simd>(s: S, sgd: Sgd, g: f32x16<S>, w: &mut Line, v: Option<&mut Line>) {
    let Sgd { lr, momentum, weight_decay } = sgd;
    let old = load(s, w);
    match v {
        None => g.mul_add(f32x16::splat(s, -lr), old * (1.0 - lr * weight_decay)).store_array(&mut w.0),
        Some(v) => {
            let g = old.mul_add(f32x16::splat(s, weight_decay), g);
            let velocity = load(s, v).mul_add(f32x16::splat(s, momentum), g);
            velocity.store_array(&mut v.0);
            velocity.mul_add(f32x16::splat(s, -lr), old).store_array(&mut w.0);
        }
    }
}

#[inline(always)]
pub(super) fn load<S: Simd>(s: S, line: &Line) -> f32x16<S> {
    f32x16::load_array_ref(s, &line.0)
}

/// Whether a line is one register, of which there are 32 then; otherwise there is only room for tiles one line wide.
#[inline(always)]
fn wide<S: Simd>() -> bool {
    S::f32s::LEN == WIDTH
}

/// Lines of the next tile where some are left: three, and at the end no single one, if it can be helped.
#[inline(always)]
fn lines_of_tile<S: Simd>(left: usize) -> usize {
    match left {
        1 => 1,
        2 | 4 if wide::<S>() => 2,
        _ if wide::<S>() => 3,
        _ => 1,
    }
}

/// Rows of the next tile where some are left: as many as there are registers for, and at the end rather four than
/// single ones.
#[inline(always)]
fn rows_of_tile<S: Simd>(left: usize) -> usize {
    match (S::f32s::LEN, left) {
        (16, 8..) => 8,
        (8, 6 | 7 | 10..) => 6,
        (4, 2..) if cfg!(not(target_arch = "aarch64")) => 2,
        (_, 4..) => 4,
        _ => 1,
    }
}

/// `add_product` for V panels of the result, from panel `at`, and lines `n..n + V` of w's rows; returns V.
#[inline(always)]
fn add_columns<S: Simd, const V: usize>(
    s: S,
    x: &Panels,
    w: Weights<'_>,
    n: usize,
    out: &mut Panels,
    at: usize,
) -> usize {
    let mut out = out.columns_mut::<V>(at);
    let (mut r, rows) = (0, x.rows());
    while r < rows {
        r += match rows_of_tile::<S>(rows - r) {
            8 => s.vectorize(
                #[inline(always)]
                || add_tile::<S, 8, V>(s, x, w, n, r, &mut out),
            ),
            6 => s.vectorize(
                #[inline(always)]
                || add_tile::<S, 6, V>(s, x, w, n, r, &mut out),
            ),
            4 => s.vectorize(
                #[inline(always)]
                || add_tile::<S, 4, V>(s, x, w, n, r, &mut out),
            ),
            2 => s.vectorize(
                #[inline(always)]
                || add_tile::<S, 2, V>(s, x, w, n, r, &mut out),
            ),
            _ => s.vectorize(
                #[inline(always)]
                || add_tile::<S, 1, V>(s, x, w, n, r, &mut out),
            ),
        };
    }
    V
}

/// Rows `r..r + M`; returns M.
#[inline(always)]
fn add_tile<S: Simd, const M: usize, const V: usize>(
    s: S,
    x: &Panels,
    w: Weights<'_>,
    n: usize,
    r: usize,
    out: &mut [&mut [Line]; V],
) -> usize {
    let mut sums: Tile<S, M, V> = std::array::from_fn(
        #[inline(always)]
        |m| {
            std::array::from_fn(
                #[inline(always)]
                |v| load(s, &out[v][r + m]),
            )
        },
    );
    let w_first = w.first;
    for (k, w) in w.blocks.chunks_exact(w.width).enumerate() {
        let (x, w) = (&x.panel(w_first + k)[r..r + M], &w[n..n + V]);
        for i in 0..WIDTH {
            let w: [f32x16<S>; V] = std::array::from_fn(
                #[inline(always)]
                |v| load(s, &w[v][i]),
            );
            for m in 0..M {
                add_multiple(s, &mut sums[m], x[m].0[i], &w);
            }
        }
    }
    for v in 0..V {
        for m in 0..M {
            sums[m][v].store_array(&mut out[v][r + m].0);
        }
    }
    M
}

/// `descend_product` for output lines `n..n + V`; returns V.
#[inline(always)]
fn descend_columns<'a, S: Simd, const V: usize>(
    s: S,
    sgd: Sgd,
    terms: impl Iterator<Item = Term<'a>> + Clone,
    target: &mut Target<'_>,
    n: usize,
) -> usize {
    for (k, w) in target.w.chunks_exact_mut(target.width).enumerate() {
        let w = &mut w[n..n + V];
        let mut v = target.v.as_mut().map(|v| &mut v[k * target.width + n..][..V]);
        let line = target.first + k;
        let mut i = 0;
        while i < WIDTH {
            let (terms, v) = (terms.clone(), v.as_deref_mut());
            i += match rows_of_tile::<S>(WIDTH - i) {
                8 => s.vectorize(
                    #[inline(always)]
                    || descend_tile::<S, 8, V>(s, sgd, terms, (line, n), i, w, v),
                ),
                6 => s.vectorize(
                    #[inline(always)]
                    || descend_tile::<S, 6, V>(s, sgd, terms, (line, n), i, w, v),
                ),
                2 => s.vectorize(
                    #[inline(always)]
                    || descend_tile::<S, 2, V>(s, sgd, terms, (line, n), i, w, v),
                ),
                _ => s.vectorize(
                    #[inline(always)]
                    || descend_tile::<S, 4, V>(s, sgd, terms, (line, n), i, w, v),
                ),
            };
        }
    }
    V
}

/// Rows `i..i + M` of V blocks, those of input line `at.0` and output lines from `at.1`; returns M.
#[inline(always)]
fn descend_tile<'a, S: Simd, const M: usize, const V: usize>(
    s: S,
    sgd: Sgd,
    terms: impl Iterator<Item = Term<'a>>,
    at: (usize, usize),
    i: usize,
    w: &mut [Block],
    mut velocity: Option<&mut [Block]>,
) -> usize {
    let mut sums: Tile<S, M, V> = [[f32x16::splat(s, 0.0); V]; M];
    for Term { x, dz } in terms {
        let x = x.panel(at.0);
        let dz: [&[Line]; V] = std::array::from_fn(
            #[inline(always)]
            |v| &dz.panel(at.1 + v)[..x.len()],
        );
        for r in 0..x.len() {
            let dz: [f32x16<S>; V] = std::array::from_fn(
                #[inline(always)]
                |v| load(s, &dz[v][r]),
            );
            let x = &x[r].0[i..i + M];
            for m in 0..M {
                add_multiple(s, &mut sums[m], x[m], &dz);
            }
        }
    }
    for m in 0..M {
        for v in 0..V {
            let velocity = velocity.as_mut().map(|block| &mut block[v][i + m]);
            descend(s, sgd, sums[m][v], &mut w[v][i + m], velocity);
        }
    }
    M
}

/// `sums += a · lines`
#[inline(always)]
fn add_multiple<S: Simd, const V: usize>(s: S, sums: &mut [f32x16<S>; V], a: f32, lines: &[f32x16<S>; V]) {
    let a = f32x16::splat(s, a);
    for v in 0..V {
        sums[v] = a.mul_add(lines[v], sums[v]);
    }
}
