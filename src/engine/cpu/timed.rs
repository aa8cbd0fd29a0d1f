//! The matrix products of a step one by one, for timing them: the engine's own, over matrices of their
//! own, split over the threads as the engine splits them.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use super::lines::{Panels, share};
use super::product::Term;
use super::weights::{Kept, Slab};
use crate::step::Sgd;

/// Which of a layer's three products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKind {
    /// z += x · w, by rows of z.
    Forward,
    /// dx += dz · wᵀ, by rows of dx.
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

/// A product of one layer.
pub struct Product {
    kind: ProductKind,
    shape: [usize; 3],
    level: Level,
    /// Each thread's rows of w.
    slabs: Vec<Slab>,
    /// Each thread's rows of the layer's input and of its output, or of the gradients by them.
    rows: Vec<[Panels; 2]>,
}

impl Product {
    /// A product of a layer of `ins` inputs and `outs` outputs, for a batch of `rows`.
    pub fn new(kind: ProductKind, [rows, ins, outs]: [usize; 3]) -> Self {
        let threads = rayon::current_num_threads();
        let backward = kind == ProductKind::Backward;
        let panels = |index: usize, columns: usize| {
            let rows = share(rows, index, threads).len();
            let mut panels = Panels::zeros(rows, columns);
            panels.set_rows(rows);
            let values: Vec<f32> = (0..columns).map(|c| (c % 17) as f32 / 17.0 - 0.5).collect();
            (0..rows).for_each(|row| panels.write_row(row, &values));
            panels
        };
        Self {
            kind,
            shape: [rows, ins, outs],
            level: Level::new(),
            slabs: (0..threads).map(|i| Slab::zeros((ins, outs), Kept::NONE, backward, i, threads)).collect(),
            rows: (0..threads).map(|index| [panels(index, ins), panels(index, outs)]).collect(),
        }
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
        let (level, slabs, rows) = (self.level, &mut self.slabs, &mut self.rows);
        match self.kind {
            ProductKind::Forward => rows.par_iter_mut().with_max_len(1).for_each(|[x, z]| {
                slabs.iter().for_each(|slab| dispatch!(level, s => slab.add_forward(s, x, z)));
            }),
            ProductKind::Backward => rows.par_iter_mut().with_max_len(1).for_each(|[dx, dz]| {
                slabs.iter().for_each(|slab| dispatch!(level, s => slab.add_backward(s, dz, dx)));
            }),
            ProductKind::Update => slabs.par_iter_mut().with_max_len(1).for_each(|slab| {
                let sgd = Sgd { lr: 1e-6, momentum: 0.0, weight_decay: 0.0 };
                let terms = rows.iter().map(
                    #[inline(always)]
                    |[x, dz]| Term { x, dz },
                );
                dispatch!(level, s => slab.descend(s, sgd, terms));
            }),
        }
    }
}
