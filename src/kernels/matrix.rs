//! Matrices on the device, cut into blocks of 4 x 4.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Slice};

/// Rows and columns of a block.
pub(super) const BLOCK: usize = 4;

/// Where a binding may begin: at a multiple of so many bytes, WebGPU's largest.
const ALIGNMENT: u64 = 256;

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// As it is.
    F32,
    /// A byte b for the value b / 255: the pixels of a batch.
    Byte,
}

impl Element {
    pub(super) fn size(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::Byte => 1,
        }
    }
}

/// Where each value of a matrix lies in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Rows that count.
    pub rows: usize,
    /// Columns that count.
    pub cols: usize,
    /// Blocks from top to bottom.
    pub row_blocks: usize,
    /// Blocks from left to right, all of them.
    pub col_blocks: usize,
    /// How values are stored.
    pub element: Element,
}

impl Layout {
    /// A batch that enters a layer or leaves it: one column block more than `cols` needs, for the constant 1.
    pub fn activations(rows: usize, cols: usize) -> Self {
        let (row_blocks, col_blocks) = (rows.div_ceil(BLOCK), cols.div_ceil(BLOCK) + 1);
        Self { rows, cols, row_blocks, col_blocks, element: Element::F32 }
    }

    /// As [`activations`](Self::activations), of bytes: a batch that enters the first layer.
    pub fn images(rows: usize, cols: usize) -> Self {
        Self { element: Element::Byte, ..Self::activations(rows, cols) }
    }

    /// The weights of a layer with its bias: one row block more than `ins` needs.
    pub fn weights(ins: usize, outs: usize) -> Self {
        let (row_blocks, col_blocks) = (ins.div_ceil(BLOCK) + 1, outs.div_ceil(BLOCK));
        Self { rows: ins, cols: outs, row_blocks, col_blocks, element: Element::F32 }
    }

    /// Values in a row, padding included.
    pub fn stride(&self) -> usize {
        self.stride_blocks() * BLOCK
    }

    /// Blocks in a row, padding included: rows of bytes are padded to 16 bytes, so that 16 rows begin where a binding
    /// may.
    pub(super) fn stride_blocks(&self) -> usize {
        match self.element {
            Element::F32 => self.col_blocks,
            Element::Byte => self.col_blocks.next_multiple_of(BLOCK),
        }
    }

    /// Values in all, padding included.
    pub fn len(&self) -> usize {
        self.row_blocks * BLOCK * self.stride()
    }

    /// Whether there are no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in all, padding included.
    pub fn size(&self) -> u64 {
        (self.len() * self.element.size()) as u64
    }

    /// Row-major values, padded; rows that are not given are zero. The extra column block gets its constant.
    pub fn pack_activations(&self, values: &[f32]) -> Vec<f32> {
        let mut packed = self.pack(values);
        for row in packed.chunks_mut(self.stride()) {
            row[self.stride() - BLOCK] = 1.0;
        }
        packed
    }

    /// Row-major weights and the bias, padded.
    pub fn pack_weights(&self, w: &[f32], b: &[f32]) -> Vec<f32> {
        let mut packed = self.pack(w);
        let bias = self.bias_offset();
        packed[bias..bias + b.len()].copy_from_slice(b);
        packed
    }

    fn pack(&self, values: &[f32]) -> Vec<f32> {
        let mut packed = vec![0.0; self.len()];
        for (row, values) in packed.chunks_mut(self.stride()).zip(values.chunks(self.cols)) {
            row[..self.cols].copy_from_slice(values);
        }
        packed
    }

    /// The values that count, row-major.
    pub fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        packed.chunks(self.stride()).take(self.rows).flat_map(|row| &row[..self.cols]).copied().collect()
    }

    /// The bias among packed weights.
    pub fn unpack_bias(&self, packed: &[f32]) -> Vec<f32> {
        let bias = self.bias_offset();
        packed[bias..bias + self.cols].to_vec()
    }

    fn bias_offset(&self) -> usize {
        (self.row_blocks - 1) * BLOCK * self.stride()
    }
}

/// A matrix in device memory: a buffer, or a part of one, and its layout. Or one of each of several networks, equally far
/// apart.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Where the values lie, of one network.
    pub layout: Layout,
    buffer: Buffer,
    /// In bytes, that of network 0.
    offset: u64,
    /// Bytes from one network's to the next's.
    apart: u64,
    /// Whose it is.
    networks: Arc<[u32]>,
}

impl Matrix {
    /// A matrix in a buffer of its own, all values zero.
    ///
    /// # Errors
    /// As [`Gpu::alloc`].
    pub fn zeros(gpu: &Gpu, label: &str, layout: Layout) -> Result<Self> {
        Ok(Self::within(&gpu.alloc(label, layout.size())?, 0, layout))
    }

    /// A matrix in a buffer of its own that holds packed values.
    ///
    /// # Errors
    /// As [`Gpu::alloc`], and [`Error::Shape`] if there are more or fewer values than the layout has.
    pub fn upload(gpu: &Gpu, label: &str, layout: Layout, packed: &[f32]) -> Result<Self> {
        let matrix = Self::zeros(gpu, label, layout)?;
        matrix.write(gpu, packed)?;
        Ok(matrix)
    }

