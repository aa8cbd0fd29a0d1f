//! Matrices in lines of 16 numbers: one cache line, one AVX-512 register, two of AVX2, four of NEON.
//!
//! Columns are padded to a multiple of 16. Padding is zero and stays zero.

use std::ops::Range;

/// Numbers in a line.
pub(super) const WIDTH: usize = 16;

/// 16 columns of a row.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line(pub [f32; WIDTH]);

/// 16 rows of 16 columns of a matrix of weights.
pub(super) type Block = [Line; WIDTH];

/// A matrix whose rows are samples, cut into panels of 16 columns: `[panel][row]`, so that a product reads its rows
/// 16 columns at a time, and its transpose 16 rows at a time, both without gaps.
pub(super) struct Panels {
    lines: Vec<Line>,
    /// Rows that there is room for, at least 1.
    capacity: usize,
    rows: usize,
}

impl Panels {
    pub fn zeros(capacity: usize, columns: usize) -> Self {
        let capacity = capacity.max(1);
        Self { lines: vec![Line::default(); capacity * columns.div_ceil(WIDTH)], capacity, rows: 0 }
    }

    /// From here on the matrix has this many rows.
    pub fn set_rows(&mut self, rows: usize) {
        assert!(rows <= self.capacity, "{rows} rows where there is room for {}", self.capacity);
        self.rows = rows;
    }

    /// How many rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns `16 index .. 16 (index + 1)` of all rows.
    #[inline(always)]
    pub fn panel(&self, index: usize) -> &[Line] {
        &self.lines[index * self.capacity..][..self.rows]
    }

    /// V panels from the given one, to write to.
    #[inline(always)]
    pub fn columns_mut<const V: usize>(&mut self, first: usize) -> [&mut [Line]; V] {
        let mut panels = self.panels_mut().skip(first);
        std::array::from_fn(|_| panels.next().unwrap_or_default())
    }

    /// All panels, from the left.
    #[inline(always)]
    pub fn panels(&self) -> impl Iterator<Item = &[Line]> + Clone {
        self.lines.chunks_exact(self.capacity).map(|panel| &panel[..self.rows])
    }

    /// As [`panels`](Self::panels), to write to.
    #[inline(always)]
    pub fn panels_mut(&mut self) -> impl Iterator<Item = &mut [Line]> {
        self.lines.chunks_exact_mut(self.capacity).map(|panel| &mut panel[..self.rows])
    }

    /// The first numbers of a row.
    pub fn read_row(&self, row: usize, values: &mut [f32]) {
        for (values, panel) in values.chunks_mut(WIDTH).zip(self.panels()) {
            values.copy_from_slice(&panel[row].0[..values.len()]);
        }
    }

    /// Replaces the first numbers of a row.
    pub fn write_row(&mut self, row: usize, values: &[f32]) {
        for (values, panel) in values.chunks(WIDTH).zip(self.panels_mut()) {
            panel[row].0[..values.len()].copy_from_slice(values);
        }
    }
}

/// The block with rows and columns exchanged.
#[inline(always)]
pub(super) fn transposed(block: &Block) -> Block {
    std::array::from_fn(|j| Line(std::array::from_fn(|i| block[i].0[j])))
}

/// Piece `index` of `0..length` when that is cut into `pieces` that differ by one at most.
pub(super) fn share(length: usize, index: usize, pieces: usize) -> Range<usize> {
    length * index / pieces..length * (index + 1) / pieces
}
