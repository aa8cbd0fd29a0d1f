//! The images of a batch, in shuffled order: the host of `gather.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::dispatch::fold;
use super::matrix::{Layout, Matrix};
use crate::error::{Error, Result};
use crate::gpu::{BoundKernel, Buffer, Gpu, Kernel, Launch, Shader, Work};

pub(super) const SHADER: Shader =
    Shader { name: "gather", source: include_str!("../../shaders/gather.wgsl") };

/// Bytes of a `vec4`.
pub(super) const VEC4: usize = 16;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    stride: u32,
    pitch: u32,
    words: u32,
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

    /// Bytes from one image of `features` bytes to the next in `images`, so that each begins at a `vec4`.
    pub fn pitch(features: usize) -> usize {
        features.next_multiple_of(VEC4)
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
        BoundGather::new(gpu, &self.kernel, rows, Self::pitch(x.layout.cols), [images, order], x)
    }
}

/// A gather whose buffers are fixed, and whose number of rows is not.
#[derive(Debug, Clone)]
pub struct BoundGather {
    kernel: BoundKernel,
    /// `vec4`s of a row of x.
    stride: usize,
    workgroup: usize,
    cols: usize,
    /// Read and written for a row.
    bytes: usize,
}

impl BoundGather {
    /// From the samples on the device, so many bytes apart, and their order into x.
    pub(super) fn new(
        gpu: &Gpu,
        kernel: &Kernel,
        rows: usize,
        pitch: usize,
        [samples, order]: [&Buffer; 2],
        x: &Matrix,
    ) -> Result<Self> {
        let (cols, written) = (x.layout.cols, x.layout.stride() * x.layout.element.size());
        let params = Params {
            rows: rows as u32,
            stride: (written / VEC4) as u32,
            pitch: (pitch / VEC4) as u32,
            words: cols.div_ceil(4) as u32,
        };
        let workgroup = kernel.workgroup_size()[0] as usize;
        let kernel = kernel.bind(gpu, &params, &[samples.whole(), order.whole(), x.slice()])?;
        Ok(Self {
            kernel,
            stride: written / VEC4,
            workgroup,
            cols,
            bytes: pitch + written + size_of::<Sample>(),
        })
    }

    /// Gathers the first `rows` rows, no more than were bound.
    pub fn launch(&self, rows: usize) -> Launch {
        let work = Work { shape: vec![rows, self.cols], flops: 0, bytes: (rows * self.bytes) as u64 };
        self.kernel.launch(fold((rows * self.stride).div_ceil(self.workgroup))).doing(work)
    }
}
