//! Loss, hits and the gradient by the logits: the host of `softmax_xent.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::matrix::{Layout, Matrix};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Kernel, Launch, Shader, Slice, Work};

pub(super) const SHADER: Shader =
    Shader { name: "softmax_xent", source: include_str!("../../shaders/softmax_xent.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    classes: u32,
    stride: u32,
    label_smoothing: f32,
}

/// What one workgroup has added up.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
pub struct Sum {
    /// Σ loss, in nats.
    pub loss: f32,
    /// Rows whose largest logit is the right class's.
    pub hits: u32,
}

/// The kernels of `softmax_xent.wgsl`.
pub struct SoftmaxXent {
    train: Kernel,
    evaluate: Kernel,
}

impl SoftmaxXent {
    pub(super) async fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Self {
            train: Kernel::new(gpu, SHADER, "train").await?,
            evaluate: Kernel::new(gpu, SHADER, "evaluate").await?,
        })
    }

    /// [`Sum`]s that a batch of `rows` adds to.
    pub fn sums(&self, rows: usize) -> usize {
        rows.div_ceil(self.train.workgroup_size()[0] as usize)
    }

    /// Adds loss and hits to `sums` and writes the gradient by the logits to dz. Of each label, `label_smoothing` is
    /// spread evenly over all classes.
    ///
    /// # Errors
    /// [`Error::Shape`] if dz is not of the logits' shape.
    pub fn train(
        &self,
        gpu: &Gpu,
        logits: &Matrix,
        order: Slice<'_>,
        sums: &Buffer,
        dz: &Matrix,
        label_smoothing: f32,
    ) -> Result<Launch> {
        if dz.layout != logits.layout {
            return Err(Error::shape("gradient of the logits", logits.layout, dz.layout));
        }
        let buffers = [logits.slice(), order, sums.whole(), dz.slice()];
        self.launch(gpu, &self.train, logits.layout, &buffers, label_smoothing)
    }

    /// Adds loss and hits to `sums`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the buffers do not fit the kernel.
    pub fn evaluate(&self, gpu: &Gpu, logits: &Matrix, order: Slice<'_>, sums: &Buffer) -> Result<Launch> {
        self.launch(gpu, &self.evaluate, logits.layout, &[logits.slice(), order, sums.whole()], 0.0)
    }

    fn launch(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        logits: Layout,
        buffers: &[Slice<'_>],
        label_smoothing: f32,
    ) -> Result<Launch> {
        let rows = logits.row_blocks * 4;
        let params = Params {
            rows: rows as u32,
            classes: logits.cols as u32,
            stride: logits.stride() as u32,
            label_smoothing,
        };
        let bytes = buffers.iter().map(Slice::size).sum();
        let work = Work { shape: vec![logits.rows, logits.cols], flops: 0, bytes };
        Ok(kernel.bind(gpu, &params, buffers)?.launch([self.sums(rows) as u32, 1, 1]).doing(work))
    }
}
