//! A step along a gradient that is there already: the host of `optimizer.wgsl`.

use super::dispatch::fold;
use super::matrix::Matrix;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Launch, Shader, Slice, Work};

pub(super) const SHADER: Shader =
    Shader { name: "optimizer", source: include_str!("../../shaders/optimizer.wgsl") };

/// The kernel of `optimizer.wgsl`.
pub struct Advance {
    kernel: Kernel,
}

impl Advance {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self { kernel: Kernel::new(gpu, SHADER, "advance").await? })
    }

    /// A step of w along g by the rule and the numbers of the [`Step`](crate::step::optimizer::Step) in `step`, which may change
    /// from submission to submission. The moments are of w's shape, or, those that the rule does not keep, any buffer of
    /// a `vec4` or more.
    ///
    /// # Errors
    /// [`Error::Shape`] if g is not of w's shape.
    pub fn launch(
        &self,
        gpu: &Gpu,
        step: Slice<'_>,
        g: &Matrix,
        w: &Matrix,
        moments: &[Matrix; 2],
    ) -> Result<Launch> {
        if g.layout != w.layout {
            return Err(Error::shape("optimizer: gradient", w.layout, g.layout));
        }
        let buffers = [g.slice(), w.slice(), moments[0].slice(), moments[1].slice()];
        let bound = self.kernel.bind_to(gpu, step, &buffers)?;
        let invocations = w.layout.len().div_ceil(4);
        let workgroups = fold(invocations.div_ceil(self.kernel.workgroup_size()[0] as usize));
        let bytes = buffers.iter().map(Slice::size).sum();
        let work = Work { shape: vec![w.layout.rows, w.layout.cols], flops: 0, bytes };
        Ok(bound.launch(workgroups).doing(work))
    }
}
