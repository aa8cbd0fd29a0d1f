//! Rows of f32, in shuffled order: the host of `gather_floats.wgsl`.

use super::gather::{BoundGather, VEC4};
use super::matrix::{Layout, Matrix};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Kernel, Shader};

pub(super) const SHADER: Shader =
    Shader { name: "gather_floats", source: include_str!("../../shaders/gather_floats.wgsl") };

/// The kernel of `gather_floats.wgsl`.
pub struct GatherFloats {
    kernel: Kernel,
}

impl GatherFloats {
    pub(super) async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self { kernel: Kernel::new(gpu, SHADER, "gather_floats").await? })
    }

    /// Bytes from one sample of `features` values to the next in `values`, so that each begins at a `vec4`.
    pub fn pitch(features: usize) -> usize {
        (features * size_of::<f32>()).next_multiple_of(VEC4)
    }

    /// x\[i\] = values\[order\[i\]\] for up to `rows` rows; x is laid out as [`Layout::activations`].
    ///
    /// # Errors
    /// [`Error::Shape`] if x is no batch of activations, or the buffers do not fit the kernel.
    pub fn bind(
        &self,
        gpu: &Gpu,
        values: &Buffer,
        order: &Buffer,
        x: &Matrix,
        rows: usize,
    ) -> Result<BoundGather> {
        let wanted = Layout::activations(x.layout.rows, x.layout.cols);
        if x.layout != wanted {
            return Err(Error::shape("gather_floats: x", wanted, x.layout));
        }
        BoundGather::new(gpu, &self.kernel, rows, Self::pitch(x.layout.cols), [values, order], x)
    }
}
