//! Loss, hits and the gradient by the logits: the host of `softmax_xent.wgsl`.

use bytemuck::{Pod, Zeroable};

use super::matrix::Matrix;
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Kernel, Launch, Shader, Slice, Work};

pub(super) const SHADER: Shader =
    Shader { name: "softmax_xent", source: include_str!("../../shaders/softmax_xent.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    label_smoothing: f32,
    unused0: u32,
    unused1: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    classes: u32,
    stride: u32,
    rows_apart: u32,
    sums_apart: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
    network: [Network; NETWORKS],
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

    /// Adds loss and hits to `sums` and writes the gradient by the logits to dz. Of each label, the network's `label_smoothing`
    /// is spread evenly over all classes. Each network has as many sums as the rows from it to the next need.
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
        label_smoothing: &[f32],
    ) -> Result<Launch> {
        if dz.layout != logits.layout {
            return Err(Error::shape("gradient of the logits", logits.layout, dz.layout));
        }
        let buffers = [logits.slice(), order, sums.whole(), dz.slice()];
        networks_of("gradient of the logits", &[logits, dz])?;
        rows_apart("gradient of the logits", [logits, dz])?;
        self.launch(gpu, &self.train, logits, &buffers, label_smoothing)
    }

    /// Adds loss and hits to `sums`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the buffers do not fit the kernel.
    pub fn evaluate(&self, gpu: &Gpu, logits: &Matrix, order: Slice<'_>, sums: &Buffer) -> Result<Launch> {
        let nothing = vec![0.0; logits.networks().len()];
        self.launch(gpu, &self.evaluate, logits, &[logits.slice(), order, sums.whole()], &nothing)
    }

    fn launch(
        &self,
        gpu: &Gpu,
        kernel: &Kernel,
        logits: &Matrix,
        buffers: &[Slice<'_>],
        label_smoothing: &[f32],
    ) -> Result<Launch> {
        let (what, layout) = ("softmax", logits.layout);
        let (networks, rows_apart) = (networks_of(what, &[logits])?, rows_apart(what, [logits])?);
        let rows = layout.row_blocks * 4;
        let row =
            |index: u32, label_smoothing: f32| Network { index, label_smoothing, unused0: 0, unused1: 0 };
        let params = Params {
            rows: rows as u32,
            classes: layout.cols as u32,
            stride: layout.stride() as u32,
            rows_apart,
            sums_apart: self.sums(rows_apart as usize) as u32,
            network: table(what, networks, label_smoothing, row)?,
            ..Params::zeroed()
        };
        let bytes = buffers.iter().map(Slice::size).sum();
        let work = Work { shape: vec![layout.rows, layout.cols], flops: 0, bytes };
        let workgroups = [self.sums(rows) as u32, 1, networks.len() as u32];
        Ok(kernel.bind(gpu, &params, buffers)?.launch(workgroups).doing(work))
    }
}