    /// `rows` rows of a batch, from row `first` on, which is a multiple of 16 so that bindings may begin there.
    pub fn rows(&self, first: usize, rows: usize) -> Self {
        let layout = Layout { rows, row_blocks: rows.div_ceil(BLOCK), ..self.layout };
        let offset = self.offset + (first * self.row_size()) as u64;
        Self { layout, offset, ..self.clone() }
    }

    /// The part of a buffer that begins at `offset`, a multiple of 256 bytes.
    pub fn within(buffer: &Buffer, offset: u64, layout: Layout) -> Self {
        Self { layout, buffer: buffer.clone(), offset, apart: 0, networks: Arc::new([0]) }
    }

    /// Those of several networks, of which this is that of network 0.
    pub fn of(&self, networks: &Arc<[u32]>) -> Self {
        Self { networks: networks.clone(), ..self.clone() }
    }

    /// The same of batches that lie one below the other in a larger one, so many rows apart, of which this is network 0's.
    pub fn every(&self, rows: usize, networks: &Arc<[u32]>) -> Self {
        Self { apart: (rows * self.row_size()) as u64, ..self.of(networks) }
    }

    /// That of one network, as if there were no other.
    pub fn alone(&self, network: usize) -> Self {
        Self::within(&self.buffer, self.offset + network as u64 * self.apart, self.layout)
    }

    /// Whose it is.
    pub(super) fn networks(&self) -> &Arc<[u32]> {
        &self.networks
    }

    /// Rows from one network's to the next's, if these are whole rows.
    pub(super) fn rows_apart(&self) -> Option<usize> {
        let apart = self.apart as usize;
        apart.is_multiple_of(self.row_size()).then(|| apart / self.row_size())
    }

    /// `vec4`s from one network's to the next's.
    pub(super) fn blocks_apart(&self) -> u32 {
        (self.apart / size_of::<[f32; BLOCK]>() as u64) as u32
    }

    /// Bytes of a row.
    fn row_size(&self) -> usize {
        self.layout.stride() * self.layout.element.size()
    }

    /// Overwrites all packed values.
    ///
    /// # Errors
    /// [`Error::Shape`] if the layout's values are more or fewer, or no f32s.
    pub fn write(&self, gpu: &Gpu, packed: &[f32]) -> Result<()> {
        let size = size_of_val(packed) as u64;
        if (packed.len(), size) != (self.layout.len(), self.layout.size()) {
            return Err(Error::shape("bytes of a packed matrix", self.layout.size(), size));
        }
        gpu.write(&self.buffer, self.offset, packed);
        Ok(())
    }

    /// Bytes of a buffer that holds matrices of these layouts.
    pub fn size_together(layouts: impl IntoIterator<Item = Layout>) -> u64 {
        layouts.into_iter().map(|layout| layout.size().next_multiple_of(ALIGNMENT)).sum()
    }

    /// Matrices in one buffer, all values zero, and the same again for each of so many networks.
    ///
    /// # Errors
    /// As [`Gpu::alloc`].
    pub fn zeros_together(gpu: &Gpu, label: &str, layouts: &[Layout], networks: usize) -> Result<Vec<Self>> {
        let mut end = 0;
        let place = |layout: &Layout| {
            let offset = end;
            end += layout.size().next_multiple_of(ALIGNMENT);
            (offset, *layout)
        };
        let places: Vec<(u64, Layout)> = layouts.iter().map(place).collect();
        let buffer = gpu.alloc(label, end * networks as u64)?;
        let apart = if networks > 1 { end } else { 0 };
        let matrix = |(offset, layout)| Self { apart, ..Self::within(&buffer, offset, layout) };
        Ok(places.into_iter().map(matrix).collect())
    }

    /// The whole buffer that matrices lie in.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are none, or they lie in several.
    pub(super) fn shared_by<'a>(
        what: &str,
        matrices: impl IntoIterator<Item = &'a Self>,
    ) -> Result<Slice<'a>> {
        let mut matrices = matrices.into_iter();
        let first = matrices.next().map(|matrix| &matrix.buffer);
        match first.filter(|&first| matrices.all(|matrix| matrix.buffer == *first)) {
            Some(buffer) => Ok(buffer.whole()),
            None => Err(Error::shape(format!("{what}: buffers"), 1, "several")),
        }
    }

    /// The number of the `vec4` of its buffer at which it begins.
    pub(super) fn first_block(&self) -> u32 {
        (self.offset / size_of::<[f32; BLOCK]>() as u64) as u32
    }

    /// All packed values.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub async fn read(&self, gpu: &Gpu) -> Result<Vec<f32>> {
        gpu.read_slice(self.slice()).await
    }

    /// What kernels bind: from network 0's to the end of the last one's.
    pub fn slice(&self) -> Slice<'_> {
        let last = self.networks.iter().max().map_or(0, |&network| u64::from(network));
        self.buffer.slice(self.offset, last * self.apart + self.layout.size())
    }
}
