//! The matrix products of a step one by one, for whoever wants to time them: the engine's shapes, the engine's way of
//! multiplying, the engine's split over the threads.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Axis};

/// Which of a layer's three products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKind {
    /// z += x · w, by rows of z.
    Forward,
    /// dx = dz · wᵀ, by rows of dx.
    Backward,
    /// w -= lr · xᵀ · dz, by rows of w.
    Update,
}

impl ProductKind {
    /// The name of the kernel that does the same on a GPU.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Update => "update",
        }
    }
}

/// A product c = alpha · a · b + beta · c over matrices of its own.
pub struct Product {
    kind: ProductKind,
    shape: [usize; 3],
    /// As they lie in memory: [`run`](Self::run) transposes what the kind says.
    a: Array2<f32>,
    b: Array2<f32>,
    c: Array2<f32>,
}

impl Product {
    /// A product of a layer of `ins` inputs and `outs` outputs, for a batch of `rows`.
    pub fn new(kind: ProductKind, [rows, ins, outs]: [usize; 3]) -> Self {
        let matrix =
            |shape| Array2::from_shape_fn(shape, |(r, c)| ((r * 7 + c * 13) % 17) as f32 / 17.0 - 0.5);
        let (x, w, z) = ((rows, ins), (ins, outs), (rows, outs));
        let [a, b, c] = match kind {
            ProductKind::Forward => [x, w, z],
            ProductKind::Backward => [z, w, x],
            ProductKind::Update => [x, z, w],
        };
        Self { kind, shape: [rows, ins, outs], a: matrix(a), b: matrix(b), c: Array2::zeros(c) }
    }

    /// Which product it is.
    pub fn kind(&self) -> ProductKind {
        self.kind
    }

    /// Rows of the batch, inputs, outputs.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Multiplications and additions.
    pub fn flops(&self) -> u64 {
        2 * self.shape.iter().product::<usize>() as u64
    }

    /// Multiplies once, on all threads.
    pub fn run(&mut self) {
        let (a, b) = (self.a.view(), self.b.view());
        let (alpha, beta, a, b) = match self.kind {
            ProductKind::Forward => (1.0, 1.0, a, b),
            ProductKind::Backward => (1.0, 0.0, a, b.reversed_axes()),
            ProductKind::Update => (-1e-6, 1.0, a.reversed_axes(), b),
        };
        let part = self.c.nrows().div_ceil(rayon::current_num_threads());
        let pieces = self.c.axis_chunks_iter_mut(Axis(0), part).zip(a.axis_chunks_iter(Axis(0), part));
        let pieces: Vec<_> = pieces.collect();
        pieces.into_par_iter().for_each(|(mut c, a)| general_mat_mul(alpha, &a, &b, beta, &mut c));
    }
}
