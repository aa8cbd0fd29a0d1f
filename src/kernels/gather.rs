//! The images of a batch, in shuffled order: the host of `gather.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::matrix::BLOCK;
use super::{Layout, Matrix, fold};
use crate::error::{Error, Result};
use crate::gpu::{BoundKernel, Buffer, Gpu, Kernel, Launch, Shader, Work};

pub(super) const SHADER: Shader =
    Shader { name: "gather", source: include_str!("../../shaders/gather.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    rows: u32,
    stride: u32,
    words: u32,
    unused: u32,
}

impl Params {
    pub fn new(rows: usize, stride: usize, words: usize) -> Self {
        Self { rows: rows as u32, stride: stride as u32, words: words as u32, unused: 0 }
    }
}

/// One row of a batch, as the device sees it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Sample {
    /// Position in the data set.
    pub sample: u32,
    /// The right class.
    pub label: u32,
    /// What the row's gradient is multiplied by: 1 / batch size, or 0 for a row of padding.
    pub weight: f32,
    /// Padding to WGSL's size.
    pub unused: u32,
}

impl Sample {
    /// A row that fills a block and counts for nothing.
    pub const PADDING: Self = Self { sample: 0, label: 0, weight: 0.0, unused: 0 };
}

/// The kernel of `gather.wgsl`.
pub struct Gather {
    kernel: Kernel,
}

impl Gather {
    pub(super) async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self { kernel: Kernel::new(gpu, SHADER, "gather").await? })
    }

    /// `u32` words that a row of `features` bytes takes in `images`.
    pub fn words(features: usize) -> usize {
        features.div_ceil(4)
    }

    /// x\[i\] = images\[order\[i\]\] for up to `rows` rows; x is laid out as [`Layout::images`].
    ///
    /// # Errors
    /// [`Error::Shape`] if x is no batch of bytes.
    pub fn bind(
        &self,
        gpu: &Gpu,
        images: &Buffer,
        order: &Buffer,
        x: &Matrix,
        rows: usize,
    ) -> Result<BoundGather> {
        let images_of = Layout::images(x.layout.rows, x.layout.cols);
        if x.layout != images_of {
            return Err(Error::shape("gather: x", images_of, x.layout));
        }
        let params = Params::new(rows, x.layout.stride_blocks(), Self::words(x.layout.cols));
        BoundGather::new(gpu, &self.kernel, &params, [images, order], x)
    }
}

/// A gather whose buffers are fixed, and whose number of rows is not.
#[derive(Debug, Clone)]
pub struct BoundGather {
    kernel: BoundKernel,
    stride: usize,
    workgroup: usize,
    cols: usize,
    /// Read and written for a row.
    bytes: usize,
}

impl BoundGather {
    /// From the samples on the device and their order into x.
    pub(super) fn new(
        gpu: &Gpu,
        kernel: &Kernel,
        params: &Params,
        [samples, order]: [&Buffer; 2],
        x: &Matrix,
    ) -> Result<Self> {
        let workgroup = kernel.workgroup_size()[0] as usize;
        let kernel = kernel.bind(gpu, params, &[samples.whole(), order.whole(), x.slice()])?;
        let (stride, words) = (params.stride as usize, params.words as usize);
        let word = BLOCK * x.layout.element.size();
        let bytes = (words + stride) * word + size_of::<Sample>();
        Ok(Self { kernel, stride, workgroup, cols: x.layout.cols, bytes })
    }

    /// Gathers the first `rows` rows, no more than were bound.
    pub fn launch(&self, rows: usize) -> Launch {
        let work = Work { shape: vec![rows, self.cols], flops: 0, bytes: (rows * self.bytes) as u64 };
        self.kernel.launch(fold((rows * self.stride).div_ceil(self.workgroup))).doing(work)
    }
}
